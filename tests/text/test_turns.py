"""A sentence as its turns."""

import pytest

from dimo.text.turns import turns


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("a person sits down and then waves", ["a person sits down", "a person waves"]),
        ("someone walks forward, then bows", ["someone walks forward", "someone bows"]),
        ("an old person limps ahead then kneels", ["an old person limps ahead", "an old person kneels"]),
        (
            "a person jumps and then he picks something up, then runs away",
            ["a person jumps", "a person picks something up", "a person runs away"],
        ),
        (
            "a person first walks and claps, and then slowly sits down",
            ["a person walks and claps", "a person slowly sits down"],
        ),
        (
            "the man waves the left hand while walking, then stops",
            ["the man waves the left hand while walking", "the man stops"],
        ),
    ],
)
def test_then_begins_a_turn(caption, said):
    assert turns(caption) == said


@pytest.mark.parametrize(
    "caption",
    [
        "a person walks and waves",  # perhaps at once
        "a person walks forward, stops and bows",
        "a person raises the right hand and then the left hand",  # nothing is done in the second turn
        "a person walks with a then broken leg",
        "then",
        "walking and then sitting",
        "",
    ],
)
def test_what_is_no_turn_stays_whole(caption):
    assert turns(caption) == [caption]

"""A sentence as its turns."""

import pytest

from dimo.text.turns import turns


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("a person sits down and then waves", ["a person sits down", "a person waves"]),
        ("the man waves while walking, then bows", ["the man waves while walking", "the man bows"]),
        ("a person runs, then stops, then bows", ["a person runs, then stops", "a person bows"]),
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
        "the man runs and then stops suddenly",  # that is how the run ends
        "then",
        "walking and then sitting",
        "",
    ],
)
def test_what_is_no_turn_stays_whole(caption):
    assert turns(caption) == [caption]


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        (
            "a person jumps, turns around and sits down",
            ["a person jumps", "a person turns around", "a person sits down"],
        ),
        ("the man drinks and he slowly walks away", ["the man drinks", "the man slowly walks away"]),
        ("a person walks and then waves", ["a person walks", "a person waves"]),
        ("a person stands and waves, then bows", ["a person stands and waves", "a person bows"]),
        ("a person bends down and picks something up", ["a person bends down and picks something up"]),
        ("a person bows and straightens up again", ["a person bows and straightens up again"]),
        ("a person walks forward, stops and bows", ["a person walks forward, stops and bows"]),
        ("a person lifts the left hand waves", ["a person lifts the left hand waves"]),
        ("a person walks and waves", ["a person walks and waves"]),
        ("a person walks, waves", ["a person walks", "a person waves"]),
        ("a person walks, and waves", ["a person walks", "a person waves"]),
        ("a person waves with the left and the right hand", ["a person waves with the left and the right hand"]),
        ("a person walks while waving and smiling", ["a person walks while waving and smiling"]),
    ],
)
def test_what_is_listed_is_told_apart_where_that_is_asked_for(caption, said):
    assert turns(caption, listed=True) == said

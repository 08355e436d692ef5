import pytest

from dimo.text.normalise import mirror_words, normalise


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  A person\twalks\n forward . ", "a person walks forward"),
        ("He\u2019s \u201cwaving\u201d \u2014 slowly!", 'he\'s "waving" - slowly'),
        ("\ufeffA per\u200bson \uff37alks", "a person walks"),
        ("a\u00a0step , then a bow", "a step, then a bow"),
        ("Straße ÉLAN", "straße élan"),
        (" ... ", ""),
        ("a\x00b", "a b"),
    ],
)
def test_normalise(text, plain):
    assert normalise(text) == plain
    assert normalise(plain) == plain


PAIRS = [
    ("he waves his left hand", "he waves his right hand"),
    ("turns Left, then RIGHT", "turns Right, then LEFT"),
    ("a left-handed throw to the leftmost cone", "a right-handed throw to the rightmost cone"),
    ("steps leftwards and rightward", "steps rightwards and leftward"),
    ("swings from left to right", "swings from right to left"),
    ("spins clockwise", "spins counterclockwise"),
    ("puts the left one up, the right down", "puts the right one up, the left down"),
    ("the person has left hand on left hip", "the person has right hand on right hip"),
    ("a person turns left and the arms rise", "a person turns right and the arms rise"),
    ("turns right after two steps", "turns left after two steps"),
    ("turns left away from the wall", "turns right away from the wall"),
    ("with a right the boxer strikes", "with a left the boxer strikes"),
    ("walks at a slight left angle", "walks at a slight right angle"),
    ("turns left.", "turns right."),
    ("a lefthanded serve", "a righthanded serve"),
    ("moves in a left-right pattern", "moves in a right-left pattern"),
]


@pytest.mark.parametrize(("text", "mirrored"), PAIRS)
def test_sides_are_exchanged_both_ways(text, mirrored):
    assert mirror_words(text) == mirrored
    assert mirror_words(mirrored) == text


@pytest.mark.parametrize(
    "text",
    [
        "a person stands upright",
        "jumps up right away",
        "comes to stand right there",
        "all right, everything is alright",
        "stops right before the line",
        "a turn at a right angle",
        "he left the room",
        "the person left the stage and bowed",
        "she has left",
        "nothing left to do, then a leftover cleft step",
        "the right way to bow",
        "walks forward brightly",
    ],
)
def test_what_names_no_side_stays(text):
    assert mirror_words(text) == text


@pytest.mark.parametrize("word", ["counterclockwise", "counter-clockwise", "anticlockwise", "anti clockwise"])
def test_against_the_clock(word):
    assert mirror_words(f"spins {word} twice") == "spins clockwise twice"


def test_a_right_angle_to_the_left():
    assert mirror_words("turns at a right angle to the left") == "turns at a right angle to the right"

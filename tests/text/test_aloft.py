import pytest

from dimo.text.aloft import climbs


@pytest.mark.parametrize(
    "text",
    [
        "a person climbs a ladder",
        "a man walks up the stairs",
        "someone is climbing over a wall",
        "a person steps onto a box",
        "he hangs from a bar",
        "a woman walks downstairs",
    ],
)
def test_sentences_of_climbing(text):
    assert climbs(text)


@pytest.mark.parametrize(
    "text",
    [
        "a person jumps up",
        "someone jumps forward with both feet",
        "a man walks in a circle",
        "a person sits down on a chair",
        "someone stands on one leg",
        "a figure walks and turns to the left",
        "a person lies down on the floor",
        "a man gets up from the floor",
    ],
)
def test_sentences_of_the_floor(text):
    assert not climbs(text)

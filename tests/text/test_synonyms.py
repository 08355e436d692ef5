"""What is done by its other names, both ways."""

import numpy as np
import pytest

from dimo.text.asking import as_caption, in_plain_words
from dimo.text.rewording import parse
from dimo.text.synonyms import lines, otherwise, plainly
from dimo.text.verbs import third_person


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("a striker boots the ball with the right foot", "a striker kicks the ball with the right foot"),
        ("hang a left after a few steps", "turn left after a few steps"),
        ("she took a knee, then rose", "she knelt down, then stood up"),
        ("he is going on all fours", "he is crawling"),
        ("they back away from a dog", "they walk backward from a dog"),
        ("put your left hand up", "raise your left hand"),
        ("i chuck the stone", "i throw the stone"),
        ("he gets back up and freezes.", "he stands up and stands still."),
        ("starts to stroll", "starts to walk"),
        ("he throws a quick jab, then a hook", "he punches, then a hook"),
    ],
)
def test_what_is_done_is_called_as_captions_call_it_in_the_same_form(said, called):
    assert plainly(said) == called


@pytest.mark.parametrize(
    "said",
    [
        "a man in boots walks",  # no verb behind "in"
        "a stroll along the beach",
        "turns the head to the left",  # not: heads to the left
        "turns head to the left",
        "she boots",  # nothing is kicked
        "takes two steps, a left and a right",
        "the ball is round, the corner to the left is not",
        "raises his left hand",  # although lifting something may be called raising it
        "sits down on a couch",
        "hang, a left",  # a comma between them
        "",
    ],
)
def test_other_words_stay(said):
    assert plainly(said) == said


def test_the_longest_name_counts():
    assert plainly("she picks herself up off the floor and goes") == "she gets up from the ground and goes"


def test_no_word_is_doubled():
    assert plainly("stay low down, then squat down.") == "crouch down, then squat down."


def test_a_sentence_becomes_a_caption_of_it():
    assert in_plain_words("A striker boots the ball.") == "a person kicks the ball"
    assert in_plain_words("Hang a left") == "a person turns left"
    assert in_plain_words("A striker kicks the ball.") == "a person kicks the ball"  # it needs no other name
    assert in_plain_words("the moon is made of cheese") == "the moon is made of cheese"


def test_what_is_said_twice_is_asked_once():
    assert in_plain_words("Turn around and face the other way.") == "a person turns around"
    assert in_plain_words("hunker down behind a bush and stay low") == "a person crouches down behind a bush"
    assert in_plain_words("stroll and wave") == "a person walks and waves"


def verbs_of(text, share, seed=0):
    return otherwise(parse(text), np.random.default_rng(seed), share)


def test_a_caption_is_said_otherwise_by_another_name_of_the_most_that_it_says():
    names = {verbs_of("a person walks in a circle, then waves", 1.0, seed).said(third_person) for seed in range(400)}
    circles = {name.rpartition(", then ")[0] for name in names}
    assert {"walks a loop", "goes around in a circle"} <= circles
    assert not any(name.startswith(("strolls", "walks in a circle")) for name in circles)


def test_nothing_else_of_a_caption_changes():
    text = "a person slowly kicks a ball with the right foot, and then bows twice"
    for seed in range(20):
        said = verbs_of(text, 1.0, seed).said(third_person)
        assert said.startswith("slowly ")
        assert " a ball with the right foot, and then " in said
        assert said.endswith(" twice")
        assert verbs_of(text, 0.0, seed).said(third_person) == text.removeprefix("a person ")


def test_share_is_how_often():
    changed = [verbs_of("a person bows", 0.3, seed).said(third_person) != "bows" for seed in range(600)]
    assert 0.24 < np.mean(changed) < 0.36  # 3 standard errors of a binomial


def test_every_name_of_the_table_is_understood_asked_in_the_third_person_and_as_an_order():
    for line in lines():
        for name, value in (("{side}", "left"), ("{parts}", "arms"), ("{part}", "left arm")):
            line = line.replace(name, value)
        for other in line.partition(": ")[2].split(", "):
            assert "*" not in other.split()[:-1]
            assert ("left" in line.partition(":")[0]) <= ("left" in other)  # no side gets lost
            order = other.replace("*", "the thing")
            first, *rest = order.split()
            for asked in (" ".join(["a person", third_person(first), *rest]), order):
                plain = in_plain_words(asked)
                assert plain.startswith("a person "), (asked, plain)
                assert as_caption(plain) == plain != asked, (asked, plain)

"""Forms of verbs against what a dictionary says, and the verbs of sentences."""

import pytest

from dimo.text.verbs import GERUNDS, PASTS, THIRDS, VERBS, clauses, gerund, past, third_person


@pytest.mark.parametrize(
    ("verb", "third", "doing", "done"),
    [
        ("walk", "walks", "walking", "walked"),
        ("wave", "waves", "waving", "waved"),
        ("run", "runs", "running", "ran"),
        ("squat", "squats", "squatting", "squatted"),
        ("stop", "stops", "stopping", "stopped"),
        ("hop", "hops", "hopping", "hopped"),
        ("clean", "cleans", "cleaning", "cleaned"),
        ("reach", "reaches", "reaching", "reached"),
        ("push", "pushes", "pushing", "pushed"),
        ("carry", "carries", "carrying", "carried"),
        ("play", "plays", "playing", "played"),
        ("lie", "lies", "lying", "lay"),
        ("do", "does", "doing", "did"),
        ("go", "goes", "going", "went"),
        ("throw", "throws", "throwing", "threw"),
        ("box", "boxes", "boxing", "boxed"),
        ("tiptoe", "tiptoes", "tiptoeing", "tiptoed"),
        ("stagger", "staggers", "staggering", "staggered"),
        ("begin", "begins", "beginning", "began"),
        ("swim", "swims", "swimming", "swam"),
    ],
)
def test_forms_of_verbs(verb, third, doing, done):
    assert (third_person(verb), gerund(verb), past(verb)) == (third, doing, done)


def test_no_two_verbs_share_a_form_and_all_are_found_again():
    assert len(set(VERBS)) == len(THIRDS) == len(GERUNDS) == len(VERBS)
    for verb in VERBS:
        for form, table in ((third_person(verb), THIRDS), (gerund(verb), GERUNDS)):
            found = clauses([form, "once"], (THIRDS, GERUNDS))
            assert found is not None
            assert found.verbs == {0: table[form]} == {0: verb}


def test_forms_of_the_past_that_mean_something_else_are_left_out():
    assert not {"put", "hit", "left", "lay"} & set(PASTS)
    assert {PASTS[form] for form in ("walked", "sat", "stood", "waved")} == {"walk", "sit", "stand", "wave"}


@pytest.mark.parametrize(
    ("words", "base"),
    [
        ("walks forward and then waves", "walk forward and then wave"),
        ("slowly turning left and stopping", "slowly turn left and stop"),
        ("raises both hands, lowers them, and sits", "raise both hands, lower them, and sit"),
        ("squats, bending the knees", "squat, bending the knees"),
        ("takes two steps and kicks", "take two steps and kick"),  # steps: what is taken
        ("waves the arms and legs", "wave the arms and legs"),
    ],
)
def test_the_verbs_of_clauses_are_those_at_their_beginnings(words, base):
    found = clauses(words.split(), (THIRDS, GERUNDS))
    assert found is not None
    assert found.said(lambda verb: verb) == base


@pytest.mark.parametrize(
    "words", ["", "the left arm swings", "happily", "sings and zooms off".replace("sings", "zooms")]
)
def test_words_that_begin_with_no_verb_have_no_clauses(words):
    assert clauses(words.split(), (THIRDS, GERUNDS)) is None

"""What a sentence says is done, and what makes it another motion."""

import pytest

from dimo.text.actions import asks_the_same, details, done, same_voice, says_all, suffered, told, words


def everything(_: str) -> bool:
    return True


def test_what_is_done_is_said_by_verbs_that_carry_meaning():
    assert done("a person walks forward and then does a squat") == {"walk"}
    assert done("a man takes a punch, ducks and runs") == {"duck", "run"}
    assert done("the walking stick") == set()  # no verb in the third person
    assert told("she was waving while he jumped and then claps") == {"wave", "jump", "clap"}


def test_details_have_one_form_each():
    assert details("He raises both hands, then his left foot") == {"hand", "left", "foot"}
    assert details("walks backwards anti-clockwise, fast") == {"backward", "counterclockwise", "quickly"}
    assert details("an old person lifts two arms") == {"old", "two", "arm"}
    assert details("a person sneezes") == set()
    assert details("a big person walks in a tiny circle") == {"big"}


def test_words_keep_their_hyphens_and_lose_what_stands_between_them():
    assert words("Push-ups, three!  then  counter-clockwise.") == ("push-ups", "three", "then", "counter-clockwise")


@pytest.mark.parametrize(
    ("caption", "asked"),
    [
        ("a person claps", "a person claps to the rhythm of the song"),
        ("someone is clapping", "a man claps at the concert"),
        ("a person salutes", "a person salutes his officer"),
        ("the person drinks some water", "a person takes a long drink of water"),
        ("a person does a squat", "a person squats"),
        ("a woman limps along as if injured", "an injured person limps"),
        ("a person walks in a circle", "a person walks around in a big circle"),
        ("someone claps", "a person claps at the show"),
        ("a man does push-ups", "a person does ten push-ups"),  # nobody knows ten
        ("a person kicks a ball with the left foot", "a person kicks with the left foot"),
        ("a person falls forward", "a person falls"),
        ("someone walks slowly", "a person ambles slowly"),  # nobody knows amble
        ("someone walks up the stairs", "an athlete walks up the stairs of a stadium"),
    ],
)
def test_captions_that_ask_for_the_same(caption, asked):
    assert asks_the_same(caption, asked, lambda word: word not in ("ten", "amble"))


@pytest.mark.parametrize(
    ("caption", "asked"),
    [
        ("a man boxes", "a man places a box on the ground"),
        ("a person looks around", "a person turns around to look behind him"),
        ("a person walks down the stairs", "a person walks up the stairs"),
        ("a person kicks with the left leg", "a person kicks with the right leg"),
        ("a person kicks with the leg", "a person kicks with the right leg"),
        ("a person kicks with the right leg", "a person kicks"),
        ("a person sidesteps, then is clapping", "a person sidesteps in a hall"),
        ("a person sits down", "a person walks to a chair and sits down"),
        ("a person walks in a circle", "a person walks in a circle counterclockwise"),
        ("a person walks", "an old person walks upstairs"),
        ("a person hops", "a person hops on one leg"),
        ("a figure first takes a bow, then claps", "a person claps to the rhythm, then bows"),
        ("a figure stands and bows to a beat", "a man bows politely and stands up"),
        ("someone shuffles ahead", "someone shuffles ahead, exhausted"),
        ("a person runs, stops and tries to run again", "a person runs and then stops suddenly"),
        ("a person walks forward, then turns around", "a person walks forward, turns around and walks back"),
        ("a person walks with a big strut", "a person walks in a big circle"),
        ("a person is running, quickly stops, and then runs again", "a person runs and then stops suddenly"),
        ("a person runs, stops and continues running", "a person runs and then stops suddenly"),
        ("a person jumps backward", "a person jumps forward"),
        ("a person turns around in place", "a person places a box and turns around"),
        ("a person walks backward", "a person walks backward and then takes a drink"),
        ("the person reaches down", "a person reaches up"),
        ("a person walks slowly", "a person ambles slowly"),  # which somebody knows
    ],
)
def test_captions_that_ask_for_something_else(caption, asked):
    assert not asks_the_same(caption, asked, everything)


def test_verbs_that_no_caption_has_are_asked_of_none():
    assert not says_all("a person walks", "a person saunters and walks", everything)
    assert says_all("a person walks", "a person saunters and walks", lambda word: word != "saunter")
    assert says_all("someone walking and hopping", "a person walks and hops", everything)


@pytest.mark.parametrize(
    ("caption", "asked", "same"),
    [
        ("a person is knocked down", "a person knocks on a door", False),
        ("a person knocks on a door", "a person is knocked down", False),
        ("this person gets hit and falls over", "someone hits something", False),
        ("a person strolls while hitting something", "someone gets hit", False),
        ("a person is suddenly pushed", "a person pushes a cart", False),
        ("a person gets knocked down", "a man is knocked over", True),
        ("someone pushes a cart", "a person is pushing a cart", True),
        ("a person punches and gets punched", "a person punches", True),
        ("a person is hit", "a person falls over", True),
    ],
)
def test_who_suffers_something_does_not_do_it(caption, asked, same):
    assert same_voice(caption, asked) is same
    assert says_all(caption, asked, everything) <= same


def test_what_is_done_to_somebody_in_its_base_form():
    assert suffered("a person is knocked back, then gets suddenly tripped") == {"knock", "trip"}
    assert suffered("someone grabbed a ball and was slapped") == {"slap"}
    assert suffered("a person hits and kicks") == frozenset()

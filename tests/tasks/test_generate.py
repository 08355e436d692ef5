"""A sentence to a request: its turns, and how long each of them is."""

import pytest
import torch

from dimo.api import DiMo
from dimo.memory.recall import Recall
from dimo.tasks.generate import SHORTEST_TURN, compose, generate

SAID = [["a person walks forward"], ["a person bows"], ["a person claps and then sits down"]]


@pytest.fixture(scope="module")
def model() -> DiMo:
    made = DiMo.debug()
    made.pipeline.recall = Recall.of([torch.zeros(3, 3, dtype=torch.long)] * 3, SAID)
    return made


def test_what_no_caption_says_whole_is_made_turn_by_turn(model):
    request = generate(model.pipeline, "the goblin is walking forward and then bows", None)
    assert [part.text for part in request.parts] == ["a person walks forward", "a person bows"]
    alone = [generate(model.pipeline, part.text, None).frames for part in request.parts]
    assert [part.frames for part in request.parts] == alone  # as long as each would be
    assert request.name == "the_goblin_is_walking_forward_and_then_bows"


def test_what_a_caption_says_is_made_whole(model):
    (part,) = generate(model.pipeline, "someone claps and then sits down", 4.0).parts
    assert part.text == "someone claps and then sits down"


def test_what_is_listed_is_made_turn_by_turn_where_captions_say_each(model):
    request = generate(model.pipeline, "the goblin walks forward, bows", 4.0)
    assert [part.text for part in request.parts] == ["a person walks forward", "a person bows"]
    for whole in ("a person walks forward and juggles", "a person claps, sits down", "a person walks forward and bows"):
        (part,) = generate(model.pipeline, whole, 4.0).parts
        assert part.text == whole  # a part that nobody says; nearly what a caption says; both at once


@pytest.mark.parametrize("seconds", [2.0, 3.0, 7.3])
def test_turns_share_the_seconds(model, seconds):
    request = generate(model.pipeline, "a person walks forward and then bows", seconds)
    assert len(request.parts) == 2
    assert request.frames == round(seconds * 20)
    assert min(part.frames for part in request.parts) >= SHORTEST_TURN * 20


def test_too_little_time_for_its_turns_is_given_to_the_whole(model):
    (part,) = generate(model.pipeline, "a person walks forward and then bows", 1.9).parts
    assert (part.text, part.frames) == ("a person walks forward and then bows", 38)


def test_without_captions_nobody_can_tell(model):
    (part,) = generate(DiMo.debug().pipeline, "a person walks forward and then bows", 4.0).parts
    assert part.text == "a person walks forward and then bows"


def test_turns_within_a_script_are_parts_of_it(model):
    request = compose(model.pipeline, [("a person bows", 2.0), ("a person walks forward and then bows", 3.0)])
    assert [part.text for part in request.parts] == ["a person bows", "a person walks forward", "a person bows"]
    assert request.frames == 100


def test_turns_are_followed_and_generated_alike(model):
    text, given = "a person walks forward and then bows", {"seconds": 3.0, "seed": 4, "steps": 3}
    *_, last = model.rounds(text, **given)
    assert last.motion == model.generate(text, footlock=False, **given)[0]

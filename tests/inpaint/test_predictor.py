"""Word guesses of the predictor, with a head that wants one word everywhere."""

from dataclasses import replace

import numpy as np
import torch

from dimo import DiMo
from dimo.diffusion.sample import SampleOptions, draw_from, sample
from dimo.inpaint.predictor import Predictor
from dimo.sequence.tokens import pack

WANTED, SECOND = 1000, 2000


def stubborn() -> tuple[DiMo, Predictor]:
    """A tiny model whose words are WANTED everywhere, and SECOND where that is not allowed."""
    model = DiMo.debug()

    def text_logits(hidden: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(len(hidden), model.model.config.transformer.vocabulary)
        out[:, WANTED], out[:, SECOND] = 20.0, 10.0
        return out

    model.model.text_logits = text_logits  # type: ignore[method-assign]
    return model, Predictor(model.model)


def places(model: DiMo, ids: list[int], known: list[bool]):
    tokens = pack(
        [ids], [torch.zeros(4, model.model.config.levels, dtype=torch.long)], levels=model.model.config.levels
    )
    return replace(tokens, known_text=torch.tensor([known]))


def greedy(logits: torch.Tensor, at: torch.Tensor, sure: bool = True):
    return draw_from(logits, at, SampleOptions(temperature=0, top_k=0), [torch.Generator()] * len(at), sure)


def test_a_word_is_not_guessed_beside_itself():
    model, predict = stubborn()
    guess = predict(places(model, [WANTED, 5, 6, 7], [True, False, False, False]), greedy)
    assert guess.ids.values[0].tolist()[1] == SECOND
    guess = predict(places(model, [5, 6, 7, WANTED], [False, False, False, True]), greedy)
    assert guess.ids.values[0].tolist()[2] == SECOND
    guess = predict(places(model, [5, 6, 7, 8], [False, True, False, True]), greedy)
    assert guess.ids.values[0].tolist()[::2] == [WANTED, WANTED]


def test_of_two_equal_guesses_side_by_side_one_waits():
    model, predict = stubborn()
    ids = predict(places(model, [5, 6, 7], [False, False, False]), greedy).ids
    assert ids.values[0].tolist() == [WANTED] * 3
    assert (ids.probability[0] == 0).tolist() == [False, True, True]


def test_whole_texts_have_no_doubled_words():
    model, predict = stubborn()
    options = SampleOptions(steps=8, schedule="linear", temperature=0)
    text = list(sample(places(model, [5] * 8, [False] * 8), predict, options))[-1].tokens.ids[0]
    assert set(text.tolist()) == {WANTED, SECOND}
    assert not np.any(np.diff(text.numpy()) == 0)

"""Models that leave levels out of what they make: those above are not drawn, and add nothing."""

from dataclasses import replace

import pytest
import torch

from dimo.api import DiMo
from dimo.diffusion.sample import SampleOptions, sample
from dimo.errors import RequestError
from dimo.inpaint.predictor import Predictor
from dimo.model.masked import MaskedConfig
from dimo.sequence.tokens import pack

IDS = (110, 111, 112)


def model(**changes) -> DiMo:
    made = DiMo.debug()
    made.model.config = replace(made.model.config, **changes)
    return made


def filled(dimo: DiMo, seed: int = 3) -> torch.Tensor:
    """Codes (6, 3) of which stacks 0 and 5 were given with all their levels, and stack 1 with two."""
    given = torch.tensor([[1, 2, 3]] * 6)
    tokens = pack([IDS], [given], levels=3)
    tokens = replace(tokens, known_levels=torch.tensor([[3, 2, 0, 0, 0, 3]]))
    *_, last = sample(tokens, Predictor(dimo.model), SampleOptions(steps=2, guidance=1.0), [seed])
    return last.tokens.codes[0]


@pytest.mark.parametrize("drawn", [1, 2])
def test_levels_above_are_left_out_and_given_ones_stay(drawn):
    codes = filled(model(drawn_levels=drawn))
    assert codes[[0, 5]].tolist() == [[1, 2, 3]] * 2
    assert codes[1].tolist() == [1, 2, -1]
    assert bool((codes[2:5, :drawn] >= 0).all())
    assert bool((codes[2:5, drawn:] == -1).all())
    assert torch.equal(codes[:, 0], filled(model())[:, 0])  # the base is drawn as ever


def test_all_are_drawn_where_nothing_is_said():
    assert bool((filled(model()) >= 0).all())
    assert torch.equal(filled(model()), filled(model(drawn_levels=3)))


def test_what_is_left_out_adds_nothing_to_the_motion_and_is_unknown_to_the_model():
    dimo = model()
    short, whole = torch.tensor([[[4, -1, -1], [5, 6, -1]]]), torch.tensor([[[4, 0, 0], [5, 6, 0]]])
    assert torch.equal(dimo.codec.decode(short[:, :1]), dimo.codec.decode(short[:, :1, :1]))
    given = dimo.model.embed_stacks(short, torch.tensor([[3, 3]]))
    assert torch.equal(given, dimo.model.embed_stacks(whole, torch.tensor([[1, 2]])))


def test_levels_above_are_drawn_more_surely_at_a_lower_temperature():
    def spread(temperature: float) -> int:
        dimo = model(upper_temperature=temperature)
        return len({tuple(filled(dimo, seed)[2:5, 1].tolist()) for seed in range(12)})

    assert spread(1e-4) <= len({tuple(filled(model(), seed)[2:5, 0].tolist()) for seed in range(12)})
    assert spread(1e-4) <= spread(1.0)
    with pytest.raises(RequestError, match="upper_temperature"):
        MaskedConfig(upper_temperature=0.0)
    with pytest.raises(RequestError, match="drawn_levels"):
        MaskedConfig(drawn_levels=7)


def test_windows_follow_what_was_made_before_them():
    dimo = model(drawn_levels=1)
    (made,) = dimo.compose([("a person walks", 8), ("a person bows", 8)], seed=1, steps=2)
    assert len(made) == 320

"""The mixture of the model's guesses and the votes of remembered motions."""

import pytest
import torch

from dimo.memory.neighbours import AGREEING, FINE_SHARE, FINER, Neighbours


def votes_of(codes: list[list[int]], cost: list[float], levels: int = 2) -> Neighbours:
    stacks = torch.tensor(codes)[..., None].repeat(1, 1, levels)
    return Neighbours(stacks, torch.tensor(cost), torch.ones(stacks.shape[1], dtype=torch.bool))


def test_a_mixture_is_a_distribution_between_the_model_and_the_votes():
    votes = votes_of([[1, 2], [1, 3]], [0.5, 0.5])
    logits = torch.randn(2, 5)
    nothing = torch.zeros(2, dtype=torch.long)
    weights = votes.weights(torch.zeros(2, dtype=torch.bool), nothing)
    codes = torch.zeros(2, 2, dtype=torch.long)
    p = votes.mix(logits, 0, 0.6, weights, codes).exp()
    expected = 0.4 * logits.softmax(-1)
    expected[0, 1] += 0.6
    expected[1, 2] += 0.3
    expected[1, 3] += 0.3
    assert torch.allclose(p, expected, atol=1e-6)
    assert torch.equal(votes.mix(logits, 0, 0.0, weights, codes), logits)


def test_votes_count_nothing_where_no_motion_reaches():
    votes = votes_of([[1, -1]], [0.5])
    logits = torch.zeros(2, 4)
    weights = votes.weights(torch.zeros(2, dtype=torch.bool), torch.zeros(2, dtype=torch.long))
    p = votes.mix(logits, 0, 0.8, weights, torch.zeros(2, 2, dtype=torch.long)).exp()
    assert p[0, 1] == pytest.approx(0.2 * 0.25 + 0.8)
    assert torch.equal(votes.mix(logits, 0, 0.8, weights, torch.zeros(2, 2, dtype=torch.long))[1], logits[1])


def test_a_motion_that_went_another_way_loses_its_say():
    votes = votes_of([[1, 2, 4], [1, 3, 5]], [0.5, 0.5])
    before = votes.weights(torch.tensor([False, False, False]), torch.tensor([0, 0, 0]))
    after = votes.weights(torch.tensor([True, True, False]), torch.tensor([1, 3, 0]))
    assert before[0] == before[1]
    assert after[1] - after[0] == pytest.approx(AGREEING)


def test_fine_levels_are_those_of_motions_with_the_drawn_base():
    stacks = torch.tensor([[[1, 4]], [[2, 3]]])
    votes = Neighbours(stacks, torch.tensor([0.5, 0.5]), torch.tensor([True]))
    weights = votes.weights(torch.tensor([False]), torch.tensor([0]))
    logits = torch.zeros(1, 5)
    p = votes.mix(logits, 1, 0.7, weights, torch.tensor([[2, 0]])).exp()[0]
    assert p[3] == pytest.approx((1 - FINE_SHARE) / 5 + FINE_SHARE)
    assert torch.equal(votes.mix(logits, 1, 0.7, weights, torch.tensor([[0, 0]])), logits)
    three = Neighbours(torch.tensor([[[1, 4, 0]], [[1, 3, 2]]]), torch.tensor([0.5, 0.5]), torch.tensor([True]))
    p = three.mix(logits, 2, 0.7, weights, torch.tensor([[1, 3, 0]])).exp()[0]
    odds = (p[2] - (1 - FINE_SHARE) / 5) / (p[0] - (1 - FINE_SHARE) / 5)
    assert float(odds.log()) == pytest.approx(FINER, abs=1e-4)

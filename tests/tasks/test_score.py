"""Scores are log-probabilities of masked places, the same alone and in any batch; gains have the priors taken off."""

import pytest
import torch

from dimo import DiMo
from dimo.tasks import score
from dimo.tasks.score import BLIND_PLACES, RATIOS, log_motion, motion_given_text, text_given_motion


@pytest.fixture(scope="module")
def model():
    return DiMo.debug().model


@pytest.fixture(scope="module")
def pairs():
    generator = torch.Generator().manual_seed(0)
    texts = [torch.randint(104, 140, (n,), generator=generator).tolist() for n in (1, 5, 3, 9, 2)]
    motions = [torch.randint(0, 16, (n, 3), generator=generator) for n in (7, 2, 11, 1, 4)]
    return texts, motions


def test_a_pair_scores_the_same_alone_in_a_batch_and_in_another_order(model, pairs):
    texts, motions = pairs
    for call in (text_given_motion, motion_given_text):
        together = call(model, texts, motions)
        backwards = call(model, texts[::-1], motions[::-1]).flip(0)
        alone = torch.cat([call(model, [t], [m]) for t, m in zip(texts, motions, strict=True)])
        assert torch.allclose(together, alone, atol=2e-4)
        assert torch.allclose(together, backwards, atol=2e-4)


def test_gains_are_scores_less_their_priors(model, pairs):
    texts, motions = pairs
    rows = score.score(model, texts, motions)
    blind = text_given_motion(model, texts, motions, blind=True)
    still = log_motion(model, motions)
    for row, b, s in zip(rows, blind.tolist(), still.tolist(), strict=True):
        assert row.text_gain == pytest.approx(row.text - b, abs=2e-4)
        assert row.motion_gain == pytest.approx(row.motion - s, abs=2e-4)
        assert row.rank == pytest.approx(row.motion_gain + 0.25 * row.text_gain)


def test_priors_do_not_see_the_other_side(model, pairs):
    texts, motions = pairs
    other = [(m + 5) % 16 for m in motions]
    assert torch.allclose(
        text_given_motion(model, texts, motions, blind=True),
        text_given_motion(model, texts, other, blind=True),
        atol=1e-5,
    )
    assert not torch.equal(text_given_motion(model, texts, motions), text_given_motion(model, texts, other))
    unknown = motion_given_text(model, [[110] * BLIND_PLACES] * 5, motions, guidance=0.0)
    assert torch.allclose(log_motion(model, motions), unknown, atol=2e-4)


def test_known_priors_are_used(model, pairs):
    texts, motions = pairs
    rows = score.score(model, texts, motions, motion_priors=[0.0] * 5)
    assert all(r.motion_gain == pytest.approx(r.motion) for r in rows)


def test_orders_mask_each_place_once_in_a_full_mask():
    slots = torch.tensor([[True, True, True, False], [True, True, True, True]])
    ranks = score._orders(slots, 0)
    assert sorted(ranks[0, :3].tolist()) == [0, 1, 2]
    assert sorted(ranks[1].tolist()) == [0, 1, 2, 3]
    assert ranks[0, 3] == 4
    assert RATIOS[-1] == 1.0

"""Estimators of the policy gradient against policies whose exact likelihood and gradient are known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dimo.learn.estimators import ESTIMATORS, Clip, Coupled, FullMask, Pass, Weighted
from dimo.learn.reward import advantages

PLACES, CODES = 3, 2


class Chain(torch.nn.Module):
    """A masked policy over motions of 3 places and 2 codes: a guess depends on what its neighbours show, if they show anything.

    share 0 makes places independent.
    """

    def __init__(self, share: float, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.own = torch.nn.Parameter(torch.randn(PLACES, CODES, generator=generator))
        self.beside = torch.nn.Parameter(share * torch.randn(PLACES, 2, CODES, CODES, generator=generator))

    def logp(self, codes: Tensor, hidden: Tensor) -> Tensor:
        """(B, L) of codes (B, L) at every place, where hidden (B, L) shows nothing."""
        logits = self.own.expand(len(codes), -1, -1)
        for side, shift in enumerate((-1, 1)):
            at = torch.arange(PLACES) + shift
            there = (at >= 0) & (at < PLACES)
            at = at.clamp(0, PLACES - 1)
            seen = (~hidden[:, at] & there)[..., None]
            logits = logits + self.beside[torch.arange(PLACES), side, codes[:, at]] * seen
        return logits.log_softmax(-1).gather(-1, codes[..., None])[..., 0]

    def orders(self, codes: Tensor) -> Tensor:
        """log p (orders, B) of a sampler that fills one place after the other, in each order."""
        orders = []
        for order in itertools.permutations(range(PLACES)):
            hidden, total = torch.ones(codes.shape, dtype=torch.bool), torch.zeros(len(codes))
            for place in order:
                total = total + self.logp(codes, hidden)[:, place]
                hidden = hidden.clone()
                hidden[:, place] = False
            orders.append(total)
        return torch.stack(orders)

    def likelihood(self, codes: Tensor) -> Tensor:
        """log p (B) of such a sampler when every order is as likely: by enumeration."""
        orders = self.orders(codes)
        return orders.logsumexp(0) - np.log(len(orders))


ALL = torch.tensor(list(itertools.product(range(CODES), repeat=PLACES)))
REAL = torch.ones(len(ALL), PLACES, dtype=torch.bool)


def estimate(policy: Chain, passes: list[Pass], codes: Tensor = ALL) -> Tensor:
    """(B, L): the weighted sum over passes."""
    return torch.stack([policy.logp(codes, p.hidden) * p.weight * p.hidden for p in passes]).sum(0)


def gradient(value: Tensor, policy: Chain) -> Tensor:
    found = torch.autograd.grad(value, list(policy.parameters()), allow_unused=True)
    return torch.cat(
        [torch.zeros(p.numel()) if g is None else g.flatten() for g, p in zip(found, policy.parameters(), strict=True)]
    )


def every_look(name: str) -> list[tuple[float, list[Pass]]]:
    """All passes that an estimator draws for motions of three places, with their probabilities."""
    rng, found = np.random.default_rng(0), {}
    for _ in range(200):
        passes = ESTIMATORS[name]().passes(REAL, ONE_GROUP, rng)
        found[tuple(passes[0].hidden[0].tolist())] = passes
    if name == "full_mask":
        assert list(found) == [(True, True, True)]
        return [(1.0, found[True, True, True])]
    assert len(found) == 7  # every choice of one, two or three places
    return [(1 / PLACES / math.comb(PLACES, sum(first)), passes) for first, passes in found.items()]


ONE_GROUP = torch.zeros(len(ALL), dtype=torch.long)


@pytest.mark.parametrize("name", ["full_mask", "coupled"])
def test_where_places_are_independent_every_estimate_is_the_likelihood(name):
    policy = Chain(0.0)
    found = torch.stack([share * estimate(policy, look).sum(1) for share, look in every_look(name)]).sum(0)
    assert torch.allclose(found, policy.likelihood(ALL), atol=1e-5)


def bound(policy: Chain, codes: Tensor) -> Tensor:
    """The evidence lower bound (B): the mean over orders of log p along the order, instead of the log of the mean."""
    return policy.orders(codes).mean(0)


def test_bias_and_variance_where_places_lean_on_each_other():
    policy = Chain(1.5)
    exact, lower = policy.likelihood(ALL).detach(), bound(policy, ALL).detach()
    assert bool((lower <= exact + 1e-6).all())
    for name in ("full_mask", "coupled"):
        looks = [(share, estimate(policy, look).sum(1).detach()) for share, look in every_look(name)]
        mean = torch.stack([share * value for share, value in looks]).sum(0)
        noise = torch.stack([share * (value - mean) ** 2 for share, value in looks]).sum(0).sqrt()
        print(f"{name}: bias {float((mean - exact).abs().mean()):.3f}, deviation {float(noise.mean()):.3f} nats")
        if name == "coupled":  # on average the bound, which has the dependence in it
            assert torch.allclose(mean, lower, atol=1e-5)
            assert float(noise.mean()) > 0.05
        else:  # sees no dependence, and always the same
            assert float((mean - lower).abs().max()) > 0.1
            assert float(noise.max()) < 1e-5


@pytest.mark.parametrize("name", ["full_mask", "coupled"])
def test_the_gradient_is_that_of_the_expected_reward(name):
    """Over all motions with their probabilities the loss has the gradient of minus the expected reward (independent places)."""
    policy, reward = Chain(0.0), torch.linspace(-1, 1, len(ALL)) ** 3
    p = policy.likelihood(ALL).exp()
    exact = -gradient((p * reward).sum(), policy) / PLACES
    groups, estimator = torch.arange(len(ALL)), ESTIMATORS[name]()
    total = torch.zeros_like(exact)
    for share, look in every_look(name):
        new = estimate(policy, look)
        # The loss is a mean over motions; the policy sampled each with its probability.
        value = estimator.loss(new, new.detach(), REAL, reward * p.detach() * len(ALL), groups)
        total += share * gradient(value, policy)
    own = slice(0, PLACES * CODES)  # what a place prefers by itself; the rest is about dependence, and there is none
    assert torch.allclose(total[own], exact[own], atol=1e-6)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_a_step_moves_probability_from_worse_to_better_motions(name):
    policy, rng = Chain(0.7), np.random.default_rng(0)
    reward = (torch.tensor([1, 0, 1]) == ALL).float().sum(1)
    gain = advantages(reward, len(ALL))
    groups = torch.zeros(len(ALL), dtype=torch.long)
    optimizer, estimator = torch.optim.SGD(policy.parameters(), 0.5), ESTIMATORS[name]()
    before = float((policy.likelihood(ALL).exp() * reward).sum().detach())
    for _ in range(60):
        new = estimate(policy, estimator.passes(REAL, groups, rng))
        optimizer.zero_grad()
        estimator.loss(new, new.detach(), REAL, gain, groups).backward()
        optimizer.step()
    assert float((policy.likelihood(ALL).exp() * reward).sum().detach()) > before + 0.3


def test_a_ratio_beyond_the_clip_has_no_gradient_in_the_direction_of_its_advantage():
    ratio = torch.tensor([1.5, 1.5, 0.5, 0.5], requires_grad=True)
    gain = torch.tensor([2.0, -2.0, 2.0, -2.0])
    value = Clip(0.2).surrogate(ratio, gain)
    assert value.tolist() == pytest.approx([2.4, -3.0, 1.0, -1.6])
    value.sum().backward()
    assert ratio.grad is not None
    assert ratio.grad.tolist() == [0.0, -2.0, 2.0, 0.0]


def test_complementary_masks_cover_every_place_once_and_are_the_same_in_a_group():
    real = torch.arange(7) < torch.tensor([7, 7, 4, 4, 1])[:, None]
    groups = torch.tensor([0, 0, 1, 1, 2])
    seen = set()
    for seed in range(40):
        first, second = Coupled().passes(real, groups, np.random.default_rng(seed))
        assert torch.equal(first.hidden ^ second.hidden, real)
        assert torch.equal(first.hidden[0], first.hidden[1])
        assert torch.equal(first.hidden[2], first.hidden[3])
        count = int(first.hidden[0].sum())
        seen.add(count)
        both = first.weight + second.weight
        if count == 7:
            assert both[0].tolist() == [1.0] * 7
            continue
        assert first.weight[0, first.hidden[0]].tolist() == pytest.approx([7 / count / 2] * count)
        assert second.weight[0, second.hidden[0]].tolist() == pytest.approx([7 / (7 - count) / 2] * (7 - count))
        assert float(both[4].sum()) == 1.0
    assert seen == {1, 2, 3, 4, 5, 6, 7}


def test_motions_count_the_same_whatever_their_length():
    real = torch.arange(6) < torch.tensor([6, 2])[:, None]
    new = torch.full((2, 6), -1.0, requires_grad=True)
    FullMask().loss(new, new.detach(), real, torch.ones(2), torch.tensor([0, 1])).backward()
    assert new.grad is not None
    assert torch.allclose(new.grad.sum(1), torch.full((2,), -0.5))
    assert bool((new.grad[~real] == 0).all())


def test_weights_without_ratios_by_hand():
    new = torch.log(torch.tensor([[0.5, 0.5], [0.2, 0.2], [0.9, 0.9]]))
    gain = torch.tensor([1.0, 0.0, -1.0])
    scaled = gain / gain.std(correction=0)
    want = -(scaled.softmax(0) - (-scaled).softmax(0)) @ new[:, 0]
    found = Weighted().loss(
        new, torch.zeros(3, 2), torch.ones(3, 2, dtype=torch.bool), gain, torch.zeros(3, dtype=torch.long)
    )
    assert float(found) == pytest.approx(float(want), rel=1e-5)


def test_advantages_leave_their_own_reward_out_and_tied_groups_have_none():
    found = advantages(torch.tensor([1.0, 2.0, 6.0, 3.0, 3.0, 3.00001]), 3)
    assert found.tolist() == pytest.approx([1 - 4, 2 - 3.5, 6 - 1.5, 0, 0, 0])

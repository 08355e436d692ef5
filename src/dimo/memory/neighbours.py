"""Neighbours: guesses of the model mixed with what remembered motions hold at the same places (memory.py finds them)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

SHARPNESS = 0.5  # a motion that is unlike by half more than the likest one has 1/e of its vote
EXPECTED_SHARPNESS = 0.02  # the same, where the distance from what others do is what counts
AGREEING = 2.0  # nats that a motion gains with each place where the result holds its base code
FINER = 2.0  # nats that it loses with each lower level of a place that is not its own
FINE_SHARE = 0.9  # of the votes at the levels above the base, where a motion agrees with the base


def log_weights(cost: Tensor, sharpness: float) -> Tensor:
    """Logarithms (K,) of votes by cost (K,), lowest first: one that is higher by the share `sharpness` has 1/e of the first's."""
    return -(cost - cost[0]) / (sharpness * cost[0].clamp_min(1e-6))


@dataclass(frozen=True)
class Neighbours:
    """Codes (K, L, Q) of K motions laid on a row, -1 where one does not reach; their cost (K,), lowest first.

    ours: the places (L,) that were open at the beginning. expected_distance (K,): how far each is, in the mean, from what
    the likely ones hold, where that is known. sharpness: as in log_weights. share: of the say that neighbours are given,
    what these have.
    """

    codes: Tensor
    cost: Tensor
    ours: Tensor
    expected_distance: Tensor | None = None
    sharpness: float = SHARPNESS
    share: float = 1.0

    def to(self, device: torch.device) -> Neighbours:
        """The same on a device."""
        expected = self.expected_distance.to(device) if self.expected_distance is not None else None
        return replace(
            self,
            codes=self.codes.to(device),
            cost=self.cost.to(device),
            ours=self.ours.to(device),
            expected_distance=expected,
        )

    def by_expected_distance(self) -> Neighbours:
        """The votes of those that go where most go: of least expected distance (minimum Bayes risk) instead of least cost.

        One draw from a wide distribution is farther from what comes than its middle is.
        """
        if self.expected_distance is None:
            return self
        order = self.expected_distance.argsort(stable=True)
        return Neighbours(self.codes[order], self.expected_distance[order], self.ours, None, EXPECTED_SHARPNESS)

    def weights(self, written: Tensor, codes: Tensor) -> Tensor:
        """Logarithms (K,) of the votes, given base codes (L,) and where the sampler has written them (L,) so far.

        A motion that went another way than the result loses its say, so that places are not filled from different ones.
        """
        at = written & self.ours
        return log_weights(self.cost, self.sharpness) + AGREEING * (self.codes[:, at, 0] == codes[at]).sum(1)

    def mix(self, logits: Tensor, level: int, share: float, weights: Tensor, codes: Tensor) -> Tensor:
        """Logits (L, N) of a level as log((1 - s) p + s votes), given the levels below in codes (L, Q).

        s is the given share, times the motions' own, at the base level; above, FINE_SHARE among the motions whose base code
        is the drawn one. Where no motion has a vote the logits stay.
        """
        here = self.codes[..., level]
        weights = weights[:, None].masked_fill(here < 0, -torch.inf)
        for lower in range(level):
            other = self.codes[..., lower] != codes[..., lower]
            weights = weights.masked_fill(other, -torch.inf) if lower == 0 else weights - FINER * other
        voting = weights.amax(0) > -torch.inf
        if not voting.any() or share == 0:
            return logits
        share = share * self.share if level == 0 else FINE_SHARE
        votes = torch.zeros_like(logits)
        ballots = torch.where(voting, weights, 0.0).softmax(0)
        votes.scatter_add_(1, here.clamp_min(0).T, ballots.T.to(votes.dtype))
        mixed = ((1 - share) * logits.softmax(-1) + share * votes).clamp_min(1e-12).log()
        return torch.where(voting[:, None], mixed, logits)

"""Memory: motions kept as codes, in which completion without a text looks up how motions like this one went on.

A model of limited size, trained for limited time, does not know every take of its training set by heart; a search among
them does. So guesses are mixed with what the takes most like the known sides hold there (votes.py), as nearest-neighbour
language models do (Khandelwal et al. 2020, "Generalization through Memorization").

Likeness is the squared distance of code vectors, the sums of a stack's codebook entries. That of one stack to all
remembered ones costs a table lookup per level (asymmetric distances, Jegou et al. 2011). Clips are kept at every offset of
frames within a code step, so that any phase of a gait is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dimo import checkpoint
from dimo.body import blend
from dimo.body.rotation import quat_rotate, yaw_to_quat
from dimo.codec.codec import Codec
from dimo.errors import WeightsError
from dimo.features import humanml3d
from dimo.tasks.votes import Votes

WEIGHTS = (1.0, 0.6, 0.4)  # of the known stacks beside a gap, nearest first
CLIPS = 30  # that vote, each with its best stretch
SHORTLIST = 60  # of which the arrival is looked at
STRETCHES = 12  # per clip of it that are looked through, since neighbouring ones of one clip are alike
PER_SQUARE_METRE = (
    2.9  # an arrival that is off by 0.2 m counts as much as sides as unlike as neighbours in training are
)
"""Tried on val, as what stands above (docs/log.md)."""


@dataclass(frozen=True)
class Arrival:
    """Where a gap of `steps` code steps leads: poses (J, 3) of the last known frame and of one `frames` frames later."""

    steps: int
    frames: int
    start: np.ndarray
    end: np.ndarray


class Memory:
    """Sequences of codes, one after the other in codes (N, Q) int16, of `lengths` (M,) stacks; clips (M,) numbers their origin.

    Sequences of one origin (a clip at several offsets) say the same, so only the best of them votes.
    """

    def __init__(self, codec: Codec, codes: Tensor, lengths: Tensor, clips: Tensor):
        self.codec, self.codes, self.lengths, self.clips = codec, codes, lengths, clips

    @staticmethod
    def of(codec: Codec, sequences: Sequence[Tensor], clips: Sequence[int]) -> Memory:
        """From sequences (L, Q) and the numbers of their origins."""
        lengths = torch.tensor([len(s) for s in sequences], dtype=torch.int32)
        return Memory(
            codec, torch.cat(list(sequences)).to(torch.int16), lengths, torch.tensor(clips, dtype=torch.int32)
        )

    @staticmethod
    def from_file(path: Path, codec: Codec) -> Memory:
        """Read what state() gave. WeightsError for a file that is damaged or of another codec."""
        state = checkpoint.read_tensors(path)
        try:
            codes, lengths, clips = (state[name] for name in ("codes", "lengths", "clips"))
        except KeyError as error:
            raise WeightsError(f"{path}: not a memory file (it lacks {error})") from None
        config = codec.config
        whole = (
            codes.ndim == 2
            and codes.shape[1] == config.levels
            and lengths.shape == clips.shape == (len(lengths),)
            and int(lengths.sum()) == len(codes) > 0
            and int(lengths.min()) > 0
        )
        if not whole or not (int(codes.min()) >= 0 and int(codes.max()) < config.codes):
            raise WeightsError(
                f"{path}: does not hold code sequences of {config.levels} levels of {config.codes} codes"
            )
        return Memory(codec, codes, lengths, clips)

    def state(self) -> dict[str, Tensor]:
        """The tensors of a memory file."""
        return {"codes": self.codes, "lengths": self.lengths, "clips": self.clips}

    def recall(self, row: Tensor, mask: Tensor, arrival: Arrival | None = None) -> Votes | None:
        """What the stretches most like the known stacks of a row (L, Q) hold where mask (L,) is True.

        The mask is one stretch. A remembered one must reach over all of it and have something beside it wherever the row
        has. arrival, if it is of this gap, also wants to end at the right place. None when nothing is known or fits.
        """
        places = mask.nonzero()[:, 0]
        first, stop, length = int(places[0]), int(places[-1]) + 1, len(row)
        if stop - first == length:
            return None
        distance = self._distances(row, first, stop)
        many = min(len(distance), SHORTLIST * STRETCHES)
        order = distance.topk(many, largest=False)
        best: dict[int, int] = {}
        for value, at in zip(order.values.tolist(), order.indices.tolist(), strict=True):
            if value == torch.inf or len(best) == SHORTLIST:
                break
            best.setdefault(int(self._clip[at]), at)
        if not best:
            return None
        chosen = torch.tensor(list(best.values()))
        codes = torch.stack([self._laid(int(at), first, length) for at in chosen])
        cost = distance[chosen]
        if arrival is not None and arrival.steps == stop - first and first > 0 and stop < length:
            cost = cost + PER_SQUARE_METRE * self._missed(codes[:, first - 1 : stop + 1], arrival)
        keep = cost.argsort(stable=True)[:CLIPS]
        return Votes(codes[keep], cost[keep], mask)

    # ---- tables over all remembered stacks, made when first needed

    @cached_property
    def _columns(self) -> Tensor:
        return self.codes.T.contiguous().int()  # (Q, N)

    @cached_property
    def _stretches(self) -> tuple[Tensor, Tensor]:
        """First and past-the-last index of the sequence that each stack belongs to, (N,) each."""
        stops = self.lengths.long().cumsum(0)
        counts = self.lengths.long()
        return (stops - counts).repeat_interleave(counts), stops.repeat_interleave(counts)

    @cached_property
    def _clip(self) -> Tensor:
        return self.clips.repeat_interleave(self.lengths.long())

    @cached_property
    def _norms(self) -> Tensor:
        """Squared lengths (N,) of the code vectors: |sum of entries|^2 from the products of entries, level by level."""
        books, columns = self.codec.quantizer.codebooks, self._columns
        total = torch.zeros(columns.shape[1])
        for a in range(len(books)):
            total += books[a].square().sum(1)[columns[a]]
            for b in range(a):
                total += 2 * (books[b] @ books[a].T)[columns[b], columns[a]]
        return total

    @cached_property
    def _spread(self) -> float:
        """Mean squared distance of the code vectors from their mean: the unit of distances."""
        books = self.codec.quantizer.codebooks
        uses = torch.stack([torch.bincount(column, minlength=books.shape[1]) for column in self._columns])
        mean = torch.einsum("qk,qkd->d", uses.float() / len(self.codes), books)
        return max(float(self._norms.mean() - mean.square().sum()), 1e-12)

    def _to(self, stack: Tensor) -> Tensor:
        """Squared distances (N,) from the vector of a stack (Q,) to all remembered ones."""
        vector = self.codec.quantizer.decode(stack[None])[0]
        out = self._norms + vector.square().sum()
        for book, column in zip(self.codec.quantizer.codebooks, self._columns, strict=True):
            out -= 2 * (book @ vector)[column]
        return out.clamp_min(0)

    def _distances(self, row: Tensor, first: int, stop: int) -> Tensor:
        """(N,) per remembered stack: how unlike the sides are if it stands at `first`; infinite where it cannot stand."""
        begin, end = self._stretches
        at = torch.arange(len(begin))
        fits = at + (stop - first) <= end
        total, weight = torch.zeros(len(at)), torch.zeros(len(at))
        for side, step in ((first - 1, -1), (stop, 1)):
            for k, share in enumerate(WEIGHTS):
                place = side + step * k
                if not 0 <= place < len(row):
                    break
                there = at + (place - first)
                inside = (there >= begin) & (there < end)
                total += torch.where(inside, share * self._to(row[place])[there.clamp(0, len(at) - 1)], 0.0)
                weight += share * inside
                if k == 0:
                    fits &= inside
        return torch.where(fits, total / weight.clamp_min(1e-9) / self._spread, torch.inf)

    def _laid(self, at: int, first: int, length: int) -> Tensor:
        """Codes (length, Q) of the sequence whose stack `at` stands at `first`; -1 where it does not reach."""
        begin, end = int(self._stretches[0][at]), int(self._stretches[1][at])
        low, high = max(begin, at - first), min(end, at - first + length)
        out = torch.full((length, self.codes.shape[1]), -1)
        out[low - (at - first) : high - (at - first)] = self.codes[low:high].long()
        return out

    def _missed(self, codes: Tensor, arrival: Arrival) -> Tensor:
        """Mean squared distances (K,) in m^2 of the joints from arrival.end, for codes (K, 1 + steps + 1, Q) put at its start."""
        out = []
        for features in self.codec.decode(codes).double().numpy():
            joints = humanml3d.decode(features)
            zero = self.codec.config.stride - 1
            yaw, shift = blend.ground_fit(joints[zero], arrival.start)
            there = quat_rotate(yaw_to_quat(np.array(yaw)), joints[zero + arrival.frames]) + shift
            out.append(np.square(there - arrival.end).sum(-1).mean())
        return torch.tensor(np.array(out), dtype=torch.float32)

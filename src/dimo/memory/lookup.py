"""Memory: motions kept as codes, in which completion without a text looks up how motions like this one went on.

A model of limited size, trained for limited time, does not know every take of its training set by heart; a search among
them does. So guesses are mixed with what the takes most like the known sides hold there (neighbours.py), as nearest-neighbour
language models do (Khandelwal et al. 2020, "Generalization through Memorization").

Likeness is the squared distance of code vectors, the sums of a stack's codebook entries. That of one stack to all
remembered ones costs a table lookup per level (asymmetric distances, Jegou et al. 2011). Clips are kept at every offset of
frames within a code step, so that any phase of a gait is there. Codes are too coarse to tell how fast a motion is; so the
likest stretches are put in order by where their joints were (joints.py). Lookups are made on the CPU, wherever the codec
is, so that all devices remember alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dimo import checkpoint
from dimo.body import blend
from dimo.body.rotation import quat_rotate, yaw_to_quat
from dimo.codec.codec import Codec
from dimo.codec.quantize import vectors_of
from dimo.errors import WeightsError
from dimo.memory.joints import JointStore
from dimo.memory.neighbours import Neighbours, log_weights

WEIGHTS = (1.0, 0.6, 0.4)  # of the known stacks beside a gap, nearest first
CLIPS = 30  # that vote, each with its best stretch
SHORTLIST = 60  # of which the joints are looked at
STRETCHES = 12  # per clip of it that are looked through, since neighbouring ones of one clip are alike
FIT_FRAMES = 4  # at 20 fps, up to an edge, over which place and heading are compared
LOOKS = (0, 4, 8)  # frames into a known side at which the joints are compared
DEPARTURE = 30.0  # per square metre of the joints before a gap; 0.18 m counts as much as any two stacks instead of one
ARRIVAL = 2.9  # per square metre of the joints behind it, which lie where the whole gap has led
LIKELY = 10  # of the clips that say what is to be expected, with votes as sharp as
LIKELY_SHARPNESS = 0.2
"""Tried on val, as what stands above (docs/log.md)."""
SEQUENCES = ("codes", "lengths", "clips", "offsets")
POSES = tuple(field.name for field in fields(JointStore))
"""The tensors of a memory file, those of the poses with "poses." before them."""


@dataclass(frozen=True)
class Sides:
    """What a gap of `steps` code steps lies between, on the codec's body and rate.

    before: joints (T, J, 3) up to the last known frame before it. after: those from `frames` frames later on, where it
    has to arrive; none where it may lead anywhere.
    """

    steps: int
    before: np.ndarray
    frames: int
    after: np.ndarray


class Memory:
    """Sequences of codes, one after the other in codes (N, Q) int16, of `lengths` (M,) stacks.

    clips (M,) numbers the motion of each, whose frame offsets (M,) its first stack begins with; poses are those of the
    motions. Sequences of one motion say the same, so only the best of them votes.
    """

    def __init__(self, codec: Codec, codes: Tensor, lengths: Tensor, clips: Tensor, offsets: Tensor, poses: JointStore):
        self.codec, self.codes, self.lengths, self.clips = codec, codes, lengths, clips
        self.offsets, self.poses = offsets, poses

    @staticmethod
    def of(
        codec: Codec,
        sequences: Sequence[Tensor],
        clips: Sequence[int],
        offsets: Sequence[int],
        motions: Sequence[np.ndarray],
    ) -> Memory:
        """From sequences (L, Q), the numbers of their motions, where in them they begin, and joints (F, J, 3) of those."""
        lengths, numbers, starts = (
            torch.tensor(values, dtype=torch.int32) for values in ([len(s) for s in sequences], clips, offsets)
        )
        codes = torch.cat(list(sequences)).to(torch.int16)
        return Memory(codec, codes, lengths, numbers, starts, JointStore.of(motions))

    @staticmethod
    def from_file(path: Path, codec: Codec) -> Memory:
        """Read what state() gave. WeightsError for a file that is damaged or of another codec."""
        state = checkpoint.read_tensors(path)
        try:
            codes, lengths, clips, offsets = (state[name] for name in SEQUENCES)
            poses = JointStore(*(state[f"poses.{name}"] for name in POSES))
        except KeyError as error:
            raise WeightsError(
                f"{path}: not a memory file (it lacks {error}); delete it, and dimo train memory makes it anew"
            ) from None
        config = codec.config
        whole = (
            codes.ndim == 2
            and codes.shape[1] == config.levels
            and lengths.shape == clips.shape == offsets.shape == (len(lengths),)
            and int(lengths.sum()) == len(codes) > 0
            and int(lengths.min()) > 0
        )
        if not whole or not (int(codes.min()) >= 0 and int(codes.max()) < config.codes):
            raise WeightsError(
                f"{path}: does not hold code sequences of {config.levels} levels of {config.codes} codes"
            )
        bones = len(codec.skeleton) - 1
        posed = (
            poses.lengths.ndim == 1
            and poses.root.shape == (int(poses.lengths.sum()), 3)
            and poses.joints.shape == (len(poses.root), bones, 3)
            and poses.joints.dtype == torch.int8
            and 0 <= int(clips.min()) <= int(clips.max()) < len(poses.lengths)
            and int(poses.lengths.min()) > 0
        )
        if not posed:
            raise WeightsError(f"{path}: does not hold poses of {bones + 1} joints for each of its motions")
        return Memory(codec, codes, lengths, clips, offsets, poses)

    def state(self) -> dict[str, Tensor]:
        """The tensors of a memory file."""
        poses = {f"poses.{name}": getattr(self.poses, name) for name in POSES}
        return {name: getattr(self, name) for name in SEQUENCES} | poses

    def neighbours(self, row: Tensor, mask: Tensor, sides: Sides | None = None) -> Neighbours | None:
        """What the stretches most like the known stacks of a row (L, Q) hold where mask (L,) is True.

        The mask is one stretch. A remembered one must reach over all of it and have something beside it wherever the row
        has. sides, if they are of this gap, order the likest by their joints. None when nothing is known or fits.
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
        cost = distance[chosen]
        if sides is not None and sides.steps == stop - first and len(sides.before):
            cost = cost + self._astray(chosen, sides)
        keep = cost.argsort(stable=True)[:CLIPS]
        chosen, cost = chosen[keep], cost[keep]
        codes = torch.stack([self._laid(int(at), first, length) for at in chosen])
        leads_anywhere = stop == length
        return Neighbours(
            codes, cost, mask, self._expected_distance(chosen, cost, stop - first) if leads_anywhere else None
        )

    # ---- tables over all remembered stacks, made when first needed

    @cached_property
    def _books(self) -> Tensor:
        return self.codec.quantizer.codebooks.cpu()

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
    def _sequence(self) -> Tensor:
        return torch.arange(len(self.lengths)).repeat_interleave(self.lengths.long())

    @cached_property
    def _clip(self) -> Tensor:
        return self.clips[self._sequence]

    @cached_property
    def _norms(self) -> Tensor:
        """Squared lengths (N,) of the code vectors: |sum of entries|^2 from the products of entries, level by level."""
        books, columns = self._books, self._columns
        total = torch.zeros(columns.shape[1])
        for a in range(len(books)):
            total += books[a].square().sum(1)[columns[a]]
            for b in range(a):
                total += 2 * (books[b] @ books[a].T)[columns[b], columns[a]]
        return total

    @cached_property
    def _spread(self) -> float:
        """Mean squared distance of the code vectors from their mean: the unit of distances."""
        books = self._books
        uses = torch.stack([torch.bincount(column, minlength=books.shape[1]) for column in self._columns])
        mean = torch.einsum("qk,qkd->d", uses.float() / len(self.codes), books)
        return max(float(self._norms.mean() - mean.square().sum()), 1e-12)

    def _to(self, stack: Tensor) -> Tensor:
        """Squared distances (N,) from the vector of a stack (Q,) to all remembered ones."""
        vector = vectors_of(stack, self._books)
        out = self._norms + vector.square().sum()
        for book, column in zip(self._books, self._columns, strict=True):
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

    def _edge(self, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Motions (K,) of stretches, and the frames (K,) before their first stack."""
        stride = self.codec.config.stride
        sequence = self._sequence[chosen]
        frames = self.offsets[sequence] + stride * (chosen - self._stretches[0][chosen]) - 1
        return self.clips[sequence].numpy().astype(int), frames.numpy().astype(int)

    def _placed(self, chosen: Tensor, frames: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
        """Joints (K, T, J, 3) at frames (T,) from the edge on, put where the poses up to it fit known ones (N, J, 3).

        Without those, where they fit the first stretch's.
        """
        count = FIT_FRAMES if known is None else min(FIT_FRAMES, len(known))
        motions, edge = self._edge(chosen)
        poses = self.poses.at(motions[:, None], edge[:, None] + np.concatenate([np.arange(1 - count, 1), frames]))
        fixed = poses[0, :count] if known is None else known[-count:]
        out = []
        for pose in poses:
            yaw, shift = blend.ground_fit(pose[:count].reshape(-1, 3), fixed.reshape(-1, 3))
            out.append(quat_rotate(yaw_to_quat(np.array(yaw)), pose[count:]) + shift)
        return np.stack(out)

    def _astray(self, chosen: Tensor, sides: Sides) -> Tensor:
        """How far (K,) the joints of stretches are from the known ones before and behind, put at the edge before."""
        back = [k for k in LOOKS if k < len(sides.before)]
        on = [k for k in LOOKS if k < len(sides.after)]
        frames = np.array([*(-k for k in back), *(sides.frames + k for k in on)])
        there = self._placed(chosen, frames, sides.before)
        wanted = np.concatenate([sides.before[[-1 - k for k in back]], sides.after[on]])
        off = np.square(there - wanted).sum(-1).mean(-1)  # (K, T)
        # Where a motion has no frame its others say it; those nearest to the gap are always there.
        motions, edge = self._edge(chosen)
        at = edge[:, None] + frames
        real = (at >= 0) & (at <= self.poses.last(motions)[:, None])
        before, behind = (
            (off[:, part] * real[:, part]).sum(1) / real[:, part].sum(1).clip(1)
            for part in (slice(len(back)), slice(len(back), None))
        )
        return torch.tensor(DEPARTURE * before + ARRIVAL * behind, dtype=torch.float32)

    def _expected_distance(self, chosen: Tensor, cost: Tensor, steps: int) -> Tensor:
        """Mean distances in m (K,) of each stretch's joints in a gap from those of the likely ones."""
        stride = self.codec.config.stride
        paths = torch.tensor(self._placed(chosen, stride * np.arange(1, steps + 1)), dtype=torch.float32)
        likely = min(LIKELY, len(cost))
        weights = log_weights(cost[:likely], LIKELY_SHARPNESS).softmax(0)
        apart = torch.stack([(paths - path).norm(dim=-1).mean((1, 2)) for path in paths[:likely]])
        return weights @ apart

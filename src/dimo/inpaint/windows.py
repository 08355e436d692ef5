"""Code sequences of any length from a model of limited length: windows that know the end of what was made before.

A window is at most the model's longest motion: known stacks of the past, masked stacks to fill, and, where the gap ends,
known stacks of what follows. Seams between windows are masked once more and refined with both sides known.

What has to be filled is written as a generator that yields Windows and is sent their codes, so that it reads as the story of
one motion, while `drive` fills the windows of many motions in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from dimo.memory.neighbours import Neighbours

T = TypeVar("T")

CONTEXT = 10  # stacks (2 s) that a window knows of either side
SEAM = 2  # stacks on either side of a seam that are made once more


@dataclass(frozen=True)
class Window:
    """A row of codes (L, Q), at most the model's longest, with the stacks of `open` (L,) to be made.

    ids: word pieces of the sentence that says what happens, none for no text. neighbours: what remembered motions hold.
    start: where the first stack stands in the row that is made, with what is known to its left.
    """

    row: Tensor
    open: Tensor
    ids: tuple[int, ...] = ()
    neighbours: Neighbours | None = None
    start: int = 0


Filling = Generator[Window, Tensor, Tensor]
"""Yields windows, is sent their codes (L, Q), returns the codes that were asked for."""

Lookup = Callable[[Tensor, Tensor], Neighbours | None]
"""From a row (L, Q) and a mask (L,) of its open stretch to what remembered motions hold there."""


Recalling = Callable[[Tensor], Neighbours | None]
"""From the mask (L,) of an open stretch to what motions hold that were described by a sentence like its own."""


@dataclass(frozen=True)
class Stretch:
    """`steps` code steps to make; ids are the word pieces of its sentence, none for no text."""

    ids: tuple[int, ...]
    steps: int
    recalling: Recalling | None = None


def drive(
    jobs: Sequence[Generator[Window, Tensor, T]], fill: Callable[[list[int], list[Window]], list[Tensor]]
) -> list[T]:
    """Run generators side by side: fill(numbers, windows) makes the windows that wait, one of each job, in one batch."""
    results: dict[int, T] = {}
    waiting: dict[int, Window] = {}

    def go_on(number: int, codes: Tensor | None) -> None:
        try:
            waiting[number] = next(jobs[number]) if codes is None else jobs[number].send(codes)
        except StopIteration as done:
            results[number] = done.value

    for number in range(len(jobs)):
        go_on(number, None)
    while waiting:
        numbers, windows = list(waiting), list(waiting.values())
        waiting.clear()
        for number, codes in zip(numbers, fill(numbers, windows), strict=True):
            go_on(number, codes)
    return [results[number] for number in range(len(jobs))]


def fill_between(
    left: Tensor,
    stretches: Sequence[Stretch],
    right: Tensor,
    longest: int,
    context: int = CONTEXT,
    lookup: Lookup | None = None,
) -> Filling:
    """Codes (sum of the stretches' steps, Q) to stand between left (A, Q) and right (B, Q), either of which may be empty.

    Stretches are made in order, each with its own text, those that are too long for one window of the model (`longest`
    code steps) in several. lookup: where remembered motions have a say.
    """
    context = min(context, (longest - 1) // 3)
    begin, after = len(left), len(right)
    row, seams = left, []
    windows = _windows(stretches, longest, min(begin, context), context, min(after, context))
    for i, stretch in enumerate(windows):
        past = min(len(row), context)
        tail = right[:context] if i == len(windows) - 1 else right[:0]
        known = torch.cat([row[len(row) - past :], torch.zeros(stretch.steps, row.shape[1], dtype=torch.long), tail])
        mask = torch.zeros(len(known), dtype=torch.bool)
        mask[past : past + stretch.steps] = True
        if stretch.ids:
            near = stretch.recalling(mask) if stretch.recalling else None
        else:
            near = lookup(known, mask) if lookup else None
        made = yield Window(known, mask, stretch.ids, near, len(row) - past)
        if i:
            seams.append(len(row))
        row = torch.cat([row, made[past : past + stretch.steps]])
    row = torch.cat([row, right])
    for seam in seams:
        row = yield from _refine_seam(row, seam, context, begin, len(row) - after)
    return row[begin : len(row) - after]


def refine(row: Tensor, mask: Tensor, ids: tuple[int, ...], longest: int) -> Filling:
    """The row (L, Q), which may be longer than the model's longest, with the stacks of mask (L,) made anew."""
    total = len(row)
    context = min(CONTEXT, (longest - 1) // 3)
    fresh = longest if total <= longest else longest - 2 * context
    row, mask = row.clone(), mask.clone()
    for start in range(0, total, fresh):
        part = slice(max(0, start - context), min(total, start + fresh + context))
        if mask[part].any():
            row[part] = yield Window(row[part].clone(), mask[part].clone(), ids, start=part.start)
        mask[part] = False
    return row


def _windows(stretches: Sequence[Stretch], longest: int, first: int, context: int, last: int) -> list[Stretch]:
    """Stretches divided so that each fits a window with its context."""
    out: list[Stretch] = []
    for i, stretch in enumerate(stretches):
        room = longest - (context if out else first) - (last if i == len(stretches) - 1 else 0)
        pieces = 1 if stretch.steps <= room else -(-stretch.steps // (longest - context - last))
        edges = [stretch.steps * k // pieces for k in range(pieces + 1)]
        out += [replace(stretch, steps=b - a) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return out


def _refine_seam(row: Tensor, seam: int, context: int, low: int, high: int) -> Filling:
    """The row with the stacks around seam made anew without text; only those from low to high are touched."""
    start, end = max(0, seam - SEAM - context), min(len(row), seam + SEAM + context)
    mask = torch.zeros(end - start, dtype=torch.bool)
    mask[max(low, seam - SEAM) - start : min(high, seam + SEAM) - start] = True
    made = yield Window(row[start:end], mask, start=start)
    return torch.cat([row[:start], made, row[end:]])

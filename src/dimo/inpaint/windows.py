"""Code sequences of any length from a model of limited length: windows that know the end of what was made before.

A window is at most the model's longest motion: known stacks of the past, masked stacks to fill, and, where the gap ends,
known stacks of what follows. Seams between windows are masked once more and refined with both sides known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.predictor import Predictor
from dimo.memory.neighbours import Votes
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import MASK

CONTEXT = 10  # stacks (2 s) that a window knows of either side
SEAM = 2  # stacks on either side of a seam that are made once more
NO_TEXT = (MASK,) * 8
"""Unknown words, which is how training shows motion without text; as given words, so that the sampler lets them be."""

Recall = Callable[[Tensor, Tensor], Votes | None]
"""From a row (L, Q) and a mask (L,) of its open stretch to what remembered motions hold there."""


@dataclass(frozen=True)
class Part:
    """A stretch of `steps` stacks to make; ids are the word pieces of its sentence, none for no text."""

    ids: tuple[int, ...]
    steps: int


def refine(
    model: MaskedModel,
    rows: Sequence[Tensor],
    masks: Sequence[Tensor],
    ids: Sequence[int],
    options: SampleOptions,
    votes: Sequence[Votes | None] = (),
) -> list[Tensor]:
    """Rows of codes (L_i, Q), each at most the model's longest, with the stacks of masks (L_i,) bool made anew.

    votes, one per row, are for rows of one length.
    """
    if not any(bool(mask.any()) for mask in masks):
        return list(rows)
    tokens = pack([list(ids or NO_TEXT)] * len(rows), list(rows), levels=model.config.levels)
    hidden = torch.nn.utils.rnn.pad_sequence(list(masks), batch_first=True)
    tokens = replace(tokens, known_levels=torch.where(hidden, 0, tokens.known_levels))
    options = options if ids else replace(options, guidance=1.0)
    predict = Predictor(model, options.guidance, options.guidance_on, votes, options.memory)
    *_, last = sample(tokens, predict, options)
    return [codes[: len(row)] for codes, row in zip(last.tokens.codes, rows, strict=True)]


def refine_all(
    model: MaskedModel, rows: Sequence[Tensor], masks: Sequence[Tensor], ids: Sequence[int], options: SampleOptions
) -> list[Tensor]:
    """As refine, for rows of one length, which may be longer than the model's longest."""
    longest, total = model.config.max_steps, len(rows[0])
    context = min(CONTEXT, (longest - 1) // 3)
    fresh = longest if total <= longest else longest - 2 * context
    out, masks = [row.clone() for row in rows], [mask.clone() for mask in masks]
    for i, start in enumerate(range(0, total, fresh)):
        part = slice(max(0, start - context), min(total, start + fresh + context))
        made = refine(model, [row[part] for row in out], [mask[part] for mask in masks], ids, _seeded(options, i))
        for row, new, mask in zip(out, made, masks, strict=True):
            row[part], mask[part] = new, False
    return out


def fill(
    model: MaskedModel,
    lefts: Sequence[Tensor],
    parts: Sequence[Part],
    rights: Sequence[Tensor],
    options: SampleOptions,
    context: int = CONTEXT,
    recalls: Sequence[Recall] = (),
) -> list[Tensor]:
    """Per row, codes (sum of the parts' steps, Q) to stand between lefts[i] (A, Q) and rights[i] (B, Q).

    The sides may be empty; all rows have sides of the same lengths. Parts are made in order, each with its own text,
    those that are too long for one window in several. recalls: one per row, where remembered motions have a say,
    of which the first row heeds those that go where most go.
    """
    longest = model.config.max_steps
    context = min(context, (longest - 1) // 3)
    begin, after = len(lefts[0]), len(rights[0])
    rows = list(lefts)
    windows = _windows(parts, longest, min(begin, context), context, min(after, context))
    seams = []
    for i, part in enumerate(windows):
        past = min(len(rows[0]), context)
        tail = rights if i == len(windows) - 1 else [r[:0] for r in rights]
        blank = torch.zeros(part.steps, model.config.levels, dtype=torch.long)
        made = [torch.cat([row[len(row) - past :], blank, end[:context]]) for row, end in zip(rows, tail, strict=True)]
        mask = torch.zeros(len(made[0]), dtype=torch.bool)
        mask[past : past + part.steps] = True
        votes = _votes(recalls, made, mask) if recalls else []
        made = refine(model, made, [mask] * len(made), part.ids, _seeded(options, i), votes)
        if i:
            seams.append(len(rows[0]))
        rows = [torch.cat([row, m[past : past + part.steps]]) for row, m in zip(rows, made, strict=True)]
    rows = [torch.cat([row, end]) for row, end in zip(rows, rights, strict=True)]
    for i, seam in enumerate(seams):
        rows = _refine_seam(model, rows, seam, context, begin, len(rows[0]) - after, _seeded(options, 100 + i))
    return [row[begin : len(row) - after] for row in rows]


def _votes(recalls: Sequence[Recall], rows: Sequence[Tensor], mask: Tensor) -> list[Votes | None]:
    """Votes per row; rows that know the same, as several samples of one gap do, are looked up once.

    The first goes where most remembered motions go, the others where any of them goes.
    """
    out: list[Votes | None] = []
    for recall, row in zip(recalls, rows, strict=True):
        same = next((i for i in range(len(out)) if torch.equal(rows[i], row)), None)
        out.append(recall(row, mask) if same is None else out[same])
    return [v.expected() if v is not None and i == 0 else v for i, v in enumerate(out)]


def _windows(parts: Sequence[Part], longest: int, first: int, context: int, last: int) -> list[Part]:
    """Parts divided so that each fits a window with its context."""
    out: list[Part] = []
    for i, part in enumerate(parts):
        room = longest - (context if out else first) - (last if i == len(parts) - 1 else 0)
        pieces = 1 if part.steps <= room else -(-part.steps // (longest - context - last))
        edges = [part.steps * k // pieces for k in range(pieces + 1)]
        out += [Part(part.ids, b - a) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return out


def _refine_seam(
    model: MaskedModel, rows: list[Tensor], seam: int, context: int, low: int, high: int, options: SampleOptions
) -> list[Tensor]:
    """Rows with the stacks around seam made anew without text; only those from low to high are touched."""
    start, end = max(0, seam - SEAM - context), min(len(rows[0]), seam + SEAM + context)
    mask = torch.zeros(end - start, dtype=torch.bool)
    mask[max(low, seam - SEAM) - start : min(high, seam + SEAM) - start] = True
    made = refine(model, [row[start:end] for row in rows], [mask] * len(rows), (), options)
    return [torch.cat([row[:start], m, row[end:]]) for row, m in zip(rows, made, strict=True)]


def _seeded(options: SampleOptions, index: int) -> SampleOptions:
    """Another draw for each window, that the one seed repeats."""
    return options if options.seed is None else replace(options, seed=(options.seed + 7919 * index) % 2**63)

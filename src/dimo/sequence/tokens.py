"""Tokens: one batch of sequences of words and motion codes, with what is known of them. Torch, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dimo.errors import ShapeError
from dimo.sequence.vocabulary import MASK, PAD


@dataclass(frozen=True)
class Tokens:
    """`[CLS] text [SEP] motion [SEP]` without the fixed marks, for B sequences.

    A stack is one code step of motion with all its Q codes; known_levels says how many of them, from the lowest, are known.
    That integer is the whole noise state of a stack: 0 is masked, Q is given.
    """

    ids: Tensor  # (B, T) word pieces; [PAD] ends a caption within its slots
    known_text: Tensor  # (B, T) bool
    text_slots: Tensor  # (B, T) bool: False where a shorter text of the batch has no slot
    codes: Tensor  # (B, L, Q); values at unknown levels are ignored
    known_levels: Tensor  # (B, L) 0 to Q
    motion_slots: Tensor  # (B, L) bool

    def __post_init__(self):
        b, t, length = len(self.ids), self.ids.shape[1], self.codes.shape[1]
        for name, want in (
            ("known_text", (b, t)),
            ("text_slots", (b, t)),
            ("known_levels", (b, length)),
            ("motion_slots", (b, length)),
        ):
            if tuple(getattr(self, name).shape) != want:
                raise ShapeError(f"{name} must have shape {want}, not {tuple(getattr(self, name).shape)}")
        if self.codes.ndim != 3 or len(self.codes) != b:
            raise ShapeError(f"codes must have shape ({b}, L, Q), not {tuple(self.codes.shape)}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def levels(self) -> int:
        return self.codes.shape[2]

    def without_text(self, rows: Tensor | None = None) -> Tokens:
        """The same with all text unknown and not asked for, in the sequences rows (B,) bool or in all.

        One form for condition dropout, for the unconditional branch of guidance and for motion without a text: [MASK] is
        given in every slot, so that the sampler lets it be. How the model shows it is the model's matter (see wordless).
        """
        gone = self.text_slots if rows is None else self.text_slots & rows[:, None]
        return replace(self, ids=torch.where(gone, MASK, self.ids), known_text=self.known_text | gone)

    def wordless(self) -> Tensor:
        """(B, T) bool: slots that hold no word and are to get none."""
        return self.known_text & (self.ids == MASK)

    def take(self, rows: Tensor) -> Tokens:
        """The sequences rows, indices or (B,) bool."""
        return Tokens(*(getattr(self, f)[rows] for f in FIELDS))

    def repeat(self, times: int) -> Tokens:
        """Each sequence `times` times in a row."""
        return Tokens(*(getattr(self, f).repeat_interleave(times, 0) for f in FIELDS))

    def to(self, device: torch.device) -> Tokens:
        """The same on a device."""
        return Tokens(*(getattr(self, f).to(device) for f in FIELDS))

    @staticmethod
    def cat(parts: Sequence[Tokens]) -> Tokens:
        """Batches of the same widths one after the other."""
        return Tokens(*(torch.cat([getattr(p, f) for p in parts]) for f in FIELDS))

    def masked_ids(self) -> Tensor:
        """(B, T) ids with [MASK] where unknown and [PAD] where there is no slot."""
        ids = torch.where(self.known_text, self.ids, MASK)
        return torch.where(self.text_slots, ids, PAD)


FIELDS = ("ids", "known_text", "text_slots", "codes", "known_levels", "motion_slots")


def pack(
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    *,
    levels: int,
    text_known: bool = True,
    motion_known: bool = True,
    text_slots: int | None = None,
) -> Tokens:
    """Ids per text and codes (L_i, Q) per motion to one batch, padded to its longest.

    On the CPU, where the parts are: what is known of them is often changed before they are moved (Tokens.to).
    text_slots fixes the number of word places and makes all of them count, as captioning needs, where the length of the
    text is not known: places beyond the text then hold [PAD] as content.
    """
    if len(texts) != len(motions):
        raise ShapeError(f"{len(texts)} texts but {len(motions)} motions")
    width = text_slots if text_slots is not None else max((len(t) for t in texts), default=0)
    length = max((len(m) for m in motions), default=0)
    b = len(texts)
    ids = torch.full((b, width), PAD)
    slots = torch.zeros(b, width, dtype=torch.bool)
    codes = torch.zeros(b, length, levels, dtype=torch.long)
    motion_slots = torch.zeros(b, length, dtype=torch.bool)
    for i, (text, motion) in enumerate(zip(texts, motions, strict=True)):
        if len(text) > width:
            raise ShapeError(f"a text of {len(text)} word pieces does not fit {width} places")
        ids[i, : len(text)] = torch.as_tensor(text, dtype=torch.long)
        slots[i, : width if text_slots is not None else len(text)] = True
        codes[i, : len(motion)] = motion
        motion_slots[i, : len(motion)] = True
    known_levels = torch.full((b, length), levels if motion_known else 0) * motion_slots
    return Tokens(ids, slots & text_known, slots, codes, known_levels, motion_slots)

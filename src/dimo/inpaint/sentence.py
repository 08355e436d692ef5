"""A sentence of a request, as the windows that are drawn for it need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dimo.inpaint.windows import Stretch
from dimo.memory.neighbours import Neighbours


@dataclass(frozen=True)
class Sentence:
    """A text's word pieces, and what a motion that was described alike says of it, where one is asked."""

    ids: tuple[int, ...]
    recalling: Callable[[Tensor, torch.Generator], Neighbours | None] | None = None

    def over(self, steps: int, generator: torch.Generator | None) -> Stretch:
        """So many code steps of it. generator: draws the motion that is asked; none is without."""
        recalling = self.recalling
        if generator is None or recalling is None:
            return Stretch(self.ids, steps)
        return Stretch(self.ids, steps, lambda open_: recalling(open_, generator))


Texts = dict[str | None, Sentence]

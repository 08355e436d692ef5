"""The rounds of a motion as they come: window after window, each state that of the whole motion."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.sample import Step
from dimo.inpaint.windows import Window
from dimo.sequence.tokens import pack


def follow(
    story: Generator[Window, Tensor, Tensor], steps: int, levels: int, fill: Callable[[Window], Iterator[Step]]
) -> Iterator[Step]:
    """The states of a motion of `steps` code steps while its windows are filled; fill gives those of one window.

    index counts the rounds of all windows. Places of windows that are still to come are open, and confidence is NaN but where
    a round wrote. Seams are opened once more before they are made from both sides.
    """
    row = torch.zeros(steps, levels, dtype=torch.long)
    known, done = torch.zeros(steps, dtype=torch.long), 0
    window = next(story)
    while True:
        length, last = len(window.row), -1
        place = slice(window.start, window.start + length)
        for step in fill(window):
            row[place] = step.tokens.codes[0, :length].cpu()
            known[place] = step.tokens.known_levels[0, :length].cpu()
            sure = torch.full((1, steps), torch.nan)
            sure[0, place] = step.motion_confidence[0, :length].cpu().float()
            tokens = pack([list(window.ids)], [row], levels=levels)
            yield Step(done + step.index, replace(tokens, known_levels=known[None].clone()), step.text_confidence, sure)
            last = step.index
        done += last + 1
        try:
            window = story.send(row[place].clone())
        except StopIteration:
            return

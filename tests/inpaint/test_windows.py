"""Windows over code sequences that are longer than the model's longest, filled by a stand-in for the model."""

import pytest
import torch

from dimo.inpaint import windows
from dimo.inpaint.windows import Stretch, Window, drive, fill_between, refine

LONGEST = 49


def codes(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 16, (length, 3), generator=torch.Generator().manual_seed(seed))


class Filler:
    """Fills windows with ever higher numbers and remembers what it saw."""

    def __init__(self):
        self.seen: list[list[Window]] = []

    def __call__(self, numbers: list[int], asked: list[Window]) -> list[torch.Tensor]:
        self.seen.append(asked)
        return [torch.where(w.open[:, None], 100 + len(self.seen), w.row) for w in asked]


@pytest.mark.parametrize(("left", "right", "parts"), [(0, 0, [60]), (20, 15, [5]), (3, 0, [70, 30]), (30, 12, [40, 2])])
def test_what_is_missing_is_made_and_the_sides_are_seen(left, right, parts):
    fill, sides = Filler(), (codes(left), codes(right, 1))
    stretches = [Stretch((110 + i, 111), n) for i, n in enumerate(parts)]
    (made,) = drive([fill_between(sides[0], stretches, sides[1], LONGEST)], fill)
    assert made.shape == (sum(parts), 3)
    assert (made >= 100).all()
    asked = [w for batch in fill.seen for w in batch]
    assert all(len(w.row) <= LONGEST for w in asked)
    first, last = asked[0], next(w for w in reversed(asked) if w.ids)
    context = min(left, 10)
    assert torch.equal(first.row[:context], sides[0][left - context :])
    assert torch.equal(last.row[~last.open][-min(right, 10) :] if right else last.row[:0], sides[1][: min(right, 10)])
    # The texts in their order, and a seam without a text between every two windows.
    told = [w.ids for w in asked if w.ids]
    assert list(dict.fromkeys(told)) == [s.ids for s in stretches]
    assert len(asked) - len(told) == len(told) - 1


def test_every_window_fits_the_model():
    for first, last, steps in [(0, 0, 49), (0, 0, 50), (10, 10, 30), (10, 10, 200), (0, 10, 40), (5, 0, 49)]:
        plan = windows._windows([Stretch((), steps)], LONGEST, first, 10, last)
        assert sum(p.steps for p in plan) == steps
        assert all(p.steps + (10 if i else first) + (last if p is plan[-1] else 0) <= 49 for i, p in enumerate(plan))


@pytest.mark.parametrize("length", [20, 49, 50, 120])
def test_refining_changes_masked_stacks_only(length):
    row = codes(length)
    mask = torch.rand(length, generator=torch.Generator().manual_seed(1)) < 0.4
    (made,) = drive([refine(row, mask, (), LONGEST)], Filler())
    assert torch.equal(made[~mask], row[~mask])
    assert (made[mask] >= 100).all()
    assert torch.equal(row, codes(length))


def test_windows_that_wait_together_are_filled_together():
    fill = Filler()
    nothing = codes(0)
    jobs = [fill_between(nothing, [Stretch((i,), n)], nothing, LONGEST) for i, n in enumerate((20, 60, 130))]
    made = drive(jobs, fill)
    assert [len(m) for m in made] == [20, 60, 130]
    assert [len(batch) for batch in fill.seen] == [3, 2, 2, 1, 1, 1, 1]  # of 1, 2 and 4 windows, then 0, 1 and 3 seams

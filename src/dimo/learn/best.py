"""The weights of the validation that was best by one of its figures, kept beside the last ones.

The file says of itself which figure, its value and the step. A run that is resumed compares with it: if the file is of a later
step than the state that the run goes on from, the run comes to the same weights again, which are then no better.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dimo.checkpoint import read_tensors
from dimo.errors import RequestError, WeightsError
from dimo.formats.files import write_atomically

FILE, FOLDER = "best.safetensors", "best"
"""While training, and the weights folder that it becomes at the end."""
RISING = ("r1", "r2", "r3")
"""Figures of which more is better; of all others less is."""


@dataclass(frozen=True)
class Mark:
    """What was best: a figure of val.csv, its value, and the step of the validation."""

    figure: str
    value: float
    step: int

    def beaten_by(self, value: float) -> bool:
        return value > self.value if self.figure in RISING else value < self.value


class Best:
    """Keeps the best weights of a training in its folder. resume: goes on from what is there, if it is by the same figure."""

    def __init__(self, folder: Path, figure: str, *, resume: bool):
        self.path, self.figure = folder / FILE, figure
        self.mark = _mark(self.path) if resume and self.path.is_file() else None
        if self.mark is None or self.mark.figure != figure:
            self.mark = None
            self.path.unlink(missing_ok=True)

    def see(self, row: dict[str, float], step: int, model: nn.Module) -> bool:
        """Keep the model as it is if this validation is the best so far; whether it is."""
        value = row[self.figure]
        if value != value or (self.mark is not None and not self.mark.beaten_by(value)):
            return False
        self.mark = Mark(self.figure, value, step)
        facts = {"figure": self.figure, "value": repr(float(value)), "step": str(step)}
        with write_atomically(self.path) as temporary:
            save_file({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}, temporary, facts)
        return True


def check_figure(figure: str, known: Collection[str]) -> None:
    """RequestError for a figure that validations do not have; an empty one keeps none."""
    if figure and figure not in known:
        raise RequestError(f"best in [loop] must be a figure of the validation ({', '.join(known)}), not {figure!r}")


def read(folder: Path) -> tuple[Mark, dict[str, Tensor]] | None:
    """What was best in a training's folder, and the weights; None where none were kept."""
    path = folder / FILE
    return (_mark(path), read_tensors(path)) if path.is_file() else None


def _mark(path: Path) -> Mark:
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
        return Mark(facts["figure"], float(facts["value"]), int(facts["step"]))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path}: not the best weights of a training ({error}); delete it to go on without"
        ) from None

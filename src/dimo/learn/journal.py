"""What a training writes down as it goes: log.csv and val.csv, and the same numbers for TensorBoard where [loop] asks for it."""

from __future__ import annotations

import csv
import os
import shutil
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

from dimo.errors import RequestError
from dimo.formats.files import write_atomically

LOG, VAL = "log", "val"
"""The journals: means over the last steps, and validations."""
EVENTS = "tensorboard"
"""The folder, in that of the training, which TensorBoard reads."""
HALF_WRITTEN = (".state-*.pt", ".codes-*.safetensors", ".best.*.safetensors", ".log.*.csv", ".val.*.csv")


class Journal:
    """Rows of one training. step: the one that a resumed run goes on from; None begins anew."""

    def __init__(self, folder: Path, step: int | None, *, tensorboard: bool = False):
        self.folder = folder
        tidy(folder, step)
        self._events: Any = _writer(folder / EVENTS, step) if tensorboard else None

    def add(self, name: str, row: dict[str, float]) -> None:
        """A row of log or val; its "step" is where TensorBoard draws it."""
        append(self.folder / f"{name}.csv", row)
        if self._events is not None:
            for key, value in row.items():
                if key != "step" and isfinite(value):
                    self._events.add_scalar(f"{name}/{key}", value, int(row["step"]))
            self._events.flush()

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


def check_tensorboard() -> None:
    """RequestError where its writer is not installed."""
    if find_spec("tensorboard") is None:
        raise RequestError("tensorboard is asked for and not installed: pip install 'dimo[tensorboard]'")


def _writer(folder: Path, step: int | None) -> Any:
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    if step is None:
        shutil.rmtree(folder, ignore_errors=True)
    return SummaryWriter(str(folder), purge_step=None if step is None else step + 1)


def tidy(folder: Path, step: int | None) -> None:
    """What a killed run left is put right: files half-written go, and of the logs what is beyond the step that it goes on from.

    step: None begins anew, with no logs.
    """
    for pattern in HALF_WRITTEN:
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)
    for path in (folder / f"{LOG}.csv", folder / f"{VAL}.csv"):
        if step is None:
            path.unlink(missing_ok=True)
        elif path.exists():
            head, *rows = path.read_text(encoding="utf-8").split("\n")[:-1] or [""]  # the last may be half a line
            if head.startswith("step,"):
                kept = [row for row in rows if row.partition(",")[0].isdigit() and int(row.partition(",")[0]) <= step]
                with write_atomically(path) as temporary:
                    temporary.write_text("".join(f"{row}\n" for row in [head, *kept]), encoding="utf-8")
            else:
                path.unlink()


def append(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file; NaN is left empty. A file with other columns, of another version, is put aside."""
    if path.exists():
        with path.open(newline="") as file:
            if next(csv.reader(file), []) != list(row):
                os.replace(path, path.with_suffix(".before.csv"))
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(row)
        writer.writerow("" if v != v else f"{v:.6g}" if isinstance(v, float) else v for v in row.values())

"""Random samples that a report shows and a study asks about: texts, true and made motions, captions."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimo.errors import FormatError
from dimo.formats.files import read_text, write_atomically

TEXTS, MOTIONS = "samples.json", "samples.npz"
FORMAT = "dimo-samples"
LIMIT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Sample:
    """A text, the true motion (F, 22, 3), what a system made of the text, and what it says of the true motion."""

    id: str
    text: str
    truth: np.ndarray | None = None
    made: np.ndarray | None = None
    caption: str = ""
    label: str = ""


@dataclass(frozen=True)
class Samples:
    """Samples in the order in which they were drawn, and the seed of that."""

    items: tuple[Sample, ...]
    seed: int
    fps: float = 20.0

    def save(self, folder: Path) -> None:
        """samples.json and samples.npz in a folder."""
        rows = [{"id": s.id, "text": s.text, "caption": s.caption, "label": s.label} for s in self.items]
        arrays = {
            f"{kind}/{i}": np.asarray(value, np.float32)
            for i, s in enumerate(self.items)
            for kind, value in (("truth", s.truth), ("made", s.made))
            if value is not None
        }
        with write_atomically(folder / MOTIONS) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        with write_atomically(folder / TEXTS) as temporary:
            data = {"format": FORMAT, "seed": self.seed, "fps": self.fps, "samples": rows}
            temporary.write_text(json.dumps(data, indent=1) + "\n", "utf-8")

    @staticmethod
    def load(folder: Path) -> Samples:
        """From a folder that dimo evaluate wrote; FormatError for anything else."""
        if not folder.is_dir():
            raise FormatError("no such folder of results; dimo evaluate writes one", path=folder)
        path = folder / TEXTS
        try:
            data = json.loads(read_text(path, LIMIT_BYTES))
            if data["format"] != FORMAT:
                raise ValueError("of another format")
            with np.load(folder / MOTIONS, allow_pickle=False) as arrays:
                held = {k: arrays[k] for k in arrays.files}
            items = tuple(
                Sample(
                    id=str(row["id"]),
                    text=str(row["text"]),
                    truth=held.get(f"truth/{i}"),
                    made=held.get(f"made/{i}"),
                    caption=str(row["caption"]),
                    label=str(row["label"]),
                )
                for i, row in enumerate(data["samples"])
            )
            return Samples(items, int(data["seed"]), float(data["fps"]))
        except (ValueError, KeyError, TypeError, RecursionError, OSError, zipfile.BadZipFile) as error:
            raise FormatError(f"not samples of dimo evaluate ({str(error).splitlines()[0]})", path=path) from None

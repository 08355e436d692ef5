"""What an evaluation has already generated, so that one that was cut off goes on instead of beginning again."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dimo.formats.files import write_atomically


class Store:
    """Files of one batch each below FOLDER/KEY, where the key changes with everything that the results depend on."""

    def __init__(self, folder: Path, settings: Any):
        text = json.dumps(settings, sort_keys=True, default=str)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:12]
        self.settings = text

    def arrays(self, name: str, make: Callable[[], Sequence[np.ndarray]]) -> list[np.ndarray]:
        """Arrays that were stored under this name, or made now and stored as float32."""
        path = self._path(name, ".npz")
        if path.is_file():
            try:
                with np.load(path, allow_pickle=False) as data:
                    return [data[str(i)].astype(np.float64) for i in range(len(data.files))]
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                pass  # damaged from outside; made again
        made = [np.asarray(a, np.float32) for a in make()]
        with write_atomically(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **{str(i): a for i, a in enumerate(made)})  # type: ignore[arg-type]
        return [a.astype(np.float64) for a in made]

    def texts(self, name: str, make: Callable[[], Sequence[Any]]) -> list[Any]:
        """The same for anything that JSON can hold."""
        path = self._path(name, ".json")
        if path.is_file():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                pass
        made = list(make())
        with write_atomically(path) as temporary:
            temporary.write_text(json.dumps(made), encoding="utf-8")
        return made

    def _path(self, name: str, suffix: str) -> Path:
        path = self.folder / f"{name}{suffix}"
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "settings.json").write_text(self.settings + "\n", encoding="utf-8")
        return path

"""The folder of a batch, which is right at every moment: whatever ends the run, its index names whole files alone.

    batch.json      what they were made with: weights, options, format
    index.jsonl     a line a motion, in the order of the prompts: id, text or parts, seconds, seed, file, weights, key
    errors.jsonl    a line a prompt that could not be made: id, text or parts, error; not there when there is none
    ID.npz          the motions
    .partial/       files that are being written, and renamed when they are whole; not there when nothing runs

A file is in its place before its line is in the index. The index is written anew as a whole, at most once a second and for at
most a twentieth of the time: what a run that is killed has made after that is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dimo.batch.prompts import MAX_BYTES, Prompt
from dimo.errors import RequestError
from dimo.formats.files import json_object, read_text, write_atomically

FORMAT, VERSION = "dimo-batch", 1
PARTIAL = ".partial"
EVERY, SHARE = 1.0, 0.05
"""Seconds between two writings of the index, and their share of the time."""


class Folder:
    """A folder that one run at a time writes to. RequestError for one that holds other things, or a batch of other settings."""

    def __init__(self, path: Path, prompts: Sequence[Prompt], settings: Mapping[str, Any]):
        self.path, self.prompts = path, prompts
        self.rows: dict[str, str] = {}  # id to its line of the index
        self.errors: dict[str, str] = {}
        self._written = self._pause = 0.0
        self._check(settings)
        self._read_index()

    @property
    def missing(self) -> list[Prompt]:
        """The prompts that have no motion yet."""
        return [prompt for prompt in self.prompts if prompt.id not in self.rows]

    def add(self, rows: Sequence[dict[str, Any]], errors: Sequence[dict[str, Any]]) -> None:
        """Lines of motions whose files are there, and of prompts that failed."""
        self.rows.update((row["id"], json.dumps(row, ensure_ascii=False) + "\n") for row in rows)
        self.errors.update((row["id"], json.dumps(row, ensure_ascii=False) + "\n") for row in errors)
        if time.monotonic() - self._written > self._pause:
            self.write()

    def write(self) -> None:
        """Index and errors as they stand."""
        began = time.monotonic()
        for name, found in (("index.jsonl", self.rows), ("errors.jsonl", self.errors)):
            if not found and name == "errors.jsonl":
                (self.path / name).unlink(missing_ok=True)
                continue
            with whole(self.path, name) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.writelines(found[prompt.id] for prompt in self.prompts if prompt.id in found)
        self._written = time.monotonic()
        self._pause = max(EVERY, (self._written - began) / SHARE)

    # ---- what is there

    def _check(self, settings: Mapping[str, Any]) -> None:
        """batch.json says what the folder is made with; it is written where there is none."""
        path = self.path / "batch.json"
        wanted = json.loads(json.dumps({"format": FORMAT, "version": VERSION, **settings}))
        if not path.exists():
            if others := sorted(p.name for p in self.path.iterdir() if p.name != PARTIAL):
                raise RequestError(f"{self.path}: holds {others[0]!r} and no batch; name a new or an empty folder")
            with whole(self.path, "batch.json") as temporary:
                temporary.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
            return
        found = json_object(read_text(path, MAX_BYTES), path, 1)
        for name in wanted | found:
            if found.get(name) != wanted.get(name):
                raise RequestError(
                    f"{self.path}: its motions are of {name} {_short(found.get(name))}, not {_short(wanted.get(name))}; "
                    "name another folder"
                )

    def _read_index(self) -> None:
        """Motions that are there. RequestError where one is of a prompt that the file does not have (any more)."""
        path = self.path / "index.jsonl"
        if not path.exists():
            return
        keys = {prompt.id: prompt.key for prompt in self.prompts}
        lines = read_text(path, MAX_BYTES).split("\n") if path.stat().st_size else []
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            row = json_object(line, path, number)
            name = str(row.get("id"))
            if keys.get(name) != row.get("key"):
                what = "is asked otherwise now" if name in keys else "is not among these prompts"
                raise RequestError(f"{self.path}: {name!r} of its index {what}; name another folder for other prompts")
            if (self.path / str(row.get("file"))).is_file():
                self.rows[name] = line + "\n"


@contextmanager
def whole(folder: Path, name: str) -> Iterator[Path]:
    """A path to write to; what stands there when the block ends well becomes the file `name` of the folder at once."""
    partial = folder / PARTIAL
    partial.mkdir(exist_ok=True)
    with write_atomically(partial / name) as temporary:
        yield temporary
    os.replace(partial / name, folder / name)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Makes the folder where it is missing, and keeps it for this process; RequestError while another one has it.

    What a killed run left half-written is removed, and the folder of such files at the end.
    """
    if path.exists() and not path.is_dir():
        raise RequestError(f"{path}: this is a file; name a folder")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"{path}: the folder {path.parent} does not exist")
    new = not path.exists()
    path.mkdir(exist_ok=True)
    lock = os.open(path, os.O_RDONLY) if os.name == "posix" else None
    try:
        if lock is not None:
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RequestError(f"{path}: another dimo batch is writing here; wait for it, or end it") from None
            except OSError:  # a file system without locks
                pass
        shutil.rmtree(path / PARTIAL, ignore_errors=True)
        yield
        shutil.rmtree(path / PARTIAL, ignore_errors=True)
    finally:
        if lock is not None:
            os.close(lock)
        if new and not any(path.iterdir()):
            path.rmdir()  # nothing was made: no trace of it


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:12] + "..."

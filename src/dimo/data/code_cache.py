"""A folder of motion files as codes, read once: what search ranks. Cached between runs, safe against a spoilt cache.

The cache is an NPZ without pickles in $XDG_CACHE_HOME/dimo (else ~/.cache/dimo), one per folder and weights. A file is read
again when its size or time of change differs. A cache that cannot be read is made anew, one that cannot be written is done
without.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dimo.body.motion import Motion
from dimo.errors import DimoError, FormatError, RequestError
from dimo.formats.files import write_atomically
from dimo.formats.reading import Options
from dimo.formats.table import READ, read

VERSION = 2
MOST_FILES = 100_000


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be used, and why in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Entry:
    """A motion file as codes (L, Q), with the prior of the motion (score.log_motion)."""

    path: Path
    codes: Tensor
    prior: float


@dataclass(frozen=True)
class Library:
    """The motions of a folder in the order of their paths, and the files that are none; `read` were not in the cache."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...]
    read: int


def motion_files(folder: str | Path) -> list[Path]:
    """All files below a folder with a suffix that is read, hidden ones left out; RequestError when there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise RequestError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'} of motion files")
    found = sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in READ and p.is_file() and not any(s.startswith(".") for s in p.relative_to(folder).parts)
    )
    if not found:
        raise RequestError(f"{folder}: holds no motion files; {', '.join(READ)} are read")
    if len(found) > MOST_FILES:
        raise RequestError(f"{folder}: holds {len(found):,} motion files; up to {MOST_FILES:,} are searched")
    return found


def read_folder(
    folder: str | Path,
    encode: Callable[[Motion], Tensor],
    prior: Callable[[Sequence[Tensor]], Tensor],
    cache: Path | None,
    reading: Options | None = None,
) -> Library:
    """Codes and priors of every motion file of a folder, from the cache where it knows the file as it is now.

    encode: Motion to codes (L, Q). prior: codes of several motions to one number each.
    """
    known = read_cache(cache) if cache is not None else {}
    paths = motion_files(folder)
    kept, fresh, faults, stats = {}, {}, [], {}
    for path in paths:
        name = str(path.relative_to(folder))
        try:
            stat = path.stat()
            stats[name] = (stat.st_size, stat.st_mtime_ns)
            row = known.get(name)
            if row is not None and row[0] == stats[name]:
                kept[name] = row[1:]
            else:
                fresh[name] = encode(read(path, reading).motion)
        except (DimoError, OSError) as error:
            faults.append(Unreadable(path, str(error)))
    priors = prior(list(fresh.values())).tolist() if fresh else []
    kept |= {name: (codes, p) for (name, codes), p in zip(fresh.items(), priors, strict=True)}
    if cache is not None and (fresh or len(kept) != len(known)):
        write_cache(cache, {name: (stats[name], *kept[name]) for name in kept})
    entries = tuple(Entry(Path(folder) / name, *kept[name]) for name in sorted(kept))
    return Library(entries, tuple(faults), len(fresh))


# ---- the cache

Row = tuple[tuple[int, int], Tensor, float]
"""(size in bytes, time of change in ns), codes (L, Q), prior."""


def cache_path(folder: str | Path, weights: str, reading: Options | None = None) -> Path:
    """Where the cache of a folder lies for weights named by a hash, and for how its files are read."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    key = hashlib.sha256(f"{VERSION} {weights} {Path(folder).resolve()}{_told(reading)}".encode()).hexdigest()[:24]
    return Path(base) / "dimo" / f"{key}.npz"


def _told(reading: Options | None) -> str:
    """What was said of the files, with the time of a map; nothing for nothing, so that old caches count."""
    if reading is None or reading == Options():
        return ""
    changed = Path(str(reading.mapping)).stat().st_mtime_ns if reading.mapping is not None else 0
    return f" {reading} {changed}"


def read_cache(path: Path) -> dict[str, Row]:
    """Rows by file name; empty when there is no cache, or one that is not whole and sound."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            names, sizes, times = data["names"], data["sizes"], data["times"]
            lengths, codes, priors = data["lengths"], data["codes"], data["priors"]
        whole = (
            names.dtype.kind == "U"
            and all(a.shape == names.shape and a.ndim == 1 for a in (sizes, times, lengths, priors))
            and codes.ndim == 2
            and codes.dtype == np.int16
            and (lengths > 0).all()
            and lengths.sum() == len(codes)
            and (codes >= 0).all()
            and np.isfinite(priors).all()
        )
        if not whole:
            return {}
        parts = torch.from_numpy(codes).long().split(lengths.tolist())
        rows = zip(names.tolist(), sizes.tolist(), times.tolist(), parts, priors.tolist(), strict=True)
        return {name: ((size, time), part, prior) for name, size, time, part, prior in rows}
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
        return {}


def write_cache(path: Path, rows: dict[str, Row]) -> None:
    """Write rows whole or not at all; a folder that cannot be written to is no error."""
    if not rows:
        return
    arrays = {
        "names": np.array(list(rows)),
        "sizes": np.array([stat[0] for stat, _, _ in rows.values()], np.int64),
        "times": np.array([stat[1] for stat, _, _ in rows.values()], np.int64),
        "lengths": np.array([len(codes) for _, codes, _ in rows.values()], np.int64),
        "codes": torch.cat([codes for _, codes, _ in rows.values()]).numpy().astype(np.int16),
        "priors": np.array([prior for _, _, prior in rows.values()], np.float64),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    except (OSError, FormatError):
        return

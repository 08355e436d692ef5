"""What an evaluation reads: motions and captions of any system by files, and the training clips behind the nearest row."""

from __future__ import annotations

from pathlib import Path

from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import preset
from dimo.data import heldout, shards
from dimo.data.records import Caption, Clip
from dimo.data.sources.pack import rows as read_rows
from dimo.errors import FormatError
from dimo.evaluate.protocol import MIN_FRAMES
from dimo.features.layouts import FPS
from dimo.formats.files import read_text
from dimo.formats.reading import Options
from dimo.formats.table import READ, read

LIMIT_BYTES = 64 * 2**20
SHORTEST_TRAINING = 20
"""Frames of a training clip that may stand in the nearest row."""


def training_clips(folder: Path, split: str) -> list[Clip]:
    """What the nearest row looks among: none where the collection is not prepared, so that its training part is unread, or
    where the training part itself is measured."""
    if split == "train" or not any(folder.glob("*.parquet")):
        return []
    found = shards.read(folder, "train")
    return [c for c in found if not c.composite and c.captions and len(c.joints) >= SHORTEST_TRAINING]


def read_motions(
    folder: Path,
    captions: Path,
    *,
    up: str | None = None,
    unit: str | float | None = None,
    mapping: str | Path | None = None,
) -> list[Clip]:
    """Motions of a folder that have a caption, on the 22-joint body at 20 fps; FormatError for a caption without a file.

    up, unit, mapping: as Motion.load takes them, for every file.
    """
    reading = Options(up=up, unit=unit, mapping=mapping)
    if not folder.is_dir():
        raise FormatError("no such folder of motions", path=folder)
    table = read_captions(captions)
    files = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in READ}
    if not files:
        raise FormatError(f"holds no motion file ({', '.join(READ)})", path=folder)
    if missing := [name for name in table if name not in files]:
        raise FormatError(f"{len(missing)} captions have no motion file, {missing[0]!r} the first of them", path=folder)
    out = []
    for name, texts in table.items():
        joints = _read(files[name], reading).joints()[: heldout.LONGEST]
        out.append(Clip(name, joints, FPS, tuple(Caption(t) for t in texts), "test"))
    return out


def _read(path: Path, reading: Options) -> Motion:
    """A file's motion on the 22-joint body at 20 fps; FormatError where it is too short."""
    motion = read(path, reading).motion.resample(FPS)
    if len(motion) < MIN_FRAMES:
        raise FormatError(f"has {len(motion)} frames at 20 fps; {MIN_FRAMES} are needed", path=path)
    return motion if motion.skeleton.names == preset("humanml3d").names else retarget(motion)


def read_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Captions by name, from JSON lines with "id" (or "name") and "caption" or "captions", or from NAME<tab>CAPTION lines."""
    out: dict[str, list[str]] = {}
    if path.suffix.lower() in (".jsonl", ".json"):
        read_text(path, LIMIT_BYTES)  # says what is wrong with the file itself
        for number, row in enumerate(read_rows(path, ()), start=1):
            name, found = row.get("id", row.get("name")), row.get("captions", row.get("caption", row.get("text")))
            found = [found] if isinstance(found, str) else found
            if name is None or not isinstance(found, list) or not all(isinstance(t, str) and t.strip() for t in found):
                raise FormatError('needs "id" and "caption" (or "captions")', path=path, line=number)
            out.setdefault(Path(str(name)).stem, []).extend(found)
    else:
        for number, line in enumerate(read_text(path, LIMIT_BYTES).splitlines(), start=1):
            if not line.strip():
                continue
            name, _, text = (part.strip() for part in line.partition("\t"))
            if not name or not text:
                raise FormatError("needs the name of a motion, a tab and a caption", path=path, line=number)
            out.setdefault(Path(name).stem, []).append(text)
    if not out:
        raise FormatError("holds no captions", path=path)
    return {name: tuple(texts) for name, texts in out.items()}

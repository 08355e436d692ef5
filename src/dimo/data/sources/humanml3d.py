"""HumanML3D and KIT-ML directories as published: new_joints, texts, split lists (docs/how-it-works.md, HumanML3D files)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dimo.data.records import Job
from dimo.errors import FormatError
from dimo.text.normalise import normalise

SPLITS = ("train", "val", "test")


def is_humanml3d(folder: Path) -> bool:
    return (folder / "texts").is_dir() and ((folder / "new_joints").is_dir() or (folder / "new_joint_vecs").is_dir())


def jobs(folder: Path) -> list[Job]:
    """One job per listed clip, and one per tagged part of it: a caption with start and end times is about that part only.

    Positions are read from new_joints, or from the vectors where it is absent. Clips that the lists name but that have no
    file are still jobs, so that preparation reports them.
    """
    motions = folder / ("new_joints" if (folder / "new_joints").is_dir() else "new_joint_vecs")
    lists = {s: folder / f"{s}.txt" for s in SPLITS if (folder / f"{s}.txt").is_file()}
    if not lists:
        raise FormatError("has no train.txt, val.txt or test.txt", path=folder)
    out = []
    for split, path in lists.items():
        for name in dict.fromkeys(path.read_text(encoding="utf-8").split()):
            whole: list[str] = []
            parts: dict[tuple[float, float], list[str]] = {}
            for caption, start, end in captions(folder / "texts" / f"{name}.txt"):
                (whole if start == end == 0 else parts.setdefault((start, end), [])).append(caption)
            job = Job(
                id=name,
                path=motions / f"{name}.npy",
                captions=tuple(whole),
                split=split,
                recording=name.lstrip("M"),
                source=folder.name,
                mirrored=name.startswith("M"),
            )
            if whole or not parts:
                out.append(job)
            for i, ((start, end), said) in enumerate(sorted(parts.items())):
                out.append(replace(job, id=f"{name}_{i + 1}", captions=tuple(said), start=start, end=end))
    return out


def captions(path: Path) -> list[tuple[str, float, float]]:
    """Caption, start and end in seconds per line of `caption#word/POS ...#start#end`; NaN times count as 0, as in public code."""
    if not path.is_file():
        return []
    out = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.strip().split("#")
        if not fields[0]:
            continue
        try:
            start, end = (float(f) for f in fields[2:4])
        except ValueError:
            start = end = 0.0
        if not 0 <= start < end:
            start = end = 0.0
        out.append((fields[0], start, end))
    return out


def published_tokens(folder: Path) -> dict[str, list[str]]:
    """The `word/POS` tokens of every caption in the text files, by the caption as preparation normalises it."""
    out: dict[str, list[str]] = {}
    for path in sorted((folder / "texts").glob("*.txt")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.strip().split("#")
            if len(fields) > 1 and fields[0] and fields[1]:
                out.setdefault(normalise(fields[0]), fields[1].split())
    return out

"""Motion-X directories: motion_data/FOLDER/SUBSET/ID.npy, texts/semantic_labels/SUBSET/ID.txt, lists of SUBSET/ID.

Layout as in the public repositories of Motion-X and of systems trained on it. Positions (F, 52, 3) and features (F, 623) are
read; the pose parameters of motion_data/smplx_322 are not, since turning them into positions takes a licensed body model.
"""

from __future__ import annotations

from pathlib import Path

from dimo.data.records import Job
from dimo.data.sources.humanml3d import SPLITS, captions
from dimo.errors import FormatError

MOTIONS = ("joint", "joints", "joints_623", "new_joints", "vectors_623", "new_joint_vecs")
TEXTS = ("semantic_labels", "semantic_texts", "")
LISTS = ("", "motion_data", "split", "splits")
FPS = 30.0


def is_motionx(folder: Path) -> bool:
    return (folder / "motion_data").is_dir() and (folder / "texts").is_dir()


def jobs(folder: Path) -> list[Job]:
    """One job per listed clip; where there are no lists, per file, and preparation splits them by their names."""
    motions = next((folder / "motion_data" / m for m in MOTIONS if (folder / "motion_data" / m).is_dir()), None)
    if motions is None:
        raise FormatError(
            f"holds none of {', '.join(MOTIONS)}; pose parameters (smplx_322) need the SMPL-X body model to become "
            "positions, which the data set's own scripts do",
            path=folder / "motion_data",
        )
    texts = next(folder / "texts" / t for t in TEXTS if (folder / "texts" / t).is_dir())
    lists = {s: p for s in SPLITS for at in LISTS if (p := folder / at / f"{s}.txt").is_file()}
    named = [(s, n) for s, p in lists.items() for n in dict.fromkeys(p.read_text(encoding="utf-8").split())]
    if not lists:
        named = [("", str(p.relative_to(motions).with_suffix(""))) for p in sorted(motions.rglob("*.npy"))]
    out = []
    for split, line in named:
        name = line.removesuffix(".npy")
        said = tuple(caption for caption, start, end in captions(texts / f"{name}.txt") if start == end == 0)
        out.append(
            Job(
                id=name.replace("/", "_"),
                path=motions / f"{name}.npy",
                captions=said,
                fps=FPS,
                split=split,
                recording=name,
                source="Motion-X",
            )
        )
    return out

"""A HumanML3D directory from any source, readable by public code of other systems (docs/how-it-works.md, HumanML3D files).

new_joint_vecs (F - 1, 263) in published mode, new_joints (F, 22, 3), texts `caption#word/POS ...#0.0#0.0`, Mean.npy,
Std.npy, all.txt and the split lists; mirrored training clips have ids that start with M.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from dimo.data import prepare, shards
from dimo.data.prepare import PrepareOptions
from dimo.features import humanml3d
from dimo.features.layouts import HUMANML3D
from dimo.formats.files import write_atomically
from dimo.scale.executor import Executor
from dimo.text import tagger


def text_line(caption: str) -> str:
    """`caption#word/POS ...#0.0#0.0`: hyphens removed, only alphabetic words kept."""
    tokens, previous = [], ""
    for word in re.findall(r"[a-z]+", caption.lower().replace("-", "")):
        previous = tagger.tag(word, previous)
        tokens.append(f"{tagger.lemma(word, previous)}/{previous}")
    return f"{caption.replace('#', ' ')}#{' '.join(tokens)}#0.0#0.0"


def write(
    source: Path,
    out: Path,
    options: PrepareOptions,
    *,
    executor: Executor | None = None,
    limit: int | None = None,
    archives: Path | None = None,
) -> int:
    """Prepare a source and write it in the HumanML3D layout; returns the number of clips, mirrored ones included."""
    for name in ("new_joint_vecs", "new_joints", "texts"):
        (out / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepare.prepare(source, place, options, executor=executor, limit=limit, archives=archives)
        with write_atomically(out / prepare.REPORT) as temporary:
            temporary.write_bytes((place / prepare.REPORT).read_bytes())
        splits: dict[str, list[str]] = defaultdict(list)
        total, squares, frames = np.zeros(HUMANML3D.size), np.zeros(HUMANML3D.size), 0
        number = 0
        for clip in shards.read(place):
            if not clip.captions:
                continue
            number += 0 if clip.mirrored else 1
            name = f"{'M' if clip.mirrored else ''}{number:06d}"
            vectors = humanml3d.encode(np.asarray(clip.joints, float), "published")
            np.save(out / "new_joint_vecs" / f"{name}.npy", vectors.astype(np.float32))
            np.save(out / "new_joints" / f"{name}.npy", clip.joints)
            (out / "texts" / f"{name}.txt").write_text(
                "".join(text_line(c.text) + "\n" for c in clip.captions), encoding="utf-8"
            )
            splits[clip.split].append(name)
            total, squares, frames = total + vectors.sum(0), squares + (vectors**2).sum(0), frames + len(vectors)
    mean = total / max(frames, 1)
    std = np.sqrt(np.maximum(squares / max(frames, 1) - mean**2, 0))
    for part in humanml3d.columns(HUMANML3D).values():
        std[part] = std[part].mean()
    np.save(out / "Mean.npy", mean.astype(np.float32))
    np.save(out / "Std.npy", std.astype(np.float32))
    for split in ("train", "val", "test"):
        (out / f"{split}.txt").write_text("".join(f"{n}\n" for n in splits[split]), encoding="utf-8")
    (out / "all.txt").write_text(
        "".join(f"{n}\n" for s in ("train", "val", "test") for n in splits[s]), encoding="utf-8"
    )
    return sum(map(len, splits.values()))

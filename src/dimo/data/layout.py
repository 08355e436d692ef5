"""A HumanML3D directory from any source, readable by public code of other systems (method 2.4, 2.11, 2.12).

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

_CLOSED = {
    "DET": "a an the his her their its this that these those another each some any no both all",
    "PRON": "he she it they him them someone somebody himself herself themselves itself who one i you",
    "ADP": (
        "in on at to from with by of for into over around up down across through towards toward behind above "
        "below after before like as while out off"
    ),
    "AUX": "is are was were be been being has have had does do did can could will would may might must",
    "NUM": "one two three four five six seven eight nine ten",
    "ADV": (
        "forward forwards backward backwards ahead straight then slowly quickly again once twice sideways "
        "back away first very briskly fast together afterwards"
    ),
    "ADJ": (
        "left right old young slow fast happy angry tired big small normal straight exhausted both several "
        "few high low"
    ),
    "NOUN": (
        "person man woman figure human hand hands arm arms leg legs foot feet head body side circle step "
        "steps direction way pace corner turn bow wave line degrees times air knees"
    ),
}  # fmt: skip
_TAGS = {word: tag for tag, words in reversed(_CLOSED.items()) for word in words.split()}


def tag(word: str, previous: str) -> str:
    """Universal part of speech of a lower-case word by word lists and endings.

    HumanML3D used spaCy; this small tagger is right for the closed classes and for most of what motion captions hold.
    After a subject, a word in -s or a bare verb is a verb; after a determiner it is a noun.
    """
    if previous in ("DET", "ADJ", "NUM") and word not in _TAGS:
        return "NOUN"
    if word in _TAGS:
        return _TAGS[word]
    if word.endswith("ly"):
        return "ADV"
    if word.endswith(("s", "ing", "ed")) and previous in ("NOUN", "PRON", "ADV", "VERB", "AUX", "CCONJ", ""):
        return "VERB"
    if word in ("and", "or", "but"):
        return "CCONJ"
    return "NOUN" if previous in ("ADP", "VERB") else "VERB"


_SILENT_E = re.compile(r"(v|c|z|[auc]is|os|us|at|ak|rid|lid|uid|ik|ok|yp|op|[bcdfgkptz]l)$")
"""Ends of stems that lost an e before -ing: wav(e), danc(e), rais(e), rotat(e), tak(e), strid(e), juggl(e)."""
_NO_E = frozenset("look cook hook eat beat treat float repeat lean jump hop stop skip clap step drop".split())


def lemma(word: str, part: str) -> str:
    """Base form of a regular noun or verb; "left" stays, as in the public preparation."""
    if part not in ("NOUN", "VERB") or word == "left" or len(word) < 4:
        return word
    if part == "VERB" and word.endswith("ing"):
        stem = word[:-3]
        if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "ls":
            return stem[:-1]
        return stem + "e" if _SILENT_E.search(stem) and stem not in _NO_E else stem
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def text_line(caption: str) -> str:
    """`caption#word/POS ...#0.0#0.0`: hyphens removed, only alphabetic words kept."""
    tokens, previous = [], ""
    for word in re.findall(r"[a-z]+", caption.lower().replace("-", "")):
        previous = tag(word, previous)
        tokens.append(f"{lemma(word, previous)}/{previous}")
    return f"{caption.replace('#', ' ')}#{' '.join(tokens)}#0.0#0.0"


def write(
    source: Path,
    out: Path,
    options: PrepareOptions,
    *,
    workers: int = 2,
    limit: int | None = None,
    archives: Path | None = None,
) -> int:
    """Prepare a source and write it in the HumanML3D layout; returns the number of clips, mirrored ones included."""
    for name in ("new_joint_vecs", "new_joints", "texts"):
        (out / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepare.prepare(source, place, options, workers=workers, limit=limit, archives=archives)
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

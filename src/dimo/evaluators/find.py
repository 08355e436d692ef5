"""Which evaluators measure: those of the folders that are named, else those that ship with the weights, else none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.evaluators.evaluator import Evaluator
from dimo.evaluators.guo import GuoEvaluator
from dimo.evaluators.ours import ContrastiveEvaluator

PACKAGED = ("encoder", "evaluator")
"""Folders in a weights folder: our own evaluator, and the retrained one of Guo et al. Those of the packaged weights measure
other models, too."""


def find_all(folders: Sequence[Path] | None = None, model: Path | None = None) -> list[Evaluator]:
    """The evaluators of these folders, or the packaged ones; empty where there are none.

    model: the weights folder whose word vectors our own evaluator needs (default: the packaged one).
    """
    packaged = checkpoint.packaged_folder()
    model = model or packaged
    if folders:
        return [find(folder, model) for folder in folders]
    found = []
    for name in PACKAGED:
        homes = [p for p in (model, packaged) if (p / name / "config.json").is_file()]
        found += [find(homes[0] / name, homes[0])] if homes else []
    return found


def find(folder: Path, model: Path) -> Evaluator:
    """The evaluator of a folder; `model` is the weights folder whose word vectors ours needs. WeightsError says what lacks."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such folder of an evaluator")
    if (folder / "config.json").is_file():
        config = checkpoint.read_config(folder)
        if "evaluator" in config:
            return GuoEvaluator.from_folder(folder)
        if "encoder" in config:
            return ContrastiveEvaluator.from_folder(folder, model)
        raise WeightsError(f"{folder / 'config.json'}: of no evaluator")
    weights = next(iter(sorted(folder.rglob("finest.tar"))), None)
    words = next(iter(sorted(folder.rglob("our_vab_data.npy"))), None)
    metas = sorted(p.parent for p in folder.rglob("mean.npy"))
    if weights is None or words is None or not metas:
        missing = [
            n for n, p in (("finest.tar", weights), ("our_vab_data.npy", words), ("meta/mean.npy", metas)) if not p
        ]
        raise WeightsError(
            f"{folder}: holds no config.json of ours, and of the published evaluator lacks {', '.join(missing)}"
        )
    meta = next((m for m in metas if "Comp_v6" in str(m)), metas[0])
    return GuoEvaluator.from_published(weights, meta, words.parent)

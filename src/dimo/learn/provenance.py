"""What a weights folder says of its making: the "provenance" of its config.json, as every training writes it.

    date      of the last training
    codec     recipe, steps
    model     recipe, steps, options of the recipe, and started_from: the BERT weights it began with
    start     the same of the dimo weights that training went on from, their sha256, and their own start where they had one
    clips     how many of each split and source were read, mirror images and composites apart
    licences  of the clips, and of the weights that training began with
    align     of alignment, the last training where there was one: recipe, steps, options; the rest is that of the model before
    memory    of train_memory: clips, stacks, sources, licences

A recipe is named by its path below the folder that training ran in, or by its file name alone where it lies elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from dimo.data.records import Clip
from dimo.learn.recipe import ModelRecipe

MINILM = "all-MiniLM-L6-v2"
MINILM_LICENCE = f"{MINILM}: Apache-2.0"
OPTIONS = ("loss", "loop", "data")
"""Tables of a recipe that config.json does not hold already as sizes."""


def of_codec(
    recipe: Path | None, steps: int, clips: Mapping[str, Sequence[Clip]], earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Of a codec's training on clips by split; earlier: config.json of the codec that it went on from."""
    codec: dict[str, Any] = {"recipe": name_of(recipe), "steps": steps}
    if earlier is not None:
        codec["start"] = {
            **earlier.get("provenance", {}).get("codec", {}),
            "sha256": earlier.get("sha256", {}).get("codec.safetensors"),
        }
    return {"date": _today(), "codec": codec, **of_clips(clips)}


def of_model(
    recipe: Path | None,
    plan: ModelRecipe,
    steps: int,
    clips: Mapping[str, Sequence[Clip]],
    codec: dict[str, Any],
    *,
    bert: Path | None = None,
    packaged: bool = False,
    earlier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Of a model's training on clips by split.

    plan: the recipe as it was used. codec, earlier: the config.json of the codec's folder, and of the dimo weights that
    training went on from. bert: the folder of the BERT weights that it began with; packaged: they are those of the MiniLM package.
    """
    model: dict[str, Any] = {"recipe": name_of(recipe), "steps": steps}
    if bert is not None:
        model["started_from"] = MINILM if packaged else bert.name
    options = _without_places(asdict(plan))
    model["options"] = {table: options[table] for table in OPTIONS}
    made = {"date": _today(), "codec": codec.get("provenance", {}).get("codec", {}), "model": model}
    licences = [MINILM_LICENCE] if bert is not None and packaged else []
    if earlier is not None:
        before = earlier.get("provenance", {})
        sha256 = earlier.get("sha256", {}).get("model.safetensors")
        made["start"] = {**before.get("model", {}), "sha256": sha256}
        made["start"] |= {key: before[key] for key in ("blended", "start") if key in before}
        licences += before.get("licences", [])
    facts = of_clips(clips)
    return {**made, **facts, "licences": sorted({*facts["licences"], *licences})}


def of_alignment(
    before: Mapping[str, Any], recipe: Path | None, steps: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Of an alignment of the weights folder whose config.json is `before`."""
    made = dict(before.get("provenance", {}))
    sha256 = before.get("sha256", {}).get("model.safetensors")
    aligned = {"recipe": name_of(recipe), "steps": steps, "from": sha256, "options": _without_places(options)}
    return {**made, "date": _today(), "align": aligned}


def of_clips(splits: Mapping[str, Sequence[Clip]]) -> dict[str, Any]:
    """How many clips of which kind, and the licences of their sources (composites are made of clips that count themselves)."""
    counts = Counter(
        f"{split}: {'composite' if c.composite else 'mirrored' if c.mirrored else c.source}"
        for split, clips in splits.items()
        for c in clips
    )
    licences = {c.licence for clips in splits.values() for c in clips if c.licence and not c.composite}
    return {"clips": dict(sorted(counts.items())), "licences": sorted(licences)}


def name_of(recipe: Path | None) -> str:
    """How a recipe, or a folder of data, is named: places on a machine are nobody's business."""
    if recipe is None:
        return "built-in"
    inside = not recipe.is_absolute() and ".." not in recipe.parts
    return recipe.as_posix() if inside else recipe.name


def _without_places(options: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's tables as JSON has them, its data folders named as the recipe itself is."""
    out = json.loads(json.dumps(options))
    out["data"]["folders"] = [[name_of(Path(name)), weight] for name, weight in out["data"]["folders"]]
    return out


def _today() -> str:
    return date.today().isoformat()

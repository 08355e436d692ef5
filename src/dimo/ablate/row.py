"""A row of an ablation: one recipe with one seed, how it is sampled from, and how it is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any

from dimo.diffusion.options import SampleOptions
from dimo.errors import RequestError
from dimo.evaluate.settings import TASKS, Settings
from dimo.learn.align import AlignRecipe
from dimo.learn.recipe import CodecRecipe, ModelRecipe
from dimo.model.masked import MaskedConfig
from dimo.tasks.caption import CAPTION_OPTIONS

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class EvaluateOptions:
    """What is measured, and on how much: the part of evaluate.Settings that a small budget has to choose."""

    tasks: tuple[str, ...] = TASKS[:3]
    split: str = "val"  # choices are made by it, so that the test split stays unseen
    limit: int = 256  # clips, spread over the split
    repeats: int = 3
    part: int = 48  # clips of m2m
    seed: int = 0
    protocol: str = "dimo"

    def __post_init__(self):
        if self.limit < 2:
            raise RequestError(f"limit must be 2 clips or more, not {self.limit}")
        if self.split not in SPLITS:
            raise RequestError(f"split must be one of {', '.join(SPLITS)}, not {self.split!r}")


@dataclass(frozen=True)
class Drawn:
    """Levels that are made, whatever the training said of them (MaskedConfig); 0 leaves either as it was trained."""

    levels: int = 0
    temperature: float = 0.0

    def __post_init__(self):
        if self.levels < 0 or self.temperature < 0:
            raise RequestError("levels and temperature of what is drawn must be 0 (as trained) or more")

    def of(self, config: MaskedConfig) -> MaskedConfig:
        """The config of a model that is asked to draw so. RequestError for more levels than it has."""
        return replace(
            config,
            drawn_levels=self.levels or config.drawn_levels,
            upper_temperature=self.temperature or config.upper_temperature,
        )


@dataclass(frozen=True)
class Measuring:
    """Everything about a row that its training does not depend on. Rows that differ in this alone share one training."""

    sampling: SampleOptions = field(default_factory=SampleOptions)  # of motion
    captions: SampleOptions = field(default_factory=lambda: CAPTION_OPTIONS)
    drawn: Drawn = field(default_factory=Drawn)
    evaluate: EvaluateOptions = field(default_factory=EvaluateOptions)

    def settings(self) -> Settings:
        """The evaluation of the row; RequestError for what evaluate.Settings does not take."""
        asked = self.evaluate
        return Settings(
            tasks=asked.tasks,
            rows=("real", "model"),
            repeats=asked.repeats,
            seed=asked.seed,
            protocol=asked.protocol,
            options=self.sampling,
            captions=self.captions,
            memory=0.0,  # the model alone, here ...
            recall=0.0,  # ... and here
            part=asked.part,
            samples=0,
            split=asked.split,
        )


@dataclass(frozen=True)
class Row:
    """A row with one of its seeds. `changes` are what its file says of it beyond the base, by dotted keys."""

    group: str
    name: str
    seed: int
    model: ModelRecipe  # the seed is in its loop
    codec: CodecRecipe
    own_codec: bool  # another than the base's
    levels: int  # of the codec, counted from the base, that exist for the model; 0: all
    measuring: Measuring
    changes: Mapping[str, Any]
    align: AlignRecipe | None = None  # by which the trained model is aligned; the seed is in its loop, too
    own_training: bool = False  # another model than the base's, so that no other weights can stand for it

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"

    @property
    def title(self) -> str:
        """The row as messages name it."""
        return f"{self.id}, seed {self.seed}"

    @property
    def file(self) -> str:
        """The beginning of the row's file names."""
        return f"{file_part(self.group)}.{file_part(self.name)}.{self.seed}"


def file_part(name: str) -> str:
    """A name as every file system takes it."""
    return re.sub(r"[^\w.+-]", "_", name)


def shortened(row: Row, share: float, codec_steps: int | None = None) -> Row:
    """The row with `share` of its training steps, all stages alike, and a codec of codec_steps where that is given."""
    loss, loop = row.model.loss, row.model.loop
    model = replace(
        row.model,
        loss=replace(
            loss,
            language_steps=round(share * loss.language_steps),
            pretrain_steps=round(share * loss.pretrain_steps),
        ),
        loop=replace(loop, steps=max(1, round(share * loop.steps)), warmup=round(share * loop.warmup)),
    )
    codec = row.codec
    if codec_steps is not None:
        warmup = round(codec.loop.warmup * min(1.0, codec_steps / codec.loop.steps))
        codec = replace(codec, loop=replace(codec.loop, steps=codec_steps, warmup=warmup))
    align = row.align
    if align is not None:
        steps, warmup = max(1, round(share * align.loop.steps)), round(share * align.loop.warmup)
        align = replace(align, loop=replace(align.loop, steps=steps, warmup=warmup))
    return replace(row, model=model, codec=codec, align=align)


def toml(recipe: ModelRecipe | CodecRecipe | AlignRecipe) -> str:
    """The text of a recipe that recipe.read reads back as it is: every key but those that are not set."""
    lines: list[str] = []
    for name, table in vars(recipe).items():
        lines.append(f"[{name}]")
        for key, value in vars(table).items():
            if value is not None and not is_dataclass(value):  # [transformer] is a table of its own
                lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Numbers, strings, truth values and lists are written in TOML as in JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    return json.dumps(value)


def flat(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as one with dotted keys."""
    out: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            out |= flat(value, f"{before}{key}.")
        else:
            out[f"{before}{key}"] = value
    return out


def in_json(value: Any) -> Any:
    """A dataclass as JSON keeps it: tuples are lists."""
    return json.loads(json.dumps(asdict(value)))

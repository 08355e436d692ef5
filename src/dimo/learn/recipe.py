"""Training recipes: one TOML file each, tables named after the option classes they fill.

A file for several trainings has their tables in parts: [codec.loop] and [model.loop] are the [loop] of dimo train codec and of
dimo train model.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from dimo.codec.codec import CodecConfig
from dimo.errors import FormatError, RequestError
from dimo.learn.codec import CodecLoss
from dimo.learn.folders import Written, listed
from dimo.learn.generation import ValidationOptions
from dimo.learn.loop import LoopOptions
from dimo.learn.mix import ModelLoss
from dimo.model.masked import MaskedConfig
from dimo.model.transformer import TransformerConfig


@dataclass(frozen=True)
class DataOptions:
    """Which clips to learn from and how often each is drawn."""

    folders: Written = ()  # prepared folders, with weights or without (learn.folders); --data goes before them
    sources: tuple[str, ...] = ()  # beginnings of source names; empty takes all
    mirrored: bool = True
    label_exponent: float = (
        0.5  # a label with n clips is drawn in proportion to n^exponent: 1 as often as it occurs, 0 all alike
    )
    short_exponent: float = 0.0  # a plain clip of s seconds is drawn in proportion to s^-exponent
    composite_share: float = 0.35  # of the draws that go to joined and overlaid clips, where there are any
    human_share: float = 0.0  # of the plain draws that go to clips with captions by human annotators; 0 leaves it open
    source_shares: dict[str, float] = field(default_factory=dict)
    """Beginnings of source names, and the share of the plain draws that each gets; the others share the rest."""
    sentences: tuple[str, ...] = ()  # collections of sentences without motion (data.captions_corpus); empty takes all
    shifts: bool = False  # also learn from plain clips begun some frames late, so that code steps fall elsewhere
    start_weights: bool = True  # begin the trunk, and its masked-word head, from a BERT checkpoint: --from or MiniLM
    train_words: bool = (
        False  # let pretrained word vectors learn too; else words that no caption names keep their sense
    )
    keep: float = (
        0.0  # of weights that training went on from, their share in the result (WiSE-FT, Wortsman et al. 2022)
    )


@dataclass(frozen=True)
class CodecRecipe:
    """Everything that training a codec needs to know."""

    part: ClassVar[str] = "codec"
    codec: CodecConfig = field(default_factory=CodecConfig)
    loss: CodecLoss = field(default_factory=CodecLoss)
    loop: LoopOptions = field(default_factory=LoopOptions)
    data: DataOptions = field(default_factory=DataOptions)


@dataclass(frozen=True)
class ModelRecipe:
    """Everything that training a masked model needs to know."""

    part: ClassVar[str] = "model"
    model: MaskedConfig = field(default_factory=MaskedConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    loss: ModelLoss = field(default_factory=ModelLoss)
    loop: LoopOptions = field(default_factory=LoopOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)
    data: DataOptions = field(default_factory=DataOptions)


@dataclass(frozen=True)
class MemoryOptions:
    """Which clips are remembered."""

    folders: Written = ()  # as in DataOptions
    sources: tuple[str, ...] = ()  # beginnings of source names; empty takes all
    mirrored: bool = False


@dataclass(frozen=True)
class MemoryRecipe:
    """Everything that making a memory needs to know."""

    part: ClassVar[str] = "memory"
    data: MemoryOptions = field(default_factory=MemoryOptions)


SIZES = {
    *("width", "dim", "levels", "codes", "features", "layers", "heads", "feedforward", "positions", "vocabulary"),
    *("embedding_width", "batch", "window", "max_steps", "max_text", "caption_slots", "log_every", "validate_every"),
}
"""Keys of whole numbers of which 0 would be none at all."""

PARTS = ("codec", "model", "align", "memory", "encoder", "evaluator")
"""What `dimo train` trains, and what the parts of a file for several trainings are called."""

R = TypeVar("R")
"""A recipe: a dataclass of option dataclasses. Those of the evaluators stand beside their training."""


def opened(path: Path | None, kind: type[R], changes: Sequence[str] = ()) -> R:
    """The recipe of a file (None: the built-in one), with changes as `--set` takes them: TABLE.KEY=VALUE."""
    tables = {} if path is None else part_of(parse(path), kind, path)
    for change in changes:
        name, equals, text = change.partition("=")
        table, dot, key = name.strip().partition(".")
        if not (equals and dot and table and key and text.strip()):
            raise RequestError(f"--set {change}: write TABLE.KEY=VALUE, as in loss.batch=8")
        tables = {**tables, table: {**tables.get(table, {}), key: _value(text.strip())}}
    return fill(tables, kind, "--set" if path is None else path)


def _value(text: str) -> Any:
    """As TOML has it; what is no TOML is a word."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def read(path: Path, kind: type[R]) -> R:
    """Read a recipe; FormatError names a table or key that does not exist or has a value of the wrong type."""
    return opened(path, kind)


def part_of(data: dict[str, Any], kind: type[R], path: Path) -> dict[str, Any]:
    """The tables for a kind of recipe: those of its part in a file for several trainings, else all."""
    inner = [table for part in data.values() if isinstance(part, dict) for table in part.values()]
    if not inner or not set(data) <= set(PARTS) or not all(isinstance(table, dict) for table in inner):
        return data
    wanted: str = getattr(kind, "part", "")
    if wanted not in data:
        raise FormatError(f"has no part for dimo train {wanted}; there are {', '.join(data)}", path=path)
    return data[wanted]


def parse(path: Path) -> dict[str, Any]:
    """The tables of a TOML file as they stand there."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read ({error})", path=path) from None
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"not valid TOML: {error}", path=path) from None


def fill(data: Mapping[str, Any], kind: type[R], path: str | Path) -> R:
    """A recipe with these tables; `path` is where they come from, as errors name it."""
    tables = {f.name: f.default_factory for f in fields(kind)}  # type: ignore[misc, arg-type]
    values: dict[str, Any] = {}
    for name, table in data.items():
        if name not in tables or not isinstance(table, dict):
            raise FormatError(f"no table [{name}] in this kind of recipe; there are {', '.join(tables)}", path=path)
        values[name] = _fill(tables[name](), table, f"[{name}]", path)  # type: ignore[operator, misc]
    return kind(**values)


def _fill(default: Any, table: dict[str, Any], where: str, path: str | Path) -> Any:
    known = {f.name: getattr(default, f.name) for f in fields(default)}
    for key, value in table.items():
        if key not in known:
            raise FormatError(f"no key {key!r} in {where}; there are {', '.join(known)}", path=path)
        if key == "folders":
            value = listed(value, f"{key} in {where}", path)
        elif isinstance(known[key], tuple):
            value = _listed(value, known[key], f"{key} in {where}", path)
        elif isinstance(known[key], float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, dict):
            value = _numbers(value, f"{key} in {where}", path)
        if known[key] is not None and type(value) is not type(known[key]):
            raise FormatError(f"{key} in {where} must be {type(known[key]).__name__}, not {value!r}", path=path)
        _check_range(key, value, f"{key} in {where}", path)
        known[key] = value
    return type(default)(**known)


def _listed(value: Any, default: tuple, where: str, path: str | Path) -> tuple:
    """A list as a tuple like the default: as many numbers, or any number of words where that holds words or nothing."""
    counted = bool(default) and not isinstance(default[0], str)
    what = f"{len(default)} numbers" if counted else "words"
    kind = int | float if counted else str
    fits = isinstance(value, list | tuple) and all(isinstance(v, kind) and not isinstance(v, bool) for v in value)
    if not fits or (counted and len(value) != len(default)):
        raise FormatError(f"{where} must be a list of {what}, not {value!r}", path=path)
    return tuple(value)


def _check_range(key: str, value: Any, where: str, path: str | Path) -> None:
    """What no option can be; narrower limits are those of its own class."""
    numbers = [v for v in (value if isinstance(value, tuple) else [value]) if isinstance(v, int | float)]
    if not all(isfinite(v) for v in numbers):
        raise FormatError(f"{where} must be finite, not {value!r}", path=path)
    least = 1 if key in SIZES else 0
    if isinstance(value, int) and not isinstance(value, bool) and value < least:
        raise FormatError(f"{where} must be {least} or more, not {value}", path=path)
    if key == "dropout" and isinstance(value, float) and not 0 <= value < 1:
        raise FormatError(f"{where} must be from 0 to less than 1, not {value:g}", path=path)


def _numbers(value: dict[str, Any], where: str, path: str | Path) -> dict[str, float]:
    for name, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise FormatError(f"{name!r} of {where} must be a number, not {number!r}", path=path)
    return {name: float(number) for name, number in value.items()}

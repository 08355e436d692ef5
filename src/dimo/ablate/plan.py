"""Reading a file of ablations: a base, and groups of rows that each change a few keys of it (recipes/ablations.toml).

    [base]
    model.recipe = "model-ablation.toml"     # files beside this one
    codec.recipe = "codec.toml"
    evaluate.repeats = 3

    [groups.schedule]
    about = "how many places are masked"
    seeds = [0, 1]
    with.captions.steps = 20                 # for every row of the group
    rows.cosine = {}
    rows.linear = { model.loss.motion_schedule = "linear", sampling.schedule = "linear" }

    [groups.guidance]
    key = "sampling.guidance"                # or several keys: one row a value, named after it
    values = [1, 2, 3]

A row's keys are those of the two recipes (model.TABLE.KEY, codec.TABLE.KEY), of what is measured how (Measuring), and `levels`. A
row with keys of an alignment (align.TABLE.KEY, align.recipe) has its model aligned after its training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dimo.ablate.row import Measuring, Row, file_part, flat
from dimo.errors import FormatError, RequestError
from dimo.learn import recipe
from dimo.learn.align import AlignRecipe
from dimo.learn.recipe import CodecRecipe, ModelRecipe

DEPTHS = {"model": 2, "codec": 2, "align": 2, "sampling": 1, "captions": 1, "drawn": 1, "evaluate": 1, "levels": 0}
"""What a row may change, and how many tables deep changes of it are laid over the base's."""
GROUP = ("about", "seeds", "with", "key", "values", "rows")
OF_CODEC = ("levels", "codes")
"""Keys of [model] that training takes from the codec, so that changing them would change nothing."""


@dataclass(frozen=True)
class Plan:
    """All rows, each with each of its seeds, in the order of the file; and what each group is about."""

    path: Path
    rows: tuple[Row, ...]
    about: Mapping[str, str]
    steps: int  # of the base: what a row costs


def read(path: Path) -> Plan:
    """The rows of a file; FormatError names the row and the key that is wrong, and what would be right."""
    data = recipe.parse(path)
    for name in data:
        if name not in ("base", "groups"):
            raise FormatError(f"no table [{name}] in a file of ablations; there are base, groups", path=path)
    base = dict(_table(data.get("base", {}), "[base]", path))
    seeds = _seeds(base.pop("seeds", [0]), "[base]", path)
    bare = _row("", "", 0, base, {}, path, "[base]")
    rows: list[Row] = []
    about: dict[str, str] = {}
    for group, table in _table(data.get("groups", {}), "[groups]", path).items():
        where = f"[groups.{group}]"
        for key in _table(table, where, path):
            if key not in GROUP:
                raise FormatError(f"no key {key!r} in {where}; there are {', '.join(GROUP)}", path=path)
        about[group] = str(table.get("about", ""))
        common = _table(table.get("with", {}), f"with in {where}", path)
        own = _seeds(table.get("seeds", list(seeds)), where, path)
        found = _values(table, where, path) | dict(_table(table.get("rows", {}), f"rows of {where}", path))
        if not found:
            raise FormatError(f"{where} has no rows: give it rows, or a key and its values", path=path)
        for name, given in found.items():
            place = f"row {group}/{name}"
            given = dict(_table(given, place, path))
            every = _seeds(given.pop("seeds", list(own)), place, path)
            changes = _over(_over({}, common), given)
            made = _row(group, name, every[0], base, changes, path, place)
            made = replace(made, own_codec=made.codec != bare.codec, own_training=_trained_otherwise(made, bare))
            rows += [_seeded(made, seed) for seed in every]
    if not rows:
        raise FormatError("holds no rows: a table [groups.NAME] has them", path=path)
    names: dict[str, str] = {}
    for row in rows:
        if names.setdefault(row.file.lower(), row.title) != row.title:
            other = names[row.file.lower()]
            raise FormatError(f"{row.title} and {other} would be one file; rename one of them", path=path)
    if len({r.title for r in rows}) < len(rows):
        raise FormatError("a row has the same seed twice", path=path)
    return Plan(path, tuple(rows), about, bare.model.loop.steps)


def choose(plan: Plan, only: Sequence[str]) -> tuple[Row, ...]:
    """The rows that are named, by GROUP or GROUP/ROW, or all of them where none is. RequestError for a name of no row."""
    known = [*plan.about, *dict.fromkeys(r.id for r in plan.rows)]
    for name in only:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(plan.about)}"
            raise RequestError(f"{plan.path} has no row or group {name!r}{hint}")
    return tuple(r for r in plan.rows if not only or r.id in only or r.group in only)


def sampled(plan: Plan, only: Sequence[str] = ()) -> Plan:
    """The groups whose rows all change only how the base is sampled or measured, each row once: those that whole weights can
    stand for.

    RequestError where one of those that are named by `only` has rows that are trained otherwise, or where none is left.
    """
    otherwise = {r.group: r for r in reversed(plan.rows) if r.own_training}
    for row in choose(plan, only) if only else ():
        if (other := otherwise.get(row.group)) is not None:
            raise RequestError(
                f"{other.id} is trained otherwise than the base, so no weights can stand for {row.group}"
            )
    rows = {r.id: r for r in reversed(plan.rows) if r.group not in otherwise}
    if not rows:
        raise RequestError(
            f"every group of {plan.path} has rows that are trained otherwise than its base; leave out --weights"
        )
    return replace(plan, rows=tuple(reversed(rows.values())))


# ---- one row


def _row(
    group: str, name: str, seed: int, base: dict[str, Any], changes: dict[str, Any], path: Path, place: str
) -> Row:
    here = f"{path}, {place}"
    for key in (*base, *changes):
        if key not in DEPTHS:
            raise FormatError(f"no key {key!r} in a row; there are {', '.join(DEPTHS)}", path=here)
    for key in changes.get("model", {}).get("model", {}) if isinstance(changes.get("model"), dict) else ():
        if key in OF_CODEC:
            raise FormatError(f"{key} in [model] are the codec's; change levels or codec.codec.{key}", path=here)
    whole = _over(base, changes)
    levels = whole.get("levels", 0)
    if not isinstance(levels, int) or isinstance(levels, bool) or levels < 0:
        raise FormatError(f"levels must be a whole number, 0 for all, not {levels!r}", path=here)
    try:
        model = _recipe(whole.get("model", {}), ModelRecipe, path, here)
        codec = _recipe(whole.get("codec", {}), CodecRecipe, path, here)
        align = _recipe(whole["align"], AlignRecipe, path, here) if "align" in whole else None
        tables = {k: v for k, v in whole.items() if DEPTHS[k] == 1}
        measuring = recipe.fill(tables, Measuring, here)
        measuring.settings()
    except (RequestError, TypeError) as error:  # of an option class, which does not know where its values come from
        raise FormatError(str(error), path=here) from None
    if levels > codec.codec.levels:
        raise FormatError(f"levels are {levels}, but the codec has {codec.codec.levels}", path=here)
    made = Row(group, name, seed, model, codec, False, levels, measuring, flat(changes), align)
    return _seeded(made, seed)


def _trained_otherwise(row: Row, bare: Row) -> bool:
    trained = [(replace(r.model, loop=replace(r.model.loop, seed=0)), r.codec, r.levels, r.align) for r in (row, bare)]
    return trained[0] != trained[1]


def _seeded(row: Row, seed: int) -> Row:
    align = row.align and replace(row.align, loop=replace(row.align.loop, seed=seed))
    return replace(row, seed=seed, model=replace(row.model, loop=replace(row.model.loop, seed=seed)), align=align)


def _recipe(part: Any, kind: type[recipe.R], path: Path, here: str) -> recipe.R:
    """The recipe file that a part names, with the part's other tables laid over it."""
    if not isinstance(part, dict):
        raise FormatError(f"model, codec and align are tables of changes, not {part!r}", path=here)
    changes = dict(part)
    named = changes.pop("recipe", None)
    tables: dict[str, Any] = {}
    if named is not None:
        if not isinstance(named, str):
            raise FormatError(f"recipe must be the name of a file, not {named!r}", path=here)
        recipe.read(path.parent / named, kind)  # so that its own faults are told as its own
        tables = recipe.parse(path.parent / named)
    return recipe.fill(_laid(tables, changes, 1), kind, here)


# ---- tables


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a row over those of the base."""
    out = dict(below)
    for key, value in above.items():
        depth = DEPTHS.get(key, 0)
        deep = depth and isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _laid(out[key], value, depth - 1) if deep else value
    return out


def _laid(below: Mapping[str, Any], above: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Tables over tables, so many levels down; below that values are replaced as wholes."""
    out = dict(below)
    for key, value in above.items():
        deep = depth > 0 and isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _laid(out[key], value, depth - 1) if deep else value
    return out


def _values(table: Mapping[str, Any], where: str, path: Path) -> dict[str, Any]:
    """Rows of a group that has a key and values: one a value."""
    if "key" not in table and "values" not in table:
        return {}
    keys, values = table.get("key"), table.get("values")
    keys = [keys] if isinstance(keys, str) else keys
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and k for k in keys):
        raise FormatError(f"key in {where} must be a key as sampling.steps, or several", path=path)
    if not isinstance(values, list) or not values:
        raise FormatError(f"values in {where} must be a list of what {keys[0]} may be", path=path)
    rows: dict[str, Any] = {}
    for value in values:
        row: dict[str, Any] = {}
        for key in keys:
            *tables, last = key.split(".")
            inner = row
            for part in tables:
                inner = inner.setdefault(part, {})
                if not isinstance(inner, dict):
                    raise FormatError(f"key {key!r} in {where} lies within another one", path=path)
            inner[last] = value
        if (name := named(value)) in rows:
            raise FormatError(f"values in {where} hold {value!r} twice", path=path)
        rows[name] = row
    return rows


def named(value: Any) -> str:
    """The name of the row of a value: 8:1:1 for a list."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ":".join(map(named, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _table(value: Any, where: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"{where} must be a table, not {value!r}", path=path)
    for name in value:
        if not file_part(name).strip("_"):
            raise FormatError(f"{name!r} in {where} is no name", path=path)
    return value


def _seeds(value: Any, where: str, path: Path) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value)
    if not whole or not value:
        raise FormatError(f"seeds of {where} must be a list of whole numbers from 0 on, not {value!r}", path=path)
    return tuple(value)

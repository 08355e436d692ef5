"""Which joints of a skeleton stand for the 22 common ones: by a given map, by the names of a known rig, or by structure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body import structure
from dimo.body.kinematics import forward
from dimo.body.rigs import NAMINGS, OPTIONAL, ROLES, Naming, plain
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError

Roles = dict[str, tuple[int, ...]]
"""Role to the indices of the joints whose mean stands for it."""

BY_MAP, BY_STRUCTURE = "map", "structure"
"""Names of mappings that come from no table."""

FORMAT, VERSION = "dimo-map", 1
_SUFFIXES = ("jnt", "joint", "bone", "bn", "bind", "skin")


def find_naming(skeleton: Skeleton) -> tuple[Naming, Roles]:
    """How a skeleton's joints are named, and per role the indices of its joints.

    The naming's name says where the answer comes from: of a rig in body/rigs.py, "map" (Skeleton.roles), or "structure".
    RequestError names the joints that matter and are missing.
    """
    # What is remembered must not hold a whole file.
    bare = skeleton if skeleton.source is None else replace(skeleton, source=None)
    naming, roles = _find(bare, skeleton.roles)
    return naming, dict(roles)


@lru_cache(maxsize=256)
def _find(skeleton: Skeleton, given: tuple[tuple[str, tuple[str, ...]], ...] | None) -> tuple[Naming, Roles]:
    if given is not None:
        roles = {role: tuple(skeleton.index(n) for n in names) for role, names in given}
        return Naming(BY_MAP, ("", ""), {}), _complete(skeleton, roles)
    found, nearest = by_names(skeleton.names)
    if found is not None:
        return found
    try:
        roles = by_structure(skeleton, rest_pose(skeleton))
    except structure.NoBiped as reason:
        missing = f"; as a {nearest[0]} rig it lacks {_few(nearest[1])}" if len(nearest[1]) <= 6 else ""
        raise RequestError(
            f"the skeleton {skeleton.name!r} cannot be mapped to the 22-joint body: {reason} among its joints "
            f"{_few(skeleton.names)}{missing}; a map says which is which: left_hip, left_knee, left_ankle and so on "
            "(dimo doctor FILE --map-template writes one for --map)"
        ) from None
    return Naming(BY_STRUCTURE, ("", ""), {}), roles


def _few(names: tuple[str, ...] | list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(n[:40] for n in names[:most]) + more


def rest_pose(skeleton: Skeleton) -> np.ndarray:
    """Joints (J, 3) with all local rotations identity and the root at the origin."""
    return forward(skeleton, np.zeros(3), np.broadcast_to([1.0, 0, 0, 0], (len(skeleton), 4)))


def by_structure(skeleton: Skeleton, pose: np.ndarray) -> Roles:
    """Roles by shape in a pose (J, 3) (body/structure.py); NoBiped where it is none."""
    roles = structure.match(skeleton, pose)
    missing = missing_roles(roles)
    if missing:
        raise structure.NoBiped(f"no {missing[0].replace('_', ' ')}")
    return {role: roles[role] for role in ROLES if role in roles}


def missing_roles(roles: Mapping[str, Any]) -> list[str]:
    """Roles that a body needs and these have not: legs, arms to the elbow, pelvis, chest, and a neck or a head."""
    missing = [role for role in ROLES if role not in roles and role not in OPTIONAL]
    return missing + (["head"] if "neck" not in roles and "head" not in roles else [])


# ---- by names


def by_names(names: tuple[str, ...]) -> tuple[tuple[Naming, Roles] | None, tuple[str, list[str]]]:
    """The table that knows most of these joints and all that matter; else None and, of the nearest one, what is missing.

    What all names share (mixamorig, Bip01, CC_Base_, DEF-, a Sketchfab number at the end) does not count.
    """
    found: tuple[int, Naming, Roles] | None = None
    nearest: tuple[str, list[str]] = ("", [*ROLES])
    words = _words(names)
    for naming in NAMINGS:
        for prefix in _prefixes(naming, words):
            roles, missing = _look_up(naming, prefix, words)
            if missing:
                if len(missing) < len(nearest[1]):
                    nearest = (naming.name, missing)
            elif found is None or len(roles) > found[0]:
                found = (len(roles), naming, roles)
    return (None if found is None else found[1:]), nearest


def _words(names: tuple[str, ...]) -> dict[str, int]:
    """Plain name to index, the first joint of a name. Endings that most joints share are dropped."""
    endings = [re.search(r"_(\d{1,4})$", n) for n in names]
    if sum(e is not None for e in endings) > 0.8 * len(names) and len({e[1] for e in endings if e}) > 0.8 * len(names):
        names = tuple(n[: e.start()] if e else n for n, e in zip(names, endings, strict=True))
    words = [plain(n) for n in names]
    for suffix in _SUFFIXES:
        if sum(w.endswith(suffix) for w in words) > 0.7 * len(words):
            words = [w.removesuffix(suffix) for w in words]
    return {w: j for j, w in reversed(list(enumerate(words)))}


def _prefixes(naming: Naming, words: dict[str, int]) -> Iterator[str]:
    """What may stand before every name of a rig: nothing, or what stands before the pelvis."""
    seen = set()
    for alternative in naming.table["pelvis"][0]:
        for word in words:
            if word.endswith(alternative) and (prefix := word.removesuffix(alternative)) not in seen:
                seen.add(prefix)
    yield from sorted(seen, key=lambda p: (p != "", p != "def", len(p), p))


def _look_up(naming: Naming, prefix: str, words: dict[str, int]) -> tuple[Roles, list[str]]:
    found: Roles = {}
    for role, sources in naming.table.items():
        picked = [
            next((words[prefix + s] for s in alternatives if prefix + s in words), None) for alternatives in sources
        ]
        if all(j is not None for j in picked):
            found[role] = tuple(j for j in picked if j is not None)
    missing = list(
        dict.fromkeys(missing_roles(found) + [role for role in naming.table if role not in found and role not in ROLES])
    )
    if found.get("spine2") == found.get("spine3"):  # a short spine, where an alternative took what was left
        found.pop("spine2", None)
    return {role: found[role] for role in ROLES if role in found}, missing


# ---- maps


def with_map(skeleton: Skeleton, roles: Mapping[str, tuple[str, ...]]) -> Skeleton:
    """The skeleton with these joints for these roles; RequestError for joints or roles that are none."""
    for role, names in roles.items():
        if role not in ROLES:
            raise RequestError(f"{role!r} in the map is no joint of the 22; they are {', '.join(ROLES)}")
        for name in names:
            if name not in skeleton.names:
                raise RequestError(
                    f"the map says {name!r} for {role}, but the file has no such joint; it has {_few(skeleton.names, 12)}"
                )
    _complete(skeleton, {role: tuple(map(skeleton.index, names)) for role, names in roles.items()})
    return replace(skeleton, roles=tuple((role, tuple(roles[role])) for role in ROLES if role in roles))


def _complete(skeleton: Skeleton, roles: Roles) -> Roles:
    missing = missing_roles(roles)
    if missing:
        raise RequestError(f"the map of the skeleton {skeleton.name!r} has nothing for {', '.join(missing)}")
    return {role: roles[role] for role in ROLES if role in roles}


def read_map(text: str, path: str | Path) -> dict[str, tuple[str, ...]]:
    """What map_template writes, filled in: role to joint names. FormatError says what is wrong."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not valid JSON ({error})", path=path) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise FormatError(f'not a map: "format": "{FORMAT}" and "version": {VERSION} are expected', path=path)
    joints = data.get("joints")
    if not isinstance(joints, dict):
        raise FormatError('a map has "joints", an object of a role and a joint, or a list of joints, each', path=path)
    roles: dict[str, tuple[str, ...]] = {}
    for role, value in joints.items():
        names = [value] if isinstance(value, str) else value
        if names is None:
            continue
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise FormatError(f"{str(role)[:40]} needs the name of a joint, a list of names, or null", path=path)
        roles[str(role)] = tuple(names)
    return roles


def map_template(skeleton: Skeleton) -> str:
    """A map as JSON with what is known filled in, null for the rest, and the joints that no role has."""
    try:
        roles = find_naming(skeleton)[1]
    except RequestError:
        roles = {}
    names = {role: [skeleton.names[j] for j in roles.get(role, ())] for role in ROLES}
    used = {n for group in names.values() for n in group}
    rows = ",\n    ".join(
        f"{json.dumps(role)}: {json.dumps(None if not n else n[0] if len(n) == 1 else n)}" for role, n in names.items()
    )
    rest = ",\n    ".join(json.dumps(n) for n in skeleton.names if n not in used)
    return (
        f'{{\n  "format": "{FORMAT}",\n  "version": {VERSION},\n  "joints": {{\n    {rows}\n  }},\n'
        f'  "other joints of the file": [\n    {rest}\n  ]\n}}\n'
    )

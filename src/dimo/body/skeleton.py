"""A skeleton: joint names, parents and rest offsets; presets and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from dimo.errors import FormatError, RequestError, ShapeError

MAX_JOINTS = 2000
"""No body has more; a file that claims more is refused before memory is taken."""

_SIDES = [("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT")]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joint j hangs from parents[j] (-1 for the root, joint 0) at offsets[j] (J, 3), metres, in the parent's frame.

    Parents come before children. End sites of a file are joints of their own, named `<parent>_end`. Two things are no part of
    what the body is: roles says which joints stand for which of the 22 common ones where names do not say it
    (body/mapping.py), source is how the file that it comes from was written (of dimo.formats, for writing it so again).
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    name: str = "custom"
    roles: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    source: Any = field(default=None, repr=False)

    def __post_init__(self):
        names, parents = tuple(map(str, self.names)), tuple(int(p) for p in self.parents)
        offsets = np.array(self.offsets, dtype=np.float64)
        offsets.setflags(write=False)
        for key, value in (("names", names), ("parents", parents), ("offsets", offsets)):
            object.__setattr__(self, key, value)
        if not 1 <= len(names) <= MAX_JOINTS:
            raise ShapeError(f"a skeleton has 1 to {MAX_JOINTS} joints, not {len(names)}")
        if len(parents) != len(names) or offsets.shape != (len(names), 3):
            raise ShapeError(
                f"a skeleton of {len(names)} names needs as many parents and offsets (J, 3), "
                f"not {len(parents)} and {offsets.shape}"
            )
        if len(set(names)) != len(names):
            twice = next(n for i, n in enumerate(names) if n in names[:i])
            raise ShapeError(f"the joint name {twice!r} stands twice in the skeleton")
        if parents[0] != -1:
            raise ShapeError(f"joint 0 ({names[0]}) must be the root with parent -1, not {parents[0]}")
        for j, parent in enumerate(parents[1:], start=1):
            if not 0 <= parent < j:
                raise ShapeError(f"joint {j} ({names[j]}) has parent {parent}; parents must come before children")
        if not np.isfinite(offsets).all():
            j = int(np.argwhere(~np.isfinite(offsets))[0, 0])
            raise ShapeError(f"the offset of joint {j} ({names[j]}) is not a finite number")

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Skeleton)
            and (self.names, self.parents) == (other.names, other.parents)
            and np.array_equal(self.offsets, other.offsets)
        )

    def __hash__(self) -> int:
        return hash((self.names, self.parents, self.offsets.tobytes()))

    def index(self, name: str) -> int:
        """Index of a joint by name; RequestError names the choices."""
        try:
            return self.names.index(name)
        except ValueError:
            raise RequestError(f"no joint {name!r} in the skeleton; it has {', '.join(self.names)}") from None

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Per joint, the indices of its children."""
        lists: list[list[int]] = [[] for _ in self.names]
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                lists[parent].append(j)
        return tuple(map(tuple, lists))

    @cached_property
    def lengths(self) -> np.ndarray:
        """(J,) bone lengths in metres: distance of each joint from its parent (0 for the root)."""
        lengths = np.linalg.norm(self.offsets, axis=-1)
        lengths[0] = 0.0
        return lengths

    @cached_property
    def mirrored(self) -> np.ndarray:
        """(J,) for each joint the index of its twin on the other side (itself on the midline), from the names."""
        return np.array(
            [self.names.index(t) if (t := other_side(n)) in self.names else j for j, n in enumerate(self.names)]
        )

    def to_json(self) -> str:
        rows = [
            {"name": n, "parent": p, "offset": [float(x) for x in o]}
            for n, p, o in zip(self.names, self.parents, self.offsets, strict=True)
        ]
        body = ",\n    ".join(map(json.dumps, rows))
        head = f'"format": "dimo-skeleton",\n  "version": 1,\n  "name": {json.dumps(self.name)}'
        return f'{{\n  {head},\n  "joints": [\n    {body}\n  ]\n}}\n'

    @staticmethod
    def from_json(text: str, path: str | Path | None = None) -> Skeleton:
        """Read what to_json writes. FormatError says what is wrong with anything else."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"not valid JSON ({error})", path=path) from None
        if not isinstance(data, dict) or data.get("format") != "dimo-skeleton" or data.get("version") != 1:
            raise FormatError('not a skeleton file: "format": "dimo-skeleton" and "version": 1 are expected', path=path)
        try:
            joints = data["joints"]
            names, parents = [str(j["name"]) for j in joints], [int(j["parent"]) for j in joints]
            offsets = np.array([j["offset"] for j in joints], dtype=float)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(
                f'each of "joints" needs "name", "parent" and "offset" [x, y, z] ({error!r})', path=path
            ) from None
        try:
            return Skeleton(tuple(names), tuple(parents), offsets, str(data.get("name", "custom")))
        except ShapeError as error:
            raise FormatError(str(error), path=path) from None


def other_side(name: str) -> str:
    """A joint name with its side exchanged: left_hip, LeftUpLeg, lThigh, Foot_L, mixamorig:LeftArm, lfemur."""
    for a, b in _SIDES:
        if a in name or b in name:
            return name.replace(a, "\0").replace(b, a).replace("\0", b)
    stem, tail = (name[:-4], "_end") if name.endswith("_end") else (name, "")
    for a, b in ("LR", "RL", "lr", "rl"):
        if stem.endswith((f"_{a}", f".{a}")):
            return stem[:-1] + b + tail
        if stem.startswith(f"{a}_"):
            return b + stem[1:] + tail
    for a, b in ("lr", "rl"):
        if stem.startswith(a) and (stem[1:2].isupper() or stem[1:] in _ACCLAIM_BONES):
            return b + stem[1:] + tail
    return name


_ACCLAIM_BONES = {
    *("hipjoint", "femur", "tibia", "foot", "toes"),
    *("clavicle", "humerus", "radius", "wrist", "hand", "fingers", "thumb"),
}


def preset_names() -> list[str]:
    """Names of the packaged skeletons."""
    folder = resources.files("dimo.body") / "presets"
    return sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json"))


ALIASES = {"cmu": "cmu_common"}
"""Short names of packaged skeletons: the BVH files of CMU's library that most people have are on cmu_common."""


def preset(name: str) -> Skeleton:
    """A packaged skeleton: humanml3d (22 joints), kit (21), smplx (52), and the bodies of the motion capture that we
    learn from: bandai_namco (21), cmu_acclaim (38, subject 02), cmu_bvh (57, with face and fingers), cmu_common or cmu (38).

    mixamo (65), ue5 (64, arms 45 degrees down), unity (52), vrm (52) and rigify (53) have the joints of those rigs, fingers
    too, on a body of 1.75 m in their rest pose; a file of your own rig (formats/rig.py) has its own sizes.
    """
    name = ALIASES.get(name, name)
    if name not in preset_names():
        raise RequestError(f"no skeleton preset {name!r}; there are {', '.join(preset_names())}")
    return Skeleton.from_json((resources.files("dimo.body") / "presets" / f"{name}.json").read_text(), f"preset {name}")

"""From what a file holds to a Motion in metres, Y up, with its joints known; and what was decided on the way.

Readers give a Parsed: a Motion in the file's own unit and axes, and what the file says of them. `settle` finds out what
it does not say, from the body and from the options, and refuses what no body can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body import mapping, structure
from dimo.body.mapping import Roles
from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError
from dimo.formats import axes, units
from dimo.formats.files import read_text
from dimo.formats.rigid import MOST_UNITS

MOST_METRES, MOST_BODY_METRES = 100_000.0, 1_000.0
"""How far from the origin a joint may be, and how long a chain of bones."""

MAP_BYTES = 10_000_000


@dataclass(frozen=True)
class Options:
    """How to read a file, where it does not say it or says it wrong; None and empty leave it to the file and the body."""

    up: str | None = None  # x, y or z
    unit: str | float | None = None  # a name of units.UNITS, or metres
    animation: str | int | None = None  # by name, or by number from 1
    mapping: str | Path | Mapping[str, object] | None = None  # a map file, or what is in its "joints"


@dataclass(frozen=True)
class Parsed:
    """What a reader found: a motion in the file's own units and axes, and what the file says about them."""

    motion: Motion
    kind: str  # of file, such as "BVH"
    unit: float | None = None  # metres of the file's unit; None where it does not say
    unit_from: str = ""  # what says so
    up: str | None = None  # the axis that is up by the format
    exact: bool = False  # our own file, whose unit and axes nothing but an option overrules
    notes: tuple[str, ...] = ()  # what the user should know at once
    details: tuple[str, ...] = ()  # what only an explanation of the file tells
    source: Any = None  # how the file was written (formats/bvh_source.py), to write it so again


@dataclass(frozen=True)
class Reading:
    """A motion read from a file, and what was decided."""

    motion: Motion
    path: Path
    kind: str
    naming: str | None  # of a rig, "map" or "structure"; None for a body that cannot be mapped
    unit: float  # metres of the file's unit
    unit_from: str
    up: str
    up_from: str
    height: float  # metres that the body is tall, about
    notes: tuple[str, ...] = field(default=())
    details: tuple[str, ...] = field(default=())

    def summary(self) -> str:
        """All that was decided, in one line."""
        motion = self.motion
        naming = "unknown joints" if self.naming is None else f"joints as {self.naming}"
        return (
            f"{self.path}: {self.kind}, {len(motion.skeleton)} joints ({naming}), "
            f"unit {units.name_of(self.unit)} ({self.unit_from}; the body is {self.height:.2f} m tall), "
            f"up {self.up} ({self.up_from}), {motion.fps:g} fps, {len(motion)} frames, {motion.seconds:.2f} s"
        )


def settle(parsed: Parsed, path: str | Path, options: Options | None = None) -> Reading:
    """Decide what the file leaves open, and bring the motion to metres and Y up. FormatError for what no body can be."""
    options = options or Options()
    if options.up is not None and options.up not in axes.AXES:
        raise RequestError(f"up is x, y or z, not {str(options.up)[:20]!r}")
    refuse_absurd(parsed.motion, path, units_known=False)  # before anything is squared
    motion = parsed.motion
    if options.mapping is not None:
        motion = replace(motion, skeleton=_mapped(motion.skeleton, options.mapping, path))
    motion, naming, roles = _with_roles(motion)
    height = body_height(motion, roles)
    notes = list(parsed.notes)

    if options.unit is not None:
        unit, unit_from = units.metres_of(options.unit), "as asked"
    elif parsed.unit is not None:
        unit, unit_from = parsed.unit, parsed.unit_from
        if not parsed.exact and roles and (better := _implausible(height * unit)):
            unit, unit_from = unit * better, "from the body"
            notes.append(
                f"the body would be {height * unit / better:.3g} m tall, so its unit is taken as {units.name_of(unit)} "
                f"instead of {units.name_of(unit / better)}, which makes {height * unit:.2f} m; --unit says otherwise"
            )
    else:
        unit, unit_from = units.UNITS[units.guess_unit(height)], "from the body"

    rest = axes.rest_axis(motion, roles) if roles else None
    if options.up is not None:
        up, up_from = options.up, "as asked"
    elif parsed.exact or not roles:
        up, up_from = parsed.up or "y", "by the format" if parsed.up else "nothing says otherwise"
    else:
        up, up_from = axes.find_up(motion, roles, parsed.up)
    motion = axes.turn_up(motion, up, rest)
    if unit != 1.0:
        skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * unit)
        motion = replace(motion, skeleton=skeleton, root=motion.root * unit)
    refuse_absurd(motion, path)
    if parsed.source is not None:
        source = parsed.source.settled(motion, unit, up, up != "y" and rest == "y")
        motion = replace(motion, skeleton=replace(motion.skeleton, source=source))
    return Reading(
        motion,
        Path(path),
        parsed.kind,
        naming,
        unit,
        unit_from,
        up,
        up_from,
        height * unit,
        tuple(notes),
        parsed.details,
    )


def refuse_absurd(motion: Motion, path: str | Path, *, units_known: bool = True) -> None:
    """FormatError for a body or a place beyond belief, naming the joint or the frame.

    units_known: lengths are metres; else in a unit yet to be found, and only what no unit makes a body is refused.
    """
    most, most_body = (MOST_METRES, MOST_BODY_METRES) if units_known else (MOST_UNITS, MOST_UNITS)
    skeleton = motion.skeleton
    bones = np.abs(skeleton.offsets).max(axis=1)
    if bones.max() <= most_body:
        bones = np.zeros(len(skeleton))
        for j, parent in enumerate(skeleton.parents[1:], start=1):
            bones[j] = bones[parent] + skeleton.lengths[j]
    if bones.max() > most_body:
        raise FormatError(
            f"it is {_length(bones.max(), units_known)} away from the root by its bones; "
            f"up to {_length(most_body, units_known)} is believed",
            path=path,
            joint=skeleton.names[int(bones.argmax())][:60],
        )
    far = np.abs(motion.root).max(axis=1)
    if far.max() > most:
        raise FormatError(
            f"the body is {_length(far.max(), units_known)} from the origin; up to {_length(most, units_known)} is believed",
            path=path,
            frame=int(far.argmax()),
        )


def _length(length: float, metres: bool) -> str:
    if not metres:
        return f"{length:.3g} units"
    return f"{length / 1000:,.0f} km" if length >= 2000 else f"{length:,.0f} m"


def _implausible(height: float) -> float | None:
    """The factor that makes a body of so many metres a person's size, where a lost unit explains it; else None."""
    if 0.05 <= height <= 20:
        return None
    return next((f for f in (0.01, 100.0, 0.001, 0.0254, 0.1, 10.0) if 0.8 < height * f < 2.6), None)


# ---- which joint is which


def _mapped(skeleton: Skeleton, given: str | Path | Mapping[str, object], path: str | Path) -> Skeleton:
    if isinstance(given, Mapping):
        roles = {str(r): (n,) if isinstance(n, str) else tuple(n) for r, n in given.items() if n}  # type: ignore[arg-type]
        return mapping.with_map(skeleton, roles)
    try:
        return mapping.with_map(skeleton, mapping.read_map(read_text(given, MAP_BYTES), given))
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def _with_roles(motion: Motion) -> tuple[Motion, str | None, Roles]:
    """The motion, how its joints are known (None: they are not), and which they are.

    Where neither names nor the rest pose say it, the poses of the motion do, and the skeleton keeps what they say.
    """
    try:
        naming, roles = mapping.find_naming(motion.skeleton)
        return motion, naming.name, roles
    except RequestError:
        pass
    votes: Counter[tuple[tuple[str, tuple[int, ...]], ...]] = Counter()
    for pose in axes.poses(motion, 9):
        try:
            votes[tuple(mapping.by_structure(motion.skeleton, pose).items())] += 1
        except structure.NoBiped:
            continue
    if not votes:
        return motion, None, {}
    roles = dict(votes.most_common(1)[0][0])
    names = {role: tuple(motion.skeleton.names[j] for j in joints) for role, joints in roles.items()}
    return replace(motion, skeleton=mapping.with_map(motion.skeleton, names)), mapping.BY_STRUCTURE, roles


def body_height(motion: Motion, roles: Roles) -> float:
    """About how tall a body stands, in the units of the motion: 1.28 times its legs and trunk, which is so of HumanML3D's.

    Where its joints are unknown: 1.65 times the longest chain of bones from the root.
    """
    if not roles:
        reach = np.zeros(len(motion.skeleton))
        for j, parent in enumerate(motion.skeleton.parents[1:], start=1):
            reach[j] = reach[parent] + motion.skeleton.lengths[j]
        return 1.65 * float(reach.max())
    joints = axes.poses(motion, 9)

    def apart(a: str, b: str) -> float:
        ways = joints[:, list(roles[a])].mean(1) - joints[:, list(roles[b])].mean(1)
        return float(np.median(np.linalg.norm(ways, axis=-1)))

    legs = [apart(f"{s}_hip", f"{s}_knee") + apart(f"{s}_knee", f"{s}_ankle") for s in ("left", "right")]
    trunk = apart("pelvis", "neck") if "neck" in roles else 0.84 * apart("pelvis", "head")
    return 1.28 * (sum(legs) / 2 + trunk)

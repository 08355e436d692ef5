"""`dimo doctor FILE`: how a motion file is understood, joint by joint, and what is troublesome about it."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dimo.body.mapping import Roles, find_naming, map_template
from dimo.body.motion import Motion
from dimo.body.rigs import ROLES
from dimo.body.rotation import normalise
from dimo.cli.reading import options
from dimo.errors import RequestError, StillError
from dimo.formats.files import write_atomically
from dimo.formats.reading import Reading
from dimo.formats.rig import read_still
from dimo.formats.table import read
from dimo.formats.units import name_of

FASTEST, LOW, HIGH, TALL = 40.0, 0.05, 0.1, (0.9, 2.4)
"""m/s of a joint, m of feet below and above the ground, and m of a person, beyond which a file is worth a look."""

UPRIGHT = 0.2
"""Share of frames with the head above the feet below which the axis that is up may be another."""

STRAIGHT = 0.8
"""Cosine of the angle between thigh and shin from which on a leg is straight."""


def run(args: argparse.Namespace) -> int:
    """Explain args.file; 0 when its body is understood, 1 when it cannot be mapped."""
    still = False
    try:
        reading = read(args.file, options(args))
    except StillError:  # a character for --rig
        if args.animation is not None:
            raise
        reading, still = read_still(args.file, options(args)), True
    if args.map_template is not None:
        target = args.map_template if args.map_template.name else Path(f"{args.file.stem}.map.json")
        if target.suffix.lower() != ".json":
            raise RequestError(f"{target}: a map is written as .json, not as {target.suffix!r}")
        with write_atomically(target) as temporary:
            temporary.write_text(map_template(reading.motion.skeleton), encoding="utf-8")
        print(f"{target}: fill in what is null or wrong, and give it with --map")
    for line in explain(reading, still=still):
        print(line)
    return 0 if reading.naming is not None else 1


def explain(reading: Reading, *, still: bool = False) -> list[str]:
    """Lines of a name and what it is. still: the file holds a body and no motion of it."""
    motion, skeleton = reading.motion, reading.motion.skeleton
    roles: Roles = {}
    trouble: list[str] = []
    try:
        naming, roles = find_naming(skeleton)
        how = {"map": "by the map", "structure": "by the shape of the body"}.get(naming.name, f"named as {naming.name}")
    except RequestError as error:
        how = "unknown"
        trouble.append(str(error))
    lines = [
        ("file", f"{reading.path}: {reading.kind}, {reading.path.stat().st_size:,} bytes"),
        ("joints", f"{len(skeleton)}, {how}"),
        *(("" if i else "mapping", row) for i, row in enumerate(_mapping(motion, roles))),
        ("unit", f"{name_of(reading.unit)} ({reading.unit_from}); the body is {reading.height:.2f} m tall"),
        ("up", f"{reading.up} ({reading.up_from})"),
        *_time(motion, still),
        *(("detail", d) for d in reading.details),
        *(("note", n) for n in reading.notes),
        *(("trouble", t) for t in trouble + troubles(reading, roles, still=still)),
    ]
    if not any(name == "trouble" for name, _ in lines):
        lines.append(("trouble", "none"))
    return [f"{name:<12} {text}" for name, text in lines]


def _time(motion: Motion, still: bool) -> list[tuple[str, str]]:
    if still:
        return [("motion", "none: a character, for a motion to be put on with --rig")]
    return [
        ("rate", f"{motion.fps:g} frames a second"),
        ("duration", f"{len(motion)} frames, {motion.seconds:.2f} s"),
    ]


def _mapping(motion: Motion, roles: Roles) -> list[str]:
    """A row per role, those that the body lacks too; nothing for an unknown body."""
    names = motion.skeleton.names
    rows = [
        (r, " + ".join(names[j] for j in roles[r]) if r in roles else "not there; lies between its neighbours")
        for r in ROLES
    ]
    return [f"{role:<15} {text}" for role, text in rows] if roles else []


def troubles(reading: Reading, roles: Roles, *, still: bool = False) -> list[str]:
    """What is odd about the motion, or about a body without one, a sentence each."""
    motion = reading.motion
    joints, out = motion.joints(), []
    if roles and not _usual(reading):
        out.append(f"a body {reading.height:.2f} m tall is no usual person; --unit sets the unit")
    if roles and _sides_exchanged(joints, roles):
        out.append("what is mapped as left stands on the right of where the toes point; --map can exchange them")
    if roles:
        feet = joints[:, [roles[f"{s}_ankle"][0] for s in ("left", "right")]]
        if (upright := _upright(joints, roles)) < UPRIGHT:
            out.append(f"the body stands upright in {upright:.0%} of the frames; --up sets the axis that is up")
        floor = float(np.percentile(joints[:, sorted({j for js in roles.values() for j in js}), 1].min(axis=1), 5))
        tall = max(reading.height, 1e-6)
        if not -LOW * tall < floor < HIGH * tall and float(np.ptp(feet[..., 1])) < 3 * tall:
            out.append(f"the lowest joint of the body stays {floor:+.2f} m from the ground at 0")
    if len(motion) > 1:
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * motion.fps
        if speed.max() > FASTEST * max(1.0, reading.height / 1.7):
            frame, joint = np.unravel_index(int(speed.argmax()), speed.shape)
            out.append(
                f"{motion.skeleton.names[joint]} moves at {speed.max():.0f} m/s in frame {frame}, faster than people do"
            )
    elif not still:
        out.append("one frame is a pose, not a motion")
    return out


def against(reading: Reading, unit: str | None, up: str | None, *, writes: bool) -> list[str]:
    """Where the unit or axis that was asked for makes no person of what the file holds, a sentence that says so.

    writes: whether the output's can be asked for, too, which may be what was meant.
    """
    try:
        roles = find_naming(reading.motion.skeleton)[1]
    except RequestError:
        return []
    odd = []
    if unit is not None and not _usual(reading):
        odd.append(("unit", unit, f"the body is {reading.height:.2f} m tall"))
    if up is not None and (upright := _upright(reading.motion.joints(), roles)) < UPRIGHT:
        odd.append(("up", up, f"the body stands upright in {upright:.0%} of the frames"))
    meant = "is of the input, and --out-{0} of what is written" if writes else "is of the input"
    return [f"with --{flag} {value} {what}; --{flag} {meant.format(flag)}" for flag, value, what in odd]


def _usual(reading: Reading) -> bool:
    """Whether the body is as tall as people are."""
    return TALL[0] < reading.height < TALL[1]


def _upright(joints: np.ndarray, roles: Roles) -> float:
    """Share of frames in which the head is higher above the ankles than it is beside them."""
    head = joints[:, list(roles["head" if "head" in roles else "neck"])].mean(1)
    ankles = np.mean([joints[:, list(roles[f"{s}_ankle"])].mean(1) for s in ("left", "right")], axis=0)
    way = head - ankles
    return float(np.mean(way[:, 1] > np.hypot(way[:, 0], way[:, 2])))


def _sides_exchanged(joints: np.ndarray, roles: Roles) -> bool:
    """Whether left and right hip stand the wrong way round for the feet's direction, in most frames with straight knees.

    The feet of bent legs point anywhere: those of one who crawls, backwards.
    """
    if not {"left_foot", "right_foot"} <= roles.keys():
        return False

    def at(role: str) -> np.ndarray:
        return joints[:, list(roles[role])].mean(1)

    ahead = sum(at(f"{s}_foot") - at(f"{s}_ankle") for s in ("left", "right"))
    up = np.mean([at("neck" if "neck" in roles else "head") - at(f"{s}_hip") for s in ("left", "right")], axis=0)
    left = np.cross(up, ahead)
    across = np.sum(left * (at("left_hip") - at("right_hip")), axis=-1)
    straight = np.ones(len(joints), bool)
    for s in ("left", "right"):
        thigh, shin = at(f"{s}_knee") - at(f"{s}_hip"), at(f"{s}_ankle") - at(f"{s}_knee")
        straight &= np.sum(normalise(thigh) * normalise(shin), axis=-1) > STRAIGHT
    return bool(np.median(np.sign(across[straight])) < 0) if straight.any() else False


def check(args: argparse.Namespace) -> None:
    """RequestError for flags that need a file where none is given."""
    given = [f for f in ("up", "unit", "animation", "map", "map_template") if getattr(args, f) is not None]
    if given:
        raise RequestError(f"--{given[0].replace('_', '-')} goes with a file: dimo doctor FILE")

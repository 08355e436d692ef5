"""A Motion as JSON and back, exact to the bit: Python and browsers write the shortest digits that give the same float64.

    {"name": "a_bow", "fps": 20, "seconds": 4,
     "skeleton": {"name": "humanml3d", "joints": [{"name": "pelvis", "parent": -1, "offset": [0, 0, 0]}, ...]},
     "root": [[x, y, z], ...],                    metres, one a frame
     "rotations": [[[w, x, y, z], ...], ...],     local unit quaternions, one a joint and frame
     "contacts": {"left": [[first, past the last], ...], "right": [...]}}

seconds and contacts (frames in which a foot stands, where the body's feet are known) are told, not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from dimo.body.footlock import BODY, find_contacts, intervals
from dimo.body.mapping import with_map
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import Skeleton
from dimo.errors import DimoError, FormatError, RequestError, ShapeError


def to_json(motion: Motion) -> dict[str, Any]:
    skeleton = motion.skeleton
    joints = zip(skeleton.names, skeleton.parents, skeleton.offsets.tolist(), strict=True)
    body: dict[str, Any] = {
        "name": skeleton.name,
        "joints": [{"name": n, "parent": p, "offset": o} for n, p, o in joints],
    }
    if skeleton.roles is not None:
        body["roles"] = {role: list(names) for role, names in skeleton.roles}
    return {
        "name": motion.name,
        "fps": motion.fps,
        "seconds": motion.seconds,
        "skeleton": body,
        "root": motion.root.tolist(),
        "rotations": motion.rotations.tolist(),
        "contacts": contacts(motion),
    }


def contacts(motion: Motion) -> dict[str, list[list[int]]]:
    """Frames [first, past the last] in which each foot stands; none for bodies whose feet are unknown."""
    try:
        joints = retarget(motion, BODY).joints() if motion.skeleton != BODY else motion.joints()
    except DimoError:
        return {"left": [], "right": []}
    planted = find_contacts(joints, motion.fps)
    return {side: intervals(planted[:, i]).tolist() for i, side in enumerate(("left", "right"))}


def from_json(data: Any, what: str, most_frames: int) -> Motion:
    """What to_json writes, as a Motion; FormatError says what is wrong with anything else, `what` naming the place."""
    if not isinstance(data, Mapping):
        raise FormatError(f"{what}: a motion is an object with skeleton, fps, root and rotations")
    missing = [key for key in ("skeleton", "fps", "root", "rotations") if key not in data]
    if missing:
        raise FormatError(f"{what}: not a motion: {', '.join(missing)} missing")
    if not all(isinstance(data[key], list) for key in ("root", "rotations")):
        raise FormatError(f"{what}: root and rotations are lists with an entry for each frame")
    if len(data["root"]) > most_frames:
        raise FormatError(f"{what}: has {len(data['root']):,} frames; up to {most_frames:,} are read")
    skeleton = _skeleton(data["skeleton"], what)
    try:
        root = np.array(data["root"], np.float64)
        rotations = np.array(data["rotations"], np.float64)
        fps = float(data["fps"])
    except (TypeError, ValueError, OverflowError):
        raise FormatError(
            f"{what}: root holds [x, y, z] and rotations [w, x, y, z] of each joint, in every frame, all numbers"
        ) from None
    try:
        return Motion(skeleton, fps, root, rotations, str(data.get("name", "motion"))[:200])
    except ShapeError as error:
        raise FormatError(f"{what}: {error}") from None


def _skeleton(data: Any, what: str) -> Skeleton:
    if not isinstance(data, Mapping) or not isinstance(data.get("joints"), list):
        raise FormatError(f'{what}: its skeleton has no "joints", each with name, parent and offset')
    text = json.dumps({**data, "format": "dimo-skeleton", "version": 1})
    try:
        skeleton = Skeleton.from_json(text)
        roles = data.get("roles")
        if roles is None:
            return skeleton
        if not isinstance(roles, Mapping) or not all(isinstance(names, list) for names in roles.values()):
            raise RequestError("its roles name a list of joints each")
        return with_map(skeleton, {str(role): tuple(map(str, names)) for role, names in roles.items()})
    except (FormatError, RequestError) as error:
        raise FormatError(f"{what}: {error}") from None

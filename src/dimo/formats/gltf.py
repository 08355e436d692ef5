"""Reading motion from glTF 2.0 (.glb, .gltf, .vrma): the joints of its skins, or its animated nodes, as a rigid body.

The rest pose becomes the one with all rotations identity in world axes, as everywhere in dimo: from the skin's inverse
bind matrices, or the nodes' own transforms, whichever stands upright and even. Morphs and cameras are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.mapping import Roles, by_names, missing_roles, rest_pose, with_map
from dimo.body.motion import Motion
from dimo.body.rotation import IDENTITY, quat_conjugate, quat_multiply, quat_rotate
from dimo.body.skeleton import MAX_JOINTS, Skeleton
from dimo.errors import FormatError, RequestError, ShapeError, StillError
from dimo.formats.axes import body_axis
from dimo.formats.gltf_file import Damaged, Document, open_document
from dimo.formats.gltf_joints import Body, find_bodies
from dimo.formats.gltf_nodes import Nodes, Track, read_nodes, read_tracks, rest_world, split, world
from dimo.formats.gltf_source import BY, GltfSource
from dimo.formats.reading import Parsed, settle
from dimo.formats.rigid import rigid, unique

MAX_FRAMES = 1_000_000
MAX_PLACES = 12_000_000
"""Frames times joints, which bounds the memory that a reading takes."""

RATES = (24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0)
"""Tried for keys that are not evenly spaced."""

NTSC = (24_000 / 1001, 30_000 / 1001, 60_000 / 1001, 120_000 / 1001)

Tracks = dict[tuple[int, str], Track]

VRM = {"hips": "pelvis", "spine": "spine1", "chest": "spine2", "upperChest": "spine3", "neck": "neck", "head": "head"} | {
    f"{s}{bone}": f"{s}_{role}" for s in ("left", "right") for bone, role in (
        ("UpperLeg", "hip"), ("LowerLeg", "knee"), ("Foot", "ankle"), ("Toes", "foot"),
        ("Shoulder", "collar"), ("UpperArm", "shoulder"), ("LowerArm", "elbow"), ("Hand", "wrist"),
    )
}  # fmt: skip
"""Bones of a VRM humanoid (vrm.dev) to roles."""


def read(path: str | Path, *, animation: str | int | None = None) -> Motion:
    """Read the body and an animation (by name, or by number from 1; default: the first that moves it)."""
    return settle(parse(path, animation), path).motion


def parse(path: str | Path, animation: str | int | None = None, *, rig: bool = False) -> Parsed:
    """The motion of a glTF file, in its own unit and axes; rig: one frame of its body as it stands, animated or not.

    FormatError when there is none, or the file is damaged.
    """
    document = open_document(path)
    try:
        return _parse(document, animation, Path(path), rig)
    except Damaged as error:
        raise FormatError(f"its glTF is damaged: {error}", path=path) from None
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        what = f"{type(error).__name__}: {error}"
        raise FormatError(f"its glTF is not as the specification has it ({what[:120]})", path=path) from None


def _parse(document: Document, animation: str | int | None, path: Path, rig: bool) -> Parsed:
    nodes, animations = read_nodes(document), document.list("animations")
    if not animations and not rig:
        raise StillError("it holds no animation, so there is no motion in it; --rig puts one on its body", path=path)
    if rig:
        chosen, body, tracks = -1, _skinned(document, nodes, path), {}
    else:
        chosen, body, tracks = _choose(document, nodes, animations, animation, path)
    if len(body.joints) > MAX_JOINTS:
        raise FormatError(f"more than {MAX_JOINTS} joints", path=path)
    ours = str(document.json.get("asset", {}).get("generator", "")) == "dimo"
    times, fps = np.zeros(1), 20.0
    if tracks:
        times, fps = _times(tracks, animations[chosen].get("extras"), ours, len(body.joints), path)
    places, turns = world(nodes, tracks, body.joints, times)
    names = unique([nodes.names[n] for n in body.joints])
    offsets, rotations = _local(body.parents, places, turns)
    roles = _vrm_roles(document, body, names)
    known = roles or _named(names)
    rest = _rest(document, nodes, body, np.median(offsets, axis=0), known, ours)
    still = np.tile(IDENTITY, (len(names), 1)) if rest is None else rest
    source = GltfSource(document, path, nodes, tuple(names), tuple(body.joints), still)
    offsets, rotations = _from_rest(body.parents, offsets, rotations, rest)
    motion, details = rigid(names, body.parents, offsets, rotations, fps, path.stem)
    if roles is not None:
        motion = _with_roles(motion, names, roles)
    title = "at rest" if rig else str(animations[chosen].get("name") or f"animation {chosen + 1}")[:60]
    notes = []
    if len(animations) > 1 and animation is None and not rig:
        others = [repr(str(a.get("name") or i + 1)[:40]) for i, a in enumerate(animations) if i != chosen]
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        notes.append(
            f"{title!r}, animation {chosen + 1} of {len(animations)}, is read; --animation NAME|N takes another "
            f"({', '.join(others[:5])}{more})"
        )
    if body.others:
        notes.append(
            f"the largest of {body.others + 1} skeletons is read, {len(body.joints)} joints below {names[0]!r}"
        )
    kind = "glTF" if path.suffix.lower() == ".gltf" else path.suffix.lower().lstrip(".").upper()
    if not rig:
        details.append(f"animation {chosen + 1} of {len(animations)}, {title!r}, {len(tracks)} tracks")
    return Parsed(
        motion,
        kind,
        1.0,
        "by the format, metres",
        up="y",
        exact=ours,
        notes=tuple(notes),
        details=tuple(details),
        source=None if ours and not rig else source,
    )


# ---- which animation of which body


def _choose(
    document: Document, nodes: Nodes, animations: Sequence[dict[str, Any]], wanted: str | int | None, path: Path
) -> tuple[int, Body, Tracks]:
    """The animation asked for, or the first that moves a body; that body; and the tracks that move it."""
    if wanted is not None:
        order = [_numbered(animations, wanted, path)]
    else:
        order = list(range(len(animations)))
    for i in order:
        tracks = read_tracks(document, animations[i])
        moved = {n for n, _ in tracks}
        for body in find_bodies(document, nodes, moved):
            needed = {k for n in body.joints for k in nodes.above(n)}
            own = {key: track for key, track in tracks.items() if key[0] in needed}
            if {n for n, _ in own} & (set(body.joints) | set(nodes.above(body.joints[0]))):
                return i, body, own
    what = "its animation moves" if len(order) == 1 else f"none of its {len(order)} animations moves"
    raise StillError(f"{what} no joints, so there is no motion of a body in it", path=path)


def _skinned(document: Document, nodes: Nodes, path: Path) -> Body:
    """The body of the file's skins, or without any the nodes that its animations move."""
    moved = {n for a in document.list("animations") for n, _ in read_tracks(document, a)}
    bodies = find_bodies(document, nodes, moved)
    if not bodies:
        raise FormatError("it holds no skin, so there is no body in it to move", path=path)
    return bodies[0]


def _numbered(animations: Sequence[dict[str, Any]], wanted: str | int, path: Path) -> int:
    names = [str(a.get("name", "")) for a in animations]
    if str(wanted) in names:
        return names.index(str(wanted))
    word = str(wanted).strip()
    if word.isdigit() and 1 <= int(word) <= len(animations):
        return int(word) - 1
    folded = [n.lower() for n in names]
    if folded.count(word.lower()) == 1:
        return folded.index(word.lower())
    listed = ", ".join(f"{i + 1} {n[:40]!r}" for i, n in enumerate(names[:12])) + (", ..." if len(names) > 12 else "")
    raise FormatError(f"no animation {str(wanted)[:40]!r}; there are {listed}", path=path)


# ---- when


def _times(tracks: Tracks, extras: Any, ours: bool, joints: int, path: Path) -> tuple[np.ndarray, float]:
    """Frame times (F,) in seconds and the rate: the keys' own where they are evenly spaced."""
    keys = {id(t[0]): t[0] for t in tracks.values()}.values()
    start, end = min(t[0] for t in keys), max(t[-1] for t in keys)
    if end <= start:
        return np.array([start]), 20.0
    told = extras.get("fps") if isinstance(extras, dict) and (ours or extras.get("by") == BY) else None
    fps = _even_rate([*keys]) if not isinstance(told, (int, float)) else float(told)
    if not _on_grid([*keys], start, fps, 0.01):
        fps = _even_rate([*keys])
    coarse = any(kind != "LINEAR" for _, _, kind in tracks.values()) or max(map(len, keys)) < 8
    while fps < 20 and coarse:  # curves and few keys need frames between them
        fps *= 2
    count = round((end - start) * fps) + 1
    if not (1e-1 <= fps <= 1e4 and count <= MAX_FRAMES and count * joints <= MAX_PLACES):
        raise FormatError(
            f"it lasts {end - start:.4g} s with keys for {fps:.4g} frames a second, which is too long to read",
            path=path,
        )
    return start + np.arange(count) / fps, fps


def _even_rate(keys: list[np.ndarray]) -> float:
    """The rate at which all keys are frames: of the densest track if that is even, else of a grid that holds them."""
    densest = max(keys, key=len)
    steps, step = np.diff(densest), (densest[-1] - densest[0]) / max(len(densest) - 1, 1)
    start = min(t[0] for t in keys)
    if len(steps) and np.abs(steps - step).max() < 0.02 * step:
        return _snapped(1 / step)
    for fps in [_snapped(1 / min(np.diff(t).min() for t in keys if len(t) > 1)), *RATES]:
        if fps <= 1000 and _on_grid(keys, start, fps, 0.1):
            return _fitted(keys, start, fps)
    return 30.0


def _on_grid(keys: list[np.ndarray], start: float, fps: float, tolerance: float) -> bool:
    places = (np.concatenate(keys) - start) * fps
    return bool(np.abs(places - np.round(places)).max() < tolerance)


def _fitted(keys: list[np.ndarray], start: float, fps: float) -> float:
    """The rate that fits all keys best, near a first guess."""
    seconds = np.concatenate(keys) - start
    frames = np.round(seconds * fps)
    return _snapped(float(frames @ frames / (frames @ seconds))) if frames.any() else fps


def _snapped(fps: float) -> float:
    """A rate without the rounding of 32-bit key times, which is 1e-7 of it; whole and broadcast rates from farther away."""
    nice = min((*NTSC, *(round(fps, d) for d in range(4))), key=lambda n: abs(fps - n))
    if nice > 0 and abs(fps - nice) < 2e-7 * fps:
        return float(nice)
    nice = min((*NTSC, round(fps)), key=lambda n: abs(fps - n))
    return float(nice) if nice > 0 and abs(fps - nice) < 1e-5 * fps else fps


# ---- where


def _local(parents: Sequence[int], places: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (F, J, 3) and rotations (F, J, 4) in each joint's parent; the root's are its place and orientation."""
    offsets, rotations = places.copy(), turns.copy()
    for j, p in enumerate(parents):
        if p >= 0:
            back = quat_conjugate(turns[:, p])
            offsets[:, j] = quat_rotate(back, places[:, j] - places[:, p])
            rotations[:, j] = quat_multiply(back, turns[:, j])
    return offsets, rotations


def _from_rest(
    parents: Sequence[int], offsets: np.ndarray, rotations: np.ndarray, rest: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The same joints with the orientations rest (J, 4) called identity: world R becomes R rest^-1."""
    if rest is None:
        return offsets, rotations
    offsets, out = offsets.copy(), np.empty_like(rotations)
    for j, p in enumerate(parents):
        out[:, j] = quat_multiply(rotations[:, j], quat_conjugate(rest[j]))
        if p >= 0:
            out[:, j] = quat_multiply(rest[p], out[:, j])
            offsets[:, j] = quat_rotate(rest[p], offsets[:, j])
    return offsets, out


def _rest(
    document: Document, nodes: Nodes, body: Body, offsets: np.ndarray, roles: Roles | None, ours: bool
) -> np.ndarray | None:
    """World orientations (J, 4) of the joints at rest; None for identity, which our own files rest in."""
    if ours:
        return None
    own = rest_world(nodes, body.joints)
    choices: list[np.ndarray | None] = [None]
    if (bound := _bound(document, body, own)) is not None:
        choices += [bound, quat_multiply(quat_multiply(own[0], quat_conjugate(bound[0])), bound)]
    choices.append(own)
    if roles is None:
        return choices[1]
    return max(choices, key=lambda rest: _standing(body.parents, offsets, rest, roles))


def _bound(document: Document, body: Body, own: np.ndarray) -> np.ndarray | None:
    """World orientations (J, 4) of the joints when the skin was bound; None without a skin's inverse bind matrices."""
    turns = {}
    for index in body.skins:
        skin = document.item("skins", index)
        if "inverseBindMatrices" not in skin:
            continue
        matrices = document.array(skin["inverseBindMatrices"])
        if matrices.shape[1] != 16 or len(matrices) < len(skin["joints"]):
            continue
        for n, m in zip(skin["joints"], matrices, strict=False):
            turns[n] = quat_conjugate(split(m.reshape(4, 4).T[:3, :3])[0])
    if not turns:
        return None
    return np.array([turns.get(n, own[j]) for j, n in enumerate(body.joints)])


def _standing(parents: Sequence[int], offsets: np.ndarray, rest: np.ndarray | None, roles: Roles) -> float:
    """How well a rest pose stands: along Y, and alike on both sides (0 for a person in a T-pose, less for others)."""
    turned = offsets if rest is None else np.array([
        quat_rotate(rest[p], o) if p >= 0 else o for p, o in zip(parents, offsets, strict=True)
    ])  # fmt: skip
    turned = turned * (np.arange(len(parents)) > 0)[:, None]
    pose = rest_pose(Skeleton(tuple(map(str, range(len(parents)))), tuple(parents), turned))
    along, straight = body_axis(pose[None], roles)
    size = float(np.ptp(pose, axis=0).max()) or 1.0
    centre = np.mean([pose[list(roles[f"{s}_hip"])].mean(0) for s in ("left", "right")], axis=0)
    uneven = 0.0
    for part in ("hip", "knee", "ankle", "shoulder", "elbow"):
        left, right = (pose[list(roles[f"{s}_{part}"])].mean(0) - centre for s in ("left", "right"))
        uneven += abs(np.linalg.norm(left) - np.linalg.norm(right)) + abs(left[1] - right[1])
    return float(along[0, 1]) - 1 - 2.0 * (not straight[0]) - min(2 * uneven / size, 1.0)


# ---- names


def _named(names: list[str]) -> Roles | None:
    found = by_names(tuple(names))[0]
    return None if found is None else found[1]


def _vrm_roles(document: Document, body: Body, names: list[str]) -> Roles | None:
    """What a VRM says of its humanoid: roles to places in `names`; None in other files."""
    extensions = document.json.get("extensions")
    if not isinstance(extensions, dict):
        return None
    at = {n: j for j, n in enumerate(body.joints)}
    roles: Roles = {}
    for key in ("VRMC_vrm_animation", "VRMC_vrm", "VRM"):
        bones = extensions.get(key, {}).get("humanoid", {}).get("humanBones", {})
        if isinstance(bones, dict):  # VRM 1.0: {"hips": {"node": 3}}; 0.x: [{"bone": "hips", "node": 3}]
            bones = [{"bone": bone, **value} for bone, value in bones.items() if isinstance(value, dict)]
        for entry in bones:
            role = VRM.get(str(entry.get("bone")))
            if role is not None and entry.get("node") in at:
                roles[role] = (at[entry["node"]],)
    for higher, lower in (("spine3", "spine2"), ("spine3", "spine1")):
        if higher not in roles and lower in roles:
            roles[higher] = roles.pop(lower)
    return None if missing_roles(roles) else roles


def _with_roles(motion: Motion, names: list[str], roles: Roles) -> Motion:
    try:
        given = {role: tuple(names[j] for j in joints) for role, joints in roles.items()}
        return replace(motion, skeleton=with_map(motion.skeleton, given))
    except RequestError:  # a joint of it was dropped as an end of no length, or stands above the pelvis
        return motion

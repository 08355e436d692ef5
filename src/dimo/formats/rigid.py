"""Joints that move against their parents, as files allow, become a body of rigid bones, as a Motion has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.mapping import by_names
from dimo.body.motion import Motion
from dimo.body.rigs import ROLES
from dimo.body.rotation import quat_conjugate, quat_continuous, quat_multiply, quat_rotate
from dimo.body.skeleton import Skeleton, preset
from dimo.body.structure import NoBiped, match
from dimo.errors import ShapeError

MOST_UNITS = 1e9
"""How far from its parent, or from the origin, a joint may be in a file's own unit, whichever that is."""


def rigid(
    names: Sequence[str], parents: Sequence[int], offsets: np.ndarray, rotations: np.ndarray, fps: float, name: str
) -> tuple[Motion, list[str]]:
    """A Motion of local offsets (F, J, 3) and rotations (F, J, 4), and what was lost, in sentences.

    Limbs that hang beside the pelvis (feet that inverse kinematics moves, deform bones without their controls) are hung
    from the joint that they belong to. Where what is above the pelvis stands still or moves on its own (a root on the
    ground, "joint_Root" above "Hips"), it is folded into the pelvis, so that its path is the body's. Every other offset
    that moves is held at its median, and ends of no length are dropped. Names that stand twice get a number.
    """
    names, parents = unique(names), list(parents)
    far = np.abs(offsets).max(axis=2)
    if far.max() > MOST_UNITS:  # before anything is squared
        frame, joint = np.unravel_index(far.argmax(), far.shape)
        where = f"the joint {names[joint][:60]!r}" if joint else f"the body in frame {frame}"
        raise ShapeError(f"{where} is {far.max():.3g} units away; up to {MOST_UNITS:.3g} is believed")
    details: list[str] = []
    names, parents, offsets, rotations, hung = _hung(names, parents, offsets, rotations)
    if hung:
        details.append(f"{', '.join(hung[:6])} hang beside the body in the file, and are hung where they belong")
    top = _moving(names, parents, offsets, rotations)
    if top:
        names, parents, offsets, rotations, dropped = _folded(names, parents, offsets, rotations, top)
        if len(dropped) > 1:
            details.append(f"{', '.join(dropped[:6])} stand above the moving {names[0]} and are left out")
    root, rest = offsets[:, 0].copy(), np.median(offsets, axis=0)
    rest[0] = 0
    keep = [i for i, n in enumerate(names) if not (n.endswith("_end") and i not in parents and not rest[i].any())]
    stretch = np.abs(offsets[:, keep][:, 1:] - rest[keep][1:]).max(axis=(0, 2), initial=0.0)
    lengths = np.linalg.norm(rest[keep], axis=-1)
    loose = [names[keep[i + 1]] for i in np.flatnonzero(stretch > 0.02 * lengths.max(initial=0.0))]
    if loose:
        details.append(
            f"{len(loose)} joint{'s' * (len(loose) > 1)} ({', '.join(loose[:3])}{', ...' * (len(loose) > 3)}) "
            f"change{'s' * (len(loose) == 1)} place against the parent; bones are rigid here, so the median is kept"
        )
    rest, rotations = rest[keep], rotations[:, keep]
    names, parents = [names[i] for i in keep], [keep.index(parents[i]) if parents[i] >= 0 else -1 for i in keep]
    skeleton = Skeleton(tuple(names), tuple(parents), rest, name)
    return Motion(skeleton, fps, root, quat_continuous(rotations), name), details


def unique(names: Sequence[str]) -> list[str]:
    """The same names, with _2, _3 and so on after those that stood before."""
    out: list[str] = []
    taken = set(names)
    seen: set[str] = set()
    for name in names:
        number, written = 2, name
        while written in seen or (written != name and written in taken):
            written, number = f"{name}_{number}", number + 1
        seen.add(written)
        out.append(written)
    return out


def _hung(
    names: list[str], parents: list[int], offsets: np.ndarray, rotations: np.ndarray
) -> tuple[list[str], list[int], np.ndarray, np.ndarray, list[str]]:
    """The same with every joint that has a role below the pelvis, as HumanML3D's body has it; and the names of what moved."""
    found = by_names(tuple(names))[0]
    if found is None:
        return names, parents, offsets, rotations, []
    roles = {role: joints[0] for role, joints in found[1].items() if len(joints) == 1}
    loose = [r for r in ROLES if r in roles and r != "pelvis" and not _below(parents, roles[r], roles["pelvis"])]
    if not loose or "pelvis" not in roles:
        return names, parents, offsets, rotations, []
    parents, body = list(parents), preset("humanml3d")
    places, turns = worlds(parents, offsets, rotations)
    for role in loose:
        above = ROLES[body.parents[ROLES.index(role)]]
        while above not in roles:
            above = ROLES[body.parents[ROLES.index(above)]]
        if not _below(parents, roles[above], roles[role]):
            parents[roles[role]] = roles[above]
    order: list[int] = []
    while len(order) < len(parents):  # parents first, else as they stood
        order += [j for j, p in enumerate(parents) if j not in order and (p < 0 or p in order)]
    offsets, rotations = offsets.copy(), rotations.copy()
    for role in loose:
        j = roles[role]
        back = quat_conjugate(turns[:, parents[j]])
        offsets[:, j] = quat_rotate(back, places[:, j] - places[:, parents[j]])
        rotations[:, j] = quat_multiply(back, turns[:, j])
    parents = [order.index(parents[j]) if parents[j] >= 0 else -1 for j in order]
    hung = [names[roles[r]] for r in loose]
    return [names[j] for j in order], parents, offsets[:, order], rotations[:, order], hung


def _below(parents: list[int], j: int, top: int) -> bool:
    while j >= 0 and j != top:
        j = parents[j]
    return j == top


def worlds(parents: Sequence[int], offsets: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World places (F, J, 3) and orientations (F, J, 4) of local offsets and rotations."""
    places, turns = offsets.copy(), rotations.copy()
    for j, p in enumerate(parents):
        if p >= 0:
            places[:, j] = places[:, p] + quat_rotate(turns[:, p], offsets[:, j])
            turns[:, j] = quat_multiply(turns[:, p], rotations[:, j])
    return places, turns


def _moving(names: list[str], parents: list[int], offsets: np.ndarray, rotations: np.ndarray) -> int:
    """The lowest joint on the way from the root to the pelvis whose offset moves; 0 where none does."""
    still = 1e-6 * max(1.0, float(np.abs(offsets).max()))
    moves = [j for j in range(1, len(names)) if np.ptp(offsets[:, j], axis=0).max() > still]
    if not moves:
        return 0
    way = _way(names, parents, offsets, rotations)
    return max((j for j in moves if j in way), default=0)


def _way(names: list[str], parents: list[int], offsets: np.ndarray, rotations: np.ndarray) -> set[int]:
    """Joints from the root to the pelvis: known by name, by shape in the first frame, or else down to the first fork."""
    found = by_names(tuple(names))[0]
    if found is not None:
        pelvis = found[1]["pelvis"][0]
    else:
        try:
            skeleton = Skeleton(tuple(names), tuple(parents), offsets[0])
            pelvis = match(skeleton, forward(skeleton, offsets[0, 0], rotations[0]))["pelvis"][0]
        except NoBiped:
            pelvis = 0
            while parents.count(pelvis) == 1 and pelvis + 1 < len(parents):
                pelvis += 1
    way = {pelvis}
    while parents[pelvis] >= 0:
        pelvis = parents[pelvis]
        way.add(pelvis)
    return way


def _folded(
    names: list[str], parents: list[int], offsets: np.ndarray, rotations: np.ndarray, top: int
) -> tuple[list[str], list[int], np.ndarray, np.ndarray, list[str]]:
    """The same below `top`, which carries the place and turn of all that is above it; and the names of what is gone."""
    place, turn = offsets[:, top], rotations[:, top]
    j = parents[top]
    while j >= 0:
        place = offsets[:, j] + quat_rotate(rotations[:, j], place)
        turn = quat_multiply(rotations[:, j], turn)
        j = parents[j]
    kept = [top]
    for k in range(top + 1, len(names)):
        if parents[k] in kept:
            kept.append(k)
    dropped = [n for k, n in enumerate(names) if k not in kept]
    offsets, rotations = offsets[:, kept].copy(), rotations[:, kept].copy()
    offsets[:, 0], rotations[:, 0] = place, turn
    return [names[k] for k in kept], [-1] + [kept.index(parents[k]) for k in kept[1:]], offsets, rotations, dropped

"""How a BVH file was written, kept with the body that was read from it, so that it can be written so again.

Joints, their order, OFFSETs, channels, decimals, unit and axis stay. Frames that are still what was read, to the bit, get the
numbers that stood in the file, whichever way they turn round; the others continue them in the same channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import matrix_to_euler, quat_rotate, quat_to_matrix
from dimo.formats.axes import TO_Y, from_y
from dimo.formats.bvh_marks import END_DECIMALS
from dimo.formats.bvh_parse import POSITIONS, ROTATIONS, Joint
from dimo.formats.rigid import unique

LEAST_DECIMALS = 6
"""Of values that are new."""


@dataclass(frozen=True, eq=False)
class Source:
    """A file's joints and values (F, W), and the motion that they were read as: at[i] is the joint of it that joint i is
    (-1 for ends of no length), nothing where the joints are not the file's. rest: the body at rest stood along Y though another
    axis is up."""

    joints: tuple[Joint, ...]
    values: np.ndarray
    decimals: int
    at: tuple[int, ...] = ()
    unit: float = 1.0
    up: str = "y"
    rest: bool = False
    root: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    rotations: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 4)))

    def settled(self, motion: Motion, unit: float, up: str, rest: bool) -> Source:
        """With what was decided of it; where the motion's joints are others than the file's, only unit and axis remain of use."""
        names, parents = motion.skeleton.names, motion.skeleton.parents
        index = {name: j for j, name in enumerate(names)}
        own = unique([j.name for j in self.joints])
        at = tuple(index.get(name, -1) for name in own)
        kept = [i for i, j in enumerate(at) if j >= 0]
        same = [at[i] for i in kept] == list(range(len(names))) and all(
            parents[at[i]] == (at[self.joints[i].parent] if self.joints[i].parent >= 0 else -1) for i in kept
        )
        dropped = [self.joints[i] for i in range(len(at)) if at[i] < 0]
        if not same or any(j.channels for j in dropped):
            return Source(self.joints, self.values, self.decimals, (), unit, up, rest)
        return Source(
            self.joints, self.values, self.decimals, at, unit, up, rest, motion.root, _signed(motion.rotations)
        )

    def written(self, motion: Motion, unit: float, up: str) -> tuple[list[str], list[str]] | None:
        """Lines of the hierarchy and of the frames of a motion on this body; None where its channels cannot hold it."""
        if not self.at:
            return None
        decimals = max(self.decimals, LEAST_DECIMALS)
        kept = self._kept(motion) if (unit, up) == (self.unit, self.up) else np.full(len(motion), -1)
        new = np.flatnonzero(kept < 0)
        values = self.values[kept]
        if len(new):
            made = self._values(motion, unit, up)
            if made is None:
                return None
            values[new] = made[new]
            self._continue(values, kept)
        written = [self.decimals if k >= 0 else decimals for k in kept]
        rows = [" ".join(f"{v:.{d}f}" for v in row) for row, d in zip(values.tolist(), written, strict=True)]
        return self._hierarchy(unit, up), rows

    @property
    def root_name(self) -> str:
        """What a ground root is called: as the file's first joint, where that was folded into the pelvis."""
        return "root" if self.at else self.joints[0].name

    # ---- frames

    def _kept(self, motion: Motion) -> np.ndarray:
        """(F,) the frame of the file that each frame of a motion is, -1 for new ones."""
        seen = {_key(r, q): i for i, (r, q) in enumerate(zip(self.root, self.rotations, strict=True))}
        now = zip(motion.root, _signed(motion.rotations), strict=True)
        return np.array([seen.get(_key(r, q), -1) for r, q in now])

    def _values(self, motion: Motion, unit: float, up: str) -> np.ndarray | None:
        """Channel values (F, W) of a motion, as if none of it had been in the file."""
        skeleton, places, rotations = from_y(
            motion.skeleton, {0: motion.root}, motion.rotations, up, root_only=self.rest
        )
        out = np.zeros((len(motion), self.values.shape[1]))
        column = 0
        for i, joint in enumerate(self.joints):
            block = slice(column, column + len(joint.channels))
            column = block.stop
            moving = [c for c in joint.channels if c in POSITIONS]
            if i == 0 and len(moving) < 3:
                return None
            given = joint.is_placed(self.values[:, block])
            place = places[0] if i == 0 else skeleton.offsets[self.at[i]] * np.full((len(motion), 1), given)
            for c in moving:
                out[:, block][:, joint.channels.index(c)] = place[:, POSITIONS.index(c)] / unit
            if self.at[i] < 0 or (not motion.skeleton.children[self.at[i]] and not joint.channels):
                continue  # an end, whose turn moves nothing
            turns = [c for c in joint.channels if c in ROTATIONS]
            order = "".join(c[0] for c in turns)
            local = rotations[:, self.at[i]]
            order += "".join(letter for letter in "ZXY" if letter not in order)
            angles = np.degrees(matrix_to_euler(quat_to_matrix(local), order))
            if len(turns) < 3 and not _holds(angles, len(turns)):
                return None
            for k, c in enumerate(turns):
                out[:, block][:, joint.channels.index(c)] = np.unwrap(angles[:, k], period=360)
        return out

    def _continue(self, values: np.ndarray, kept: np.ndarray) -> None:
        """Whole turns added to the angles of new frames, so that each run of them goes on from the frame before it."""
        turns = np.array([c in ROTATIONS for j in self.joints for c in j.channels])
        for start in np.flatnonzero((kept[1:] < 0) & (kept[:-1] >= 0)) + 1:
            stop = start + int(np.argmax(np.append(kept[start:] >= 0, True)))
            shift = 360 * np.round((values[start - 1] - values[start]) / 360)
            values[start:stop] += np.where(turns, shift, 0)

    # ---- hierarchy

    def _hierarchy(self, unit: float, up: str) -> list[str]:
        same_axis = up == self.up or self.rest
        out = ["HIERARCHY"]
        depth = [0] * len(self.joints)
        open_: list[int] = []
        for i, joint in enumerate(self.joints):
            while open_ and open_[-1] != joint.parent:
                out.append("\t" * depth[open_.pop()] + "}")
            depth[i] = len(open_)
            pad = "\t" * depth[i]
            end = i > 0 and not joint.channels and joint.name == f"{self.joints[joint.parent].name}_end"
            head = "End Site" if end else f"{'JOINT' if i else 'ROOT'} {joint.name}"
            offset = np.array(joint.offset)
            if not same_axis:
                offset = quat_rotate(_inverse(up), quat_rotate(TO_Y[self.up], offset))
            decimals = joint.decimals
            if unit != self.unit or not same_axis:
                offset, decimals = offset * (self.unit / unit), max(decimals, LEAST_DECIMALS)
            if end and decimals == END_DECIMALS and self.at[i] >= 0:  # which would say that it is no joint
                decimals += 1
            out += [f"{pad}{head}", f"{pad}{{", f"{pad}\tOFFSET {' '.join(f'{v:.{decimals}f}' for v in offset)}"]
            if not end:
                out.append(f"{pad}\tCHANNELS {len(joint.channels)} {' '.join(joint.channels)}".rstrip())
            open_.append(i)
        return out + ["\t" * depth[i] + "}" for i in reversed(open_)]


def _inverse(up: str) -> np.ndarray:
    return TO_Y[up] * np.array([1.0, -1.0, -1.0, -1.0])


def _holds(angles: np.ndarray, count: int) -> bool:
    """Whether the angles (F, 3) beyond the first ones that have channels are none."""
    return bool(np.abs(angles[:, count:]).max(initial=0.0) < 1e-4)


def _signed(q: np.ndarray) -> np.ndarray:
    """Rotations (..., 4) with their first number other than 0 positive: one of the two that say the same."""
    first = np.take_along_axis(q, np.argmax(q != 0, axis=-1)[..., None], axis=-1)
    return q * np.where(first < 0, -1.0, 1.0) + 0.0


def _key(root: np.ndarray, rotations: np.ndarray) -> bytes:
    return (root + 0.0).tobytes() + rotations.tobytes()

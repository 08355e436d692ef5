"""Motion: what a body does over time, as an immutable value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body import kinematics
from dimo.body.rotation import quat_between, quat_continuous, quat_multiply, quat_rotate, slerp, yaw_to_quat
from dimo.body.skeleton import Skeleton
from dimo.errors import RequestError, ShapeError

FILE_FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""`load` of dimo.formats, `save`, and `show` and `framed` of dimo.view, put here by packages above so that Motion has them as
methods without importing upwards."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip: F frames at fps of a skeleton with J joints.

    root (F, 3): world position of joint 0 in metres, Y up. rotations (F, J, 4): local unit quaternions, w first;
    joint 0's is its world orientation. Both are float64 and read-only. ShapeError on anything that does not fit.
    """

    skeleton: Skeleton
    fps: float
    root: np.ndarray
    rotations: np.ndarray
    name: str = "motion"

    def __post_init__(self):
        root, rotations = np.array(self.root, dtype=np.float64), np.array(self.rotations, dtype=np.float64)
        count = len(self.skeleton)
        if root.ndim != 2 or root.shape[1] != 3 or len(root) == 0:
            raise ShapeError(f"root must have shape (F, 3) with F >= 1, not {root.shape}")
        if rotations.shape != (len(root), count, 4):
            raise ShapeError(f"rotations must have shape ({len(root)}, {count}, 4), not {rotations.shape}")
        if not (np.isfinite(self.fps) and 0 < self.fps <= 10_000):
            raise ShapeError(f"fps must lie between 0 and 10000, not {self.fps}")
        if not (np.isfinite(root).all() and np.isfinite(rotations).all()):
            bad = ~np.isfinite(root).all(1) | ~np.isfinite(rotations).all((1, 2))
            raise ShapeError(f"frame {int(np.argmax(bad))} holds a value that is not a finite number")
        lengths = np.linalg.norm(rotations, axis=-1)
        if np.abs(lengths - 1).max() > 1e-3:
            frame, joint = np.unravel_index(np.abs(lengths - 1).argmax(), lengths.shape)
            raise ShapeError(f"the rotation of joint {joint} in frame {frame} is not a unit quaternion")
        root.setflags(write=False)
        rotations.setflags(write=False)
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "rotations", rotations)
        object.__setattr__(self, "fps", float(self.fps))

    def __len__(self) -> int:
        return len(self.root)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Motion)
            and (self.skeleton, self.fps) == (other.skeleton, other.fps)
            and np.array_equal(self.root, other.root)
            and np.array_equal(self.rotations, other.rotations)
        )

    def __repr__(self) -> str:
        return f"Motion({self.name!r}, {len(self)} frames at {self.fps:g} fps, {len(self.skeleton)} joints)"

    @property
    def seconds(self) -> float:
        """Duration: frames divided by fps."""
        return len(self) / self.fps

    @cached_property
    def _joints(self) -> np.ndarray:
        joints = kinematics.forward(self.skeleton, self.root, self.rotations)
        joints.setflags(write=False)
        return joints

    def joints(self) -> np.ndarray:
        """World positions (F, J, 3) in metres, computed once."""
        return self._joints

    def global_rotations(self) -> np.ndarray:
        """World orientations (F, J, 4)."""
        return kinematics.global_rotations(self.skeleton, self.rotations)

    @staticmethod
    def from_joints(skeleton: Skeleton, joints: np.ndarray, fps: float, name: str = "motion") -> Motion:
        """Motion whose bones point as in joints (F, J, 3) (kinematics.inverse), with the skeleton's bone lengths."""
        return Motion(skeleton, fps, np.asarray(joints)[:, 0], kinematics.inverse(skeleton, joints), name)

    # ---- time

    def __getitem__(self, key: slice) -> Motion:
        """Frames by slice, as in motion[10:50]."""
        if not isinstance(key, slice):
            raise TypeError("a Motion is cut with a slice of frames, as in motion[10:50]")
        if len(range(*key.indices(len(self)))) == 0:
            raise RequestError(f"the slice {key.start}:{key.stop} leaves no frame of a motion of {len(self)} frames")
        if key.step not in (None, 1):
            raise RequestError("a slice with a step would change the speed; use resample(fps)")
        return replace(self, root=self.root[key], rotations=self.rotations[key])

    def cut(self, start: float, end: float | None = None) -> Motion:
        """The part from start to end in seconds; frames are taken by rounding."""
        end = self.seconds if end is None else end
        if not 0 <= start < end <= self.seconds + 0.5 / self.fps:
            raise RequestError(f"cannot cut {start:g} to {end:g} s out of a motion of {self.seconds:g} s")
        return self[round(start * self.fps) : round(end * self.fps)]

    def resample(self, fps: float) -> Motion:
        """The same movement at another frame rate: positions linear, rotations slerped; the first frame is kept."""
        if not 0 < fps <= 10_000:
            raise RequestError(f"fps must lie between 0 and 10000, not {fps}")
        if fps == self.fps:
            return self
        count = max(1, int(np.floor((len(self) - 1) * fps / self.fps + 1e-9)) + 1)
        at = np.minimum(np.arange(count) * self.fps / fps, len(self) - 1)
        low = np.minimum(at.astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        t = at - low
        root = self.root[low] * (1 - t)[:, None] + self.root[high] * t[:, None]
        rotations = slerp(self.rotations[low], self.rotations[high], t[:, None])
        return replace(self, fps=fps, root=root, rotations=quat_continuous(rotations))

    # ---- space

    def moved(self, offset: np.ndarray | tuple[float, float, float] = (0, 0, 0), yaw: float = 0.0) -> Motion:
        """The whole clip turned by yaw radians about the vertical axis through the origin, then shifted by offset."""
        q = yaw_to_quat(np.array(yaw))
        rotations = self.rotations.copy()
        rotations[:, 0] = quat_multiply(q, rotations[:, 0])
        return replace(self, root=quat_rotate(q, self.root) + np.asarray(offset, float), rotations=rotations)

    def mirror(self) -> Motion:
        """Left and right exchanged by reflection in the plane x = 0.

        Twins are found by joint name. Where rest offsets of twins are not exact reflections of each other, rotations
        are re-solved so that bones still point as in the reflected clip.
        """
        twin = self.skeleton.mirrored
        reflected = self.skeleton.offsets * np.array([-1.0, 1.0, 1.0])
        if np.allclose(reflected[twin], self.skeleton.offsets, atol=1e-6):
            # Reflection maps a rotation (w, x, y, z) to (w, x, -y, -z): axial vectors flip where polar ones stay.
            rotations = self.rotations[:, twin] * np.array([1.0, 1.0, -1.0, -1.0])
            return replace(self, root=self.root * np.array([-1.0, 1.0, 1.0]), rotations=rotations)
        joints = self.joints()[:, twin] * np.array([-1.0, 1.0, 1.0])
        return Motion.from_joints(self.skeleton, joints, self.fps, self.name)

    def concatenate(self, other: Motion, align: bool = True, blend: float = 0.0) -> Motion:
        """Other after this one, on the same skeleton and rate (ShapeError otherwise).

        align puts other where this one ends, with the same heading, so that the path goes on. blend is the length in
        seconds of a cross-fade that overlaps both clips; 0 puts the frames end to end.
        """
        if other.skeleton != self.skeleton:
            raise ShapeError("motions on different skeletons cannot be joined; retarget one of them first")
        if abs(other.fps - self.fps) > 1e-9:
            raise ShapeError(
                f"motions at {self.fps:g} and {other.fps:g} fps cannot be joined; resample one of them first"
            )
        if not 0 <= blend < float("inf"):
            raise RequestError(f"blend must be a number of seconds from 0 on, not {blend:g}")
        overlap = min(round(blend * self.fps), len(self), len(other))
        if align:
            at = len(self) - max(overlap, 1)
            yaw = _yaw(self.rotations[at, 0]) - _yaw(other.rotations[0, 0])
            other = other.moved(yaw=yaw)
            shift = self.root[at] - other.root[0]
            other = other.moved(shift * np.array([1.0, 0.0, 1.0]))
        if overlap == 0:
            root = np.concatenate([self.root, other.root])
            rotations = np.concatenate([self.rotations, other.rotations])
        else:
            t = (np.arange(overlap) + 1) / (overlap + 1)
            t = t * t * (3 - 2 * t)
            mixed_root = self.root[-overlap:] * (1 - t)[:, None] + other.root[:overlap] * t[:, None]
            mixed = slerp(self.rotations[-overlap:], other.rotations[:overlap], t[:, None])
            root = np.concatenate([self.root[:-overlap], mixed_root, other.root[overlap:]])
            rotations = np.concatenate([self.rotations[:-overlap], mixed, other.rotations[overlap:]])
        return replace(self, root=root, rotations=quat_continuous(rotations))

    # ---- files (functions of dimo.formats)

    @staticmethod
    def load(path: str | Path, **options: Any) -> Motion:
        """Read a motion by suffix; see dimo.formats.table.load."""
        return FILE_FUNCTIONS["load"](path, **options)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write by suffix to a temporary file, then rename: dimo.formats.table.save, or a picture by dimo.view.video.save."""
        return FILE_FUNCTIONS["save"](self, path, **options)

    def show(self) -> Path:
        """Open a page that plays the motion in the browser, without a network; the page's file."""
        return FILE_FUNCTIONS["show"](self)

    def _repr_html_(self) -> str:
        """What notebooks show: a figure that moves, and can be turned and stopped."""
        return FILE_FUNCTIONS["framed"](self)


def _yaw(q: np.ndarray) -> float:
    """Heading of an orientation: where it takes +Z, seen from above."""
    forward = quat_rotate(q, np.array([0.0, 0.0, 1.0]))
    if np.hypot(forward[0], forward[2]) < 1e-6:  # looking straight up or down: use where it takes +Y instead
        forward = quat_rotate(quat_between(forward, np.array([0.0, 0.0, 1.0])), forward)
    return float(np.arctan2(forward[0], forward[2]))

"""How a motion is to be written, and what every writer gets: joints that turn, some of which also move against their parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dimo.body.mapping import find_naming, rest_pose
from dimo.body.measure import moving_average
from dimo.body.motion import Motion
from dimo.body.rate import at_rate
from dimo.body.retarget import leg_length
from dimo.body.rotation import IDENTITY, quat_conjugate, quat_continuous, quat_multiply, quat_rotate, yaw_to_quat
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError
from dimo.formats.axes import AXES
from dimo.formats.rig import Rig
from dimo.formats.rigid import unique, worlds
from dimo.formats.units import metres_of

MAX_FPS = 1000.0
GROUND = np.array([1.0, 0.0, 1.0])
TURN_SECONDS = 0.5
"""Over which the heading of a ground root is averaged, so that it does not swing with the hips."""


@dataclass(frozen=True)
class Output:
    """How to write; None leaves it to the format, or to the file that the body came from."""

    fps: float | None = None
    unit: str | float | None = None  # a name of units.UNITS, or metres
    up: str | None = None  # x, y or z
    in_place: bool = False  # the pelvis stays above where it starts
    root_bone: bool = False  # a joint on the ground above the pelvis carries path and heading
    mesh: bool = True  # the mannequin of a GLB
    rig: Rig | None = None  # the character to put the motion on

    def check(self) -> Output:
        """Itself; RequestError for a rate, unit or axis that is none."""
        if self.fps is not None and not 0 < self.fps <= MAX_FPS:
            raise RequestError(f"fps must be more than 0 and at most {MAX_FPS:g}, not {self.fps:g}")
        if self.unit is not None:
            metres_of(self.unit)
        if self.up is not None and self.up not in AXES:
            raise RequestError(f"up is x, y or z, not {str(self.up)[:20]!r}")
        return self

    def applied(self, motion: Motion) -> Motion:
        """The motion at the rate, on the character, and in place, as asked."""
        if self.fps is not None:
            motion = at_rate(motion, self.fps)
        if self.rig is not None:
            motion = self.rig.moved(motion)
        return in_place(motion) if self.in_place else motion


def in_place(motion: Motion) -> Motion:
    """The motion without its way over the ground: the pelvis stays above where it starts, and still rises and turns."""
    pelvis = motion.joints()[:, pelvis_of(motion.skeleton)]
    return replace(motion, root=motion.root - (pelvis - pelvis[0]) * GROUND)


def refuse(output: Output, path: str | Path, known: Sequence[str]) -> None:
    """FormatError where something is asked that a format has no choice of; known: what it has."""
    for name, why in _asked(output):
        if name not in known:
            raise FormatError(f"{name} cannot be chosen for {Path(path).suffix} files: {why}", path=path)


def fitted(output: Output, known: Sequence[str]) -> Output:
    """Without what a format has no choice of."""
    left_out = {name for name, _ in _asked(output)} - {*known}
    return replace(output, **{name: False if name == "root_bone" else None for name in left_out})


def _asked(output: Output) -> list[tuple[str, str]]:
    """What is asked that not every format has, with the reason of those that have it not."""
    asked = {
        "unit": (output.unit is not None and metres_of(output.unit) != 1.0, "lengths in them are metres"),
        "up": (output.up not in (None, "y"), "Y is up in them"),
        "root_bone": (output.root_bone, "they hold the joints of the body alone"),
    }
    return [(name, why) for name, (is_asked, why) in asked.items() if is_asked]


@dataclass(frozen=True)
class Clip:
    """Joints of a skeleton over time. places: joints that move against their parents, to (F, 3), the root always among them;
    rotations (F, J, 4) are local."""

    skeleton: Skeleton
    fps: float
    places: dict[int, np.ndarray]
    rotations: np.ndarray
    name: str

    def __len__(self) -> int:
        return len(self.rotations)

    @staticmethod
    def of(motion: Motion, root_bone: bool = False, name: str = "root") -> Clip:
        """The motion as it is, or with a root on the ground: below the pelvis, turned as the body heads. name: of a new one."""
        if root_bone:
            return with_ground_root(motion, own=has_ground_root(motion.skeleton), name=name)
        return Clip(motion.skeleton, motion.fps, {0: motion.root}, motion.rotations, motion.name)

    def worlds(self) -> tuple[np.ndarray, np.ndarray]:
        """Places (F, J, 3) and orientations (F, J, 4) of all joints."""
        offsets = np.tile(self.skeleton.offsets, (len(self), 1, 1))
        for j, place in self.places.items():
            offsets[:, j] = place
        return worlds(self.skeleton.parents, offsets, self.rotations)


def has_ground_root(skeleton: Skeleton) -> bool:
    """Whether its first joint stands under the body, as Unreal's root, and not in it, as that of 3ds Max's Biped."""
    pelvis, rest = pelvis_of(skeleton), rest_pose(skeleton)
    return pelvis > 0 and is_under(skeleton, float(np.linalg.norm(rest[pelvis] - rest[0])))


def is_under(skeleton: Skeleton, metres: float) -> bool:
    """Whether a joint that far from the pelvis at rest is a ground root: half a leg away or more."""
    return metres >= 0.5 * leg_length(skeleton, find_naming(skeleton)[1])


def with_ground_root(motion: Motion, own: bool, name: str = "root") -> Clip:
    """The motion below a root on the ground, which goes where the pelvis goes and turns as the body heads.

    own: the first joint is it, and what is between it and the pelvis rests; else a joint above the first one.
    """
    skeleton, rotations, pelvis = motion.skeleton, motion.rotations, pelvis_of(motion.skeleton)
    place, turn = motion.joints()[:, pelvis], motion.global_rotations()[:, pelvis]
    ground = yaw_to_quat(_heading(turn, motion.fps))
    above = place * GROUND
    if own:
        rotations, child = rotations.copy(), pelvis
        rotations[:, 0] = ground
        parent = skeleton.parents[pelvis]
        while parent > 0:
            rotations[:, parent] = IDENTITY
            above = above + quat_rotate(ground, skeleton.offsets[parent])
            parent = skeleton.parents[parent]
    else:
        skeleton, child = _with_root(skeleton, float(np.median(motion.root[:, 1])), name), 1
        place, turn = motion.root, motion.rotations[:, 0]
        rotations = np.concatenate([ground[:, None], rotations], axis=1)
    rotations[:, child] = quat_multiply(quat_conjugate(ground), turn)
    places = {0: motion.joints()[:, pelvis] * GROUND, child: quat_rotate(quat_conjugate(ground), place - above)}
    return Clip(skeleton, motion.fps, places, quat_continuous(rotations), motion.name)


def _with_root(skeleton: Skeleton, height: float, name: str) -> Skeleton:
    """The skeleton below a joint on the ground, its first joint that high at rest."""
    name = unique([*skeleton.names, name])[-1]
    offsets = np.concatenate([np.zeros((1, 3)), [[0, height, 0]], skeleton.offsets[1:]])
    parents = (-1, 0, *(p + 1 for p in skeleton.parents[1:]))
    return replace(skeleton, names=(name, *skeleton.names), parents=parents, offsets=offsets, source=None)


def _heading(turn: np.ndarray, fps: float) -> np.ndarray:
    """(F,) radians about the vertical by which orientations (F, 4) are turned, averaged, as an unbroken curve."""
    yaw = 2 * np.unwrap(np.arctan2(turn[:, 2], turn[:, 0]), period=np.pi)  # of the turn's twist about Y
    return moving_average(yaw, round(TURN_SECONDS * fps) | 1)


def pelvis_of(skeleton: Skeleton) -> int:
    """The joint that carries the body; the first one of bodies that are not known."""
    try:
        return find_naming(skeleton)[1]["pelvis"][0]
    except RequestError:
        return 0

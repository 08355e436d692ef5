"""A character that motions are to be put on: the body of a file as it stands, whether or not something moves it there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimo.body.mapping import find_naming
from dimo.body.motion import Motion
from dimo.body.onto import feet, onto
from dimo.body.skeleton import Skeleton
from dimo.formats.reading import Options, Reading, settle

MOST_SOLE = 0.08
"""Of a body's height: feet farther from the ground do not stand on it."""


@dataclass(frozen=True)
class Rig:
    """A body, and how many metres the lowest joint of its feet stands above the ground: the thickness of its soles."""

    skeleton: Skeleton
    sole: float = 0.0

    def __post_init__(self):
        find_naming(self.skeleton)  # says what is missing

    def moved(self, motion: Motion) -> Motion:
        """The motion on this body; itself where it is on it."""
        return motion if motion.skeleton == self.skeleton else onto(motion, self.skeleton, self.sole)


def read_still(path: str | Path, options: Options) -> Reading:
    """The body of a glTF or FBX file as it stands, one frame of it, whether or not something moves it there."""
    from dimo.formats import fbx, gltf

    return settle((fbx if Path(path).suffix.lower() == ".fbx" else gltf).parse(path, rig=True), path, options)


def read_rig(path: str | Path, options: Options | None = None) -> Rig:
    """The body of a motion file, or of a glTF without animations. FormatError or RequestError where there is none known."""
    from dimo.formats.table import GLTF, read

    options = options or Options()
    if Path(path).suffix.lower() in (*GLTF, ".fbx"):
        motion = read_still(path, options).motion
        heights = motion.joints()[0, :, 1]
        lowest = float(heights[feet(motion.skeleton, find_naming(motion.skeleton)[1])].min())
        return Rig(motion.skeleton, lowest if abs(lowest) < MOST_SOLE * float(np.ptp(heights)) else 0.0)
    return Rig(read(path, options).motion.skeleton)

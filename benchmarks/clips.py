"""What benchmarks measure on: whole clips of a split that are no mirror images and no composites."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.data import shards
from dimo.data.records import Clip


def read(data: Path, split: str, least: int = 1) -> list[Clip]:
    """Those of at least `least` frames."""
    return [c for c in shards.read(data, split) if not c.mirrored and not c.composite and len(c.joints) >= least]


def to_motion(model: DiMo, clip: Clip) -> Motion:
    """A clip on the codec's body, named by its id."""
    return Motion.from_joints(model.codec.skeleton, np.asarray(clip.joints, float), clip.fps, clip.id)

"""A motion whose every joint moves, for other programs to read."""

import numpy as np

from dimo import Motion, preset
from dimo.body.rotation import rotvec_to_quat

BODY = preset("humanml3d")


def walking() -> Motion:
    t = np.linspace(0, 3, 61)
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.02, (61, 22, 3)), axis=0)
    root = np.stack([np.sin(t), 0.95 + 0.03 * np.sin(9 * t), t], axis=1)
    return Motion(BODY, 20, root, rotvec_to_quat(turns), "walk")

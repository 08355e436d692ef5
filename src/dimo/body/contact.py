"""Where a body stands and looks: facing, floor, feet on the ground. Functions on joint positions (F, J, 3), Y up."""

from __future__ import annotations

import numpy as np

from dimo.body.rotation import normalise, quat_rotate, yaw_to_quat

UP = np.array([0.0, 1.0, 0.0])


def facing(joints: np.ndarray, right_hip: int, left_hip: int, right_shoulder: int, left_shoulder: int) -> np.ndarray:
    """Unit direction (..., 3) in the ground plane that the body of joints (..., J, 3) faces.

    The left-to-right line of hips and shoulders, summed, crossed with up (HumanML3D's rule with the intended order).
    """
    across = (
        joints[..., left_hip, :]
        - joints[..., right_hip, :]
        + joints[..., left_shoulder, :]
        - joints[..., right_shoulder, :]
    )
    return normalise(np.cross(across, UP) * np.array([1.0, 0.0, 1.0]))


def heading(direction: np.ndarray) -> np.ndarray:
    """Yaw in radians of directions (..., 3): 0 at +Z, growing towards +X, which is a turn to the actor's left."""
    return np.arctan2(direction[..., 0], direction[..., 2])


def turned(points: np.ndarray, yaw: np.ndarray | float) -> np.ndarray:
    """Points (..., 3) rotated about the vertical axis through the origin by yaw radians."""
    return quat_rotate(yaw_to_quat(np.asarray(yaw, float)), points)


def floor_height(joints: np.ndarray, feet: list[int], percentile: float = 10.0) -> float:
    """Height of the ground: a low percentile over time of the lowest foot joint, which one stray frame cannot move."""
    return float(np.percentile(joints[:, feet, 1].min(axis=1), percentile))

"""What is wrong with a body that floats, slides or trembles: numbers per motion, from positions alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dimo.body import measure

CONTACT_HEIGHT = 0.05  # metres above the floor under which a foot may stand
CONTACT_RISE = 0.15  # m/s of vertical speed under which it may stand


@dataclass(frozen=True)
class Physics:
    """Per motion; units in the names."""

    foot_skate_mps: float  # mean horizontal speed of foot joints that stand
    float_m: float  # mean height of the lowest foot joint above the floor outside of jumps
    penetration_m: float  # mean depth of the lowest foot joint below the floor
    jerk_mps3: float  # mean length of the third derivative of joint positions


def measure_body(joints: np.ndarray, fps: float) -> Physics:
    """Physics of positions (F, 22, 3) with F >= 4."""
    joints = np.asarray(joints, float)
    feet = joints[:, measure.FEET]
    ground = measure.floor(joints)
    height = feet[..., 1] - ground
    velocity = np.diff(feet, axis=0) * fps
    stands = (height[:-1] < CONTACT_HEIGHT) & (height[1:] < CONTACT_HEIGHT) & (np.abs(velocity[..., 1]) < CONTACT_RISE)
    slide = np.linalg.norm(velocity[..., [0, 2]], axis=-1)
    lowest = height.min(axis=1)
    air = lowest > measure.CLEARANCE
    floating = np.maximum(lowest, 0)[~air]
    jerk = np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1) * fps**3
    return Physics(
        foot_skate_mps=float(slide[stands].mean()) if stands.any() else 0.0,
        float_m=float(floating.mean()) if len(floating) else 0.0,
        penetration_m=float(np.maximum(-lowest, 0).mean()),
        jerk_mps3=float(jerk.mean()),
    )

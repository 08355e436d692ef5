"""Another frame rate with feet that stay planted.

Between two frames rotations are slerped, which swings a foot on a small arc although it stands in both. So where a foot is
slow, its place is interpolated instead, and the leg follows by two-bone inverse kinematics.
"""

from __future__ import annotations

import numpy as np

from dimo.body import limbs
from dimo.body.mapping import find_naming
from dimo.body.motion import Motion
from dimo.body.rotation import quat_rotate, slerp
from dimo.errors import RequestError

STILL, SWINGING = 0.5, 1.2
"""m/s of an ankle up to which its place counts alone, and from which on its joints do."""


def at_rate(motion: Motion, fps: float) -> Motion:
    """The motion at another frame rate; as Motion.resample, with planted feet where the body has legs."""
    out = motion.resample(fps)
    if out is motion or len(motion) < 2:
        return out
    try:
        roles = find_naming(motion.skeleton)[1]
    except RequestError:
        return out
    at = np.minimum(np.arange(len(out)) * motion.fps / fps, len(motion) - 1)
    low = np.minimum(at.astype(int), len(motion) - 2)
    t = (at - low)[:, None]
    places, world = motion.joints(), motion.global_rotations()
    for side, leg in limbs.legs(roles, motion.skeleton.parents).items():
        ankle = places[:, leg.end]
        speed = np.linalg.norm(ankle[low + 1] - ankle[low], axis=-1, keepdims=True) * motion.fps
        share = np.clip((SWINGING - speed) / (SWINGING - STILL), 0, 1)
        if not share.any():
            continue
        now, turned = out.joints(), out.global_rotations()
        target = now[:, leg.end] + share * (ankle[low] * (1 - t) + ankle[low + 1] * t - now[:, leg.end])
        turn = slerp(world[low, leg.end], world[low + 1, leg.end], t[:, 0])
        turn = slerp(turned[:, leg.end], turn, share[:, 0])
        out = limbs.reach(out, leg, target, turn, _ahead(out, roles, side, turned))
    return out


def _ahead(motion: Motion, roles: dict[str, tuple[int, ...]], side: str, world: np.ndarray) -> np.ndarray:
    """(F, 3) where the toes point, or the pelvis looks where there are none: the side to which a knee bends."""
    toe, ankle = roles.get(f"{side}_foot"), roles[f"{side}_ankle"]
    if toe:
        return motion.joints()[:, toe[0]] - motion.joints()[:, ankle[0]]
    return quat_rotate(world[:, roles["pelvis"][0]], np.array([0.0, 0.0, 1.0]))

"""A body that stands and one that walks, for what is acted on them."""

import numpy as np

from dimo.body import acting
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat
from dimo.data.joining import BODY


def standing(seconds: float) -> Motion:
    """Somebody with hanging arms."""
    frames = int(np.ceil(seconds * 20)) + 1
    rotations = np.tile([1.0, 0, 0, 0], (frames, 22, 1))
    for side, sign in (("left", -1), ("right", 1)):
        rotations[:, BODY.index(f"{side}_shoulder")] = axis_angle_to_quat(
            np.array([0.0, 0, 1]), np.full(frames, sign * 1.35)
        )
    at_rest = Motion(BODY, 20.0, np.zeros((frames, 3)), rotations)
    return Motion(BODY, 20.0, np.tile([0, -at_rest.joints()[..., 1].min(), 0], (frames, 1)), rotations)


def walking(steps: int = 7, length: float = 0.6, seconds: float = 0.6) -> Motion:
    """Even steps along Z: while one foot stands the other goes two lengths ahead, 0.12 m up on the way."""
    frames = round(steps * seconds * 20)
    t = np.arange(frames) / (seconds * 20)
    body = standing(frames / 20)[:frames]
    places, turns = acting.feet(body)
    for first, side in enumerate(("left", "right")):
        way, up = np.zeros(frames), np.zeros(frames)
        for step in range(first, steps, 2):
            u = np.clip(t - step, 0, 1)
            eased = u**3 * (10 - 15 * u + 6 * u**2)
            way += 2 * length * eased if step > 1 or first else length * eased
            up += 0.12 * np.sin(np.pi * eased) * (u < 1)
        places[side][:, 2] += way
        places[side][:, 1] += up
    middle = (places["left"][:, 2] + places["right"][:, 2]) / 2
    root = body.root + np.stack([0 * t, np.full(frames, -0.06), middle - middle[0]], -1)
    return acting.put_feet(Motion(BODY, 20.0, root, body.rotations), places, turns)

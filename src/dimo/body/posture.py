"""How low, how high and on what a body is: quantities of joint positions (F, 22, 3), metres, Y up, as in dimo.body.measure.

Heights are above the floor that the feet show (measure.floor), but for `lowest` and what is made of it, which say how the
body stands on the plane y = 0.
"""

from __future__ import annotations

import numpy as np

from dimo.body import measure
from dimo.body.measure import ANKLE, FEET, HIP, NECK, PELVIS, WRIST
from dimo.body.skeleton import preset

_INDEX = {name: j for j, name in enumerate(preset("humanml3d").names)}
HEAD, CHEST = _INDEX["head"], _INDEX["spine3"]
KNEE = {side: _INDEX[f"{side}_knee"] for side in ("left", "right")}
SIDES = ("left", "right")
OTHER = {"left": "right", "right": "left"}


def standing_height(joints: np.ndarray) -> float:
    """Height of the pelvis of this body when it stands, from its bones: a clip need not show it standing.

    1.05 times the leg (hip to knee to ankle, median over both and time), for the hip lies below the pelvis, and 0.07 m of
    foot.
    """
    legs = [
        np.linalg.norm(joints[:, HIP[s]] - joints[:, KNEE[s]], axis=-1)
        + np.linalg.norm(joints[:, KNEE[s]] - joints[:, ANKLE[s]], axis=-1)
        for s in SIDES
    ]
    return 1.05 * float(np.median(legs)) + 0.07


def pelvis_height(joints: np.ndarray) -> np.ndarray:
    """(F,) height of the pelvis as a share of standing height: 1 upright, about 0.6 on a chair, 0.1 on the floor."""
    return (joints[:, PELVIS, 1] - measure.floor(joints)) / standing_height(joints)


def lowest(joints: np.ndarray) -> np.ndarray:
    """(F,) height in metres of the lowest joint above the plane y = 0."""
    return joints[..., 1].min(axis=1)


def hovers(joints: np.ndarray, fps: float, above: float = 0.12, seconds: float = 0.7) -> bool:
    """Whether the lowest joint stays above the plane y = 0 by more than `above` metres for that long: longer than a jump."""
    return measure.longest_run(lowest(joints) > above) / fps >= seconds


def lies(joints: np.ndarray, height: float = 0.45) -> np.ndarray:
    """(F,) bool: pelvis, neck and head are all less than that many metres above the floor."""
    return joints[:, [PELVIS, NECK, HEAD], 1].max(axis=1) - measure.floor(joints) < height


def hand_height(joints: np.ndarray, side: str) -> np.ndarray:
    """(F,) height of a wrist above the floor in metres."""
    return joints[:, WRIST[side], 1] - measure.floor(joints)


def hand_over_head(joints: np.ndarray, side: str) -> np.ndarray:
    """(F,) height of a wrist above the head joint in metres."""
    return joints[:, WRIST[side], 1] - joints[:, HEAD, 1]


def hand_place(joints: np.ndarray, side: str) -> tuple[float, float, float]:
    """Medians over time of a hand: its distance from the shoulder as a share of the arm, and how much of that distance is
    ahead of the body and away from its middle line."""
    shoulder, elbow, wrist = (joints[:, j[side]] for j in (measure.SHOULDER, measure.ELBOW, WRIST))
    arm = np.linalg.norm(elbow - shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
    out = wrist - shoulder
    length = np.linalg.norm(out, axis=-1)
    h = measure.heading(joints)
    ahead = out[:, 0] * np.sin(h) + out[:, 2] * np.cos(h)
    left = out[:, 0] * np.cos(h) - out[:, 2] * np.sin(h)
    aside = left if side == "left" else -left
    return float(np.median(length / arm)), float(np.median(ahead / length)), float(np.median(aside / length))


def hand_to_head(joints: np.ndarray, side: str) -> np.ndarray:
    """(F,) distance in metres of a wrist from the head joint."""
    return np.linalg.norm(joints[:, WRIST[side]] - joints[:, HEAD], axis=-1)


def hands_apart(joints: np.ndarray) -> np.ndarray:
    """(F,) distance between the wrists in metres."""
    return np.linalg.norm(joints[:, WRIST["left"]] - joints[:, WRIST["right"]], axis=-1)


def feet_apart(joints: np.ndarray) -> np.ndarray:
    """(F,) distance between the ankles in metres."""
    return np.linalg.norm(joints[:, ANKLE["left"]] - joints[:, ANKLE["right"]], axis=-1)


def clearance(joints: np.ndarray) -> np.ndarray:
    """(F,) height in metres of the lowest of ankles and feet above the floor."""
    return joints[:, FEET, 1].min(axis=1) - measure.floor(joints)


def trunk_level(joints: np.ndarray) -> np.ndarray:
    """(F,) how far the neck is above the pelvis in metres: 0 with a level trunk, negative upside down."""
    return joints[:, NECK, 1] - joints[:, PELVIS, 1]


def ahead(joints: np.ndarray) -> float:
    """Net way of the pelvis in metres along the heading that the body has at first."""
    h = measure.heading(joints)[0]
    step = joints[-1, PELVIS] - joints[0, PELVIS]
    return float(step[0] * np.sin(h) + step[2] * np.cos(h))


def way(joints: np.ndarray, fps: float) -> float:
    """Length in metres of the path of the pelvis over the ground, less its trembling (0.4 s of smoothing)."""
    ground = measure.smooth(joints[:, PELVIS][:, [0, 2]], fps, 0.4)
    return float(np.linalg.norm(np.diff(ground, axis=0), axis=-1).sum())


def throw_speed(joints: np.ndarray, side: str, fps: float) -> float:
    """Greatest forward speed in m/s of a wrist, seen from the pelvis, while it is at chest height or higher; 0 if never.

    Raising a hand is as fast as throwing but goes up: it stays below 2.1 m/s here, throws begin at 3.2.
    """
    h = measure.heading(joints)[:-1]
    step = np.diff(joints[:, WRIST[side]] - joints[:, PELVIS], axis=0) * fps
    forward = step[:, 0] * np.sin(h) + step[:, 2] * np.cos(h)
    high = (joints[:, WRIST[side], 1] > joints[:, CHEST, 1] - 0.15)[:-1]
    return float(forward[high].max(initial=0.0))


def intervals(mask: np.ndarray, shortest: int = 1) -> list[tuple[int, int]]:
    """Start and end of each unbroken stretch of True in a mask (F,) that has at least so many frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def leaps(joints: np.ndarray, fps: float, rise: float = 0.2) -> list[tuple[int, int]]:
    """Flights in which the body jumps: start and end frame of each.

    The lowest of all joints is 0.06 m above the floor for 0.1 to 1 s (longer is no flight but a support that is not in
    the data), the pelvis comes up by `rise` metres from its lowest place in the half second before, and is then near its
    standing height. 0.26 m and more in real jumps and hops, up to 0.18 m in running.
    """
    height = joints[:, PELVIS, 1]
    before = round(0.5 * fps)
    tall = 0.9 * standing_height(joints) + measure.floor(joints)
    out = []
    low = lowest(joints) - measure.floor(joints)
    for a, b in intervals(low > measure.CLEARANCE, max(1, round(0.1 * fps))):
        if (a == 0 or b == len(low)) and low[a:b].max() < 0.15:
            continue  # it may as well stand on its toes there
        top = height[a:b].max()
        if (b - a) / fps <= 1.0 and top - height[max(0, a - before) : b].min() >= rise and top > tall:
            out.append((a, b))
    return out


def claps(joints: np.ndarray, fps: float, apart: float = 0.28, swing: float = 0.08, pause: float = 1.0) -> int:
    """How often the wrists come within `apart` metres and part again by `swing`, at most `pause` seconds after each other.

    The most in any run; hands that merely pass each other do so once.
    """
    at: list[int] = []
    parting, extreme, nearest = True, -np.inf, 0
    for frame, value in enumerate(hands_apart(joints)):
        if parting:
            extreme = max(extreme, value)
            if value < extreme - swing:
                parting, extreme, nearest = False, value, frame
        elif value < extreme:
            extreme, nearest = value, frame
        elif value > extreme + swing:
            if extreme < apart:
                at.append(nearest)
            parting, extreme = True, value
    best = run = 0
    for i, frame in enumerate(at):
        run = run + 1 if i and (frame - at[i - 1]) / fps <= pause else 1
        best = max(best, run)
    return best


def inverted(joints: np.ndarray) -> np.ndarray:
    """(F,) bool: upside down, the pelvis 0.2 m above the head and an ankle above the pelvis."""
    ankles = joints[:, [ANKLE["left"], ANKLE["right"]], 1].max(axis=1)
    return (joints[:, PELVIS, 1] > joints[:, HEAD, 1] + 0.2) & (ankles > joints[:, PELVIS, 1])


def on_hands(joints: np.ndarray, height: float) -> np.ndarray:
    """(F,) bool: both wrists are less than that many metres above the floor."""
    return np.maximum(hand_height(joints, "left"), hand_height(joints, "right")) < height

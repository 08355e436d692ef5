"""What a motion does, in numbers: quantities of joint positions (F, 22, 3), metres, Y up, at any frame rate.

The common ground of the instruction checks and of the captions that are derived from motion. All take positions smoothed
by `smooth` (0.1 s).
"""

from __future__ import annotations

import numpy as np

from dimo.body import contact
from dimo.body.rotation import normalise
from dimo.body.skeleton import preset

_INDEX = {name: j for j, name in enumerate(preset("humanml3d").names)}
PELVIS, NECK = _INDEX["pelvis"], _INDEX["neck"]
ANKLE, FOOT, HIP, COLLAR, SHOULDER, ELBOW, WRIST = (
    {side: _INDEX[f"{side}_{part}"] for side in ("left", "right")}
    for part in ("ankle", "foot", "hip", "collar", "shoulder", "elbow", "wrist")
)
CLEARANCE = 0.06
"""Metres above the floor from which on a foot is in the air."""

FEET = [ANKLE["left"], ANKLE["right"], FOOT["left"], FOOT["right"]]


def moving_average(values: np.ndarray, frames: int) -> np.ndarray:
    """Centred moving average over axis 0; windows shrink at the ends, so that a straight line stays one."""
    half = max(0, frames // 2)
    if half == 0:
        return values.astype(float)
    sums = np.concatenate([np.zeros_like(values[:1], float), np.cumsum(values, axis=0, dtype=float)])
    at = np.arange(len(values))
    reach = np.minimum(half, np.minimum(at, len(values) - 1 - at))
    counts = (2 * reach + 1).reshape(-1, *([1] * (values.ndim - 1)))
    return (sums[at + reach + 1] - sums[at - reach]) / counts


def smooth(joints: np.ndarray, fps: float, seconds: float = 0.1) -> np.ndarray:
    """Positions after a moving average of that length."""
    return moving_average(joints, max(1, round(seconds * fps)) | 1)


def floor(joints: np.ndarray) -> float:
    """Height of the floor in metres: 10th percentile over time of the lowest of both ankles and feet."""
    return contact.floor_height(joints, FEET)


def heading(joints: np.ndarray) -> np.ndarray:
    """(F,) unwrapped heading in radians: 0 at +Z, growing towards +X, a turn to the actor's left."""
    facing = contact.facing(joints, HIP["right"], HIP["left"], SHOULDER["right"], SHOULDER["left"])
    return np.unwrap(contact.heading(facing))


def turn_degrees(joints: np.ndarray) -> float:
    """Heading at the end minus at the start, degrees, positive to the left."""
    h = heading(joints)
    return float(np.degrees(h[-1] - h[0]))


def body_steps(joints: np.ndarray) -> np.ndarray:
    """(F - 1, 2) horizontal pelvis displacement per frame in metres: forward and to the left in the frame's own heading."""
    step = np.diff(joints[:, PELVIS], axis=0)
    h = heading(joints)[:-1]
    forward = step[:, 0] * np.sin(h) + step[:, 2] * np.cos(h)
    left = step[:, 0] * np.cos(h) - step[:, 2] * np.sin(h)
    return np.stack([forward, left], axis=-1)


def travel(joints: np.ndarray) -> dict[str, float]:
    """Path length in metres in each direction of the body's own frame, summed over time."""
    forward, left = body_steps(joints).T
    return {
        "forward": float(np.maximum(forward, 0).sum()),
        "backward": float(np.maximum(-forward, 0).sum()),
        "left": float(np.maximum(left, 0).sum()),
        "right": float(np.maximum(-left, 0).sum()),
    }


def stay_radius(joints: np.ndarray) -> float:
    """Largest horizontal distance in metres of the pelvis from its median place."""
    ground = joints[:, PELVIS][:, [0, 2]]
    return float(np.linalg.norm(ground - np.median(ground, axis=0), axis=-1).max())


def speed(joints: np.ndarray, fps: float) -> float:
    """75th percentile of horizontal pelvis speed in m/s after 0.4 s of smoothing."""
    ground = smooth(joints[:, PELVIS][:, [0, 2]], fps, 0.4)
    return float(np.percentile(np.linalg.norm(np.diff(ground, axis=0), axis=-1) * fps, 75)) if len(ground) > 1 else 0.0


def longest_run(mask: np.ndarray) -> int:
    """Length in frames of the longest unbroken stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def hand_up(joints: np.ndarray, side: str, margin: float = 0.10) -> np.ndarray:
    """(F,) bool: the wrist is above the shoulder less margin metres."""
    return joints[:, WRIST[side], 1] > joints[:, SHOULDER[side], 1] - margin


def wave_strokes(joints: np.ndarray, side: str, fps: float, amplitude: float = 0.04) -> int:
    """Strokes of a hand while it is raised above the elbow, from the first to the last such frame.

    The wrist relative to the shoulder, less its own 1 s moving average, on its main axis; a stroke is a swing between
    turning points of more than amplitude metres. 0 if the hand is up for less than 0.4 s.
    """
    up = np.flatnonzero(joints[:, WRIST[side], 1] > joints[:, ELBOW[side], 1])
    if len(up) == 0 or (up[-1] - up[0] + 1) / fps < 0.4:
        return 0
    part = slice(up[0], up[-1] + 1)
    relative = joints[part, WRIST[side]] - joints[part, SHOULDER[side]]
    swing = relative - moving_average(relative, round(fps) | 1)
    axis = np.linalg.svd(swing - swing.mean(0), full_matrices=False)[2][0]
    line = swing @ axis
    return strokes(line, amplitude)


def strokes(line: np.ndarray, amplitude: float) -> int:
    """Swings of a signal (F,) between turning points of more than `amplitude`; coming and going are two."""
    # Turning points with hysteresis: a reversal counts once the line has come back by the amplitude.
    count, extreme, direction = 0, line[0], 0
    low = high = line[0]
    for value in line[1:]:
        low, high = min(low, value), max(high, value)
        if direction == 0:
            if value - low > amplitude or high - value > amplitude:
                direction, extreme, count = (1 if value - low > amplitude else -1), value, 1
        elif direction * (value - extreme) > 0:
            extreme = value
        elif direction * (extreme - value) > amplitude:
            direction, extreme, count = -direction, value, count + 1
    return count


def jumps(joints: np.ndarray, fps: float, clearance: float = CLEARANCE, seconds: float = 0.1) -> int:
    """How many times both feet are more than clearance metres above the floor for that long."""
    up = joints[:, FEET, 1].min(axis=1) > floor(joints) + clearance
    edges = np.flatnonzero(np.diff(np.concatenate([[0], up.astype(int), [0]])))
    return int(sum((b - a) / fps >= seconds - 1e-9 for a, b in zip(edges[::2], edges[1::2], strict=True)))


def lowered(joints: np.ndarray, share: float) -> np.ndarray:
    """(F,) bool: the pelvis is lower above the floor than (1 - share) of its 95th percentile."""
    height = joints[:, PELVIS, 1] - floor(joints)
    return height < (1 - share) * np.percentile(height, 95)


def pitch_degrees(joints: np.ndarray) -> np.ndarray:
    """(F,) forward pitch of the line from pelvis to neck in degrees: 0 upright, 90 level."""
    trunk = normalise(joints[:, NECK] - joints[:, PELVIS])
    h = heading(joints)
    ahead = trunk[:, 0] * np.sin(h) + trunk[:, 2] * np.cos(h)
    return np.degrees(np.arctan2(ahead, trunk[:, 1]))


def bow_degrees(joints: np.ndarray) -> float:
    """How far the forward pitch exceeds its own 10th percentile."""
    pitch = pitch_degrees(joints)
    return float(pitch.max() - np.percentile(pitch, 10))


def joint_speed(joints: np.ndarray, fps: float) -> np.ndarray:
    """(F - 1, 22) speeds in m/s."""
    return np.linalg.norm(np.diff(joints, axis=0), axis=-1) * fps


def kick_speed(joints: np.ndarray, side: str, fps: float, height: float) -> float:
    """Greatest speed in m/s of an ankle while above height metres over the floor and away from the body, ahead of it or to
    its side; 0 if it never is. A runner's foot is as high and as fast, but behind."""
    ankle = ANKLE[side]
    h = heading(joints)
    out = joints[:, ankle] - joints[:, PELVIS]
    ahead = out[:, 0] * np.sin(h) + out[:, 2] * np.cos(h)
    away = (ahead > -0.1) & (np.hypot(out[:, 0], out[:, 2]) > 0.3)
    up = ((joints[:, ankle, 1] - floor(joints) > height) & away)[:-1]
    return float(joint_speed(joints, fps)[up, ankle].max(initial=0.0))


def punch_speed(joints: np.ndarray, side: str, fps: float, growth_mps: float = 0.7) -> float:
    """Greatest speed in m/s of a wrist while its distance from the shoulder grows at growth_mps or faster; 0 if never."""
    relative = joints[:, WRIST[side]] - joints[:, SHOULDER[side]]
    growth = np.diff(np.linalg.norm(relative, axis=-1)) * fps
    return float(joint_speed(joints, fps)[growth >= growth_mps, WRIST[side]].max(initial=0.0))


def raises(joints: np.ndarray, side: str, fps: float, seconds: float = 0.25, margin: float = 0.10) -> int:
    """How many times a wrist goes above its shoulder less margin metres and stays there for that long.

    Between two of them it must come 0.15 m below that line, so that trembling at shoulder height is one raise.
    """
    above = joints[:, WRIST[side], 1] - joints[:, SHOULDER[side], 1] + margin
    return visits(above, above + 0.15, seconds, fps)


def bows(joints: np.ndarray, fps: float, deg: float = 30, seconds: float = 0.1) -> int:
    """How many times the forward pitch exceeds its 10th percentile by deg, coming back below half of that in between."""
    pitch = pitch_degrees(joints)
    lean = pitch - np.percentile(pitch, 10)
    return visits(lean - deg, lean - deg / 2, seconds, fps)


def visits(enter: np.ndarray, leave: np.ndarray, seconds: float, fps: float) -> int:
    """Stretches (F,) that begin where enter > 0 and last until leave < 0, of those that hold enter > 0 that long."""
    count, inside, held = 0, False, 0
    for into, out in zip(enter > 0, leave < 0, strict=True):
        if into and not inside:
            inside, held = True, 0
        elif inside and out:
            inside = False
            count += held / fps >= seconds - 1e-9
        held += int(inside and into)
    return count + int(inside and held / fps >= seconds - 1e-9)


def held_strokes(joints: np.ndarray, side: str, fps: float, trim: float = 0.4) -> int:
    """Strokes of a hand well inside the time that it is above its elbow: `trim` seconds after going up until as long
    before going down, so that raising and lowering it are none. The most of any stretch."""
    up = joints[:, WRIST[side], 1] > joints[:, ELBOW[side], 1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], up.astype(int), [0]])))
    most = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        first = start + (round(trim * fps) if start > 0 else 0)
        last = end - (round(trim * fps) if end < len(up) else 0)
        if last - first >= 0.4 * fps:
            most = max(most, wave_strokes(joints[first:last], side, fps))
    return most


def flight_rise(joints: np.ndarray, fps: float, clearance: float = CLEARANCE) -> float:
    """How far in metres the pelvis comes up, while both feet are off the floor, from its lowest place half a second before.

    0.4 m and more in real jumps, up to 0.18 m in running.
    """
    flying = np.flatnonzero(joints[:, FEET, 1].min(axis=1) > floor(joints) + clearance)
    height, before = joints[:, PELVIS, 1], round(0.5 * fps)
    return max((float(height[f] - height[max(0, f - before) : f + 1].min()) for f in flying), default=0.0)


def sideways(joints: np.ndarray) -> float:
    """Net way of the pelvis across the body's own heading in metres, positive to the actor's left."""
    return float(body_steps(joints)[:, 1].sum())


def speed_ratio(joints: np.ndarray, fps: float) -> float:
    """Mean horizontal pelvis speed of the last third over that of the first third; inf from a standstill."""
    ground = smooth(joints[:, PELVIS][:, [0, 2]], fps, 0.4)
    pace = np.linalg.norm(np.diff(ground, axis=0), axis=-1)
    third = max(1, len(pace) // 3)
    first, last = float(pace[:third].mean()), float(pace[-third:].mean())
    return last / first if first > 1e-6 else (1.0 if last <= 1e-6 else float("inf"))

"""Basic checks: which way it goes and turns, which hand it raises or waves, how fast, how often.

Each is a predicate on smoothed positions (F, 22, 3); dimo.metrics.checks puts them beside those of ordinary actions.
Thresholds are those that real clips which show the action pass and others do not (benchmarks/checks.json has the shares).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import measure
from dimo.body.posture import OTHER
from dimo.errors import RequestError


def one_of(value: object, choices: tuple[str, ...], what: str) -> str:
    """The value, where it is one of the choices; RequestError lists them where not."""
    if value not in choices:
        raise RequestError(f"no {what} {value!r}; there are {', '.join(choices)}")
    return str(value)


def travel(joints: np.ndarray, fps: float, direction: str, min_m: float = 0.8) -> bool:
    path = measure.travel(joints)
    return path[one_of(direction, tuple(path), "direction")] >= min_m and max(path, key=path.__getitem__) == direction


def stay(joints: np.ndarray, fps: float, max_m: float = 0.6) -> bool:
    return measure.stay_radius(joints) <= max_m


def turn(joints: np.ndarray, fps: float, side: str, min_deg: float = 45, max_deg: float = float("inf")) -> bool:
    sign = 1 if one_of(side, ("left", "right"), "side") == "left" else -1
    return min_deg <= sign * measure.turn_degrees(joints) <= max_deg


def no_turn(joints: np.ndarray, fps: float, max_deg: float = 35) -> bool:
    return abs(measure.turn_degrees(joints)) < max_deg


def raise_hand(joints: np.ndarray, fps: float, side: str, seconds: float = 0.25) -> bool:
    up = {s: measure.hand_up(joints, s) for s in OTHER}
    if one_of(side, ("left", "right", "both", "any"), "side") == "any":
        held = up["left"] | up["right"]
    elif side == "both":
        held = up["left"] & up["right"]
    else:
        held = up[side] & ~up[OTHER[side]]
    return measure.longest_run(held) / fps >= seconds - 1e-9


def wave(joints: np.ndarray, fps: float, side: str, strokes: int = 4) -> bool:
    made = {s: measure.wave_strokes(joints, s, fps) for s in OTHER}
    if one_of(side, ("left", "right", "both", "any"), "side") == "both":
        return min(made.values()) >= strokes
    if side == "any":
        return max(made.values()) >= strokes
    return made[side] >= strokes and made[side] > made[OTHER[side]]


def speed(joints: np.ndarray, fps: float, min_mps: float = 0.0, max_mps: float = float("inf")) -> bool:
    return min_mps <= measure.speed(joints, fps) <= max_mps


def jump(joints: np.ndarray, fps: float, count: int | None = None) -> bool:
    made = measure.jumps(joints, fps)
    return made >= 1 if count is None else made == count


def lower(joints: np.ndarray, fps: float, share: float = 0.25, seconds: float = 0.3) -> bool:
    return measure.longest_run(measure.lowered(joints, share)) / fps >= seconds - 1e-9


def bow(joints: np.ndarray, fps: float, deg: float = 30) -> bool:
    return measure.bow_degrees(joints) > deg


def kick(joints: np.ndarray, fps: float, side: str, height: float = 0.45, mps: float = 2.0) -> bool:
    fast = {s: measure.kick_speed(joints, s, fps, height) for s in OTHER}
    return fast[one_of(side, ("left", "right"), "side")] >= mps and fast[side] > fast[OTHER[side]]


def punch(joints: np.ndarray, fps: float, side: str, mps: float = 2.2) -> bool:
    sides = ("left", "right") if one_of(side, ("left", "right", "any"), "side") == "any" else (side,)
    return any(measure.punch_speed(joints, s, fps) >= mps for s in sides)


def still(joints: np.ndarray, fps: float, mps: float = 0.12) -> bool:
    fastest = measure.joint_speed(joints, fps).max(axis=1)
    return float(np.percentile(fastest, 75)) < mps and measure.stay_radius(joints) <= 0.3


# ---- beyond the shared vocabulary; what real motion says about them is in benchmarks/checks.json


def side_step(joints: np.ndarray, fps: float, side: str, min_m: float = 0.8, max_deg: float = 45) -> bool:
    sign = 1 if one_of(side, ("left", "right"), "side") == "left" else -1
    return sign * measure.sideways(joints) >= min_m and abs(measure.turn_degrees(joints)) < max_deg


def waving(joints: np.ndarray, fps: float, side: str, strokes: int = 3) -> bool:
    """Like wave, but the swings of raising and lowering the hand do not count: a hand that is only raised does not pass."""
    made = {s: measure.held_strokes(joints, s, fps) for s in OTHER}
    if one_of(side, ("left", "right", "both", "any"), "side") in OTHER:
        return made[side] >= strokes and made[side] > made[OTHER[side]]
    return (min if side == "both" else max)(made.values()) >= strokes


def speed_change(joints: np.ndarray, fps: float, to: str, ratio: float = 1.25) -> bool:
    change = measure.speed_ratio(joints, fps)
    return change >= ratio if one_of(to, ("faster", "slower"), "to") == "faster" else change <= 1 / ratio


CHECKS: dict[str, Callable[..., bool]] = {
    f.__name__: f
    for f in (
        travel,
        stay,
        turn,
        no_turn,
        raise_hand,
        wave,
        speed,
        jump,
        lower,
        bow,
        kick,
        punch,
        still,
        side_step,
        waving,
        speed_change,
    )
}

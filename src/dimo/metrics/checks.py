"""Instruction checks: did it turn left, wave the right hand, walk slowly? Predicates on joint positions.

What no learned encoder tells. A check is a dict {"check": NAME, ...arguments}; positions are (F, 22, 3), metres, Y up, at
any frame rate. Measured on real clips of known content before it counts (benchmarks/checks.json).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dimo.body import measure
from dimo.errors import RequestError

OTHER = {"left": "right", "right": "left"}
CUTS = np.linspace(0.25, 0.75, 11)
"""Where in_order tries to divide a clip."""


def _travel(joints: np.ndarray, fps: float, direction: str, min_m: float = 0.8) -> bool:
    path = measure.travel(joints)
    return path[_one_of(direction, tuple(path), "direction")] >= min_m and max(path, key=path.__getitem__) == direction


def _stay(joints: np.ndarray, fps: float, max_m: float = 0.6) -> bool:
    return measure.stay_radius(joints) <= max_m


def _turn(joints: np.ndarray, fps: float, side: str, min_deg: float = 45, max_deg: float = float("inf")) -> bool:
    sign = 1 if _one_of(side, ("left", "right"), "side") == "left" else -1
    return min_deg <= sign * measure.turn_degrees(joints) <= max_deg


def _no_turn(joints: np.ndarray, fps: float, max_deg: float = 35) -> bool:
    return abs(measure.turn_degrees(joints)) < max_deg


def _raise_hand(joints: np.ndarray, fps: float, side: str, seconds: float = 0.25) -> bool:
    up = {s: measure.hand_up(joints, s) for s in OTHER}
    if _one_of(side, ("left", "right", "both", "any"), "side") == "any":
        held = up["left"] | up["right"]
    elif side == "both":
        held = up["left"] & up["right"]
    else:
        held = up[side] & ~up[OTHER[side]]
    return measure.longest_run(held) / fps >= seconds - 1e-9


def _wave(joints: np.ndarray, fps: float, side: str, strokes: int = 4) -> bool:
    made = {s: measure.wave_strokes(joints, s, fps) for s in OTHER}
    if _one_of(side, ("left", "right", "both", "any"), "side") == "both":
        return min(made.values()) >= strokes
    if side == "any":
        return max(made.values()) >= strokes
    return made[side] >= strokes and made[side] > made[OTHER[side]]


def _speed(joints: np.ndarray, fps: float, min_mps: float = 0.0, max_mps: float = float("inf")) -> bool:
    return min_mps <= measure.speed(joints, fps) <= max_mps


def _jump(joints: np.ndarray, fps: float, count: int | None = None) -> bool:
    made = measure.jumps(joints, fps)
    return made >= 1 if count is None else made == count


def _lower(joints: np.ndarray, fps: float, share: float = 0.25, seconds: float = 0.3) -> bool:
    return measure.longest_run(measure.lowered(joints, share)) / fps >= seconds - 1e-9


def _bow(joints: np.ndarray, fps: float, deg: float = 30) -> bool:
    return measure.bow_degrees(joints) > deg


def _kick(joints: np.ndarray, fps: float, side: str, height: float = 0.45, mps: float = 2.0) -> bool:
    fast = {s: measure.kick_speed(joints, s, fps, height) for s in OTHER}
    return fast[_one_of(side, ("left", "right"), "side")] >= mps and fast[side] > fast[OTHER[side]]


def _punch(joints: np.ndarray, fps: float, side: str, mps: float = 2.2) -> bool:
    sides = ("left", "right") if _one_of(side, ("left", "right", "any"), "side") == "any" else (side,)
    return any(measure.punch_speed(joints, s, fps) >= mps for s in sides)


def _still(joints: np.ndarray, fps: float, mps: float = 0.12) -> bool:
    fastest = measure.joint_speed(joints, fps).max(axis=1)
    return float(np.percentile(fastest, 75)) < mps and measure.stay_radius(joints) <= 0.3


# ---- beyond the shared vocabulary; what real motion says about them is in benchmarks/checks.json


def _side_step(joints: np.ndarray, fps: float, side: str, min_m: float = 0.8, max_deg: float = 45) -> bool:
    sign = 1 if _one_of(side, ("left", "right"), "side") == "left" else -1
    return sign * measure.sideways(joints) >= min_m and abs(measure.turn_degrees(joints)) < max_deg


def _waving(joints: np.ndarray, fps: float, side: str, strokes: int = 3) -> bool:
    """Like wave, but the swings of raising and lowering the hand do not count: a hand that is only raised does not pass."""
    made = {s: measure.held_strokes(joints, s, fps) for s in OTHER}
    if _one_of(side, ("left", "right", "both", "any"), "side") in OTHER:
        return made[side] >= strokes and made[side] > made[OTHER[side]]
    return (min if side == "both" else max)(made.values()) >= strokes


def _leap(joints: np.ndarray, fps: float, rise_m: float = 0.25) -> bool:
    """Like jump, but the pelvis must come up that far: the flight of running does not pass."""
    return measure.jumps(joints, fps) >= 1 and measure.flight_rise(joints, fps) >= rise_m


def _repeat(joints: np.ndarray, fps: float, of: str, count: int, side: str = "any") -> bool:
    return repeats(joints, fps, of, side) == count


def repeats(joints: np.ndarray, fps: float, of: str, side: str = "any") -> int:
    """How often a body in smoothed positions (F, 22, 3) jumps, bows, or raises a hand (side left, right, both, any)."""
    if _one_of(of, ("raise_hand", "jump", "bow"), "of") == "jump":
        return measure.jumps(joints, fps)
    if of == "bow":
        return measure.bows(joints, fps, 25)
    made = {s: measure.raises(joints, s, fps) for s in OTHER}
    if _one_of(side, ("left", "right", "both", "any"), "side") in OTHER:
        return made[side]
    return min(made.values()) if side == "both" else max(made.values())


def _speed_change(joints: np.ndarray, fps: float, to: str, ratio: float = 1.25) -> bool:
    change = measure.speed_ratio(joints, fps)
    return change >= ratio if _one_of(to, ("faster", "slower"), "to") == "faster" else change <= 1 / ratio


def _in_order(joints: np.ndarray, fps: float, first: dict[str, Any], second: dict[str, Any]) -> bool:
    cuts = sorted({round(len(joints) * share) for share in CUTS})
    return any(
        c >= 2 and len(joints) - c >= 2 and _holds(first, joints[:c], fps) and _holds(second, joints[c:], fps)
        for c in cuts
    )


CHECKS: dict[str, Callable[..., bool]] = {
    "travel": _travel,
    "stay": _stay,
    "turn": _turn,
    "no_turn": _no_turn,
    "raise_hand": _raise_hand,
    "wave": _wave,
    "speed": _speed,
    "jump": _jump,
    "lower": _lower,
    "bow": _bow,
    "kick": _kick,
    "punch": _punch,
    "still": _still,
    "in_order": _in_order,
    "side_step": _side_step,
    "waving": _waving,
    "leap": _leap,
    "repeat": _repeat,
    "speed_change": _speed_change,
}


def check(spec: dict[str, Any], joints: np.ndarray, fps: float) -> bool:
    """Whether one check holds on positions (F, 22, 3); RequestError for an unknown check or argument."""
    return check_all([spec], joints, fps)


def check_all(specs: Sequence[dict[str, Any]], joints: np.ndarray, fps: float) -> bool:
    """Whether all checks hold together."""
    joints = np.asarray(joints, float)
    if joints.ndim != 3 or joints.shape[1:] != (22, 3) or len(joints) < 2:
        raise RequestError(f"checks need joints of shape (F, 22, 3) with 2 frames or more, not {joints.shape}")
    steady = measure.smooth(joints, fps)
    held = [_holds(spec, steady, fps) for spec in specs]  # all of them, so that a wrong later spec is always reported
    return all(held)


def _holds(spec: dict[str, Any], joints: np.ndarray, fps: float) -> bool:
    arguments = {k: v for k, v in spec.items() if k != "check"}
    name = _one_of(spec.get("check"), tuple(CHECKS), "check")
    allowed = list(inspect.signature(CHECKS[name]).parameters)[2:]
    if unknown := sorted(arguments.keys() - set(allowed)):
        raise RequestError(
            f"the check {name!r} has no argument {unknown[0]!r}; it takes {', '.join(allowed) or 'none'}"
        )
    try:
        return bool(CHECKS[name](joints, fps, **arguments))
    except TypeError:
        raise RequestError(
            f"the check {name!r} lacks an argument or has one of a wrong type: {arguments}; it takes {', '.join(allowed)}"
        ) from None


def _one_of(value: Any, choices: tuple[str, ...], what: str) -> str:
    if value not in choices:
        raise RequestError(f"no {what} {value!r}; there are {', '.join(choices)}")
    return value

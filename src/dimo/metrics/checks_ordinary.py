"""Checks of what people ask for first: sit, squat, lie down, jump, kick, throw, clap, turn around, crawl, walk in a circle.

Each is a predicate on smoothed positions (F, 22, 3); dimo.metrics.checks puts them beside the basic ones. Thresholds are
those that real clips which show the action pass and others do not (benchmarks/checks.json has the shares).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import measure, posture
from dimo.body.posture import OTHER
from dimo.metrics.checks_basic import one_of

SIDES = posture.SIDES


def grounded(joints: np.ndarray, fps: float, above: float = 0.12, below: float = 0.08, seconds: float = 0.7) -> bool:
    """The body rests on y = 0: it neither hovers over it for that long nor sinks into it."""
    return not posture.hovers(joints, fps, above, seconds) and float(posture.lowest(joints).min()) >= -below


def low(joints: np.ndarray, fps: float, share: float = 0.30, seconds: float = 0.5, when: str = "any") -> bool:
    """The pelvis is for that long lower than (1 - share) of standing height; `end`: in the last quarter, all of it where it
    is shorter than that."""
    down = posture.pelvis_height(joints) < 1 - share
    if one_of(when, ("any", "end"), "when") == "end":
        down = down[-max(2, len(down) // 4) :]
        seconds = min(seconds, len(down) / fps)
    return held(down, fps, seconds)


def low_times(joints: np.ndarray, fps: float, count: int, share: float = 0.22) -> bool:
    return lows(joints, fps, share) == count


def lows(joints: np.ndarray, fps: float, share: float = 0.22) -> int:
    """How often the pelvis goes below (1 - share) of standing height, coming up by half of that way in between."""
    height = posture.pelvis_height(joints)
    return measure.visits(1 - share - height, 1 - share / 2 - height, 0.1, fps)


def lie(joints: np.ndarray, fps: float, seconds: float = 0.5) -> bool:
    return held(posture.lies(joints), fps, seconds)


def fall(joints: np.ndarray, fps: float, share: float = 0.5) -> bool:
    """It stands in the first third and is down at the end."""
    height = posture.pelvis_height(joints)
    return bool(
        (height[: len(height) // 3 + 1] >= 0.75).any() and height[-max(1, len(height) // 8) :].max() < 1 - share
    )


def reach_floor(joints: np.ndarray, fps: float, side: str = "any", m: float = 0.32) -> bool:
    return _sides(side, lambda s: bool((posture.hand_height(joints, s) < m).any()))


def reach_up(joints: np.ndarray, fps: float, side: str = "any", m: float = 0.0, seconds: float = 0.2) -> bool:
    return _sides(side, lambda s: held(posture.hand_over_head(joints, s) > m, fps, seconds))


def leap(joints: np.ndarray, fps: float, count: int | None = None, rise: float = 0.2) -> bool:
    """Jumps, so often; the flight of running does not pass."""
    made = len(posture.leaps(joints, fps, rise))
    return made >= 1 if count is None else made == count


def leap_forward(joints: np.ndarray, fps: float, min_m: float = 0.5) -> bool:
    return leap(joints, fps) and posture.ahead(joints) >= min_m


def spin(joints: np.ndarray, fps: float, min_deg: float = 270) -> bool:
    return float(np.degrees(np.ptp(measure.heading(joints)))) >= min_deg


def turn_around(joints: np.ndarray, fps: float, min_deg: float = 130, max_deg: float = 255) -> bool:
    return min_deg <= abs(measure.turn_degrees(joints)) <= max_deg


def circle(joints: np.ndarray, fps: float, min_deg: float = 260, min_m: float = 2) -> bool:
    """Walks a round: so much turning on a path of that length, which ends near its start."""
    path = posture.way(joints, fps)
    step = joints[-1, measure.PELVIS] - joints[0, measure.PELVIS]
    near = float(np.hypot(step[0], step[2])) <= 0.45 * path
    return path >= min_m and near and abs(measure.turn_degrees(joints)) >= min_deg


def in_place(joints: np.ndarray, fps: float, lift: float = 0.10, times: int = 2) -> bool:
    """Steps on the spot: each ankle goes up and down so often."""
    lifts = [measure.strokes(joints[:, measure.ANKLE[s], 1], lift) // 2 for s in SIDES]
    return measure.stay_radius(joints) <= 0.8 and min(lifts) >= times


def crawl(joints: np.ndarray, fps: float, share: float = 0.5, min_m: float = 0.4) -> bool:
    """On hands and knees or on the belly for that share of the time, and getting somewhere meanwhile."""
    down = (posture.pelvis_height(joints) < 0.72) & posture.on_hands(joints, 0.45)
    ways = [posture.way(joints[a:b], fps) for a, b in posture.intervals(down, 2)]
    return float(down.mean()) >= share and sum(ways) >= min_m


def inverted(joints: np.ndarray, fps: float, seconds: float = 0.1) -> bool:
    return held(posture.inverted(joints), fps, seconds)


def clap(joints: np.ndarray, fps: float, times: int = 3) -> bool:
    return posture.claps(joints, fps) >= times


def hand_to_head(joints: np.ndarray, fps: float, side: str = "any", m: float = 0.28, seconds: float = 0.3) -> bool:
    return _sides(side, lambda s: held(posture.hand_to_head(joints, s) < m, fps, seconds))


def throw(joints: np.ndarray, fps: float, side: str = "any", mps: float = 2.8) -> bool:
    return _sides(side, lambda s: posture.throw_speed(joints, s, fps) >= mps)


def stop(joints: np.ndarray, fps: float, before: float = 0.7, after: float = 0.35) -> bool:
    """Horizontal speed: 90th percentile of the first 70 % at least `before`, mean of the last 15 % at most `after`, m/s."""
    ground = measure.smooth(joints[:, measure.PELVIS][:, [0, 2]], fps, 0.4)
    pace = np.linalg.norm(np.diff(ground, axis=0), axis=-1) * fps
    early, late = pace[: max(1, round(0.7 * len(pace)))], pace[-max(1, round(0.15 * len(pace))) :]
    return float(np.percentile(early, 90)) >= before and float(late.mean()) <= after


def jacks(joints: np.ndarray, fps: float, times: int = 2) -> bool:
    """Jumping jacks: feet and both arms open and close so often, the hands up to the head."""
    feet = measure.strokes(posture.feet_apart(joints), 0.2)
    arms = min(measure.strokes(posture.hand_over_head(joints, s), 0.4) for s in SIDES)
    return min(feet, arms) >= times and all((posture.hand_over_head(joints, s) > 0).any() for s in SIDES)


def pushup(joints: np.ndarray, fps: float, times: int = 1) -> bool:
    """Level on the hands for 40 % of the time, and the neck goes up or down so often meanwhile."""
    level = (np.abs(posture.trunk_level(joints)) < 0.4) & posture.on_hands(joints, 0.2)
    made = [measure.strokes(joints[a:b, measure.NECK, 1], 0.10) for a, b in posture.intervals(level, 2)]
    return float(level.mean()) >= 0.4 and max(made, default=0) >= times


def repeat(joints: np.ndarray, fps: float, of: str, count: int, side: str = "any") -> bool:
    return repeats(joints, fps, of, side) == count


def repeats(joints: np.ndarray, fps: float, of: str, side: str = "any") -> int:
    """How often a body in smoothed positions (F, 22, 3) jumps, squats, claps, bows, or raises a hand (side left, right, both,
    any)."""
    counts = {
        "jump": lambda: len(posture.leaps(joints, fps)),
        "squat": lambda: lows(joints, fps),
        "clap": lambda: posture.claps(joints, fps),
        "bow": lambda: measure.bows(joints, fps, 25),
    }
    if one_of(of, ("raise_hand", *counts), "of") in counts:
        return counts[of]()
    made = {s: measure.raises(joints, s, fps) for s in OTHER}
    if one_of(side, ("left", "right", "both", "any"), "side") in OTHER:
        return made[side]
    return min(made.values()) if side == "both" else max(made.values())


def rise(joints: np.ndarray, fps: float, min_m: float = 0.4) -> bool:
    return float(joints[-1, measure.PELVIS, 1] - joints[0, measure.PELVIS, 1]) >= min_m


def held(mask: np.ndarray, fps: float, seconds: float) -> bool:
    """Whether a mask (F,) is True for that long without a break."""
    return measure.longest_run(mask) / fps >= seconds - 1e-9


def _sides(side: str, holds: Callable[[str], bool]) -> bool:
    if one_of(side, ("left", "right", "both", "any"), "side") in SIDES:
        return holds(side)
    return (all if side == "both" else any)(holds(s) for s in SIDES)


CHECKS: dict[str, Callable[..., bool]] = {
    f.__name__: f
    for f in (
        grounded,
        low,
        low_times,
        lie,
        fall,
        reach_floor,
        reach_up,
        leap,
        leap_forward,
        spin,
        turn_around,
        circle,
        in_place,
        crawl,
        inverted,
        clap,
        hand_to_head,
        throw,
        stop,
        jacks,
        pushup,
        rise,
        repeat,
    )
}

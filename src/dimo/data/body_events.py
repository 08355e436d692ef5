"""What legs and trunk surely do: sit, stand up, squat, lunge, kneel, kick, jump, reach to the floor, bow, lie down, crawl.

Every body that goes low is told apart by where its feet, knees and hands then are. The numbers are those of labelled clips:
a body that sits has its ankles 0.16 m or more ahead of the pelvis, one that squats at most 0.13; in a lunge one foot is
0.6 m ahead of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dimo.body import measure, posture
from dimo.body.measure import ANKLE, HIP, PELVIS, WRIST
from dimo.body.posture import KNEE, OTHER, SIDES, intervals

DOWN = 0.84  # of standing height: under it a body has gone low


@dataclass(frozen=True)
class Event:
    """One thing the body does, from start to end in frames.

    side: left, right, both, forward, backward, up, back, front or empty, as the kind needs it. amount: m/s of walk and run,
    degrees of turn, metres of jump, metres over the head of a raised hand. count: how often, one after the other.
    """

    kind: str
    start: int
    end: int
    side: str = ""
    amount: float = 0.0
    count: int = 1


def body_events(joints: np.ndarray, fps: float) -> list[Event]:
    """Events of legs and trunk in smoothed positions (F, 22, 3) of a body on its floor, in order of their beginning."""
    low = _low(joints, fps)
    jumps = _jumps(joints, fps)
    out = [*low, *jumps, *_bows(joints, fps, [*low, *jumps])]
    out += [e for e in _kicks(joints, fps) if not any(o.start <= e.end and e.start <= o.end for o in out)]
    out += _claps(joints, fps)
    return _counted(sorted(out, key=lambda e: e.start), fps)


def _low(joints: np.ndarray, fps: float) -> list[Event]:
    height = posture.pelvis_height(joints)
    out: list[Event] = []
    air = [t for a, b in posture.leaps(joints, fps) for t in range(a - round(0.7 * fps), b + round(0.6 * fps))]
    for start, end in _valleys(height, fps):
        if len(set(air) & set(range(start, end))) > 0.5 * (end - start) and end - start < 1.5 * fps:
            continue  # the knees bend before and after a jump
        out += _valley(joints[start:end], fps, start, start > 0, end < len(joints))
    return out


def _valleys(height: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Stretches below DOWN that go at least 0.04 lower, with the way down and up to 0.04 above it."""
    out = []
    for start, end in intervals(height < DOWN + 0.04, round(0.25 * fps)):
        if height[start:end].min() < DOWN - 0.04:
            out.append((start, end))
    return out


def _valley(part: np.ndarray, fps: float, at: int, from_above: bool, to_above: bool) -> list[Event]:
    """The events of one time that a body is low: frames `at` and on, of which `part` (N, 22, 3) are the positions."""
    end = at + len(part)
    floor_height = posture.pelvis_height(part)
    deepest = int(floor_height.argmin())
    rest = floor_height < floor_height.min() + 0.06
    resting = measure.longest_run(rest) / fps
    if measure.longest_run(posture.lies(part)) >= 0.4 * fps:
        return _lying(part, fps, at, from_above, to_above)
    path = posture.way(part, fps)
    hands = {s: bool((posture.hand_height(part, s) < 0.27).any()) for s in SIDES}
    if path > 0.8:
        return []  # it goes somewhere meanwhile: a crouched walk, or one of the many things that have no name here
    pose = part[deepest]
    ahead, gap, apart, shift = _feet(pose)
    knees = min(pose[KNEE[s], 1] for s in SIDES) - measure.floor(part)
    low = float(floor_height.min())
    if any(hands.values()) and from_above and to_above and low > 0.25:
        side = "both" if all(hands.values()) else next(s for s in SIDES if hands[s])
        return [Event("reach_floor", at, end, side)]
    if 0.45 < low < 0.74 and ahead > 0.15 and abs(gap) < 0.35 and knees > 0.3 and resting >= 0.6:
        out = []
        first, last = int(np.argmax(rest)), int(len(rest) - np.argmax(rest[::-1]))
        if from_above:
            out.append(Event("sit", at, at + first + 1))
        if to_above:
            out.append(Event("stand_up", at + last - 1, end))
        return out or ([Event("sitting", at, end)] if resting > 0.8 else [])
    if abs(gap) > 0.42 and low < 0.74 and from_above and to_above:
        front = "left" if gap > 0 else "right"
        if knees < 0.14 and resting > 1.5:
            return [Event("kneel", at, end, OTHER[front])]
        return [Event("lunge", at, end, front)] if resting < 1.2 and knees < 0.3 else []
    if apart > 0.62 and abs(shift) > 0.12 and low < 0.8 and abs(gap) < 0.3 and from_above and to_above:
        return [Event("side_lunge", at, end, "left" if shift > 0 else "right")]
    brief = resting < (0.8 if ahead < 0.1 else 0.5) or not to_above
    if low < 0.68 and -0.15 < ahead < 0.13 and brief and abs(gap) < 0.3 and apart < 0.62 and from_above and knees > 0.2:
        return [Event("squat", at, end, "" if to_above else "down")]
    return []


def _lying(part: np.ndarray, fps: float, at: int, from_above: bool, to_above: bool) -> list[Event]:
    lies = posture.lies(part)
    flat = intervals(lies, round(0.4 * fps))
    if not (from_above or to_above) and posture.way(part, fps) > 0.8:
        return [Event("crawl", at, at + len(part))]
    if posture.way(part[flat[0][0] : flat[-1][1]], fps) > 0.8:
        return []  # it rolls or crawls
    out = []
    if from_above:
        faces = _facing_up(part[flat[0][0] : flat[0][1]])
        side = "back" if faces > 0.6 else "front" if faces < -0.6 else ""
        out.append(Event("lie", at, at + flat[0][1], side))
    if to_above:
        out.append(Event("get_up", at + flat[-1][1] - 1, at + len(part)))
    return out or [Event("lying", at, at + len(part))]


def _facing_up(part: np.ndarray) -> float:
    """Median height of the unit vector out of the chest: 1 on the back, -1 face down."""
    across = part[:, HIP["left"]] - part[:, HIP["right"]]
    along = part[:, measure.NECK] - part[:, PELVIS]
    out = np.cross(across, along)
    return float(np.median(out[:, 1] / np.linalg.norm(out, axis=-1)))


def _feet(pose: np.ndarray) -> tuple[float, float, float, float]:
    """Of one frame, in metres: ankles ahead of the pelvis, left ankle ahead of the right one, left to the left of it, and
    the pelvis to the left of the middle between them."""
    h = measure.heading(pose[None])[0]
    forward, left = np.array([np.sin(h), 0, np.cos(h)]), np.array([np.cos(h), 0, -np.sin(h)])
    a, b = pose[ANKLE["left"]], pose[ANKLE["right"]]
    return (
        float(((a + b) / 2 - pose[PELVIS]) @ forward),
        float((a - b) @ forward),
        float((a - b) @ left),
        float((pose[PELVIS] - (a + b) / 2) @ left),
    )


def _jumps(joints: np.ndarray, fps: float) -> list[Event]:
    out = []
    for a, b in posture.leaps(joints, fps, 0.24):
        first, last = max(0, a - round(0.2 * fps)), min(len(joints), b + round(0.2 * fps))
        ahead = posture.ahead(joints[first:last])
        side = "forward" if ahead > 0.4 else "backward" if ahead < -0.4 else "up" if abs(ahead) < 0.25 else ""
        out.append(Event("jump", first, last, side, abs(ahead)))
    return out


def _kicks(joints: np.ndarray, fps: float) -> list[Event]:
    """A leg that goes up stretched ahead or aside while the body stands on the other: kicked where it is fast, lifted where
    it is slow (4.1 m/s and 2.9 m/s seen from the pelvis; in between it may be either), and a knee lifted to the hip."""
    out = []
    floor = measure.floor(joints)
    height = posture.pelvis_height(joints)
    leg = posture.standing_height(joints) - 0.07
    ground = measure.smooth(joints[:, PELVIS][:, [0, 2]], fps, 0.4)
    pace = np.append(np.linalg.norm(np.diff(ground, axis=0), axis=-1) * fps, 0.0)
    h = measure.heading(joints)
    for side in SIDES:
        ankle = joints[:, ANKLE[side]]
        away = ankle - joints[:, PELVIS]
        ahead = away[:, 0] * np.sin(h) + away[:, 2] * np.cos(h)
        speed = np.append(np.linalg.norm(np.diff(ankle - joints[:, PELVIS], axis=0), axis=-1) * fps, 0.0)
        stretched = np.linalg.norm(ankle - joints[:, HIP[side]], axis=-1) > 0.75 * leg
        stands = joints[:, ANKLE[OTHER[side]], 1] - floor < 0.25
        steady = stands & (height > 0.75) & (pace < 1.2) & (ahead > -0.1)
        ends = round(0.25 * fps)
        legs = intervals((ankle[:, 1] - floor > 0.45) & steady)
        for a, b in legs:
            fastest = speed[max(0, a - 2) : b].max()
            kind = "kick" if fastest > 4.1 else "lift_leg" if fastest < 2.9 and b - a >= 0.2 * fps else ""
            if kind and stretched[a:b].any() and np.hypot(away[a:b, 0], away[a:b, 2]).max() > 0.4:
                out.append(Event(kind, max(0, a - ends), min(len(joints), b + ends), side))
        knee = joints[:, KNEE[side], 1] - joints[:, HIP[side], 1]
        for a, b in intervals((knee > -0.1) & steady & (height > 0.9), round(0.2 * fps)):
            if not any(x < b and a < y for x, y in legs if stretched[x:y].any()):
                out.append(Event("lift_knee", max(0, a - ends), min(len(joints), b + ends), side))
    return out


def _bows(joints: np.ndarray, fps: float, other: list[Event]) -> list[Event]:
    pitch = measure.pitch_degrees(joints)
    height = posture.pelvis_height(joints)
    feet = joints[:, [ANKLE["left"], ANKLE["right"]], 1].max(axis=1) - measure.floor(joints)
    out = []
    for start, end in intervals(pitch - np.percentile(pitch, 10) > 38, round(0.3 * fps)):
        hands = {s: bool((posture.hand_height(joints[start:end], s) < 0.27).any()) for s in SIDES}
        if any(e.start < end + 0.3 * fps and start - 0.3 * fps < e.end for e in other):
            continue
        second = round(fps)
        around = height[max(0, start - second) : start + 1].max(), height[end - 1 : end + second].max()
        if any(hands.values()):
            side = "both" if all(hands.values()) else next(s for s in SIDES if hands[s])
            if min(around) > 0.9:
                out.append(Event("reach_floor", start, end, side))
        elif (
            height[start:end].min() > 0.8 and posture.way(joints[start:end], fps) < 0.3 and feet[start:end].max() < 0.2
        ):
            out.append(Event("bow", start, end))
    return out


def _claps(joints: np.ndarray, fps: float) -> list[Event]:
    if posture.claps(joints, fps, swing=0.1, pause=0.7) < 4 or measure.stay_radius(joints) > 0.5:
        return []
    near = np.flatnonzero(posture.hands_apart(joints) < 0.28)
    level = joints[near][:, [WRIST["left"], WRIST["right"]], 1].mean(axis=1) - joints[near, PELVIS, 1]
    return [Event("clap", int(near[0]), int(near[-1]) + 1)] if level.min() > 0.05 else []


def _counted(found: list[Event], fps: float) -> list[Event]:
    """Squats, jumps, lunges and kicks of one kind that follow within three seconds are one event with a count."""
    out: list[Event] = []
    for event in found:
        last = out[-1] if out else None
        if (
            last is not None
            and event.kind
            == last.kind
            in ("squat", "jump", "lunge", "side_lunge", "kick", "lift_leg", "lift_knee", "reach_floor", "bow")
            and event.start - last.end < 3 * fps
            and (event.side == last.side or event.kind == "jump")
        ):
            side = last.side if event.side == last.side else ""
            out[-1] = Event(
                event.kind, last.start, event.end, side, last.amount + event.amount, last.count + event.count
            )
        else:
            out.append(event)
    return out

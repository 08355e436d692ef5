"""What surely happens in a motion: walks, turns, raised and waved hands, and what dimo.data.body_events finds.

Labels such as "walk" cannot teach left from right, slow from fast, or what comes first. An event is found only where its
measure is clearly beyond the threshold of the check of that name: silent rather than wrong.
"""

from __future__ import annotations

import numpy as np

from dimo.body import measure, posture
from dimo.body.posture import SIDES, intervals
from dimo.data.body_events import Event, body_events

MOVING_MPS = 0.35
RUN_MPS = 2.0
STEPPING = (
    "jump",
    "lunge",
    "side_lunge",
    "kick",
    "lift_leg",
    "lift_knee",
    "reach_floor",
    "squat",
    "sit",
    "stand_up",
    "lie",
    "get_up",
)
"""Events that a step or two may be a part of."""
CROUCHED = 0.83  # of standing height, all along a walk


def events(joints: np.ndarray, fps: float) -> list[Event]:
    """What surely happens in positions (F, 22, 3), in order of its beginning; nothing where the body hovers or rolls.

    What holds a body that hovers (a ladder, a chair too high for the feet) is not in the data, so nothing is sure; and one that
    is upside down does what has no name here.
    """
    joints = measure.smooth(np.asarray(joints, float), fps)
    if posture.hovers(joints, fps) or posture.inverted(joints).any():
        return []
    body = body_events(joints, fps)
    found = [*_without_shadows([*_locomotion(joints, fps), *_hands(joints, fps, bool(body))], body, fps), *body]
    if all(e.kind.startswith("hold_") for e in found) and not _is_still(joints, fps):
        return []  # the arms are up, but what moves has no name here
    found = found or [Event("still", 0, len(joints))]
    found = sorted(found, key=lambda e: (e.start, -e.end))
    # The same thing twice in a row is one thing with a pause, unless it has a count.
    return [e for i, e in enumerate(found) if i == 0 or (e.kind, e.side) != (found[i - 1].kind, found[i - 1].side)]


def _without_shadows(found: list[Event], body: list[Event], fps: float) -> list[Event]:
    """Without what only looks like an event beside another: the step into a lunge, the arms that swing up in a jump, the
    hand over the shoulder of a body that lies, the gliding back of one that sits down."""
    kept = []
    for event in found:
        over = [b for b in body if b.start - 0.3 * fps < event.end and event.start < b.end + 0.3 * fps]
        kinds = {b.kind for b in over}
        short = any(event.end - event.start < (b.end - b.start) + 1.2 * fps for b in over if b.kind in STEPPING)
        hidden = {"walk": short, "run": short, "raise": bool(kinds & {"jump", "reach_floor", "lie", "get_up", "crawl"})}
        hidden |= {
            "turn": bool(kinds & {"lie", "get_up", "crawl"}),
            "wave": hidden["raise"],
            "crouch_walk": "crawl" in kinds,
        }
        if not hidden.get(event.kind):
            kept.append(event)
    return kept


def _locomotion(joints: np.ndarray, fps: float) -> list[Event]:
    steps = measure.moving_average(measure.body_steps(joints), round(0.5 * fps) | 1) * fps
    pace = np.linalg.norm(steps, axis=-1)
    out = []
    heading = measure.heading(joints)
    height = posture.pelvis_height(joints)
    for start, end in intervals(pace > MOVING_MPS, round(0.8 * fps)):
        part = joints[start : end + 1]
        path = measure.travel(part)
        way = max(path, key=path.__getitem__)
        if path[way] < 0.8 or path[way] < 0.75 * sum(path.values()):
            continue
        speed = float(np.percentile(pace[start:end], 75))
        kind = "run" if speed > RUN_MPS else "walk"
        if way == "forward" and speed < RUN_MPS and np.percentile(height[start:end], 90) < CROUCHED:
            kind = "crouch_walk"
        out.append(Event(kind, start, end, way, speed))
    turn = np.degrees(heading[-1] - heading[0])
    if abs(turn) > 50:
        share = (heading - heading[0]) / (heading[-1] - heading[0])
        first, last = int(np.argmax(share > 0.1)), int(len(share) - np.argmax(share[::-1] < 0.9))
        upright = np.percentile(height[first : max(last, first + 1)], 10) > 0.7
        if share.min() > -0.15 and share.max() < 1.15 and upright:
            side = "left" if turn > 0 else "right"
            kind = "turn_in_place" if measure.stay_radius(joints) < 0.35 else "turn"
            out.append(Event(kind, first, max(last, first + 1), side, float(abs(turn))))
    return out


def _hands(joints: np.ndarray, fps: float, busy: bool) -> list[Event]:
    """busy: the body does something else, so that arms which are up from start to end swing with it and do not wave."""
    out: list[Event] = []
    up = {side: measure.hand_up(joints, side) for side in SIDES}
    both = up["left"] & up["right"]
    near = {s: measure.hand_up(joints, s, margin=0.25) for s in up}  # the other hand must be clearly down
    for side, mask in (("both", both), ("left", up["left"] & ~near["right"]), ("right", up["right"] & ~near["left"])):
        for start, end in intervals(mask, round(0.4 * fps)):
            # Strokes count well inside the time that the hand is up: raising and lowering it are none. A waved hand is
            # also a raised one, so what is not surely a wave is said as raised.
            inside = joints[start + round(0.3 * fps) : end - round(0.3 * fps)]
            strokes = {s: measure.wave_strokes(inside, s, fps) for s in up}
            waving = (
                min(strokes.values()) >= 4
                if side == "both"
                else strokes[side] >= 4 and strokes[side] > strokes["left" if side == "right" else "right"]
            )
            mine = SIDES if side == "both" else (side,)
            over = float(min(posture.hand_over_head(joints[start:end], s).max() for s in mine))
            if (busy or not waving) and start <= 0.15 * fps and end >= len(joints) - 0.15 * fps:
                out.append(Event(f"hold_{_where(joints, mine)}", start, end, side))
            else:
                out.append(Event("wave" if waving else "raise", start, end, side, over))
    # Raising both hands passes through one hand up for a moment; what touches an event of both hands is part of it.
    twos = [e for e in out if e.side == "both"]
    alone = [
        e for e in out if e.side != "both" and not any(e.start <= t.end + fps and t.start <= e.end + fps for t in twos)
    ]
    return twos[:2] + alone[:3]


def held_arms(joints: np.ndarray, fps: float) -> Event | None:
    """Where both hands are held from start to end, or None where they are not held up."""
    found = _hands(measure.smooth(np.asarray(joints, float), fps), fps, True)
    return next((e for e in found if e.kind.startswith("hold_") and e.side == "both"), None)


def _where(joints: np.ndarray, sides: tuple[str, ...]) -> str:
    """Where hands that are up all the time are held: over the head, stretched out ahead or aside, or near the head."""
    if min(np.median(posture.hand_over_head(joints, s)) for s in sides) > 0.05:
        return "high"
    places = [posture.hand_place(joints, s) for s in sides]
    stretched, ahead, aside = np.min(places, axis=0)
    if stretched > 0.75 and ahead > 0.75:
        return "ahead"
    return "aside" if stretched > 0.75 and aside > 0.75 else "near"


def _is_still(joints: np.ndarray, fps: float) -> bool:
    fastest = measure.joint_speed(joints, fps).max(axis=1)
    return float(np.percentile(fastest, 95)) < 0.15 and measure.stay_radius(joints) < 0.2

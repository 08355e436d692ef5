"""True sentences from the motion itself: what the body does is measured, then said in varied words.

Labels such as "walk" cannot teach left from right, slow from fast, or what comes first. An event is said only when its
measure is clearly beyond the threshold of the check of that name: silent rather than wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dimo.body import measure

SUBJECTS = ("a person", "someone", "a man", "a woman", "the person", "the man", "the figure", "a figure", "somebody")
MOVING_MPS = 0.35
RUN_MPS = 2.0
SLOW_MPS, FAST_MPS, SPRINT_MPS = 0.85, 1.55, 4.0


@dataclass(frozen=True)
class Event:
    """One thing the body does, from start to end in frames. side: left, right, both, forward, backward or empty."""

    kind: str  # walk run turn raise wave bow squat jump still
    start: int
    end: int
    side: str = ""
    amount: float = 0.0  # m/s of walk and run, degrees of turn, count of jump


def events(joints: np.ndarray, fps: float) -> list[Event]:
    """What surely happens in positions (F, 22, 3), in order of its beginning."""
    joints = measure.smooth(np.asarray(joints, float), fps)
    found = [*_locomotion(joints, fps), *_hands(joints, fps), *_body(joints, fps)]
    if not found and _is_still(joints, fps):
        found = [Event("still", 0, len(joints))]
    found = sorted(found, key=lambda e: (e.start, -e.end))
    # The same thing twice in a row is one thing with a pause, unless it has a count.
    return [e for i, e in enumerate(found) if i == 0 or (e.kind, e.side) != (found[i - 1].kind, found[i - 1].side)]


def _intervals(mask: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def _locomotion(joints: np.ndarray, fps: float) -> list[Event]:
    steps = measure.moving_average(measure.body_steps(joints), round(0.5 * fps) | 1) * fps
    pace = np.linalg.norm(steps, axis=-1)
    out = []
    heading = measure.heading(joints)
    for start, end in _intervals(pace > MOVING_MPS, round(0.8 * fps)):
        part = joints[start : end + 1]
        path = measure.travel(part)
        way = max(path, key=path.__getitem__)
        if path[way] < 0.8 or path[way] < 0.75 * sum(path.values()):
            continue
        speed = float(np.percentile(pace[start:end], 75))
        out.append(Event("run" if speed > RUN_MPS else "walk", start, end, way, speed))
    turn = np.degrees(heading[-1] - heading[0])
    if abs(turn) > 50:
        share = (heading - heading[0]) / (heading[-1] - heading[0])
        first, last = int(np.argmax(share > 0.1)), int(len(share) - np.argmax(share[::-1] < 0.9))
        if share.min() > -0.15 and share.max() < 1.15:
            out.append(Event("turn", first, max(last, first + 1), "left" if turn > 0 else "right", float(abs(turn))))
    return out


def _hands(joints: np.ndarray, fps: float) -> list[Event]:
    out: list[Event] = []
    up = {side: measure.hand_up(joints, side) for side in ("left", "right")}
    both = up["left"] & up["right"]
    near = {s: measure.hand_up(joints, s, margin=0.25) for s in up}  # the other hand must be clearly down
    for side, mask in (("both", both), ("left", up["left"] & ~near["right"]), ("right", up["right"] & ~near["left"])):
        for start, end in _intervals(mask, round(0.4 * fps)):
            # Strokes count well inside the time that the hand is up: raising and lowering it are none. A waved hand is
            # also a raised one, so what is not surely a wave is said as raised.
            inside = joints[start + round(0.3 * fps) : end - round(0.3 * fps)]
            strokes = {s: measure.wave_strokes(inside, s, fps) for s in up}
            waving = (
                min(strokes.values()) >= 4
                if side == "both"
                else strokes[side] >= 4 and strokes[side] > strokes["left" if side == "right" else "right"]
            )
            out.append(Event("wave" if waving else "raise", start, end, side, 0.0))
    # Raising both hands passes through one hand up for a moment; what touches an event of both hands is part of it.
    twos = [e for e in out if e.side == "both"]
    alone = [
        e for e in out if e.side != "both" and not any(e.start <= t.end + fps and t.start <= e.end + fps for t in twos)
    ]
    return twos[:2] + alone[:3]


def _body(joints: np.ndarray, fps: float) -> list[Event]:
    out = []
    pitch = measure.pitch_degrees(joints)
    for start, end in _intervals(pitch - np.percentile(pitch, 10) > 38, round(0.3 * fps)):
        if not measure.lowered(joints, 0.2)[start:end].any():
            out.append(Event("bow", start, end))
    out += [Event("squat", a, b) for a, b in _intervals(measure.lowered(joints, 0.3), round(0.4 * fps))]
    count = measure.jumps(joints, fps)
    height = joints[:, measure.PELVIS, 1]
    if 0 < count <= 4 and measure.speed(joints, fps) < MOVING_MPS and height.max() - np.median(height) > 0.12:
        air = np.flatnonzero(joints[:, measure.FEET, 1].min(axis=1) > measure.floor(joints) + 0.06)
        out.append(Event("jump", int(air[0]), int(air[-1]) + 1, "", count))
    return out


def _is_still(joints: np.ndarray, fps: float) -> bool:
    fastest = measure.joint_speed(joints, fps).max(axis=1)
    return float(np.percentile(fastest, 75)) < 0.1 and measure.stay_radius(joints) < 0.2


_COUNTS = {1: "once", 2: "twice", 3: "three times", 4: "four times"}


def phrases(event: Event) -> list[tuple[str, str]]:
    """Ways to say an event: finite verb and -ing form, each followed by the same words."""
    side = event.side
    hand = (
        [f"the {side} hand", f"their {side} hand", f"the {side} arm"]
        if side in ("left", "right")
        else ["both hands", "both arms"]
    )
    if event.kind in ("walk", "run"):
        verbs = (
            [("runs", "running"), ("jogs", "jogging")]
            if event.kind == "run"
            else [("walks", "walking"), ("moves", "moving"), ("steps", "stepping")]
        )
        ways = {
            "forward": ["forward", "ahead", "straight ahead"],
            "backward": ["backward", "backwards"],
            "left": ["sideways to the left"],
            "right": ["sideways to the right"],
        }[side]
        how = [""]
        if event.kind == "walk" and event.amount < SLOW_MPS:
            how = [" slowly", " slowly", " at a slow pace"]
        elif event.kind == "walk" and event.amount > FAST_MPS:
            how = [" quickly", " briskly", " fast"]
        elif event.kind == "run" and event.amount > SPRINT_MPS:
            verbs = [("runs", "running"), ("sprints", "sprinting"), ("dashes", "dashing")]
        words = [f" {w}{h}" for w in ways if w != "straight ahead" for h in how]
        if event.kind == "walk" and side == "forward":
            verbs = (
                [("walks", "walking"), ("strolls", "strolling")]
                if event.amount < FAST_MPS
                else [("walks", "walking"), ("strides", "striding")]
            )
        said = [(v + w, g + w) for v, g in verbs for w in words]
        if event.kind == "walk" and side == "forward" and event.amount < SLOW_MPS:
            # Verbs that say the slowness by themselves.
            slow = [("trudges", "trudging"), ("shuffles", "shuffling"), ("plods", "plodding"), ("ambles", "ambling")]
            said += [(f"{v} {w}", f"{g} {w}") for v, g in slow for w in ways[:2]]
        return said
    if event.kind == "turn":
        if event.amount > 150:
            return [(f"turns around to the {side}", f"turning around to the {side}")]
        rest = [f"to the {side}", side] + ([f"{side} by about 90 degrees"] if 70 < event.amount < 110 else [])
        return [(f"turns {r}", f"turning {r}") for r in rest] + [(f"makes a {side} turn", f"making a {side} turn")]
    if event.kind == "raise":
        pairs = [
            ("raises", "raising", ""),
            ("lifts", "lifting", ""),
            ("lifts", "lifting", " up"),
            ("puts", "putting", " up"),
            ("holds", "holding", " up"),
        ]
        return [(f"{v} {h}{t}", f"{g} {h}{t}") for v, g, t in pairs for h in hand]
    if event.kind == "wave":
        return [(f"waves {w}{h}", f"waving {w}{h}") for h in hand for w in ("", "with ")]
    if event.kind == "jump":
        count = _COUNTS[int(event.amount)]
        return [(f"jumps {count}", f"jumping {count}")] + ([("jumps up", "jumping up")] if event.amount == 1 else [])
    return {
        "bow": [("bows", "bowing"), ("bends forward", "bending forward"), ("takes a bow", "taking a bow")],
        "squat": [
            ("crouches", "crouching"),
            ("squats down", "squatting down"),
            ("bends the knees", "bending the knees"),
        ],
        "still": [("stands still", "standing still"), ("stands without moving", "standing without moving")],
    }[event.kind]


def describe(joints: np.ndarray, fps: float, generator: np.random.Generator, count: int = 3) -> list[str]:
    """Up to `count` different true sentences, fewer (or none) when little is sure."""
    found = events(joints, fps)
    if not found or len(found) > 3:
        return []
    return list(dict.fromkeys(_sentence(found, generator) for _ in range(count)))


def _sentence(found: list[Event], generator: np.random.Generator) -> str:
    """The events in order: "while" where one lasts within another, "then" where one follows."""

    def pick(choices: list | tuple) -> object:
        return choices[int(generator.integers(len(choices)))]

    said = str(pick(SUBJECTS))
    previous: Event | None = None
    for event in found:
        finite, ing = pick(phrases(event))  # type: ignore[misc]
        if previous is None:
            said += f" {finite}"
        elif min(previous.end, event.end) - max(previous.start, event.start) > 0.5 * min(
            previous.end - previous.start, event.end - event.start
        ):
            said += f" and {finite}" if event.kind == "turn" else f" while {ing}"
        else:
            said += f"{pick((' and then', ', then', ' and'))} {finite}"
        previous = event if previous is None or event.end >= previous.end else previous
    return said

"""Clips joined end to end and laid over each other, with sentences to match: "walks forward, then waves".

Single clips cannot teach order or simultaneity. Every result is measured: what its sentence says must show in its events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dimo.body import measure
from dimo.body.motion import Motion
from dimo.body.rotation import slerp
from dimo.body.skeleton import preset
from dimo.data.describe import SUBJECTS, Event, events, phrases
from dimo.data.records import JOINS, Caption, Clip

BODY = preset("humanml3d")
ARMS = {
    side: [BODY.index(f"{side}_{part}") for part in ("collar", "shoulder", "elbow", "wrist")]
    for side in ("left", "right")
}
LONGEST = 196  # frames at 20 fps: the model's longest motion
PART = 110  # frames of a part at most
BLEND_SECONDS = 0.45
LOCOMOTION = ("walk", "run")
WEIGHTS = {"walk": 4.0, "run": 1.5, "turn": 3.0, "raise": 4.0, "wave": 4.0, "bow": 2.5, "squat": 0.7, "jump": 0.7}
"""How often each kind of event is a part of a composite."""


@dataclass(frozen=True)
class Part:
    """Positions (F, 22, 3) that do one thing (a turn may include walking), and that event."""

    joints: np.ndarray
    event: Event
    source: Clip

    @cached_property
    def motion(self) -> Motion:
        """Solved when it is asked for: most parts are only looked at for what they do."""
        return Motion.from_joints(BODY, self.joints, self.source.fps)


def parts_of(clip: Clip, generator: np.random.Generator) -> Part | None:
    """A clip, or a stretch of it, as one part; None when it does not surely do one thing."""
    joints = np.asarray(clip.joints, float)
    found = events(joints, clip.fps)
    turns = [e for e in found if e.kind == "turn"]
    if turns and all(e.kind in (*LOCOMOTION, "turn") for e in found) and turns[0].amount < 160:
        middle = (turns[0].start + turns[0].end) // 2
        start = max(0, min(middle - PART // 2, len(joints) - PART))
        return _part(clip, joints[start : start + PART], "turn")
    if len(found) != 1 or found[0].kind not in WEIGHTS:
        return None
    if found[0].kind in LOCOMOTION:
        if found[0].end - found[0].start < 30:
            return None
        length = int(generator.integers(30, min(PART, found[0].end - found[0].start) + 1))
        start = int(generator.integers(found[0].start, found[0].end - length + 1))
        return _part(clip, joints[start : start + length], found[0].kind)
    return _part(clip, joints, found[0].kind) if len(joints) <= PART else None


def _part(clip: Clip, joints: np.ndarray, kind: str) -> Part | None:
    found = [e for e in events(joints, clip.fps) if e.kind == kind]
    return Part(joints, found[0], clip) if found else None


def composites(clips: Sequence[Clip], count: int, seed: int = 0) -> list[Clip]:
    """About `count` composite clips made of training clips (fewer when too little is suitable); the same for a seed."""
    generator = np.random.default_rng([seed, 77])
    by_kind: dict[tuple[str, str], list[Clip]] = {}
    for clip in clips:
        part = parts_of(clip, generator)
        if part is not None:
            by_kind.setdefault((part.event.kind, part.event.side), []).append(clip)
    keys = sorted(by_kind)
    if len(keys) < 2:
        return []
    weights = np.array([WEIGHTS[kind] / sum(k == kind for k, _ in keys) for kind, _ in keys])
    out: list[Clip] = []
    for attempt in range(6 * count):
        if len(out) >= count:
            break
        first, second = (_draw(by_kind, keys, weights, generator) for _ in range(2))
        if first is None or second is None:
            continue
        made = overlay(first, second, generator) if generator.random() < 0.4 else join(first, second, generator)
        if made is None:
            continue
        motion, sentences = made
        sources = JOINS.join(dict.fromkeys((first.source.source, second.source.source)))
        out.append(
            Clip(
                id=f"composite_{attempt:06d}",
                joints=motion.joints().astype(np.float32),
                fps=motion.fps,
                captions=tuple(Caption(s, "composed") for s in sentences),
                split="train",
                source=sources,
                licence=JOINS.join(dict.fromkeys((first.source.licence, second.source.licence))),
                label=f"{first.event.kind}+{second.event.kind}",
                provenance=f"{first.source.id} + {second.source.id}",
                composite=True,
            )
        )
    return out


def _draw(by_kind: dict, keys: list, weights: np.ndarray, generator: np.random.Generator) -> Part | None:
    choices = by_kind[keys[int(generator.choice(len(keys), p=weights / weights.sum()))]]
    return parts_of(choices[int(generator.integers(len(choices)))], generator)


def join(first: Part, second: Part, generator: np.random.Generator) -> tuple[Motion, list[str]] | None:
    """One after the other, going on in place and heading, with a cross-fade; None when the result does not show both."""
    if (first.event.kind, first.event.side) == (second.event.kind, second.event.side):
        return circle(first, second, generator) if first.event.kind == "turn" else None
    motion = first.motion.concatenate(second.motion, blend=BLEND_SECONDS)
    if len(motion) > LONGEST:
        return None
    cut = len(first.motion) - round(BLEND_SECONDS * motion.fps / 2)
    joints = motion.joints()
    if not (_shows(joints[:cut], motion.fps, first.event) and _shows(joints[cut:], motion.fps, second.event)):
        return None
    sentences = []
    for _ in range(4):
        a, b = (_said(p.event, generator)[0] for p in (first, second))
        forms = [
            f"{a} and then {b}",
            f"{a}, then {b}",
            f"first {a}, then {b}",
            f"{a} and {b}",
            f"{a} and afterwards {b}",
        ]
        if first.event.kind in LOCOMOTION and second.event.kind not in (*LOCOMOTION, "turn"):
            forms.append(f"{a}, stops and {b}")
        sentences.append(f"{_subject(generator)} {forms[int(generator.integers(len(forms)))]}")
    return motion, list(dict.fromkeys(sentences))


def circle(first: Part, second: Part, generator: np.random.Generator) -> tuple[Motion, list[str]] | None:
    """Two walked turns to one side make a curve; None unless it turns by more than 140 degrees while walking."""
    halves = []
    for part in (first, second):
        spare = max(0, len(part.motion) - LONGEST // 2)
        halves.append(part.motion[spare // 2 : len(part.motion) - (spare - spare // 2)])
    motion = halves[0].concatenate(halves[1], blend=BLEND_SECONDS)
    joints = measure.smooth(motion.joints(), motion.fps)
    side = first.event.side
    degrees = measure.turn_degrees(joints) * (1 if side == "left" else -1)
    if len(motion) > LONGEST or degrees < 140 or measure.travel(joints)["forward"] < 2:
        return None
    forms = [
        f"walks in a circle to the {side}",
        f"walks around in a circle, turning {side}",
        f"walks in a curve to the {side}",
        f"turns {side} twice while walking",
    ]
    chosen = generator.choice(len(forms), 3, replace=False)
    return motion, [f"{_subject(generator)} {forms[int(i)]}" for i in chosen]


def overlay(first: Part, second: Part, generator: np.random.Generator) -> tuple[Motion, list[str]] | None:
    """The arm of a raise or wave on the body of a walk or run; None when the two are not such a pair."""
    body, hand = (first, second) if first.event.kind in LOCOMOTION else (second, first)
    if body.event.kind not in LOCOMOTION or hand.event.kind not in ("raise", "wave"):
        return None
    frames = min(len(body.motion), len(hand.motion))
    if frames < 0.8 * len(hand.motion):
        return None
    joints = [j for side in (ARMS if hand.event.side == "both" else [hand.event.side]) for j in ARMS[side]]
    ramp = np.clip(np.minimum(np.arange(frames), np.arange(frames)[::-1]) / (0.4 * body.motion.fps), 0, 1)[:, None]
    rotations = body.motion.rotations[:frames].copy()
    rotations[:, joints] = slerp(rotations[:, joints], hand.motion.rotations[:frames, joints], ramp)
    motion = Motion(BODY, body.motion.fps, body.motion.root[:frames], rotations)
    if not (_shows(motion.joints(), motion.fps, body.event) and _shows(motion.joints(), motion.fps, hand.event)):
        return None
    sentences = []
    for _ in range(4):
        (a, a_ing), (b, b_ing) = _said(body.event, generator), _said(hand.event, generator)
        forms = [f"{a} while {b_ing}", f"{b} while {a_ing}", f"{a} and {b} at the same time"]
        sentences.append(f"{_subject(generator)} {forms[int(generator.integers(len(forms)))]}")
    return motion, list(dict.fromkeys(sentences))


def _shows(joints: np.ndarray, fps: float, event: Event) -> bool:
    return len(joints) >= 8 and any((e.kind, e.side) == (event.kind, event.side) for e in events(joints, fps))


def _said(event: Event, generator: np.random.Generator) -> tuple[str, str]:
    choices = phrases(event)
    return choices[int(generator.integers(len(choices)))]


def _subject(generator: np.random.Generator) -> str:
    return SUBJECTS[int(generator.integers(len(SUBJECTS)))]

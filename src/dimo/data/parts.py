"""What composites are made of: stretches of clips that do one thing, times of standing, and what people say of a clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dimo.body import measure, posture
from dimo.body.motion import Motion
from dimo.data.body_events import Event
from dimo.data.events import events
from dimo.data.joining import BODY
from dimo.data.phrases import phrases
from dimo.data.records import Clip

PART = 110  # frames of a part at most
LOCOMOTION = ("walk", "run", "crouch_walk")
SUBJECT = re.compile(
    r"^(?:(?:a|an|the|this|one) (?:[a-z]+ )?(?:person|man|woman|human|figure|individual|character|sim|guy|actor|boxer)"
    r"|someone|somebody|he|she|a person's body) (?P<rest>(?:[a-z]+ly )?[a-z]+s\b.*)$"
)
"""A caption that begins with who does it, followed by a finite verb."""


@dataclass(frozen=True)
class Part:
    """Positions (F, 22, 3) that do one thing (a turn may include walking), and that event."""

    joints: np.ndarray = field(repr=False)
    event: Event
    source: Clip = field(repr=False)
    arms: Clip | None = field(default=None, repr=False)  # where the arms are those of another clip

    @property
    def used(self) -> list[Clip]:
        return [self.source] if self.arms is None else [self.source, self.arms]

    @cached_property
    def motion(self) -> Motion:
        """Solved when it is asked for: most parts are only looked at for what they do."""
        return Motion.from_joints(BODY, self.joints, self.source.fps)

    @property
    def said(self) -> list[tuple[str, str]]:
        return phrases(self.event)


def pick(choices: Sequence, generator: np.random.Generator):
    """One of them, all alike."""
    return choices[int(generator.integers(len(choices)))]


def pick_by(shares: Mapping[str, float], generator: np.random.Generator) -> str:
    """A name, as often as its share says."""
    weights = np.array(list(shares.values()))
    return list(shares)[int(generator.choice(len(weights), p=weights / weights.sum()))]


def parts_of(clip: Clip, generator: np.random.Generator) -> list[Part]:
    """A clip, or stretches of it, as parts; none where it does not surely do one thing.

    Sitting down and standing up again are two parts. Arms that are held up are a part of the part.
    """
    joints = np.asarray(clip.joints, float)
    found = [e for e in events(joints, clip.fps) if not e.kind.startswith("hold_")]
    kinds = [e.kind for e in found]
    turns = [e for e in found if e.kind == "turn"]
    if turns and set(kinds) <= {*LOCOMOTION, "turn"} and turns[0].amount < 160:
        middle = (turns[0].start + turns[0].end) // 2
        start = max(0, min(middle - PART // 2, len(joints) - PART))
        return _part(clip, joints[start : start + PART], "turn")
    if kinds in (["sit", "stand_up"], ["lie", "get_up"]):
        middle = (found[0].end + found[1].start) // 2
        if len(joints) > 2 * PART:
            return []
        return [*_part(clip, joints[:middle], kinds[0]), *_part(clip, joints[middle:], kinds[1])]
    if len(found) != 1 or kinds[0] == "still":
        return []
    if kinds[0] in LOCOMOTION:
        if found[0].end - found[0].start < 30:
            return []
        length = int(generator.integers(30, min(PART, found[0].end - found[0].start) + 1))
        start = int(generator.integers(found[0].start, found[0].end - length + 1))
        return _part(clip, joints[start : start + length], kinds[0])
    return _part(clip, joints, kinds[0]) if len(joints) <= PART else []


def _part(clip: Clip, joints: np.ndarray, kind: str) -> list[Part]:
    found = [e for e in events(joints, clip.fps) if e.kind == kind] if len(joints) > 10 else []
    return [Part(joints, found[0], clip)] if found else []


def stands(clip: Clip, seconds: float = 0.8) -> Part | None:
    """The longest time for which the body stands upright and nearly still with its arms down, if it lasts that long."""
    joints = measure.smooth(np.asarray(clip.joints, float), clip.fps)
    if len(joints) < seconds * clip.fps + 1:
        return None
    quiet = measure.joint_speed(joints, clip.fps).max(axis=1) < 0.3
    ankles = np.maximum(*(joints[:, measure.ANKLE[s], 1] for s in posture.SIDES)) - measure.floor(joints)
    upright = (posture.pelvis_height(joints) > 0.95) & (posture.trunk_level(joints) > 0.45)
    upright &= (posture.feet_apart(joints) < 0.4) & (ankles < 0.14)
    down = np.maximum(*(joints[:, measure.WRIST[s], 1] for s in posture.SIDES)) < joints[:, measure.PELVIS, 1] + 0.05
    found = posture.intervals((upright & down)[:-1] & quiet, round(seconds * clip.fps))
    if not found or posture.hovers(joints, clip.fps):
        return None
    start, end = max(found, key=lambda f: f[1] - f[0])
    return Part(np.asarray(clip.joints[start:end], float), Event("still", 0, end - start), clip)


def told(clip: Clip) -> list[str]:
    """What people say that is done in the clip, each from its verb on: "kicks forward with the left leg"."""
    found = (SUBJECT.match(c.text) for c in clip.captions if c.by_people)
    return [m["rest"] for m in found if m and not re.search(r"\b(?:then|starts?|ends?)\b", m["rest"])]

"""Composites that are acted: gestures and paces on the bodies of real clips, alone or before and after what a clip does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dimo.body import posture
from dimo.body.motion import Motion
from dimo.data import combat, everyday, gestures, moods, music, paces, poses, signs, sports, walkers, ways, work
from dimo.data.gestures import Draw
from dimo.data.joining import join, to_and_fro
from dimo.data.paces import Pace, slower
from dimo.data.parts import Part, pick, pick_by
from dimo.data.phrases import SUBJECTS, Pairs
from dimo.data.records import Clip
from dimo.features.layouts import LONGEST

SENTENCES = 4
ACTS = {
    **everyday.ACTS,
    **poses.ACTS,
    **moods.ACTS,
    **signs.ACTS,
    **combat.ACTS,
    **sports.ACTS,
    **work.ACTS,
    **music.ACTS,
}
"""All gestures, and how often each is drawn."""
ON_THE_WAY = (
    "salute",
    "drink",
    "eat",
    "phone",
    "scratch",
    "clap",
    "point",
    "punch",
    "talk",
    "cheer",
    "guitar",
    "beckon",
    "photo",
    "read",
    "shrug",
    "think",
    "watch",
    "lookout",
    "laugh",
    "shiver",
    "yawn",
    "wave_help",
    "shake_fist",
    "on_head",
    "hands_behind",
    "surrender",
    "cross_arms",
    "spread",
    "flap",
    "violin",
    "stop_sign",
    "conduct",
    "belly",
    "blow_kiss",
    "pray",
)
"""Gestures that somebody makes who walks."""
PACES: dict[str, tuple[Callable[[Motion, Draw], Pace | None], bool, float]] = {
    "on_the_spot": (paces.on_the_spot, False, 1.3),
    "crouched": (paces.crouched, True, 1.3),
    "looking": (paces.looking, True, 0.4),
    "looking_standing": (paces.looking, False, 0.4),
    "limping": (paces.limping, True, 0.9),
    "stairs": (paces.climbing, True, 1.2),
    "still": (paces.motionless, False, 1.0),
    **ways.PACES,
    **walkers.PACES,
}
"""Paces: how, whether on somebody who walks, and how often each is drawn."""
GESTURES = 0.57
"""Share of the gestures among what is acted."""
LABEL = "acted "
"""What the labels of acted clips begin with."""


def is_new(clip: Clip) -> bool:
    """Whether the motion is recorded or acted, and not only joined from other clips."""
    return not clip.composite or clip.label.startswith(LABEL)


@dataclass(frozen=True)
class Acted:
    """A motion with the words for it, what it is made of, and its kind."""

    motion: Motion
    said: Pairs
    used: list[Clip]
    kind: str


def act(
    stands: Sequence[Part], walks: Sequence[Part], other: Callable[[], Part | None], generator: np.random.Generator
) -> tuple[Motion, list[str], list[Clip], str] | None:
    """Something acted, with sentences; None where what was drawn does not go together.

    stands, walks: bodies that stand, and that walk forward. other: draws what is done before or after it.
    """
    made = _gesture(stands, walks, generator) if generator.random() < GESTURES else _pace(stands, walks, generator)
    if made is None or not 20 <= len(made.motion) <= LONGEST or not _sound(made.motion, made.kind):
        return None
    if made.kind not in ("still", "stairs") and generator.random() < 0.25:
        part = other()
        return None if part is None else _with_part(made, part, generator)
    said = [f"{pick(SUBJECTS, generator)} {pick(made.said, generator)[0]}" for _ in range(SENTENCES)]
    return made.motion, said, made.used, LABEL + made.kind


def _gesture(stands: Sequence[Part], walks: Sequence[Part], generator: np.random.Generator) -> Acted | None:
    name = pick_by({name: share for name, (_, share) in ACTS.items()}, generator)
    draw = Draw(generator)
    gesture = ACTS[name][0](draw)
    start, rest = draw.between(0.0, 0.6), draw.between(0.05, 0.8)
    walking = name in ON_THE_WAY and generator.random() < 0.3
    if not (walks if walking else stands):
        return None
    part = pick(walks if walking else stands, generator)
    body = part.motion if walking else lasting(part.motion, start + gesture.ends + rest, draw)
    motion = gestures.perform(body, gesture, start)
    if motion is None:
        return None
    said = gesture.said
    if walking:
        said = [
            pair
            for a, b in ((pick(said, generator), pick(part.said, generator)) for _ in range(8))
            for pair in _at_once(a, b)
        ]
    return Acted(motion, said, part.used, name)


def _at_once(a: tuple[str, str], b: tuple[str, str]) -> Pairs:
    return [(f"{a[0]} while {b[1]}", f"{a[1]} while {b[1]}"), (f"{b[0]} while {a[1]}", f"{b[1]} while {a[1]}")]


def _pace(stands: Sequence[Part], walks: Sequence[Part], generator: np.random.Generator) -> Acted | None:
    how, walking, _ = PACES[pick_by({name: share for name, (*_, share) in PACES.items()}, generator)]
    if not (walks if walking else stands):
        return None
    draw = Draw(generator)
    part = pick(walks if walking else stands, generator)
    pace = how(part.motion if walking else lasting(part.motion, draw.between(2.0, 6.0), draw), draw)
    return None if pace is None else Acted(pace.motion, pace.said, part.used, pace.kind)


def lasting(stand: Motion, seconds: float, draw: Draw) -> Motion:
    """Somebody who stands, for that long: slowed down, and to and fro where that is not enough."""
    motion = slower(stand, draw.between(1.0, 2.0))
    at = to_and_fro(len(motion), int(np.ceil(seconds * motion.fps)) + 2)
    return replace(motion, root=motion.root[at], rotations=motion.rotations[at])


def _with_part(
    made: Acted, part: Part, generator: np.random.Generator
) -> tuple[Motion, list[str], list[Clip], str] | None:
    first = generator.random() < 0.5
    whole = join(made.motion, part.motion, (0.1, 0.5)) if first else join(part.motion, made.motion, (0.5, 0.1))
    if whole is None or len(whole[0]) > LONGEST or not _sound(whole[0], made.kind):
        return None
    sentences = []
    for _ in range(SENTENCES):
        a, b = pick(made.said, generator)[0], pick(part.said, generator)[0]
        if not first:
            a, b = b, a
        form = pick(("{a} and then {b}", "{a}, then {b}", "first {a}, then {b}", "{a} and {b}"), generator)
        sentences.append(f"{pick(SUBJECTS, generator)} {form.format(a=a, b=b)}")
    kinds = (made.kind, part.event.kind) if first else (part.event.kind, made.kind)
    return whole[0], sentences, [*made.used, *part.used], LABEL + "+".join(kinds)


def _sound(motion: Motion, kind: str) -> bool:
    """On the floor, unless it is on stairs, and not through it."""
    joints = motion.joints()
    return joints[..., 1].min() > -0.08 and (kind == "stairs" or not posture.hovers(joints, motion.fps))

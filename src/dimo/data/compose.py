"""Clips joined end to end, repeated and laid over each other, with sentences to match: "walks forward, then waves".

Single clips cannot teach order, simultaneity or counts, and what exists once, for a second, is lost among them. Every result
is measured: what its sentence says must show in its events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dimo.body import measure, posture
from dimo.body.motion import Motion
from dimo.data import acted as acting
from dimo.data.describe import describe
from dimo.data.events import events, held_arms
from dimo.data.joining import BODY, join, with_arm, with_hanging_arms
from dimo.data.parts import LOCOMOTION, Part, parts_of, pick, pick_by, stands, told
from dimo.data.phrases import COUNTS, SUBJECTS, phrases
from dimo.data.records import JOINS, Caption, Clip
from dimo.features.layouts import LONGEST

PER_LABEL = 40  # clips of a label that parts are taken from
RARE = 60  # a label with no more clips than this, mirror images among them, is rare
SHORT_SECONDS = 3.5  # and a clip up to this long is short
SENTENCES = 4
WEIGHTS = {
    "walk": 8.0,
    "run": 1.5,
    "turn": 4.0,
    "turn_in_place": 1.5,
    "crouch_walk": 1.0,
    "raise": 3.0,
    "wave": 3.0,
    "bow": 2.0,
    "squat": 1.5,
    "sit": 2.5,
    "stand_up": 1.5,
    "kick": 2.5,
    "jump": 2.5,
    "lunge": 0.7,
    "side_lunge": 0.4,
    "lift_leg": 0.4,
    "lift_knee": 0.7,
    "reach_floor": 2.0,
    "lie": 1.0,
    "get_up": 0.5,
    "clap": 0.7,
    "kneel": 0.5,
}
"""How often each kind of event is a part of a composite."""
AROUND = ("walk", "run", "turn", "turn_in_place", "kick", "jump", "bow", "raise", "squat", "sit")
"""Kinds that go before or after what is acted."""
WALK_FRAMES = 50
"""Of walks that something is acted on."""
REPEATED = ("squat", "jump", "kick", "bow", "lunge", "side_lunge", "lift_knee", "reach_floor", "raise")
Made = tuple[Motion, list[str], list[Clip], str]
"""Motion, sentences, the clips it is made of, label."""


@dataclass
class Bank:
    """What composites of one set of clips are drawn from."""

    parts: dict[tuple[str, str], list[Part]]
    stands: list[Part]
    held: list[Part]  # those of the parts whose arms are up all the time, for the sake of an exercise
    rare: dict[str, list[Clip]]  # short clips of rare labels

    def draw(self, generator: np.random.Generator, kinds: Sequence[str] | None = None) -> Part | None:
        keys = sorted(k for k in self.parts if kinds is None or k[0] in kinds)
        if not keys:
            return None
        counts = {
            key: len(self.parts[key]) ** 0.3 for key in keys
        }  # of its sides, the rare ones not as often as the others
        totals = {kind: sum(n for (k, _), n in counts.items() if k == kind) for kind, _ in keys}
        weights = np.array([WEIGHTS[key[0]] * counts[key] / totals[key[0]] for key in keys])
        part = pick(self.parts[keys[int(generator.choice(len(keys), p=weights / weights.sum()))]], generator)
        # "Sits down" is no matter of arms: they are taken down from where an exercise wanted them.
        return self.lowered(part, generator) if held_arms(part.joints, part.source.fps) else part

    def lowered(self, part: Part, generator: np.random.Generator) -> Part | None:
        """The part with its arms down, as somebody has them who stands; None where it then is not the same any more."""
        if not self.stands:
            return None
        arms = pick(self.stands, generator)
        joints = with_hanging_arms(part.motion, arms.motion).joints()
        if not shows(joints, part.source.fps, part.event) or joints[..., 1].min() < -0.08:
            return None
        return Part(joints, part.event, part.source, arms.source)


def composites(clips: Sequence[Clip], count: int, seed: int = 0) -> list[Clip]:
    """About `count` composite clips made of training clips (fewer when too little is suitable); the same for a seed."""
    return make(banks(clips, seed), count, seed)


def banks(clips: Sequence[Clip], seed: int = 0) -> list[Bank]:
    """A bank of all clips and one of those alone whose licence sets no condition on what is made of them.

    Half of the composites come from either, so that weights for all uses learn from as many.
    """
    generator = np.random.default_rng([seed, 76])
    found = [bank(clips, generator), bank([c for c in clips if is_free(c.licence)], generator)]
    return [b for b in found if b.parts]


def make(
    banks: Sequence[Bank], count: int, seed: int, prefix: str = "composite", only: Sequence[str] = ()
) -> list[Clip]:
    """About `count` composites drawn from the banks. only: by these of the RECIPES."""
    generator = np.random.default_rng([seed, 77])
    out: list[Clip] = []
    shares = {name: share for name, (_, share) in RECIPES.items() if not only or name in only}
    for attempt in range(6 * count):
        if len(out) >= count or not banks:
            break
        recipe = RECIPES[pick_by(shares, generator)][0]
        made = recipe(banks[int(generator.integers(len(banks)))], generator)
        if made is not None and 20 <= len(made[0]) <= LONGEST and made[1]:
            out.append(_clip(made, f"{prefix}_{attempt:05d}"))
    return out


def is_free(licence: str) -> bool:
    """Whether a licence lets what is made of the clip be used for anything: no -NC, no -SA."""
    return not any(word in licence for word in ("-NC", "-SA"))


def _clip(made: Made, name: str) -> Clip:
    motion, sentences, used, label = made
    joints = motion.joints()
    return Clip(
        id=name,
        joints=(joints - [0, min(0.0, joints[..., 1].min() + 0.02), 0]).astype(np.float32),
        fps=motion.fps,
        captions=tuple(Caption(s, "composed") for s in dict.fromkeys(sentences)),
        split="train",
        recording=name,
        source=JOINS.join(dict.fromkeys(c.source for c in used)),
        licence=JOINS.join(dict.fromkeys(c.licence for c in used)),
        label=label,
        provenance=JOINS.join(c.id for c in used),
        composite=True,
    )


def bank(clips: Sequence[Clip], generator: np.random.Generator) -> Bank:
    """Parts of at most PER_LABEL clips of each label, and the short clips of the rare ones."""
    labels: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        labels[clip.label].append(clip)
    out = Bank(defaultdict(list), [], [], {})
    for label in sorted(labels):
        own = labels[label]
        some = [own[i] for i in sorted(generator.permutation(len(own))[:PER_LABEL])]
        for clip in some:
            for part in parts_of(clip, generator):
                if part.event.kind in WEIGHTS:
                    out.parts[part.event.kind, part.event.side].append(part)
                    if held_arms(part.joints, clip.fps):
                        out.held.append(part)
            if (still := stands(clip)) is not None:
                out.stands.append(still)
        if len(own) <= RARE:
            short = [c for c in own if len(c.joints) <= SHORT_SECONDS * c.fps and not _only_walks(c)]
            if short := [c for c in short if told(c) and not posture.hovers(np.asarray(c.joints, float), c.fps)]:
                out.rare[label] = short
    return out


def _only_walks(clip: Clip) -> bool:
    return measure.speed(measure.smooth(np.asarray(clip.joints, float), clip.fps), clip.fps) > 0.9


# ---- one thing after the other


def sequence(bank: Bank, generator: np.random.Generator) -> Made | None:
    """Two parts joined, or three."""
    parts = [bank.draw(generator) for _ in range(3 if generator.random() < 0.25 else 2)]
    drawn = [part for part in parts if part is not None]
    return join_parts(drawn, generator) if len(drawn) == len(parts) else None


def join_parts(parts: Sequence[Part], generator: np.random.Generator) -> Made | None:
    """One after the other; None when the result does not show each."""
    kinds = [(p.event.kind, p.event.side) for p in parts]
    if any(a == b for a, b in zip(kinds[:-1], kinds[1:], strict=True)):
        return circle(parts[0], parts[1], generator) if kinds == [("turn", parts[0].event.side)] * 2 else None
    motion, cuts = parts[0].motion, [0]
    for part in parts[1:]:
        joined = join(motion, part.motion)
        if joined is None or len(joined[0]) > LONGEST:
            return None
        motion, cut = joined
        cuts.append(cut)
    joints = motion.joints()
    spans = zip(parts, cuts, [*cuts[1:], len(motion)], strict=True)
    if posture.hovers(joints, motion.fps) or not all(shows(joints[a:b], motion.fps, p.event) for p, a, b in spans):
        return None
    sentences = []
    for _ in range(SENTENCES):
        said = [pick(p.said, generator)[0] for p in parts]
        a, b = said[0], said[-1]
        forms = [
            f"{a} and then {b}",
            f"{a}, then {b}",
            f"first {a}, then {b}",
            f"{a} and {b}",
            f"{a} and afterwards {b}",
        ]
        if parts[0].event.kind in LOCOMOTION and parts[1].event.kind not in (*LOCOMOTION, "turn"):
            forms.append(f"{a}, stops and {b}")
        if len(parts) == 3:
            c = said[1]
            forms = [
                f"{a}, {c} and {b}",
                f"{a}, then {c} and then {b}",
                f"{a}, {c}, and then {b}",
                f"{a} and {c}, then {b}",
            ]
        sentences.append(f"{pick(SUBJECTS, generator)} {pick(forms, generator)}")
    label = "+".join(p.event.kind for p in parts)
    return motion, sentences, [c for p in parts for c in p.used], label


def circle(first: Part, second: Part, generator: np.random.Generator) -> Made | None:
    """Two walked turns to one side make a curve; None unless it turns by more than 140 degrees while walking."""
    halves = []
    for part in (first, second):
        spare = max(0, len(part.motion) - LONGEST // 2)
        halves.append(part.motion[spare // 2 : len(part.motion) - (spare - spare // 2)])
    joined = join(*halves)
    if joined is None or len(joined[0]) > LONGEST:
        return None
    motion = joined[0]
    joints = measure.smooth(motion.joints(), motion.fps)
    side = first.event.side
    degrees = measure.turn_degrees(joints) * (1 if side == "left" else -1)
    if degrees < 140 or measure.travel(joints)["forward"] < 2:
        return None
    forms = [f"walks in a curve to the {side}", f"turns {side} twice while walking"]
    if degrees > 240:
        forms = [f"walks in a circle to the {side}", f"walks around in a circle, turning {side}", "walks in a circle"]
        forms.append(f"walks in a {'counterclockwise' if side == 'left' else 'clockwise'} circle")
    elif degrees < 230:
        forms += [
            f"walks forward, turns around to the {side} and walks back",
            "walks forward, turns around and walks back",
        ]
    said = [f"{pick(SUBJECTS, generator)} {pick(forms, generator)}" for _ in range(SENTENCES)]
    return motion, said, [*first.used, *second.used], "turn+turn"


def again(bank: Bank, generator: np.random.Generator) -> Made | None:
    """One part several times, and how often."""
    part = bank.draw(generator, REPEATED)
    if part is None or part.event.count > 1:
        return None
    most = min(5, LONGEST // max(1, len(part.joints) - 10))
    if most < 2:
        return None
    count = int(generator.integers(2, most + 1))
    motion = part.motion
    for _ in range(count - 1):
        joined = join(motion, part.motion)
        if joined is None:
            return None
        motion = joined[0]
    joints = motion.joints()
    if part.event.kind == "raise":
        sides = posture.SIDES if part.event.side == "both" else (part.event.side,)
        steady = measure.smooth(joints, motion.fps)
        if any(measure.raises(steady, s, motion.fps) != count for s in sides):
            return None
        said = [
            f"{finite} {pick(COUNTS[count], generator)}" for finite, _ in part.said if not finite.startswith("holds")
        ]
    else:
        found = [e for e in events(joints, motion.fps) if e.kind == part.event.kind]
        if len(found) != 1 or found[0].count != count or found[0].side != part.event.side:
            return None
        said = [finite for finite, _ in phrases(found[0])]
    sentences = [f"{pick(SUBJECTS, generator)} {pick(said, generator)}" for _ in range(SENTENCES)]
    return motion, sentences, part.used, f"{part.event.kind} again"


def padded(bank: Bank, generator: np.random.Generator) -> Made | None:
    """A short clip of a rare label between what may go before and after it, in the words that people have for it."""
    if not bank.rare or not bank.stands:
        return None
    clip = pick(bank.rare[pick(sorted(bank.rare), generator)], generator)
    before, after = (pick(("none", "stand", "stand", "walk"), generator) for _ in range(2))
    motion = Motion.from_joints(BODY, np.asarray(clip.joints, float), clip.fps)
    used = [clip]
    for place, kind in (("before", before), ("after", after)):
        if kind == "none":
            continue
        part = pick(bank.stands, generator) if kind == "stand" else bank.draw(generator, ("walk",))
        if part is None or (kind == "walk" and part.event.side != "forward"):
            return None
        piece = part.motion[: int(generator.integers(16, 56))]
        # The short clip itself must not be cut: its action begins and ends with it.
        joined = join(piece, motion, (0.5, 0.1)) if place == "before" else join(motion, piece, (0.1, 0.5))
        if joined is None:
            return None
        motion = joined[0]
        used += part.used
    does = [
        e for e in events(clip.joints, clip.fps) if e.kind not in ("still", "turn") and not e.kind.startswith("hold_")
    ]
    if len(used) == 1 or not all(shows(motion.joints(), motion.fps, e) for e in does):
        return None
    if posture.hovers(motion.joints(), motion.fps):
        return None
    said = []
    for _ in range(SENTENCES):
        words = pick(told(clip), generator)
        if before == "walk":
            words = pick(
                (f"walks forward and then {words}", f"walks forward, stops and {words}", f"walks, then {words}"),
                generator,
            )
        elif before == "stand" and generator.random() < 0.2:
            words = f"stands still, then {words}"
        if after == "walk":
            words = pick(
                (f"{words}, then walks forward", f"{words} and walks on", f"{words} and then walks ahead"), generator
            )
        elif after == "stand" and generator.random() < 0.15:
            words = f"{words} and then stands still"
        said.append(f"{pick(SUBJECTS, generator)} {words}")
    return motion, said, used, clip.label


# ---- one thing over another


def overlay(bank: Bank, generator: np.random.Generator) -> Made | None:
    """The arm of a raise or wave on the body of a walk, a run or a squat."""
    body, hand = bank.draw(generator, (*LOCOMOTION, "squat", "turn_in_place")), bank.draw(generator, ("raise", "wave"))
    return None if body is None or hand is None else overlay_parts(body, hand, generator)


def overlay_parts(body: Part, hand: Part, generator: np.random.Generator) -> Made | None:
    if min(len(body.motion), len(hand.motion)) < 0.8 * len(hand.motion):
        return None
    sides = posture.SIDES if hand.event.side == "both" else (hand.event.side,)
    motion = with_arm(body.motion, hand.motion, tuple(sides))
    if not (shows(motion.joints(), motion.fps, body.event) and shows(motion.joints(), motion.fps, hand.event)):
        return None
    sentences = []
    for _ in range(SENTENCES):
        (a, a_ing), (b, b_ing) = pick(body.said, generator), pick(hand.said, generator)
        forms = [f"{a} while {b_ing}", f"{b} while {a_ing}", f"{a} and {b} at the same time"]
        sentences.append(f"{pick(SUBJECTS, generator)} {pick(forms, generator)}")
    return motion, sentences, [*body.used, *hand.used], f"{body.event.kind}+{hand.event.kind}"


def lowered(bank: Bank, generator: np.random.Generator) -> Made | None:
    """What an exercise does with its arms up, done with the arms down."""
    part = bank.lowered(pick(bank.held, generator), generator) if bank.held else None
    if part is None:
        return None
    said = describe(part.joints, part.source.fps, generator, SENTENCES)
    return part.motion, said, part.used, f"{part.event.kind} with arms down"


def acted(bank: Bank, generator: np.random.Generator) -> Made | None:
    """A gesture or a pace that hardly anybody recorded, on the body of a real clip."""
    walks = [p for p in bank.parts.get(("walk", "forward"), []) if len(p.joints) >= WALK_FRAMES]
    return acting.act(bank.stands, walks, lambda: bank.draw(generator, AROUND), generator)


RECIPES: dict[str, tuple[Callable[[Bank, np.random.Generator], Made | None], float]] = {
    "sequence": (sequence, 0.36),
    "overlay": (overlay, 0.17),
    "padded": (padded, 0.25),
    "lowered": (lowered, 0.12),
    "again": (again, 0.10),
    "acted": (acted, 0.46),
}
"""Ways to make a composite, and how often each is tried."""


def shows(joints: np.ndarray, fps: float, event: object) -> bool:
    kind, side = event.kind, event.side  # type: ignore[attr-defined]
    return len(joints) >= 8 and any((e.kind, e.side) == (kind, side) for e in events(joints, fps))

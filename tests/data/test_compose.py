"""Joined, repeated and overlaid clips: what the sentence says must show in the motion, and where they come from is known."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dimo.body import measure
from dimo.body.kinematics import forward
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat
from dimo.data import compose
from dimo.data.body_events import Event
from dimo.data.events import events
from dimo.data.joining import BODY
from dimo.data.parts import Part, parts_of, stands, told
from dimo.data.phrases import phrases
from dimo.data.records import Caption, Clip

X, Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])
FREE, BOUND, ALIKE = "CC0 1.0", "CC BY-NC 4.0", "CC BY-SA 3.0"


def clip(name, bend=None, arms=-1.4, seconds=3.0, licence=FREE, path=0.0, captions=()):
    """A body on its feet: degrees of flexion by joint (F,), the angle of the arms (F,) or by side, metres ahead (F,)."""
    n = round(seconds * 20)
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    for side, sign in (("left", 1), ("right", -1)):
        angle = arms[side] if isinstance(arms, dict) else arms
        rotations[:, BODY.index(f"{side}_shoulder")] = axis_angle_to_quat(Z, sign * np.broadcast_to(angle, n))
    for joint, degrees in (bend or {}).items():
        rotations[:, BODY.index(joint)] = axis_angle_to_quat(X, -np.radians(degrees))
    joints = forward(BODY, np.zeros((n, 3)), rotations)
    place = np.stack([np.zeros(n), -joints[..., 1].min(axis=1), np.broadcast_to(path, n)], axis=-1)
    said = tuple(Caption(c, "written") for c in captions)
    joints = (joints + place[:, None]).astype(np.float32)
    return Clip(name, joints, 20.0, said, "train", source=f"of {name}", licence=licence, label=name)


def ramp(t, start, end):
    u = np.clip((t - start) / (end - start), 0, 1)
    return u * u * (3 - 2 * u)


T = np.arange(60) / 20
SWING = ramp(T, 1.2, 1.45) - ramp(T, 1.55, 1.8)
DOWN = ramp(T, 0.8, 1.3) - ramp(T, 1.6, 2.1)
KICK = clip("kick", {"right_hip": 85 * SWING}, captions=["a person kicks with the right leg", "then it is over"])
STAND = clip("stand")
UP = {"left": np.where((T > 1) & (T < 2), 1.2, -1.4), "right": -1.4}
RAISE = clip("raise", arms=UP, licence=BOUND)
SQUAT = {f"{s}_{j}": k * 65 * DOWN for s in ("left", "right") for j, k in (("hip", 1), ("knee", -2), ("ankle", 1))}
EXERCISE = clip("exercise", SQUAT, arms=1.2, licence=ALIKE)
WALK = clip("walk", {f"{s}_hip": sign * 20 * np.sin(6 * T) for s, sign in (("left", 1), ("right", -1))}, path=1.1 * T)


def one(source: Clip) -> Part:
    return parts_of(source, np.random.default_rng(0))[0]


def walked_turn(side: str, degrees: float = 90.0, seconds: float = 5.0) -> Part:
    """A rigid standing body carried along a quarter circle at 1 m/s."""
    frames = round(seconds * 20)
    sign = 1 if side == "left" else -1
    heading = sign * np.radians(degrees) * np.clip(np.linspace(-0.2, 1.2, frames), 0, 1)
    step = np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], axis=-1) / 20
    rotations = np.tile(np.eye(4)[0], (frames, 22, 1))
    rotations[:, 0, 0], rotations[:, 0, 2] = np.cos(heading / 2), np.sin(heading / 2)
    motion = Motion(BODY, 20.0, np.cumsum(step, axis=0) + np.array([0, 0.95, 0]), rotations)
    source = Clip(id="t", joints=motion.joints().astype(np.float32), fps=20.0, captions=(), split="train")
    return Part(motion.joints(), Event("turn", 0, frames, side, degrees), source)


@pytest.mark.parametrize("side", ["left", "right"])
def test_two_walked_turns_to_one_side_make_a_curve_to_that_side(side):
    made = compose.join_parts([walked_turn(side), walked_turn(side)], np.random.default_rng(0))
    assert made is not None
    motion, sentences, *_ = made
    turned = measure.turn_degrees(motion.joints()) * (1 if side == "left" else -1)
    assert 140 < turned < 200
    assert len(motion) <= compose.LONGEST
    assert all(side in s.split() or "walks back" in s for s in sentences)


def test_two_small_turns_are_no_circle():
    small = walked_turn("left", 55.0)
    assert compose.join_parts([small, small], np.random.default_rng(0)) is None


@pytest.mark.parametrize(("speed", "said"), [(0.6, True), (1.2, False), (1.8, False)])
def test_only_a_slow_walk_is_said_to_trudge(speed, said):
    words = " ".join(finite for finite, _ in phrases(Event("walk", 0, 40, "forward", speed)))
    assert ("trudges" in words and "slowly" in words) == said
    assert ("briskly" in words) == (speed > 1.55)


def test_a_sequence_shows_its_parts_in_order():
    made = compose.join_parts([one(RAISE), one(KICK)], np.random.default_rng(0))
    assert made is not None
    motion, sentences, used, label = made
    assert [(e.kind, e.side) for e in events(motion.joints(), 20.0)] == [("raise", "left"), ("kick", "right")]
    assert all(s.index("left") < s.index("right") for s in sentences)
    assert label == "raise+kick"
    assert [c.id for c in used] == ["raise", "kick"]
    assert compose.join_parts([one(KICK), one(KICK)], np.random.default_rng(0)) is None


def test_repetitions_are_counted():
    bank = compose.Bank({("kick", "right"): [one(KICK)]}, [], [], {})
    for seed in range(4):
        made = compose.again(bank, np.random.default_rng(seed))
        assert made is not None
        motion, sentences, *_ = made
        found = [e for e in events(motion.joints(), 20.0) if e.kind == "kick"]
        count = found[0].count
        assert len(found) == 1
        assert count >= 2
        words = compose.COUNTS.get(count, ("several times", "again and again"))
        assert all(s.endswith(words) for s in sentences)


def test_short_rare_clips_are_padded_and_keep_their_action():
    still = stands(STAND)
    assert still is not None
    bank = compose.Bank({}, [still], [], {"kick": [KICK]})
    seen = set()
    for seed in range(40):
        made = compose.padded(bank, np.random.default_rng(seed))
        if made is None:
            continue
        motion, sentences, used, label = made
        assert label == "kick"
        assert [(e.kind, e.side) for e in events(motion.joints(), 20.0)] == [("kick", "right")]
        assert len(motion) > len(KICK.joints) + 8
        assert all(re.search(r"\bkicks with the right leg\b", s) for s in sentences)
        seen.add(len(used))
    assert seen == {2, 3}


def test_what_an_exercise_does_with_arms_up_is_done_with_arms_down():
    still, part = stands(STAND), one(EXERCISE)
    assert still is not None
    bank = compose.Bank({("squat", ""): [part]}, [still], [part], {})
    made = compose.lowered(bank, np.random.default_rng(0))
    assert made is not None
    motion, sentences, used, _ = made
    assert [e.kind for e in events(EXERCISE.joints, 20.0)] == ["hold_high", "squat"]
    assert [e.kind for e in events(motion.joints(), 20.0)] == ["squat"]
    assert not any("arms" in s or "hands" in s for s in sentences)
    assert [c.id for c in used] == ["exercise", "stand"]


def test_an_overlay_does_both_at_once():
    made = compose.overlay_parts(one(WALK), one(RAISE), np.random.default_rng(0))
    assert made is not None
    assert {(e.kind, e.side) for e in events(made[0].joints(), 20.0)} == {("walk", "forward"), ("raise", "left")}
    assert all("left" in s and ("while" in s or "same time" in s) for s in made[1])


def test_composites_name_all_they_are_made_of_and_half_are_free():
    clips = [replace(c, id=f"{c.id}{i}") for c in (KICK, STAND, RAISE, EXERCISE, WALK) for i in range(2)]
    made = compose.composites(clips, 40, seed=2)
    licences = {c.source: c.licence for c in clips}
    assert len(made) == 40
    again = compose.composites(clips, 40, seed=2)
    assert all(
        np.array_equal(a.joints, b.joints) and a.captions == b.captions for a, b in zip(made, again, strict=True)
    )
    for c in made:
        assert c.composite
        assert c.split == "train"
        assert c.licence == " + ".join(dict.fromkeys(licences[s] for s in c.source.split(" + ")))
        assert len(c.joints) <= compose.LONGEST
        assert c.captions
        assert {t.kind for t in c.captions} == {"composed"}
    more = made + compose.composites(clips, 40, seed=3) + compose.composites(clips, 40, seed=4)
    assert sum(c.licence == FREE for c in more) > 60  # 46 of 120 from the bank of all clips alone


def test_what_people_say_is_taken_from_the_verb_on():
    captions = [
        "a person kicks high",
        "Someone quickly turns",
        "with the left leg a man kicks",
        "the man bows, then waves",
    ]
    source = replace(KICK, captions=tuple(Caption(c.lower(), "human") for c in captions))
    assert told(source) == ["kicks high", "quickly turns"]

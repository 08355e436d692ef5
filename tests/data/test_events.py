"""What the captioner says of bodies whose movement is known: angles of joints in, events out."""

import numpy as np
import pytest

from dimo import preset
from dimo.body.kinematics import forward
from dimo.body.rotation import axis_angle_to_quat
from dimo.data.describe import describe, ends_moving, with_arms
from dimo.data.events import events

BODY = preset("humanml3d")
FPS = 20.0
X, Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])


def body(seconds=4.0, bend=None, lift=None, arms=-1.4, pitch=0.0):
    """A body on its feet. bend: degrees of forward flexion of a joint (F,) by name; lift (F,): metres off the floor."""
    n = round(seconds * FPS)
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    for side, sign in (("left", 1), ("right", -1)):
        rotations[:, BODY.index(f"{side}_shoulder")] = axis_angle_to_quat(Z, sign * np.broadcast_to(arms, n))
    for name, degrees in (bend or {}).items():
        rotations[:, BODY.index(name)] = axis_angle_to_quat(X, -np.radians(np.broadcast_to(degrees, n)))
    rotations[:, 0] = axis_angle_to_quat(X, np.radians(np.broadcast_to(pitch, n)))
    joints = forward(BODY, np.zeros((n, 3)), rotations)
    height = -joints[..., 1].min(axis=1) + (0 if lift is None else lift)
    return joints + np.stack([0 * height, height, 0 * height], axis=-1)[:, None]


def times(seconds=4.0):
    return np.arange(round(seconds * FPS)) / FPS


def ramp(t, start, end):
    """0 before start, 1 after end, gently in between."""
    u = np.clip((t - start) / (end - start), 0, 1)
    return u * u * (3 - 2 * u)


def squatting(amount):
    return {f"{s}_{j}": k * amount for s in ("left", "right") for j, k in (("hip", 1), ("knee", -2), ("ankle", 1))}


def told(joints):
    return [(e.kind, e.side, e.count) for e in events(joints, FPS)]


def test_a_squat_goes_down_and_up():
    t = times()
    down = ramp(t, 1, 1.6) - ramp(t, 1.9, 2.5)
    assert told(body(bend=squatting(65 * down))) == [("squat", "", 1)]
    assert told(body(bend=squatting(65 * ramp(t, 2, 3)))) == [("squat", "down", 1)]
    assert told(body(bend=squatting(20 * down))) == []
    often = sum(ramp(t, s, s + 0.4) - ramp(t, s + 0.5, s + 0.9) for s in (0.4, 1.6, 2.8))
    assert told(body(bend=squatting(65 * often))) == [("squat", "", 3)]


def test_sitting_has_the_feet_ahead():
    t = times()
    seat = {f"{s}_{j}": sign * 90 for s in ("left", "right") for j, sign in (("hip", 1), ("knee", -1))}
    down = ramp(t, 1, 2)
    assert told(body(bend={k: v * down for k, v in seat.items()})) == [("sit", "", 1)]
    up = down - ramp(t, 2.8, 3.6)
    assert told(body(bend={k: v * up for k, v in seat.items()})) == [("sit", "", 1), ("stand_up", "", 1)]
    under = ramp(t, 0.5, 1.2) - ramp(t, 2.6, 3.3)
    assert told(body(bend=squatting(50 * under))) == []  # low for a while on feet that are not ahead: no seat
    backwards = body(bend={k: v * down for k, v in seat.items()})[::-1]
    assert told(backwards) == [("stand_up", "", 1)]


@pytest.mark.parametrize("side", ["left", "right"])
def test_legs_are_kicked_fast_and_lifted_slowly(side):
    t = times()
    fast = ramp(t, 1.8, 2.05) - ramp(t, 2.15, 2.4)
    assert told(body(bend={f"{side}_hip": 85 * fast})) == [("kick", side, 1)]
    slow = ramp(t, 0.5, 1.7) - ramp(t, 2.2, 3.4)
    assert told(body(bend={f"{side}_hip": 85 * slow})) == [("lift_leg", side, 1)]
    assert told(body(bend={f"{side}_hip": 90 * slow, f"{side}_knee": -90 * slow})) == [("lift_knee", side, 1)]


@pytest.mark.parametrize(("front", "back"), [("left", "right"), ("right", "left")])
def test_a_lunge_has_one_foot_far_ahead(front, back):
    t = times(3.0)
    down = 0.35 + 0.65 * (ramp(t, 0.8, 1.3) - ramp(t, 1.6, 2.1))
    bend = {
        f"{front}_hip": 75 * down,
        f"{front}_knee": -75 * down,
        f"{back}_hip": -15 * down,
        f"{back}_knee": -75 * down,
    }
    assert told(body(3.0, bend=bend)) == [("lunge", front, 1)]


@pytest.mark.parametrize(("way", "side"), [(0.0, "up"), (0.9, "forward"), (-0.9, "backward")])
def test_jumps_go_somewhere_or_up(way, side):
    t = times(3.0)
    crouch = squatting(50 * np.exp(-(((t - 1.0) / 0.15) ** 2)))
    joints = body(3.0, bend=crouch, lift=np.maximum(0, 0.4 * (1 - ((t - 1.45) / 0.25) ** 2)))
    path = way * ramp(t, 1.2, 1.7)
    assert told(joints + np.stack([0 * t, 0 * t, path], axis=-1)[:, None]) == [("jump", side, 1)]


def test_a_body_that_lies_has_a_face_up_or_down():
    t = times()
    for pitch, side in ((-90, "back"), (90, "front")):
        joints = body(pitch=pitch * ramp(t, 1.5, 2.5))
        assert told(joints) == [("lie", side, 1)]
        assert told(joints[::-1]) == [("get_up", "", 1)]


def test_hands_on_the_floor():
    t = times()
    down = ramp(t, 1, 1.6) - ramp(t, 2, 2.6)
    joints = body(bend=squatting(65 * down))
    low = (t > 1.6) & (t < 2)
    joints[low, BODY.index("right_wrist"), 1] = 0.1
    assert told(joints) == [("reach_floor", "right", 1)]
    assert told(joints[:, BODY.mirrored] * [-1, 1, 1]) == [("reach_floor", "left", 1)]


def test_nothing_is_said_of_what_hovers():
    joints = body(arms=np.where((times() > 1) & (times() < 3), 1.2, -1.4))
    assert told(joints) == [("raise", "both", 1)]
    assert told(joints + np.array([0, 0.3, 0])) == []


def test_arms_that_are_up_all_the_time_are_said_once_and_at_the_end():
    t = times()
    down = ramp(t, 1, 1.6) - ramp(t, 1.9, 2.5)
    joints = body(bend=squatting(65 * down), arms=1.2)
    assert told(joints) == [("hold_high", "both", 1), ("squat", "", 1)]
    generator = np.random.default_rng(0)
    for sentence in describe(joints, FPS, generator, 8):
        assert "squat" in sentence or "knees" in sentence or "crouch" in sentence
        assert any(sentence.endswith(end) for end in ("overhead", "above the head", "in the air"))
    said = with_arms(["a man squats", "a man squats with raised arms."], joints, FPS, generator)
    assert said[0].startswith("a man squats with both")
    assert said[1] == "a man squats with raised arms."
    assert with_arms(["a man squats"], body(bend=squatting(65 * down)), FPS, generator) == ("a man squats",)


@pytest.mark.parametrize(
    ("caption", "speed", "false"),
    [
        ("a man walks and stops", 1.2, True),
        ("a man walks and stops", 0.1, False),
        ("a man walks on", 1.2, False),
        ("a man stops and then walks on", 1.2, False),
    ],
)
def test_a_caption_that_says_stop_is_false_of_a_body_that_goes_on(caption, speed, false):
    joints = body() + np.stack([0 * times(), 0 * times(), speed * times()], axis=-1)[:, None]
    assert ends_moving(caption, joints, FPS) == false

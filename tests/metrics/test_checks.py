"""Instruction checks and physics on bodies whose movement is known."""

import numpy as np
import pytest

from dimo import RequestError, preset
from dimo.body.kinematics import forward
from dimo.body.rotation import axis_angle_to_quat, yaw_to_quat
from dimo.data.describe import describe
from dimo.data.events import events
from dimo.metrics.checks import check, check_all
from dimo.metrics.physics import measure_body

BODY = preset("humanml3d")
FPS = 20.0


def body(seconds=4.0, velocity=(0, 0), yaw=0.0, arms=None, height=None):
    """Arms hanging; velocity (forward, left) in m/s in the body's frame; yaw radians by the end; arms: angle per side."""
    n = round(seconds * FPS)
    t = np.arange(n) / FPS
    turn = yaw * t / seconds
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    rotations[:, 0] = yaw_to_quat(turn)
    for side, sign in (("left", 1), ("right", -1)):
        angle = (arms or {}).get(side, np.full(n, -1.4))
        j = BODY.index(f"{side}_shoulder")
        rotations[:, j] = axis_angle_to_quat(np.array([0.0, 0, 1]), sign * np.broadcast_to(angle, n))
    ahead = np.stack([np.sin(turn), np.cos(turn)], -1)
    left = np.stack([np.cos(turn), -np.sin(turn)], -1)
    ground = np.cumsum((ahead * velocity[0] + left * velocity[1]) / FPS, axis=0)
    root = np.stack([ground[:, 0], np.full(n, 0.92) + (0 if height is None else height(t)), ground[:, 1]], -1)
    return forward(BODY, root, rotations)


def holds(name, joints, **arguments):
    return check({"check": name, **arguments}, joints, FPS)


@pytest.mark.parametrize(
    ("direction", "velocity"), [("forward", (1, 0)), ("backward", (-1, 0)), ("left", (0, 1)), ("right", (0, -1))]
)
def test_travel_is_in_the_bodys_own_frame(direction, velocity):
    joints = body(velocity=velocity, yaw=1.5)
    for other in ("forward", "backward", "left", "right"):
        assert holds("travel", joints, direction=other, min_m=3.0) == (other == direction)
    assert not holds("travel", joints, direction=direction, min_m=4.5)
    assert not holds("stay", joints)
    assert holds("stay", body())


def test_turns():
    left = body(yaw=np.radians(90))
    assert holds("turn", left, side="left", min_deg=80, max_deg=100)
    assert not holds("turn", left, side="right")
    assert not holds("no_turn", left)
    assert holds("turn", body(yaw=np.radians(-400)), side="right", min_deg=390)
    assert holds("no_turn", body(yaw=np.radians(20)))


def test_hands():
    n = 80
    up = np.where((np.arange(n) > 20) & (np.arange(n) < 60), 1.2, -1.4)
    left, both = body(arms={"left": up}), body(arms={"left": up, "right": up})
    assert holds("raise_hand", left, side="left")
    assert not holds("raise_hand", left, side="right")
    assert not holds("raise_hand", left, side="both")
    assert holds("raise_hand", both, side="both")
    assert not holds("raise_hand", both, side="left")
    assert not holds("raise_hand", left, side="left", seconds=2.5)


def test_waves_need_strokes():
    t = np.arange(80) / FPS
    waving = np.where(t > 0.5, 1.2 + 0.35 * np.sin(2 * np.pi * 1.5 * t), -1.4)
    joints = body(arms={"right": waving})
    assert holds("wave", joints, side="right")
    assert not holds("wave", joints, side="left")
    assert not holds("wave", joints, side="both")
    assert not holds("wave", joints, side="right", strokes=20)
    assert not holds("wave", body(arms={"right": np.where(t > 0.5, 1.2, -1.4)}), side="right")


def test_speed_still_lower_jump():
    assert holds("speed", body(velocity=(1.5, 0)), min_mps=1.45, max_mps=1.55)
    assert holds("still", body())
    assert not holds("still", body(velocity=(0.3, 0)))
    hop = body(height=lambda t: 0.3 * np.maximum(0, np.sin(2 * np.pi * t)) ** 2)
    assert holds("jump", hop, count=4)
    assert not holds("jump", hop, count=2)
    assert not holds("jump", body())


def test_in_order():
    t = np.arange(80) / FPS
    up = body(arms={"left": np.where((t > 2.5) & (t < 3.8), 1.2, -1.4)})
    travel = np.where(t < 2, t, 2.0)
    up[..., 2] += travel[:, None]
    walk, hand = {"check": "travel", "direction": "forward"}, {"check": "raise_hand", "side": "left"}
    assert holds("in_order", up, first=walk, second=hand)
    assert not holds("in_order", up, first=hand, second=walk)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"check": "fly"}, "fly"),
        ({}, "None"),
        ({"check": "turn"}, "lacks"),
        ({"check": "turn", "side": "up"}, "up"),
        ({"check": "stay", "deg": 3}, "deg"),
    ],
)
def test_unknown_checks_and_arguments_are_named(spec, words):
    with pytest.raises(RequestError, match=words):
        check(spec, body(), FPS)


def test_wrong_joints_are_refused():
    with pytest.raises(RequestError, match="22"):
        check_all([], np.zeros((5, 21, 3)), FPS)


def test_physics_of_known_bodies():
    still = measure_body(body(), FPS)
    assert (still.foot_skate_mps, still.float_m, still.penetration_m, still.jerk_mps3) == pytest.approx(
        (0, 0, 0, 0), abs=1e-6
    )
    # The rest pose gliding at 0.5 m/s: feet stand on the floor and slide at exactly that speed.
    assert measure_body(body(velocity=(0.5, 0)), FPS).foot_skate_mps == pytest.approx(0.5)
    # A cubic path of 1/6 t^3 metres has a third derivative of 1 m/s^3 everywhere.
    t = np.arange(80) / FPS
    assert measure_body(body() + np.stack([t**3 / 6, 0 * t, 0 * t], -1)[:, None], FPS).jerk_mps3 == pytest.approx(
        1.0, rel=1e-6
    )
    sunk = body(height=lambda t: np.where(t < 0.2, -0.1, 0.0))
    assert measure_body(sunk, FPS).penetration_m == pytest.approx(0.1 * 4 / 80)


def test_descriptions_say_what_is_there():
    t = np.arange(80) / FPS
    generator = np.random.default_rng(0)
    cases = [
        (body(velocity=(1.2, 0)), "walk", "forward", ("forward", "ahead")),
        (body(velocity=(-1.0, 0)), "walk", "backward", ("backward",)),
        (body(velocity=(1.2, 0), yaw=np.radians(90)), "turn", "left", ("left",)),
        (body(arms={"right": np.where((t > 1) & (t < 3), 1.2, -1.4)}), "raise", "right", ("right",)),
        (body(), "still", "", ("still", "without")),
    ]
    for joints, kind, side, words in cases:
        assert (kind, side) in {(e.kind, e.side) for e in events(joints, FPS)}
        sentences = describe(joints, FPS, generator, 5)
        assert sentences
        assert all(any(w in s for w in words) for s in sentences)


def test_mirrored_bodies_have_mirrored_events():
    t = np.arange(80) / FPS
    joints = body(velocity=(1.0, 0), yaw=np.radians(100), arms={"left": np.where((t > 1) & (t < 3), 1.2, -1.4)})
    swap = {"left": "right", "right": "left"}
    mirrored = joints[:, BODY.mirrored] * [-1, 1, 1]
    assert [(e.kind, swap.get(e.side, e.side), e.start, e.end) for e in events(joints, FPS)] == [
        (e.kind, e.side, e.start, e.end) for e in events(mirrored, FPS)
    ]

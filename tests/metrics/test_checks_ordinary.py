"""Checks of ordinary actions on bodies whose movement is known in closed form."""

import numpy as np
import pytest

from dimo import RequestError, preset
from dimo.body import measure, posture
from dimo.body.kinematics import forward
from dimo.body.rotation import axis_angle_to_quat, yaw_to_quat
from dimo.metrics.checks import check

BODY = preset("humanml3d")
FPS = 20.0
J = {name: j for j, name in enumerate(BODY.names)}
LEGS = [J[f"{s}_{p}"] for s in ("left", "right") for p in ("knee", "ankle", "foot")]


def standing(seconds=4.0, yaw=None):
    """The rest pose with hanging arms, its lowest joint on y = 0; yaw (F,) radians."""
    n = round(seconds * FPS)
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    for side, sign in (("left", 1), ("right", -1)):
        rotations[:, J[f"{side}_shoulder"]] = axis_angle_to_quat(np.array([0.0, 0, 1]), np.full(n, sign * -1.4))
    rotations[:, 0] = yaw_to_quat(np.zeros(n) if yaw is None else yaw)
    joints = forward(BODY, np.tile([0.0, 0.92, 0], (n, 1)), rotations)
    return joints - [0, joints[..., 1].min(), 0]


def lowered(depth, start=1.5, end=2.5, seconds=4.0):
    """Everything above the knees goes down by `depth` metres between start and end, less than half of the time."""
    joints = standing(seconds)
    down = times(seconds)
    part = [j for j in range(22) if j not in LEGS]
    joints[np.ix_((down >= start) & (down < end), part, [1])] -= depth
    return joints


def times(seconds=4.0):
    return np.arange(round(seconds * FPS)) / FPS


def moved(joints, names, offset):
    """Joints by name displaced by offset (F, 3)."""
    out = joints.copy()
    out[:, [J[n] for n in names]] += np.asarray(offset)[:, None]
    return out


def pulses(t, count, length=0.3, every=0.8):
    """(F,) bool: on for `length` seconds, `count` times."""
    return np.any([(t >= 0.4 + i * every) & (t < 0.4 + i * every + length) for i in range(count)], axis=0)


def up(values):
    return np.stack([0 * values, values, 0 * values], axis=-1)


def holds(name, joints, **arguments):
    return check({"check": name, **arguments}, joints, FPS)


def test_standing_height_is_that_of_the_bones():
    joints = standing()
    leg = np.mean([BODY.lengths[J[f"{s}_knee"]] + BODY.lengths[J[f"{s}_ankle"]] for s in ("left", "right")])
    assert posture.standing_height(joints) == pytest.approx(1.05 * leg + 0.07)
    assert posture.pelvis_height(joints) == pytest.approx((joints[0, 0, 1] - 0.0) / (1.05 * leg + 0.07))


def test_grounded_is_resting_on_the_plane():
    t = times()
    assert holds("grounded", standing())
    assert not holds("grounded", standing() + np.array([0, 0.15, 0]))
    assert not holds("grounded", standing() - [0, 0.1, 0])
    jump = np.where((t > 1) & (t < 1.6), 0.5, 0.0)
    assert holds("grounded", standing() + up(jump)[:, None])
    assert not holds("grounded", standing() + up(np.where((t > 1) & (t < 2), 0.5, 0.0))[:, None])
    assert holds("grounded", moved(standing(), BODY.names[1:], up(0.2 * np.ones(80))) - [0, 0.2, 0])  # on its seat


def test_low_needs_depth_time_and_place():
    tall = posture.standing_height(standing())
    assert holds("low", lowered(0.45 * tall))
    assert not holds("low", lowered(0.2 * tall))
    assert not holds("low", lowered(0.45 * tall, 1.5, 1.8))
    assert not holds("low", lowered(0.45 * tall), when="end")
    assert holds("low", lowered(0.45 * tall, 2.6, 4.0), when="end")
    assert holds("low", lowered(0.45 * tall, 0.6, 1.0, 1.0), when="end")  # a quarter is shorter than half a second
    with pytest.raises(RequestError, match="soon"):
        holds("low", lowered(0.4), when="soon")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_squats_are_counted(count):
    t = times()
    joints = standing()
    part = [n for n in BODY.names if J[n] not in LEGS]
    joints = moved(joints, part, up(np.where(pulses(t, count), -0.45, 0.0)))
    assert [n for n in range(5) if holds("low_times", joints, count=n)] == [count]
    assert [n for n in range(5) if holds("repeat", joints, of="squat", count=n)] == [count]


def test_lying_and_falling():
    t = times()
    lying = standing()
    lying[t >= 2.5, :, 1] *= 0.1
    assert holds("lie", lying)
    assert holds("fall", lying)
    assert not holds("lie", lowered(0.45, 2.0, 4.0))
    assert not holds("lie", standing())
    assert not holds("fall", lying[::-1])
    assert not holds("fall", standing())


def test_hands_reach_the_floor_and_over_the_head():
    t = times()
    for name, height, check_name in (("left_wrist", 0.25, "reach_floor"), ("left_wrist", 1.9, "reach_up")):
        joints = standing()
        joints[(t > 1) & (t < 1.8), J[name], 1] = height
        assert holds(check_name, joints)
        assert holds(check_name, joints, side="left")
        assert not holds(check_name, joints, side="right")
        assert not holds(check_name, joints, side="both")
        assert not holds(check_name, standing())
    assert not holds("reach_up", joints, m=0.6)


def test_a_hand_at_the_head():
    t = times()
    joints = standing()
    near = (t > 1) & (t < 2)
    joints[near, J["right_wrist"]] = joints[near, J["head"]] + [0, 0, 0.2]
    assert holds("hand_to_head", joints, side="right")
    assert not holds("hand_to_head", joints, side="left")
    assert not holds("hand_to_head", joints, m=0.15)
    assert not holds("hand_to_head", standing())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_leaps_come_from_the_floor_and_go_back(count):
    t = times()
    joints = standing()
    part = [n for n in BODY.names if J[n] not in LEGS]
    crouch = sum(np.exp(-(((t - 0.5 - 1.1 * i) / 0.12) ** 2)) for i in range(count))
    flight = sum(np.maximum(0, 0.35 * (1 - ((t - 0.9 - 1.1 * i) / 0.22) ** 2)) for i in range(count))
    jumping = moved(moved(joints, part, up(-0.2 * crouch)), BODY.names, up(flight))
    assert [n for n in range(5) if holds("leap", jumping, count=n)] == [count]
    assert holds("leap", jumping)
    assert not holds("leap", moved(joints, BODY.names, up(0.2 * flight)))  # 0.07 m: no more than a running step
    assert not holds("leap", moved(joints, BODY.names, up(np.where(t > 1, 0.5, 0.0))))  # it hovers
    ahead = np.stack([0 * t, 0 * t, 0.25 * t], axis=-1)
    assert holds("leap_forward", jumping + ahead[:, None])
    assert not holds("leap_forward", jumping - ahead[:, None])
    assert not holds("leap_forward", jumping)


def test_turning_round_and_round():
    t = times()
    for degrees, spins, around in ((300, True, False), (180, False, True), (-190, False, True), (90, False, False)):
        joints = standing(yaw=np.radians(degrees) * t / t[-1])
        assert holds("spin", joints) == spins
        assert holds("turn_around", joints) == around


def test_a_circle_comes_back():
    t = times(8.0)
    angle = 2 * np.pi * 0.95 * t / t[-1]
    joints = standing(8.0, yaw=angle)
    path = np.stack([1 - np.cos(angle), 0 * t, np.sin(angle)], axis=-1)
    assert holds("circle", joints + path[:, None])
    assert not holds("circle", joints + 0.2 * path[:, None])  # 1.2 m
    assert not holds("circle", standing(8.0) + path[:, None])  # without turning
    line = np.stack([0 * t, 0 * t, 0.7 * t], axis=-1)
    assert not holds("circle", joints + line[:, None])


def test_steps_on_the_spot():
    t = times()
    joints = standing()
    for side, phase in (("left", 0.0), ("right", np.pi)):
        lift = 0.25 * np.maximum(0, np.sin(2 * np.pi * t + phase))
        joints = moved(joints, [f"{side}_ankle", f"{side}_foot"], up(lift))
    assert holds("in_place", joints)
    assert not holds("in_place", joints, times=5)
    assert not holds("in_place", joints + np.stack([0 * t, 0 * t, 0.6 * t], -1)[:, None])
    assert not holds("in_place", standing())


def test_crawling_gets_somewhere_on_the_hands():
    t = times()
    upright = standing()
    joints = np.stack([upright[..., 0], 0.3 - upright[..., 2], upright[..., 1]], axis=-1)  # prone
    joints[:, [J["left_wrist"], J["right_wrist"]], 1] = 0.05
    ahead = np.stack([0 * t, 0 * t, 0.4 * t], axis=-1)[:, None]
    assert holds("crawl", joints + ahead)
    assert not holds("crawl", joints)
    assert not holds("crawl", upright + ahead)


def test_upside_down():
    t = times()
    joints = standing()
    over = (t > 1) & (t < 1.6)
    joints[over, :, 1] = 1.7 - joints[over, :, 1]
    assert holds("inverted", joints)
    assert not holds("inverted", standing())
    bent = standing()
    bent[over, J["head"], 1] = bent[over, 0, 1] - 0.3  # bent over: the feet stay down
    assert not holds("inverted", bent)


def test_claps_are_repeated_touches():
    t = times()
    for count, passes in ((2, False), (3, True), (5, True)):
        joints = standing()
        apart = np.where(pulses(t, count, 0.2, 0.6), 0.1, 0.5)
        for side, sign in (("left", 1), ("right", -1)):
            joints[:, J[f"{side}_wrist"]] = np.stack([sign * apart / 2, np.full_like(t, 1.2), np.full_like(t, 0.3)], -1)
        assert holds("clap", joints) == passes
    assert not holds("clap", standing())
    slow = standing(8.0)
    apart = np.where(pulses(times(8.0), 4, 0.2, 1.8), 0.1, 0.5)
    slow[:, J["left_wrist"]] = np.stack([apart / 2, np.full_like(apart, 1.2), np.full_like(apart, 0.3)], -1)
    slow[:, J["right_wrist"]] = np.stack([-apart / 2, np.full_like(apart, 1.2), np.full_like(apart, 0.3)], -1)
    assert not holds("clap", slow)


@pytest.mark.parametrize(("direction", "passes"), [((0, 0, 1), True), ((0, 1, 0), False), ((0, 0, -1), False)])
def test_throws_go_forward_at_chest_height(direction, passes):
    t = times()
    joints = standing()
    way = np.clip((t - 1.5) * 4.0, -0.4, 0.4)[:, None] * direction
    joints[:, J["right_wrist"]] = joints[:, J["right_shoulder"]] + way
    assert holds("throw", joints) == passes
    assert holds("throw", joints, side="right") == passes
    assert not holds("throw", joints, side="left")


def test_stopping_is_after_going():
    t = times()
    path = np.minimum(t, 2.5)
    joints = standing() + np.stack([0 * t, 0 * t, path], axis=-1)[:, None]
    assert holds("stop", joints)
    assert not holds("stop", joints[::-1])
    assert not holds("stop", standing())
    assert not holds("stop", standing() + np.stack([0 * t, 0 * t, t], axis=-1)[:, None])


def test_jumping_jacks_open_arms_and_legs_together():
    t = times()
    open_ = np.sin(np.pi * t) ** 2
    joints = standing()
    for side, sign in (("left", 1), ("right", -1)):
        joints = moved(joints, [f"{side}_ankle", f"{side}_foot"], np.stack([sign * 0.25 * open_, 0 * t, 0 * t], -1))
        joints[:, J[f"{side}_wrist"], 1] += open_
    assert holds("jacks", joints)
    still_arms = joints.copy()
    still_arms[:, [J["left_wrist"], J["right_wrist"]], 1] = 1.8
    assert not holds("jacks", still_arms)
    assert not holds("jacks", standing())


def test_push_ups_are_done_on_the_hands():
    t = times()
    joints = standing()
    joints[..., 1] *= 0.25
    wrists = [J["left_wrist"], J["right_wrist"]]
    joints[:, wrists, 1] = 0.02
    pressed = joints + up(0.1 + 0.1 * np.cos(2 * np.pi * t / 1.5))[:, None]
    pressed[:, [*wrists, *LEGS]] = joints[:, [*wrists, *LEGS]]
    assert holds("pushup", pressed)
    assert not holds("pushup", joints)
    assert not holds("pushup", standing())


def test_rising_ends_higher():
    t = times()
    assert holds("rise", standing() + up(0.15 * t)[:, None])
    assert not holds("rise", standing() + up(0.05 * t)[:, None])
    assert not holds("rise", standing() - up(0.15 * t)[:, None])


def test_a_kick_is_ahead_and_a_running_heel_behind():
    t = times()
    swing = np.exp(-(((t - 2) / 0.15) ** 2))
    for ahead, passes in ((0.9, True), (-0.9, False)):
        joints = moved(
            standing(), ["right_ankle", "right_foot"], np.stack([0 * t, 0.7 * swing, ahead * swing], axis=-1)
        )
        assert holds("kick", joints, side="right") == passes
        assert not holds("kick", joints, side="left")


def test_strokes_are_swings_beyond_the_amplitude():
    t = times()
    wave = 0.1 * np.sin(2 * np.pi * t)  # between eight turning points
    assert measure.strokes(wave, 0.15) == 7
    assert measure.strokes(wave, 0.25) == 0
    assert measure.strokes(np.zeros(5), 0.1) == 0

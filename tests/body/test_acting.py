"""Hands led along paths: they are where the keys say, when they say it, and nothing else moves."""

import numpy as np
import pytest

from dimo.body import acting, measure
from dimo.body.acting import Key
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat
from dimo.body.skeleton import preset

BODY = preset("humanml3d")


def standing(seconds: float = 3.0, yaw: float = 0.0, ahead: float = 0.0) -> Motion:
    """Somebody with hanging arms, turned to the left by yaw, who glides ahead along Z by so many metres a second."""
    frames = round(seconds * 20)
    rotations = np.tile([1.0, 0, 0, 0], (frames, 22, 1))
    for side, sign in (("left", -1), ("right", 1)):
        rotations[:, BODY.index(f"{side}_shoulder")] = axis_angle_to_quat(
            np.array([0.0, 0, 1]), np.full(frames, sign * 1.4)
        )
    rotations[:, 0] = axis_angle_to_quat(np.array([0.0, 1, 0]), np.full(frames, yaw))
    root = np.stack([np.zeros(frames), np.full(frames, 0.95), ahead * np.arange(frames) / 20], -1)
    return Motion(BODY, 20.0, root, rotations)


def test_minimum_jerk_is_the_published_polynomial():
    # 10 t^3 - 15 t^4 + 6 t^5 (Flash and Hogan 1985): at a quarter 0.103515625, half way at one half, at rest at both ends.
    t = np.array([0, 0.25, 0.5, 0.75, 1.0])
    assert np.allclose(acting.minimum_jerk(t), [0, 0.103515625, 0.5, 1 - 0.103515625, 1])
    assert acting.minimum_jerk(np.array([-3.0, 4.0])).tolist() == [0, 1]
    near = acting.minimum_jerk(np.array([1e-4, 1 - 1e-4]))
    assert near[0] < 1e-10
    assert 1 - near[1] < 1e-10


def test_a_course_goes_through_its_keys_and_stays_at_the_last():
    times = np.arange(0, 3, 0.25)
    got = acting.course(times, [(0.5, 1.0), (1.0, 3.0), (2.0, -1.0)])
    assert got[times <= 0.5].tolist() == [1, 1, 1]
    assert got[times == 0.75] == pytest.approx(2.0)
    assert got[times == 1.0] == pytest.approx(3.0)
    assert got[times >= 2.0] == pytest.approx(-1.0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("yaw", [0.0, np.pi / 2])
def test_a_led_hand_is_where_the_key_says(side, yaw):
    body = standing(yaw=yaw, ahead=0.7)
    place = (0.2, 0.1, 0.3)  # away from the middle, up and ahead of the neck
    out = acting.lead_hand(
        body, side, [Key(0.5), Key(1.0, place), Key(1.5, place), Key(2.0)], (1, 0, 0), acting.frame(body)
    )
    j, before = out.joints(), body.joints()
    away = 0.2 if side == "left" else -0.2
    # Turned a quarter to the left the body looks along X, and its left is -Z.
    want = np.array([away, 0.1, 0.3]) if yaw == 0 else np.array([0.3, 0.1, -away])
    held = j[20:31, measure.WRIST[side]] - j[20:31, measure.NECK]
    assert np.allclose(held, want, atol=1e-3)  # the skeleton itself is not quite symmetric
    own = np.r_[0:11, 40:60]
    assert np.allclose(j[own], before[own], atol=1e-6)
    arm = [measure.ELBOW[side], measure.WRIST[side]]
    others = [k for k in range(22) if k not in arm]
    assert np.allclose(j[:, others], before[:, others], atol=1e-9)


def test_the_elbow_points_where_it_is_told():
    body = standing()
    place, shoulder = (0.2, 0.05, 0.25), measure.SHOULDER["right"]
    # Of an arm that was already bent another way, too.
    keys = [Key(0), Key(0.5, place), Key(2.5, place)]
    bent = acting.lead_hand(body, "right", keys, (0.0, -1.0, 0.0), acting.frame(body))
    for direction, axis, sign in (((1.0, 0, 0), 0, -1), ((0, 1.0, 0), 1, 1)):
        out = acting.lead_hand(bent, "right", keys, direction, acting.frame(body))
        j = out.joints()[30]
        middle = (j[shoulder] + j[measure.WRIST["right"]]) / 2
        assert sign * (j[measure.ELBOW["right"]] - middle)[axis] > 0.05


def test_an_arc_passes_over_the_line():
    body, ends = standing(), ((0.3, -0.1, 0.1), (0.0, -0.1, 0.45))
    keys = [Key(0), Key(0.5, ends[0]), Key(1.5, ends[1], (0.15, 0.5, 0.3)), Key(2.5)]
    j = acting.lead_hand(body, "left", keys, (1, 0, 0), acting.frame(body)).joints()
    height = j[:, measure.WRIST["left"], 1] - j[:, measure.NECK, 1]
    # Half way a quadratic Bezier curve is at (a + 2 via + b) / 4.
    assert height[20] == pytest.approx((-0.1 + 2 * 0.5 - 0.1) / 4, abs=1e-6)


def test_bending_by_shares_adds_up():
    body = standing()
    spine = {BODY.index("spine1"): 0.3, BODY.index("spine2"): 0.4, BODY.index("spine3"): 0.3}
    turned = acting.bend(body, spine, np.radians(40), 0.0).joints()
    line = turned[:, measure.SHOULDER["left"]] - turned[:, measure.SHOULDER["right"]]
    # The left shoulder goes back when the trunk turns to the left: from +X towards -Z.
    assert np.degrees(np.arctan2(-line[:, 2], line[:, 0])) == pytest.approx(40, abs=1.5)
    bent = acting.bend(body, spine, 0.0, np.radians(30)).joints()
    assert (bent[:, measure.NECK, 2] > body.joints()[:, measure.NECK, 2] + 0.1).all()
    assert np.allclose(turned[:, :3], body.joints()[:, :3])

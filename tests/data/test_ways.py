"""Ways to walk and to stand do what their words say, and their feet stand where feet stand."""

import re

import numpy as np
import pytest
from bodies import standing, walking

from dimo.body import measure, posture
from dimo.body.rotation import quat_conjugate, quat_rotate
from dimo.data import paces, shaping, standers, walkers, ways
from dimo.data.gestures import Draw
from dimo.data.joining import BODY
from dimo.data.shaping import say

SIDES = posture.SIDES
LEGS_MOVED = ("backing",)
"""Ways whose feet are not where and when those of the walk are."""
SEEDS = 7


ALL = {**ways.PACES, **walkers.PACES}
WALK, STAND = walking(), standing(5.0)


@pytest.fixture(scope="module")
def made():
    """Of each way what some seeds make."""
    out = {}
    for name, (how, walks, _) in ALL.items():
        body = WALK if walks else STAND
        found = [how(body, Draw(np.random.default_rng([seed, 3]))) for seed in range(SEEDS)]
        out[name] = [pace for pace in found if pace is not None]
    return out


def wrists(motion):
    """(F, 3) of each hand from its shoulder, x away from the body's middle."""
    j, back = motion.joints(), quat_conjugate(shaping.frame(motion))
    return {
        s: quat_rotate(back, j[:, measure.WRIST[s]] - j[:, measure.SHOULDER[s]]) * [shaping.LEFT_OF[s], 1, 1]
        for s in SIDES
    }


def named_side(pace):
    """The one side that its sentences speak of."""
    (side,) = {w for finite, _ in pace.said for w in re.findall(r"\b(?:left|right)\b", finite)}
    return side


def often(mask):
    return mask.mean() > 0.8


def test_words_are_inflected():
    assert say("~carry it and ~go; ~push; ~do it; ~drag; ~tiptoe; ~dodge; ~get up; ~kneel; ~stagger") == [
        ("carries it and goes", "carrying it and going"),
        ("pushes", "pushing"),
        ("does it", "doing it"),
        ("drags", "dragging"),
        ("tiptoes", "tiptoeing"),
        ("dodges", "dodging"),
        ("gets up", "getting up"),
        ("kneels", "kneeling"),
        ("staggers", "staggering"),
    ]


@pytest.mark.parametrize("name", ALL)
def test_every_way_is_sound_and_said_without_a_subject(made, name):
    assert len(made[name]) >= 4
    _, walks, _ = ALL[name]
    for pace in made[name]:
        j = pace.motion.joints()
        assert j[..., 1].min() > -0.05
        assert not posture.hovers(j, 20.0)
        assert np.linalg.norm(np.diff(j, axis=0), axis=-1).max() * 20 < 8
        assert np.linalg.norm(np.diff(j, 2, axis=0), axis=-1).max() * 400 < 130
        assert len(pace.said) >= 3
        for finite, gerund in pace.said:
            assert re.match(r"[a-z-]+s\b", finite)
            assert re.match(r"[a-z-]+ing\b", gerund)
            assert "~" not in finite + gerund
            assert "  " not in finite
        if walks:
            assert measure.travel(j)["backward" if name == "backing" else "forward"] > 3
            assert j[:, measure.FEET, 1].min(axis=1).max() < 0.05
        else:
            # It begins as the body stands, but for knees that are not quite as straight.
            assert np.allclose(np.delete(j[0] - STAND.joints()[0], list(posture.KNEE.values()), 0), 0, atol=5e-3)


@pytest.mark.parametrize("name", [n for n, (_, walks, _) in ALL.items() if walks and n not in LEGS_MOVED])
def test_feet_that_stood_still_stand(made, name):
    for pace in made[name]:
        # As long as it lasts, which is the time that the walk was slowed down to.
        slowed = paces.slower(WALK, len(pace.motion) / len(WALK))
        j, stood = pace.motion.joints(), shaping.stances(slowed)
        for side, toe in measure.FOOT.items():
            frames = min(len(j), len(slowed))
            own, speed = (
                np.linalg.norm(np.gradient(p[:frames, toe], axis=0), axis=-1) * 20 for p in (slowed.joints(), j)
            )
            still = stood[side][:frames] & (own < 0.05)
            assert still.sum() > 20
            assert np.percentile(speed[still], 90) < 0.12


def test_zombies_hold_their_arms_out_in_front(made):
    for pace in made["zombie"]:
        for w in wrists(pace.motion).values():
            assert often((w[:, 2] > 0.35) & (abs(w[:, 1]) < 0.25))


def test_loads_are_carried_in_front_or_on_the_named_shoulder(made):
    for pace in made["carrying"]:
        apart = posture.hands_apart(pace.motion.joints())
        assert np.ptp(apart) < 0.12
        assert 0.2 < np.median(apart) < 0.55
        for w in wrists(pace.motion).values():
            assert often((w[:, 2] > 0.25) & (w[:, 1] < -0.1))
    for pace in made["shouldering"]:
        w = wrists(pace.motion)
        assert often(np.linalg.norm(w[named_side(pace)], axis=-1) < 0.3)
        assert np.median(np.linalg.norm(w[posture.OTHER[named_side(pace)]], axis=-1)) > 0.4


def test_who_pushes_has_straight_arms_ahead_and_who_drags_behind(made):
    for pace in made["pushing"]:
        heavy = "heavy" in pace.said[0][0]
        assert np.median(measure.pitch_degrees(pace.motion.joints())) > (24 if heavy else 7)
        for w in wrists(pace.motion).values():
            assert often(w[:, 2] > 0.33)
    for pace in made["dragging"]:
        assert np.median(measure.pitch_degrees(pace.motion.joints())) > 18
        behind = {s for s, w in wrists(pace.motion).items() if np.median(w[:, 2]) < -0.2}
        hand = next(finite for finite, _ in pace.said if "hand" in finite)
        assert behind == (set(SIDES) if "both hands" in hand else {named_side(pace)})


def test_the_drunk_sways_and_its_feet_go_along(made):
    own = shaping.weaving(WALK.joints())
    for pace in made["drunk"]:
        j = pace.motion.joints()
        assert shaping.weaving(j) > own + 0.15
        feet = (j[:, measure.ANKLE["left"], 0] + j[:, measure.ANKLE["right"], 0]) / 2
        assert np.corrcoef(feet, j[:, measure.PELVIS, 0])[0, 1] > 0.6
        across = j[:, measure.NECK, 0] - j[:, measure.PELVIS, 0]
        assert across.max() > 0.04
        assert across.min() < -0.04


def test_on_tiptoe_the_heels_are_up_and_the_toes_are_not(made):
    flat = STAND.joints()[0, measure.ANKLE["left"], 1]
    for pace in made["tiptoe"]:
        j = pace.motion.joints()
        for side in SIDES:
            assert np.percentile(j[:, measure.ANKLE[side], 1], 10) > flat + 0.04
            assert np.percentile(j[:, measure.FOOT[side], 1], 10) < 0.03
        slowed = paces.slower(WALK, len(j) / len(WALK)).joints()
        assert np.median(j[:, 0, 1]) > np.median(slowed[:, 0, 1]) + 0.03
    counted = set()
    for seed in range(30):
        pace = standers.rising(STAND, Draw(np.random.default_rng(seed)))
        if pace is None:
            continue
        j = pace.motion.joints()
        assert np.ptp(j[:, measure.FOOT["left"]], axis=0).max() < 0.02
        height = np.min([j[:, a, 1] for a in measure.ANKLE.values()], axis=0)
        number = {"twice": 2, "three": 3, "four": 4}.get(pace.said[0][0].split()[-1].replace("times", ""), 0)
        number = number or {"three times": 3, "four times": 4}.get(" ".join(pace.said[0][0].split()[-2:]), 1)
        assert len(posture.intervals(height > flat + 0.03)) == number
        counted.add(number)
    assert {1, 2} <= counted


def test_on_a_beam_the_feet_are_in_line_and_the_arms_out(made):
    own = np.median(posture.feet_apart(STAND.joints()))
    for pace in made["balancing"]:
        j = pace.motion.joints()
        stood = paces.standing(pace.motion)
        line = [np.median(j[stood[s], measure.ANKLE[s], 0]) for s in SIDES]
        assert 0 <= line[0] - line[1] < 0.1 < own
        for w in wrists(pace.motion).values():
            assert often((w[:, 0] > 0.4) & (abs(w[:, 1]) < 0.25))


def test_a_gun_is_held_with_both_hands_and_one_is_far_ahead(made):
    for pace in made["aiming"]:
        j = pace.motion.joints()
        w = wrists(pace.motion)
        assert often(posture.hands_apart(j) < 0.4)
        assert often(np.maximum(*(v[:, 2] for v in w.values())) > 0.33)
        assert often(np.minimum(*(v[:, 1] for v in w.values())) > -0.2)


def test_hands_are_where_they_are_said_to_be():
    seen = set()
    for seed in range(24):
        pace = ways.handed(WALK, Draw(np.random.default_rng(seed)))
        assert pace is not None
        j, w, said = pace.motion.joints(), wrists(pace.motion), pace.said[0][0]
        seen.add(name := next(k for k, (*_, words) in ways.HANDS.items() if said.split(" with ")[1] in words))
        apart, low = np.median(posture.hands_apart(j)), np.median(j[:, measure.WRIST["left"], 1] - j[:, 0, 1])
        ahead = min(np.median(v[:, 2]) for v in w.values())
        if name == "back":
            assert ahead < -0.05
            assert apart < 0.2
        elif name == "chest":
            assert ahead > 0.1
            assert apart > 0.1
            # Each hand is on the other side of the middle.
            assert all(often(v[:, 0] < -0.22) for v in w.values())
        elif name in ("up", "head"):
            assert min(np.median(v[:, 1]) for v in w.values()) > 0.1
            assert (apart > 0.4) == (name == "up")
        else:
            assert -0.12 < low < 0.15
            assert apart > 0.3
    assert seen == set(ways.HANDS)


def test_one_hand_is_kept_where_it_is_said_to_be_and_the_other_swings():
    seen = set()
    for seed in range(40):
        pace = walkers.one_handed(WALK, Draw(np.random.default_rng(seed)))
        assert pace is not None
        name = pace.kind.removeprefix("one_handed_")
        seen.add(name)
        j, w = pace.motion.joints(), wrists(pace.motion)
        kept = max(SIDES, key=lambda s: np.median(w[s][:, 1]))
        named = {s for finite, _ in pace.said for s in re.findall(r"\b(?:left|right)\b", finite)}
        assert named in (set(), {kept})
        assert np.ptp(w[kept], axis=0).max() < 0.12
        if name in ("phone", "eyes", "head"):
            assert np.median(posture.hand_to_head(j, kept)) < 0.3
        if name == "up":
            assert np.median(posture.hand_over_head(j, kept)) > 0.1
        if name == "torch":
            assert np.median(w[kept][:, 2]) > 0.3
        if name in ("chest", "side"):
            assert np.median(np.linalg.norm(j[:, measure.WRIST[kept]] - j[:, BODY.index("spine2")], axis=-1)) < 0.35
    assert seen == set(walkers.ONE_HAND)


def test_who_backs_away_looks_where_the_hands_are(made):
    for pace in made["backing"]:
        j, w = pace.motion.joints(), wrists(pace.motion)
        ahead, up = (min(np.median(v[:, axis]) for v in w.values()) for axis in (2, 1))
        assert {"up": up > 0.1, "guard": 0.1 < ahead < 0.35, "gun": ahead > 0.3, "ward": ahead > 0.3}[
            pace.kind.removeprefix("backing_")
        ]
        facing = quat_rotate(shaping.frame(pace.motion), shaping.AHEAD)
        assert ((j[-1, 0] - j[0, 0]) * facing.mean(0)).sum() < -3


def test_the_sad_look_down_and_some_have_their_hands_tied(made):
    tied = set()
    for pace in made["sad"]:
        j, w = pace.motion.joints(), wrists(pace.motion)
        neck_to_head = j[:, 15] - j[:, measure.NECK]
        assert np.median(neck_to_head[:, 2]) > np.median(neck_to_head[:, 1]) * 0.5
        back = all(often(v[:, 2] < 0.02) for v in w.values()) and np.median(posture.hands_apart(j)) < 0.2
        assert back == ("behind" in pace.said[0][0] or "tied" in pace.said[0][0])
        tied.add(back)
    assert tied == {True, False}


def test_a_leg_that_marches_is_straight_and_up(made):
    for pace in made["goose_step"]:
        j = pace.motion.joints()
        for side in SIDES:
            hip, knee, ankle = (j[:, i] for i in (measure.HIP[side], posture.KNEE[side], measure.ANKLE[side]))
            top = ankle[:, 1].argmax()
            assert ankle[top, 2] - hip[top, 2] > 0.4
            leg = np.linalg.norm(ankle - hip, axis=-1) / (
                np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
            )
            assert leg[top] > 0.95


def test_kneeling_brings_the_named_knee_to_the_floor_and_the_other_foot_stays():
    shown, floor = set(), measure.floor(STAND.joints())
    for seed in range(16):
        pace = standers.kneeling(STAND, Draw(np.random.default_rng(seed)))
        assert pace is not None
        j = pace.motion.joints()
        offers, both = "propose" in pace.said[0][0], "both" in pace.said[0][0]
        lowered = {s: j[:, posture.KNEE[s], 1] - floor for s in SIDES}
        first = None if both else named_side(pace) if not offers else min(SIDES, key=lambda s: lowered[s].min())
        for side, knee in lowered.items():
            down = measure.longest_run(knee < 0.08) / 20 > 0.5
            assert down == (both or side == first)
            if down:
                assert j[knee < 0.08, measure.ANKLE[side], 1].max() < 0.2
            else:
                foot = [measure.ANKLE[side], measure.FOOT[side]]
                assert np.allclose(j[:, foot], STAND.joints()[:, foot], atol=0.01)
        assert j[:, measure.PELVIS, 1].min() < 0.6
        rises = bool(re.search("stand up|stands up|rise|get up|gets up", pace.said[0][0]))
        assert (posture.pelvis_height(j)[-1] > 0.97) == rises
        assert np.median(measure.pitch_degrees(j)) < 25
        if offers:
            ahead = max(np.percentile(w[:, 2], 60) for w in wrists(pace.motion).values())
            assert ahead > 0.35
        shown.add((both, rises, offers))
    assert len(shown) >= 5


def test_ducking_and_dodging_leave_the_feet_and_come_back(made):
    for name in ("ducking", "dodging"):
        for pace in made[name]:
            j = pace.motion.joints()
            assert np.abs(j[:, measure.FEET] - STAND.joints()[:, measure.FEET]).max() < 0.01
            assert np.abs(j[-1, measure.PELVIS] - STAND.joints()[-1, measure.PELVIS]).max() < 0.01
            neck = j[:, measure.NECK] - STAND.joints()[:, measure.NECK]
            if name == "ducking":
                assert neck[:, 1].min() < -0.4
                assert np.ptp(neck[:, 0]) < 0.1
            else:
                words = re.findall(r"\b(?:left|right)\b", pace.said[0][0])
                assert (neck[:, 0].max() > 0.2) == ("left" in words)
                assert (neck[:, 0].min() < -0.2) == ("right" in words)


def test_on_one_leg_the_named_one_stands_and_carries_the_body(made):
    for pace in made["one_leg"]:
        stood = re.search("(left|right) leg", " ".join(finite for finite, _ in pace.said))[1]
        j = pace.motion.joints()
        lifted = j[:, measure.ANKLE[posture.OTHER[stood]], 1] > 0.3
        assert lifted.sum() / 20 > 0.6
        foot = [measure.ANKLE[stood], measure.FOOT[stood]]
        assert np.abs(j[:, foot] - STAND.joints()[:, foot]).max() < 0.01
        assert np.abs(j[lifted, measure.PELVIS, 0] - j[lifted, measure.ANKLE[stood], 0]).max() < 0.05


def test_in_the_tree_pose_the_palms_are_together_where_it_is_said():
    seen = set()
    for seed in range(40):
        pace = standers.one_leg(STAND, Draw(np.random.default_rng(seed)))
        if pace is None or "tree" not in pace.said[0][0]:
            continue
        above = "above" in pace.said[-1][0]
        seen.add(above)
        j = pace.motion.joints()
        held = posture.hands_apart(j) < 0.16
        assert measure.longest_run(held) / 20 > 0.8
        over = np.median(posture.hand_over_head(j, "left")[held])
        assert (over > 0.1) if above else (over < -0.2)
    assert seen == {True, False}


def test_who_stands_too_short_a_time_does_not_kneel():
    assert standers.kneeling(standing(1.0), Draw(np.random.default_rng(0))) is None

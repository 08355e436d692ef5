"""What is acted does what its words say, on either side, and leaves alone what it has no business with."""

import re

import numpy as np
import pytest
from bodies import standing, walking

from dimo.body import measure, posture
from dimo.body.motion import Motion
from dimo.data import acted, gestures, paces, walkers
from dimo.data.body_events import Event
from dimo.data.everyday import ACTS
from dimo.data.gestures import Draw
from dimo.data.parts import Part
from dimo.data.records import Clip
from dimo.metrics import checks

SHOWN = {
    "salute": {"check": "hand_to_head"},
    "drink": {"check": "hand_to_head"},
    "eat": {"check": "hand_to_head"},
    "phone": {"check": "hand_to_head", "seconds": 0.5},
    "scratch": {"check": "hand_to_head"},
    "clap": {"check": "clap"},
    "reach_up": {"check": "reach_up"},
    "point": {"check": "stay", "max_m": 0.05},
    "hips": {"check": "stay", "max_m": 0.05},
    "punch": {"check": "punch", "side": "any"},
    "throw": {"check": "throw"},
}
SIDED = {"salute", "drink", "eat", "phone", "scratch"}


WALK = walking()


@pytest.mark.parametrize("name", ACTS)
def test_every_gesture_shows_what_it_is(name):
    sides, made = set(), 0
    for seed in range(12):
        act = ACTS[name][0](Draw(np.random.default_rng(seed)))
        body = standing(act.ends + 0.6)
        motion = gestures.perform(body, act, 0.3)
        if motion is None:
            continue
        made += 1
        j = motion.joints()
        assert checks.check_all([SHOWN[name]], j, 20.0)
        feet = [measure.ANKLE["left"], measure.ANKLE["right"], *measure.FEET]
        assert np.allclose(j[:, feet], body.joints()[:, feet])
        if all(keys[0].place is None for keys in act.hands.values()):  # a pose is there from the beginning
            assert np.allclose(j[0], body.joints()[0], atol=1e-6)
        (side, *more) = act.hands
        if name in SIDED:
            assert not more
            sides.add(side)
            other = posture.OTHER[side]
            assert not checks.check_all([SHOWN[name] | {"side": other}], j, 20.0)
            named = {w for finite, _ in act.said for w in re.findall(r"\b(?:left|right)\b", finite)}
            assert named == {side}
    assert made >= 8
    assert name not in SIDED or sides == {"left", "right"}


def test_a_gesture_that_does_not_fit_is_not_made():
    act = ACTS["salute"][0](Draw(np.random.default_rng(0)))
    assert gestures.perform(standing(act.ends - 0.5), act, 0.3) is None


def made_of(how, body, seeds=range(14)):
    found = [pace for seed in seeds if (pace := how(body, Draw(np.random.default_rng(seed)))) is not None]
    assert len(found) >= 5
    return found


def test_the_walk_of_these_tests_walks():
    j = WALK.joints()
    assert measure.travel(j)["forward"] > 3
    for side, stands in paces.standing(WALK).items():
        moved = np.linalg.norm(np.diff(j[:, measure.ANKLE[side]][:, [0, 2]], axis=0), axis=-1)
        assert moved[stands[1:] & stands[:-1]].max() < 0.03


def test_steps_on_the_spot_lift_both_feet_and_stay():
    body = standing(5.0)
    for pace in made_of(paces.on_the_spot, body):
        j = pace.motion.joints()
        assert checks.check_all([{"check": "in_place"}, {"check": "grounded"}], j, 20.0)
        low = j[..., 1].min(axis=1)
        assert low.min() > -0.05
        # Each foot comes down where it stood.
        for ankle in measure.ANKLE.values():
            down = j[:, ankle, 1] < body.joints()[0, ankle, 1] + 0.003
            assert np.linalg.norm((j - body.joints())[down, ankle][:, [0, 2]], axis=-1).max() < 0.02


def test_a_crouched_walk_is_low_and_its_feet_stay_where_they_were():
    for pace in made_of(paces.crouched, WALK):
        j = pace.motion.joints()
        assert checks.check_all([{"check": "low", "share": 0.12, "seconds": 1.0}, {"check": "grounded"}], j, 20.0)
        assert measure.travel(j)["forward"] > 2.5
        for ankle in measure.ANKLE.values():
            off = np.linalg.norm(j[:, None, ankle] - WALK.joints()[None, :, ankle], axis=-1).min(axis=1)
            assert off.max() < 0.095  # half of what a foot goes from frame to frame at most: 1.875 * 1.2 m in 12 frames


@pytest.mark.parametrize("up", [True, False])
def test_on_stairs_every_foot_stands_one_step_further(up):
    found = [p for p in made_of(paces.climbing, WALK, range(40)) if ("up" in p.said[0][0]) == up]
    assert len(found) >= 4
    for pace in found:
        j = pace.motion.joints()
        heights = []
        for ankle in measure.ANKLE.values():
            stands = np.linalg.norm(np.gradient(j[:, ankle], axis=0), axis=-1) * 20 < 0.1
            heights += [(a, j[a:b, ankle, 1].mean()) for a, b in posture.intervals(stands, 4)]
        levels = np.array([h for _, h in sorted(heights)])
        steps = np.diff(levels) * (1 if up else -1)
        steps = steps[np.abs(steps) > 0.03]  # else the same step, on the heel and on the toes
        assert ((steps > 0.1) & (steps < 0.22)).all()
        assert len(steps) >= 4
        assert j[..., 1].min() > -0.02


def test_who_limps_stands_longer_on_the_good_leg():
    for pace in made_of(paces.limping, WALK):
        bad = next(s for s in posture.SIDES if any(f"{s} leg" in finite for finite, _ in pace.said))
        j = pace.motion.joints()
        lifted = {s: np.percentile(j[:, a, 1], 97) - np.percentile(j[:, a, 1], 5) for s, a in measure.ANKLE.items()}
        assert lifted[bad] < 0.75 * lifted[posture.OTHER[bad]]
        # The other foot hurries: at its fastest it is faster over the ground than the bad one.
        fastest = {
            s: np.linalg.norm(np.diff(j[:, a][:, [0, 2]], axis=0), axis=-1).max() for s, a in measure.ANKLE.items()
        }
        assert fastest[posture.OTHER[bad]] > 1.3 * fastest[bad]
        assert measure.travel(j)["forward"] > 2.5


def test_motionless_is_said_of_those_who_are():
    assert paces.motionless(standing(3.0), Draw(np.random.default_rng(0))) is not None
    assert paces.motionless(WALK, Draw(np.random.default_rng(0))) is None


def test_looking_around_turns_the_shoulders_to_both_sides():
    for pace in made_of(paces.looking, standing(5.0)):
        j = pace.motion.joints()
        line = j[:, measure.SHOULDER["left"]] - j[:, measure.SHOULDER["right"]]
        yaw = np.degrees(np.arctan2(-line[:, 2], line[:, 0]))
        assert yaw.max() > 15
        assert yaw.min() < -15
        assert abs(yaw[0]) < 2


def part(motion: Motion, kind: str, side: str = "", speed: float = 1.0) -> Part:
    source = Clip(
        kind, motion.joints().astype(np.float32), 20.0, (), "train", source=f"of {kind}", licence="CC0", label=kind
    )
    return Part(motion.joints(), Event(kind, 0, len(motion), side, speed), source)


def test_whatever_is_drawn_is_sound_and_says_where_it_is_from():
    stands, walks = [part(standing(2.0), "still")], [part(WALK, "walk", "forward")]
    generator, kinds, joined = np.random.default_rng(0), set(), 0
    for _ in range(110):
        made = acted.act(stands, walks, lambda: walks[0], generator)
        if made is None:
            continue
        motion, sentences, used, label = made
        j = motion.joints()
        assert 20 <= len(j) <= acted.LONGEST
        assert j[..., 1].min() > -0.08
        assert len(sentences) == acted.SENTENCES
        assert {c.id for c in used} <= {"still", "walk"}
        assert label.startswith(acted.LABEL)
        assert np.linalg.norm(np.diff(j, axis=0), axis=-1).max() * 20 < 18
        kind = label.removeprefix(acted.LABEL)
        joined += "+" in kind
        if "+" in kind:
            assert all(re.search(r"\bthen\b| and ", s) for s in sentences)
        kinds.add(kind.replace("+walk", "").replace("walk+", ""))
    one_hand = {f"one_handed_{name}" for name in walkers.ONE_HAND}
    known = {*acted.ACTS, *acted.PACES, *one_hand, *(f"backing_{name}" for name in walkers.AWAY)}
    assert kinds <= known
    assert len(kinds) > 40
    assert joined >= 4

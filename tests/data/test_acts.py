"""Poses, signs, moves and work that are acted look like what they are said to be, told from where the hands are.

Bodies of these tests face +Z, so that a hand's place from the neck is (to the left, up, ahead) in metres.
"""

import re

import numpy as np
import pytest
from bodies import standing

from dimo.body import measure, posture
from dimo.data import acted, combat, everyday, gestures, leading, moods, music, poses, signs, sports, work
from dimo.data.gestures import Draw

NEW = {**poses.ACTS, **moods.ACTS, **signs.ACTS, **combat.ACTS, **sports.ACTS, **work.ACTS, **music.ACTS}
FEET = [measure.ANKLE["left"], measure.ANKLE["right"], *measure.FEET]


class Seen:
    """Where both hands and the head are, frame by frame."""

    def __init__(self, joints):
        self.joints = joints
        self.hand = {s: joints[:, measure.WRIST[s]] - joints[:, measure.NECK] for s in posture.SIDES}
        self.apart = np.linalg.norm(self.hand["left"] - self.hand["right"], axis=-1)
        self.head = joints[:, 15] - joints[:, measure.NECK]
        self.speed = {s: np.linalg.norm(np.diff(joints[:, j], axis=0), axis=-1) * 20 for s, j in measure.WRIST.items()}

    def seconds(self, mask):
        return measure.longest_run(mask) / 20

    def both(self, condition, seconds):
        return self.seconds(condition(self.hand["left"]) & condition(self.hand["right"])) >= seconds

    def either(self, condition, seconds):
        return any(self.seconds(condition(self.hand[s])) >= seconds for s in posture.SIDES)

    def strokes(self, axis, metres, sides=posture.SIDES):
        """Most strokes of a hand along x, y or z, longer than so many metres."""
        return max(measure.strokes(self.hand[s][:, axis], metres) for s in sides)

    def bent(self):
        return measure.pitch_degrees(self.joints).max()

    def on_trunk(self, metres, seconds):
        """A hand so near to the middle of the trunk, wherever that is bent to."""
        middle = (self.joints[:, measure.PELVIS] + self.joints[:, measure.NECK]) / 2
        off = [np.linalg.norm(self.joints[:, j] - middle, axis=-1) for j in measure.WRIST.values()]
        return any(self.seconds(o < metres) >= seconds for o in off)

    def fast(self):
        return max(v.max() for v in self.speed.values())


def high(h):
    return h[:, 1] > 0.1


def ahead(h):
    return h[:, 2] > 0.38


def at_chest(h):
    return (np.abs(h[:, 0]) < 0.2) & (np.abs(h[:, 1] + 0.2) < 0.1) & (h[:, 2] > 0.1)


def at_face(h):
    return (np.linalg.norm(h - [0, 0.1, 0.12], axis=-1)) < 0.17


def low(h):
    return (h[:, 1] < -0.3) & (h[:, 2] > 0.2)


SHOWN = {
    "cross_arms": lambda s: s.seconds((s.hand["left"][:, 0] < -0.03) & (s.hand["right"][:, 0] > 0.03)) >= 0.8,
    "surrender": lambda s: s.both(lambda h: high(h) & (np.abs(h[:, 0]) > 0.2), 0.6),
    "shrug": lambda s: s.both(lambda h: (np.abs(h[:, 0]) > 0.27) & (h[:, 2] > 0.12), 0.2),
    "hands_behind": lambda s: s.both(lambda h: (h[:, 2] < -0.08) & (np.abs(h[:, 0]) < 0.15), 0.8),
    "spread": lambda s: s.both(lambda h: (np.abs(h[:, 0]) > 0.55) & (np.abs(h[:, 1]) < 0.2), 0.6),
    "on_head": lambda s: s.both(lambda h: h[:, 1] > 0.0, 0.7),
    "facepalm": lambda s: s.either(at_face, 0.7),
    "on_heart": lambda s: s.either(lambda h: at_chest(h) & (np.abs(h[:, 0]) < 0.1), 0.7),
    "belly": lambda s: s.both(lambda h: (h[:, 1] < -0.3) & (np.abs(h[:, 0]) < 0.12) & (h[:, 2] > 0.05), 0.6),
    "stop_sign": lambda s: s.either(lambda h: ahead(h) & (np.abs(h[:, 1]) < 0.1), 0.5),
    "watch": lambda s: s.either(at_chest, 0.5),
    "lookout": lambda s: s.either(at_face, 0.8),
    "hug": lambda s: s.both(lambda h: (np.abs(h[:, 0]) < 0.13) & (h[:, 2] > 0.25), 0.6) and s.apart.max() > 0.7,
    "pray": lambda s: s.seconds(s.apart < 0.16) >= 1.0 and s.both(at_chest, 1.0),
    "beckon": lambda s: s.strokes(2, 0.12) >= 4,
    "handshake": lambda s: s.either(lambda h: (h[:, 2] > 0.3) & (h[:, 1] < -0.18), 0.6) and s.strokes(1, 0.04) >= 4,
    "high_five": lambda s: s.either(lambda h: high(h) & (h[:, 2] > 0.3), 0.05),
    "cheer": lambda s: s.either(lambda h: h[:, 1] > 0.3, 0.1),
    "blow_kiss": lambda s: s.either(at_face, 0.2) and s.either(ahead, 0.3),
    "flap": lambda s: s.strokes(1, 0.35, ["left"]) >= 5 and s.strokes(1, 0.35, ["right"]) >= 5,
    "beat_chest": lambda s: min(measure.strokes(np.abs(s.hand[k][:, 0]), 0.1) for k in posture.SIDES) >= 7,
    "talk": lambda s: s.strokes(0, 0.05) + s.strokes(1, 0.05) >= 4 and s.seconds(s.apart < 0.9) >= 1.0,
    "bow": lambda s: s.seconds((s.apart > 0.3) & (ahead(s.hand["left"]) | ahead(s.hand["right"]))) >= 0.4,
    "pistol": lambda s: s.seconds(s.apart < 0.15) >= 0.5 and s.both(ahead, 0.3),
    "rifle": lambda s: s.either(ahead, 0.6) and s.either(lambda h: (np.abs(h[:, 1]) < 0.2) & (h[:, 2] < 0.3), 0.6),
    "block": lambda s: s.both(lambda h: (np.abs(h[:, 1]) < 0.15) & (h[:, 2] > 0.12), 0.4),
    "shove": lambda s: s.both(ahead, 0.1) and s.fast() > 1.0,
    "slap": lambda s: s.fast() > 3.0 and s.strokes(0, 0.4) >= 1,
    "uppercut": lambda s: s.fast() > 2.5 and s.strokes(1, 0.45) >= 2,
    "golf": lambda s: s.fast() > 2.5 and s.seconds(s.apart < 0.2) >= 1.2 and s.strokes(0, 0.5) >= 2,
    "bat": lambda s: s.fast() > 2.5 and s.seconds(s.apart < 0.25) >= 0.8 and s.strokes(0, 0.4) >= 1,
    "racket": lambda s: s.fast() > 2.5,
    "basketball": lambda s: s.both(lambda h: h[:, 1] > 0.25, 0.3) and s.seconds(s.apart < 0.4) >= 0.8,
    "weights": lambda s: s.strokes(1, 0.3) >= 4,
    "swim": lambda s: s.strokes(2, 0.25) >= 4 and np.degrees(measure.pitch_degrees(s.joints).max()) > 15,
    "hammer": lambda s: s.strokes(1, 0.25) >= 5,
    "axe": lambda s: s.strokes(1, 0.5) >= 2 and s.seconds(s.apart < 0.25) >= 1.0,
    "sweep": lambda s: s.strokes(0, 0.08) >= 3,
    "dig": lambda s: s.strokes(1, 0.1) >= 3 and s.strokes(0, 0.2) >= 3,
    "wipe": lambda s: s.strokes(0, 0.03) >= 3 or s.strokes(1, 0.2) >= 3,
    "stir": lambda s: s.strokes(0, 0.1) >= 4 and s.strokes(2, 0.1) >= 4 and s.both(low, 1.0),
    "saw": lambda s: s.strokes(2, 0.15) >= 5,
    "pull": lambda s: s.strokes(2, 0.2) >= 4,
    "press": lambda s: s.either(lambda h: (h[:, 2] > 0.4) & (h[:, 1] > -0.25), 0.05) and s.strokes(2, 0.06) >= 2,
    "steer": lambda s: s.both(lambda h: (h[:, 2] > 0.3) & (h[:, 1] > -0.45), 1.5),
    "photo": lambda s: (
        s.both(at_face, 0.5) or s.both(lambda h: (np.abs(h[:, 1] - 0.06) < 0.06) & (h[:, 2] > 0.15), 0.5)
    ),
    "read": lambda s: s.both(lambda h: (np.abs(h[:, 1] + 0.24) < 0.08) & (h[:, 2] > 0.2), 0.8),
    "type": lambda s: s.both(low, 1.2) and s.strokes(1, 0.02) >= 5,
    "open_door": lambda s: s.either(lambda h: (h[:, 2] > 0.36) & (h[:, 1] < -0.25), 0.2) and s.strokes(2, 0.1) >= 2,
    "fish": lambda s: s.seconds(s.apart < 0.25) >= 1.5 and s.strokes(1, 0.3) >= 2,
    "bowl": lambda s: s.strokes(2, 0.7) >= 1 and s.fast() > 2.0 and s.bent() > 25,
    "combination": lambda s: min(s.hand[k][:, 2].max() for k in posture.SIDES) > 0.4 and s.fast() > 2.5,
    "shiver": lambda s: s.seconds((s.hand["left"][:, 0] < -0.02) & (s.hand["right"][:, 0] > 0.02)) >= 0.8,
    "think": lambda s: s.either(lambda h: np.linalg.norm(h - [0, 0, 0.18], axis=-1) < 0.1, 0.8),
    "yawn": lambda s: s.both(lambda h: h[:, 1] > 0.25, 0.5) or s.either(at_face, 0.6),
    "shake_fist": lambda s: s.either(lambda h: h[:, 1] > 0.0, 0.6) and s.strokes(1, 0.07) >= 5,
    "laugh": lambda s: measure.strokes(measure.pitch_degrees(s.joints), 2.5) >= 5,
    "plead": lambda s: s.seconds(s.apart < 0.16) >= 1.0 and s.strokes(1, 0.03) >= 5,
    "wave_help": lambda s: s.both(lambda h: h[:, 1] > 0.2, 1.0) and s.strokes(0, 0.2) >= 5,
    "hit_in_belly": lambda s: s.bent() > 30 and s.seconds(s.apart < 0.25) >= 0.4 and s.on_trunk(0.28, 0.4),
    "hit_in_face": lambda s: s.either(at_face, 0.4) and s.strokes(1, 0.4) >= 2,
    "bow_politely": lambda s: s.bent() > 40 and s.on_trunk(0.3, 0.5),
    "pat_head": lambda s: s.bent() > 25 and s.strokes(1, 0.05) >= 5,
    "guitar": lambda s: s.strokes(1, 0.1) >= 6 and s.apart.max() > 0.35,
    "violin": lambda s: s.strokes(0, 0.2) >= 5 and s.either(lambda h: np.abs(h[:, 1]) < 0.08, 1.5),
    "drums": lambda s: min(measure.strokes(s.hand[k][:, 1], 0.12) for k in posture.SIDES) >= 7,
    "keyboard": lambda s: s.both(low, 1.2),
    "conduct": lambda s: s.strokes(1, 0.25) >= 3 and s.strokes(0, 0.15) >= 3,
}


@pytest.mark.parametrize("name", NEW)
def test_every_act_looks_like_what_it_is(name):
    made = 0
    for seed in range(6):
        act = NEW[name][0](Draw(np.random.default_rng(seed)))
        body = standing(act.ends + 0.6)
        motion = gestures.perform(body, act, 0.3)
        if motion is None:
            continue
        made += 1
        j, still = motion.joints(), body.joints()
        assert SHOWN[name](Seen(j)), seed
        assert not SHOWN[name](Seen(still)), "somebody who does nothing shows it as well"
        assert np.allclose(j[:, FEET], still[:, FEET], atol=1e-3)
        # It begins and ends as the body was, but for poses that are there all the time, and who stays bent.
        for end, key in ((0, 0), (-1, -1)):
            if all(keys[key].place is None for keys in act.hands.values()):
                others = [i for i in range(22) if i not in posture.KNEE.values()]
                assert np.allclose(j[end, others], still[end, others], atol=4e-3)
        assert np.linalg.norm(np.diff(j, axis=0), axis=-1).max() * 20 < 12
        named = {w for finite, _ in act.said for w in re.findall(r"\b(?:left|right) hand\b", finite)}
        if named and len(act.hands) == 1:
            assert named == {f"{next(iter(act.hands))} hand"}
    assert made >= 4


def test_both_hands_are_drawn_for_what_one_hand_does():
    sided = [n for n in NEW if len(NEW[n][0](Draw(np.random.default_rng(0))).hands) == 1]
    for name in sided:
        hands = {next(iter(NEW[name][0](Draw(np.random.default_rng(seed))).hands)) for seed in range(40)}
        assert hands == {"left", "right"}, name


def test_an_arm_too_short_for_a_place_is_no_act():
    shown = leading.near((0.0, -0.3, 0.4), 0.1, 0.5)
    assert not shown(standing(2.0).joints(), 20.0)
    act = signs.ACTS["handshake"][0](Draw(np.random.default_rng(1)))
    act.hands = {s: [k.__class__(k.seconds, (0.06, -0.3, 1.4)) for k in keys] for s, keys in act.hands.items()}
    assert gestures.perform(standing(act.ends + 0.6), act, 0.3) is None


def test_verbs_and_their_ing_forms_share_what_follows():
    assert leading.pairs("shakes|shaking hands", "shrugs|shrugging") == [
        ("shakes hands", "shaking hands"),
        ("shrugs", "shrugging"),
    ]
    for act in NEW.values():
        for finite, ing in act[0](Draw(np.random.default_rng(3))).said:
            assert re.fullmatch(r"[a-z-]+s( .*)?", finite), finite
            assert re.match(r"[a-z-]+ing\b", ing), ing
            assert not re.search(r"\band [a-z]+ing\b", finite), finite
            for a, b in zip(finite.split(" ")[1:], ing.split(" ")[1:], strict=True):
                assert a == b or (a.endswith("s") and b.endswith("ing"))  # a second verb


def test_all_acts_are_drawn_from():
    assert set(acted.ACTS) == set(everyday.ACTS) | set(NEW) == set(everyday.ACTS) | set(SHOWN)
    assert len(acted.ACTS) == sum(len(m.ACTS) for m in (everyday, poses, moods, signs, combat, sports, work, music))

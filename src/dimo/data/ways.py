"""Ways to walk that hardly anybody recorded: as a zombie, with a box, behind a cart, on a beam, on the toes.

Made like dimo.data.paces from real walking, with what dimo.data.shaping has. PACES names dimo.data.standers too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import acting, measure
from dimo.body.acting import AHEAD, BACK, LEFT_OF, UP, feet, frame, moved_root, on_feet, tipped
from dimo.body.measure import ANKLE, FOOT, SHOULDER, WRIST
from dimo.body.motion import Motion
from dimo.body.posture import OTHER, SIDES
from dimo.body.rotation import quat_rotate
from dimo.data import standers
from dimo.data.gestures import DOWN_OUT, HEAD, Draw
from dimo.data.paces import Pace, slower
from dimo.data.shaping import (
    across,
    hold,
    leant,
    made,
    mostly,
    on_toes,
    places_of,
    rocking,
    say,
    stances,
    stepped,
    straight,
    stretched,
    trunk,
    weaving,
)


def zombie(walk: Motion, d: Draw) -> Pace | None:
    """Slow and stiff, rocking, the arms stretched out in front and the head to one side."""
    motion = slower(walk, d.between(1.3, 1.8))
    turn = frame(motion)
    motion = trunk(motion, d.between(-4, 10), 0.0, d.between(4, 9) * rocking(motion))
    motion = trunk(motion, d.between(-10, 15), 0.0, d.one(-1, 1) * d.between(10, 25), HEAD)
    high, far = d.between(-0.12, 0.1), d.between(0.94, 0.99)
    for side in SIDES:
        way = (d.between(-0.15, 0.1), high + d.between(-0.1, 0.1), 1.0)
        motion = hold(motion, stretched(motion, (side,), way, far), DOWN_OUT, turn, d, 0.03)
    said = say("""
        ~walk like a zombie; ~walk with both arms stretched out in front;
        ~shamble like a zombie with outstretched arms; ~lurch forward with the arms held out;
        ~walk forward slowly with the arms straight out in front; ~move like a zombie;
        ~shuffle along like the undead, arms outstretched; ~stagger forward like a zombie; ~act like a zombie
    """)
    wrists, shoulders = places_of(motion), places_of(motion, SHOULDER)
    shown = [mostly((w[:, 2] > 0.36) & (abs(w[:, 1] - shoulders[s][:, 1]) < 0.22)) for s, w in wrists.items()]
    return made(motion, walk, said, "zombie", all(shown))


def carrying(walk: Motion, d: Draw) -> Pace | None:
    """Both hands in front of the belly with something between them, leaning back a little, slower if it is heavy."""
    heavy = d.generator.random() < 0.5
    motion = slower(walk, d.between(1.25, 1.7) if heavy else d.between(1.0, 1.3))
    turn = frame(motion)
    motion = trunk(motion, -d.between(4, 10) if heavy else -d.between(0, 4), 0.0, (5 if heavy else 2) * rocking(motion))
    wide, high, far = d.between(0.15, 0.23), d.between(-0.42, -0.26), d.between(0.3, 0.38)
    motion = hold(motion, dict.fromkeys(SIDES, (wide, high, far)), DOWN_OUT, turn, d, 0.008)
    what = d.one("box", "crate", "basket") if heavy else d.one("box", "tray", "basket", "package")
    said = say(f"""
        ~carry a {what}; ~walk carrying a {what}; ~walk forward holding a {what} with both hands;
        ~carry something with both hands; ~carry a {what} in front of the body;
        ~walk while holding something in front with both hands
    """)
    if heavy:
        said = say(f"""
            ~carry a heavy {what}; ~walk carrying a heavy {what}; ~carry something heavy with both hands;
            ~carry a heavy load; ~walk slowly with a heavy {what} in the arms; ~haul a heavy {what}
        """)
    shown = [mostly((abs(w[:, 0]) < 0.28) & (w[:, 2] > 0.22)) for w in places_of(motion).values()]
    return made(motion, walk, said, "carrying", all(shown))


def shouldering(walk: Motion, d: Draw) -> Pace | None:
    """Something on one shoulder, a hand up at it, the trunk leaning to the other side."""
    side = d.side()
    motion = slower(walk, d.between(1.1, 1.5))
    turn = frame(motion)
    motion = trunk(motion, d.between(3, 10), 0.0, -LEFT_OF[side] * d.between(3, 7))
    place = (d.between(0.17, 0.22), d.between(0.04, 0.1), d.between(0.1, 0.17))
    motion = hold(motion, {side: place}, (0.5, -0.8, 0.7), turn, d, 0.008)
    what = d.one("sack", "log", "bag", "plank", "heavy sack")
    said = say(f"""
        ~carry a {what} over the {side} shoulder; ~carry a {what} on the {side} shoulder;
        ~walk with a {what} on the {side} shoulder; ~walk carrying a {what} on one shoulder;
        ~carry something on the {side} shoulder; ~walk forward, holding a {what} on the shoulder with the {side} hand
    """)
    joints = motion.joints()
    near = np.linalg.norm(joints[:, WRIST[side]] - joints[:, SHOULDER[side]], axis=-1)
    return made(motion, walk, said, "shouldering", mostly(near < 0.3))


def pushing(walk: Motion, d: Draw) -> Pace | None:
    """Both hands ahead of the chest, the body leaning into it, or, with what has wheels, only a little."""
    heavy = d.generator.random() < 0.6
    motion = slower(walk, d.between(1.3, 1.8) if heavy else d.between(1.05, 1.4))
    turn, (places, turns) = frame(motion), feet(motion)
    lean = leant(motion, d.between(28, 42) if heavy else d.between(9, 17))
    back = -d.between(0.03, 0.1) if heavy else 0.0
    motion = on_feet(moved_root(tipped(motion, 0.5 * lean), back * quat_rotate(turn, AHEAD)), places, turns)
    motion = trunk(trunk(motion, 0.9 * lean), -0.8 * lean, joints=HEAD)
    way = (d.between(-0.1, 0.05), d.between(-0.35, -0.1) if heavy else d.between(-0.6, -0.4), 1.0)
    motion = hold(motion, stretched(motion, SIDES, way, d.between(0.93, 0.99)), (0.6, -1.0, -0.2), turn, d, 0.008)
    said = say("~push a cart; ~push a shopping trolley; ~push a shopping cart; ~walk pushing a cart")
    said += say("~push a stroller along; ~push a wheelbarrow; ~walk forward, pushing something with both hands")
    if heavy:
        said = say("""
            ~push a heavy box forward; ~push something heavy; ~push a heavy object with both hands;
            ~lean forward and ~push something heavy; ~push against something heavy, walking forward; ~push a car;
            ~shove a heavy crate along the floor
        """)
    bent = mostly(measure.pitch_degrees(motion.joints()) > (22 if heavy else 5))
    return made(motion, walk, said, "pushing", bent and all(mostly(w[:, 2] > 0.3) for w in places_of(motion).values()))


def dragging(walk: Motion, d: Draw) -> Pace | None:
    """One hand or both low behind the body, which leans against the load."""
    sides = SIDES if d.generator.random() < 0.5 else (d.side(),)
    motion = slower(walk, d.between(1.3, 1.8))
    turn, (places, turns) = frame(motion), feet(motion)
    lean = leant(motion, d.between(22, 36))
    hanging = places_of(motion)
    motion = on_feet(tipped(motion, 0.5 * lean), places, turns)
    twist = 0.0 if len(sides) == 2 else LEFT_OF[sides[0]] * d.between(5, 18)
    motion = trunk(trunk(motion, 0.9 * lean, twist), -0.7 * lean, -0.7 * twist, joints=HEAD)
    way = (d.between(-0.1, 0.1), d.between(-1.1, -0.9), d.between(-1.1, -0.8))
    motion = hold(motion, stretched(motion, sides, way, d.between(0.97, 0.995)), BACK, turn, d, 0.01)
    if len(sides) == 1:
        # A free arm hangs and swings as it did, and does not lean with the trunk.
        free = OTHER[sides[0]]
        path = hanging[free] * [LEFT_OF[free], 1, 1]
        motion = acting.swing_hand(motion, free, path, np.ones(len(motion)), turn)
    end = " with both hands" if len(sides) == 2 else f" with the {sides[0]} hand"
    said = say(f"""
        ~drag a heavy sack behind; ~pull something along behind; ~drag something{end};
        ~drag a heavy object along the floor; ~pull a heavy load{end}; ~walk forward, dragging something behind{end};
        ~pull a sled; ~haul something heavy behind
    """)
    joints, at = motion.joints(), places_of(motion)
    pelvis = places_of(motion, dict.fromkeys(SIDES, measure.PELVIS))
    shown = [mostly((at[s][:, 2] < pelvis[s][:, 2] - 0.04) & (at[s][:, 1] < -0.25)) for s in sides]
    return made(motion, walk, said, "dragging", all(shown) and mostly(measure.pitch_degrees(joints) > 15))


def drunk(walk: Motion, d: Draw) -> Pace | None:
    """On a path that sways from side to side, the trunk rolling, the arms a little out."""
    if not straight(walk):
        return None
    motion = slower(walk, d.between(1.15, 1.6))
    times, turn, (places, turns) = acting.seconds(motion), frame(motion), feet(motion)
    phase = 2 * np.pi * (times / d.between(2.2, 3.2) + d.between(0, 1))
    sway = d.between(0.1, 0.15) * (np.sin(phase) + 0.25 * np.sin(1.7 * phase + d.between(0, 6)))
    left = across(motion)
    wide = d.between(0.04, 0.08)  # else the feet would cross
    shift = stepped(motion, {s: sway + LEFT_OF[s] * wide for s in SIDES})
    places = {s: p + shift[s][:, None] * left for s, p in places.items()}
    motion = on_feet(moved_root(motion, sway[:, None] * left - 0.02 * UP), places, turns)
    roll = d.between(8, 14) * np.sin(phase + d.between(0.3, 1.0))
    pitch = d.between(3, 10) + d.between(3, 7) * np.sin(0.8 * phase + d.between(0, 6))
    motion = trunk(trunk(motion, pitch, d.between(3, 10) * np.sin(0.7 * phase), roll), pitch, 0.0, 0.8 * roll, HEAD)
    for side in SIDES:
        way = (d.between(0.4, 0.8), -1.0, d.between(-0.1, 0.3))
        out = np.array(stretched(motion, (side,), way, 0.93)[side])
        wave = np.stack([0.05 * np.sin(phase + 1), 0.04 * np.sin(phase), 0.1 * np.sin(1.6 * phase)], -1)
        motion = acting.swing_hand(motion, side, out + wave * LEFT_OF[side], np.full(len(motion), 0.9), turn)
    said = say("""
        ~stagger like a drunk; ~stagger; ~walk drunkenly; ~stumble along swaying from side to side; ~walk as if drunk;
        ~sway from side to side while walking; ~stagger forward, hardly able to keep balance; ~walk unsteadily;
        ~walk like a drunk person; ~totter forward
    """)
    apart = (motion.joints()[:, ANKLE["left"]] - motion.joints()[:, ANKLE["right"]]) @ left
    return made(motion, walk, said, "drunk", weaving(motion.joints()) > 0.18 and apart.min() > -0.08)


def tiptoe(walk: Motion, d: Draw) -> Pace | None:
    """Slowly with the heels off the floor all the time."""
    motion = slower(walk, d.between(1.15, 1.7))
    turn = frame(motion)
    motion = on_feet(*on_toes(motion, d.between(55, 68)))
    if quiet := d.generator.random() < 0.4:
        low = d.near((0.22, -0.3, 0.22), 0.04)
        motion = hold(trunk(motion, d.between(4, 12)), dict.fromkeys(SIDES, low), BACK, turn, d, 0.03)
    said = say("""
        ~walk on tiptoe; ~tiptoe forward; ~walk on the toes; ~tiptoe; ~walk on tiptoes;
        ~walk forward on the balls of the feet; ~walk with the heels off the floor
    """)
    said += say("~tiptoe quietly; ~sneak forward on tiptoe") if quiet else []
    joints, stood = motion.joints(), stances(motion)
    shown = [mostly((joints[:, ANKLE[s], 1] - joints[:, FOOT[s], 1])[stood[s]] > 0.09) for s in SIDES]
    return made(motion, walk, said, "tiptoe", all(shown))


def balancing(walk: Motion, d: Draw) -> Pace | None:
    """On a narrow line with the arms out to the sides."""
    if not straight(walk):
        return None
    motion = slower(walk, d.between(1.3, 1.8))
    turn, left, (places, turns) = frame(motion), across(motion), feet(motion)
    line = measure.moving_average(motion.joints()[:, measure.PELVIS] @ left, round(1.6 * motion.fps) | 1)
    narrow = d.between(0.0, 0.03)
    # A foot that swings goes around the one that stands.
    shift = stepped(motion, {s: line + LEFT_OF[s] * narrow - places[s] @ left for s in SIDES}, 0.7)
    places = {s: p + shift[s][:, None] * left for s, p in places.items()}
    sway = line - motion.joints()[:, measure.PELVIS] @ left
    motion = on_feet(moved_root(motion, 0.6 * sway[:, None] * left), places, turns)
    roll = d.between(3, 7) * np.sin(acting.seconds(motion) * d.between(2.5, 4) + d.between(0, 6))
    motion = trunk(motion, 0.0, 0.0, roll)
    way = (1.0, d.between(-0.12, 0.12), d.between(-0.05, 0.15))
    motion = hold(motion, stretched(motion, SIDES, way, d.between(0.95, 0.99)), (0.2, -1.0, -0.4), turn, d, 0.03)
    said = say("""
        ~walk along a balance beam; ~balance along a line with the arms out; ~walk a tightrope;
        ~walk with both arms stretched out to the sides for balance; ~walk on a narrow beam;
        ~walk along a straight line, arms out to the sides; ~balance on a beam while walking;
        ~walk like a tightrope walker
    """)
    out = [mostly((abs(w[:, 0]) > 0.52) & (abs(w[:, 1] + 0.075) < 0.22)) for w in places_of(motion).values()]
    return made(motion, walk, said, "balancing", all(out))


def aiming(walk: Motion, d: Draw) -> Pace | None:
    """Slowly on bent knees, both hands ahead at the height of the eyes, or one at the shoulder and one ahead of it."""
    side, rifle = d.side(0.8), d.generator.random() < 0.5
    motion = slower(walk, d.between(1.2, 1.7))
    turn, (places, turns) = frame(motion), feet(motion)
    motion = on_feet(moved_root(motion, -d.between(0.03, 0.09) * UP), places, turns)
    # The shoulder of the hand that fires goes back behind a rifle; the head goes on looking ahead.
    twist = LEFT_OF[side] * d.between(10, 22) if rifle else 0.0
    motion = trunk(trunk(motion, d.between(4, 12), twist), d.between(-4, 8), -twist, joints=HEAD)
    high = d.between(-0.09, 0.02)
    at = {s: (0.035, high, d.between(0.38, 0.42)) for s in SIDES}
    if rifle:
        at = {side: (0.13, high - 0.04, d.between(0.17, 0.23)), OTHER[side]: (-0.06, high, d.between(0.39, 0.43))}
    motion = hold(motion, at, (0.7, -1.0, 0.0), turn, d, 0.008)
    what = d.one("rifle", "gun") if rifle else d.one("pistol", "gun", "handgun")
    said = say(f"""
        ~walk forward aiming a {what}; ~advance with a {what} raised; ~walk slowly, pointing a {what} ahead;
        ~move forward with a {what} at the ready; ~aim a {what} while walking forward;
        ~advance like a soldier with a {what}; ~hold a {what} up and ~walk forward
    """)
    hands = places_of(motion)
    shown = [mostly((abs(w[:, 0]) < 0.22) & (abs(w[:, 1]) < 0.2) & (w[:, 2] > 0.12)) for w in hands.values()]
    return made(motion, walk, said, "aiming", all(shown) and mostly(hands[OTHER[side]][:, 2] > 0.3))


HANDS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], str]] = {
    "hips": ((0.21, -0.5, 0.03), (1.0, 0.0, -0.4), "hands on the hips; both hands on the waist; arms akimbo"),
    "back": ((0.05, -0.42, -0.16), (1.0, -0.2, -0.6), "hands behind the back; hands clasped behind the back"),
    "up": (
        (0.28, 0.15, 0.06),
        (1.0, -0.6, 0.1),
        "both hands up in surrender; hands up; both hands raised beside the head",
    ),
    "head": ((0.1, 0.12, -0.03), (1.0, 0.1, 0.1), "hands behind the head; both hands at the back of the head"),
    "chest": ((-0.1, -0.25, 0.17), (0.8, -0.7, 0.1), "arms crossed; arms folded; arms crossed in front of the chest"),
    "pockets": ((0.18, -0.52, 0.09), (0.6, 0.0, -1.0), "hands in the pockets; both hands in their pockets"),
}
"""Where a walking person keeps both hands, where the elbows then point, and words for it."""


def handed(walk: Motion, d: Draw) -> Pace | None:
    """With both hands at one place."""
    name = d.one(*HANDS)
    place, elbow, words = HANDS[name]
    motion = slower(walk, d.between(0.95, 1.35))
    x, y, z = d.near(place, 0.015)
    # One forearm lies on the other, one hand in the other.
    over = 0.025 * (LEFT_OF[d.side(0.5)] if name in ("back", "chest") else 0)
    at = {s: (x, y + LEFT_OF[s] * over, z + (abs(over) if LEFT_OF[s] * over > 0 else 0.0)) for s in SIDES}
    motion = hold(motion, at, elbow, frame(motion), d, 0.006)
    verbs = ("~walk with", "~walk forward with", "~stroll with", "~walk slowly with")
    said = say(";".join(f"{verb} {w.strip()}" for w in words.split(";") for verb in verbs[: 3 if name != "up" else 2]))
    said += say("~walk forward surrendering; ~surrender with raised hands while walking") if name == "up" else []
    off = [abs(w * [LEFT_OF[s], 1, 1] - at[s]).max(axis=1) for s, w in places_of(motion).items()]
    return made(motion, walk, said, "handed", all(mostly(o < 0.1) for o in off))


PACES: dict[str, tuple[Callable[[Motion, Draw], Pace | None], bool, float]] = {
    "zombie": (zombie, True, 0.8),
    "carrying": (carrying, True, 1.0),
    "shouldering": (shouldering, True, 0.5),
    "pushing": (pushing, True, 0.9),
    "dragging": (dragging, True, 0.8),
    "drunk": (drunk, True, 1.0),
    "tiptoe": (tiptoe, True, 0.9),
    "balancing": (balancing, True, 0.8),
    "aiming": (aiming, True, 0.7),
    "handed": (handed, True, 1.2),
    "kneeling": (standers.kneeling, False, 1.3),
    "ducking": (standers.ducking, False, 0.9),
    "dodging": (standers.dodging, False, 0.9),
    "on_toes": (standers.rising, False, 0.7),
    "one_leg": (standers.one_leg, False, 1.0),
}
"""Ways: how, whether on somebody who walks, and how often each is drawn."""

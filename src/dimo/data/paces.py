"""Ways to step that hardly anybody recorded, made from real walking and standing: on the spot, in a crouch, with a limp, on stairs.

The feet are led (body.acting) and the body follows: its height and lean are changed, its feet are put where they were, or one
step higher. Feet that stood still stand still afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dimo.body import acting, blend, measure, posture
from dimo.body.acting import AHEAD, LEFT_OF, bend, course, feet, frame, minimum_jerk, moved_root, put_feet
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat, quat_multiply, quat_rotate
from dimo.data.gestures import SPINE, Draw
from dimo.data.phrases import Pairs

STANDS_MPS, STANDS_M = 0.45, 0.1
"""A foot stands below this speed over the ground and this height of the ankle above its lowest."""


@dataclass
class Pace:
    """A motion and its words; which kind it is."""

    motion: Motion
    said: Pairs
    kind: str


def slower(motion: Motion, factor: float) -> Motion:
    """The motion lasting `factor` times as long, at its rate."""
    return replace(motion.resample(motion.fps * factor), fps=motion.fps)


def on_the_spot(stand: Motion, d: Draw) -> Pace | None:
    """Marching, walking or jogging in place, on the feet of someone who stands. stand: at least as long as it lasts."""
    kind = d.one("march", "march", "walk", "jog", "jog", "knees")
    # Steps in a second; metres up and ahead of the ankle; radians of the foot; metres of the pelvis.
    rate, height, ahead, tip, bob = {
        "march": (d.between(1.5, 2.2), d.between(0.2, 0.36), d.between(0.12, 0.26), 0.5, 0.012),
        "walk": (d.between(1.4, 2.0), d.between(0.13, 0.22), d.between(0.02, 0.1), 0.4, 0.01),
        "jog": (d.between(2.2, 3.2), d.between(0.15, 0.28), d.between(-0.26, -0.06), 0.9, 0.03),
        "knees": (d.between(2.0, 2.8), d.between(0.36, 0.5), d.between(0.2, 0.3), 0.5, 0.025),
    }[kind]
    frames = len(stand)
    times = acting.seconds(stand)
    # Standing before and after it, or stepping throughout.
    eased = d.between(0.0, 0.5) if d.generator.random() < 0.5 else 0.0
    into = minimum_jerk((times - eased) / 0.4) if eased else np.ones(frames)
    out = minimum_jerk((times[-1] - eased - times) / 0.4) if eased else np.ones(frames)
    share = into * out
    phase = times * rate / 2 + d.between(0, 1)
    turn = frame(stand)
    places, turns = feet(stand)
    side_axis = quat_rotate(turn, np.array([1.0, 0, 0]))
    swings = {}
    for side in posture.SIDES:
        at = (phase + (0.5 if side == "left" else 0.0)) % 1.0
        lift = np.where(at < 0.5, np.sin(2 * np.pi * at), 0.0).clip(0) ** 2 * share
        swings[side] = lift
        away = quat_rotate(turn, np.stack([0 * lift, height * lift, ahead * lift], -1))
        places[side] = places[side] + away
        turns[side] = quat_multiply(axis_angle_to_quat(side_axis, tip * lift), turns[side])
    sway = swings["right"] - swings["left"]  # the weight goes over the foot that stands
    shift = quat_rotate(turn, np.stack([0.02 * sway, 0 * sway, 0 * sway], -1))
    shift[:, 1] = share * (-0.02 - bob * np.cos(4 * np.pi * phase))
    motion = put_feet(moved_root(stand, shift), places, turns)
    bent = kind in ("jog", "knees") or d.generator.random() < 0.3
    reach, drop = (0.2, -0.3) if bent else (d.between(0.12, 0.25), -0.44)
    wave = np.sin(2 * np.pi * phase)
    for side in posture.SIDES:
        # An arm comes forward with the other leg.
        fore = reach * 0.6 * wave * (1 if side == "left" else -1) + (0.14 if bent else 0.04)
        motion = acting.swing_hand(
            motion, side, np.stack([np.full(frames, 0.2), drop + 0.3 * fore, fore], -1), share, turn
        )
    words = {
        "march": [("marches", "marching"), ("marches like a soldier", "marching like a soldier")],
        "walk": [("walks", "walking"), ("steps", "stepping")],
        "jog": [("jogs", "jogging"), ("runs", "running")],
        "knees": [("runs with high knees", "running with high knees"), ("does high knees", "doing high knees")],
    }[kind]
    ends = (" in place", " on the spot", " in one place") + (
        (" without moving forward",) if kind in ("walk", "jog") else ()
    )
    said = [(v + e, g + e) for v, g in words for e in ends]
    steady = measure.smooth(motion.joints(), motion.fps)
    lifts = [measure.strokes(steady[:, measure.ANKLE[s], 1], 0.1) // 2 for s in posture.SIDES]
    return Pace(motion, said, "on_the_spot") if min(lifts) >= 2 else None


def crouched(walk: Motion, d: Draw) -> Pace | None:
    """Walking low and bent forward, slowly as those who sneak, or as it is."""
    sneaks = d.generator.random() < 0.65
    motion = slower(walk, d.between(1.1, 1.8) if sneaks else d.between(0.9, 1.15))
    places, turns = feet(motion)
    down = d.between(0.16, 0.28) * posture.standing_height(motion.joints())
    lean = np.radians(d.between(15, 42))
    motion = moved_root(motion, np.array([0.0, -down, 0.0]))
    motion = put_feet(motion, places, turns)
    looks: Pairs = []
    yaw = np.zeros(len(motion))
    if sneaks and d.generator.random() < 0.35:
        yaw = look(motion, d)
        looks = [(" and looks around", " and looking around"), (" looking around", " looking around")]
    turn = frame(motion)
    motion = bend(motion, SPINE, yaw, lean)
    if sneaks or d.generator.random() < 0.5:
        low = d.near((0.2, -0.38, 0.28), 0.05)
        wave = 0.05 * np.sin(acting.seconds(motion) * 5 + d.between(0, 6))
        for side in posture.SIDES:
            path = np.tile(low, (len(motion), 1))
            path[:, 2] += wave * LEFT_OF[side]
            motion = acting.swing_hand(motion, side, path, np.ones(len(motion)), turn)
    said = [
        ("walks while crouching", "walking in a crouch"),
        ("walks crouched", "walking crouched"),
        ("walks bent low", "walking bent low"),
        ("crouches and walks forward", "crouching and walking forward"),
        ("moves forward in a crouch", "moving forward in a crouch"),
    ]
    if sneaks:
        said = [
            ("sneaks forward", "sneaking forward"),
            ("sneaks", "sneaking"),
            ("creeps forward", "creeping forward"),
            ("sneaks along quietly", "sneaking along quietly"),
            ("crouches and sneaks ahead", "crouching and sneaking ahead"),
            ("walks stealthily", "walking stealthily"),
            ("sneaks around, crouched", "sneaking around, crouched"),
        ]
    if looks:
        said = [(v + a, g + b) for v, g in said for a, b in looks]
    low_enough = posture.pelvis_height(motion.joints()) < 0.86
    return Pace(motion, said, "crouched") if measure.longest_run(low_enough) / motion.fps >= 1.0 else None


def look(motion: Motion, d: Draw) -> np.ndarray:
    """(F,) radians of a trunk that turns to one side and the other."""
    keys, at, sign = [(0.0, 0.0)], d.between(0.1, 0.5), d.one(1, -1)
    while at < motion.seconds - 0.8:
        angle = np.radians(d.between(22, 48)) * sign
        keys += [(at + 0.5, angle), (at + 0.5 + d.between(0.1, 0.5), angle)]
        at, sign = keys[-1][0] + 0.1, -sign
    return course(acting.seconds(motion), [*keys, (max(motion.seconds, keys[-1][0] + 0.3), 0.0)])


def looking(body: Motion, d: Draw) -> Pace | None:
    """Somebody who looks around, standing or walking."""
    motion = bend(body, SPINE, look(body, d), 0.0)
    said = [
        ("looks around", "looking around"),
        ("looks left and right", "looking left and right"),
        ("turns the head from side to side", "turning the head from side to side"),
    ]
    walks = measure.speed(body.joints(), body.fps) > 0.4
    if walks:
        said = [(f"walks forward and {v}", f"walking forward and {g}") for v, g in said]
        said += [("walks ahead looking around", "walking ahead looking around")]
    return Pace(motion, said, "looking")


def limping(walk: Motion, d: Draw) -> Pace | None:
    """Walking with one leg that hurts: short and careful steps on it, the trunk leaning over it, the foot hardly lifted."""
    side = d.side(0.5)
    motion = slower(walk, d.between(1.0, 1.4))
    stands = standing(motion)
    alone = (stands[side] & ~stands[posture.OTHER[side]]).astype(float)
    alone = measure.moving_average(alone, round(0.3 * motion.fps) | 1)
    # Time runs faster while the bad leg carries the body, and slower while the good one does.
    pace = 1 + 0.6 * alone - 0.25 * (1 - alone)
    when = np.concatenate([[0], np.cumsum(1 / pace)[:-1]])
    at = np.interp(np.arange(int(when[-1]) + 1), when, np.arange(len(motion)))
    root, rotations = blend.sample_at(motion.root, motion.rotations, at)
    alone = np.interp(at, np.arange(len(motion)), alone)
    motion = replace(motion, root=root, rotations=rotations)
    places, turns = feet(motion)
    low = np.percentile(places[side][:, 1], 10)
    above = places[side][:, 1] - low
    places[side][:, 1] = low + above.clip(0) * d.between(0.3, 0.6) + above.clip(max=0)
    dip, lean = d.between(0.04, 0.08), np.radians(d.between(6, 14))
    motion = put_feet(moved_root(motion, np.stack([0 * alone, -0.015 - dip * alone, 0 * alone], -1)), places, turns)
    motion = bend(motion, SPINE, 0.0, np.radians(d.between(3, 12)))
    roll = axis_angle_to_quat(np.array([0.0, 0, 1]), -LEFT_OF[side] * lean * (alone - 0.3))
    rotations = motion.rotations.copy()
    joint = next(iter(SPINE))
    rotations[:, joint] = quat_multiply(rotations[:, joint], roll)
    motion = replace(motion, rotations=rotations)
    said = [
        ("limps forward", "limping forward"),
        ("limps", "limping"),
        ("walks with a limp", "walking with a limp"),
        (f"limps on the {side} leg", f"limping on the {side} leg"),
        (f"drags the {side} leg", f"dragging the {side} leg"),
        ("limps along as if injured", "limping along as if injured"),
        ("walks with an injured leg", "walking with an injured leg"),
        (f"walks as if the {side} foot hurts", f"walking as if the {side} foot hurts"),
        ("hobbles", "hobbling"),
    ]
    return Pace(motion, said, "limping") if measure.travel(motion.joints())["forward"] > 0.8 else None


def climbing(walk: Motion, d: Draw) -> Pace | None:
    """Up or down stairs: the steps of a walk forward made shorter, each foot set down one step higher or lower."""
    up = d.generator.random() < 0.65
    motion = slower(walk, d.between(1.0, 1.5))
    stands, joints = standing(motion), motion.joints()
    steps = sorted((a, b, s) for s in posture.SIDES for a, b in posture.intervals(stands[s], 4))
    if len(steps) < 4 or any(p[2] == q[2] for p, q in zip(steps[:-1], steps[1:], strict=True)):
        return None
    shrink, rise = d.between(0.5, 0.7), d.between(0.14, 0.19) * (1 if up else -1)
    places, turns = feet(motion)
    start = joints[0, measure.PELVIS] * [1, 0, 1]

    # Feet keep their place on the ground: theirs is shortened about the start along the way only.
    ahead = quat_rotate(frame(motion), AHEAD)
    line = ahead.mean(0) / np.linalg.norm(ahead.mean(0))
    if float((ahead @ line).min()) < 0.9:
        return None
    height = {}
    for side in posture.SIDES:
        along = (places[side] - start) @ line
        places[side] = places[side] - (1 - shrink) * along[:, None] * line
        own = [(a, b, i) for i, (a, b, s) in enumerate(steps) if s == side]
        level = np.full(len(motion), own[0][2] * rise)
        for (_, a, i), (b, _, k) in zip(own[:-1], own[1:], strict=True):
            t = (np.arange(len(motion)) - a) / max(b - a, 1)
            # Up: the foot is high before it is over the next step; down: it stays high until it is past the edge.
            eased = minimum_jerk(t * 1.5) if up else minimum_jerk(t * 1.5 - 0.5)
            level = np.where(np.arange(len(motion)) >= a, i * rise + (k - i) * rise * eased, level)
        height[side] = level
        places[side][:, 1] += level
    middle = (height["left"] + height["right"]) / 2
    lift = measure.moving_average(middle, round(0.5 * motion.fps) | 1) - d.between(0.03, 0.07)
    along = (joints[:, measure.PELVIS] - start) @ line
    shift = -(1 - shrink) * along[:, None] * line
    shift[:, 1] = lift
    motion = put_feet(moved_root(motion, shift), places, turns)
    motion = bend(motion, SPINE, 0.0, np.radians(d.between(4, 14) if up else d.between(-2, 6)))
    floor = motion.joints()[..., 1].min()
    motion = moved_root(motion, np.array([0.0, -min(floor, 0.0) if up else -floor, 0.0]))
    way = ("up", "ascends", "ascending") if up else ("down", "descends", "descending")
    said = [
        (f"walks {way[0]} {what}", f"walking {way[0]} {what}")
        for what in ("the stairs", "some stairs", "a flight of stairs", "steps")
    ]
    said += [
        (f"{way[1]} the stairs", f"{way[2]} the stairs"),
        (f"goes {way[0]} a staircase", f"going {way[0]} a staircase"),
    ]
    said += [("climbs stairs", "climbing stairs"), ("climbs the steps", "climbing the steps")] if up else []
    went = motion.joints()[:, measure.PELVIS, 1]
    return Pace(motion, said, "stairs") if abs(went[-1] - went[0]) > 0.35 else None


def motionless(stand: Motion, d: Draw) -> Pace | None:
    """Somebody who stands, and hardly moves: a moment of standing that lasts long."""
    said = [
        ("stands still", "standing still"),
        ("stands without moving", "standing without moving"),
        ("does not move", "not moving"),
        ("stands motionless", "standing motionless"),
        ("holds still", "holding still"),
        ("remains standing", "remaining standing"),
        ("stands in place", "standing in place"),
        ("waits, standing still", "waiting, standing still"),
    ]
    fastest = measure.joint_speed(measure.smooth(stand.joints(), stand.fps), stand.fps).max(axis=1)
    return Pace(stand, said, "still") if np.percentile(fastest, 90) < 0.1 else None


def standing(motion: Motion) -> dict[str, np.ndarray]:
    """(F,) bool of each foot: whether it stands."""
    joints = motion.joints()
    out = {}
    for side in posture.SIDES:
        ankle = joints[:, measure.ANKLE[side]]
        moved = np.linalg.norm(np.gradient(ankle[:, [0, 2]], axis=0), axis=-1) * motion.fps
        out[side] = (moved < STANDS_MPS) & (ankle[:, 1] < np.percentile(ankle[:, 1], 5) + STANDS_M)
    return out

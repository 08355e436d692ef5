"""Feet that stand still: find where a foot is planted and hold it there by two-bone inverse kinematics. Numpy only.

What animation tools do after blending or generating (Kovar, Schreiner and Gleicher 2002, "Footskate cleanup for motion
capture editing"): contacts get a place each, legs are solved analytically, the rest of the time eases between. The toe
joint is what is held: it lands with the sole and leaves last, and the ankle rolls over it as the input has it.

A generated gait may slide so far in one contact that a leg cannot make up for it; such a contact is split into steps.
The path of the body stays: slowing it to the speed of the feet cured as much, but walked too slowly for its words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dimo.body import measure
from dimo.body.motion import Motion
from dimo.body.rotation import normalise, quat_between, quat_conjugate, quat_multiply, quat_rotate
from dimo.body.skeleton import preset
from dimo.errors import RequestError, ShapeError

SIDES = ("left", "right")
BODY = preset("humanml3d")
HIPS, KNEES, ANKLES, TOES = (
    [BODY.index(f"{side}_{part}") for side in SIDES] for part in ("hip", "knee", "ankle", "foot")
)
GROUND = [0, 2]  # the horizontal coordinates


@dataclass(frozen=True)
class LockOptions:
    """When a foot counts as planted, and how far it may be moved. Units in the names."""

    low_m: float = 0.045  # height of the toe over the floor under which it may plant
    high_m: float = 0.06  # and over which it no longer stands
    rise_mps: float = 0.35  # vertical speed of the toe under which it may plant; twice that to stay
    still_mps: float = 0.35  # horizontal speed of the toe under which it may plant; 1.5 times that to stay
    share: float = 1.1  # or of the pelvis' speed, for the slower foot: the standing one of a gait that slides
    honest_mps: float = 0.25  # median speed of a contact under which it is a real one, cut where the toe peels off
    peel_m: float = 0.02  # height gained by a toe that peels off
    peel_s: float = 0.25  # and half the length of the end of a contact in which it is looked for
    shortest_s: float = 0.1  # shorter contacts are left alone
    step_s: float = 0.2  # least time between two places of one foot
    ramp_s: float = 0.2  # into and out of a contact
    swing_s: float = 0.6  # a swing up to this long carries the correction of one contact over into the next
    cap_m: float = 0.15  # largest horizontal correction
    lift: float = 0.5  # height of a swing per metre that the correction lengthens it,
    lift_m: float = 0.08  # at most
    sunk_m: float = 0.1  # depth under the floor from which on it is taken for lower ground
    drop_m: float = 0.05  # most that the pelvis is lowered for a leg that cannot reach
    reach: float = 0.985  # part of a leg's length that a corrected leg may take, unless the input takes more


DEFAULT = LockOptions()


def lock_feet(
    motion: Motion,
    *,
    contacts: np.ndarray | None = None,
    frozen: np.ndarray | None = None,
    options: LockOptions = DEFAULT,
) -> Motion:
    """The motion with planted feet that neither slide, float nor sink: changes legs and the height of the pelvis only.

    contacts: see find_contacts. frozen (F,) bool: frames that stay bit for bit; the correction fades to zero towards
    them. Frames further than swing_s from a contact and above the floor stay bit for bit as well. RequestError for a
    skeleton other than the 22 joints of `humanml3d` (its lengths may differ); ShapeError for arrays that do not fit.
    """
    if (motion.skeleton.names, motion.skeleton.parents) != (BODY.names, BODY.parents):
        raise RequestError("feet are locked on the 22 joints of the humanml3d skeleton; retarget the motion first")
    held = np.zeros(len(motion), bool) if frozen is None else np.asarray(frozen, bool)
    if held.shape != (len(motion),):
        raise ShapeError(f"frozen must have shape ({len(motion)},), not {held.shape}")
    joints = motion.joints()
    toes, ankles, floor = joints[:, TOES], joints[:, ANKLES], measure.floor(joints)
    planted = find_contacts(joints, motion.fps, contacts, options)
    shift = np.stack([_shift(toes[:, s], planted[:, s], floor, held, motion.fps, options) for s in range(2)], axis=1)
    under = np.maximum(floor - np.minimum(toes, ankles)[..., 1] - shift[..., 1], 0)
    shift[..., 1] += _envelope(np.minimum(under, np.maximum(2 * options.sunk_m - under, 0)), motion.fps, 0.1)
    loose = _ease(_distance(held) / (options.ramp_s * motion.fps + 1))
    shift *= loose[:, None, None]
    return _moved(motion, shift, loose, options) if shift.any() else motion


# ---- contacts


def find_contacts(
    joints: np.ndarray, fps: float, contacts: np.ndarray | None = None, options: LockOptions = DEFAULT
) -> np.ndarray:
    """(F, 2) bool, left and right: the toe stands. Positions (F, 22, 3) in metres; intervals() lists the stretches.

    By height, vertical speed, and horizontal speed: slow, or the slower of both feet and not faster than the body. All
    with hysteresis. contacts (F, 4): probabilities of ankle and toe of the left, then of the right foot, as in the last
    columns of HumanML3D features; where they are given, a toe they doubt does not stand. ShapeError if they do not fit.
    """
    joints = np.asarray(joints, float)
    if contacts is not None and np.shape(contacts) != (len(joints), 4):
        raise ShapeError(f"contacts must have shape ({len(joints)}, 4), not {np.shape(contacts)}")
    if len(joints) < 2:
        return np.zeros((len(joints), 2), bool)
    toes = joints[:, TOES]
    height = toes[..., 1] - measure.floor(joints)
    velocity = np.gradient(toes, axis=0) * fps
    rise, slide = np.abs(velocity[..., 1]), np.linalg.norm(velocity[..., GROUND], axis=-1)
    going = np.gradient(joints[:, measure.PELVIS][:, GROUND], axis=0) * fps
    going = np.linalg.norm(measure.smooth(going, fps, 0.25), axis=-1, keepdims=True)
    standing = (slide <= slide[:, ::-1]) & (slide < options.share * going)
    may = (height < options.low_m) & (rise < options.rise_mps) & (standing | (slide < options.still_mps))
    stay = (height < options.high_m) & (rise < 2 * options.rise_mps) & (standing | (slide < 1.5 * options.still_mps))
    if contacts is not None:
        sure = np.asarray(contacts, float)[:, [1, 3]]
        may, stay = may & (sure > 0.5), stay & (sure > 0.3)
    planted = np.zeros_like(stay)
    for side in range(2):
        for a, b in intervals(stay[:, side]):
            if may[a:b, side].any():
                planted[a:b, side] = _honest_part(height[a:b, side], slide[a:b, side], fps, options)
    planted = _split(planted, toes[..., GROUND], height, fps, options)
    return np.stack([_tidy(planted[:, s], toes[:, s][:, GROUND], fps, options) for s in range(2)], axis=1)


def intervals(mask: np.ndarray) -> np.ndarray:
    """(N, 2) first and past-the-last frame of each unbroken stretch of True in mask (F,)."""
    return np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))).reshape(-1, 2)


def _honest_part(height: np.ndarray, slide: np.ndarray, fps: float, options: LockOptions) -> np.ndarray:
    """(F,) bool: one contact, from its toe's heights and speeds (F,), less landing and peeling off; all if it slides."""
    usual = np.median(slide)
    if usual > options.honest_mps:
        return np.ones(len(height), bool)
    brief = max(1, round(options.peel_s * fps))
    good = np.ones(len(height), bool)
    for end in (slice(None, 2 * brief), slice(-2 * brief, None)):  # what is longer is no landing, it floats
        level = np.percentile(height[end], 25) + options.peel_m
        good[end] &= (height[end] < level) & (slide[end] < max(options.honest_mps, 3 * usual))
    return np.logical_or.accumulate(good) & np.logical_or.accumulate(good[::-1])[::-1]  # from the first to the last


def _split(planted: np.ndarray, toes: np.ndarray, height: np.ndarray, fps: float, options: LockOptions) -> np.ndarray:
    """Contacts (F, 2) in which a toe (F, 2, 2) slides further than the cap allows, cut into steps of equal length.

    While one foot steps, the other one stands, if it is near the ground.
    """
    half, shortest = _step_frames(fps, options) // 2, _shortest_frames(fps, options)
    steps, support = np.zeros_like(planted), np.zeros_like(planted)
    for side in range(2):
        for a, b in intervals(planted[:, side]):
            toe = toes[a:b, side]
            if np.linalg.norm(toe - toe.mean(axis=0), axis=-1).max() <= options.cap_m:
                continue  # also a foot that trembles on the spot for a minute
            way = np.linalg.norm(np.diff(toe, axis=0), axis=-1).cumsum()
            count = int(np.ceil(way[-1] / (2 * options.cap_m)))
            count = min(count, (b - a + 2 * half) // (shortest + 2 * half))  # as many as there is time for
            if count > 1:
                cuts = a + 1 + np.searchsorted(way, way[-1] * np.arange(1, count) / count)
                around = (cuts[:, None] + np.arange(-half, half)).clip(0, len(planted) - 1)
                steps[around, side] = True
                near = (height[around, 1 - side] < options.high_m).all(axis=1)
                support[around[near], 1 - side] = True
    return (planted | support) & ~steps


def _tidy(planted: np.ndarray, toe: np.ndarray, fps: float, options: LockOptions) -> np.ndarray:
    """Contacts (F,) of one toe (F, 2) without flicker: short breaks closed or, if the toe travels in them, widened."""
    planted, step, shortest = planted.copy(), _step_frames(fps, options), _shortest_frames(fps, options)
    found = intervals(planted)
    for (_, a), (b, _) in zip(found[:-1], found[1:], strict=True):
        if b - a >= step:
            continue
        if np.linalg.norm(toe[b] - toe[a - 1]) < options.cap_m / 3:
            planted[a:b] = True
        else:
            missing = step - (b - a)
            planted[max(a - missing // 2, 0) : b + missing - missing // 2] = False
    for a, b in intervals(planted):
        planted[a:b] = b - a >= shortest
    return planted


def _shortest_frames(fps: float, options: LockOptions) -> int:
    return max(2, round(options.shortest_s * fps))


def _step_frames(fps: float, options: LockOptions) -> int:
    return max(2, round(options.step_s * fps))


# ---- corrections


def _shift(
    toe: np.ndarray, planted: np.ndarray, floor: float, held: np.ndarray, fps: float, options: LockOptions
) -> np.ndarray:
    """Displacement (F, 3) that holds one toe (F, 3) on the floor at its mean place of each contact, eased in between."""
    shift = np.zeros_like(toe)
    found = intervals(planted)
    for a, b in found:
        if held[a:b].any():
            place = toe[a:b][held[a:b]].mean(axis=0)
        else:
            place = toe[a:b].mean(axis=0)
            place[1] = floor
        shift[a:b] = place - toe[a:b]
    far = np.linalg.norm(shift[:, GROUND], axis=-1, keepdims=True)
    shift[:, GROUND] *= np.minimum(1, options.cap_m / np.maximum(far, 1e-12))
    stops, starts = [0, *found[:, 1]], [*found[:, 0], len(toe)]
    for i, (a, b) in enumerate(zip(stops, starts, strict=True)):
        if a == b:
            continue
        at = np.arange(a, b)
        before = shift[a - 1] if i > 0 else np.zeros(3)
        after = shift[b] if i < len(found) else np.zeros(3)
        ramp = options.ramp_s * fps + 1
        leaving, coming = 1 - _ease((at - a + 1) / ramp), 1 - _ease((b - at) / ramp)
        shift[at] = leaving[:, None] * before + coming[:, None] * after
        if 0 < i < len(found) and b - a <= options.swing_s * fps:
            span = b - a + 1
            t = (at - a + 1)[:, None] / span
            # The toe leaves and arrives at rest where the input slides: the slopes of the correction go on.
            ends = np.stack([shift[a - 1] - shift[a - 2], shift[b + 1] - shift[b]])[:, GROUND] * min(span, ramp)
            swing = _hermite(t, before[GROUND], after[GROUND], *ends)
            shift[a:b, GROUND] = swing
            longer = np.linalg.norm(after[GROUND] - before[GROUND])
            shift[a:b, 1] += min(options.lift * longer, options.lift_m) * np.sin(np.pi * t[:, 0]) ** 2
    return shift


def _hermite(t: np.ndarray, p: np.ndarray, q: np.ndarray, dp: np.ndarray, dq: np.ndarray) -> np.ndarray:
    """Cubic from p to q (D,) with end slopes dp and dq at t (N, 1) in [0, 1]."""
    s = 1 - t
    return s * s * (1 + 2 * t) * p + t * t * (3 - 2 * t) * q + t * s * s * dp - t * t * s * dq


def _ease(t: np.ndarray) -> np.ndarray:
    """0 to 1 along half a cosine."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(t, 0, 1))


def _distance(mask: np.ndarray) -> np.ndarray:
    """(F,) frames to the nearest True of mask (F,); infinite where there is none."""
    at = np.flatnonzero(mask)
    return np.abs(np.arange(len(mask), dtype=float)[:, None] - at).min(axis=1, initial=np.inf)


def _envelope(values: np.ndarray, fps: float, seconds: float) -> np.ndarray:
    """Smooth values (F, ...) nowhere below the given ones: their maximum over a window, averaged over the same window."""
    half = max(1, round(seconds * fps / 2))
    padded = np.pad(values, [(half, half)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    tops = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0).max(axis=-1)
    return measure.moving_average(tops, 2 * half + 1)


# ---- legs


def two_bone(
    hip: np.ndarray, target: np.ndarray, upper: np.ndarray, lower: np.ndarray, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Knee and ankle (..., 3) of a leg from hip (..., 3) to target (..., 3) with bones of upper and lower (...,) metres.

    The knee lies on the side of the line to the target to which pole (..., 3) points. Law of cosines; a target out of
    reach, or too near for unequal bones, gets the ankle as near to it as the bones allow, on the same line.
    """
    line = target - hip
    distance = np.linalg.norm(line, axis=-1)
    along = line / np.maximum(distance, 1e-12)[..., None]
    distance = np.clip(distance, np.maximum(np.abs(upper - lower), 1e-9), upper + lower)
    reach = (upper**2 - lower**2 + distance**2) / (2 * distance)  # of the knee along the line
    aside = np.sqrt(np.maximum(upper**2 - reach**2, 0))
    knee = hip + reach[..., None] * along + aside[..., None] * normalise(_across(pole, along))
    return knee, hip + distance[..., None] * along


def _across(v: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The part of v (..., 3) at right angles to the unit direction along (..., 3)."""
    return v - np.sum(v * along, axis=-1, keepdims=True) * along


def _moved(motion: Motion, shift: np.ndarray, loose: np.ndarray, options: LockOptions) -> Motion:
    """The motion with both ankles displaced by shift (F, 2, 3), feet oriented in the world as before."""
    joints = motion.joints()
    hip, knee, ankle, toe = (joints[:, part] for part in (HIPS, KNEES, ANKLES, TOES))
    upper, lower = motion.skeleton.lengths[KNEES], motion.skeleton.lengths[ANKLES]
    reach = np.maximum(options.reach * (upper + lower), np.linalg.norm(ankle - hip, axis=-1))
    drop = np.minimum(_envelope(_missing(ankle + shift - hip, reach), motion.fps, 0.3), options.drop_m) * loose
    lowered = hip - drop[:, None, None] * np.array([0.0, 1.0, 0.0])
    line = ankle + shift - lowered
    line = line * np.minimum(1, reach / np.linalg.norm(line, axis=-1))[..., None]
    # A straight leg has no plane to keep; the more it is moved, the more the foot says where its knee goes.
    amount = np.linalg.norm(line - (ankle - hip), axis=-1, keepdims=True)
    pole = _across(knee - hip, normalise(ankle - hip)) + np.minimum(amount, 0.03) * normalise(toe - ankle)
    pole = quat_rotate(quat_between(ankle - hip, line), pole)
    new_knee, new_ankle = two_bone(lowered, lowered + line, upper, lower, pole)

    local = motion.rotations
    pelvis = local[:, [0, 0]]
    thigh = quat_multiply(pelvis, local[:, HIPS])
    shin = quat_multiply(thigh, local[:, KNEES])
    foot = quat_multiply(shin, local[:, ANKLES])
    new_thigh = quat_multiply(quat_between(knee - hip, new_knee - lowered), thigh)
    new_shin = quat_multiply(quat_between(ankle - knee, new_ankle - new_knee), shin)
    rotations, root = local.copy(), motion.root.copy()
    moves = (shift != 0).any(axis=-1) | (drop > 0)[:, None]
    for part, parent, child in ((HIPS, pelvis, new_thigh), (KNEES, new_thigh, new_shin), (ANKLES, new_shin, foot)):
        new = quat_multiply(quat_conjugate(parent), child)
        new = np.where(np.sum(new * local[:, part], axis=-1, keepdims=True) < 0, -new, new)
        rotations[:, part] = np.where(moves[..., None], new, local[:, part])
    root[:, 1] -= drop
    return replace(motion, root=root, rotations=rotations)


def _missing(line: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(F,) metres by which the hips must sink for both legs (F, 2, 3) to be no longer than reach (F, 2)."""
    flat = np.sum(line[..., GROUND] ** 2, axis=-1)
    height = np.sqrt(np.maximum(reach**2 - flat, 0))
    return np.maximum(-line[..., 1] - height, 0).max(axis=1) * (np.linalg.norm(line, axis=-1) > reach + 1e-9).any(
        axis=1
    )

"""How clips are joined end to end and how one gets the arms of another, so that the feet do not show it.

The clips meet at the frames near their ends where their poses differ least (motion graphs, Kovar, Gleicher and Pighin 2002);
the second is turned and shifted on the ground until feet and trunk lie on those of the first; what is left decays
(body.blend.inertialise), and the feet are held where they stand (body.footlock).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dimo.body import kinematics, measure
from dimo.body.blend import ground_fit, inertialise
from dimo.body.footlock import lock_feet
from dimo.body.motion import Motion
from dimo.body.rotation import quat_conjugate, quat_continuous, quat_multiply, quat_rotate, slerp, yaw_to_quat
from dimo.body.skeleton import preset

BODY = preset("humanml3d")
ARMS = {
    side: [BODY.index(f"{side}_{part}") for part in ("collar", "shoulder", "elbow", "wrist")]
    for side in ("left", "right")
}
STANCE = [
    BODY.index(n) for n in ("pelvis", "left_hip", "right_hip", "left_ankle", "right_ankle", "left_foot", "right_foot")
]
SEARCH_SECONDS = 0.5
FARTHEST_M = 0.3  # mean distance of joints beyond which two poses are not joined
LOWEST_M = 0.15  # and difference in height of the pelvis: sitting does not go over into standing by itself
FASTEST_MPS = 1.2  # and of their velocities: a greater one would carry a limb away while it decays
SEAM_SECONDS = 1.0  # to either side of a seam the feet may be moved


def join(
    first: Motion, second: Motion, lost: tuple[float, float] = (SEARCH_SECONDS, SEARCH_SECONDS)
) -> tuple[Motion, int] | None:
    """One after the other, going on in place and heading, and the frame of the seam; None where no two poses fit.

    lost: how many seconds of the end of the first and of the beginning of the second may be cut off.
    """
    fps = first.fps
    tail, head = (max(2, min(round(s * fps), len(m) // 3)) for s, m in zip(lost, (first, second), strict=True))
    if min(len(first), len(second)) < 6:
        return None
    a, b = _poses(first)[-tail:], _poses(second)[1 : head + 1]
    apart = np.linalg.norm(a[:, None, :, :3] - b[None, :, :, :3], axis=-1).mean(-1)
    pace = np.linalg.norm(a[:, None, :, 3:] - b[None, :, :, 3:], axis=-1).mean(-1)
    # A little for each frame that is lost.
    cost = apart + 0.15 * pace + 0.004 * (np.arange(tail)[::-1][:, None] + np.arange(head))
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    sinks = abs(a[i, 0, 1] - b[j, 0, 1])
    if apart[i, j] > FARTHEST_M or pace[i, j] > FASTEST_MPS or sinks > LOWEST_M:
        return None
    start, cut = int(j) + 1, len(first) - tail + int(i) + 1
    yaw, shift = ground_fit(second.joints()[start, STANCE], first.joints()[cut - 1, STANCE])
    second = second.moved(shift, yaw)
    seconds = float(np.clip(0.25 + 1.2 * apart[i, j], 0.3, 0.7))
    root, rotations = inertialise(
        second.root[start - 1 :],
        second.rotations[start - 1 :],
        first.root[cut - 2 : cut],
        first.rotations[cut - 2 : cut],
        fps,
        seconds,
    )
    joined = replace(
        first,
        root=np.concatenate([first.root[: cut - 2], root]),
        rotations=quat_continuous(np.concatenate([first.rotations[: cut - 2], rotations])),
    )
    joined = hold_feet(joined, cut)
    around = joined.joints()[max(0, cut - round(0.5 * fps)) : cut + round(SEAM_SECONDS * fps), :, 1].min(axis=1)
    before = max(
        first.joints()[-tail:, :, 1].min(axis=1).max(),
        second.joints()[:, :, 1].min(axis=1)[: round(SEAM_SECONDS * fps)].max(),
    )
    return (joined, cut) if around.max() < max(before, 0.0) + 0.05 and around.min() > -0.06 else None


def hold_feet(motion: Motion, seam: int) -> Motion:
    """Feet that stand near the seam stand still, and nothing elsewhere changes."""
    far = np.abs(np.arange(len(motion)) - seam) > SEAM_SECONDS * motion.fps
    return lock_feet(motion, frozen=far)


def _poses(motion: Motion) -> np.ndarray:
    """(F, 22, 6) joints seen from the pelvis' place on the ground and the body's heading, and their velocities in m/s."""
    joints = motion.joints()
    h = measure.heading(joints)
    local = quat_rotate(yaw_to_quat(-h)[:, None], joints - joints[:, :1] * [1, 0, 1])
    going = np.gradient(joints, axis=0) * motion.fps
    return np.concatenate([local, quat_rotate(yaw_to_quat(-h)[:, None], going)], axis=-1)


def with_arm(body: Motion, other: Motion, sides: tuple[str, ...]) -> Motion:
    """The body with an arm or both of another clip for as long as both last, eased in and out over 0.4 s."""
    frames = min(len(body), len(other))
    joints = [j for side in sides for j in ARMS[side]]
    ramp = np.clip(np.minimum(np.arange(frames), np.arange(frames)[::-1]) / (0.4 * body.fps), 0, 1)[:, None]
    rotations = body.rotations[:frames].copy()
    rotations[:, joints] = slerp(rotations[:, joints], other.rotations[:frames, joints], ramp)
    return Motion(BODY, body.fps, body.root[:frames], rotations)


def to_and_fro(count: int, frames: int) -> np.ndarray:
    """(frames,) numbers of `count` frames that are gone through to their end, back, and so on."""
    back = np.concatenate([np.arange(count), np.arange(count)[-2:0:-1]])
    return back[np.arange(frames) % len(back)]


def with_hanging_arms(body: Motion, other: Motion) -> Motion:
    """The body with both arms as the other clip holds them in the world, whatever the trunk does: gravity keeps them so.

    Seen from the heading of either body; the other clip is gone through to and fro where it is shorter.
    """
    at = to_and_fro(len(other), len(body))
    turn = yaw_to_quat(measure.heading(body.joints()) - measure.heading(other.joints())[at])
    wanted = kinematics.global_rotations(BODY, other.rotations)[at]
    rotations = body.rotations.copy()
    for joints in ARMS.values():
        rotations[:, joints[0]] = other.rotations[at, joints[0]]
        world = kinematics.global_rotations(BODY, rotations)
        parent = world[:, joints[0]]
        for joint in joints[1:]:
            now = quat_multiply(turn, wanted[:, joint])
            rotations[:, joint] = quat_multiply(quat_conjugate(parent), now)
            parent = now
    return Motion(BODY, body.fps, body.root, quat_continuous(rotations))

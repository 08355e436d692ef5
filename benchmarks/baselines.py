"""What a filled gap has to beat: interpolation, holding the last pose, and the nearest motion of the training split."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dimo.body import blend, measure
from dimo.body.motion import Motion
from dimo.body.rotation import quat_rotate, slerp, yaw_to_quat

LOOK_BACK = (0, 3, 6)  # frames before the seam whose poses are compared
SHORTLIST = 100


def interpolate(motion: Motion, a: int, b: int) -> Motion:
    """Frames a to b (not b) on straight lines and shortest turns between their neighbours; held where one is missing."""
    before, after = max(a - 1, 0), min(b, len(motion) - 1)
    if a == 0 or b >= len(motion):
        return hold(motion, a, b)
    t = ((np.arange(a, b) - before) / (after - before))[:, None]
    root = motion.root[before] * (1 - t) + motion.root[after] * t
    shape = (b - a, *motion.rotations.shape[1:])
    ends = (np.broadcast_to(motion.rotations[i], shape) for i in (before, after))
    return replace(motion, root=root, rotations=slerp(*ends, t))


def hold(motion: Motion, a: int, b: int) -> Motion:
    """Frames a to b as the last known one."""
    at = np.full(b - a, a - 1 if a > 0 else b)
    return replace(motion, root=motion.root[at], rotations=motion.rotations[at])


def coast(motion: Motion, a: int, b: int) -> Motion:
    """Frames a to b in the last pose, going on at the speed of the last half second."""
    still = hold(motion, a, b)
    back = min(10, a - 1)
    speed = (motion.root[a - 1] - motion.root[a - 1 - back]) / max(back, 1) * [1, 0, 1]
    return replace(still, root=still.root + np.arange(1, b - a + 1)[:, None] * speed)


@dataclass(frozen=True)
class Library:
    """Training clips, with the poses before every other frame in the frame's own place and heading."""

    clips: list[np.ndarray]  # joints (F, 22, 3)
    features: np.ndarray  # (N, D)
    where: np.ndarray  # (N, 2) clip and frame

    @staticmethod
    def of(clips: list[np.ndarray]) -> Library:
        features, where = [], []
        for i, joints in enumerate(clips):
            frames = np.arange(LOOK_BACK[-1], len(joints), 2)
            if len(frames):
                features.append(_local(joints, frames).astype(np.float32))
                where.append(np.stack([np.full(len(frames), i), frames], axis=1))
        return Library(clips, np.concatenate(features), np.concatenate(where))

    def nearest(self, motion: Motion, a: int, b: int) -> Motion | None:
        """The stretch of a training clip whose past (and, in a gap, whose arrival) is most like this one's, blended in.

        Placed and blended by the same functions as what the model makes. None when no clip is long enough.
        """
        joints = motion.joints()
        last = a - 1
        want = _local(joints, np.array([max(last, LOOK_BACK[-1])]))[0]
        end = b < len(motion)
        room = np.array([len(c) for c in self.clips])[self.where[:, 0]] - self.where[:, 1] > b - last
        if not room.any():
            return None
        cost = np.where(room, np.square(self.features - want).sum(1), np.inf)
        short = np.argsort(cost)[:SHORTLIST]
        short = short[np.isfinite(cost[short])]
        if end:
            arrival = _place(joints, last, joints[b])
            reached = []
            for clip, frame in self.where[short]:
                there = _place(self.clips[clip], frame, self.clips[clip][frame + b - last])
                reached.append(np.square(there - arrival).sum())
            best = short[np.argmin(cost[short] / len(LOOK_BACK) + np.array(reached))]
        else:
            best = short[0]
        clip, frame = self.where[best]
        found = self.clips[clip][max(0, frame - 1) : frame + b - last + 2]
        made = Motion.from_joints(motion.skeleton, found.astype(float), motion.fps)
        zero = frame - max(0, frame - 1)
        yaw, shift = blend.ground_fit(made.joints()[zero], joints[last])
        made = made.moved(shift, yaw)
        root, rotations = made.root, made.rotations
        far = zero + b - last
        if end:
            turn, shift = blend.ground_fit(made.joints()[far], joints[b])
            target = quat_rotate(yaw_to_quat(np.array(turn)), root[far]) + shift
            weights = blend.drift_weights(root[zero : far + 1], rotations[zero : far + 1], motion.fps)
            root, rotations = blend.spread_drift(root[zero : far + 1], rotations[zero : far + 1], turn, target, weights)
            zero, far = 0, far - zero
        root, rotations = root[zero:], rotations[zero:]
        seconds = min(0.4, (b - last) / motion.fps)
        known = motion[last : last + 1]
        root, rotations = blend.inertialise(root, rotations, known.root, known.rotations, motion.fps, seconds)
        if end:
            known = motion[b : b + 1]
            root, rotations = blend.inertialise(
                root[::-1], rotations[::-1], known.root, known.rotations, motion.fps, seconds
            )
            root, rotations = root[::-1], rotations[::-1]
        return replace(motion, root=root[1 : b - last], rotations=rotations[1 : b - last])


def _local(joints: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Poses at and before frames (N,) in each frame's own place and heading: (N, len(LOOK_BACK) * 66)."""
    yaw = measure.heading(joints)[frames]
    back = yaw_to_quat(-yaw)[:, None]
    origin = joints[frames, :1] * [1, 0, 1]
    return np.concatenate(
        [quat_rotate(back, joints[frames - k] - origin).reshape(len(frames), -1) for k in LOOK_BACK], axis=1
    )


def _place(joints: np.ndarray, frame: int, pose: np.ndarray) -> np.ndarray:
    """A pose (22, 3) as seen from another frame's place and heading."""
    yaw = measure.heading(joints[frame : frame + 1])[0]
    return quat_rotate(yaw_to_quat(np.array(-yaw)), pose - joints[frame, :1] * [1, 0, 1])

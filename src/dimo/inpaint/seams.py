"""From the codes of a filled gap to frames on the motion's own body, put in place and blended into both known sides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dimo.body import blend
from dimo.body.motion import Motion
from dimo.body.retarget import find_naming, leg_length, retarget
from dimo.body.rotation import quat_continuous, quat_rotate, slerp, yaw_to_quat
from dimo.body.skeleton import Skeleton
from dimo.codec.codec import Codec
from dimo.inpaint.codes import decode, stand
from dimo.inpaint.timing import Gap, Grid
from dimo.memory.lookup import FIT_FRAMES

BLEND_SECONDS = 0.4  # in which the offset at a seam decays, inside of what is made


@dataclass(frozen=True)
class Filled:
    """The frames made, and by which shift (3,) and yaw in radians what follows them has moved (gap.follow)."""

    motion: Motion
    shift: np.ndarray
    yaw: float = 0.0

    @staticmethod
    def still(motion: Motion) -> Filled:
        """Frames that move nothing."""
        return Filled(motion, np.zeros(3))

    def moved(self, motion: Motion) -> Motion:
        """A motion behind the gap where it is now."""
        return motion.moved(self.shift, self.yaw) if self.yaw or self.shift.any() else motion


def place(codec: Codec, gap: Gap, grid: Grid, codes: Tensor, floor: float, footlock: bool) -> Filled:
    """Decode a filled gap with its sides, put it where it belongs, and give the frames that are missing."""
    stride = codec.config.stride
    clip, contacts = decode(codec, torch.cat([grid.before, codes, grid.after]))
    # Index of frame 0 in the decoded clip.
    zero = len(grid.before) * stride - 1 if grid.left is not None else len(codes) * stride
    clip = clip.moved((0, floor, 0))
    if grid.left is not None:
        count = min(FIT_FRAMES, len(grid.left), zero + 1)
        yaw, shift = blend.ground_fit(_points(clip, zero - count + 1, count), _points(grid.left, -count, count))
    else:
        assert grid.right is not None
        yaw, shift = blend.ground_fit(_points(clip, zero, FIT_FRAMES), _points(grid.right, 0, FIT_FRAMES))
    clip = clip.moved(shift, yaw)
    end = zero + grid.arrival
    moved = Filled.still(clip)
    if grid.left is not None and grid.right is not None and gap.right is not None:
        count = min(FIT_FRAMES, len(clip) - end, len(grid.right))
        yaw, shift = blend.ground_fit(_points(clip, end, count), _points(grid.right, 0, count))
        if gap.follow:
            back = quat_rotate(yaw_to_quat(np.array(-yaw)), -shift)
            moved = Filled(clip, back / _scale(grid.right, gap.right), -yaw)
        else:
            clip = _bend(clip, zero, end, yaw, shift)
    if footlock:
        frozen = np.zeros(len(clip), bool)
        frozen[: zero + 1] = grid.left is not None
        frozen[end:] = grid.right is not None
        clip = stand(clip, contacts, frozen)
    right = moved.moved(gap.right) if gap.right is not None else None
    return replace(moved, motion=_own(codec, replace(gap, right=right), clip, zero))


def bridge(gap: Gap) -> Motion | None:
    """The frames of a gap as a smooth curve whose velocities are those of both sides at the seams; None where one is missing."""
    left, right, frames = gap.left, gap.right, gap.frames
    if left is None or right is None:
        return None
    begin, stop = min(2, len(left)), min(2, len(right))
    t = (np.arange(1 - begin, frames + 1 + stop) / (frames + 1))[:, None]
    root = left.root[-1] * (1 - t) + right.root[0] * t
    here, there = (np.broadcast_to(r, (len(t), *r.shape)) for r in (left.rotations[-1], right.rotations[0]))
    return _joined_to(gap, root, slerp(here, there, t), begin, stop)


def _bend(clip: Motion, first: int, last: int, yaw: float, shift: np.ndarray) -> Motion:
    """The clip with frames first to last bent so that the last one is moved by (yaw, shift), and all after it with it."""
    turn = yaw_to_quat(np.array(yaw))
    target = quat_rotate(turn, clip.root[last]) + shift
    span = slice(first, last + 1)
    weights = blend.drift_weights(clip.root[span], clip.rotations[span], clip.fps)
    root, rotations = clip.root.copy(), clip.rotations.copy()
    root[span], rotations[span] = blend.spread_drift(clip.root[span], clip.rotations[span], yaw, target, weights)
    after = clip[last:].moved(shift, yaw)
    root[last:], rotations[last:] = after.root, after.rotations
    return replace(clip, root=root, rotations=rotations)


def _joined_to(gap: Gap, root: np.ndarray, rotations: np.ndarray, begin: int, stop: int) -> Motion:
    """A curve blended into both sides; its first `begin` frames are its own version of left's last, and so at the end."""
    left, right, side = gap.left, gap.right, gap.side
    frames = len(root) - begin - stop
    seconds = min(BLEND_SECONDS, (frames + 1) / side.fps)
    if left is not None:
        known = left[-begin:]
        root, rotations = blend.inertialise(root, rotations, known.root, known.rotations, side.fps, seconds)
    if right is not None:
        known = right[:stop]
        back, back_rotations = blend.inertialise(
            root[::-1], rotations[::-1], known.root[::-1], known.rotations[::-1], side.fps, seconds
        )
        root, rotations = back[::-1], back_rotations[::-1]
    made = slice(begin, begin + frames)
    root, rotations = root[made], rotations[made]
    if left is not None:  # signs go on from the left; the right side keeps its own
        rotations = quat_continuous(np.concatenate([left.rotations[-1:], rotations]))[1:]
    return replace(side, root=root, rotations=rotations)


def _own(codec: Codec, gap: Gap, clip: Motion, zero: int) -> Motion:
    """The missing frames on the gap's own body and rate, blended into both sides; clip's frame `zero` is the grid's 0."""
    side, fps = gap.side, codec.config.fps
    # Own frames -1, 0 | 1 to frames | frames + 1, frames + 2, counted from the last known one before the gap.
    begin = (2 if len(gap.left) > 1 else 1) if gap.left is not None else 0
    stop = (2 if len(gap.right) > 1 else 1) if gap.right is not None else 0
    own = np.arange(1 - begin, gap.frames + 1 + stop, dtype=float)
    origin = zero if gap.left is not None else zero - (gap.frames + 1) * fps / side.fps
    clip = retarget(clip, side.skeleton)
    root, rotations = blend.sample_at(clip.root, clip.rotations, origin + own * fps / side.fps)
    ends = [m for m in (gap.left and gap.left[-1:], gap.right and gap.right[:1]) if m]
    weights = np.clip(own / (gap.frames + 1), 0, 1)
    weights = weights * weights * (3 - 2 * weights)
    details = [_details(codec, pose) for pose in ends]
    rotations = blend.with_detail(side.skeleton, rotations, blend.between_details(details[0], details[-1], weights))
    free = _beyond_roles(side.skeleton)
    rotations[:, free] = blend.between_details(ends[0].rotations[0, free], ends[-1].rotations[0, free], weights)
    return _joined_to(gap, root, rotations, begin, stop)


def _details(codec: Codec, pose: Motion) -> np.ndarray:
    """What the codec's body cannot say of a pose of one frame (J, 4)."""
    simple = retarget(retarget(pose, codec.skeleton), pose.skeleton)
    return blend.detail(pose.skeleton, pose.rotations[0], simple.rotations[0])


def _beyond_roles(skeleton: Skeleton) -> np.ndarray:
    """Indices of joints that no role of the 22-joint body moves, nor any joint below them: fingers, eyes, ends."""
    _, roles = find_naming(skeleton)
    moved = np.zeros(len(skeleton), bool)
    moved[[j for indices in roles.values() for j in indices]] = True
    for j in reversed(range(1, len(skeleton))):
        moved[skeleton.parents[j]] |= moved[j]
    return np.flatnonzero(~moved)


def _points(motion: Motion, start: int, count: int) -> np.ndarray:
    """Positions (count * J, 3) of frames from start on."""
    start = start if start >= 0 else len(motion) + start
    return motion.joints()[start : start + count].reshape(-1, 3)


def _scale(on_body: Motion, own: Motion) -> float:
    """How much longer ways are on the codec's body than on the motion's own."""
    (_, a), (_, b) = find_naming(on_body.skeleton), find_naming(own.skeleton)
    return leg_length(on_body.skeleton, a) / leg_length(own.skeleton, b)

"""Fill one gap of a motion on any body: codes from what is known, decoded, put in place, blended into both sides.

The model works on the 22-joint body at 20 fps in steps of 4 frames; a motion has its own body, rate and gap. So the
known sides are brought to a common grid that starts at the seam, and what the model makes is brought back. Where the
last step reaches over the end of the gap, its frames beyond are thrown away: known frames are never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np
import torch
from torch import Tensor

from dimo.body import blend
from dimo.body.footlock import BODY, lock_feet
from dimo.body.motion import Motion
from dimo.body.retarget import find_naming, leg_length, retarget
from dimo.body.rotation import quat_continuous, quat_rotate, slerp, yaw_to_quat
from dimo.body.skeleton import Skeleton
from dimo.codec.codec import Codec
from dimo.diffusion.sample import SampleOptions
from dimo.features import humanml3d
from dimo.features.layouts import layout_for
from dimo.inpaint.windows import CONTEXT, Part, fill
from dimo.memory.lookup import FIT_FRAMES, LOOKS, Memory, Sides
from dimo.model.masked import MaskedModel
from dimo.text.wordpiece import Wordpiece

BLEND_SECONDS = 0.4  # in which the offset at a seam decays, inside of what is made
EDGE = 4  # steps beside the context that are encoded with it and dropped: the encoder sees no cut there
NOWHERE = np.zeros((0, len(BODY), 3))  # the joints of a side that is not there


@dataclass(frozen=True)
class Tools:
    """What makes motion, and how it is drawn."""

    codec: Codec
    model: MaskedModel
    wordpiece: Wordpiece
    options: SampleOptions
    samples: int = 1
    footlock: bool = True  # planted feet of what is made neither slide nor float
    memory: Memory | None = None

    @property
    def fps(self) -> float:
        return self.codec.config.fps

    @property
    def stride(self) -> int:
        return self.codec.config.stride


@dataclass(frozen=True)
class Gap:
    """`frames` frames to make between two motions of one body and rate, either of which may be missing but not both.

    follow: what comes after is moved to where the filled frames arrive, instead of their bending towards it.
    """

    left: Motion | None
    right: Motion | None
    frames: int
    follow: bool = False


@dataclass(frozen=True)
class Filled:
    """The frames made, and what comes after them, which only `follow` moves."""

    motion: Motion
    right: Motion | None


def floor_of(motion: Motion, body: Codec) -> float:
    """Height of the ground under a motion on the codec's body, as features measure it: its lowest joint ever."""
    return float(retarget(motion, body.skeleton).joints()[..., 1].min())


def fill_gap(tools: Tools, gaps: Sequence[Gap], parts_of: Sequence[int], floor: float) -> list[Filled]:
    """One result for each of several gaps that have sides alike in length; parts_of are the word pieces of the text.

    A gap that is shorter than one step of the model is bridged by a smooth curve.
    """
    bridges = [_bridge(gap) for gap in gaps if (gap.frames + 1) / _fps(gap) <= tools.stride / tools.fps]
    if bridges and None not in bridges:
        return [Filled(made, gap.right) for made, gap in zip(bridges, gaps, strict=True) if made]
    grids = [Grid.of(tools, gap, floor) for gap in gaps]
    part = Part(tuple(parts_of), grids[0].steps)
    recalls = []
    if tools.memory is not None and tools.options.memory and not part.ids:
        recalls = [partial(tools.memory.recall, sides=_sides(*both)) for both in zip(gaps, grids, strict=True)]
    befores, afters = [g.before for g in grids], [g.after for g in grids]
    codes = fill(tools.model, befores, [part], afters, tools.options, recalls=recalls)
    return [_place(tools, gap, grid, made, floor) for gap, grid, made in zip(gaps, grids, codes, strict=True)]


@dataclass(frozen=True)
class Grid:
    """A gap on the model's grid: frame 0 is the last known one before the gap, or the first after it if none is before.

    before (A, Q), after (B, Q): codes of the sides. arrival: the first frame not before the end of the gap. left and
    right: the sides on the codec's body, at frames ..., -1, 0 and arrival, arrival + 1, ...
    """

    steps: int
    arrival: int
    before: Tensor
    after: Tensor
    left: Motion | None
    right: Motion | None

    @staticmethod
    def of(tools: Tools, gap: Gap, floor: float) -> Grid:
        ratio, stride = tools.fps / _fps(gap), tools.stride
        nothing = torch.zeros(0, tools.codec.config.levels, dtype=torch.long)
        longest = (CONTEXT + EDGE) * stride
        if gap.left is None:
            assert gap.right is not None
            steps, arrival, first = max(1, ceil(gap.frames * ratio / stride - 1e-6)), 0, 0
        else:
            # With a right side the gap ends at its first frame, one frame after the last missing one.
            length = (gap.frames + (gap.right is not None)) * ratio
            arrival = ceil(length - 1e-6)
            steps = max(1, ceil((arrival - (gap.right is not None)) / stride))
            first = stride * steps + 1
        before = after = nothing
        left = right = None
        if gap.left is not None:
            frames = min(longest, max(stride, int((len(gap.left) - 1) * ratio + 1 + 1e-6) // stride * stride))
            at = len(gap.left) - 1 - np.arange(frames)[::-1] / ratio
            left = on_body(tools, gap.left, at)
            before = encode(tools, left, floor)[-CONTEXT:]
        if gap.right is not None:
            start = arrival - (gap.frames + 1) * ratio if gap.left is not None else 0.0  # of grid frame `arrival`
            late = (first - arrival + start) / ratio  # own frame at which the first whole step begins
            frames = min(longest, max(stride, int((len(gap.right) - 1 - late) * ratio + 1 + 1e-6) // stride * stride))
            right = on_body(tools, gap.right, (np.arange(first - arrival + frames) + start) / ratio)
            after = encode(tools, right[first - arrival :], floor)[:CONTEXT]
        return Grid(steps, arrival, before, after, left, right)


def on_body(tools: Tools, motion: Motion, at: np.ndarray) -> Motion:
    """A motion at fractional frames on the codec's body and rate; beyond its ends it holds still."""
    root, rotations = blend.sample_at(motion.root, motion.rotations, at)
    return retarget(Motion(motion.skeleton, tools.fps, root, rotations, motion.name), tools.codec.skeleton)


def encode(tools: Tools, motion: Motion, floor: float) -> Tensor:
    """Codes (L, Q) of a motion on the codec's body and rate that stands over a floor at that height."""
    joints = motion.joints()
    features = humanml3d.encode(joints)
    columns = humanml3d.columns(layout_for(size=features.shape[1]))
    # encode() takes the lowest joint of these frames for the ground; they may all be in the air.
    air = joints[..., 1].min() - floor
    features[:, columns["height"]] += air
    features[:, columns["positions"]][:, 1::3] += air
    return tools.codec.encode(torch.tensor(features, dtype=torch.float32)[None])[0]


def decode(tools: Tools, codes: Tensor) -> tuple[Motion, np.ndarray]:
    """Codes (L, Q) to a motion from the origin facing +Z, and the probabilities (F, 4) of contact of both feet."""
    features = tools.codec.decode(codes[None])[0].double().numpy()
    columns = humanml3d.columns(layout_for(size=features.shape[1]))
    motion = humanml3d.decode_motion(features, tools.codec.skeleton, tools.fps)
    return motion, np.clip(features[:, columns["contacts"]], 0, 1)


def stand(tools: Tools, motion: Motion, contacts: np.ndarray, frozen: np.ndarray | None = None) -> Motion:
    """The motion with its planted feet held, but for frozen frames (F,), where that is asked for and the body is known."""
    if not tools.footlock or motion.skeleton != BODY:
        return motion
    return lock_feet(motion, contacts=contacts, frozen=frozen)


def _sides(gap: Gap, grid: Grid) -> Sides:
    """The poses next to a gap, and behind it where it has to lead there."""
    deep = LOOKS[-1] + 1
    before, after = (side.joints() if side is not None else NOWHERE for side in (grid.left, grid.right))
    if grid.left is None or gap.follow:
        after = NOWHERE
    return Sides(grid.steps, before[-deep:], grid.arrival, after[:deep])


def _place(tools: Tools, gap: Gap, grid: Grid, codes: Tensor, floor: float) -> Filled:
    """Decode a filled gap with its sides, put it where it belongs, and make the frames that are missing."""
    clip, contacts = decode(tools, torch.cat([grid.before, codes, grid.after]))
    # Index of frame 0 in the decoded clip.
    zero = len(grid.before) * tools.stride - 1 if grid.left is not None else len(codes) * tools.stride
    clip = clip.moved((0, floor, 0))
    if grid.left is not None:
        count = min(FIT_FRAMES, len(grid.left), zero + 1)
        yaw, shift = blend.ground_fit(_points(clip, zero - count + 1, count), _points(grid.left, -count, count))
    else:
        assert grid.right is not None
        yaw, shift = blend.ground_fit(_points(clip, zero, FIT_FRAMES), _points(grid.right, 0, FIT_FRAMES))
    clip = clip.moved(shift, yaw)
    right = gap.right
    end = zero + grid.arrival
    if grid.left is not None and grid.right is not None and right is not None:
        count = min(FIT_FRAMES, len(clip) - end, len(grid.right))
        yaw, shift = blend.ground_fit(_points(clip, end, count), _points(grid.right, 0, count))
        if gap.follow:
            scale = _scale(grid.right, right)
            back = quat_rotate(yaw_to_quat(np.array(-yaw)), -shift)
            right = right.moved(back / scale, -yaw)
        else:
            clip = _bend(clip, zero, end, yaw, shift)
    frozen = np.zeros(len(clip), bool)
    frozen[: zero + 1] = grid.left is not None
    frozen[end:] = grid.right is not None
    clip = stand(tools, clip, contacts, frozen)
    return Filled(_own(tools, replace(gap, right=right), clip, zero), right)


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


def _bridge(gap: Gap) -> Motion | None:
    """The frames of a gap whose velocities are those of both sides at the seams; None where one side is missing."""
    left, right, frames = gap.left, gap.right, gap.frames
    if left is None or right is None:
        return None
    begin, stop = min(2, len(left)), min(2, len(right))
    t = (np.arange(1 - begin, frames + 1 + stop) / (frames + 1))[:, None]
    root = left.root[-1] * (1 - t) + right.root[0] * t
    here, there = (np.broadcast_to(r, (len(t), *r.shape)) for r in (left.rotations[-1], right.rotations[0]))
    return _joined_to(left, right, root, slerp(here, there, t), begin, stop)


def _joined_to(
    left: Motion | None, right: Motion | None, root: np.ndarray, rotations: np.ndarray, begin: int, stop: int
) -> Motion:
    """A curve blended into both sides; its first `begin` frames are its own version of left's last, and so at the end."""
    side = left if left is not None else right
    assert side is not None
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


def _own(tools: Tools, gap: Gap, clip: Motion, zero: int) -> Motion:
    """The missing frames on the gap's own body and rate, blended into both sides; clip's frame `zero` is the grid's 0."""
    side = gap.left if gap.left is not None else gap.right
    assert side is not None
    # Own frames -1, 0 | 1 to frames | frames + 1, frames + 2, counted from the last known one before the gap.
    begin = (2 if len(gap.left) > 1 else 1) if gap.left is not None else 0
    stop = (2 if len(gap.right) > 1 else 1) if gap.right is not None else 0
    own = np.arange(1 - begin, gap.frames + 1 + stop, dtype=float)
    origin = zero if gap.left is not None else zero - (gap.frames + 1) * tools.fps / side.fps
    at = origin + own * tools.fps / side.fps
    clip = retarget(clip, side.skeleton)
    root, rotations = blend.sample_at(clip.root, clip.rotations, at)
    ends = [m for m in (gap.left and gap.left[-1:], gap.right and gap.right[:1]) if m]
    weights = np.clip(own / (gap.frames + 1), 0, 1)
    weights = weights * weights * (3 - 2 * weights)
    details = [_details(tools, pose) for pose in ends]
    rotations = blend.with_detail(side.skeleton, rotations, blend.between_details(details[0], details[-1], weights))
    free = _beyond_roles(side.skeleton)
    rotations[:, free] = blend.between_details(ends[0].rotations[0, free], ends[-1].rotations[0, free], weights)
    return _joined_to(gap.left, gap.right, root, rotations, begin, stop)


def _details(tools: Tools, pose: Motion) -> np.ndarray:
    """What the codec's body cannot say of a pose of one frame (J, 4)."""
    simple = retarget(retarget(pose, tools.codec.skeleton), pose.skeleton)
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


def _fps(gap: Gap) -> float:
    side = gap.left if gap.left is not None else gap.right
    assert side is not None
    return side.fps

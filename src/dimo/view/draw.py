"""A motion as pictures: limbs as shaded capsules, painted back to front with Pillow; no display, no GL.

The actor's left limbs are blue and the right ones red, as on the mannequin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from dimo.body.mapping import Roles, find_naming
from dimo.body.motion import Motion
from dimo.body.rotation import normalise
from dimo.body.skeleton import Skeleton, other_side
from dimo.body.structure import side_of
from dimo.errors import RequestError

GREY, LEFT, RIGHT = (120, 122, 128), (62, 104, 190), (205, 82, 66)
BACKGROUND, GRID, SHADOW = (250, 250, 250), (222, 224, 228), (206, 208, 212)
OVERSAMPLE = 2
MOST_LINES = 100
"""Grid lines each way; a person's picture has 20."""


@dataclass(frozen=True)
class Camera:
    """Orthographic: looks at `target` (3,) from yaw radians to the actor's left of the front and `tilt` radians above."""

    target: np.ndarray
    metres: float  # height of the picture in the world
    yaw: float = 0.6
    tilt: float = 0.28

    def project(self, points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Points (..., 3) to pixels (..., 2) in a picture (width, height), and depth (...,), larger is nearer."""
        back = np.array([np.sin(self.yaw) * np.cos(self.tilt), np.sin(self.tilt), np.cos(self.yaw) * np.cos(self.tilt)])
        right = normalise(np.cross([0.0, 1.0, 0.0], back))
        up = np.cross(back, right)
        relative = np.asarray(points) - self.target
        scale = size[1] / self.metres
        x, y = size[0] / 2 + relative @ right * scale, size[1] / 2 - relative @ up * scale
        return np.stack([x, y], axis=-1), relative @ back


def side_colours(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    """A colour per joint: blue on the left, red on the right, grey in the middle.

    By what the joint is in the body where that is known, else by its name, else as the joint that it hangs from.
    """
    known = {
        joints[0]: 1 if role.startswith("left_") else -1 if role.startswith("right_") else 0
        for role, joints in roles_of(skeleton).items()
        if len(joints) == 1
    }
    sides: list[int] = []
    for j, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        sides.append(known[j] if j in known else side_of(name) or (sides[parent] if parent >= 0 else 0))
    return [(GREY, LEFT, RIGHT)[side] for side in sides]


def roles_of(skeleton: Skeleton) -> Roles:
    """Which joints stand for the 22 common ones; none of a body that is not known."""
    try:
        return find_naming(skeleton)[1]
    except RequestError:
        return {}


def drawn_bones(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Parent and joint of each bone that is drawn: those of the body, and not what stands beside it for its controls."""
    pelvis = roles_of(skeleton).get("pelvis", (0,))[0]
    below = [False] * len(skeleton)
    bones = []
    for j, parent in enumerate(skeleton.parents):
        below[j] = j == pelvis or (parent >= 0 and below[parent])
        if below[j] and j != pelvis and skeleton.lengths[j] > 1e-3:
            bones.append((parent, j))
    return bones


def limb_radius(skeleton: Skeleton, joint: int) -> float:
    """Metres from the bone that ends in a joint to the skin, as it is drawn."""
    if "spine" in skeleton.names[joint].lower() and other_side(skeleton.names[joint]) == skeleton.names[joint]:
        return 0.085  # a trunk, not a stick
    return float(np.clip(0.32 * skeleton.lengths[joint], 0.018, 0.052))


def draw_pose(
    picture: ImageDraw.ImageDraw, joints: np.ndarray, skeleton: Skeleton, camera: Camera, size: tuple[int, int]
) -> None:
    """One pose (J, 3) into a picture of that size, with its shadow on y = 0."""
    scale = size[1] / camera.metres
    flat, _ = camera.project(joints * [1, 0, 1], size)
    pixels, depth = camera.project(joints, size)
    colours = side_colours(skeleton)
    bones = drawn_bones(skeleton)
    for p, j in bones:
        _capsule(picture, flat[p], flat[j], 0.045 * scale, SHADOW)
    span = max(np.ptp(depth), 1e-6)
    for p, j in sorted(bones, key=lambda b: depth[b[0]] + depth[b[1]]):
        near = 0.78 + 0.3 * ((depth[p] + depth[j]) / 2 - depth.min()) / span
        colour = tuple(int(min(255, c * near)) for c in colours[j])
        radius = limb_radius(skeleton, j) * scale
        _capsule(picture, pixels[p], pixels[j], radius + 1.2 * OVERSAMPLE, (255, 255, 255))
        _capsule(picture, pixels[p], pixels[j], radius, colour)
    roles = roles_of(skeleton)
    head = roles["head"][0] if "head" in roles else skeleton.names.index("head") if "head" in skeleton.names else 0
    if head > 0:
        up = normalise(joints[head] - joints[skeleton.parents[head]])
        centre, _ = camera.project(joints[head] + 0.05 * up, size)
        _disc(picture, centre, 0.105 * scale, GREY)
        if roles:  # a nose says which way the body faces
            left, right = (joints[list(roles[f"{side}_shoulder"])].mean(0) for side in ("left", "right"))
            ahead = normalise(np.cross(left - right, [0, 1, 0]))
            nose, nose_depth = camera.project(joints[head] + 0.05 * up + 0.1 * ahead, size)
            if nose_depth > camera.project(joints[head], size)[1]:
                _disc(picture, nose, 0.03 * scale, (70, 70, 76))


def _capsule(
    picture: ImageDraw.ImageDraw, a: np.ndarray, b: np.ndarray, radius: float, colour: tuple[int, ...]
) -> None:
    picture.line([tuple(a), tuple(b)], fill=colour, width=max(1, round(2 * radius)))
    _disc(picture, a, radius, colour)
    _disc(picture, b, radius, colour)


def _disc(picture: ImageDraw.ImageDraw, at: np.ndarray, radius: float, colour: tuple[int, ...]) -> None:
    picture.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], fill=colour)


def draw_ground(picture: ImageDraw.ImageDraw, camera: Camera, size: tuple[int, int], spacing: float = 0.5) -> None:
    """Grid lines on y = 0 around the camera's target, fixed to the world, so that travel can be seen."""
    reach = 1.5 * camera.metres * max(1.0, size[0] / size[1])
    spacing *= 10.0 ** np.ceil(max(0.0, np.log10(2 * reach / spacing / MOST_LINES)))  # a giant stands on a wider grid
    low, high = np.floor((camera.target[[0, 2]] - reach) / spacing), np.ceil((camera.target[[0, 2]] + reach) / spacing)
    for i in np.arange(low[0], high[0] + 1) * spacing:
        ends, _ = camera.project(np.array([[i, 0, low[1] * spacing], [i, 0, high[1] * spacing]]), size)
        picture.line([tuple(e) for e in ends], fill=GRID, width=OVERSAMPLE)
    for k in np.arange(low[1], high[1] + 1) * spacing:
        ends, _ = camera.project(np.array([[low[0] * spacing, 0, k], [high[0] * spacing, 0, k]]), size)
        picture.line([tuple(e) for e in ends], fill=GRID, width=OVERSAMPLE)


def grounded(motion: Motion) -> np.ndarray:
    """Joints (F, J, 3) put on the floor at y = 0 (5th percentile of the lowest joint)."""
    joints = motion.joints()
    return joints - [0, float(np.percentile(joints[..., 1].min(axis=1), 5)), 0]


def frames(motion: Motion, size: int = 480) -> Iterator[np.ndarray]:
    """RGB pictures (size, size, 3) uint8, one per frame; the camera follows the body smoothly."""
    joints = grounded(motion)
    wide = (size * OVERSAMPLE, size * OVERSAMPLE)
    kernel = np.hanning(max(3, round(motion.fps) | 1) + 2)[1:-1]
    half = len(kernel) // 2
    padded = np.pad(joints[:, 0], ((half, half), (0, 0)), mode="edge")
    path = np.stack([np.convolve(padded[:, i], kernel / kernel.sum(), mode="valid") for i in range(3)], axis=-1)
    height = max(1.2, float(np.percentile(np.ptp(joints[..., 1], axis=1), 95)))
    for pose, at in zip(joints, path, strict=True):
        image = Image.new("RGB", wide, BACKGROUND)
        picture = ImageDraw.Draw(image)
        camera = Camera(np.array([at[0], 0.5 * height, at[2]]), 1.6 * height)
        draw_ground(picture, camera, wide)
        draw_pose(picture, pose, motion.skeleton, camera, wide)
        yield np.asarray(image.resize((size, size), Image.Resampling.BOX))

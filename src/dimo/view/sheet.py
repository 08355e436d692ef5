"""Contact sheets: a motion as one picture, several poses side by side with times, and its path from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dimo.body.motion import Motion
from dimo.body.rotation import quat_rotate
from dimo.view.draw import BACKGROUND, GREY, LEFT, OVERSAMPLE, RIGHT, Camera, draw_ground, draw_pose, grounded

INK = (40, 42, 48)


def sheet(motion: Motion, caption: str | None = None, *, poses: int = 8, height: int = 240) -> Image.Image:
    """One row: `poses` poses evenly in time, each in front of the same world grid, then the path seen from above."""
    joints = grounded(motion)
    picked = np.unique(np.linspace(0, len(motion) - 1, poses).round().astype(int))
    tile = (round(height * 0.72) * OVERSAMPLE, height * OVERSAMPLE)
    tall = max(1.2, float(np.percentile(np.ptp(joints[..., 1], axis=1), 95)))
    tiles = []
    for frame in picked:
        image = Image.new("RGB", tile, BACKGROUND)
        picture = ImageDraw.Draw(image)
        camera = Camera(np.array([joints[frame, 0, 0], 0.52 * tall, joints[frame, 0, 2]]), 1.5 * tall)
        draw_ground(picture, camera, tile)
        draw_pose(picture, joints[frame], motion.skeleton, camera, tile)
        _text(picture, (6 * OVERSAMPLE, 4 * OVERSAMPLE), f"{frame / motion.fps:.1f} s", 12 * OVERSAMPLE)
        tiles.append(image)
    tiles.append(_path(motion, joints, (tile[1], tile[1])))
    top = 30 * OVERSAMPLE
    out = Image.new("RGB", (sum(t.width for t in tiles), tile[1] + top), (255, 255, 255))
    title = f"{motion.name.replace('_', ' ') if caption is None else caption}   ({motion.seconds:.1f} s)"
    _text(ImageDraw.Draw(out), (6 * OVERSAMPLE, 7 * OVERSAMPLE), title, 14 * OVERSAMPLE)
    x = 0
    for image in tiles:
        out.paste(image, (x, top))
        x += image.width
    return out.resize((out.width // OVERSAMPLE, out.height // OVERSAMPLE), Image.Resampling.BOX)


def sheets(rows: Sequence[tuple[Motion, str]], *, poses: int = 8, height: int = 200) -> Image.Image:
    """Several sheets below each other."""
    images = [sheet(motion, caption, poses=poses, height=height) for motion, caption in rows]
    out = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)), (255, 255, 255))
    y = 0
    for image in images:
        out.paste(image, (0, y))
        y += image.height
    return out


def _path(motion: Motion, joints: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """The root from above: from the blue dot to the red one; +Z up the picture, +X to the left, ticks along the heading."""
    image = Image.new("RGB", size, (243, 244, 246))
    picture = ImageDraw.Draw(image)
    ground = joints[:, 0][:, [0, 2]]
    middle = (ground.min(0) + ground.max(0)) / 2
    metres = max(2.0, float(np.ptp(ground, axis=0).max()) * 1.3)
    scale = size[1] / metres

    def at(point: np.ndarray) -> tuple[float, float]:
        return size[0] / 2 - (point[0] - middle[0]) * scale, size[1] / 2 - (point[1] - middle[1]) * scale

    if len(ground) > 1:
        picture.line([at(p) for p in ground], fill=GREY, width=2 * OVERSAMPLE)
    ahead = quat_rotate(motion.rotations[:, 0], np.array([0.0, 0.0, 1.0]))[:, [0, 2]]
    for frame in np.unique(np.linspace(0, len(ground) - 1, 6).round().astype(int)):
        direction = ahead[frame] / max(float(np.linalg.norm(ahead[frame])), 1e-6)
        tip = at(ground[frame] + direction * metres * 0.09)
        picture.line([at(ground[frame]), tip], fill=INK, width=2 * OVERSAMPLE)
    for point, colour in ((ground[0], LEFT), (ground[-1], RIGHT)):
        x, y = at(point)
        radius = 5 * OVERSAMPLE
        picture.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    _text(picture, (6 * OVERSAMPLE, 4 * OVERSAMPLE), f"from above, {metres:.1f} m", 11 * OVERSAMPLE)
    return image


def _text(picture: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int) -> None:
    picture.text(at, text, fill=INK, font=ImageFont.load_default(size))

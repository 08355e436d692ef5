"""The moving picture at the top of the README: writes docs/dimo.gif.

    python benchmarks/picture.py [--model FOLDER] [--out FILE]

Four sentences, one motion each (seed 0 and what dimo generate does by default), side by side. They were picked for the picture;
docs/gallery.md and docs/gallery-asked.md show sentences that nobody picked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.view.draw import BACKGROUND, OVERSAMPLE, Camera, draw_ground, draw_pose, grounded

SENTENCES = (
    "someone walks like a zombie",
    "an archer shoots an arrow",
    "he proposes on one knee",
    "a man plays the violin",
)
SECONDS, RATE = 4.0, 10
TILE = (230, 300)
LINE = 34
"""Pixels above the figures, for the words."""


def tile(motion: Motion, words: str, seconds: float) -> Image.Image:
    """The figure at a time, its sentence above it."""
    joints = grounded(motion)
    pose = joints[min(round(seconds * motion.fps), len(motion) - 1)]
    size = (TILE[0] * OVERSAMPLE, (TILE[1] - LINE) * OVERSAMPLE)
    image = Image.new("RGB", size, BACKGROUND)
    picture, camera = ImageDraw.Draw(image), Camera(np.array([pose[0, 0], 0.92, pose[0, 2]]), 2.5)
    draw_ground(picture, camera, size)
    draw_pose(picture, pose, motion.skeleton, camera, size)
    out = Image.new("RGB", TILE, (255, 255, 255))
    out.paste(image.resize((TILE[0], TILE[1] - LINE), Image.Resampling.BOX), (0, LINE))
    font = ImageFont.load_default(12)
    ImageDraw.Draw(out).text((TILE[0] / 2, LINE / 2), words, (40, 42, 48), font, "mm")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "dimo.gif")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    motions = [model.generate(text, seconds=SECONDS, seed=0)[0] for text in SENTENCES]
    frames = []
    for at in np.arange(0, SECONDS, 1 / RATE):
        row = Image.new("RGB", (TILE[0] * len(motions), TILE[1]))
        for i, (motion, words) in enumerate(zip(motions, SENTENCES, strict=True)):
            row.paste(tile(motion, words, float(at)), (i * TILE[0], 0))
        frames.append(row.quantize(48, dither=Image.Dither.NONE))
    frames[0].save(args.out, save_all=True, append_images=frames[1:], duration=1000 // RATE, loop=0, optimize=True)
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

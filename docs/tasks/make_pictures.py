"""Draws the pictures of these pages with the packaged weights: python docs/tasks/make_pictures.py --data data/pack"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.data import shards
from dimo.view.sheet import sheets

HERE = Path(__file__).parent
LARGEST_BYTES = 80_000


def save(rows: list[tuple[Motion, str]], name: str) -> None:
    """Sheets below each other, in as few colours as they need to stay small."""
    path = HERE / name
    sheets(rows, poses=9, height=150).quantize(48).save(path, optimize=True)
    print(path, path.stat().st_size)
    assert path.stat().st_size < LARGEST_BYTES, path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    args = parser.parse_args()
    model = DiMo.from_pretrained()
    found: dict[str, Motion] = {}
    for clip in shards.read(args.data, "val"):
        if not clip.mirrored and not clip.composite and len(clip.joints) >= 80:
            motion = Motion.from_joints(model.codec.skeleton, np.asarray(clip.joints, float), clip.fps, clip.label)
            found.setdefault(clip.label, motion)
    walk, raised = found["walk"][:140], found["raise-up-left-hand"]

    kept = model.complete(walk, [(0, 2), (4, 6)], seed=0)[0]
    save([(walk, "walk"), (kept, "0:2 and 4:6 kept, the rest made")], "complete.png")
    free = model.predict(walk[:40], 4, seed=0)[0]
    told = model.predict(walk[:40], 4, text="a person turns left", seed=0)[0]
    save([(free, "2 s kept, 4 s made"), (told, '2 s kept, 4 s made, "a person turns left"')], "predict.png")
    place = walk.root[59] * [1, 0, 1] + np.array([0.5, 0, 1.5]) - raised.root[0] * [1, 0, 1]
    both = model.inbetween(walk[:60], raised[:60].moved(place), 1.5, seed=0)[0]
    save([(both, "3 s of a walk, 1.5 s made, 3 s of a raised hand")], "inbetween.png")
    text = "a person raises both hands"
    changed = model.edit(walk, (2, 4), text=text, seed=0)[0]
    save([(walk, "walk"), (changed, f'2:4 replaced by "{text}"')], "edit.png")
    script = ["a person walks forward", "a person raises the left hand", "a person turns left", "a person bows"]
    composed = model.compose([(text, 3) for text in script], seed=0)[0]
    save([(composed, ", ".join(s.removeprefix("a person ") for s in script))], "compose.png")
    near = model.vary(walk, 0.4, samples=2, seed=0)
    save([(walk, "walk"), *((m, "varied by 0.4") for m in near)], "vary.png")


if __name__ == "__main__":
    main()

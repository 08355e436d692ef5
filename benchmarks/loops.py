"""How fast the way back of a loop is: `--loop` over clips of several kinds, made with the packaged weights.

    python benchmarks/loops.py                 writes loops.json beside itself; about a minute on two cores

hurry: the fastest joint between the end and the next start, both seams in it, as a multiple of the 99th percentile over the clip;
the aim is 1. made: the same before pacing (tasks/loop.py). seam: of the two steps alone that lead into the way back and out of it.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.tasks import loop

TEXTS = (
    "a person jumps",
    "a person does jumping jacks",
    "a person walks forward",
    "a person waves with the right hand",
    "a person bows",
    "a person sits down",
)
SECONDS = 4.0


def row(text: str, seed: int, motion: Motion, made: Motion, seconds: float) -> dict[str, object]:
    """What there is to say of a loop with the beginning of its next round."""
    way = made[len(motion) - 1 : len(motion) + round(seconds * motion.fps) + 1].joints()
    speeds = np.linalg.norm(np.diff(way, axis=0), axis=-1).max(axis=1) * motion.fps / loop.own_speed(motion)
    return {
        "text": text,
        "seed": seed,
        "place": loop.place_of(motion),
        "own_m_s": round(loop.own_speed(motion), 3),
        "way_s": round(seconds, 2),
        "hurry": round(float(speeds.max()), 3),
        "seam": round(float(max(speeds[0], speeds[-1])), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    model = DiMo.from_pretrained()
    rows = []
    for seed in range(args.seeds):
        for text in TEXTS:
            (motion,) = model.generate(text, seconds=SECONDS, seed=seed)
            ((made, took),) = loop.rounds(partial(model.inbetween, seed=seed), motion, None, pacing=False)
            before = row(text, seed, motion, made, took)
            if float(str(before["hurry"])) > 1:
                made, took = loop.paced(made, motion, took)
            after = row(text, seed, motion, made, took)
            rows.append({**after, "made": before["hurry"], "made_s": before["way_s"]})
            print(json.dumps(rows[-1]), flush=True)
    facts: dict[str, object] = {"loops": len(rows)}
    for name in ("made", "hurry"):
        values = [float(str(r[name])) for r in rows]
        facts[name] = {
            "over_1": sum(v > 1 for v in values),
            "most": max(values),
            "median": round(float(np.median(values)), 3),
        }
    args.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

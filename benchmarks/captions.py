"""Whether captions are sentences, and say what a clip shows; writes benchmarks/captions.json.

    python benchmarks/captions.py --data data/pack [--split val] [--clips 300] [--model FOLDER] [--out FILE]

Of clips that were drawn at random, none of them a mirror image: written one word after the other, as `dimo caption` does, and
with all words filled in in 12 rounds, as the paper does. unheard: the share of captions that hold three words in a row which
no training caption has (its beginning and end count as words), beside that of people's own captions of the same clips. Writing in
order keeps to what captions have, so that it is low there by construction: the other numbers, and reading, tell more. action
and side: the shares that name those of the clip's first caption; BLEU, ROUGE-L and CIDEr against all captions of the clip, as
they are written. A hundred captions are written down for reading.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from clips import to_motion

from dimo.api import DiMo
from dimo.learn import corpus
from dimo.learn.recipe import DataOptions
from dimo.metrics.caption_scores import score_captions
from dimo.metrics.captions import named
from dimo.tasks.caption import CAPTION_OPTIONS

READ = 100
TOGETHER = 16


def threes(text: str) -> set[tuple[str, str, str]]:
    """Three words in a row, with the beginning and the end."""
    words = ["<", *re.findall(r"[a-z0-9'-]+|[,.]", text.lower()), ">"]
    return {(a, b, c) for (a, b), (_, c) in pairwise(pairwise(words))}


def measure(texts: Sequence[str], captions: Sequence[Sequence[str]], heard: set, seconds: float) -> dict[str, float]:
    told = [named(some[0], text) for some, text in zip(captions, texts, strict=True)]
    scores = score_captions(texts, captions, "raw")
    return {
        "unheard": float(np.mean([not threes(t) <= heard for t in texts])),
        "action": float(np.mean([a for a, _ in told if a is not None])),
        "side": float(np.mean([s for _, s in told if s is not None])),
        "bleu1": scores.bleu[0],
        "bleu4": scores.bleu[3],
        "rouge_l": scores.rouge_l,
        "cider": scores.cider,
        "words": float(np.mean([len(t.split()) for t in texts])),
        "distinct": len(set(texts)),
        "seconds_each": round(seconds / len(texts), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    found = corpus.clips(args.data, args.split, DataOptions(mirrored=False))
    draw = np.random.default_rng(0)
    some = [found[i] for i in draw.choice(len(found), min(args.clips, len(found)), replace=False)]
    captions = [[c.text for c in clip.captions] for clip in some]
    recall = model.pipeline.recall
    heard = set().union(*(threes(c) for group in recall.captions for c in group)) if recall is not None else set()
    human = [[not threes(c) <= heard for c in group] for group in captions]
    motions = [to_motion(model, clip) for clip in some]
    made, ways = {}, {"in order": None, "12 rounds": CAPTION_OPTIONS.steps}
    for name, steps in ways.items():
        began = time.perf_counter()
        texts: list[str] = []
        for at in range(0, len(motions), TOGETHER):
            texts += [c.text for c in model.caption(motions[at : at + TOGETHER], steps=steps, seed=0)]
        made[name] = texts, measure(texts, captions, heard, time.perf_counter() - began)
        print(name, json.dumps(made[name][1]), flush=True)
    report = {
        "weights": model.config.get("sha256", {}),
        "split": args.split,
        "clips": len(some),
        "human": {"unheard": float(np.mean([np.mean(group) for group in human]))},
        **{name: numbers for name, (_, numbers) in made.items()},
        "captions": [
            {"clip": clip.id, "in order": a, "12 rounds": b, "people": group[0]}
            for clip, a, b, group in zip(some, made["in order"][0], made["12 rounds"][0], captions, strict=True)
        ][:READ],
    }
    args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Caption correction on captions with one word exchanged; writes benchmarks/correct.json.

    python benchmarks/correct.py --data data/pack [--split val] [--captions 500] [--model FOLDER] [--out FILE]

Written captions of clips that are no mirror images and no composites. Each is corrected twice: with one word exchanged
(left/right, forward/backward, walk/run, one/both, hand/foot, in all forms), and as it is. Repaired: the text comes back
exactly. Left alone: a right caption is not changed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path

import clips
import numpy as np

from dimo.api import DiMo
from dimo.tasks.correct import correct
from dimo.text.normalise import mirror_words

HERE = Path(__file__).parent
PAIRS = {
    "left/right": (("left", "right"),),
    "forward/backward": (("forward", "backward"), ("forwards", "backwards")),
    "walk/run": (("walk", "run"), ("walks", "runs"), ("walking", "running")),
    "one/both": (("one", "both"),),
    "hand/foot": (("hand", "foot"), ("hands", "feet")),
}
OTHER = {w: v for rows in PAIRS.values() for a, b in rows for w, v in ((a, b), (b, a))}
KIND = {w: kind for kind, rows in PAIRS.items() for row in rows for w in row}


def places(text: str) -> list[re.Match[str]]:
    """The words of a text that can be exchanged; left and right only where they name a side ("a right angle" does not)."""
    mirrored = mirror_words(text)
    out = []
    for match in re.finditer(r"[a-z]+", text):
        word = match.group()
        if word in ("left", "right"):
            before = len(mirror_words(text[: match.start()]))
            if mirrored[before : before + len(OTHER[word])] != OTHER[word]:
                continue
        if word in OTHER:
            out.append(match)
    return out


def cases(found: list, count: int, seed: int = 0) -> list[tuple]:
    """(clip, right text, wrong text, kind) for `count` captions: kinds evenly, as far as there are captions."""
    rng = random.Random(seed)
    by_kind: dict[str, list[tuple]] = defaultdict(list)
    for clip in found:
        for text in sorted({c.text for c in clip.captions if c.by_people}):
            if open_ := places(text):
                match = rng.choice(open_)
                wrong = text[: match.start()] + OTHER[match.group()] + text[match.end() :]
                by_kind[KIND[match.group()]].append((clip, text, wrong, KIND[match.group()]))
    for rows in by_kind.values():
        rng.shuffle(rows)
    out: list[tuple] = []
    while len(out) < count and any(by_kind.values()):
        out += [rows.pop() for rows in by_kind.values() if rows]
    return out[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--captions", type=int, default=500)
    parser.add_argument("--out", type=Path, default=HERE / "correct.json")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    repaired: dict[str, list[bool]] = defaultdict(list)
    alone: list[bool] = []
    wrongly, missed, confidence = [], [], []
    began = time.perf_counter()
    for clip, right, wrong, kind in cases(clips.read(args.data, args.split, 20), args.captions):
        codes = model.codes(clips.to_motion(model, clip))
        fixed = correct(model.model, model.wordpiece, wrong, codes)
        same = correct(model.model, model.wordpiece, right, codes)
        repaired[kind].append(fixed.text == right)
        alone.append(not same.changed)
        confidence += [(c.confidence, fixed.text == right) for c in fixed.changes]
        if fixed.text != right:
            missed.append({"given": wrong, "made": fixed.text, "right": right})
        if same.changed:
            wrongly.append({"given": right, "made": same.text, "confidence": same.changes[0].confidence})
    every = [x for v in repaired.values() for x in v]
    report = {
        "split": args.split,
        "weights": model.config.get("sha256", {}),
        "captions": len(every),
        "repaired": float(np.mean(every)),
        "repaired_by_pair": {k: {"share": float(np.mean(v)), "captions": len(v)} for k, v in repaired.items()},
        "right_left_alone": float(np.mean(alone)),
        "false_changes": 1 - float(np.mean(alone)),
        "mean_confidence": {
            name: float(np.mean([c for c, ok in confidence if ok == value] or [0]))
            for name, value in (("of_repairs", True), ("of_others", False))
        },
        "seconds_per_caption": round((time.perf_counter() - began) / max(1, 2 * len(every)), 3),
        "missed": missed[:20],
        "false": wrongly[:20],
    }
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({k: v for k, v in report.items() if k not in ("missed", "false")}, indent=2))


if __name__ == "__main__":
    main()

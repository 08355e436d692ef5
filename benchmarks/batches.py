"""What drawing together gains, and that it changes nothing; writes benchmarks/batches.json.

    python benchmarks/batches.py [--model FOLDER] [--times 3] [--out FILE]

The first prompts of benchmarks/prompts_dev.jsonl, each for its own number of seconds: one call for each against one call for
all (4, 16), on 2 threads; how many motions are the same bit for bit; the same for captions of those motions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dimo.api import DiMo
from dimo.body.motion import Motion

HERE = Path(__file__).parent
SIZES = (4, 16)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(model: DiMo, prompts: list[dict], times: int) -> dict:
    """One size of batch: these prompts."""
    texts, lengths, seeds = [p["text"] for p in prompts], [p["seconds"] for p in prompts], list(range(len(prompts)))

    def generate_each() -> list[Motion]:
        return [model.generate(t, seconds=s, seed=k)[0] for t, s, k in zip(texts, lengths, seeds, strict=True)]

    def generate_all() -> list[Motion]:
        return model.generate(texts, seconds=lengths, seed=seeds)

    alone, together = generate_each(), generate_all()
    calls = {
        "one by one": generate_each,
        "together": generate_all,
        "captions one by one": lambda: [model.caption(m)[0] for m in together],
        "captions together": lambda: model.caption(together),
    }
    said = calls["captions one by one"](), calls["captions together"]()
    rows: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):  # in turn, so that a machine that slows down slows all
        for name, call in calls.items():
            rows[name].append(seconds(call))
    median = {name: statistics.median(values) for name, values in rows.items()}
    return {
        "same_bits": sum(
            np.array_equal(a.root, b.root) and np.array_equal(a.rotations, b.rotations)
            for a, b in zip(together, alone, strict=True)
        ),
        "same_captions": sum(a == b for a, b in zip(*said, strict=True)),
        "seconds": {name: round(value, 3) for name, value in median.items()},
        "motions_per_second_together": round(len(texts) / median["together"], 2),
        "gain": round(median["one by one"] / median["together"], 2),
        "gain_captions": round(median["captions one by one"] / median["captions together"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "batches.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    model = DiMo.from_pretrained(args.model)
    prompts = [json.loads(line) for line in (HERE / "prompts_dev.jsonl").read_text().splitlines()]
    order = np.random.default_rng(0).permutation(len(prompts))
    report: dict = {"weights": model.config.get("sha256", {}), "threads": 2}
    for size in SIZES:
        report[f"{size} motions"] = measure(model, [prompts[i] for i in order[:size]], args.times)
        print(json.dumps(report[f"{size} motions"], indent=1))
    args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

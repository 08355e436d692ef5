"""Whether the model knows what it knows; writes benchmarks/understands.json.

    python benchmarks/understands.py [--model FOLDER] [--prompts FILE] [--out FILE]

The sentences of prompts_ordinary.jsonl, with the share of their motions whose checks hold in benchmarks/ordinary.json (made by
the same weights), and the 100 sentences of benchmarks/nonsense.txt, which are no motion at all and count as failed. The chance
that tasks/understand.py gives each is fitted to them (logistic regression on likeness and count); every sentence is judged by
a fit that has not seen it. Printed and written: the fit of all (the constants of tasks/understand.py), how many failed and done
ones would be warned of, and the reliability curve.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dimo import checkpoint
from dimo.api import DiMo
from dimo.tasks.understand import ALIKE, DOUBT, features

HERE = Path(__file__).parent
RIDGE = 0.05  # on the slopes, so that a fit to separable sentences stays finite
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def fit(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(1 + F,) coefficients of the logit by Newton's method; x (N, F), y (N,) from 0 to 1."""
    x = np.column_stack([np.ones(len(x)), x])
    ridge = RIDGE * np.diag([0.0, *np.ones(x.shape[1] - 1)])
    b = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        gradient = x.T @ (weights * (y - p)) - ridge @ b
        b += np.linalg.solve((x * (weights * p * (1 - p))[:, None]).T @ x + ridge, gradient)
    return b


def predict(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(b[0] + x @ b[1:])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--prompts", type=Path, default=HERE / "prompts_ordinary.jsonl")
    parser.add_argument("--out", type=Path, default=HERE / "understands.json")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    folder = checkpoint.folder_of(args.model)
    made = json.loads((HERE / "ordinary.json").read_text())
    if made["weights"] != checkpoint.read_config(folder)["sha256"]:
        raise SystemExit("benchmarks/ordinary.json is of other weights; run benchmarks/ordinary.py first")
    asked = [json.loads(line) for line in args.prompts.read_text(encoding="utf-8").splitlines()]
    nonsense = (HERE / "nonsense.txt").read_text(encoding="utf-8").split("\n")
    nonsense = [text for text in nonsense if text]
    texts = [p["text"] for p in asked] + nonsense
    recall = model.pipeline.recall
    assert recall is not None, "these weights hold no captioned motions"
    x = np.array([features(recall.nearest(text, ALIKE)) for text in texts])
    y = np.array([made["each"][p["id"]] for p in asked] + [0.0] * len(nonsense))
    real = np.arange(len(texts)) < len(asked)
    # Nonsense is easy to tell, and there is more of it; it weighs as much as the ordinary sentences together.
    weights = np.where(real, 1.0, len(asked) / len(nonsense))
    out = np.array(
        [predict(fit(*(np.delete(a, i, 0) for a in (x, y, weights))), x[i : i + 1])[0] for i in range(len(texts))]
    )
    whole = fit(x, y, weights)
    warned, done = out < DOUBT, y >= 0.5
    curve = [
        {"from": a, "to": b, "sentences": int(m.sum()), "said": float(out[m].mean()), "held": float(y[m].mean())}
        for a, b in zip(BINS[:-1], BINS[1:], strict=True)
        if (m := real & (out >= a) & ((out < b) | (b == 1.0))).any()
    ]
    report = {
        "weights": made["weights"],
        "sentences": len(asked),
        "nonsense": len(nonsense),
        "failed": int((real & ~done).sum()),
        "done": int(done.sum()),
        "fit": dict(zip(("intercept", "likeness", "count"), whole, strict=True)),
        "warned_of_failed_or_nonsense": float(warned[~done].mean()),
        "warned_of_nonsense": float(warned[~real].mean()),
        "warned_of_failed": float(warned[real & ~done].mean()),
        "warned_of_done": float(warned[done].mean()),
        "reliability_of_ordinary": curve,
    }
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

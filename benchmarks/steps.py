"""Quality against the number of model calls; writes benchmarks/steps.json.

    python benchmarks/steps.py [--model FOLDER] [--seeds 2] [--prompts N] [--no-footlock] [--out FILE]

On benchmarks/prompts_dev.jsonl without the rare family: share of motions all of whose checks hold, foot skate, jerk,
seconds per clip (one by one, loaded). K = 1 to 30 with the default strategy; every strategy, schedule and kind of guidance
at K = 10; adaptive steps by threshold with the mean number of model calls.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from dimo.api import DiMo
from dimo.data.heldout import spread
from dimo.diffusion.options import STRATEGIES, SampleOptions
from dimo.diffusion.schedule import SCHEDULES
from dimo.metrics import checks, physics
from dimo.tasks.generate import generate

HERE = Path(__file__).parent
STEPS = (1, 2, 5, 10, 20, 30)
ADAPTIVE = (0.3, 0.5, 0.7, 0.9, 0.97)


def measure(model: DiMo, prompts: list[dict], seeds: int, footlock: bool, options: SampleOptions) -> dict:
    """Numbers of one setting over all prompts and seeds."""
    held: dict[str, list[bool]] = {"trained_families": [], "compose": []}
    calls, bodies, began = [], [], time.perf_counter()
    fps = model.codec.config.fps
    for prompt in prompts:
        for seed in range(seeds):
            request = generate(model.pipeline, prompt["text"], prompt["seconds"], seed)
            rounds = list(model.pipeline.rounds(request, options))
            calls.append(len(rounds))
            codes = rounds[-1].tokens.codes[0]
            joints = model.pipeline.to_motion(codes, footlock=footlock)[: request.frames].joints()
            group = "compose" if prompt["family"] == "compose" else "trained_families"
            held[group].append(checks.check_all(prompt["checks"], joints, fps))
            bodies.append(physics.measure_body(joints, fps))
    return {
        **{name: float(np.mean(v)) for name, v in held.items() if v},
        "all": float(np.mean([x for v in held.values() for x in v])),
        "model_calls": float(np.mean(calls)),
        "foot_skate_mps": float(np.mean([b.foot_skate_mps for b in bodies])),
        "jerk_mps3": float(np.mean([b.jerk_mps3 for b in bodies])),
        "seconds_per_clip": round((time.perf_counter() - began) / len(calls), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--prompts", type=int, help="only the first N, evenly over the file")
    parser.add_argument("--no-footlock", action="store_true", help="measure what the model made, feet not held")
    parser.add_argument("--out", type=Path, default=HERE / "steps.json")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    prompts = [json.loads(line) for line in (HERE / "prompts_dev.jsonl").read_text().splitlines()]
    prompts = [p for p in prompts if p["family"] != "rare"]
    prompts = spread(prompts, args.prompts or None)
    report: dict = {
        "weights": model.config.get("sha256", {}),
        "prompts": len(prompts),
        "seeds": args.seeds,
        "footlock": not args.no_footlock,
    }
    settings = {
        "steps": [{"steps": k} for k in STEPS],
        "strategies": [{"steps": 10, "strategy": s} for s in STRATEGIES],
        "schedules": [{"steps": 10, "schedule": s} for s in SCHEDULES],
        "guidance_on": [{"steps": 10, "guidance_on": g} for g in ("logits", "probabilities")],
        "adaptive": [{"steps": 10, "adaptive": a} for a in ADAPTIVE],
    }
    known: dict[SampleOptions, dict] = {}  # the defaults stand in several tables
    for name, rows in settings.items():
        report[name] = []
        for options in rows:
            whole = SampleOptions(**options)
            if whole not in known:
                known[whole] = measure(model, prompts, args.seeds, report["footlock"], whole)
            report[name].append({**options, **known[whole]})
            print(json.dumps(report[name][-1]))
            args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

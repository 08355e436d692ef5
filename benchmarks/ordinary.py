"""Whether motions do what ordinary sentences ask; writes benchmarks/ordinary.json.

    python benchmarks/ordinary.py [--model FOLDER] [--prompts FILE] [--out FILE] [--sheets FOLDER] [--reworded]
                                  [--guidance X] [--temperature X] [--steps N] [--strategy NAME] [--best N]

For each sentence of prompts_ordinary.jsonl 4 motions (seed 0 and its next ones): the share of them all of whose checks hold
(metrics.checks), by family and over all, with the standard error over sentences; the share that is grounded where that is
asked; the largest float and penetration; and the same of the model alone, without motions that were described alike
(recall). --prompts benchmarks/prompts_unseen.jsonl --out benchmarks/unseen.json asks sentences of another hand, by which
nothing is ever chosen; those of prompts_fresh.jsonl were so until meanings were looked up (docs/log.md). --reworded asks the
same in other words (text.rewording), with subjects and additions that are not among those of training: what it loses depends
on wording. --best keeps of N motions for each the one off which the model itself reads the sentence best
(--best 8 --out benchmarks/ordinary-best8.json).
--sheets draws the first motion of every sentence.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.diffusion.sample import SampleOptions
from dimo.inpaint.pipeline import RECALL
from dimo.metrics import checks
from dimo.text.normalise import normalise
from dimo.text.rewording import Words, reword
from dimo.view.sheet import sheets

HERE = Path(__file__).parent
SAMPLES = 4
OTHER_WORDS = Words(
    people=(
        *(
            "a carpenter",
            "the postman",
            "an officer",
            "a gardener",
            "a librarian",
            "a sailor",
            "a goblin",
            "the player",
        ),
        *("my neighbour", "an engineer", "a plumber", "the protagonist", "a tailor", "the goalkeeper", "some guy"),
        *("a bandit", "our mascot", "the clown", "a mage", "a paladin", "kim", "a butler", "the janitor", "a cleaner"),
    ),
    men=("he", "the boss", "my grandfather", "peter", "a lumberjack", "the duke", "an older gentleman", "a policeman"),
    women=(
        "she",
        "my sister",
        "julia",
        "the princess",
        "a policewoman",
        "a cheerleader",
        "the hostess",
        "a saleswoman",
    ),
    additions=(
        *("in a museum", "by the river", "on a rooftop", "in the hallway", "in the evening", "as everybody looks on"),
        *("at the airport", "after the match", "in slow traffic", "for no reason", "to please the crowd", "at the bar"),
        *("before the bus comes", "on a pier", "in the living room", "with a smile", "under a tree", "at the market"),
    ),
)
"""Who moves, and what is added, where sentences are asked in other words: none of it is among text.rewording.WORDS."""
TOGETHER = 8
"""Sentences that are drawn as one batch."""
ROWS = 10
"""Motions on one picture."""


def read_prompts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def reworded(prompts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The prompts in other words, each always in the same."""
    return [
        {**p, "text": reword(normalise(p["text"]), np.random.default_rng(i), OTHER_WORDS, 0)}
        for i, p in enumerate(prompts)
    ]


def make(
    model: DiMo,
    prompts: list[dict[str, Any]],
    options: SampleOptions,
    samples: int = SAMPLES,
    best: int = 1,
    recall: float = RECALL,
) -> list[list[Motion]]:
    """`samples` motions of each prompt, at its length."""
    out: list[list[Motion]] = []
    for at in range(0, len(prompts), TOGETHER):
        some = prompts[at : at + TOGETHER]
        made = model.generate(
            [p["text"] for p in some],
            seconds=[p["seconds"] for p in some],
            samples=samples,
            seed=0,
            options=options,
            best=best,
            recall=recall,
        )
        out += [made[i * samples : (i + 1) * samples] for i in range(len(some))]
    return out


def judge(prompts: list[dict[str, Any]], motions: list[list[Motion]]) -> dict[str, Any]:
    """Shares of motions that do as told, and how near to the floor they keep."""
    each: dict[str, float] = {}
    families: dict[str, list[float]] = defaultdict(list)
    grounded, above, below = [], [], []
    for prompt, made in zip(prompts, motions, strict=True):
        held = [checks.check_all(prompt["checks"], m.joints(), m.fps) for m in made]
        each[prompt["id"]] = float(np.mean(held))
        families[prompt["family"]].append(each[prompt["id"]])
        floor = [c for c in prompt["checks"] if c["check"] == "grounded"]
        if floor:
            grounded += [checks.check_all(floor, m.joints(), m.fps) for m in made]
            lowest = [m.joints()[..., 1].min(1) for m in made]
            above += [float(x.max()) for x in lowest]
            below += [float(-x.min()) for x in lowest]
    values = np.array(list(each.values()))
    report: dict[str, Any] = {
        "sentences": len(prompts),
        "samples": len(motions[0]),
        "passed": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / np.sqrt(len(values))),
    }
    if grounded:
        report |= {
            "grounded": float(np.mean(grounded)),
            "float_m_90": float(np.percentile(above, 90)),
            "penetration_m_90": float(np.percentile(below, 90)),
        }
    return report | {"families": {f: float(np.mean(v)) for f, v in families.items()}, "each": each}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--prompts", type=Path, default=HERE / "prompts_ordinary.jsonl")
    parser.add_argument("--out", type=Path, default=HERE / "ordinary.json")
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--reworded", action="store_true")
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--strategy")
    parser.add_argument("--best", type=int, default=1)
    args = parser.parse_args()
    changes = {k: v for k in ("guidance", "temperature", "steps", "strategy") if (v := getattr(args, k)) is not None}
    model = DiMo.from_pretrained(args.model)
    prompts = read_prompts(args.prompts)
    prompts = reworded(prompts) if args.reworded else prompts
    options = replace(SampleOptions(), **changes)
    motions = make(model, prompts, options, best=args.best)
    asked = changes | ({"best": args.best} if args.best > 1 else {})
    report = {"weights": model.config.get("sha256", {}), "prompts": args.prompts.name, "options": asked}
    if args.reworded:
        report["sentences_asked"] = {p["id"]: p["text"] for p in prompts}
    report |= judge(prompts, motions)
    if model.pipeline.recall is not None:
        report["model_alone"] = judge(prompts, make(model, prompts, options, best=args.best, recall=0.0))
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({k: v for k, v in report.items() if k not in ("each", "weights")}, indent=1))
    if args.sheets:
        args.sheets.mkdir(parents=True, exist_ok=True)
        rows = [
            (made[0], f"{prompt['text']} ({report['each'][prompt['id']]:.0%})")
            for prompt, made in zip(prompts, motions, strict=True)
        ]
        for at in range(0, len(rows), ROWS):
            sheets(rows[at : at + ROWS]).save(args.sheets / f"{args.prompts.stem}-{at // ROWS + 1}.png")


if __name__ == "__main__":
    main()

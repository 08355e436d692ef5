"""What the packaged weights make of every ordinary sentence, good and bad; writes docs/gallery.md and its pictures.

    python benchmarks/gallery.py [--asked] [--model FOLDER]

The first motion (seed 0) of each sentence of prompts_ordinary.jsonl, in their order, none left out, with the verdict of its
checks (metrics.checks). --asked: of prompts_asked.txt, for which there are no checks; somebody looked at them, and
benchmarks/asked.json has what they saw. It writes docs/gallery-asked.md.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ordinary import HERE, ROWS, make, read_prompts

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.diffusion.sample import SampleOptions
from dimo.metrics import checks
from dimo.view.sheet import sheets

DOCS = HERE.parent / "docs"
HEIGHT, QUALITY = 150, 75


def failing(prompt: dict[str, Any], motion: Motion) -> list[str]:
    """The checks of a prompt that its motion does not pass, in words: "kick (left)"."""
    joints = motion.joints()
    failed = [c for c in prompt["checks"] if not checks.check_all([c], joints, motion.fps)]
    return [c["check"].replace("_", " ") + (f" ({c['side']})" if c.get("side") else "") for c in failed]


def pictures(folder: str, rows: Sequence[tuple[Motion, str]]) -> list[str]:
    """Contact sheets of motions with their titles, written to a folder of docs; the lines of a page that "
    "show them."""
    (DOCS / folder).mkdir(exist_ok=True)
    lines = []
    for at in range(0, len(rows), ROWS):
        name = f"{folder}/{at // ROWS + 1}.webp"
        sheets(rows[at : at + ROWS], height=HEIGHT).save(DOCS / name, quality=QUALITY, method=6)
        lines.append(f"![{'; '.join(title for _, title in rows[at : at + ROWS])}]({name})\n")
    return lines


HOW = (
    "Each row is one motion: eight poses evenly in time, left limbs blue and right ones red, and its path from above.\n"
)


def ordinary(model: DiMo, sha: str) -> None:
    prompts = read_prompts(HERE / "prompts_ordinary.jsonl")
    motions = [made[0] for made in make(model, prompts, SampleOptions(), samples=1)]
    failed = [failing(p, m) for p, m in zip(prompts, motions, strict=True)]
    held = sum(not f for f in failed)
    page = [
        "# Gallery: what it makes of ordinary sentences\n",
        f"The first motion (seed 0) of each of the {len(prompts)} ordinary sentences "
        "(benchmarks/prompts_ordinary.jsonl), none "
        f"left out: {held} of them do what is asked by all their checks. Weights {sha}; made by `python "
        "benchmarks/gallery.py`. "
        "The sentences are development sentences: choices were made by them ([README](../README.md)). What "
        "it makes of other things "
        "that people ask for is in [another gallery](gallery-asked.md).\n",
        HOW,
    ]
    titles = [f"{p['text']}: {'yes' if not f else 'no, ' + ', '.join(f)}" for p, f in zip(prompts, failed, strict=True)]
    page += pictures("gallery", list(zip(motions, titles, strict=True)))
    (DOCS / "gallery.md").write_text("\n".join(page), encoding="utf-8")
    print(f"{held} of {len(prompts)}")


def asked(model: DiMo, sha: str) -> None:
    texts = (HERE / "prompts_asked.txt").read_text(encoding="utf-8").splitlines()
    seen = json.loads((HERE / "asked.json").read_text(encoding="utf-8"))
    current = [row["after"] for row in seen["sentences"]]
    if [row["text"] for row in seen["sentences"]] != texts or seen["weights"]["after"] != sha:
        raise SystemExit("asked.json is of other sentences or weights: look at them again")
    counts = {k: Counter(row[k] for row in seen["sentences"]) for k in ("before", "after")}
    said = {k: f"{c['yes']} do what is asked, {c['partly']} partly, {c['no']} not" for k, c in counts.items()}
    trained = [seen["trained"][sitting]["yes"] for sitting in ("first sitting", "second sitting")]
    page = [
        "# Gallery: what else people ask for\n",
        f"The first motion (seed 0) of each of {len(texts)} sentences that somebody wrote who knew neither the data nor the "
        "code: gestures, tools, ways to walk, fights, poses (benchmarks/prompts_asked.txt). Most of what is acted was made "
        f"before they were read, other names for it after that. {seen['how']} **{said['after']}**; of the weights before "
        f"({seen['weights']['before']}) {said['before']}. What training ended with got {trained[0]} and {trained[1]} times yes "
        f"in the two sittings, so a part of the difference is the viewer's. Weights {sha}; `python benchmarks/gallery.py "
        "--asked` makes the pictures; verdicts are in benchmarks/asked.json.\n",
        HOW,
    ]
    motions = [model.generate(text, seed=0)[0] for text in texts]
    titles = [f"{text}: {verdict}" for text, verdict in zip(texts, current, strict=True)]
    page += pictures("gallery-asked", list(zip(motions, titles, strict=True)))
    (DOCS / "gallery-asked.md").write_text("\n".join(page), encoding="utf-8")
    print(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--asked", action="store_true", help="the sentences of prompts_asked.txt")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    (asked if args.asked else ordinary)(model, model.config["sha256"]["model.safetensors"][:12])


if __name__ == "__main__":
    main()

"""What the packaged weights make of every ordinary sentence, good and bad; writes docs/gallery.md and its pictures.

    python benchmarks/gallery.py [--seen asked|typed] [--model FOLDER]

The first motion (seed 0) of each sentence of prompts_ordinary.jsonl, in their order, none left out, with the verdict of its
checks (metrics.checks). --seen: of prompts_asked.txt or prompts_typed.txt, for which there are no checks; somebody looked at
them, and benchmarks/asked.json or typed.json has what they saw. It writes docs/gallery-asked.md or docs/gallery-typed.md.
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
        "it makes of what "
        "others ask for is in [two](gallery-asked.md) [more](gallery-typed.md).\n",
        HOW,
    ]
    titles = [f"{p['text']}: {'yes' if not f else 'no, ' + ', '.join(f)}" for p, f in zip(prompts, failed, strict=True)]
    page += pictures("gallery", list(zip(motions, titles, strict=True)))
    (DOCS / "gallery.md").write_text("\n".join(page), encoding="utf-8")
    print(f"{held} of {len(prompts)}")


SEEN = {
    "asked": (
        "what else people ask for",
        "that somebody wrote who knew neither the data nor the code: gestures, tools, ways to walk, fights, poses. They were "
        "read after most of what is acted had been made, and much was made for them since: development sentences",
    ),
    "typed": (
        "what others type",
        "as twelve kinds of users might type them, by somebody who had read neither data, code nor documentation; nobody who "
        "works on the model had read them before these motions were made",
    ),
}
"""Lists of sentences that are looked at: what their page is called, and whose they are."""


def seen(model: DiMo, sha: str, name: str) -> None:
    texts = (HERE / f"prompts_{name}.txt").read_text(encoding="utf-8").splitlines()
    told = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    if [row["text"] for row in told["sentences"]] != texts or told["weights"]["after"] != sha:
        raise SystemExit(f"{name}.json is of other sentences or weights: look at them again")
    counts = {k: Counter(row[k] for row in told["sentences"]) for k in ("before", "after")}
    said = {k: f"{c['yes']} do what is asked, {c['partly']} partly, {c['no']} not" for k, c in counts.items()}
    title, whose = SEEN[name]
    page = [
        f"# Gallery: {title}\n",
        f"The first motion (seed 0) of each of {len(texts)} sentences (benchmarks/prompts_{name}.txt) {whose}. {told['how']} "
        f"**{said['after']}**; of the weights before ({told['weights']['before']}) {said['before']}. Weights {sha}; "
        f"`python benchmarks/gallery.py --seen {name}` makes the pictures; verdicts are in benchmarks/{name}.json.\n",
        HOW,
    ]
    motions = [model.generate(text, seed=0)[0] for text in texts]
    titles = [f"{row['text']}: {row['after']}" for row in told["sentences"]]
    page += pictures(f"gallery-{name}", list(zip(motions, titles, strict=True)))
    (DOCS / f"gallery-{name}.md").write_text("\n".join(page), encoding="utf-8")
    print(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seen", choices=tuple(SEEN), help="sentences that somebody looked at")
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    sha = model.config["sha256"]["model.safetensors"][:12]
    if args.seen:
        seen(model, sha, args.seen)
    else:
        ordinary(model, sha)


if __name__ == "__main__":
    main()

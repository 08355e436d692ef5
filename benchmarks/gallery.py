"""What the packaged weights make of every ordinary sentence, good and bad; writes docs/gallery.md and its pictures.

    python benchmarks/gallery.py [--model FOLDER]

The first motion (seed 0) of each sentence of prompts_ordinary.jsonl, in their order, none left out, with the verdict of its
checks (metrics.checks).
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    model = DiMo.from_pretrained(parser.parse_args().model)
    prompts = read_prompts(HERE / "prompts_ordinary.jsonl")
    motions = [made[0] for made in make(model, prompts, SampleOptions(), samples=1)]
    failed = [failing(p, m) for p, m in zip(prompts, motions, strict=True)]
    held = sum(not f for f in failed)
    sha = model.config["sha256"]["model.safetensors"][:12]
    page = [
        "# Gallery: what it makes of ordinary sentences\n",
        f"The first motion (seed 0) of each of the {len(prompts)} ordinary sentences (benchmarks/prompts_ordinary.jsonl), none "
        f"left out: {held} of them do what is asked by all their checks. Weights {sha}; made by `python benchmarks/gallery.py`. "
        "The sentences are development sentences: choices were made by them ([README](../README.md)).\n",
        "Each row is one motion: eight poses evenly in time, left limbs blue and right ones red, and its path from above.\n",
    ]
    (DOCS / "gallery").mkdir(exist_ok=True)
    rows = list(zip(prompts, motions, failed, strict=True))
    for at in range(0, len(rows), ROWS):
        some = rows[at : at + ROWS]
        name = f"gallery/{at // ROWS + 1}.webp"
        titles = [f"{p['text']}: {'yes' if not f else 'no, ' + ', '.join(f)}" for p, _, f in some]
        picture = sheets([(m, t) for (_, m, _), t in zip(some, titles, strict=True)], height=HEIGHT)
        picture.save(DOCS / name, quality=QUALITY, method=6)
        page.append(f"![{'; '.join(titles)}]({name})\n")
    (DOCS / "gallery.md").write_text("\n".join(page), encoding="utf-8")
    print(f"{held} of {len(prompts)}")


if __name__ == "__main__":
    main()

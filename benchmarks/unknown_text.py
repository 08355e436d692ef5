"""What an unknown text tells the model of its length; writes benchmarks/unknown_text.json.

    python benchmarks/unknown_text.py --data data/pack [--steps 1200] [--clips 4000] [--held 400] [--out FILE]

Guidance compares the prediction with the text to the one without. If the one without knows how long the text is, what that
says of the motion is lost. Measured on validation clips beside unknown texts of 4, 8, 16 and 30 word pieces, under the same
masks: cross-entropy of base codes, its span, and the largest divergence of two predictions, all in nats a place. For the
packaged weights, and for two small models that learn for some minutes each, by the same recipe but for what an unknown text
is: as many [MASK] as the caption has pieces, as for the packaged weights, or no places at all (model/masked.py).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dimo import checkpoint
from dimo.api import DiMo
from dimo.learn import corpus, loop
from dimo.learn.batches import ModelData
from dimo.learn.model import ModelLoss, loss
from dimo.learn.recipe import DataOptions
from dimo.learn.validation import UNKNOWN_TEXTS, unknown_texts
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig

SMALL = TransformerConfig(width=128, layers=3, heads=4, feedforward=384, positions=80, embedding_width=64)
OBJECTIVE = ModelLoss(batch=32, mix=(8, 1, 1), whole_levels_share=0.0, depth_weight=0.2)


def examples(model: DiMo, data: Path, split: str, most: int) -> ModelData:
    """At most so many clips of a split as codes, spread over it."""
    options = DataOptions()
    found = corpus.clips(data, split, options)
    found = found[:: -(-len(found) // most)]
    codes = corpus.code_clips(model.codec, found, model.model.config.max_steps)
    return ModelData(corpus.examples(found, codes, model.wordpiece, model.model.config.max_text, options))


def trained(unknown_text: str, data: ModelData, steps: int, like: MaskedConfig) -> MaskedModel:
    """A small model after so many steps."""
    torch.manual_seed(0)
    model = MaskedModel(replace(like, transformer=SMALL, unknown_text=unknown_text))
    plan = loop.LoopOptions(steps=steps, learning_rate=2e-3, warmup=50, ema=0.99, bf16=False)
    with tempfile.TemporaryDirectory() as folder:
        loop.run(model, lambda generator, step: loss(model, data, OBJECTIVE, generator, step), plan, Path(folder))
    return model.eval()


def row(model: MaskedModel, held: ModelData) -> dict:
    """Measures at masks of the cosine schedule and with the whole motion masked."""
    out = {}
    for name, whole in (("cosine", False), ("all masked", True)):
        found = unknown_texts(model, [e.codes for e in held.examples], whole=whole)
        losses = dict(zip(map(str, UNKNOWN_TEXTS), (round(v, 4) for v in found.losses), strict=True))
        out[name] = {"loss": losses, "span": round(found.span, 5), "divergence": round(found.divergence, 5)}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    parser.add_argument("--steps", type=int, default=1200, help="of training for each of the two small models")
    parser.add_argument("--clips", type=int, default=4000, help="training clips at most")
    parser.add_argument("--held", type=int, default=400, help="validation clips at most, which are one batch")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    packaged = DiMo.from_pretrained(checkpoint.packaged_folder(), precision="fp32")
    wanted = {"train": args.clips, "val": args.held}
    train, held = (examples(packaged, args.data, split, most) for split, most in wanted.items())
    places = int(np.sum(held.lengths))
    facts: dict = {"clips": len(held.examples), "places": places, "steps": args.steps}
    facts |= {"packaged weights": row(packaged.model, held)}
    for form in ("masked", "absent"):
        facts[f"small model, {form}"] = row(trained(form, train, args.steps, packaged.model.config), held)
        print(f"{form}: {facts[f'small model, {form}']}", flush=True)
    args.out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Train a peer on prepared data over a trained codec, by the loop, the batches and the recipe that train ours.

    python benchmarks/peers/train.py gpt|momask|mdm --data DATA --codec FOLDER --steps N --out FOLDER
        [--recipe recipes/model-ablation.toml] [--resume] [--time-limit SECONDS] [--device auto] [--quiet]

The recipe's [data] says which clips are drawn how often, [loss] batch how many make a step and reworded which share of the
sentences is said in other words, and [loop] how fast it learns.
Ours with the same budget is the row mix/t2m-only of recipes/ablations.toml: as many steps of as many sequences. --resume
goes on from the state that is saved every two minutes, to the same weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from peer import MAX_PIECES, Peer, Sizes, TextEncoder, open_texts, padded
from system import KINDS, System, config_for, save
from torch import Tensor

from dimo.ablate.trainings import seconds_a_step
from dimo.codec.codec import Codec
from dimo.device import find
from dimo.errors import DimoError, RequestError
from dimo.features.layouts import LONGEST
from dimo.learn import corpus, loop, recipe
from dimo.learn.batches import ModelData
from dimo.learn.train import load_codec

ROOT = Path(__file__).parents[2]
VALIDATION_BATCHES = 4


def normalised(codec: Codec, features: list[np.ndarray]) -> list[Tensor]:
    """Features (F, C) by the codec's statistics, in half precision: what noise is added to needs no more, and a corpus fits."""
    mean, std = codec.mean.cpu(), codec.std.cpu()
    return [((torch.from_numpy(f[:LONGEST]) - mean) / std).half() for f in features]


def read(
    peer: Peer, codec: Codec, texts: TextEncoder, data: Path, split: str, options: recipe.DataOptions, out: Path
) -> ModelData:
    """The examples of a split as the peer reads them, drawn as ours are."""
    found = corpus.clips(data, split, options)
    if peer.reads_codes:
        motions = corpus.code_clips(codec, found, LONGEST // codec.config.stride, out / f"codes-{split}.safetensors")
    else:
        motions = normalised(codec, corpus.feature_clips(found))
    reword = corpus.rewording(texts.wordpiece, MAX_PIECES)
    return ModelData(corpus.examples(found, motions, texts.wordpiece, MAX_PIECES, options), reword=reword)


def objective(
    peer: Peer, texts: TextEncoder, data: ModelData, batch: int, reworded: float = 0.0
) -> Callable[[np.random.Generator, int], dict[str, Tensor]]:
    """The loss of a step, as the loop calls it."""

    def loss(generator: np.random.Generator, step: int) -> dict[str, Tensor]:
        ids, motions = data.batch(batch, generator, step, reworded=reworded)
        motion, real = padded(motions)
        return peer.loss(texts(ids), motion.to(peer.device), real.to(peer.device), generator)

    return loss


@torch.no_grad()
def validate(loss: Callable[[np.random.Generator, int], dict[str, Tensor]]) -> dict[str, float]:
    """Means over a few batches, the same at every call."""
    rows = [loss(np.random.default_rng([0, turn]), turn) for turn in range(VALIDATION_BATCHES)]
    return {name: float(np.mean([float(row[name]) for row in rows])) for name in rows[0]}


def train(
    kind: str,
    data: Path,
    codec_folder: Path,
    out: Path,
    plan: recipe.ModelRecipe,
    *,
    sizes: Sizes | None = None,
    texts: TextEncoder | None = None,
    resume: bool = False,
    time_limit: float | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> int:
    """Train a peer and write its folder; returns the steps done. texts: None is MiniLM."""
    place = find(device)
    codec = load_codec(codec_folder).to(place)
    texts = texts or open_texts(codec, place)
    torch.manual_seed(plan.loop.seed)
    sizes = replace(sizes or Sizes(), text_width=texts.transformer.config.width)
    peer = KINDS[kind][0](config_for(kind, sizes, codec)).to(place)
    out.mkdir(parents=True, exist_ok=True)
    sets = {split: read(peer, codec, texts, data, split, plan.data, out) for split in ("train", "val")}
    learn = objective(peer, texts, sets["train"], plan.loss.batch, plan.loss.reworded)
    held = objective(peer, texts, sets["val"], plan.loss.batch)
    done = loop.run(
        peer,
        learn,
        plan.loop,
        out,
        validate=lambda: validate(held),
        resume=resume,
        time_limit=time_limit,
        quiet=quiet,
    )
    facts = {
        "steps": done,
        "of": plan.loop.steps,
        "batch": plan.loss.batch * plan.loop.shards,
        "seed": plan.loop.seed,
        "clips": len(sets["train"].examples),
        "parameters": sum(p.numel() for p in peer.parameters()),
        "seconds_a_step": seconds_a_step(out / "log.csv"),
    }
    save(out, System(kind, peer.eval(), texts, codec, facts))
    return done


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="prepared folder")
    parser.add_argument("--codec", metavar="FOLDER", type=Path, required=True, help="a trained codec")
    parser.add_argument("--recipe", metavar="FILE", type=Path, default=ROOT / "recipes/model-ablation.toml")
    parser.add_argument("--steps", type=int, help="(default: the recipe's)")
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="stop after this long; --resume goes on")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args(argv)
    try:
        plan = recipe.read(args.recipe, recipe.ModelRecipe)
        if args.steps is not None:
            if args.steps < 1:
                raise RequestError(f"--steps must be 1 or more, not {args.steps}")
            plan = replace(plan, loop=replace(plan.loop, steps=args.steps))
        done = train(
            args.kind,
            args.data,
            args.codec,
            args.out,
            plan,
            resume=args.resume,
            time_limit=args.time_limit,
            device=args.device,
            quiet=args.quiet,
        )
    except DimoError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    rest = "" if done == plan.loop.steps else "; --resume goes on"
    print(f"{args.out}: {done} of {plan.loop.steps} steps{rest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

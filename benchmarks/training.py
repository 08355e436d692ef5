"""What a training step reaches of this machine: sequences a second, and its share of the matrix-product rate; writes training.json.

    python benchmarks/training.py && python benchmarks/tables.py                    # some minutes; then into docs/scale.md
    python benchmarks/training.py --steps 2 --warm 1 --size 64 --set loss.batch=2 --set loop.shards=1 --out /tmp/t.json    # a try

A model of the sizes and the objective of a recipe learns from random codes and words, whose lengths are spread evenly: 8 to 49
code steps and 4 to 20 word pieces. Time is that of whole steps of the training loop: drawing batches, the sampler's rounds of
self-correction, optimiser and averages included. Operations are those that torch counts in matrix products and convolutions of
the same steps, forward and backward. The machine's rate is the best of several products of large square matrices in the same
number format, with as many threads, before the steps and after them; beside it stands the rate of the products of a
feed-forward layer, whose sides are those of the model.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dimo.device import autocast, training_type
from dimo.learn import loop
from dimo.learn.batches import Example, ModelData
from dimo.learn.model import loss
from dimo.learn.recipe import ModelRecipe, opened
from dimo.model.masked import MaskedModel

ROOT = Path(__file__).parents[1]
TRIALS = 5
"""Products of each size; the best counts, since whatever else a machine does can only slow one down."""


def product_rate(rows: int, inner: int, columns: int, dtype: torch.dtype, seconds: float = 0.3) -> float:
    """Operations a second of the product of two matrices (rows, inner) and (inner, columns)."""
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    best = 0.0
    for _ in range(TRIALS):
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds or not count:
            left @ right
            count += 1
        best = max(best, count * 2 * rows * inner * columns / spent)
    return best


def data_of(recipe: ModelRecipe, clips: int) -> ModelData:
    """Random motions and captions, and as many sentences."""
    generator = np.random.default_rng(0)
    config, vocabulary = recipe.model, recipe.transformer.vocabulary

    def words() -> tuple[int, ...]:
        return tuple(generator.integers(1000, vocabulary, generator.integers(4, 21)).tolist())

    lengths = np.linspace(8, config.max_steps, clips).round().astype(int)
    codes = [torch.from_numpy(generator.integers(0, config.codes, (n, config.levels))) for n in lengths]
    return ModelData([Example(c, (words(),), written=1) for c in codes], sentences=[words() for _ in range(clips)])


def step_seconds(model: MaskedModel, data: ModelData, recipe: ModelRecipe, steps: int, warm: int) -> list[float]:
    """Of each step of the training loop, after some that warm up."""
    plan = replace(recipe.loop, steps=warm + steps, epochs=0.0, log_every=1, best="", save_every_seconds=1e9)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop.run(model, lambda g, step: loss(model, data, recipe.loss, g, step), plan, folder, quiet=True)
        with (folder / loop.LOG).open(encoding="utf-8") as file:
            at = [float(row["seconds"]) for row in csv.DictReader(file)]
    return np.diff(at)[warm - 1 :].tolist()


def step_operations(model: MaskedModel, data: ModelData, recipe: ModelRecipe, steps: int, warm: int) -> list[int]:
    """Of the same steps, counted: two for each product of two numbers that is added up."""
    place = torch.device("cpu")
    dtype = training_type(place, recipe.loop.bf16)
    out = []
    model.train()
    for step in range(warm, warm + steps):
        with FlopCounterMode(display=False) as counter:
            for shard in range(recipe.loop.shards):
                generator = loop.step_generator(recipe.loop.seed, step, shard)
                with autocast(place, dtype):
                    found = loss(model, data, recipe.loss, generator, step)["loss"]
                found.backward()
        model.zero_grad(set_to_none=True)
        out.append(counter.get_total_flops())
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=ROOT / "recipes" / "model-acted.toml")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="otherwise than in it")
    parser.add_argument("--steps", type=int, default=40, help="that are measured")
    parser.add_argument("--warm", type=int, default=5, help="steps before these")
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--size", type=int, default=2048, help="sides of the square matrices")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    if min(args.steps, args.warm) < 1:
        parser.error("--steps and --warm must be 1 or more")
    recipe = opened(args.recipe, ModelRecipe, tuple(args.set))
    dtype = training_type(torch.device("cpu"), recipe.loop.bf16) or torch.float32
    torch.manual_seed(0)
    config = replace(recipe.model, transformer=recipe.transformer)
    model, data = MaskedModel(config), data_of(recipe, args.clips)
    if recipe.data.start_weights and not recipe.data.train_words:
        model.trunk.words.weight.requires_grad_(False)  # as in dimo train
    trunk, sequences = recipe.transformer, recipe.loss.batch * recipe.loop.shards
    side = 50 * recipe.loss.batch  # places of a batch, about

    def rates() -> tuple[float, float]:
        square = product_rate(args.size, args.size, args.size, dtype)
        return square, product_rate(side, trunk.width, trunk.feedforward, dtype)

    before = rates()
    took = step_seconds(model, data, recipe, args.steps, args.warm)
    after = rates()
    square, layer = (max(pair) for pair in zip(before, after, strict=True))
    worked = step_operations(model, data, recipe, args.steps, args.warm)
    reached = sum(worked) / sum(took)
    facts = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
        "recipe": args.recipe.name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "format": str(dtype).removeprefix("torch."),
        "sequences_a_step": sequences,
        "steps": args.steps,
        "step_s": {
            "median": round(statistics.median(took), 3),
            "least": round(min(took), 3),
            "most": round(max(took), 3),
        },
        "sequences_per_s": round(sequences * args.steps / sum(took), 2),
        "gflop_a_step": round(statistics.mean(worked) / 1e9, 2),
        "gflop_per_s": {
            "steps": round(reached / 1e9, 2),
            "square_products": round(square / 1e9, 2),
            "square_before_and_after": [round(before[0] / 1e9, 2), round(after[0] / 1e9, 2)],
            "products_of_a_layer": round(layer / 1e9, 2),
        },
        "share_of_square_products": round(reached / square, 4),
        "share_of_products_of_a_layer": round(reached / layer, 4),
    }
    args.out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()

"""What the recipes of the paper's setting cost, by calculation; writes benchmarks/cost.json.

    python benchmarks/cost.py [--out benchmarks/cost.json] && python benchmarks/tables.py

Nothing is run: the networks are built without values (torch's meta device), and torch counts the operations of a forward and a
backward pass from the shapes alone. All sequences have the 49 code steps of the longest motion and 40 word pieces, three times
the mean caption, so FLOPs and memory are more than most steps take. Hours follow from the assumptions that the JSON repeats;
none of them is measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dimo.codec.codec import Codec
from dimo.learn.loop import scheduled
from dimo.learn.recipe import CodecRecipe, ModelRecipe, read
from dimo.learn.tasks import LENGTH_EXAMPLES
from dimo.model.masked import MaskedModel

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Collection:
    """Training clips as a collection's lists have them, mirror images counted, and their mean frames."""

    clips: int
    frames: float
    note: str


COLLECTIONS = {
    "humanml3d": Collection(23_384, 142.0, "its own list; 7.1 s a clip on average"),
    "kit": Collection(4_888, 129.0, "its own list; 10.3 s a clip on average"),
    "motionx": Collection(129_734, 128.0, "80 % of 81,084 clips and their mirror images; 6.4 s a clip on average"),
}


@dataclass(frozen=True)
class Assumptions:
    """A GPU with 80 GB as data centres have had it since 2020, and how much of it such small batches use."""

    peak_flops: float = 312e12  # bf16 products a second, by the data sheet
    share: float = 0.3  # of it that products reach with all of the batch on one GPU ...
    share_of_eight: float = 0.15  # ... and with an eighth of it on each of eight
    other_seconds: float = 0.01  # a step, for what is no product: launching, drawing, the optimiser
    link_bytes: float = 250e9  # a second between GPUs, when gradients are added up


def work(module: nn.Module, run: Callable[[], Tensor]) -> tuple[float, float]:
    """FLOPs of a forward and backward pass of run(), and bytes that it keeps for the backward one, in fp32."""
    own = {p.untyped_storage()._cdata for p in module.parameters()}
    kept: dict[int, int] = {}  # bytes of each storage, once, however many views of it are kept
    held: list[Tensor] = []  # so that no two storages come to lie at one place

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        held.append(value)
        return value

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        run().float().sum().backward()
    module.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()), float(sum(kept.values()))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def of_model(recipe: ModelRecipe) -> dict[str, float]:
    """Of a step of the masked model: what a long sequence of each task takes, times their number in a batch."""
    config = replace(recipe.model, transformer=recipe.transformer)
    with torch.device("meta"):
        model = MaskedModel(config)
        text, steps, width = config.caption_slots, config.max_steps, config.transformer.width
        codes = torch.zeros(1, steps, config.levels, dtype=torch.long)
        real, level = torch.ones(1, steps, dtype=torch.bool), torch.full((1,), config.levels - 1)

        def trunk(places: int) -> Tensor:
            return model.trunk._layers(torch.zeros(1, places, width, requires_grad=True), None)

        def to_motion() -> Tensor:
            out = trunk(text + steps + 3)
            vectors = out[:, 2 + text : -1]
            for block in model.near:
                vectors = block(vectors, real)
            base = model.code_logits(vectors, codes, real, 0)
            return base.sum() + model.code_logits(vectors, codes, real, level).sum()

        def to_text() -> Tensor:
            return model.text_logits(trunk(text + steps + 3)[:, 1 : 1 + text])

        def length() -> Tensor:
            return model.length(trunk(text + 2)[:, 0])

        motion_flops, motion_bytes = work(model, to_motion)
        text_flops, text_bytes = work(model, to_text)
        length_flops, length_bytes = work(model, length)
    told, said, blind = (recipe.loss.batch * n / sum(recipe.loss.mix) for n in recipe.loss.mix)
    flops = (told + blind) * motion_flops + said * text_flops + LENGTH_EXAMPLES * length_flops
    kept = (told + blind) * motion_bytes + said * text_bytes + LENGTH_EXAMPLES * length_bytes
    return {"parameters": parameters(model), "flops": flops, "kept_bytes": kept / 2}  # bf16


def of_codec(recipe: CodecRecipe) -> dict[str, float]:
    """Of a step of the codec, whose distances to the codebooks are counted by hand."""
    with torch.device("meta"):
        codec = Codec(recipe.codec)
        window = torch.zeros(1, recipe.loss.window, recipe.codec.features)
        flops, kept = work(codec, lambda: codec.decoder(codec.encoder(window)))
    config = recipe.codec
    distances = 2 * recipe.loss.window / config.stride * config.levels * config.codes * config.dim
    held = parameters(codec) + config.levels * config.codes * config.dim
    batch = recipe.loss.batch
    return {"parameters": held, "flops": batch * (flops + distances), "kept_bytes": batch * kept / 2}


def row(found: dict[str, float], steps: int, given: Assumptions) -> dict[str, float]:
    """A line of the table: weights, their gradients and AdamW's two moments in fp32, and what a step keeps in bf16."""
    state = 16 * found["parameters"]
    sums = 2 * 7 / 8 * 4 * found["parameters"] / given.link_bytes
    one = found["flops"] / (given.peak_flops * given.share) + given.other_seconds
    eight = found["flops"] / 8 / (given.peak_flops * given.share_of_eight) + given.other_seconds + sums
    return {
        "parameters": int(found["parameters"]),
        "tflops_a_step": round(found["flops"] / 1e12, 3),
        "steps": steps,
        "memory_gb": round((state + found["kept_bytes"]) / 1e9, 2),
        "hours_one_gpu": round(steps * one / 3600, 2),
        "hours_eight_gpus": round(steps * eight / 3600, 2),
    }


def of_recipe(name: str, given: Assumptions) -> dict[str, dict[str, float]]:
    """Of both trainings; a codec's codebooks follow the batches of one process, so it has no hours on eight GPUs."""
    path, data = ROOT / "recipes" / f"{name}.toml", COLLECTIONS[name]
    codec, model = read(path, CodecRecipe), read(path, ModelRecipe)
    windows = round(data.clips * max(1.0, data.frames - codec.loss.window + 1))
    model = replace(model, model=replace(model.model, levels=codec.codec.levels, codes=codec.codec.codes))
    rows = {
        "codec": row(of_codec(codec), scheduled(codec.loop, None, windows, codec.loss.batch).steps, given),
        "model": row(of_model(model), scheduled(model.loop, None, data.clips, model.loss.batch).steps, given),
    }
    del rows["codec"]["hours_eight_gpus"]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    given = Assumptions()
    facts = {
        "calculated": "from shapes; nothing here is measured",
        "assumptions": asdict(given),
        "collections": {name: asdict(found) for name, found in COLLECTIONS.items()},
        "recipes": {name: of_recipe(name, given) for name in COLLECTIONS},
    }
    args.out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

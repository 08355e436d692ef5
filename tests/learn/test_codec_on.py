"""A codec that goes on from another: where it starts, what keep_codes leaves alone, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.errors import RequestError
from dimo.features import humanml3d
from dimo.learn import train

SIZES = "[codec]\nwidth = 16\ndim = 4\nlevels = 3\ncodes = 16\n"
LOSS = "[loss]\nbatch = 4\nwindow = 32\nbody_scale = 0.1\n"
LOOP = "[loop]\nsteps = {steps}\nlearning_rate = 3e-3\nwarmup = 1\nbf16 = false\nema = 0.5\n"
FIRST = SIZES + LOSS + LOOP.format(steps=20)


def clip(number: int, split: str) -> Clip:
    rng = np.random.default_rng(number)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    joints = rest + rng.normal(0, 0.02, (48, 22, 3)) + np.arange(48)[:, None, None] * [0, 0, 0.02]
    return Clip(f"{split}{number}", joints.astype(np.float32), 20.0, (Caption("a person walks"),), split, label="walk")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with data/ and first/, a codec."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("codec-on")
    (folder / "data").mkdir()
    shards.write(folder / "data/x.parquet", [clip(n, s) for s in ("train", "val") for n in range(4)])
    assert run(folder, "first", FIRST) == 20
    return folder


def run(place: Path, name: str, recipe: str, start: Path | None = None, **given) -> int:
    path = place / f"{name}.toml"
    path.write_text(recipe)
    settings = train.Settings((place / "data"), place / name, path, device="cpu", quiet=True, **given)
    return train.train_codec(settings, start)


def parts(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """Weights of a codec by part."""
    out: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in load_file(folder / "codec.safetensors").items():
        out.setdefault(name.split(".")[0], {})[name] = value
    return out


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_kept_codes_are_the_same_and_the_decoder_alone_learns(place):
    assert run(place, "kept", SIZES + LOSS + "keep_codes = true\n" + LOOP.format(steps=8), place / "first") == 8
    before, after = parts(place / "first"), parts(place / "kept")
    assert same(before["encoder"], after["encoder"])
    assert same(before["quantizer"], after["quantizer"])
    assert same(before["mean"], after["mean"])
    assert not same(before["decoder"], after["decoder"])
    seen = torch.from_numpy(humanml3d.encode(clip(7, "val").joints).astype(np.float32))[None]
    first, kept = train.load_codec(place / "first"), train.load_codec(place / "kept")
    assert torch.equal(first.encode(seen), kept.encode(seen))


def test_a_model_goes_on_over_kept_codes_without_being_translated(place):
    run(place, "same", SIZES + LOSS + "keep_codes = true\n" + LOOP.format(steps=2), place / "first")
    run(place, "moved", SIZES + LOSS + LOOP.format(steps=2), place / "first")
    assert train.codes_of(place / "same") == train.codes_of(place / "first")
    assert train.codes_of(place / "moved") != train.codes_of(place / "first")


def test_what_goes_on_begins_where_the_first_ended_and_all_of_it_learns(place):
    still = LOOP.format(steps=1).replace("3e-3", "1e-12")
    run(place, "begun", SIZES + LOSS + still, place / "first")
    before, begun = parts(place / "first"), parts(place / "begun")
    for part in ("encoder", "decoder", "mean", "std"):
        for name, value in before[part].items():
            torch.testing.assert_close(begun[part][name], value, atol=1e-6, rtol=0)
    # One step of a moving average of 0.99: no code restarts, none goes far.
    a, b = before["quantizer"]["quantizer.codebooks"], begun["quantizer"]["quantizer.codebooks"]
    assert ((a - b).norm(dim=-1) <= 0.2 * a.norm(dim=-1).mean() + 1e-6).all()

    run(place, "on", SIZES + LOSS + LOOP.format(steps=6), place / "first")
    after = parts(place / "on")
    assert not any(same(before[part], after[part]) for part in ("encoder", "decoder", "quantizer"))
    assert same(before["mean"], after["mean"])


def test_it_resumes_to_the_bit_and_says_what_it_began_with(place):
    recipe = SIZES + LOSS + "keep_codes = true\n" + LOOP.format(steps=6)
    run(place, "whole", recipe, place / "first")
    assert run(place, "halves", recipe, place / "first", time_limit=1e-4) < 6
    assert run(place, "halves", recipe, place / "first", resume=True) == 6
    assert same(parts(place / "whole")["decoder"], parts(place / "halves")["decoder"])
    made = json.loads((place / "whole" / "config.json").read_text())["provenance"]["codec"]
    assert made["steps"] == 6
    assert made["start"]["recipe"] == "first.toml"
    assert made["start"]["steps"] == 20


def test_other_sizes_and_kept_codes_of_nothing_are_refused(place):
    other = SIZES.replace("width = 16", "width = 8") + LOSS + LOOP.format(steps=1)
    with pytest.raises(RequestError, match="codec of other sizes"):
        run(place, "other", other, place / "first")
    with pytest.raises(RequestError, match=r"keep_codes in \[loss\] needs --from"):
        run(place, "alone", SIZES + LOSS + "keep_codes = true\n" + LOOP.format(steps=1))
    assert not (place / "other" / "codec.safetensors").exists()

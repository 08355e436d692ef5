"""A few moving bodies, a tiny vocabulary, and a base that trains in a second."""

from pathlib import Path

import numpy as np
import pytest

from dimo import preset
from dimo.data import shards
from dimo.data.records import Caption, Clip

BODY = preset("humanml3d")
REST = np.zeros((22, 3))
for _j, _p in enumerate(BODY.parents):
    REST[_j] = BODY.offsets[_j] + (REST[_p] if _p >= 0 else [0, 0.92, 0])

RECIPES = {
    "codec": "[codec]\nwidth = 8\ndim = 4\nlevels = 3\ncodes = 8\n[loss]\nbatch = 4\nwindow = 16\n"
    "[loop]\nsteps = 4\nlearning_rate = 1e-3\nwarmup = 1\nbf16 = false\n",
    "model": "[transformer]\nwidth = 16\nlayers = 1\nheads = 2\nfeedforward = 16\nembedding_width = 8\n"
    "[loss]\nbatch = 6\nmix = [1, 1, 1]\n[loop]\nsteps = 6\nlearning_rate = 1e-2\nwarmup = 1\nema = 0.5\nbf16 = false\n"
    "log_every = 1\n[data]\nstart_weights = false\n",
}

BASE = """
[base]
model.recipe = "model.toml"
codec.recipe = "codec.toml"
sampling.steps = 2
captions.steps = 2
evaluate = { limit = 2, repeats = 1, part = 1 }
"""


def moving(number: int, split: str) -> Clip:
    """A body that goes ahead, faster by number."""
    joints = np.repeat(REST[None], 24, axis=0)
    joints[..., 2] += np.arange(24)[:, None] * (0.02 + 0.005 * number)
    captions = (Caption("a person walks"), Caption("a person runs"))
    return Clip(f"{split}{number}", joints.astype(np.float32), 20.0, captions, split, label="walk")


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """A folder with data/, the recipes codec.toml and model.toml, and bert/, of which models take the vocabulary alone."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("ablate")
    (folder / "data").mkdir()
    shards.write(folder / "data/x.parquet", [moving(n, s) for s in ("train", "val") for n in range(2)])
    for name, text in RECIPES.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "bert").mkdir()
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += ["a", "person", "walk", "run", "##s"]
    (folder / "bert/vocab.txt").write_text("\n".join(pieces) + "\n")
    (folder / "bert/model.safetensors").write_bytes(b"not read")
    return folder


@pytest.fixture(scope="session")
def codec(place) -> Path:
    """The folder of a codec by the base's recipe."""
    from dimo.learn import train

    settings = train.Settings(place / "data", place / "codec", place / "codec.toml", device="cpu", quiet=True)
    assert train.train_codec(settings) == 4
    return place / "codec"


@pytest.fixture(autouse=True)
def no_evaluator(place, monkeypatch):
    """The packaged ones are large, and what they say is not what is tested here."""
    monkeypatch.setenv("DIMO_WEIGHTS", str(place / "nothing"))


@pytest.fixture
def plan_file(place):
    """A function that writes groups behind the base, beside the recipes."""

    def write(groups: str, base: str = BASE, name: str = "plan.toml") -> Path:
        (place / name).write_text(base + groups)
        return place / name

    return write

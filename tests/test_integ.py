"""The whole path on synthetic motion, as a user walks it: prepare, train codec, train model, generate, caption, reload."""

import json
from pathlib import Path

import numpy as np
import pytest

from dimo import DiMo, Motion, preset
from dimo.body.rotation import axis_angle_to_quat, quat_multiply
from dimo.cli.main import main
from dimo.data import shards

pytestmark = pytest.mark.integ


def synthetic(kind: str, phase: float, frames: int = 64) -> Motion:
    """A figure that walks ahead swinging its limbs, or stands and waves one hand."""
    skeleton = preset("humanml3d")
    t = np.arange(frames) / 20
    rotations = np.tile([1.0, 0, 0, 0], (frames, 22, 1))

    def turn(joint: str, axis: list[float], angle: np.ndarray) -> None:
        j = skeleton.index(joint)
        rotations[:, j] = quat_multiply(rotations[:, j], axis_angle_to_quat(np.array(axis), angle))

    turn("left_shoulder", [0, 0, 1], np.full(frames, -1.3))
    turn("right_shoulder", [0, 0, 1], np.full(frames, 1.3))
    root = np.tile([0.0, 0.92, 0.0], (frames, 1))
    swing = np.sin(2 * np.pi * 1.0 * t + phase)
    if kind == "walk":
        root[:, 2] = 1.2 * t
        turn("left_hip", [1, 0, 0], 0.4 * swing)
        turn("right_hip", [1, 0, 0], -0.4 * swing)
    else:
        side, sign = ("left", 1) if kind == "wave left" else ("right", -1)
        turn(f"{side}_shoulder", [0, 0, 1], np.full(frames, sign * 2.2))
        turn(f"{side}_elbow", [0, 0, 1], sign * (0.5 + 0.5 * swing))
    return Motion(skeleton, 20, root, rotations)


RECIPES = {
    "codec": "[codec]\nwidth = 48\ndim = 24\nlevels = 3\ncodes = 32\n[loss]\nbatch = 16\nwindow = 32\n"
    "[loop]\nsteps = 220\nlearning_rate = 2e-3\nvalidate_every = 110\n",
    "model": "[transformer]\nwidth = 48\nlayers = 2\nheads = 4\nfeedforward = 96\nembedding_width = 16\n"
    "[loss]\nbatch = 16\nmix = [4, 6, 1]\n[loop]\nsteps = 600\nlearning_rate = 3e-3\nvalidate_every = 300\n"
    "[data]\nstart_weights = false\n",
}
CAPTIONS = {
    "walk": ["a person walks forward"],
    "wave left": ["a person waves the left hand"],
    "wave right": ["a person waves the right hand"],
}


def test_from_files_to_a_model_that_speaks_and_moves(tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    for kind, captions in CAPTIONS.items():
        for i in range(8):
            stem = f"{kind.replace(' ', '_')}_{i}"
            synthetic(kind, phase=i).save(source / f"{stem}.bvh")
            (source / f"{stem}.txt").write_text("\n".join(captions))
    for name, text in RECIPES.items():
        (tmp_path / f"{name}.toml").write_text(text)
    data, codec, model = (str(tmp_path / name) for name in ("data", "codec", "model"))

    assert main(["prepare", str(source), data, "--workers", "1"]) == 0
    assert (
        main(["train", "codec", "--data", data, "--out", codec, "--recipe", str(tmp_path / "codec.toml"), "--quiet"])
        == 0
    )
    arguments = [
        "train",
        "model",
        "--data",
        data,
        "--codec",
        codec,
        "--out",
        model,
        "--recipe",
        str(tmp_path / "model.toml"),
        "--quiet",
    ]
    assert main([*arguments, "--time-limit", "3"]) == 0
    assert main([*arguments, "--resume"]) == 0

    loaded = DiMo.from_pretrained(model)
    walk = synthetic("walk", 0.3)
    rebuilt = loaded.reconstruct(walk)
    aligned = rebuilt.joints() - rebuilt.root[:, None] + walk.root[:, None]
    assert np.linalg.norm(aligned - walk.joints(), axis=-1).mean() < 0.08

    walked = loaded.generate("a person walks forward", seconds=3, seed=0)[0]
    assert walked.root[-1, 2] - walked.root[0, 2] > 1.0
    assert "walks" in loaded.caption(walk)[0].text

    for suffix in (".glb", ".bvh", ".npz"):
        assert (
            main(
                [
                    "generate",
                    "a person walks forward",
                    "-o",
                    str(tmp_path / f"out{suffix}"),
                    "--seconds",
                    "2",
                    "--seed",
                    "1",
                    "--model",
                    model,
                ]
            )
            == 0
        )
        again = Motion.load(tmp_path / f"out{suffix}")
        assert len(again) == 40
    assert main(["caption", str(tmp_path / "out.bvh"), "--model", model]) == 0

    # The weights remember the training clips, and fill gaps with their help.
    assert main(["train", "memory", "--data", data, "--out", model]) == 0
    config = json.loads((Path(model) / "config.json").read_text())
    whole = [c for c in shards.read(Path(data), "train") if not c.mirrored and not c.composite]
    assert config["provenance"]["memory"]["clips"] == len(whole) > 12
    assert config["provenance"]["codec"] == {"recipe": "codec.toml", "steps": 220}
    assert config["provenance"]["model"]["steps"] == 600  # the rest of the provenance stays
    clever = DiMo.from_pretrained(model)
    (filled,) = clever.complete(walk, keep=[(0, 1), (2.2, 3.2)], seed=0)
    assert np.abs(filled.joints() - walk.joints())[20:44].mean() < 0.15

    # Training goes on from these weights, with their provenance.
    further = tmp_path / "further"
    went_on = [a if a != model else str(further) for a in arguments]
    assert main([*went_on, "--from", model, "--steps", "2"]) == 0
    config = json.loads((further / "config.json").read_text())
    before = json.loads((Path(model) / "config.json").read_text())
    assert config["provenance"]["start"]["steps"] == 600
    assert config["provenance"]["start"]["sha256"] == before["sha256"]["model.safetensors"]
    assert "walks" in DiMo.from_pretrained(further).caption(walk)[0].text

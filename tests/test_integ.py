"""The whole path on synthetic motion, as a user walks it: prepare, train codec, train model, generate, caption, reload."""

import json
from pathlib import Path

import numpy as np
import pytest

from dimo import DiMo, Motion, preset
from dimo.body.retarget import retarget
from dimo.body.rotation import axis_angle_to_quat, quat_multiply
from dimo.cli.main import main
from dimo.data import shards
from dimo.text.wordpiece import Wordpiece

pytestmark = pytest.mark.integ
RECIPE_FOLDER = Path(__file__).parents[1] / "recipes"


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
    "[loss]\nbatch = 16\nmix = [4, 6, 1]\n[loop]\nsteps = 900\nlearning_rate = 2e-3\nvalidate_every = 300\n"
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
    assert config["provenance"]["model"]["steps"] == 900  # the rest of the provenance stays
    clever = DiMo.from_pretrained(model)
    (filled,) = clever.complete(walk, keep=[(0, 1), (2.2, 3.2)], seed=0)
    assert np.abs(filled.joints() - walk.joints())[20:44].mean() < 0.15

    # Training goes on from these weights, with their provenance.
    further = tmp_path / "further"
    went_on = [a if a != model else str(further) for a in arguments]
    assert main([*went_on, "--from", model, "--steps", "2"]) == 0
    config = json.loads((further / "config.json").read_text())
    before = json.loads((Path(model) / "config.json").read_text())
    assert config["provenance"]["start"]["steps"] == 900
    assert config["provenance"]["start"]["sha256"] == before["sha256"]["model.safetensors"]
    assert "walks" in DiMo.from_pretrained(further).caption(walk)[0].text


def written(folder: Path, layout: str) -> None:
    """A small collection of four clips a split in the original layout of HumanML3D, KIT-ML or Motion-X."""
    body, scale, fps = {
        "humanml3d": ("humanml3d", 1.0, 20.0),
        "kit": ("kit", 1000.0, 12.5),
        "motionx": ("smplx", 1.0, 30.0),
    }[layout]
    motions, texts, prefix = folder / "new_joints", folder / "texts", ""
    if layout == "motionx":
        motions, texts, prefix = folder / "motion_data" / "joint", folder / "texts" / "semantic_labels", "set/"
    for split in ("train", "val", "test"):
        names = [f"{prefix}{split}{i:02d}" for i in range(4)]
        (folder / f"{split}.txt").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for i, name in enumerate(names):
            kind = tuple(CAPTIONS)[i % 3]
            motion = retarget(synthetic(kind, phase=i, frames=80 + 20 * i).resample(fps), preset(body))
            for place in (motions, texts):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(motions / f"{name}.npy", (motion.joints() * scale).astype(np.float32))
            (texts / f"{name}.txt").write_text("".join(f"{c}#a/DET person/NOUN#0.0#0.0\n" for c in CAPTIONS[kind]))


def bert_base(folder: Path, vocabulary: int, layers: int = 1) -> None:
    """A random BERT of BERT-base's width, in the layout of transformers, with few words and layers."""
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": vocabulary, "num_hidden_layers": layers}
    transformers.BertForMaskedLM(transformers.BertConfig(**sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text(Wordpiece.basic().vocab_text())


BODIES = {"humanml3d": (22, 20.0), "kit": (21, 12.5), "motionx": (52, 20.0)}
PRESETS = {"humanml3d": "humanml3d", "kit": "kit", "motionx": "smplx"}


@pytest.mark.parametrize("name", list(BODIES))
def test_the_recipes_of_the_papers_setting_run_on_their_collections(tmp_path: Path, name: str):
    recipe, joints_fps = RECIPE_FOLDER / f"{name}.toml", BODIES[name]
    source, data, bert = tmp_path / name, tmp_path / "data", tmp_path / "bert"
    written(source, name)
    assert main(["prepare", str(source), str(data), "--plain", "--body", PRESETS[name], "--workers", "1"]) == 0
    clips = list(shards.read(data))
    assert {(c.joints.shape[1], c.fps) for c in clips} == {joints_fps}
    assert len(clips) == 16  # four of each split, and the mirror images of those of training
    vocabulary = len(Wordpiece.basic().vocab_text().splitlines())
    bert_base(bert, vocabulary)

    codec, model = tmp_path / "codec", tmp_path / "model"
    common = ["--data", str(data), "--recipe", str(recipe), "--steps", "2", "--quiet", "--set", "loop.bf16=false"]
    assert main(["train", "codec", *common, "--out", str(codec), "--set", "loss.batch=2"]) == 0
    small = ["--set", "loss.batch=3", "--set", "transformer.layers=1", "--set", f"transformer.vocabulary={vocabulary}"]
    begun = ["--codec", str(codec / "best"), "--from", str(bert)]
    assert main(["train", "model", *common, "--out", str(model), *begun, *small]) == 0

    best = DiMo.from_pretrained(model / "best")
    options = best.config["provenance"]["model"]["options"]
    assert options["loss"]["mix"] == [8, 1, 1]
    assert (options["loop"]["learning_rate"], options["loop"]["warmup"]) == (5e-5, 5000)
    assert best.config["provenance"]["best"]["step"] == 2
    assert best.model.config.transformer.width == 768
    assert best.codec.config.levels == 6
    (made,) = best.generate("a person walks forward", seconds=2, steps=2, seed=0)
    assert (len(made.skeleton), made.fps) == joints_fps
    asked = ["--model", str(model / "best"), "--protocol", "humanml3d", "--repeats", "1", "--tasks", "t2m,m2t,codec"]
    for place in (data, source) if name != "motionx" else (data,):
        report = tmp_path / f"report-{place.name}"
        argv = [
            "evaluate",
            "--data",
            str(place),
            *asked,
            "--steps",
            "2",
            "--samples",
            "0",
            "-o",
            str(report),
            "--quiet",
        ]
        assert main(argv) == 0
        rows = json.loads((report / "report.json").read_text())["tasks"]["t2m"]["rows"]
        assert {"real", "codec", "model"} <= set(rows)

"""Prepared folders that a recipe names."""

import json
from pathlib import Path

import numpy as np
import pytest

from dimo.cli.main import main
from dimo.errors import FormatError, RequestError
from dimo.learn import folders, provenance
from dimo.learn.recipe import CodecRecipe, MemoryRecipe, ModelRecipe, opened, read

TWO = 'folders = [["data/a", 1.0], ["data/b", 0.5]]\n'
TINY = (
    "[codec]\nwidth = 16\ndim = 8\nlevels = 2\ncodes = 16\n[loss]\nbatch = 4\nwindow = 32\n"
    "[loop]\nsteps = 1\nwarmup = 1\nlog_every = 1\nvalidate_every = 1\nbf16 = false\n"
)


def test_a_recipe_names_folders_and_the_command_goes_before_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    path = tmp_path / "recipes" / "r.toml"
    path.write_text(f"[codec.data]\n{TWO}[model.data]\nfolders = ['data/a', 'data/b']\n[memory.data]\nfolders = []\n")
    weighed = folders.chosen((), read(path, CodecRecipe).data.folders)
    assert weighed == ((Path("data/a"), 1.0), (Path("data/b"), 0.5))
    assert folders.folders(weighed) == [(Path("data/a"), pytest.approx(2 / 3)), (Path("data/b"), pytest.approx(1 / 3))]
    as_one = folders.chosen((), read(path, ModelRecipe).data.folders)
    assert folders.folders(as_one) == [(Path("data/a"), 0.0), (Path("data/b"), 0.0)]
    given = ((tmp_path / "c", 0.0),)
    assert folders.chosen(given, read(path, CodecRecipe).data.folders) == given
    assert folders.chosen(tmp_path, read(path, CodecRecipe).data.folders) == tmp_path
    with pytest.raises(RequestError, match="give --data FOLDER, or folders in"):
        folders.chosen((), read(path, MemoryRecipe).data.folders)
    single = opened(None, ModelRecipe, ('data.folders=[["data/b", 3]]',)).data.folders
    assert folders.chosen((), single) == ((Path("data/b"), 3.0),)
    # Not beside the recipe, but below the folder that dimo is run in.
    monkeypatch.chdir(tmp_path / "recipes")
    with pytest.raises(RequestError, match=r"names 'data/a', and there is no such folder as seen from .*recipes"):
        folders.chosen((), read(path, CodecRecipe).data.folders)


@pytest.mark.parametrize(
    "value",
    [
        '"data/a"',
        "3",
        '[["data/a"]]',
        '[["data/a", 1.0, 2.0]]',
        '[["data/a", 0]]',
        '[["data/a", -1.0]]',
        '[["data/a", nan]]',
        '[["data/a", "1"]]',
        '[["data/a", true]]',
        '[["", 1.0]]',
        '[[1.0, "data/a"]]',
        "{ a = 1.0 }",
    ],
)
def test_what_is_no_list_of_folders_is_one_sentence(tmp_path, value):
    path = tmp_path / "r.toml"
    path.write_text(f"[data]\nfolders = {value}\n")
    with pytest.raises(FormatError, match=r"r\.toml: folders in \[data\] must be a list of folders, or"):
        read(path, ModelRecipe)


def test_one_of_two_with_a_weight_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    written = (("a", 1.0), ("b", 0.0))
    with pytest.raises(RequestError, match="or none of them one"):
        folders.folders([(tmp_path / name, weight) for name, weight in written])


def test_a_codec_learns_from_the_folders_of_its_recipe(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    from dimo.data import shards
    from dimo.data.records import Caption, Clip

    rng = np.random.default_rng(0)
    for name, labels in (("a", ("walk",)), ("b", ("bow", "jump"))):
        (tmp_path / "data" / name).mkdir(parents=True)
        for split in ("train", "val"):
            made = []
            for label in labels:
                joints = np.linspace(0.1, 1.7, 22)[:, None] + rng.normal(0, 0.02, (40, 22, 3))
                made.append(
                    Clip(f"{name}{label}", joints.astype(np.float32), 20.0, (Caption("a"),), split, source=name)
                )
            shards.write(tmp_path / "data" / name / f"{split}.parquet", made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(f"{TINY}[data]\n{TWO}")
    command = ["train", "codec", "--recipe", "r.toml", "--device", "cpu", "--quiet", "--out"]
    assert main([*command, "of-recipe"]) == 0
    assert main([*command, "of-flags", "--data", "data/b"]) == 0
    told = {out: json.loads(Path(out, "config.json").read_text())["provenance"] for out in ("of-recipe", "of-flags")}
    assert told["of-recipe"]["clips"] == {"train: a": 1, "train: b": 2, "val: a": 1, "val: b": 2}
    assert told["of-flags"]["clips"] == {"train: b": 2, "val: b": 2}


def test_weights_do_not_tell_where_the_data_lay(tmp_path):
    plan = opened(None, ModelRecipe, (f'data.folders=[["data/a", 1.0], ["{tmp_path}/secret/b", 0.5]]',))
    made = provenance.of_model(None, plan, 1, {"train": [], "val": []}, {})
    assert made["model"]["options"]["data"]["folders"] == [["data/a", 1.0], ["b", 0.5]]

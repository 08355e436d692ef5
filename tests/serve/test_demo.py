"""The demo for a plain host: the page's files, recordings that are what the server would answer, nothing overwritten."""

import json

import numpy as np
import pytest

from dimo import DiMo, RequestError
from dimo.serve import demo, site


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, weights):
    return demo.write(tmp_path_factory.mktemp("demo") / "site", weights)


def test_recordings_are_what_the_model_makes(folder, weights):
    told = json.loads((folder / "demo.json").read_text())
    model = DiMo.from_pretrained(weights)
    assert [m["text"] for m in told["motions"]] == [r["text"] for r in demo.RECORDED]
    asked, recorded = demo.RECORDED[2], told["motions"][2]
    expected = model.generate(asked["text"], seconds=asked["seconds"], seed=asked["seed"])[0]
    (motion,) = recorded["answer"]["motions"]
    assert np.abs(np.array(motion["root"]) - expected.root).max() <= 0.5e-5 + 1e-12
    assert np.abs(np.array(motion["rotations"]) - expected.rotations).max() <= 0.5e-5 + 1e-12
    names = [name for name, _ in recorded["events"]]
    assert names == ["begin"] + ["round"] * 11
    assert recorded["events"][-1][1]["round"] == 10
    assert json.loads((folder / "opening.json").read_text()) == told["motions"][0]["answer"]


def test_every_file_of_the_page_is_there(folder):
    page = (folder / "index.html").read_text()
    assert '<html data-demo="yes" ' in page
    there = {p.relative_to(site.FOLDER) for p in site.FOLDER.rglob("*") if p.is_file() and p.name != "index.html"}
    assert {p.relative_to(folder / "page") for p in (folder / "page").rglob("*") if p.is_file()} == there
    assert (folder / "figure.glb").read_bytes()[:4] == b"glTF"


def test_nothing_else_is_overwritten(folder, weights, tmp_path):
    assert demo.write(folder, weights) == folder  # an older demo may be
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(RequestError, match="holds something else than a demo"):
        demo.write(tmp_path, weights)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]

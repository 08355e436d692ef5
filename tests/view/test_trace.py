"""Traces: the states of a generation, the page that shows them and the pictures."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from dimo import DiMo, RequestError
from dimo.view.trace import OPEN, PICTURES, colour_of, page, pictures, save

TEXT = "walk </script><b> & so on"


@pytest.fixture(scope="module")
def model():
    return DiMo.debug()


@pytest.fixture(scope="module")
def trace(model):
    return model.trace(TEXT, seconds=1.5, steps=4, seed=3)


def test_the_last_state_is_what_generate_makes_and_the_first_is_open(model, trace):
    assert trace.motions[-1] == model.generate(TEXT, seconds=1.5, steps=4, seed=3, footlock=False)[0]
    assert trace.rounds == 4
    assert trace.written.shape == trace.confidence.shape == (5, 8)
    assert (trace.written[0] == 0).all()
    assert (trace.written[-1] > 0).all()
    assert all(len(m) == 30 for m in trace.motions)


def test_places_keep_the_round_in_which_they_were_written(trace):
    for before, after in zip(trace.written[:-1], trace.written[1:], strict=True):
        assert (after[before > 0] == before[before > 0]).all()
    for state in range(5):
        assert trace.written[state].max() == state
        assert (np.isnan(trace.confidence[state]) == (trace.written[state] == 0)).all()


def test_rounds_come_one_by_one(model, trace, monkeypatch):
    decoded, plain = [], model.pipeline.to_motion
    monkeypatch.setattr(model.pipeline, "to_motion", lambda *given: decoded.append(given) or plain(*given))
    states = model.rounds(TEXT, seconds=1.5, steps=4, seed=3)
    first = next(states)
    assert (first.round, len(decoded)) == (0, 1)  # nothing is made before it is asked for
    assert [s.motion for s in (first, *states)] == list(trace.motions)


def data_of(html):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.S).group(1))


def test_the_page_holds_its_data_and_asks_for_nothing(trace):
    html = page(trace)
    assert "/*DATA*/" not in html
    assert not re.search(r"https?://|src=|href=|import |fetch\(", html)
    data = data_of(html)
    assert data["text"] == TEXT
    assert len(data["states"]) == 5
    assert len(data["states"][0]) == 30 * 22 * 3
    joints = np.array(data["states"][-1]).reshape(30, 22, 3) / 1000
    real = trace.motions[-1].joints()
    assert np.abs((joints - joints[0, 0]) - (real - real[0, 0])).max() < 2e-3
    assert data["written"] == trace.written.tolist()


NODE = """
const fs = require("fs"), vm = require("vm");
const html = fs.readFileSync(process.argv[2], "utf8");
const scripts = [...html.matchAll(/<script[^>]*>([\\s\\S]*?)<\\/script>/g)].map(m => m[1]);
let calls = 0, frames = 0, listeners = {};
const element = id => elements[id] || (elements[id] = {
  textContent: id === "data" ? scripts[0] : "", width: 800, height: 400,
  addEventListener: (name, f) => { listeners[id + "." + name] = f; },
  getContext() { const canvas = this; return new Proxy({ canvas }, {
    get: (t, k) => k in t ? t[k] : (...a) => { calls++; if (a.some(x => typeof x === "number" && !isFinite(x))) throw k; },
    set: (t, k, v) => { if (typeof v === "string" && /NaN|undefined/.test(v)) throw v; t[k] = v; return true; } }); },
});
const elements = {};
let next = null;
const globals = { document: { getElementById: element }, requestAnimationFrame: f => { next = f; }, Math, JSON, Number };
vm.runInNewContext(scripts[1], globals);
for (let now = 0; now < 6000; now += 90) { const f = next; next = null; f(now); frames++; }
listeners["figure.pointermove"]({ buttons: 1, movementX: 50, movementY: 9 });
listeners["play.click"](); next(6100);
console.log(JSON.stringify({ calls, frames, label: elements.label.textContent, title: elements.title.textContent }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to run the page's script")
def test_the_script_of_the_page_runs_through_all_rounds(trace, tmp_path):
    path = save(trace, tmp_path / "trace.html")
    (tmp_path / "run.js").write_text(NODE)
    done = subprocess.run(["node", str(tmp_path / "run.js"), str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["calls"] > 1000
    assert shown["title"] == TEXT
    assert shown["label"].startswith("round 0 of 4")  # played to the end, and begun again by the click


def test_gif(trace, tmp_path):
    path = save(trace, tmp_path / "trace.gif", size=96)
    with Image.open(path) as image:
        assert image.format == "GIF"
        assert image.size == (96, 96 + 19)
    assert len(list(pictures(trace, 96))) == 4 * PICTURES + 30
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RequestError, match=r"\.html or \.gif"):
        save(trace, tmp_path / "trace.png")


def test_colours_go_from_violet_to_yellow():
    assert colour_of(0, 10) == OPEN
    assert colour_of(1, 10) == (68, 1, 84)
    assert colour_of(10, 10) == colour_of(1, 1) == (253, 231, 37)

"""A motion as a page of its own: everything inside, exact, no markup in names; what notebooks and browsers get."""

import base64
import gzip
import html
import io
import json
import re
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dimo import FormatError, Motion, preset
from dimo.body.rotation import rotvec_to_quat
from dimo.formats import gltf_file
from dimo.formats.motion_json import from_json
from dimo.view import alone


def walking(name="a walk", body="humanml3d", frames=30):
    skeleton = preset(body)
    generator = np.random.default_rng(1)
    turns = np.cumsum(generator.normal(0, 0.03, (frames, len(skeleton), 3)), axis=0)
    return Motion(skeleton, 30, generator.normal(0, 1, (frames, 3)), rotvec_to_quat(turns), name)


def unpacked(page, id):
    (text,) = re.findall(f'<script type="text/plain" id="{id}">([^<]*)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_motion_and_its_figure_are_inside(tmp_path):
    motion = walking(body="kit")
    given = unpacked(alone.page(motion), "given")
    assert from_json(given["motion"], "", 100) == motion
    path = tmp_path / "figure.glb"
    path.write_bytes(base64.b64decode(given["figure"]))
    document = gltf_file.open_document(path).json
    assert [document["nodes"][j]["name"] for j in document["skins"][0]["joints"]] == list(preset("kit").names)


def test_modules_come_after_those_that_they_import():
    modules = unpacked(alone.page(walking()), "library")
    there = set()
    for name, imports, text in modules:
        assert {to for _, to in imports} <= there, name
        if name != "three.js":
            assert sorted(path for path, _ in imports) == sorted(re.findall(r'from "([^"]+)"', text))
        there.add(name)
    assert name == "motion.js"  # the last one is what is run
    texts = {name: text for name, _, text in modules}
    assert texts["stage.js"] == (alone.PAGE / "js" / "stage.js").read_text(encoding="utf-8")
    assert "fetch(" not in texts["api.js"]


def test_nothing_is_fetched_and_no_name_is_markup():
    page = alone.page(walking("</script><img src=x onerror=alert(1)>"))
    title = "<title>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;</title>"
    assert page.count(title) == 1
    assert re.findall(r"<img|<link|\bsrc=|\bhref=|https?:", page.replace(title, "")) == []
    assert page.count("</script>") == 3


def test_a_notebook_shows_the_page_and_a_film():
    motion = walking(name='"quoted"')
    shown = motion._repr_html_()
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(page) == alone.page(motion)
    (film,) = re.findall(r'src="data:image/gif;base64,([^"]*)"', shown)
    with Image.open(io.BytesIO(base64.b64decode(film))) as image:
        image.seek(9)
        assert (image.info["duration"], image.size) == (100, (240, 240))
        with pytest.raises(EOFError):
            image.seek(10)  # a second of 30 frames is ten a tenth of a second apart


def test_the_film_of_a_long_motion_is_its_beginning(monkeypatch):
    monkeypatch.setattr(alone, "GIF_SECONDS", 0.5)
    motion = walking(frames=30)
    assert alone.framed(motion).partition("<details>")[2] == alone.framed(motion[:15]).partition("<details>")[2]


def test_show_opens_it(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    motion = walking()
    path = motion.show()
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == alone.page(motion)


def test_motions_save_their_pictures(tmp_path):
    motion = walking(frames=6)
    assert motion.save(tmp_path / "a.html").read_text(encoding="utf-8") == alone.page(motion)
    assert motion.save(tmp_path / "a.GIF", size=64).read_bytes()[:6] == b"GIF89a"
    assert Motion.load(motion.save(tmp_path / "a.npz")) == motion
    with pytest.raises(FormatError, match=r"'\.doc' names no format that is written"):
        motion.save(tmp_path / "a.doc")
    assert sorted(p.name for p in Path(tmp_path).iterdir()) == ["a.GIF", "a.html", "a.npz"]

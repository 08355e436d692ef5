"""The page's files: all there, all of this server, under a policy that lets nothing else in."""

import json
import re
import time

import pytest
from fastapi.testclient import TestClient

from dimo.formats import gltf_file
from dimo.formats.motion_json import from_json, to_json
from dimo.serve import site
from dimo.serve.app import create_app
from dimo.serve.service import Service
from dimo.serve.site import FOLDER, OPENING
from dimo.serve.worker import QueueFull
from dimo.tasks.caption import Caption

MODULES = sorted((FOLDER / "js").glob("*.js"))


def test_the_page_and_its_policy(client):
    answer = client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    for name in re.findall(r'(?:href|src)="([^"]+)"', answer.text):
        assert client.get(f"/{name}").status_code == 200, name


def test_every_module_is_small_and_asked_for_at_once():
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    for path in MODULES:
        assert f'"page/js/{path.name}"' in page, path.name
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_modules_import_what_is_there():
    for path in MODULES:
        for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), (path.name, name)


def test_nothing_is_fetched_from_elsewhere():
    ours = [p for p in FOLDER.rglob("*") if p.suffix in (".js", ".html", ".css") and "vendor" not in p.parts]
    for path in ours:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"""["'(]https?://|["'(]//\w""", text) == [], path.name


def test_the_library_comes_with_its_licence():
    head = (FOLDER / "vendor" / "three.js").read_text(encoding="utf-8")[:200]
    version = re.search(r"three\.js ([\d.]+), MIT", head).group(1)
    assert f"THREE={version}\n" in (FOLDER.parents[3] / "scripts" / "bundle_three.sh").read_text()
    licence = (FOLDER / "vendor" / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "three.js authors" in licence


def test_the_opening_is_what_its_prompt_makes(client, model):
    told = client.get("/opening.json").json()
    (motion,) = [from_json(m, "", 1000) for m in told["motions"]]
    assert motion == model.generate(OPENING.text, seconds=OPENING.seconds, seed=OPENING.seed)[0]
    assert told["parts"] == [{"text": OPENING.text, "seconds": OPENING.seconds}]


def test_the_opening_brings_what_the_model_sees_in_it(model, monkeypatch):
    """So that no page that opens keeps the model busy."""
    monkeypatch.setattr(model, "caption", lambda motions, **_: [Caption("someone waves", -0.5)] * len(motions))
    with TestClient(create_app(Service(model)), base_url="http://localhost") as client:
        client.get("/opening.json")
        client.post("/v1/captions", json={"motion": to_json(model.sample(1, seed=1)[0])})  # waits for the one before
        assert client.get("/opening.json").json()["said"] == "someone waves"


@pytest.mark.parametrize("visited", [False, True])
def test_the_opening_waits_for_a_visitor(model, monkeypatch, visited):
    """Who starts a server to ask it something is not kept waiting by a page that nobody looks at."""
    monkeypatch.setattr(site, "PAUSE", 60.0)
    service = Service(model)
    with TestClient(create_app(service), base_url="http://localhost") as client:
        if visited:
            client.get("/")
        answer = client.post("/v1/motions", json={"text": "a person walks", "seconds": 2, "seed": 1})
        assert answer.status_code == 200
        deadline = time.monotonic() + 30
        while visited and service.worker.done < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (service.worker.done > 1) is visited


def test_the_opening_comes_by_itself_after_a_pause(model, monkeypatch):
    monkeypatch.setattr(site, "PAUSE", 0.0)
    service = Service(model)
    with TestClient(create_app(service), base_url="http://localhost"):
        deadline = time.monotonic() + 30
        while service.worker.done < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert service.worker.done >= 1


def test_the_opening_waits_while_the_queue_is_full(model, monkeypatch):
    service, full = Service(model), [QueueFull(0.01), QueueFull(0.01)]
    submit = service.worker.submit
    monkeypatch.setattr(service.worker, "submit", lambda job: submit(job) if not full else _raise(full.pop()))
    with TestClient(create_app(service), base_url="http://localhost") as client:
        assert client.get("/opening.json").status_code == 200
    assert not full


def _raise(error):
    raise error


def test_the_figure_has_the_bones_of_the_body(client, model, tmp_path):
    path = tmp_path / "figure.glb"
    path.write_bytes(client.get("/figure.glb").content)
    document = gltf_file.open_document(path).json
    bones = [document["nodes"][j]["name"] for j in document["skins"][0]["joints"]]
    assert bones == list(model.codec.skeleton.names)


@pytest.mark.parametrize(
    "path", ["/page/../service.py", "/page/%2e%2e/service.py", "/page//etc/passwd", "/page/js/none.js"]
)
def test_no_other_file_can_be_reached(client, path):
    assert client.get(path).status_code in (404, 405)


def test_files_are_asked_for_again_but_not_sent_again(client):
    first = client.get("/page/style.css")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/page/style.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert json.dumps(client.get("/page/icon.svg").headers["content-type"]).startswith('"image/svg+xml')


def colours(theme):
    """The page's colours by name, as numbers from 0 to 1; those that the light theme leaves are the dark one's."""
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    dark, light = re.findall(r":root(?:\[data-theme=\"light\"\])? \{(.*?)\}", style, re.DOTALL)[:2]
    found = dict(re.findall(r"--(\w+): #(\w{3,6});", dark + (light if theme == "light" else "")))
    wide = {name: value if len(value) == 6 else "".join(2 * c for c in value) for name, value in found.items()}
    return {name: [int(value[i : i + 2], 16) / 255 for i in (0, 2, 4)] for name, value in wide.items()}


def contrast(one, other):
    """WCAG 2.2's contrast ratio of two colours, by its relative luminance."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_words_stand_out_from_what_is_behind_them(theme):
    """At least 4.5 to 1, as WCAG 2.2 asks of plain text (success criterion 1.4.3)."""
    assert contrast([1, 1, 1], [0, 0, 0]) == pytest.approx(21)
    has = colours(theme)
    behind = {name: ["back", "card", "card2"] for name in ("ink", "dim", "warn")}
    behind |= {"dim": ["back", "far", "edge", "card", "card2"], "onmain": ["main"], "out": ["card"], "in": ["card"]}
    has["pressed"] = [0.13 * a + 0.87 * b for a, b in zip(has["accent"], has["card"], strict=True)]
    for name, places in {**behind, "accent": ["pressed"]}.items():
        for place in places:
            assert contrast(has[name], has[place]) >= 4.5, (name, place)

"""What /openapi.json says of answers is what they hold, and a sentence that the model hardly knows is told beside its motion."""

import asyncio
import json
from dataclasses import replace

import pytest
import torch
from fastapi.testclient import TestClient

from dimo import DiMo
from dimo.formats.motion_json import to_json
from dimo.memory.recall import Recall
from dimo.serve import answers
from dimo.serve.app import create_app
from dimo.serve.guard import Access
from dimo.serve.limits import Limits
from dimo.serve.service import Service

TEXT = "a person walks forward"


@pytest.fixture(scope="module")
def library(model, made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    made.save(folder / "walk.npz")
    with TestClient(create_app(Service(model, library=folder)), base_url="http://localhost") as client:
        yield client


def asked(client, path, made):
    """The JSON that an address answers to a plain request."""
    motion = {"motion": to_json(made)}
    bodies = {
        "/v1/motions": {"text": TEXT, "seconds": 1},
        "/v1/edits": {**motion, "extend": 1},
        "/v1/captions": {**motion, "samples": 2},
        "/v1/corrections": {**motion, "text": TEXT},
        "/v1/scores": {**motion, "text": TEXT},
        "/v1/conversions": motion,
        "/v1/search": {"text": TEXT},
    }
    answer = client.post(path, json=bodies[path]) if path in bodies else client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/motions", answers.MotionsMade),
        ("/v1/edits", answers.MotionsEdited),
        ("/v1/captions", answers.CaptionsSaid),
        ("/v1/corrections", answers.CaptionCorrected),
        ("/v1/scores", answers.FitScored),
        ("/v1/conversions", answers.MotionsConverted),
        ("/v1/search", answers.FilesFound),
        ("/v1/health", answers.Health),
        ("/v1/models", answers.Models),
    ],
)
def test_an_answer_is_what_its_schema_says(library, made, path, said):
    said.model_validate(asked(library, path, made))  # nothing missing, nothing more
    method = "get" if path in ("/v1/health", "/v1/models") else "post"
    told = library.get("/openapi.json").json()["paths"][path][method]["responses"]["200"]["content"]
    assert told["application/json"]["schema"] == {"$ref": f"#/components/schemas/{said.__name__}"}


def references(node):
    if isinstance(node, dict):
        return (
            {node["$ref"]} if isinstance(node.get("$ref"), str) else {r for v in node.values() for r in references(v)}
        )
    return {r for v in node for r in references(v)} if isinstance(node, list) else set()


def test_every_schema_that_is_named_is_there_and_every_failure_is_told(library):
    document = library.get("/openapi.json").json()
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= there
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert {"401", "403", "421", "500"} <= set(told["responses"]), path
            if method == "post":
                assert {"400", "408", "413", "422", "429", "503"} <= set(told["responses"]), path
                assert told["requestBody"]["content"]["application/json"]["schema"], path


def test_a_token_that_is_wanted_is_told(model):
    plain, guarded = (create_app(Service(model), Access(token=token)).openapi() for token in (None, "secret"))
    assert "security" not in plain
    ((name, _),) = guarded["security"][0].items()
    assert guarded["components"]["securitySchemes"][name] == {"type": "http", "scheme": "bearer"}


def test_an_animation_tool_whose_body_stops_coming_is_told_so(model):
    """The protocol has no code for it: it is the problem document that other addresses answer, not a fault of the server."""
    app = create_app(Service(model, Limits(patience=0.05)))
    sent = []

    async def ask():
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/generate",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }

        async def receive():
            await asyncio.sleep(10)

        async def send(message):
            sent.append(message)

        await app({**scope, "http_version": "1.1", "scheme": "http", "raw_path": b"/generate"}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["title"] == "Request Timeout"


KNOWN = [["a person walks forward", "the man walks"], ["someone walks forward"], ["a woman claps"]]
UNKNOWN = "photosynthesis of purple finance"


@pytest.fixture(scope="module")
def heard():
    """A model that has captions to compare with."""
    model = DiMo.debug()
    model.pipeline.recall = Recall.of([torch.zeros(5, 3, dtype=torch.long)] * len(KNOWN), KNOWN)
    return model


def test_sentences_that_are_hardly_known_are_told_beside_their_motion(heard, made):
    warning = heard.understands(UNKNOWN).warning()
    assert "I have seen little like" in warning
    parts = [{"text": text, "seconds": 1} for text in (TEXT, UNKNOWN, UNKNOWN)]
    with TestClient(create_app(Service(heard)), base_url="http://localhost") as client:
        assert client.post("/v1/motions", json={"parts": parts}).json()["warnings"] == [warning]
        assert client.post("/v1/motions", json={"text": TEXT, "seconds": 1}).json()["warnings"] == []
        edit = {"motion": to_json(made), "extend": 1}
        assert client.post("/v1/edits", json={**edit, "text": UNKNOWN}).json()["warnings"] == [warning]
        assert client.post("/v1/edits", json=edit).json()["warnings"] == []
        (told,) = client.get("/capabilities").json()["models"]
        strips = [{"type": "text", "prompt": text, "duration_frames": 20} for text in (TEXT, UNKNOWN)]
        body = {"protocol_version": "1.0", "model": "dimo", "skeleton": told["canonical_skeleton"], "segments": strips}
        notes = client.post("/generate", json=body).json()["extensions"]["MMCP_motion"]["notes"]
        assert [note["message"] for note in notes if note["severity"] == "warning"] == [warning]


def test_assistants_are_told_too(heard, tmp_path):
    mcp = pytest.importorskip("mcp")
    from dimo.serve.mcp import Desk, build

    desk = Desk(tmp_path)
    desk.__dict__["model"] = heard  # instead of the packaged one

    async def ask(text):
        async with mcp.Client(build(desk)) as client:
            result = await client.call_tool("generate_motion", {"text": text, "file": "a.npz", "seconds": 1})
            return result.structured_content["warnings"]

    assert asyncio.run(ask(UNKNOWN)) == [heard.understands(UNKNOWN).warning()]
    assert asyncio.run(ask(TEXT)) == []


def test_weights_without_captions_warn_of_nothing(model):
    assert Service(model).heard([UNKNOWN]) == {"warnings": [], "notes": []}


def test_sentences_that_are_taken_as_others_are_told(heard, monkeypatch):
    """As the command line tells them: each once, and not where recall has no say."""
    known = heard.understands(TEXT)
    monkeypatch.setattr(heard, "understands", lambda text: replace(known, text=text, taken_as=(TEXT,)))
    note = f"I take 'somebody strolls' as {TEXT!r}"
    with TestClient(create_app(Service(heard)), base_url="http://localhost") as client:
        asked = {"text": "somebody strolls", "seconds": 1}
        assert client.post("/v1/motions", json=asked).json()["notes"] == [note]
        assert client.post("/v1/motions", json={**asked, "recall": 0}).json()["notes"] == []

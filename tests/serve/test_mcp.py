"""The Model Context Protocol, asked by the client of the official SDK: every tool, files of one folder, refusals."""

import asyncio
import os
import sys

import pytest

from dimo import DiMo, Motion
from dimo.errors import RequestError

mcp = pytest.importorskip("mcp")

TEXT = "a person walks forward"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def desk(tmp_path, weights):
    from dimo.serve.mcp import Desk

    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "work", weights)


def asked(desk, *calls):
    """The results of calls (tool, arguments): structured content, or the sentence of an error."""
    from dimo.serve.mcp import build

    async def ask():
        async with mcp.Client(build(desk)) as client:
            out = []
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                out.append(result.content[0].text if result.is_error else result.structured_content)
            return out

    return asyncio.run(ask())


def test_tools_do_what_the_model_does(desk):
    results = asked(
        desk,
        ("generate_motion", {"text": TEXT, "file": "walk.npz", "seconds": 2, "seed": 1}),
        ("edit_motion", {"file": "walk.npz", "output": "more.npz", "extend": 1, "seed": 2}),
        ("edit_motion", {"file": "walk.npz", "output": "anew.npz", "replace": [[0.5, 1]], "seed": 2}),
        ("convert_motion", {"file": "walk.npz", "output": "walk.bvh", "fps": 40}),
        ("caption_motion", {"file": "walk.npz"}),
        ("correct_caption", {"file": "walk.npz", "text": TEXT}),
        ("search_motions", {"text": TEXT}),
        ("generate_motion", {"text": TEXT, "file": "two.npz", "seconds": 1, "samples": 2, "seed": 1}),
    )
    model, folder = DiMo.from_pretrained(desk.weights), desk.folder
    (walk,) = model.generate(TEXT, seconds=2, seed=1)
    assert Motion.load(folder / "walk.npz") == walk
    assert results[0]["files"] == ["walk.npz"]
    assert (results[0]["seed"], results[0]["seconds"]) == (1, 2)
    assert Motion.load(folder / "more.npz") == model.predict(walk, 1, seed=2)[0]
    assert Motion.load(folder / "anew.npz") == model.edit(walk, (0.5, 1), seed=2)[0]
    assert Motion.load(folder / "walk.bvh").fps == pytest.approx(40)
    assert results[4]["text"] == model.caption(walk)[0].text
    assert results[5] == {"text": TEXT, "changes": []}
    assert set(results[6]["files"]) == {"walk.npz", "more.npz", "anew.npz", "walk.bvh"}
    assert results[7]["files"] == ["two_1.npz", "two_2.npz"]
    assert Motion.load(folder / "two_2.npz") == model.generate(TEXT, seconds=1, samples=2, seed=1)[1]


def test_what_cannot_be_done_is_told_and_nothing_is_written(desk):
    outside = desk.folder.parent / "secret.npz"
    outside.write_bytes(b"x")
    calls = {
        "does not lie in the folder": ("caption_motion", {"file": "../secret.npz"}),
        "'/etc/passwd' does not lie": ("caption_motion", {"file": "/etc/passwd"}),
        "no such file": ("caption_motion", {"file": "none.npz"}),
        "the text is empty": ("generate_motion", {"text": " ", "file": "a.npz"}),
        "names no format that is written": ("generate_motion", {"text": TEXT, "file": "a.doc"}),
        "its folder does not exist": ("generate_motion", {"text": TEXT, "file": "sub/a.npz"}),
        "samples must be from 1 to 16": ("generate_motion", {"text": TEXT, "file": "a.npz", "samples": 99}),
        "at most 120 seconds": ("generate_motion", {"text": TEXT, "file": "a.npz", "seconds": 500}),
    }
    for words, told in zip(calls, asked(desk, *calls.values()), strict=True):
        assert words in told
        assert str(desk.folder) not in told
    assert list(desk.folder.iterdir()) == []


def test_a_folder_that_is_none_is_refused(tmp_path):
    from dimo.serve.mcp import Desk

    with pytest.raises(RequestError, match="no such folder"):
        Desk(tmp_path / "none")


def test_over_standard_input_and_output(tmp_path, weights):
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "dimo", "mcp", "--folder", str(tmp_path), "--model", str(weights)],
        env=dict(os.environ),
    )

    async def ask():
        async with mcp.Client(command) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("generate_motion", {"text": TEXT, "file": "a.bvh", "seconds": 1, "seed": 1})
            return names, result

    names, result = asyncio.run(ask())
    assert {"generate_motion", "edit_motion", "caption_motion", "convert_motion", "search_motions"} <= names
    assert not result.is_error
    assert Motion.load(tmp_path / "a.bvh").seconds == pytest.approx(1, abs=0.06)

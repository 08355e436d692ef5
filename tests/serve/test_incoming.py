"""What comes in: JSON and forms that are none, files that are none, bombs, and nothing left on the disk."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dimo.formats.motion_json import to_json

CAPTION = "/v1/captions"


def detail(answer, status=422):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def file_of(data, name="clip.bvh"):
    return {"motion": (name, data)}


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (b"{", "application/json", 400, "the body is no JSON"),
        (b"\xff\xfe", "application/json", 400, "the body is no JSON"),
        (b"[" * 100_000, "application/json", 400, "the body is no JSON"),
        (b'{"samples": NaN}', "application/json", 400, "NaN is no number"),
        (b"[1]", "application/json", 422, "the body is a JSON object"),
        (b"text=walk", "application/x-www-form-urlencoded", 415, "not application/x-www-form-urlencoded"),
        (b"", "", 415, "not of no type"),
        (b"nonsense", "multipart/form-data; boundary=x", 400, ""),
    ],
)
def test_bodies_that_are_none(client, content, kind, status, words):
    assert words in detail(client.post(CAPTION, content=content, headers={"content-type": kind}), status)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps": None}, "root holds [x, y, z]"),
        ({"fps": -1}, "fps must lie between 0 and 10000"),
        ({"root": [[0, 0]]}, "root must have shape (F, 3)"),
        ({"root": []}, "root must have shape (F, 3)"),
        ({"root": "far"}, "root and rotations are lists"),
        ({"rotations": [[["a"]]]}, "all numbers"),
        ({"rotations": [[[1, 0, 0]]]}, "rotations must have shape"),
        ({"skeleton": {}}, 'its skeleton has no "joints"'),
        ({"skeleton": {"joints": [{"name": "a"}]}}, 'needs "name", "parent" and "offset"'),
        ({"skeleton": {"joints": [{"name": "a", "parent": 3, "offset": [0, 0, 0]}]}}, "must be the root"),
    ],
)
def test_motions_that_are_none(client, made, change, words):
    answer = client.post(CAPTION, json={"motion": {**to_json(made), **change}})
    assert words in detail(answer)
    assert detail(answer).startswith("motion: ")


def test_names_are_missing(client):
    assert "skeleton, fps, root, rotations missing" in detail(client.post(CAPTION, json={"motion": {}}))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("clip.bvh", b"HIERARCHY\nfoo", "clip.bvh, line 2"),
        ("clip.bvh", b"", "clip.bvh: the file is empty"),
        ("clip.fbx", b"Kaydara", "clip.fbx: "),  # through Blender, where there is one
        ("clip.exe", b"MZ", "names no format that is read"),
        ("clip", b"MZ", "names no format that is read"),
        ("clip.amc", b":FULLY", "a .amc file needs others beside it"),
        ("clip.gltf", b"{}", "a .gltf file needs others beside it"),
        ("clip.glb", b"glTF", "clip.glb: a cut off GLB file"),
        ("clip.npz", b"PK\3\4", "clip.npz: not a readable NumPy archive"),
        ("../../etc/passwd.bvh", b"x", "passwd.bvh, line 1"),
    ],
)
def test_files_that_are_none_are_told_by_their_own_name(client, name, data, words):
    told = detail(client.post(CAPTION, files=file_of(data, name)))
    assert words in told
    assert tempfile.gettempdir() not in told
    assert "etc" not in told


def test_no_pickle_is_loaded(client):
    data = io.BytesIO()
    np.save(data, np.array([{"a": 1}], object), allow_pickle=True)
    assert "clip.npy" in detail(client.post(CAPTION, files=file_of(data.getvalue(), "clip.npy")))


def test_a_bomb_is_refused_before_it_is_unpacked(small):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("root.npy", b"\0" * 20_000_000)
    assert len(packed.getvalue()) < 30_000
    told = detail(small.post(CAPTION, files=file_of(packed.getvalue(), "bomb.npz")))
    assert "bomb.npz: unpacks to 20,000,000 bytes; up to 10,000" in told


def test_a_file_reaches_no_other_file_of_the_server(client, tmp_path):
    """A GLB may name buffers beside it; an upload has nothing beside it."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\0" * 64)
    for uri in (str(secret), "../secret.bin", secret.as_uri(), "secret.bin"):
        text = json.dumps({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 64, "uri": uri}]}).encode()
        text += b" " * (-len(text) % 4)
        head = b"glTF" + b"".join(n.to_bytes(4, "little") for n in (2, 20 + len(text), len(text), 0x4E4F534A))
        told = detail(client.post(CAPTION, files=file_of(head + text, "clip.glb")))
        assert "which is not in its own folder" in told or "no such file" in told
        assert tempfile.gettempdir() not in told.replace(uri[:80], "")


def test_nothing_that_was_sent_stays(client, made, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = made.save(tmp_path / "clip.npz")
    data = path.read_bytes()
    path.unlink()
    assert client.post("/v1/conversions?", files=file_of(data, "clip.npz")).status_code == 200
    detail(client.post(CAPTION, files=file_of(data[:-100], "clip.npz")))
    assert list(Path(tmp_path).iterdir()) == []


def test_forms_say_what_they_may_hold(client):
    told = detail(client.post(CAPTION, files={"film": ("a.bvh", b"x")}))
    assert "it may have request (JSON) and files as motion" in told
    both = client.post("/v1/edits", files=file_of(b"x"), data={"request": '{"motion": {}, "extend": 1}'})
    assert "motion comes twice" in detail(both)
    many = [("motion", (f"{i}.bvh", b"x")) for i in range(9)]
    assert "oo many files" in detail(client.post(CAPTION, files=many), 400)


@pytest.mark.parametrize("path", [CAPTION, "/v1/motions"])
def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(client, caplog, path):
    arriving = iter([{"type": "http.request", "body": b'{"text": ', "more_body": True}, {"type": "http.disconnect"}])
    scope = dict(type="http", asgi={"version": "3.0"}, http_version="1.1", method="POST", scheme="http", path=path)
    scope |= dict(raw_path=path.encode(), query_string=b"", root_path="", client=("127.0.0.1", 1))
    scope["headers"] = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"99")]

    async def receive():
        return next(arriving)

    async def send(message):
        pass

    client.portal.call(client.app, scope, receive, send)  # nothing is raised
    assert caplog.text == ""

"""The project's pack: what the index says of a clip is what preparation knows of it."""

import json
import tarfile

import numpy as np
import pytest

from dimo import FormatError, preset
from dimo.data import prepare, shards, sources
from dimo.data.prepare import PrepareOptions
from dimo.data.sources import pack


def walk(frames=50):
    body = preset("humanml3d")
    rest = np.zeros((22, 3))
    for j in range(1, 22):
        rest[j] = rest[body.parents[j]] + body.offsets[j]
    ahead = np.stack([np.zeros(frames), np.zeros(frames), 0.05 * np.arange(frames)], axis=-1)
    return (rest + np.array([0, 0.95, 0]))[None] + ahead[:, None]


def row(name, split="train", **fields):
    return {"id": name, "archive": "a.tar.xz", "path": f"{name}.npy", "fps": 20, "frames": 50, "split": split,
            "source": "Cat, Dog", "licence": "CC BY-NC 4.0, X", "content": "walk", "recording": name, **fields}  # fmt: skip


def write(folder, rows, captions=None):
    folder.mkdir(exist_ok=True)
    (folder / "files").mkdir(exist_ok=True)
    with tarfile.open(folder / "a.tar.xz", "w:xz") as tar:
        for r in rows:
            np.save(folder / "files" / r["path"], walk(r["frames"]))
            tar.add(folder / "files" / r["path"], r["path"])
    (folder / "index.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    captions = captions or [{"id": r["id"], "captions": [f"{r['id']} walks left"]} for r in rows]
    (folder / "captions.jsonl").write_text("".join(json.dumps(c) + "\n" for c in captions))
    return folder


def test_sources_licences_kinds_and_splits_are_kept(tmp_path):
    rows = [row("one"), row("two", "val", licence="CC0 1.0"), row("long", "test", frames=400)]
    captions = [
        {"id": "one", "kind": "human", "captions": ["the sim walks left"]},
        {"id": "two", "kind": "written", "captions": ["a man walks", "his arms are out"]},
        {"id": "long", "kind": "human", "captions": ["a man walks far"]},
    ]
    manifest = prepare.prepare(write(tmp_path / "pack", rows, captions), tmp_path / "out", PrepareOptions())
    clips = {c.id: c for c in shards.read(tmp_path / "out")}
    assert manifest["licences"] == ["CC BY-NC 4.0, X", "CC0 1.0"]
    assert {i: (c.split, c.licence, c.source, c.recording) for i, c in clips.items()} == {
        "one": ("train", "CC BY-NC 4.0, X", "Cat, Dog", "one"),
        "Mone": ("train", "CC BY-NC 4.0, X", "Cat, Dog", "one"),
        "two": ("val", "CC0 1.0", "Cat, Dog", "two"),
        **{f"long_w{i}": ("test", "CC BY-NC 4.0, X", "Cat, Dog", "long") for i in (1, 2, 3)},
    }
    kinds = {i: {(t.text, t.kind) for t in c.captions if t.kind != "derived"} for i, c in clips.items()}
    assert kinds["one"] == {("the sim walks left", "human")}
    assert kinds["Mone"] == {("the sim walks right", "human")}
    words = dict(kinds["two"])
    assert set(words.values()) == {"written"}
    assert "his arms are out" in words
    assert any(text.startswith("a man walks") and "to the side" in text for text in words)  # as they were all the time
    assert kinds["long_w1"] == {("a man walks far", "take")}  # of the whole take, of which this is a part


def test_a_window_a_little_too_long_loses_its_end(tmp_path):
    rows = [row("window", frames=200), row("longer", frames=210)]
    prepare.prepare(write(tmp_path / "pack", rows), tmp_path / "out", PrepareOptions(mirror=False, crops=0))
    assert {c.id: len(c.joints) for c in shards.read(tmp_path / "out")} == {
        "window": 196,
        "longer_w1": 105,
        "longer_w2": 105,
    }


def test_a_recording_in_two_splits_is_refused(tmp_path):
    rows = [row("a", recording="take"), row("b", "test", pack_recording="take")]
    with pytest.raises(FormatError, match=r"'take' is in two splits: a in train, b in test"):
        sources.jobs(write(tmp_path / "pack", rows), tmp_path)


def test_motion_that_several_clips_show_is_known_to_repeat():
    def window(name, start, end, **fields):
        return row(name, humanml3d={"start_frame": start, "end_frame": end}, recording="take", **fields)

    alone = pack.repeats([window("a", 0, 100), window("b", 100, 200), row("c")])
    assert alone == {"a": 1.0, "b": 1.0, "c": 1.0}
    half = pack.repeats([window("a", 0, 100), window("b", 50, 150)])
    assert half == {"a": 1.5, "b": 1.5}
    again = pack.repeats([row("old", pack_recording="take", seconds=10.0), window("a", 0, 200)])
    assert again == {"old": 2.0, "a": 2.0}
    part = pack.repeats([row("old", pack_recording="take", seconds=20.0), window("a", 0, 200)])
    assert part == {"old": 1.5, "a": 2.0}
    described = pack.repeats([window("a", 0, 200), window("b", 0, 200, part_s=[1.0, 6.0])])
    assert described == {"a": 1.5, "b": 2.0}


def test_clips_seen_to_be_wrong_are_left_out_with_their_reason(tmp_path):
    rows = [row("uiprmd_m10_s10_e01"), row("uiprmd_m10_s09_e01")]
    prepare.prepare(write(tmp_path / "pack", rows), tmp_path / "out", PrepareOptions(mirror=False))
    report = {r["id"]: r["reason"] for r in json.loads((tmp_path / "out" / "report.json").read_text())}
    assert list(report) == ["uiprmd_m10_s10_e01"]
    assert "arm" in report["uiprmd_m10_s10_e01"]


def test_an_unknown_kind_of_caption_is_named(tmp_path):
    write(tmp_path / "pack", [row("a")], [{"id": "a", "kind": "dreamt", "captions": ["x"]}])
    with pytest.raises(FormatError, match="dreamt"):
        sources.jobs(tmp_path / "pack", tmp_path)

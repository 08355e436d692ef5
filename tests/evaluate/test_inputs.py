"""Motions and captions of other systems by files."""

import numpy as np
import pytest

from dimo.data import shards
from dimo.errors import FormatError
from dimo.evaluate.inputs import read_captions, read_motions, training_clips


def test_motions_and_captions_meet_by_name(clip, tmp_path):
    for n in (1, 2):
        np.save(tmp_path / f"m{n}.npy", clip(n, frames=300).joints.astype(np.float32))
    (tmp_path / "captions.txt").write_text("m2.npy\ta person runs\n\nm1\ta person walks\nm2\tsomeone runs\n")
    found = read_motions(tmp_path, tmp_path / "captions.txt")
    assert [(c.id, [t.text for t in c.captions]) for c in found] == [
        ("m2", ["a person runs", "someone runs"]),
        ("m1", ["a person walks"]),
    ]
    assert found[0].joints.shape == (196, 22, 3)  # as much as evaluators read
    assert np.allclose(found[0].joints, clip(2, frames=196).joints, atol=1e-5)


def test_captions_in_json_have_names_of_several_kinds(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"id": "a", "caption": "x"}\n{"name": "b.npy", "captions": ["y", "z"]}\n')
    assert read_captions(path) == {"a": ("x",), "b": ("y", "z")}
    path.write_text('{"id": "a", "caption": "x"}\n{"id": "b", "caption": " "}\n')
    with pytest.raises(FormatError, match="line 2"):
        read_captions(path)


def test_a_motion_too_short_is_named(clip, tmp_path):
    np.save(tmp_path / "m.npy", clip(1, frames=5).joints)
    (tmp_path / "c.txt").write_text("m\twalks\n")
    with pytest.raises(FormatError, match=r"m\.npy.*5 frames"):
        read_motions(tmp_path, tmp_path / "c.txt")


def test_training_clips_come_from_prepared_folders_only(clip, tmp_path):
    assert training_clips(tmp_path, "test") == []
    kept = [
        clip(1, split="train"),
        clip(2, split="test"),
        clip(3, frames=10, split="train"),
        clip(4, texts=(), split="train"),
    ]
    shards.write(tmp_path / "x.parquet", kept)
    assert [c.id for c in training_clips(tmp_path, "test")] == ["c1"]
    assert training_clips(tmp_path, "train") == []

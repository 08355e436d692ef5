"""Clips to evaluate on, from shards and from collections in their original layout."""

import numpy as np
import pytest

from dimo import preset
from dimo.data import heldout, shards, sources
from dimo.data.records import Caption, Clip
from dimo.errors import FormatError, RequestError


def standing(frames: int, joints: int = 22) -> np.ndarray:
    body = preset({22: "humanml3d", 52: "smplx"}[joints])
    rest = np.zeros((joints, 3))
    for j, parent in enumerate(body.parents):
        rest[j] = body.offsets[j] + (rest[parent] if parent >= 0 else [0, 0.92, 0])
    out = np.repeat(rest[None], frames, axis=0)
    out[..., 2] += np.arange(frames)[:, None] * 0.03
    return out.astype(np.float32)


def test_shards_give_written_captions_and_no_copies(tmp_path):
    both = (Caption("a man walks"), Caption("the body moves 2 m", "derived"))
    rows = [
        Clip("a", standing(30), 20.0, both, "test"),
        Clip("Mh", standing(30), 20.0, both, "test", mirrored=True),
        Clip("c", standing(30), 20.0, both, "test", composite=True),
        Clip("d", standing(30), 20.0, both[1:], "test"),
        Clip("e", standing(30), 20.0, (), "test"),
        Clip("t", standing(30), 20.0, both, "train"),
        Clip("Mt", standing(30), 20.0, both, "train", mirrored=True),
    ]
    shards.write(tmp_path / "x.parquet", rows)
    found = heldout.load(tmp_path, "test")
    assert [c.id for c in found] == ["a", "Mh", "d"]
    assert [len(c.captions) for c in found] == [1, 1, 1]
    assert [c.id for c in heldout.load(tmp_path, "train")] == ["t"]
    assert heldout.fingerprint(found) == heldout.fingerprint(heldout.load(tmp_path, "test"))
    assert heldout.fingerprint(found) != heldout.fingerprint(found[:1])
    with pytest.raises(RequestError, match="'val'"):
        heldout.load(tmp_path, "val")


def test_limits_are_spread():
    assert heldout.spread(range(10), 4) == [0, 3, 6, 9]
    assert heldout.spread(range(3), 4) == [0, 1, 2]


def motionx(folder, kind="joint", lists="split"):
    (folder / "motion_data" / kind / "game").mkdir(parents=True)
    (folder / "texts/semantic_labels/game").mkdir(parents=True)
    for name in ("one", "two"):
        np.save(folder / "motion_data" / kind / "game" / f"{name}.npy", standing(90, 52))
        (folder / "texts/semantic_labels/game" / f"{name}.txt").write_text(f"a person plays {name}\n")
    if lists is not None:
        (folder / lists).mkdir(exist_ok=True)
        (folder / lists / "train.txt").write_text("game/one\n")
        (folder / lists / "test.txt").write_text("game/two\n")
    return folder


@pytest.mark.parametrize("lists", ["split", "motion_data", "", None])
def test_motionx_in_its_own_layout(tmp_path, lists):
    jobs = sources.jobs(motionx(tmp_path, lists=lists), tmp_path)
    assert [j.id for j in jobs] == ["game_one", "game_two"]
    assert [j.split for j in jobs] == (["train", "test"] if lists is not None else ["", ""])
    assert jobs[1].captions == ("a person plays two",)
    assert jobs[1].fps == 30


def test_motionx_becomes_clips(tmp_path):
    (clip,) = heldout.load(motionx(tmp_path), "test")
    assert clip.joints.shape == (60, 22, 3)  # 3 s at 20 fps, without fingers
    assert clip.captions[0].text == "a person plays two"


def test_pose_parameters_are_refused(tmp_path):
    with pytest.raises(FormatError, match="SMPL-X body model"):
        sources.jobs(motionx(tmp_path, kind="smplx_322"), tmp_path)


def test_humanml3d_takes_what_its_loader_takes(tmp_path):
    for name in ("new_joints", "texts"):
        (tmp_path / name).mkdir()
    for name, frames in (("short", 30), ("good", 60), ("M00001", 60), ("long", 230)):
        np.save(tmp_path / "new_joints" / f"{name}.npy", standing(frames))
        (tmp_path / "texts" / f"{name}.txt").write_text("a man walks#a/DET man/NOUN walk/VERB#0.0#0.0\n")
    (tmp_path / "test.txt").write_text("short\ngood\nM00001\nlong\nmissing\n")
    assert [c.id for c in heldout.load(tmp_path, "test")] == ["good", "M00001"]

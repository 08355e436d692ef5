"""Folders of motions: what is read, what is listed as unreadable, and a cache that may be old, spoilt or impossible."""

import os

import numpy as np
import pytest
import torch

from dimo import DiMo, RequestError
from dimo.data import code_cache as library
from dimo.data.code_cache import cache_path, motion_files, read_cache, read_folder, write_cache


@pytest.fixture(scope="module")
def model():
    return DiMo.debug()


@pytest.fixture
def folder(model, tmp_path):
    base = tmp_path / "motions"
    (base / "deep").mkdir(parents=True)
    for i, name in enumerate(("a.npz", "deep/b.bvh", ".hidden.npz")):
        model.generate("walk", seconds=1 + i, steps=1, seed=i, footlock=False)[0].save(base / name)
    (base / "bad.bvh").write_text("not a motion")
    (base / "notes.txt").write_text("no motion at all")
    return base


class Counting:
    def __init__(self, model):
        self.model, self.names = model, []

    def __call__(self, motion):
        self.names.append(motion.name)
        return self.model.codes(motion)


def read(model, folder, cache):
    counting = Counting(model)
    found = read_folder(folder, counting, lambda codes: torch.tensor([float(len(c)) for c in codes]), cache)
    assert found.read == len(counting.names)
    return found


def test_motion_files_are_found_at_any_depth_but_hidden(folder):
    assert [str(p.relative_to(folder)) for p in motion_files(folder)] == ["a.npz", "bad.bvh", "deep/b.bvh"]
    with pytest.raises(RequestError, match="no such folder"):
        motion_files(folder / "none")
    with pytest.raises(RequestError, match="not a folder"):
        motion_files(folder / "a.npz")
    (folder / "empty").mkdir()
    with pytest.raises(RequestError, match="no motion files"):
        motion_files(folder / "empty")


def test_the_second_reading_comes_from_the_cache_and_is_the_same(model, folder, tmp_path):
    cache = tmp_path / "cache" / "c.npz"
    first, second = (read(model, folder, cache) for _ in range(2))
    assert (first.read, second.read) == (2, 0)
    for one, other in zip(first.entries, second.entries, strict=True):
        assert (one.path, one.prior) == (other.path, other.prior)
        assert torch.equal(one.codes, other.codes)
        assert one.prior == len(one.codes)
    assert [u.path.name for u in second.unreadable] == ["bad.bvh"]
    assert "bad.bvh" in second.unreadable[0].reason


def test_a_changed_file_is_read_again_and_a_removed_one_forgotten(model, folder, tmp_path):
    cache = tmp_path / "c.npz"
    read(model, folder, cache)
    os.utime(folder / "a.npz", ns=(1, 1))
    assert read(model, folder, cache).read == 1
    (folder / "a.npz").unlink()
    assert [e.path.name for e in read(model, folder, cache).entries] == ["b.bvh"]
    assert set(read_cache(cache)) == {"deep/b.bvh"}


@pytest.mark.parametrize("spoilt", [b"", b"PK\x03\x04", b"text", "cut", "pickle", "lengths", "negative", "nan"])
def test_a_spoilt_cache_is_made_anew(model, folder, tmp_path, spoilt):
    cache = tmp_path / "c.npz"
    read(model, folder, cache)
    with np.load(cache) as data:
        arrays = dict(data)
    if isinstance(spoilt, bytes):
        cache.write_bytes(spoilt)
    elif spoilt == "cut":
        cache.write_bytes(cache.read_bytes()[: cache.stat().st_size // 2])
    else:
        arrays |= {
            "pickle": {"names": np.array([{}, []], dtype=object)},
            "lengths": {"lengths": arrays["lengths"] + 1},
            "negative": {"codes": arrays["codes"] - 1000},
            "nan": {"priors": arrays["priors"] * np.nan},
        }[spoilt]
        np.savez(cache, **arrays)
    assert read_cache(cache) == {}
    assert read(model, folder, cache).read == 2
    assert read(model, folder, cache).read == 0


def test_a_cache_that_cannot_be_written_is_done_without(model, folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert read(model, folder, tmp_path / "file" / "c.npz").read == 2
    write_cache(tmp_path / "empty.npz", {})
    assert not (tmp_path / "empty.npz").exists()


def test_the_cache_lies_in_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = cache_path("motions", "weights")
    assert one.parent == tmp_path / "dimo"
    assert len({one, cache_path("motions", "others"), cache_path("elsewhere", "weights")}) == 3
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(library.Path, "home", lambda: tmp_path / "home")
    assert cache_path("motions", "weights").parent == tmp_path / "home" / ".cache" / "dimo"


def test_search_and_rank_agree_with_score(model, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    once, again, fresh = (model.search("walk", folder, cache=c) for c in (True, True, False))
    for result in (once, again, fresh):
        assert {f.path.name for f in result.found} == {"a.npz", "b.bvh"}
        ranks = [f.score.rank for f in result.found]
        assert ranks == sorted(ranks, reverse=True)
        assert [u.path.name for u in result.unreadable] == ["bad.bvh"]
        assert [f.path for f in result.found] == [f.path for f in once.found]
    assert len(list((tmp_path / "cache" / "dimo").iterdir())) == 1
    from dimo import Motion

    for found in once.found:
        alone = model.score("walk", Motion.load(found.path))
        for field in ("text", "motion", "text_gain", "motion_gain"):
            assert getattr(found.score, field) == pytest.approx(getattr(alone, field), abs=2e-4)
    ranked = model.rank(Motion.load(folder / "a.npz"), ["walk", "a longer sentence", "x"])
    assert [r.score.rank for r in ranked] == sorted((r.score.rank for r in ranked), reverse=True)
    with pytest.raises(RequestError, match="no sentences"):
        model.rank(Motion.load(folder / "a.npz"), [])


def test_the_fingerprint_tells_weights_apart():
    assert DiMo.debug(0).fingerprint() == DiMo.debug(0).fingerprint() != DiMo.debug(1).fingerprint()

"""Variations: the given motion where nothing is varied, its neighbours where something is."""

from dataclasses import replace

import numpy as np
import pytest

from dimo import DiMo, RequestError


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def test_no_share_gives_the_motion_back(model):
    clip = model.sample(2.0, steps=2, seed=1)[0]
    assert model.vary(clip, 0.0)[0] == clip


@pytest.mark.parametrize("fps", [20, 30])
def test_a_share_makes_neighbours_of_the_same_length(model, fps):
    clip = model.sample(2.0, steps=2, seed=1)[0].moved((3, 0, 1), yaw=2.0).resample(fps)
    one, two = model.vary(clip, 0.4, samples=2, steps=2, seed=1)
    assert [one, two] == model.vary(clip, 0.4, samples=2, steps=2, seed=1)
    assert one not in (clip, two)
    assert (len(one), one.fps, one.skeleton) == (len(clip), clip.fps, clip.skeleton)
    assert np.abs(one.root[0] - clip.root[0]).max() < 0.3


def test_details_of_the_motion_stay(model):
    clip = model.sample(2.0, steps=2, seed=1)[0]
    shaken = replace(clip, root=clip.root + np.sin(np.arange(len(clip)) * 2.0)[:, None] * 0.001)
    a, b = (model.vary(m, 0.5, steps=2, seed=1)[0] for m in (clip, shaken))
    # The codes are the same, so the difference goes through.
    if np.allclose(model.codes(clip), model.codes(shaken)):
        assert np.allclose(b.root - a.root, shaken.root - clip.root, atol=1e-3)


def test_long_motions_can_be_varied(model):
    long = model.sample(15.0, steps=2, seed=1)[0]
    assert len(model.vary(long, 0.3, steps=2, seed=1)[0]) == 300


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_wrong_shares(model, share):
    clip = model.sample(1.0, steps=1, seed=1)[0]
    with pytest.raises(RequestError, match="share"):
        model.vary(clip, share)

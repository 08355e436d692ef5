"""Training of the codec: what it draws, and what it does to it."""

import numpy as np
import pytest
import torch

from dimo.codec.codec import Codec, CodecConfig
from dimo.features import humanml3d
from dimo.features.layouts import layout_for
from dimo.learn.codec import CodecData, CodecLoss, loss, prepare, scaled

LAYOUT = layout_for(joints=22)


def walk(frames: int = 40) -> np.ndarray:
    """Joints (F, 22, 3) that go ahead and swing a little."""
    rng = np.random.default_rng(3)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05] + rng.normal(0, 0.05, (22, 3))
    t = np.arange(frames)[:, None, None] / 20
    return rest + t * [0, 0, 0.8] + 0.05 * np.sin(5 * t + np.arange(22)[:, None])


def test_a_body_of_another_size_has_the_features_of_its_own_joints():
    joints = walk()
    columns = humanml3d.columns(LAYOUT)
    found = scaled(torch.from_numpy(humanml3d.encode(joints))[None], torch.full((1, 1, 1), 1.1), columns)[0].numpy()
    want = humanml3d.encode(1.1 * joints)
    found, want = np.delete(found, columns["contacts"], 1), np.delete(want, columns["contacts"], 1)
    # Both are put on the floor by their lowest joint, so that heights agree, too.
    np.testing.assert_allclose(found, want, atol=1e-5)


def test_windows_are_drawn_by_the_weight_of_their_clip_and_its_frames():
    clips = [np.full((n, 3), i, float) for i, n in enumerate((8, 11, 5))]
    data = CodecData(clips, 8, np.array([3.0, 1.0, 2.0]))
    drawn = torch.bincount(data.batch(20_000, np.random.default_rng(0))[:, 0, 0].long(), minlength=3) / 20_000
    # One window of the first, four of the second, one of the third, which is filled up: 3, 4 and 2 parts of 9.
    np.testing.assert_allclose(drawn, [3 / 9, 4 / 9, 2 / 9], atol=0.015)
    plain = CodecData(clips, 8).batch(20_000, np.random.default_rng(0))[:, 0, 0]
    np.testing.assert_allclose(np.bincount(plain.int()) / 20_000, [1 / 6, 4 / 6, 1 / 6], atol=0.015)


def test_fast_windows_are_drawn_oftener():
    columns = humanml3d.columns(LAYOUT)
    clips = []
    for metres in (
        0.02,
        0.08,
        0.0001,
        3.0,
    ):  # a frame; the last two are held to what a window counts for at most and least
        clip = np.zeros((9, 263), np.float32)
        clip[:, columns["positions"].start + 2] = metres * (np.arange(9) % 2)  # there and back
        clip[:, 0] = len(clips)
        clips.append(clip)
    data = CodecData(clips, 9, fast_exponent=1.0)
    drawn = torch.bincount(data.batch(40_000, np.random.default_rng(0))[:, 0, 0].long(), minlength=4) / 40_000
    # Of nine frames eight differ from the one before; the first frame of a clip from the last of the clip before it.
    fast = np.array([0.02 * 8 + 0.01, 0.08 * 8 + 0.01, 0.01 * 9, 0.3 * 8 + 0.01])
    np.testing.assert_allclose(drawn, fast / fast.sum(), atol=0.012)


@pytest.fixture
def codec() -> Codec:
    torch.manual_seed(0)
    made = Codec(CodecConfig(width=16, dim=8, levels=2, codes=16))
    prepare(made, [humanml3d.encode(walk()).astype(np.float32)])
    return made.train()


def test_the_encoder_sees_shaken_windows_and_the_target_stays_clean(codec, monkeypatch):
    features = torch.from_numpy(humanml3d.encode(walk()[:33]).astype(np.float32))[None].expand(4, -1, -1)
    seen = []

    def identity(given, *, active, noise):
        seen.append((given, noise))
        return features, codec.quantizer(torch.zeros(4, 8, 8))

    monkeypatch.setattr(codec, "forward", identity)
    found = loss(codec, features, CodecLoss(shake=0.1, code_noise=0.3), np.random.default_rng(0))
    assert float(found["feature"]) == float(found["local"]) == 0
    (given, noise), *_ = seen
    assert noise == 0.3
    shaken = ((given - features) / codec.std).std()
    assert float(shaken) == pytest.approx(0.1, rel=0.05)


def test_size_changes_both_what_is_seen_and_what_is_asked_for(codec, monkeypatch):
    features = torch.from_numpy(humanml3d.encode(walk()[:33]).astype(np.float32))[None].expand(6, -1, -1)
    seen = []

    def identity(given, *, active, noise):
        seen.append(given)
        return given, codec.quantizer(torch.zeros(6, 8, 8))

    monkeypatch.setattr(codec, "forward", identity)
    found = loss(codec, features, CodecLoss(body_scale=0.2), np.random.default_rng(0))
    assert float(found["local"]) == pytest.approx(0, abs=1e-6)
    heights = seen[0][:, 0, 3] / features[:, 0, 3]
    assert 0.8 <= float(heights.min()) < 0.95 < 1.05 < float(heights.max()) <= 1.2


def test_squares_weigh_a_far_miss_by_its_square(codec, monkeypatch):
    features = torch.from_numpy(humanml3d.encode(walk()[:33]).astype(np.float32))[None]
    columns = humanml3d.columns(LAYOUT)
    missed = features.clone()
    at = columns["positions"].start + 9
    missed[:, 16, at] += 0.4

    def miss(given, *, active, noise):
        return missed, codec.quantizer(torch.zeros(1, 8, 8))

    monkeypatch.setattr(codec, "forward", miss)
    one, two = (
        loss(codec, features, CodecLoss(square_weight=w), np.random.default_rng(0))["loss"] for w in (0.0, 10.0)
    )
    frames = features.shape[1]
    # One of 63 local coordinates misses by 0.4 in one frame; of 66 world ones, two steps do, up and down again.
    want = 0.4**2 / (63 * frames) + 4 * 2 * 0.4**2 / (66 * (frames - 1))
    assert float(two - one) == pytest.approx(10 * want, rel=1e-3)


def test_the_ends_of_limbs_weigh_what_they_are_told(codec, monkeypatch):
    features = torch.from_numpy(humanml3d.encode(walk()[:33]).astype(np.float32))[None]
    start = humanml3d.columns(LAYOUT)["positions"].start

    def local(joint, weight):
        missed = features.clone()
        missed[:, 16, start + 3 * (joint - 1)] += 0.4
        monkeypatch.setattr(
            codec, "forward", lambda given, *, active, noise: (missed, codec.quantizer(torch.zeros(1, 8, 8)))
        )
        return float(loss(codec, features, CodecLoss(end_weight=weight), np.random.default_rng(0))["local"])

    hip, wrist = 1, 21
    assert local(wrist, 0.0) == pytest.approx(local(hip, 0.0))
    assert local(wrist, 1.5) == pytest.approx(2.5 * local(hip, 1.5))
    # Of 22 joints 10 are last or last but one on a chain: (12 + 10 * 2.5) / 22 is what the average would be.
    assert local(hip, 1.5) == pytest.approx(local(hip, 0.0) / ((12 + 10 * 2.5) / 22))

"""Peers from prepared data to a table: trained, killed, resumed, loaded, asked and measured."""

import json
from dataclasses import replace

import measure
import numpy as np
import pytest
import table
import torch
import train
from peer import Sizes
from system import KINDS, load

from dimo import preset
from dimo.codec.codec import Codec, CodecConfig
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.errors import FormatError, WeightsError
from dimo.evaluate.protocol import Plan, draw
from dimo.evaluate.settings import Settings
from dimo.evaluate.store import Store
from dimo.features import humanml3d
from dimo.learn import recipe
from dimo.learn.train import save_codec

BODY = preset("humanml3d")
TINY = Sizes(width=16, layers=1, heads=2, feedforward=16, dropout=0.1, text_width=16)
STEPS = 4


def clip(number: int, split: str) -> Clip:
    """A standing body that goes ahead, faster by number."""
    rest = np.zeros((22, 3))
    for j, p in enumerate(BODY.parents):
        rest[j] = BODY.offsets[j] + (rest[p] if p >= 0 else [0, 0.92, 0])
    joints = np.repeat(rest[None], 24 + 4 * number, axis=0)
    joints[..., 2] += np.arange(len(joints))[:, None] * (0.02 + 0.005 * number)
    captions = (Caption("a person walks"), Caption(f"walk {number}"))
    return Clip(f"{split}{number}", joints.astype(np.float32), 20.0, captions, split, label="walk")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A prepared folder of two clips a split, and an untrained codec with the statistics of a body."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("peers")
    (folder / "data").mkdir()
    clips = [clip(n, s) for s in ("train", "val", "test") for n in range(2)]
    shards.write(folder / "data/x.parquet", clips)
    torch.manual_seed(0)
    codec = Codec(CodecConfig(width=8, dim=4, levels=3, codes=8))
    codec.mean.copy_(torch.from_numpy(humanml3d.encode(np.asarray(clips[0].joints, float)).mean(0)))
    codec.std.fill_(0.1)
    torch.nn.init.normal_(codec.quantizer.codebooks)
    save_codec(codec, folder / "codec", {})
    return folder


@pytest.fixture(scope="module")
def plan():
    made = recipe.ModelRecipe()
    quick = replace(made.loop, steps=STEPS, warmup=1, bf16=False, ema=0.5, log_every=1, save_every_seconds=0.0)
    return replace(made, loop=quick, loss=replace(made.loss, batch=4))


@pytest.fixture(scope="module")
def trained(place, plan, texts):
    """A function that gives the folder of a trained peer."""

    def make(kind):
        if not (place / kind / "peer.json").is_file():
            given = place / "data", place / "codec", place / kind, plan
            assert train.train(kind, *given, sizes=TINY, texts=texts, device="cpu", quiet=True) == STEPS
        return place / kind

    return make


@pytest.fixture
def system(trained, texts):
    return lambda kind: load(trained(kind), torch.device("cpu"), texts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_goes_on_to_the_same_weights(kind, trained, place, plan, texts, monkeypatch):
    whole, plain = trained(kind), train.objective

    def dies(peer, *rest):
        loss = plain(peer, *rest)

        def until(generator, step):
            if step == 2 and peer.training:
                raise KeyboardInterrupt
            return loss(generator, step)

        return until

    given = place / "data", place / "codec", place / f"{kind}-killed", plan
    monkeypatch.setattr(train, "objective", dies)
    with pytest.raises(KeyboardInterrupt):
        train.train(kind, *given, sizes=TINY, texts=texts, device="cpu", quiet=True)
    assert not (place / f"{kind}-killed/peer.json").exists()
    monkeypatch.setattr(train, "objective", plain)
    train.train(kind, *given, sizes=TINY, texts=texts, device="cpu", quiet=True, resume=True)
    first, second = ((f / "peer.safetensors").read_bytes() for f in (whole, place / f"{kind}-killed"))
    assert first == second
    facts = json.loads((whole / "peer.json").read_text())
    assert facts["training"]["steps"] == STEPS
    assert facts["training"]["clips"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_peer_makes_as_many_frames_as_asked(kind, system):
    peer = system(kind)
    made = peer.features(["a person walks", "walk", "run"], [21, 40, 8], [1, 2, 3], own=False)
    assert [m.shape for m in made] == [(21, 263), (40, 263), (8, 263)]
    alone = peer.features(["walk"], [40], [2], own=False)[0]
    assert np.allclose(alone, made[1], atol=1e-3)  # whatever else is in the batch
    other = peer.features(["walk"], [40], [5], own=False)[0]
    assert not np.allclose(other, alone, atol=2e-3)
    assert all(np.isfinite(m.joints()).all() for m in peer.motions(["walk"], [21], [1]))


def test_the_one_that_ends_by_itself_makes_no_more_than_asked(system):
    peer = system("gpt")
    lengths = [len(m) for s in range(6) for m in peer.features(["walk"], [30], [s])]
    assert all(8 <= n <= 30 for n in lengths)


def test_rows_are_kept(system, tmp_path, monkeypatch):
    peer = system("mdm")
    trials = draw([clip(0, "test"), clip(1, "test")], Plan(1), 0)
    store = Store(tmp_path, peer.key)
    first = peer.row(store, straight=True)(trials)
    assert [m.shape for m in first] == [(t.frames, 263) for t in trials]
    assert peer.row(store, straight=False)(trials)[0].shape == (trials[0].frames, 22, 3)
    monkeypatch.setattr(type(peer.peer), "make", None)
    again = peer.row(store, straight=True)(trials)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_peers_are_measured_beside_real_motion(system, tmp_path):
    """Without an evaluator what needs none is there, of the real clips the numbers that are known."""
    systems = {
        k: measure.theirs(system(k), Store(tmp_path, system(k).key), Settings(protocol="humanml3d")) for k in KINDS
    }
    clips = [clip(n, "test") for n in range(2)]
    found = measure.measure_motions(systems, clips, [], Plan(1), lambda _: None)
    assert set(found) == {"real", *KINDS}
    assert found["real"]["none"]["bone_drift"]["mean"] == pytest.approx(0, abs=1e-6)  # carried, never bent
    assert all("foot_skate_mps" in found[k]["none"] for k in KINDS)


def test_checks_are_shares_of_sentences():
    """Half of the motions go ahead, so half of one sentence's hold, and none of the other's that asks for more."""

    def motions(texts, frames, seeds, own=None):
        from dimo.body.motion import Motion

        walked = np.asarray(clip(1, "test").joints, float)
        still = np.repeat(walked[:1], len(walked), axis=0)
        return [Motion.from_joints(BODY, walked if s % 2 else still, 20.0) for s in seeds]

    each = measure.Measured(lambda trials: [], motions, {})
    asked = [
        {"text": "t", "seconds": 1, "family": f, "checks": [{"check": "travel", "direction": "forward", "min_m": m}]}
        for f, m in (("walk", 0.3), ("far", 30.0))
    ]
    found = measure.measure_checks(each, asked, 20.0)
    assert found["families"] == {"walk": 0.5, "far": 0.0}
    assert found["passed"] == 0.25
    assert found["standard_error"] == pytest.approx(0.25)  # of 0.5 and 0: deviation 0.5 / sqrt 2, over sqrt 2


def test_numbers_of_other_conditions_go(tmp_path):
    data = measure.laid(measure.known(tmp_path / "no.json"), "checks", {"samples": 4}, {"gpt": {"x": 1}})
    data = measure.laid(data, "checks", {"samples": 4}, {"mdm": {"x": 2}})
    assert data["systems"] == {"gpt": {"checks": {"x": 1}}, "mdm": {"checks": {"x": 2}}}
    data = measure.laid(data, "checks", {"samples": 8}, {"mdm": {"x": 3}})
    assert data["systems"] == {"gpt": {}, "mdm": {"checks": {"x": 3}}}
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(FormatError, match="dimo-peers"):
        measure.known(tmp_path / "other.json")


def test_the_page_is_what_the_json_says():
    data = json.loads(table.JSON.read_text())
    page = table.PAGE.read_text()
    for body in (table.quality(data), table.latency(data), table.others()):
        assert body in page
    systems = {
        "mdm": {
            "motions": {"ours": {"fid": {"mean": 0.1234, "half_width": 0.01}}},
            "checks": {
                "ordinary": {"passed": 0.5, "standard_error": 0.02},
                "dev": {"families": {"compose": 0.25}},
            },
            "latency": {s: {"median_s": t} for s, t in (("2", 0.5), ("4", 1.0), ("8", 2.5))},
        }
    }
    asked = {"clips": 9, "split": "test", "repeats": 2, "protocol": "humanml3d", "evaluators": {"ours": ""}}
    data = {"conditions": {"motions": asked}, "systems": systems}
    (row,) = (line for line in table.quality(data).splitlines() if "MDM" in line)
    assert "| 0.123 ± 0.010 | not measured yet |" in row
    assert row.endswith("| 50 % (2.0) | 25 % |")
    (row,) = (line for line in table.latency(data).splitlines() if "MDM" in line)
    assert "| 0.50 | 1.00 | 2.50 | 5.0 |" in row
    assert "0.116 ± 0.004" in table.others()  # T2M-GPT's FID as printed


@pytest.mark.parametrize(
    ("flags", "words"),
    [(["--steps", "0"], "--steps must be 1 or more"), ([], "no such weights folder")],
)
def test_wrong_flags_are_one_sentence(flags, words, tmp_path, capsys):
    folders = ["--data", str(tmp_path), "--codec", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert train.main(["gpt", *folders, *flags]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert measure.main(["--parts", "speed", "--out", str(tmp_path / "x.json")]) == 2
    assert "no 'speed'" in capsys.readouterr().err


def test_a_damaged_folder_is_named(trained, place, texts, tmp_path):
    with pytest.raises(WeightsError, match=r"peer\.json"):
        load(tmp_path, torch.device("cpu"), texts)
    other = type(texts)(texts.transformer, texts.wordpiece, "another")
    with pytest.raises(WeightsError, match="another encoder"):
        load(trained("mdm"), torch.device("cpu"), other)

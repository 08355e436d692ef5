import numpy as np
import pytest

from dimo import Motion, preset
from dimo.api import DiMo
from dimo.data.records import Caption, Clip
from dimo.errors import RequestError
from dimo.evaluators.evaluator import Evaluator
from dimo.learn.generation import FIGURES, Generation, ValidationOptions

BODY = preset("humanml3d")
REST = Motion(BODY, 20, np.array([[0, 0.95, 0.0]]), np.tile([1.0, 0, 0, 0], (1, 22, 1))).joints()[0]


def clip(number: int) -> Clip:
    joints = np.repeat(REST[None], 16, axis=0) + np.arange(16)[:, None, None] * [0, 0, number / 200]
    texts = (Caption("измеренное", "derived"), Caption(f"speed {number}", "human"))
    return Clip(str(number), joints.astype(np.float32), 20.0, texts, "val")


class Speed(Evaluator):
    """Puts "speed N" and a motion of N / 10 m/s on one point."""

    def embed_texts(self, captions):
        return np.array([[float(c.split()[-1]), 0.0] for c in captions])

    def embed_motions(self, features):
        return np.array([[f[:, 2].mean() * 200, 0.0] for f in features])


@pytest.fixture
def measuring(monkeypatch):
    """A Generation whose pipeline answers with the true features, or with those that `wrong` makes of them."""

    def make(wrong=lambda features: features, count=64):
        pipeline, clips = DiMo.debug().pipeline, [clip(n) for n in range(count)]
        evaluator = Speed()
        found = Generation(clips, pipeline, evaluator, ValidationOptions(generate=count, rounds=3))

        def features(requests, options, *, recall):
            assert options.steps == 3
            assert recall == 0.0
            assert [r.parts[0].text for r in requests] == [f"speed {n}" for n in range(count)]
            assert {r.frames for r in requests} == {16}
            assert [r.seed for r in requests] == list(range(count))
            return wrong([evaluator.features(c.joints) for c in clips])

        monkeypatch.setattr(pipeline, "features", features)
        return found.measure()

    return make


def test_the_truth_is_perfect_and_strangers_are_not(measuring):
    right = measuring()
    assert tuple(right) == FIGURES
    assert right["fid"] == pytest.approx(0, abs=1e-3)
    assert (right["r1"], right["mm_dist"]) == (1.0, pytest.approx(0, abs=0.02))
    turned = measuring(lambda features: features[::-1])
    assert turned["fid"] == pytest.approx(0, abs=1e-3)  # the same motions, of other captions
    # Of 32 slow sentences and 32 fast motions the fastest sentence is nearest to its own, the slowest motion, and so on.
    assert (turned["r1"], turned["r3"]) == (2 / 64, 6 / 64)
    assert turned["mm_dist"] == pytest.approx(32, abs=0.02)  # |63 - 2 n| on average
    still = measuring(lambda features: [0 * f for f in features])
    # A Gaussian of mean 31.5 and variance (64^2 - 1) / 12 * 64 / 63 against a point at 0.
    assert still["fid"] == pytest.approx(31.5**2 + (64**2 - 1) / 12 * 64 / 63, rel=1e-3)


def test_too_few_captions_are_refused():
    with pytest.raises(RequestError, match="0 or at least 32"):
        ValidationOptions(generate=8)
    with pytest.raises(RequestError, match="needs 32 clips or more of val with captions, not 3"):
        Generation([clip(n) for n in range(3)], DiMo.debug().pipeline, Speed(), ValidationOptions(generate=32))

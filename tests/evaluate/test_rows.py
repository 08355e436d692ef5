"""Rows of training clips and of a tiny model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dimo import SampleOptions
from dimo.api import DiMo
from dimo.evaluate import Settings
from dimo.evaluate.protocol import Trial
from dimo.evaluate.rows import ModelRows, fit, nearest, shuffled
from dimo.evaluate.store import Store
from dimo.evaluators.evaluator import word_vectors
from dimo.features import humanml3d
from dimo.inpaint.pipeline import MEMORY
from dimo.tasks import caption as caption_task


@pytest.fixture(scope="module")
def model():
    return DiMo.debug()


@pytest.fixture
def rows(model, tmp_path):
    """A function that makes the rows of the tiny model for some settings."""

    def make(**settings):
        options = SampleOptions(steps=2)
        return ModelRows(model, Settings(**{"options": options, **settings}), Store(tmp_path, str(settings)))

    return make


def trial(clip, caption: str, frames: int = 24, seed: int = 0) -> Trial:
    return Trial(clip, caption, np.asarray(clip.joints[:frames], float), 0, seed)


def test_the_nearest_training_clip_is_the_one_that_says_the_same(clip, rest):
    train = [clip(5, texts=("somebody walks",)), clip(9, texts=("a person jumps high",))]
    row = nearest(train, word_vectors)
    (made,) = row([Trial(clip(1), "somebody walks slowly", rest[None].repeat(24, 0), 0, 0)])
    assert np.allclose(made, train[0].joints[:24])


def test_fit_cuts_but_never_invents():
    assert len(fit(np.zeros((40, 22, 3)), 24)) == 24
    assert len(fit(np.zeros((10, 22, 3)), 24)) == 10


def test_shuffled_motions_are_of_another_clip(clip):
    trials = [trial(clip(n), "a person walks") for n in range(5)]
    assert all(m is not t.truth for m, t in zip(shuffled(trials), trials, strict=True))


def test_generated_motions_are_as_long_as_asked_and_repeat_themselves(rows, clip, tmp_path):
    trials = [trial(clip(1), "walks", 24, seed=5), trial(clip(2), "runs", 30, seed=6)]
    made = rows().generate()(trials)
    assert [m.shape for m in made] == [(24, 22, 3), (30, 22, 3)]
    assert len(list(tmp_path.rglob("t2m/*.npz"))) == 1
    again = rows(seed=1).generate()(trials)  # in another store: made anew
    assert len(list(tmp_path.rglob("t2m/*.npz"))) == 2
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    other = rows().generate(draw=1)(trials)
    assert not np.array_equal(made[0], other[0])
    assert not np.array_equal(made[0], rows().generate(levels=1)(trials)[0])
    assert not np.array_equal(made[0], rows().generate({"temperature": 5.0})(trials)[0])


def test_estimated_lengths_are_whole_steps(rows, clip):
    (made,) = rows(lengths="estimated").generate()([trial(clip(1), "walks", 23)])
    assert len(made) % 4 == 0


def test_a_long_caption_is_cut_and_a_short_one_is_as_it_was(rows, clip, model):
    rows, longest = rows(), model.model.config.max_text
    assert rows.shortened("a person  walks") == "a person  walks"
    text = "a person walks and " * 30
    short = rows.shortened(text)
    assert text.startswith(short)
    pieces = len(model.wordpiece.encode(short))
    assert longest - len("person") < pieces <= longest  # the tiny vocabulary spells words letter by letter
    (made,) = rows.generate()([trial(clip(1), text)])
    (same,) = rows.generate()([trial(clip(1), short)])
    assert np.array_equal(made, same)


def test_a_caption_that_is_not_read_asks_for_any_motion(rows, clip):
    rows = rows()
    strange = ["x" * 90, "der Mann geht nach links", "???"]
    assert not any(rows.readable(rows.shortened(text)) for text in strange)
    made = [rows.generate()([trial(clip(1), text)])[0] for text in strange]
    (free,) = rows.model.sample(24 / 20, seed=0, steps=2)
    assert all(np.array_equal(m, made[0]) for m in made)
    assert np.allclose(made[0], free.joints(), atol=1e-5)


def test_each_trial_has_its_own_seed(rows, clip):
    trials = [trial(clip(n), "walks", 24, seed=n) for n in range(3)]
    together = rows().generate()(trials)
    assert np.array_equal(together[2], rows().generate()(trials[2:])[0])  # batch mates change nothing
    assert not np.array_equal(together[0], together[1])


def test_gaps_keep_what_is_known(rows, clip):
    walk = clip(3)
    made = rows().fill(walk, 12, 28, seed=0)
    assert made.shape == walk.joints.shape
    known = np.r_[0:12, 28:40]
    assert np.allclose(made[known], walk.joints[known], atol=1e-5)


def test_the_share_of_memory_reaches_the_model(rows, clip, monkeypatch):
    asked = []
    for settings in ({}, {"memory": 0.0}, {"memory": 0.5}):
        found = rows(**settings)
        complete = found.model.complete
        monkeypatch.setattr(found.model, "complete", lambda *a, c=complete, **k: (asked.append(k), c(*a, **k))[1])
        found.fill(clip(3), 12, 28, seed=0)
        monkeypatch.undo()
    assert [k["memory"] for k in asked] == [MEMORY, 0.0, 0.5]


def test_captions_and_corrections_are_stored(rows, clip, monkeypatch):
    made = rows()
    said = made.captions([clip(1), clip(2)], 1, lambda _: None)
    fixed = made.correct(clip(1), ["a person walks left", "a person runs"])
    assert len(said) == len(fixed) == 2
    monkeypatch.setattr(made, "_say", None)
    monkeypatch.setattr(made.model, "correct", None)
    assert made.captions([clip(1), clip(2)], 1, lambda _: None) == said
    assert made.correct(clip(1), ["a person walks left", "a person runs"]) == fixed


def test_captions_are_drawn_as_the_settings_say_and_stored_apart(model, clip, tmp_path, monkeypatch):
    def say(pipeline, motions, samples, options, seed):
        assert (samples, seed) == (1, 0)
        return [caption_task.Caption(f"by {options.temperature:g} in {options.steps}", 0.0) for _ in motions]

    monkeypatch.setattr(caption_task, "captions", say)
    for options, want in ((None, "by 0 in 12"), (SampleOptions(steps=3, temperature=0.5), "by 0.5 in 3")):
        found = ModelRows(model, Settings(captions=options), Store(tmp_path, "the same store"))
        assert found.captions([clip(1), clip(2)], 2, lambda _: None) == [want] * 2


def test_a_reconstruction_is_of_the_crop(rows, clip):
    whole = trial(clip(4), "walks", 40)
    part = replace(whole, truth=whole.truth[:24])
    assert [len(m) for m in rows().reconstruct([whole, part])] == [40, 24]


# ---- the field's protocol


def test_by_the_fields_protocol_rows_are_decoded_features(rows, model, clip, monkeypatch):
    given = [trial(clip(1), "walks", 24, seed=5), trial(clip(2), "runs", 30, seed=6)]
    drawn = {}

    def decode(codes):
        drawn[codes.shape[1]] = codes
        return torch.arange(codes.shape[1] * 4.0)[None, :, None].repeat(1, 1, 263)

    monkeypatch.setattr(model.codec, "decode", decode)
    for row in (rows(protocol="humanml3d").generate(), rows(protocol="humanml3d").reconstruct):
        made = row(given)
        assert [m.shape for m in made] == [(24, 263), (30, 263)]  # the codec's own numbers, cut to what was asked for
        assert all((m == np.arange(len(m))[:, None]).all() for m in made)
        assert set(drawn) == {6, 8}


def test_features_are_those_of_the_motions_without_a_lock(rows, model, clip):
    given = [trial(clip(1), "walks", 24, seed=5)]
    (features,) = rows(protocol="humanml3d").generate()(given)
    (motion,) = model.generate("walks", seconds=1.2, seed=5, steps=2, footlock=False)
    path = humanml3d.decode(features)[:, 0]
    np.testing.assert_allclose(path, motion.root, atol=1e-4)


def test_the_codec_reads_the_truth_on_its_own_body(rows, model, clip, rest):
    """A body of twice the size, whose motion would be retargeted by the other protocol."""
    large = replace(clip(3), joints=2 * clip(3).joints)
    given = [trial(large, "walks", 24)]
    seen = []
    row = rows(protocol="humanml3d")
    with pytest.MonkeyPatch.context() as patch:
        encode = model.codec.encode
        patch.setattr(model.codec, "encode", lambda x: seen.append(x) or encode(x))
        row.reconstruct(given)
    height = 2 * (rest[0, 1] - rest[:, 1].min())  # of the root over the lowest joint
    assert float(seen[0][0, 0, 3]) == pytest.approx(height, abs=1e-5)

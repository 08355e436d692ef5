"""Pairs that people see: blind, balanced, repeatable, with checks of attention that are known to be right."""

import numpy as np
import pytest

from dimo.errors import RequestError
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluate.study import key_of, pairs, real
from dimo.view.study_page import page


def samples(value: float, count: int = 8) -> Samples:
    motion = np.full((6, 22, 3), value, np.float32) + np.arange(6, dtype=np.float32)[:, None, None] / 100
    return Samples(tuple(Sample(f"s{i}", f"text {i}", motion, motion + i, f"says {value}") for i in range(count)), 0)


def test_pairs_are_blind_balanced_and_repeatable():
    questions = pairs(samples(0), samples(1), "motion", seed=4)
    assert len(questions) == 8
    assert sum(q.a_left for q in questions) == 4
    assert [q.id for q in questions] == [q.id for q in pairs(samples(0), samples(1), "motion", seed=4)]
    for q in questions:
        mine = q.left if q.a_left else q.right
        assert mine[0, 0, 0] == int(q.id[1:])
    text = page(questions, "name")
    assert "a_left" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "more naturally?" in text
    captions = pairs(samples(0), samples(1), "caption", 0)
    assert captions[0].motion is not None
    text = page(captions, "x")
    assert "says 0" in text
    assert "more naturally?" not in text


def test_checks_of_attention_have_the_truth_on_the_side_of_the_key():
    questions = pairs(samples(0, 12), samples(1, 12), "motion", seed=2, count=8, checks=2)
    assert len(questions) == 10
    assert [q.check for q in questions].count(True) == 2
    assert not questions[0].check
    assert sum(q.check for q in questions[:5]) == 1  # one in each half
    key = key_of(questions, 2)
    assert len(key["a"]) == 8
    assert list(key["a"].values()).count("left") == 4
    truth = samples(0).items[0].truth
    for q in questions:
        if q.check:
            good, bad = (q.left, q.right) if key["checks"][q.id] == "left" else (q.right, q.left)
            assert np.array_equal(good, truth)
            assert not np.array_equal(bad, truth)
            assert np.array_equal(np.sort(bad, axis=0), truth)  # the same frames in another order
    told = page(questions, "name")
    assert "check" not in told.split('id="study">')[1].split("</script>")[0]


def test_a_caption_check_shares_few_words_with_the_truth():
    texts = ("a person walks", "a person runs fast", "someone waves")
    made = tuple(Sample(f"s{i}", t, np.zeros((6, 22, 3)), None, f"says {t}") for i, t in enumerate(texts))
    other = Samples(tuple(Sample(s.id, s.text, s.truth, None, "says nothing") for s in made), 0)
    questions = pairs(Samples(made, 0), other, "caption", seed=0, count=1, checks=2)
    for q in questions:
        if q.check:
            good, bad = (q.left, q.right) if q.a_left else (q.right, q.left)
            assert good == q.text
            assert not {*good.split()} & {*bad.split()} or bad == "a person walks"


def test_real_motion_is_a_side_like_any_other():
    questions = pairs(samples(0), real(samples(0)), "motion", 0)
    assert "s0" not in {q.id for q in questions}  # made as it is true
    for q in questions:
        mine, true = (q.left, q.right) if q.a_left else (q.right, q.left)
        assert np.array_equal(true, samples(0).items[0].truth)
        assert mine[0, 0, 0] == int(q.id[1:])


def test_equal_or_foreign_samples_are_refused():
    with pytest.raises(RequestError, match="differs"):
        pairs(samples(0), samples(0), "motion", 0)
    other = Samples((Sample("zz", "text"),), 0)
    with pytest.raises(RequestError, match="share no sample"):
        pairs(samples(0), other, "motion", 0)
    with pytest.raises(
        RequestError, match="7 pairs and 2 checks of attention need 9 samples that differ, and there are 8"
    ):
        pairs(samples(0), samples(1), "motion", 0, count=7, checks=2)

"""Asking people: numbers from the literature's formulas, blindness, and files of others."""

import json

import numpy as np
import pytest
from scipy import stats

from dimo.errors import FormatError, RequestError
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluate.study import Preference, binomial_p, count, key_of, pairs, wilson
from dimo.view.study_page import page


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (7, 10), (50, 100), (10, 10)])
def test_wilson_and_binomial(hits, total):
    theirs = stats.binomtest(hits, total)
    assert wilson(hits, total) == pytest.approx(tuple(theirs.proportion_ci(method="wilson")), abs=1e-6)
    assert binomial_p(hits, total) == pytest.approx(theirs.pvalue)


def samples(value: float, count: int = 8) -> Samples:
    motion = np.full((6, 22, 3), value, np.float32)
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
    assert pairs(samples(0), samples(1), "caption", 0)[0].motion is not None
    assert "says 0" in page(pairs(samples(0), samples(1), "caption", 0), "x")


def test_equal_or_foreign_samples_are_refused():
    with pytest.raises(RequestError, match="differs"):
        pairs(samples(0), samples(0), "motion", 0)
    other = Samples((Sample("zz", "text"),), 0)
    with pytest.raises(RequestError, match="share no sample"):
        pairs(samples(0), other, "motion", 0)


def test_answers_are_counted_by_whose_side_they_name(tmp_path):
    questions = pairs(samples(0), samples(1), "motion", 1)
    key = key_of(questions, 1)
    sides = {q.id: "left" if q.a_left else "right" for q in questions}
    ids = list(sides)
    answers = {**{i: sides[i] for i in ids[:6]}, ids[6]: "same"}
    answers[ids[0]] = "right" if sides[ids[0]] == "left" else "left"
    given = {"study": key["study"], "person": "p", "answers": answers}
    found = count(key, [(tmp_path / "x.json", given)])
    assert found == Preference(a=5, b=1, same=1)
    assert found.share == pytest.approx(5 / 6)
    for wrong, words in (
        ({**given, "study": "other"}, "another study"),
        ({**given, "answers": {"s0": "up"}}, "up"),
        ({**given, "answers": []}, "no answers"),
    ):
        with pytest.raises(FormatError, match=words):
            count(key, [(tmp_path / "x.json", json.loads(json.dumps(wrong)))])
    with pytest.raises(FormatError, match="twice"):
        count(key, [(tmp_path / "a.json", given), (tmp_path / "b.json", given)])

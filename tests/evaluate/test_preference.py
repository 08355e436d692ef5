"""What answers say: numbers from the literature's formulas and published examples, and files of others."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from dimo.errors import FormatError
from dimo.evaluate.preference import Preference, binomial_p, count, krippendorff, over_questions, wilson

SIDES = {f"s{i}": "left" if i % 2 else "right" for i in range(6)}
KEY = {"format": "dimo-study-key", "study": "x", "kind": "motion", "a": SIDES, "checks": {"c0": "left", "c1": "right"}}
OTHER = {"left": "right", "right": "left"}


def person(name, follows, natural, checks=("left", "right"), **more):
    """Answers: for each question how often a, then b; the rest is the same."""
    answers = {}
    for i, (pair, side) in enumerate(SIDES.items()):
        row = {}
        for ask, (a, b) in (("follows", follows), ("natural", natural)):
            row[ask] = side if i < a else OTHER[side] if i < a + b else "same"
        answers[pair] = row
    answers |= {f"c{i}": {"follows": x, "natural": x} for i, x in enumerate(checks)}
    return {"study": "x", "person": name, "answers": answers, **more}


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (7, 10), (50, 100), (10, 10)])
def test_wilson_and_binomial(hits, total):
    theirs = stats.binomtest(hits, total)
    assert wilson(hits, total) == pytest.approx(tuple(theirs.proportion_ci(method="wilson")), abs=1e-6)
    assert binomial_p(hits, total) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(
    ("observers", "alpha"),
    [
        # Krippendorff 2011: A, two observers and binary data; B, two and five categories; C, four and missing data.
        (["0100000010", "1110010000"], 0.095),
        (["aabbdcccedda", "babbbccceddd"], 0.692),
        (["123321412...", "1233224125.3", ".3332342251.", "12332441251."], 0.743),
    ],
)
def test_krippendorff_gives_the_published_examples(observers, alpha):
    units = [[v for v in unit if v != "."] for unit in zip(*observers, strict=True)]
    assert krippendorff(units) == pytest.approx(alpha, abs=5e-4)


def test_krippendorff_at_its_ends():
    assert krippendorff([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff([["a", "a"], ["a", "a"]]) == 1
    assert math.isnan(krippendorff([["a"], []]))
    rng = np.random.default_rng(0)
    assert krippendorff(rng.integers(0, 3, (3000, 3)).tolist()) == pytest.approx(0, abs=0.03)


def test_the_bootstrap_is_that_of_a_library_and_wide_where_answers_hang_together():
    rng = np.random.default_rng(1)
    alone = np.stack([hit := rng.integers(0, 2, 80), 1 - hit], axis=1)
    theirs = stats.bootstrap((alone[:, 0],), np.mean, method="percentile", n_resamples=2000, rng=0).confidence_interval
    assert over_questions(alone) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    together = alone[:8] * 10  # 8 questions of which ten people say the same
    low, high = over_questions(together)
    narrow = wilson(int(together[:, 0].sum()), int(together.sum()))
    assert high - low > 2 * (narrow[1] - narrow[0])
    assert math.isnan(over_questions(np.zeros((3, 2)))[0])


def test_answers_are_counted_by_whose_side_they_name(tmp_path):
    given = person("p", follows=(4, 1), natural=(0, 6), seconds=270)
    found = count(KEY, [(tmp_path / "x", given)])
    assert found.outcomes["follows"].preference == Preference(a=4, b=1, same=1)
    assert found.outcomes["follows"].preference.share == pytest.approx(4 / 5)
    assert found.outcomes["natural"].preference == Preference(a=0, b=6, same=0)
    assert math.isnan(found.outcomes["natural"].alpha)  # nobody to agree with
    assert found.minutes == 4.5
    twice = [(tmp_path / "x", given), (tmp_path / "y", {**given, "person": "q", "seconds": 330})]
    assert count(KEY, twice).outcomes["follows"].alpha == 1
    assert count(KEY, twice).minutes == 5
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["questions"]["natural"]["krippendorff_alpha"] is None
    assert data["questions"]["follows"]["a"] == 4


@pytest.mark.parametrize(
    ("checks", "counts"),
    [(("left", "right"), True), (("left", "left"), False), (("left", "same"), False), ((), False)],
)
def test_who_misses_checks_does_not_count(tmp_path, checks, counts):
    found = count(KEY, [(tmp_path / "x", person("p", (6, 0), (6, 0), checks))])
    assert found.people == (("p",) if counts else ())
    assert found.inattentive == (() if counts else ("p",))
    assert found.outcomes["follows"].preference.a == (6 if counts else 0)


def test_one_slip_in_four_is_forgiven(tmp_path):
    given = person("p", (6, 0), (6, 0))
    given["answers"]["c1"]["natural"] = "same"
    assert count(KEY, [(tmp_path / "x", given)]).people == ("p",)


def test_files_of_others_are_refused(tmp_path):
    given = person("p", (6, 0), (6, 0))
    for wrong, words in (
        ({**given, "study": "other"}, "another study"),
        ({**given, "answers": {"s0": {"follows": "up"}}}, "up"),
        ({**given, "answers": {"s0": "left"}}, "left"),
        ({**given, "answers": {"s0": {"better": "left"}}}, "better"),
        ({**given, "answers": {"s9": {"follows": "left"}}}, "s9"),
        ({**given, "answers": []}, "no answers"),
    ):
        with pytest.raises(FormatError, match=words):
            count(KEY, [(tmp_path / "x.json", json.loads(json.dumps(wrong)))])
    with pytest.raises(FormatError, match="twice"):
        count(KEY, [(tmp_path / "a.json", given), (tmp_path / "b.json", given)])

"""Real differences between two reports, and those that another draw would undo."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dimo.evaluate.compare import caveats, compare, noise_of, t_quantile, table
from dimo.evaluate.report import Cell, Conditions, EvaluatorFacts, Report, Task


def report(task="t2m", **cells):
    return Report(tasks={task: Task({"model": cells})})


@pytest.mark.parametrize("freedom", [1, 5, 30, 40, 200])
def test_quantiles_of_student(freedom):
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-3)


def test_noise_is_welchs_interval():
    a, b = [1.0, 1.2, 0.9, 1.1, 1.0, 1.05], [1.5, 1.3, 1.6, 1.4, 1.2, 1.45]
    noise, test = noise_of(Cell.of(a), Cell.of(b))
    result = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert test == "repeats"
    assert noise == pytest.approx((result.high - result.low) / 2, rel=0.03)


def test_differences_are_told_from_noise():
    many = np.array([0.0, 1.0] * 8)
    a = report(fid=Cell.of([1.0, 1.1, 0.9]), r1=Cell.of([0.5, 0.52, 0.48]), checks=Cell.of([0.9], many))
    b = report(fid=Cell.of([0.2, 0.25, 0.15]), r1=Cell.of([0.51, 0.49, 0.5]), checks=Cell.of([0.5], many))
    found = {d.column.key: d for d in compare(a, b)}
    assert found["fid"].verdict == "b is better"
    assert found["r1"].verdict == "within the noise"
    assert found["checks"].test == "clips"
    assert found["checks"].verdict == "a is better"
    assert [r[1] for r in table(list(found.values())).rows] == ["FID", "checks %"]
    single = compare(report(fid=Cell.of([1.0])), report(fid=Cell.of([2.0])))[0]
    assert single.exceeds is None
    assert len(table([single]).rows) == 1


def test_only_what_both_have_is_compared():
    assert compare(report(fid=Cell.of([1.0])), report(r1=Cell.of([1.0]))) == []
    assert compare(report(fid=Cell.of([1.0])), report("t2m_second", fid=Cell.of([1.0]))) == []
    assert [d.task for d in compare(*[report("t2m_third", fid=Cell.of([1.0]))] * 2)] == ["t2m_third"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": Conditions(lengths="estimated")}, "lengths asked for differ: truth against estimated"),
        ({"settings": Conditions(lengths="truth", memory=0.0, protocol="humanml3d")}, "differ: dimo against humanml3d"),
        ({"settings": Conditions(lengths="truth", split="val")}, "split"),
        ({"settings": Conditions(lengths="truth", clips=3)}, "number of clips"),
        ({"settings": Conditions(lengths="truth", memory=0.5)}, "remembered motions differ: 0.0 against 0.5"),
        ({"hashes": {"data": "x"}}, "test data"),
        ({"evaluator": EvaluatorFacts(sha256="x")}, "first evaluator's weights"),
        ({"tasks": {"t2m_third": Task({}, evaluator=EvaluatorFacts(sha256="x"))}}, "third evaluator's weights"),
    ],
)
def test_what_makes_reports_unlike_is_told(change, words):
    tasks = {"t2m_third": Task({}, evaluator=EvaluatorFacts(sha256="y"))}
    a = Report(settings=Conditions(lengths="truth", memory=0.0), tasks=tasks)
    assert caveats(a, a) == []
    (warning,) = caveats(a, replace(a, **change))
    assert words in warning


def test_a_report_that_says_nothing_of_memory_is_not_held_against_one_that_does():
    assert caveats(Report(), Report(settings=Conditions(memory=0.0))) == []

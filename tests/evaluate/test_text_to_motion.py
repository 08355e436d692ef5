"""The same rows by several evaluators, and options that change."""

import numpy as np
import pytest

from dimo import SampleOptions
from dimo.api import DiMo
from dimo.evaluate import Settings, published, text_to_motion
from dimo.evaluate.protocol import Plan, Trial
from dimo.evaluate.report import Report
from dimo.evaluate.rows import ModelRows, real
from dimo.evaluate.settings import silent
from dimo.evaluate.store import Store


def by_each(report, clips, evaluators, rows=None, **options):
    rows = rows or {"real": real}
    common = {"what": "model", "data_set": "HumanML3D"}
    return text_to_motion.by_each(report, rows, clips, evaluators, Plan(2), silent, **common, **options)


def test_every_evaluator_has_its_table_and_bodies_are_measured_once(numbered, twin):
    report = Report()
    answers = by_each(report, numbered(32), [twin] * 3)
    assert list(report.tasks) == ["t2m", "t2m_second", "t2m_third"]
    first, *others = (report.tasks[n].rows["real"] for n in report.tasks)
    for cells in others:  # the same evaluator must say the same of the same motions
        assert cells
        assert cells == {k: first[k] for k in cells}
        assert "foot_skate_mps" in first
        assert "foot_skate_mps" not in cells
    assert report.tasks["t2m"].evaluator is None
    assert report.tasks["t2m_third"].evaluator.name == "twin"
    assert list(report.settings.seconds) == list(report.tasks)
    assert len(answers["real"].motions) == 32


def test_without_evaluators_bodies_are_measured(numbered):
    report = Report()
    by_each(report, numbered(4), [])
    assert "foot_skate_mps" in report.tasks["t2m"].rows["real"]
    assert "fid" not in report.tasks["t2m"].rows["real"]


@pytest.mark.parametrize("wrong", [0, 1])
def test_one_that_is_not_the_published_one_measures_no_model(numbered, twin, wrong):
    original = type(twin)()
    original.comparable = True
    evaluators = [twin, original] if wrong else [original, twin]
    report, asked = Report(), []
    rows = {"real": real, "model": lambda trials: (asked.append(1), real(trials))[1]}
    answers = by_each(report, numbered(32), evaluators, rows)
    name = ("t2m", "t2m_second")[wrong]
    assert list(report.tasks[name].rows) == ["real"]
    said = ("No row of the model is printed", "The second evaluator measures no row of the model")[wrong]
    assert [said in note for note in report.notes] == [True]
    assert "0.511" in report.notes[0]  # the published R@1
    assert (report.stopped is None) == (wrong == 1)
    assert bool(asked) == (wrong == 1)
    assert len(answers["real"].trials) == 32


def test_the_published_one_goes_on(numbered, twin, monkeypatch):
    twin.comparable = True
    monkeypatch.setattr(published, "mismatch", lambda row, data_set: None)
    report = Report()
    by_each(report, numbered(32), [twin], {"real": real, "model": real})
    assert list(report.tasks["t2m"].rows) == ["real", "model"]
    assert report.stopped is None


def test_real_clips_beside_the_rows_are_the_real_row_and_the_reference(numbered, twin):
    report, clips = Report(), numbered(64)
    by_each(report, clips[32:], [twin], {"system": real}, truth=clips[:32])
    assert list(report.tasks["t2m"].rows) == ["real", "system"]
    assert report.tasks["t2m"].rows["system"]["fid"].mean == pytest.approx(32**2, rel=0.02)
    assert report.tasks["t2m"].rows["real"]["fid"].mean == pytest.approx(0, abs=1e-3)
    assert list(report.checks) == ["system"]
    report = Report()
    by_each(report, clips[32:], [twin], {"system": real}, truth=[])
    assert "fid" not in report.tasks["t2m"].rows["system"]


@pytest.fixture
def rows(tmp_path):
    return ModelRows(DiMo.debug(), Settings(options=SampleOptions(steps=1)), Store(tmp_path, {}))


def test_sweeps_change_what_they_name(rows, clip, twin, monkeypatch):
    asked = []
    monkeypatch.setattr(rows, "_make", lambda t, options, levels, draw: (asked.append((options, levels)), real(t))[1])
    ticks = []
    clips = [clip(n, texts=(f"speed {n}",)) for n in range(4)]
    told = lambda *event: ticks.append(event)  # noqa: E731
    plan = Plan(repeats=3)
    points = text_to_motion.sweep("steps", (1.0, 5.0), rows, clips, twin, plan, told)
    text_to_motion.sweep("levels", (2.0,), rows, clips, twin, plan, told)
    assert [p.value for p in points] == [1.0, 5.0]
    assert [len(p.metrics["fid"].values) for p in points] == [1, 1]  # one repeat each
    assert [(o.steps, levels) for o, levels in asked] == [(1, None), (5, None), (1, 2)]
    assert ticks == [
        ("sweep of steps", 1, 2, "model"),
        ("sweep of steps", 2, 2, "model"),
        ("sweep of levels", 1, 1, "model"),
    ]


def test_multimodality_is_the_spread_of_motions_of_one_text(rows, clip, twin, monkeypatch):
    trials = [Trial(clip(n), f"speed {n}", np.asarray(clip(n).joints, float), 0, n) for n in range(2)]
    asked = []
    monkeypatch.setattr(rows, "_make", lambda t, *_: (asked.append([(x.caption, x.seed) for x in t]), real(t))[1])
    assert text_to_motion.multimodality(rows, trials, twin, 0).mean == 0.0
    assert [len({seed for _, seed in batch}) for batch in asked] == [30, 30]  # each motion is another draw
    assert [{text for text, _ in batch} for batch in asked] == [{"speed 0"}, {"speed 1"}]
    spread = lambda t, *_: [clip(i % 2 * 30).joints for i in range(len(t))]  # noqa: E731
    monkeypatch.setattr(rows, "_make", spread)
    rows.store.folder = rows.store.folder / "another"
    assert 0 < text_to_motion.multimodality(rows, trials, twin, 0).mean <= 30.1

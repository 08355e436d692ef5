"""Reports on their way to JSON and back, and their tables."""

import json
from pathlib import Path

import numpy as np
import pytest

from dimo.errors import FormatError
from dimo.evaluate import report as reports
from dimo.evaluate.report import (
    Cell,
    Conditions,
    Confusion,
    EvaluatorFacts,
    Point,
    Report,
    Share,
    Task,
    load,
    task_of,
)
from dimo.evaluate.tables import markdown, tables, terminal

COMMITTED = Path(__file__).parents[2] / "benchmarks/report/report.json"


def test_intervals_are_of_repeats_and_errors_of_clips():
    cell = Cell.of([1.0, 3.0], np.array([0.0, 2.0, 4.0]))
    assert cell.mean == 2.0
    assert cell.half_width == pytest.approx(1.96 * 1.0 / np.sqrt(2))
    assert cell.clip_error == pytest.approx(2.0 / np.sqrt(3))
    assert cell.clips == 3
    assert Cell.of([1.0]) == Cell(1.0, None, (1.0,))
    assert Cell.of_clips([1.0, 3.0]) == Cell(2.0, None, (2.0,), 1.0, 2)


def full() -> Report:
    """A report in which nothing is left out."""
    row = {"fid": Cell.of([0.1, 0.2]), "checks": Cell.of([0.5], np.array([0.0, 1.0]))}
    facts = EvaluatorFacts("theirs", "", True, "f" * 64)
    return Report(
        "On 2 clips",
        Conditions(
            {"tasks": "t2m", "limit": None}, "val", 2, 2, 5, 32, "truth", 1, {"t2m": 1.5}, {"steps": 3}, False, 0.0
        ),
        {"dimo": "0"},
        {"data": "d", "weights": {"codec": "c"}},
        EvaluatorFacts("ours", "not comparable", False, "e" * 64),
        ["careful"],
        {
            "t2m": Task({"real": row, "model": row}, "lengths: truth", published={"MDM": {"fid": Cell(0.5, 0.01)}}),
            "t2m_second": Task({"real": {"fid": Cell.of([0.3])}}, evaluator=facts),
            "m2m": Task({}, "2 clips", "without a text"),
        },
        {"model": {"by_check": {"raise_hand": Share(0.5, 2)}, "by_action": {}}},
        {"steps": [Point(1.0, row), Point(5.0, row)]},
        Confusion(("walk", "other"), ((3, 1), (0, 0))),
        "the real row is not the published one",
        {"MDM": "Tevet et al. 2023"},
    )


@pytest.mark.parametrize("report", [Report(), full()])
def test_json_and_back_is_the_same_report(report):
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_the_committed_report_is_read_and_written_as_it_is():
    text = COMMITTED.read_text(encoding="utf-8")
    report = load(COMMITTED.parent)
    assert report.to_json() == json.loads(text)
    assert list(report.tasks) == ["t2m", "t2m_second", "m2t", "m2m", "codec", "correct"]
    assert report.tasks["t2m_second"].evaluator is not None
    assert [t.title for t in tables(report)][:3] == [
        "text to motion",
        "text to motion: body and instructions",
        "text to motion, by the second evaluator",
    ]


def test_the_committed_page_says_what_its_json_says():
    assert (COMMITTED.parent / "report.md").read_text(encoding="utf-8") == markdown(load(COMMITTED))


def test_what_was_not_measured_is_left_out():
    assert set(Report().to_json()) == {
        "format", "version", "title", "settings", "versions", "hashes", "encoder", "notes", "tasks",
    }  # fmt: skip
    assert Task({}).to_json() == {"rows": {}}
    assert Cell(1.0, 0.5).to_json() == {"mean": 1.0, "half_width": 0.5}
    assert EvaluatorFacts.of(None) == EvaluatorFacts("none")


def test_tables_are_named_by_evaluator():
    assert [task_of(i) for i in range(3)] == ["t2m", "t2m_second", "t2m_third"]
    row = {"fid": Cell.of([0.1])}
    report = Report(tasks={task_of(i): Task({"real": row}) for i in range(len(reports.ORDINALS))})
    assert [t.title for t in tables(report)][-1] == "text to motion, by the tenth evaluator"
    assert len(tables(report)) == 10


def test_reports_are_saved_whole_and_become_tables(tmp_path):
    full().save(tmp_path)
    assert (tmp_path / "report.md").read_text() == markdown(full())
    assert load(tmp_path) == load(tmp_path / "report.json") == full()
    first, second, third = tables(full())[:3]
    assert first.note == "not comparable; lengths: truth"
    assert first.rows[0] == ("real", "0.150 ± 0.069")
    assert first.rows[2] == ("MDM [published]", "0.500 ± 0.010")
    assert second.head == ("row", "checks %")
    assert second.rows[1] == ("model", "50.0")
    assert third.note == ""
    assert "| model | 0.150 ± 0.069 |" in markdown(full())
    assert "R@1" not in terminal(first)


VERSION = {"format": reports.FORMAT, "version": reports.VERSION}


@pytest.mark.parametrize(
    "data",
    [
        [1],
        {"format": "x"},
        {"format": reports.FORMAT, "tasks": {}},
        VERSION,
        {**VERSION, "tasks": []},
        {**VERSION, "tasks": {"t2m": {"rows": []}}},
        {**VERSION, "tasks": {"t2m": {"rows": {"real": {"fid": {}}}}}},
        {**VERSION, "tasks": {}, "settings": {"surprise": 1}},
        {**VERSION, "tasks": {}, "notes": 3},
        "{",
    ],
)
def test_other_files_are_no_reports(tmp_path, data):
    (tmp_path / "report.json").write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(FormatError, match=r"report\.json"):
        load(tmp_path)

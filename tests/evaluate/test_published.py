"""Published numbers, and who may be compared with them."""

from dataclasses import replace

from dimo.evaluate import published
from dimo.evaluate.report import Cell, Report, Task
from dimo.evaluate.settings import SETS


def test_a_published_real_row_passes_and_another_does_not():
    row = published.rows("HumanML3D", "t2m")["Real"]
    assert row["r1"] == Cell(0.511, 0.003)
    assert published.mismatch(row, "HumanML3D") is None
    off = {**row, "fid": Cell(0.0), "r1": Cell(0.48, 0.003)}
    assert "0.480" in published.mismatch(off, "HumanML3D")
    assert published.mismatch({**row, "r1": Cell(0.50)}, "HumanML3D") is None  # one repeat: its own noise is allowed
    assert "lacks r2" in published.mismatch({"r1": row["r1"]}, "HumanML3D")
    assert set(published.sources()) >= {s for r in published.read()["HumanML3D"]["t2m"].values() for s in r["source"]}


def test_published_rows_stand_beside_ours():
    report = Report(tasks={"t2m": Task({}), "codec": Task({})})
    published.add(report, "HumanML3D")
    assert report.tasks["t2m"].published["Real"]["r1"].mean == 0.511
    assert report.tasks["codec"].published == {}
    assert "[published]" in report.notes[0]
    assert replace(report).published_sources == published.sources()


def test_every_set_has_its_rows():
    assert all(published.rows(name, "t2m") for name in SETS)

"""benchmarks/ablations.py: from the table that a run keeps to the page, its tables and its curves."""

import importlib.util
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dimo.ablate import plan as plans
from dimo.ablate import table
from dimo.ablate.records import Found

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    """The script as a module; it imports its neighbour."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("ablations_page", ROOT / "benchmarks/ablations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("tables", None)


def record(fid: float) -> dict:
    there = {"clips": 9, "evaluator": "ours", "threads": 1, "device": "cpu"}
    return {"metrics": {"fid": fid}, "real": {}, "seconds": {}, "conditions": there}


def test_a_run_becomes_tables_and_curves(script, plan_file, tmp_path):
    rounds = '[groups.rounds]\nabout = "K"\nseeds = [0, 1]\nkey = "sampling.steps"\nvalues = [1, 5, 20]\n'
    plan = plans.read(plan_file(rounds + "[groups.mix]\nrows.a = {}\n"))
    fids = {"rounds/1": (0.5, 0.7), "rounds/5": (0.25, 0.25)}
    found = [Found(r, "", record(fids[r.id][r.seed]) if r.id in fids else None) for r in plan.rows]
    data = json.loads(json.dumps(table.summary(plan, found)))
    (tmp_path / "page.md").write_text("before\n<!-- ablations -->\nold\n<!-- end -->\nafter\n")
    script.write(data, tmp_path / "page.md", tmp_path / "pictures")
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("<!-- end -->\nafter\n")
    assert "old" not in page
    assert "| rounds/1 | 2 | 0.600 ± 0.100 |" in page
    assert "| rounds/20 | not run yet | - |" in page
    assert "### mix" not in page  # nothing of it is done
    assert "![rounds](ablations/rounds.svg)" in page
    svg = ElementTree.parse(tmp_path / "pictures/rounds.svg").getroot()
    dots = [e for e in svg.iter() if e.get("class") == "dot"]
    assert len(dots) == 2  # the row that is missing has none
    assert float(dots[0].get("cy")) < float(dots[1].get("cy"))  # the larger FID stands higher


def test_the_page_is_what_the_json_says(script):
    assert script.tables(json.loads(script.JSON.read_text())) in script.PAGE.read_text()

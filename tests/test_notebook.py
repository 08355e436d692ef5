"""The notebook of examples/: every cell runs, and what is left on a cell's last line shows itself."""

import ast
import json
from pathlib import Path

from dimo import Motion

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


def run(cells, names):
    """The value of each cell's last line, as a notebook shows it, None where that is no expression."""
    shown = []
    for cell in cells:
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, NOTEBOOK.name, "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names) if last else None)
    return shown


def test_the_notebook_runs_and_motions_show_themselves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in code)  # what it shows is not committed
    shown = run(code, {})
    motions = [value for value in shown if isinstance(value, Motion)]
    assert [len(m) for m in motions] == [60, 40, 100]
    assert motions[0]._repr_html_().startswith("<iframe srcdoc=")
    assert "round 10: 10 of 10 steps written" in capsys.readouterr().out
    assert {p.name for p in tmp_path.iterdir()} == {"motion.glb", "motion.bvh", "motion.html"}

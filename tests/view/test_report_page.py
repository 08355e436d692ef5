"""Pages that need no network: their figures, curves and texts."""

import base64
import json
import re

import numpy as np
import pytest

from dimo.evaluate.report import Cell, Confusion, EvaluatorFacts, Point, Report, Task
from dimo.evaluate.samples import Sample, Samples
from dimo.view.curves import curve
from dimo.view.player import pack, script
from dimo.view.report_page import page


def test_motions_are_packed_in_millimetres_on_the_floor():
    joints = np.zeros((3, 22, 3))
    joints[..., 1] = 0.5
    joints[:, 0, 0] = [0, 1, 2]
    joints[:, 5, 1] = 1.25
    values = np.frombuffer(base64.b64decode(pack(joints)), "<i2").reshape(3, 22, 3)
    assert values[:, 0, 0].tolist() == [-1000, 0, 1000]  # centred over the path
    assert values[:, 5, 1].tolist() == [750] * 3
    assert values[..., 1].min() == 0


def test_a_text_cannot_end_the_script():
    text = script({"</script><b>": np.zeros((2, 22, 3))}, 20.0)
    data = re.search(r'id="motions">(.*?)</script>', text, re.S)
    assert data is not None
    assert list(json.loads(data[1])["motions"]) == ["</script><b>"]


def test_curves_hold_every_point_and_the_reference():
    svg = curve("FID", "steps", [1, 5, 10], [3.0, 1.0, 0.5], [0.1, None, 0.2], reference=0.2)
    assert svg.count("<circle") == 3
    assert svg.count('class="bar"') == 2
    assert svg.count('class="real"') == 1
    assert curve("x", "y", [1], [2.0]).count("<circle") == 1


@pytest.mark.parametrize("with_samples", [True, False])
def test_a_page_is_one_file(with_samples):
    row = {"fid": Cell.of([0.5, 0.6]), "r1": Cell.of([0.4, 0.5])}
    report = Report(
        title="Evaluation <1>",
        evaluator=EvaluatorFacts("ours", "not comparable with published numbers"),
        notes=["a & b"],
        tasks={"t2m": Task({"real": row, "model": row}, published={"MDM": {"fid": Cell(0.544)}})},
        sweeps={"steps": [Point(v, row) for v in (1.0, 5.0)]},
        confusion=Confusion(("walk", "other"), ((3, 1), (0, 0))),
    )
    motion = np.zeros((5, 22, 3))
    samples = Samples((Sample("a", "a <b>man</b> walks", motion, motion, "someone walks"),), 3)
    report.samples = samples if with_samples else None
    text = page(report)
    assert "&lt;1&gt;" in text
    assert "not comparable with published numbers" in text
    assert "MDM [published]" in text
    assert "<svg" in text
    assert "Confusion" in text
    assert ("<canvas" in text) == with_samples
    assert "a <b>man" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
    if with_samples:
        assert "seed 3, not chosen" in text

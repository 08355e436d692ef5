"""Settings that cannot be, and the counting of progress."""

import subprocess
import sys

import pytest

from dimo import RequestError
from dimo.evaluate import Settings
from dimo.evaluate.settings import stage


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tasks", ("t2m", "fly")),
        ("tasks", ()),
        ("rows", ("best",)),
        ("repeats", 0),
        ("seed", -1),
        ("lengths", "long"),
        ("protocol", "field"),
        ("memory", 1.5),
        ("memory", -0.1),
        ("recall", 1.5),
        ("sweeps", {"hope": (1.0,)}),
        ("sweeps", {"steps": (0.5,)}),
        ("multimodality", -1),
        ("part", 0),
        ("samples", -1),
        ("published", "AMASS"),
    ],
)
def test_what_is_wrong_is_named(field, value):
    with pytest.raises(RequestError, match=field.removesuffix("s")):
        Settings(**{field: value})


def test_the_fields_protocol_has_true_lengths_and_holds_no_feet():
    with pytest.raises(RequestError, match="humanml3d asks for the true lengths"):
        Settings(protocol="humanml3d", lengths="estimated")
    assert Settings().holds_feet
    assert not Settings(footlock=False).holds_feet
    assert not Settings(protocol="humanml3d").holds_feet


def test_a_stage_counts_its_pieces():
    seen = []
    tick = stage(lambda *told: seen.append(told), "t2m", 2)
    tick("real")
    tick("model")
    assert seen == [("t2m", 1, 2, "real"), ("t2m", 2, 2, "model")]


def test_reading_a_report_does_not_wait_for_torch():
    code = "import sys, dimo.evaluate, dimo.evaluate.compare, dimo.evaluate.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""benchmarks/kill.py holds what it promises, with a few kills."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kill.py"


@pytest.mark.integ
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks into /proc")
def test_trainings_and_batches_go_on_after_kills(tmp_path):
    out = tmp_path / "kill.json"
    flags = ["--kills", "5", "--steps", "150", "--prompts", "60", "--span", "1"]
    done = subprocess.run([sys.executable, str(SCRIPT), *flags, "--output", str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text())
    assert found["training"]["kills"] == 5
    assert found["batch"]["kills"] >= 1  # fewer where it is done before the next

"""The page's sharpness, by its own module under Node: fewer pixels where pictures take long, and never too few."""

import json
import shutil
import subprocess

import pytest

from dimo.serve.site import FOLDER

SCRIPT = """
import { writeFileSync } from "node:fs";
globalThis.addEventListener = () => {};
globalThis.devicePixelRatio = Number(process.argv[2]);
const { Pace } = await import("./pace.mjs");
const stage = { sharpness: 1, resize() {} }, pace = new Pace(stage), out = [];
const pass = (took, busy = false) => {
  for (let i = 0; i < 24; i++) pace.tick(took, busy);
  out.push(stage.sharpness);
};
pass(16); pass(60, true); pass(60); for (let i = 0; i < 8; i++) pass(60);
pace.fix(); pass(60);
console.log(JSON.stringify(out));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the page's module")
@pytest.mark.parametrize(("ratio", "least"), [(1, 0.75), (2, 0.375), (3, 0.375)])
def test_sharpness_follows_the_machine(tmp_path, ratio, least):
    shutil.copy(FOLDER / "js" / "pace.js", tmp_path / "pace.mjs")
    (tmp_path / "run.mjs").write_text(SCRIPT)
    done = subprocess.run(["node", tmp_path / "run.mjs", str(ratio)], capture_output=True, text=True, check=True)
    quick, beside, slow, *more, fixed = json.loads(done.stdout)
    assert (quick, beside) == (1, 1)  # quick enough; or slow since the model had the machine
    assert slow == pytest.approx(0.8)
    assert more[-1] == more[-2] == pytest.approx(least)
    assert fixed == 1

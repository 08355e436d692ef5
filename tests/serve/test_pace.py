"""The page's sharpness, by its own module under Node: fewer pixels where pictures take long, and never too few."""

import json
import shutil
import subprocess

import pytest

from dimo.serve.site import FOLDER

SCRIPT = """
import { writeFileSync } from "node:fs";
globalThis.addEventListener = () => {};
[globalThis.devicePixelRatio, globalThis.innerWidth, globalThis.innerHeight] = process.argv.slice(2, 5).map(Number);
const { Pace } = await import("./pace.mjs");
const stage = { sharpness: 1, resize() {} }, pace = new Pace(stage), out = [];
const pass = (took, busy = false) => {
  for (let i = 0; i < 24; i++) pace.tick(took, busy);
  out.push(stage.sharpness);
};
out.push(stage.sharpness);
for (const given of process.argv.slice(5)) {
  if (given === "fix") pace.fix();
  else pass(Number.parseInt(given), given.endsWith("busy"));
}
console.log(JSON.stringify(out));
"""


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node runs the page's module")


def sharpness(folder, ratio, window, passes):
    """At first, and after each pass of 24 pictures of so many milliseconds."""
    shutil.copy(FOLDER / "js" / "pace.js", folder / "pace.mjs")
    (folder / "run.mjs").write_text(SCRIPT)
    command = ["node", folder / "run.mjs", *map(str, (ratio, *window, *passes))]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@needs_node
@pytest.mark.parametrize(("ratio", "least"), [(1, 0.75), (2, 0.375), (3, 0.375)])
def test_sharpness_follows_the_machine(tmp_path, ratio, least):
    first, quick, beside, slow, *more, fixed = sharpness(
        tmp_path, ratio, (900, 500), [16, "60busy", *[60] * 9, "fix", 60]
    )
    assert (first, quick, beside) == (1, 1, 1)  # quick enough; or slow since the model had the machine
    assert slow == pytest.approx(0.8)
    assert more[-1] == more[-2] == pytest.approx(least)
    assert fixed == 1


@needs_node
def test_a_large_window_begins_with_fewer_pixels_and_gets_all_where_they_are_quick(tmp_path):
    first, *quick = sharpness(tmp_path, 1, (3840, 2160), [16] * 5)
    assert first == pytest.approx(0.5)  # 1920 x 1080 of 3840 x 2160
    assert quick == pytest.approx([0.625, 0.78125, 0.9765625, 1, 1])


@needs_node
def test_what_was_too_many_pixels_once_is_not_tried_again(tmp_path):
    _, more, slow, kept, later = sharpness(tmp_path, 1, (3840, 2160), [16, 30, 20, 16])
    assert (more, slow, kept, later) == pytest.approx((0.625, 0.625, 0.625, 0.625))  # under the least of 0.75 already
    _, *rose, slow, kept = sharpness(tmp_path, 1, (3840, 2160), [16, 16, 16, 30, 16])
    assert rose[-1] == pytest.approx(0.9765625)
    assert slow == kept == pytest.approx(0.78125)

"""Numbers in a BVH file as other programs write them."""

import numpy as np
import pytest

from dimo.formats import bvh

HEAD = (
    "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
)
PLACES = np.array([[-1.5, 90.25, 123.0], [1e-7, -0.0625, 1.0 / 3.0]])


@pytest.mark.parametrize("style", ["%g", "%.6f", "%r", "%.18e", "%.19e", "%.25e", "%.40f", "%+.3E"])
def test_every_way_to_print_a_number_is_read(style, tmp_path):
    rows = "\n".join(" ".join(style % x for x in row) for row in PLACES.tolist())
    path = tmp_path / "a.bvh"
    path.write_text(f"{HEAD}MOTION\nFrames: 2\nFrame Time: 0.05\n{rows}\n")
    np.testing.assert_allclose(bvh.read(path, metres_per_unit=1).root, PLACES, rtol=5e-4, atol=1e-6)

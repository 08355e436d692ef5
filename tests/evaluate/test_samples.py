"""Samples on their way to a folder and back."""

import numpy as np
import pytest

from dimo.errors import FormatError
from dimo.evaluate.samples import Sample, Samples


def test_samples_are_read_back(tmp_path):
    motion = np.random.default_rng(0).normal(size=(5, 22, 3)).astype(np.float32)
    Samples((Sample("a", "walks", motion, None, "a man walks", "walk"),), 7).save(tmp_path)
    again = Samples.load(tmp_path)
    assert (again.seed, again.items[0].text, again.items[0].made) == (7, "walks", None)
    assert np.array_equal(again.items[0].truth, motion)
    (tmp_path / "samples.npz").write_bytes(b"cut")
    with pytest.raises(FormatError, match="samples"):
        Samples.load(tmp_path)

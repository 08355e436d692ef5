import numpy as np
import pytest

from dimo import DiMo, RequestError
from dimo.tasks.length import Lengths


def test_candidates_part_the_distribution_evenly():
    flat = Lengths(np.arange(1, 11) * 0.2, np.full(10, 0.1))
    assert flat.candidates(1) == (pytest.approx(1.0),)
    assert flat.candidates(5) == pytest.approx((0.4, 0.8, 1.0, 1.6, 2.0), abs=0.21)
    peak = Lengths(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]))
    assert peak.candidates(7) == (2.0,)
    assert peak.median == 2.0
    two = Lengths(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 0.5]))
    assert two.candidates(2) == (1.0, 3.0)
    for bad in (0, 21):
        with pytest.raises(RequestError, match="1 to 20"):
            two.candidates(bad)


def test_the_median_is_what_generate_takes():
    model = DiMo.debug()
    found = model.length("a person walks")
    assert found.probability.sum() == pytest.approx(1, abs=1e-5)
    assert found.seconds[0] == pytest.approx(0.2)
    assert found.seconds[-1] == pytest.approx(9.8)
    assert model.generate("a person walks", steps=1, seed=0)[0].seconds == pytest.approx(found.median)
    assert set(found.candidates(4)) <= set(found.seconds.tolist())

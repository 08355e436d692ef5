"""The best of several motions."""

import pytest

from dimo.api import DiMo
from dimo.errors import RequestError
from dimo.tasks.score import text_given_motion

TEXT = "a person walks"


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def agreement(model: DiMo, motion) -> float:
    return float(text_given_motion(model.model, [model.pipeline.ids(TEXT)], [model.codes(motion)]))


def test_the_motion_kept_is_the_one_that_the_sentence_is_read_off_most_surely(model):
    drawn = model.generate(TEXT, seconds=2, samples=5, seed=3, steps=3)
    (kept,) = model.generate(TEXT, seconds=2, best=5, seed=3, steps=3)
    values = [agreement(model, m) for m in drawn]
    assert len(set(values)) > 1
    assert kept == drawn[values.index(max(values))]


def test_several_samples_are_each_the_best_of_their_own_and_begin_with_the_first(model):
    one = model.generate(TEXT, seconds=2, best=3, seed=3, steps=3)
    two = model.generate([TEXT, "a man bows"], seconds=2, samples=2, best=3, seed=3, steps=3)
    assert len(two) == 4
    assert two[0] == one[0]
    drawn = model.generate(TEXT, seconds=2, samples=6, seed=3, steps=3)
    assert two[1] in drawn[3:]
    assert agreement(model, two[1]) == max(agreement(model, m) for m in drawn[3:])


@pytest.mark.parametrize("best", [0, -1, 65])
def test_impossible_numbers_of_candidates_are_refused(model, best):
    with pytest.raises(RequestError, match="best"):
        model.generate(TEXT, best=best)

"""Which clips, captions and crops a repeat asks about."""

import pytest

from dimo import RequestError
from dimo.evaluate.protocol import Plan, draw, usable


def test_a_draw_takes_whole_batches_and_repeats_itself(numbered):
    clips = numbered(70)
    trials = draw(clips, Plan(seed=3), 1)
    assert len(trials) == 64
    assert len({t.clip.id for t in trials}) == 64
    assert all(t.frames in (36, 40) for t in trials)
    again = draw(clips, Plan(seed=3), 1)
    assert [(t.clip.id, t.start, t.seed) for t in trials] == [(t.clip.id, t.start, t.seed) for t in again]
    assert [t.clip.id for t in draw(clips, Plan(seed=3), 2)] != [t.clip.id for t in trials]
    assert len(draw(clips[:5], Plan(), 0)) == 5  # less than one batch is taken whole
    assert all(t.frames == 40 for t in draw(clips, Plan(crop=False), 0))


def test_a_crop_is_the_clip_from_its_start(clip):
    for trial in draw([clip(n, frames=60) for n in range(8)], Plan(seed=1), 0):
        assert (trial.truth == trial.clip.joints[trial.start : trial.start + trial.frames]).all()


def test_clips_without_captions_or_too_short_are_left_out(clip):
    assert [c.id for c in usable([clip(1, frames=7), clip(2, frames=8), clip(3, texts=())])] == ["c2"]


def test_batches_are_whole_and_one_at_least():
    assert [Plan().batches(n) for n in (5, 32, 63, 64)] == [1, 1, 1, 2]


@pytest.mark.parametrize("repeats", [0, 1001])
def test_a_plan_names_what_is_wrong(repeats):
    with pytest.raises(RequestError, match="repeats must be"):
        Plan(repeats)

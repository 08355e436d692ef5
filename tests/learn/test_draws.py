"""How often clips are drawn: by label, source, captions, length, and once for each motion."""

import numpy as np
import pytest

from dimo.data.records import Caption, Clip, Kind
from dimo.errors import RequestError
from dimo.learn.captioned import CaptionedOptions
from dimo.learn.draws import draw_weights
from dimo.learn.recipe import DataOptions


def clip(label: str = "walk", source: str = "a", frames: int = 40, kind: Kind = "written", **fields) -> Clip:
    return Clip(
        "id",
        np.zeros((frames, 22, 3), np.float32),
        20.0,
        (Caption("x", kind),),
        "train",
        source=source,
        label=label,
        **fields,
    )


def test_a_label_is_drawn_by_a_power_of_its_clips():
    clips = [clip("squat")] * 16 + [clip("kick")]
    for exponent in (0.0, 0.25, 1.0):
        weights = draw_weights(clips, DataOptions(label_exponent=exponent))
        assert weights.sum() == pytest.approx(1)
        assert weights[:16].sum() / weights[16] == pytest.approx(16**exponent)


def test_a_motion_that_two_clips_show_counts_once():
    clips = [clip("a"), clip("b", repeats=2.0), clip("b", repeats=2.0)]
    weights = draw_weights(clips, DataOptions(label_exponent=0.3))
    assert weights[0] == pytest.approx(weights[1:].sum())
    assert weights[1] == pytest.approx(weights[2])


def test_short_clips_are_drawn_oftener():
    weights = draw_weights([clip("a", frames=20), clip("b", frames=80)], DataOptions(short_exponent=0.5))
    assert weights[0] / weights[1] == pytest.approx(2)


def test_sources_people_and_composites_have_their_shares_together():
    clips = [clip(source="UI-PRMD")] * 50 + [clip(source="Bandai 1"), clip(source="Bandai 2")] * 20
    clips += [clip(source="CMU", kind="human")] * 3 + [clip(source="CMU")] * 7
    clips += [clip(source="CMU + UI-PRMD", composite=True, kind="composed")] * 9
    for kind in (DataOptions, CaptionedOptions):
        options = kind(
            composite_share=0.4, human_share=0.25, source_shares={"UI-PRMD": 0.05, "Bandai": 0.3}, label_exponent=0.5
        )
        weights = draw_weights(clips, options)
        plain = weights[:100] / weights[:100].sum()
        assert weights[100:].sum() == pytest.approx(0.4)
        assert plain[:50].sum() == pytest.approx(0.05)
        assert plain[50:90].sum() == pytest.approx(0.3)
        assert plain[90:93].sum() == pytest.approx(0.25)
        assert np.allclose(weights[:50], weights[0])


def test_shares_of_what_is_not_there_change_nothing():
    clips = [clip("a"), clip("b")]
    options = DataOptions(source_shares={"none": 0.4}, human_share=0.2, composite_share=0.9)
    assert np.allclose(draw_weights(clips, options), 0.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"source_shares": {"a": 0.7, "b": 0.6}}, "beyond 1"),
        ({"source_shares": {"a": -0.1}}, "at least 0"),
        ({"source_shares": {"a": 0.1, "aa": 0.1}}, "twice"),
    ],
)
def test_shares_that_cannot_be_are_refused(fields, words):
    with pytest.raises(RequestError, match=words):
        draw_weights([clip(source="aab"), clip(source="b")], DataOptions(**fields))


def test_folders_with_shares_are_each_drawn_from_by_its_own_rules():
    rare = [clip("squat", folder=0, share=0.25)] * 16 + [clip("kick", folder=0, share=0.25)]
    joined = [clip("walk", folder=1, share=0.75), clip("walk", folder=1, share=0.75, composite=True)]
    options = DataOptions(label_exponent=0.0, composite_share=0.2)
    weights = draw_weights([*rare, *joined], options)
    assert weights.sum() == pytest.approx(1)
    assert weights[:17].sum() == pytest.approx(0.25)
    assert weights[:16].sum() == pytest.approx(weights[16])  # both labels alike, within the folder
    assert weights[17:] == pytest.approx([0.6, 0.15])
    assert draw_weights(rare, options) == pytest.approx(weights[:17] * 4)  # alone, its share is no matter

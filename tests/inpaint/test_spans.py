"""Spans of time as frames."""

import pytest

from dimo import RequestError
from dimo.inpaint.spans import parse, to_frames, without


def test_spans_are_sorted_and_joined():
    assert to_frames([(2, 3), (0, 1), (1, 1.5)], 20, 60) == [range(30), range(40, 60)]
    assert to_frames((0, 1), 20, 60) == [range(20)]
    assert to_frames([(0, 1), (2, 3)], 20, 60) == to_frames(((0, 1), (2, 3)), 20, 60)
    assert to_frames([], 20, 60) == []


def test_what_spans_leave_out():
    assert without([range(2), range(5, 6)], 8) == [range(2, 5), range(6, 8)]
    assert without([], 3) == [range(3)]
    assert without([range(3)], 3) == []


def test_spans_from_text():
    assert parse("0:2, 4:6.5", "--keep") == [(0, 2), (4, 6.5)]
    assert parse("", "--keep") == []
    for wrong in ("2", "a:b", "1:2:3", "1-2"):
        with pytest.raises(RequestError, match="--keep takes spans"):
            parse(wrong, "--keep")

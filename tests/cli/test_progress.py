"""Bars of stages: one at a time, each with its own length."""

from contextlib import contextmanager

import pytest

from dimo.cli import progress


@pytest.fixture
def told(monkeypatch):
    """What bars were opened, moved and closed."""
    seen = []

    @contextmanager
    def bar(title, total, *, quiet=False):
        seen.append(("open", title, total, quiet))
        yield lambda words: seen.append(words)
        seen.append(("close", title))

    monkeypatch.setattr(progress, "progress", bar)
    return seen


def test_a_stage_closes_the_one_before(told):
    with progress.stages(quiet=True) as tell:
        tell("t2m", 1, 2, "real")
        tell("t2m", 2, 2, "model")
        tell("codec", 1, 5, "codec")
    assert told == [
        ("open", "t2m", 2, True),
        "real",
        "model",
        ("close", "t2m"),
        ("open", "codec", 5, True),
        "codec",
        ("close", "codec"),
    ]


def test_nothing_is_shown_where_nothing_is_told(told):
    with progress.stages():
        pass
    assert told == []

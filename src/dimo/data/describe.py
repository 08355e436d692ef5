"""True sentences from the motion itself: what the body does is measured, then said in varied words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dimo.body import measure
from dimo.data.body_events import Event
from dimo.data.events import events, held_arms
from dimo.data.phrases import SUBJECTS, held, phrases

MOST = 3  # events of a sentence, holds of the arms aside
ARM_WORDS = (
    r"\b(arms?|hands?|fists?|elbows?|shoulders?|wrists?|reach\w*|wav\w*|punch\w*|box\w*|guard|clap\w*|throw\w*)\b"
)


def describe(joints: np.ndarray, fps: float, generator: np.random.Generator, count: int = 3) -> list[str]:
    """Up to `count` different true sentences, fewer (or none) when little is sure."""
    found = events(joints, fps)
    if not found or sum(not e.kind.startswith("hold_") for e in found) > MOST:
        return []
    return list(dict.fromkeys(_sentence(found, generator) for _ in range(count)))


def _sentence(found: list[Event], generator: np.random.Generator) -> str:
    """The events in order: "while" where one lasts within another, "then" where one follows."""

    def pick(choices: list | tuple) -> object:
        return choices[int(generator.integers(len(choices)))]

    said = str(pick(SUBJECTS))
    previous: Event | None = None
    holds = [e for e in found if e.kind.startswith("hold_")] if len(found) > 1 else []
    for event in (e for e in found if e not in holds):
        finite, ing = pick(phrases(event))  # type: ignore[misc]
        if previous is None:
            said += f" {finite}"
        elif event.kind.startswith("turn") and _within(previous, event):
            said += f" and {finite}"
        elif _within(previous, event) and {previous.kind, event.kind} & {"raise", "wave", "clap"}:
            said += f" while {ing}"
        else:
            said += f"{pick((' and then', ', then', ' and'))} {finite}"
        previous = event if previous is None or event.end >= previous.end else previous
    return " ".join([said, *(str(pick(held(e))) for e in holds)])


def _within(a: Event, b: Event) -> bool:
    """Whether most of the shorter one lasts within the other."""
    return min(a.end, b.end) - max(a.start, b.start) > 0.5 * min(a.end - a.start, b.end - b.start)


def ends_moving(caption: str, joints: np.ndarray, fps: float) -> bool:
    """Whether a caption says that the body stops at the end, and it walks on: windows of takes are cut in mid-stride."""
    if not re.search(
        r"\b(stops?|stopping|halts?|comes to a (stop|halt))\b(?!.*\b(then|and|continues?|again)\b)", caption
    ):
        return False
    last = measure.smooth(np.asarray(joints, float), fps, 0.4)[-round(0.5 * fps) :, measure.PELVIS][:, [0, 2]]
    return float(np.linalg.norm(last[-1] - last[0])) / (len(last) / fps) > 0.7


def with_arms(
    captions: Sequence[str], joints: np.ndarray, fps: float, generator: np.random.Generator
) -> tuple[str, ...]:
    """The same captions, with where both hands are held all the time wherever they say nothing of arms.

    Else "sits down" would be learnt with the arms that an exercise wanted.
    """
    hold = held_arms(joints, fps)
    if hold is None:
        return tuple(captions)
    words = held(hold)
    return tuple(
        c if re.search(ARM_WORDS, c.lower()) else f"{c.rstrip('. ')} {words[int(generator.integers(len(words)))]}"
        for c in captions
    )

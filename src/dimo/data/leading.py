"""What gestures have in common: keys of hands that are held, go to and fro or hold one thing together, and their words.

Places are metres from the neck: away from the body's middle, up, and ahead (body.acting.Key).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dimo.body import measure, posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import Draw
from dimo.data.phrases import Pairs

Place = tuple[float, float, float]
Shown = Callable[[np.ndarray, float], bool]
GRIP = 0.05
"""Metres of each hand from the middle of what both hold."""


def both(keys: list[Key]) -> dict[str, list[Key]]:
    """The same for both hands."""
    return dict.fromkeys(posture.SIDES, keys)


def held(d: Draw, place: Place, hold: tuple[float, float], via: Place | None = None) -> list[Key]:
    """There, held for so many seconds at least and at most, and back."""
    rise = d.between(0.45, 0.9)
    stays = rise + d.between(*hold)
    return [Key(0), Key(rise, place, via), Key(stays, place), Key(stays + d.between(0.5, 0.9))]


def stay(d: Draw) -> bool:
    """Whether a pose is there from the beginning to the end (posed), and not taken and left again (held)."""
    return bool(d.generator.random() < 0.35)


def posed(d: Draw, place: Place, seconds: tuple[float, float], sway: float = 0.01) -> list[Key]:
    """There from the beginning to the end, for so many seconds at least and at most, swaying a little."""
    end, keys = d.between(*seconds), [Key(0, place)]
    while keys[-1].seconds < end:
        keys.append(Key(keys[-1].seconds + d.between(0.5, 1.0), d.near(place, sway)))
    return keys


def repeated(d: Draw, first: Place, second: Place, count: tuple[int, int], period: tuple[float, float]) -> list[Key]:
    """To and fro between two places, so many times at least and at most, each in so many seconds."""
    at, each = d.between(0.4, 0.8), d.between(*period)
    keys = [Key(0), Key(at, first)]
    for _ in range(int(d.generator.integers(count[0], count[1] + 1))):
        keys += [Key(at + each / 2, d.near(second, 0.015)), Key(at + each, d.near(first, 0.015))]
        at += each
    return [*keys, Key(at + d.between(0.5, 0.8))]


def on_trunk(place: Place, pitch: float) -> Place:
    """Where a place on an upright trunk is when that is bent forward by so many degrees."""
    turn = np.radians(pitch)
    x, y, z = place
    return (x, float(y * np.cos(turn) - z * np.sin(turn)), float(z * np.cos(turn) + y * np.sin(turn)))


def pairs(*verbs: str) -> Pairs:
    """Verbs with their -ing forms, given as "shakes|shaking hands": what follows the -ing form belongs to both."""
    out = []
    for verb in verbs:
        finite, rest = verb.split("|")
        ing, _, tail = rest.partition(" ")
        out.append((f"{finite} {tail}".strip(), f"{ing} {tail}".strip()))
    return out


def near(place: Place, within: float, seconds: float, sides: tuple[str, ...] = posture.SIDES) -> Shown:
    """Whether those hands are at a place, in metres from it, for so long."""

    def shown(joints: np.ndarray, fps: float) -> bool:
        return all(measure.longest_run(_away(joints, s, place) < within) / fps >= seconds for s in sides)

    return shown


def _away(joints: np.ndarray, side: str, place: Place) -> np.ndarray:
    """(F,) metres of a hand from a place."""
    across = joints[:, measure.HIP["left"]] - joints[:, measure.HIP["right"]]
    across = across * [1, 0, 1]
    left = across / np.linalg.norm(across, axis=-1, keepdims=True)
    ahead = np.cross(left, [0.0, 1, 0])
    off = joints[:, measure.WRIST[side]] - joints[:, measure.NECK]
    own = np.stack([LEFT_OF[side] * (off * left).sum(-1), off[:, 1], (off * ahead).sum(-1)], -1)
    return np.linalg.norm(own - place, axis=-1)


def together(way: Sequence[tuple[float, Place, Place | None]], end: float, grip: float = GRIP) -> dict[str, list[Key]]:
    """Keys of both hands that hold one thing, for its places: to the body's left, up and ahead. At the end they hang again."""
    keys = {}
    for side in posture.SIDES:
        sign = LEFT_OF[side]

        def own(place: Place | None, sign: float = sign) -> Place | None:
            return None if place is None else (sign * place[0] + grip, place[1], place[2])

        keys[side] = [Key(0), *(Key(t, own(place), own(via)) for t, place, via in way), Key(end)]
    return keys


def mirrored(place: Place, side: str) -> Place:
    """A place given for right-handed people, for those of that hand."""
    return (place[0] if side == "right" else -place[0], place[1], place[2])


def in_turn(
    at: float, first: Place, stroke: Callable[[float], list[Key]], count: int, period: float, rest: float = 0.6
) -> dict[str, list[Key]]:
    """Both hands half a period apart: at a place from `at` on, then so many strokes, and back. stroke: the keys of one that
    begins at that second and lasts a period."""
    keys = {}
    for half, side in enumerate(posture.SIDES):
        strokes = [stroke(at + (i + half / 2) * period) for i in range(count)]
        end = Key(at + (count + 0.5) * period + rest)
        keys[side] = [Key(0), Key(at, first), *(key for one in strokes for key in one), end]
    return keys


def alternating(d: Draw, first: Place, second: Place, count: int, period: float) -> dict[str, list[Key]]:
    """Both hands to and fro between two places, half a period apart."""

    def stroke(begun: float) -> list[Key]:
        return [Key(begun + period / 2, d.near(second, 0.02)), Key(begun + period, d.near(first, 0.02))]

    return in_turn(d.between(0.4, 0.7), first, stroke, count, period)


def last(hands: Mapping[str, Sequence[Key]]) -> float:
    """Seconds of the last key of all."""
    return max(keys[-1].seconds for keys in hands.values())

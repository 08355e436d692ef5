"""Instruments that are not there, acted like the gestures of gestures.py."""

from __future__ import annotations

from collections.abc import Callable

from dimo.body import posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import DOWN_OUT, Act, Draw
from dimo.data.leading import alternating, both, last, near, pairs, repeated


def guitar(d: Draw) -> Act:
    side = d.side(0.9)
    x, y, z = d.near((0.0, -0.42, 0.2), 0.02)
    neck = d.near((0.42, -0.22, 0.24), 0.03)
    at, period = d.between(0.5, 0.8), d.between(0.45, 0.75)
    count = int(d.generator.integers(4, 9))
    strum = [Key(0)]
    for i in range(count):
        strum += [
            Key(at + i * period, (x, y + 0.1, z)),
            Key(at + (i + 0.5) * period, (x + 0.02, y - d.between(0.06, 0.12), z)),
        ]
    end = at + count * period + 0.7
    hold = [Key(0), Key(at, neck)]
    while hold[-1].seconds < end - 1.5:
        hold += [Key(hold[-1].seconds + d.between(0.5, 1.0), d.near(neck, 0.05))]
    hold += [Key(end - 0.6, neck), Key(end)]
    said = pairs(
        "plays|playing the guitar",
        "strums|strumming a guitar",
        "plays|playing guitar",
        "plays|playing air guitar",
    )
    hands = {side: [*strum, Key(end)], posture.OTHER[side]: hold}
    return Act(said, hands, DOWN_OUT, end, shown=near(neck, 0.14, 0.8, (posture.OTHER[side],)))


def violin(d: Draw) -> Act:
    side = d.side(0.95)
    keys = repeated(d, d.near((0.0, -0.06, 0.28), 0.015), d.near((0.38, -0.16, 0.26), 0.03), (3, 6), (0.8, 1.6))
    neck = d.near((0.2, -0.02, 0.36), 0.02)
    end = keys[-1].seconds
    hold = [Key(0), Key(keys[1].seconds, neck), Key(keys[-2].seconds, neck), Key(end)]
    said = pairs("plays|playing the violin", "plays|playing a violin", "fiddles|fiddling")
    tilt = [(0.0, 0.0), (keys[1].seconds, 12.0 * LEFT_OF[posture.OTHER[side]]), (end - 0.5, 10.0), (end, 0.0)]
    hands = {side: keys, posture.OTHER[side]: hold}
    return Act(said, hands, (0.8, -0.8, 0.0), end, shake=tilt, shown=near(neck, 0.1, 0.8, (posture.OTHER[side],)))


def drums(d: Draw) -> Act:
    up, down = d.near((0.24, -0.02, 0.3), 0.03), d.near((0.14, -0.36, 0.38), 0.02)
    hands = alternating(d, up, down, int(d.generator.integers(4, 8)), d.between(0.5, 0.8))
    said = pairs("plays|playing the drums", "drums|drumming", "beats|beating a drum")
    return Act(said, hands, DOWN_OUT, last(hands), shown=near(down, 0.1, 0.05))


def keyboard(d: Draw) -> Act:
    piano = d.generator.random() < 0.55
    y, z, at = d.between(-0.44, -0.36), d.between(0.32, 0.4), d.between(0.5, 0.8)
    end, wide = d.between(2.5, 5.5), 0.18 if piano else 0.03
    hands: dict[str, list[Key]] = {}
    for s in posture.SIDES:
        when, hands[s] = at, [Key(0)]
        while when < end - 0.7:
            dip = d.between(0.0, 0.05)
            hands[s].append(Key(when, (d.between(0.1, 0.14 + wide), y + dip, z)))
            when += d.between(0.15, 0.4)
        hands[s].append(Key(end))
    said = (
        pairs("plays|playing the piano", "plays|playing piano", "plays|playing a keyboard")
        if piano
        else pairs("types|typing", "types|typing on a keyboard", "types|typing on a computer")
    )
    shown = near((0.12 + wide / 2, y, z), 0.1 + wide / 2, 1.0)
    return Act(said, hands, DOWN_OUT, end, nod=[(0, 0), (at, 12), (end - 0.5, 12), (end, 0)], shown=shown)


def conduct(d: Draw) -> Act:
    top, down, out = (
        d.near((0.16, 0.12, 0.4), 0.02),
        d.near((0.14, -0.28, 0.42), 0.02),
        d.near((0.44, -0.05, 0.36), 0.02),
    )
    at, period, keys = d.between(0.5, 0.8), d.between(0.9, 1.4), [Key(0)]
    for i in range(int(d.generator.integers(2, 5))):
        begun = at + i * period
        keys += [
            Key(begun, d.near(top)),
            Key(begun + period / 3, d.near(down)),
            Key(begun + 2 * period / 3, d.near(out)),
        ]
    keys += [Key(keys[-1].seconds + period / 3, top), Key(keys[-1].seconds + period / 3 + 0.7)]
    said = pairs("conducts|conducting an orchestra", "conducts|conducting", "conducts|conducting a choir")
    return Act(said, both(keys), DOWN_OUT, keys[-1].seconds, shown=near(out, 0.12, 0.05))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "guitar": (guitar, 0.45),
    "violin": (violin, 0.25),
    "drums": (drums, 0.25),
    "keyboard": (keyboard, 0.4),
    "conduct": (conduct, 0.2),
}
"""Instruments, and how often each is drawn."""

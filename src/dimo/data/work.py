"""Work with tools that are not there, acted like the gestures of gestures.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import DOWN_OUT, Act, Curve, Draw, in_hand
from dimo.data.leading import Place, alternating, both, held, last, near, pairs, posed, repeated, stay, together


def hammer(d: Draw) -> Act:
    side = d.side(0.75)
    low, high = d.near((0.12, -0.32, 0.42), 0.02), d.near((0.22, d.between(0.05, 0.25), 0.2), 0.03)
    keys = repeated(d, low, high, (3, 6), (0.5, 0.9))
    verbs = pairs(
        "hammers|hammering", "hammers|hammering a nail", "pounds|pounding with a hammer", "uses|using a hammer"
    )
    lean = [(0.0, 0.0), (0.6, d.between(4, 18)), (keys[-2].seconds, 10), (keys[-1].seconds, 0.0)]
    hands = {side: keys}
    return Act(in_hand(verbs, side), hands, DOWN_OUT, last(hands), lean=lean, shown=near(high, 0.14, 0.03, (side,)))


def axe(d: Draw) -> Act:
    side, at = d.side(0.7), d.between(0.5, 0.8)
    sign = LEFT_OF[side]
    high: Place = (0.1 * sign, d.between(0.32, 0.42), d.between(0.0, 0.12))
    low: Place = (0.0, d.between(-0.45, -0.3), d.between(0.38, 0.46))
    way: list[tuple[float, Place, Place | None]] = [(at, low, None)]
    lean: Curve = [(0.0, 0.0), (at, 18)]
    for _ in range(d.one(1, 2, 2, 3)):
        up = at + d.between(0.6, 1.0)
        down = up + d.between(0.2, 0.35)
        way += [(up, high, (0.25 * sign, -0.1, 0.4)), (down, low, (0.0, 0.3, 0.5)), (down + 0.2, low, None)]
        lean += [(up, -6), (down, d.between(25, 42)), (down + 0.2, 25)]
        at = down + 0.2
    end = at + d.between(0.6, 1.0)
    said = pairs(
        "chops|chopping wood",
        "swings|swinging an axe",
        "chops|chopping wood with an axe",
        "swings|swinging a pickaxe",
        "strikes|striking down with an axe",
        "splits|splitting a log with an axe",
        "swings|swinging an axe over the head",
    )
    return Act(
        said,
        together(way, end),
        DOWN_OUT,
        end,
        lean=[*lean, (end, 0.0)],
        hinge=[(t, max(0.0, 0.7 * v)) for t, v in [*lean, (end, 0.0)]],
        shown=near((0.0, 0.37, 0.06), 0.2, 0.05),
    )


def sweep(d: Draw) -> Act:
    """A broom, a mop or a rake: both hands on a stick that goes from side to side."""
    at, end = d.between(0.4, 0.7), 0.0
    ways: dict[str, list[Key]] = {s: [Key(0)] for s in posture.SIDES}
    upper, turn = d.one("left", "right"), [(0.0, 0.0)]
    swing, period = d.between(0.1, 0.2), d.between(0.7, 1.2)
    for i in range(int(d.generator.integers(4, 9))):
        x = swing * (1 if i % 2 else -1)
        for s in posture.SIDES:
            height, ahead = (-0.22, 0.3) if s == upper else (-0.46, 0.42)
            ways[s].append(Key(at + i * period / 2, (x * LEFT_OF[s] + 0.06, height, ahead)))
        turn.append((at + i * period / 2, -60 * x))
        end = at + i * period / 2
    for s in posture.SIDES:
        ways[s].append(Key(end + 0.7))
    bent = d.between(8, 25)
    lean = [(0.0, 0.0), (at, bent), (end, bent), (end + 0.7, 0.0)]
    said = pairs(
        "sweeps|sweeping the floor",
        "sweeps|sweeping with a broom",
        "sweeps|sweeping the floor with a broom",
        "mops|mopping the floor",
        "rakes|raking leaves",
        "vacuums|vacuuming the floor",
    )
    shown = near((0.06, -0.22, 0.3), 0.25, 0.3, (upper,))
    hinge = [(t, 0.6 * v) for t, v in lean]
    return Act(said, ways, DOWN_OUT, end + 0.7, [*turn, (end + 0.7, 0.0)], lean, hinge, shown=shown)


def dig(d: Draw) -> Act:
    at, side = d.between(0.5, 0.8), d.side()
    sign = LEFT_OF[side]
    low, up = (0.0, -0.5, 0.42), (-0.32 * sign, -0.18, 0.38)
    way: list[tuple[float, Place, Place | None]] = [(at, low, None)]
    lean: Curve = [(0.0, 0.0), (at, d.between(28, 45))]
    twist: Curve = [(0.0, 0.0), (at, 0.0)]
    for _ in range(d.one(2, 2, 3)):
        raised = at + d.between(0.6, 0.9)
        way += [(raised, up, None), (raised + 0.2, up, None), (raised + 0.9, low, None)]
        lean += [(raised, 10), (raised + 0.2, 10), (raised + 0.9, d.between(28, 45))]
        twist += [(raised, -30 * sign), (raised + 0.2, -30 * sign), (raised + 0.9, 0.0)]
        at = raised + 0.9
    end = at + d.between(0.6, 0.9)
    said = pairs(
        "digs|digging with a shovel",
        "shovels|shovelling snow",
        "digs|digging a hole",
        "digs|digging a hole with a shovel",
        "shovels|shovelling dirt",
        "shovels|shoveling",
    )
    hands = together(way, end, 0.12)
    lean.append((end, 0.0))
    hinge = [(t, 0.7 * v) for t, v in lean]
    return Act(said, hands, DOWN_OUT, end, [*twist, (end, 0.0)], lean, hinge, shown=near(low, 0.3, 0.1))


def wipe(d: Draw) -> Act:
    """A hand over a window, a wall or a table."""
    side, kind = d.side(0.75), d.one("window", "wall", "table", "board")
    middle, across, up, period = {
        "window": ((0.16, 0.08, 0.45), 0.12, 0.12, d.between(0.8, 1.3)),
        "wall": ((0.12, 0.0, 0.45), 0.03, 0.28, d.between(0.9, 1.5)),
        "table": ((0.12, -0.48, 0.4), 0.18, 0.0, d.between(0.7, 1.2)),
        "board": ((0.05, 0.08, 0.45), 0.03, 0.05, d.between(0.3, 0.5)),
    }[kind]
    x, y, z = d.near(middle, 0.03)
    at, keys = d.between(0.5, 0.8), [Key(0)]
    drift = d.between(0.02, 0.04) if kind == "board" else 0.0  # a line of writing goes on
    for i in range(int(d.generator.integers(3, 7)) * 4):
        corner = i % 4
        place = (x + across * (0, 1, 0, -1)[corner] + drift * i / 4, y + up * (1, 0, -1, 0)[corner], z)
        keys.append(Key(at + i * period / 4, place))
    end = keys[-1].seconds + 0.7
    verbs = {
        "window": pairs("cleans|cleaning a window", "wipes|wiping a window", "washes|washing a window"),
        "wall": pairs("paints|painting a wall", "paints|painting with a roller", "scrubs|scrubbing a wall"),
        "table": pairs("wipes|wiping a table", "cleans|cleaning a table", "polishes|polishing a table"),
        "board": pairs("writes|writing on a blackboard", "writes|writing on a wall", "draws|drawing on a whiteboard"),
    }[kind]
    bent = 22.0 if kind == "table" else 0.0
    lean = [(0.0, 0.0), (at, bent), (end - 0.7, bent), (end, 0.0)]
    shown = near((x, y, z), across + up + drift * 7 + 0.06, 0.8, (side,))
    return Act(in_hand(verbs, side), {side: [*keys, Key(end)]}, DOWN_OUT, end, lean=lean, shown=shown)


def stir(d: Draw) -> Act:
    side = d.side(0.8)
    x, y, z = d.near((0.08, -0.38, 0.36), 0.03)
    at, keys, period, wide = d.between(0.5, 0.8), [Key(0)], d.between(0.7, 1.2), d.between(0.07, 0.12)
    for i in range(int(d.generator.integers(3, 7)) * 4):
        place = (x + wide * (0, 1, 0, -1)[i % 4], y, z + wide * (1, 0, -1, 0)[i % 4])
        keys.append(Key(at + i * period / 4, place))
    end = keys[-1].seconds + 0.7
    holds = d.near((0.16, -0.4, 0.3), 0.02)
    hands = {side: [*keys, Key(end)], posture.OTHER[side]: [Key(0), Key(at, holds), Key(end - 0.7, holds), Key(end)]}
    verbs = pairs("stirs|stirring a pot", "stirs|stirring soup", "cooks|cooking", "mixes|mixing dough in a bowl")
    return Act(verbs, hands, DOWN_OUT, end, shown=near((x, y, z), wide + 0.08, 0.8, (side,)))


def saw(d: Draw) -> Act:
    side = d.side(0.8)
    keys = repeated(d, d.near((0.14, -0.4, 0.16), 0.02), d.near((0.12, -0.34, 0.42), 0.02), (3, 7), (0.6, 1.0))
    bent = d.between(12, 28)
    lean = [(0.0, 0.0), (keys[1].seconds, bent), (keys[-2].seconds, bent), (keys[-1].seconds, 0.0)]
    verbs = pairs("saws|sawing wood", "saws|sawing", "saws|sawing a board")
    hands = {side: keys}
    shown = near((0.12, -0.34, 0.42), 0.1, 0.05, (side,))
    return Act(in_hand(verbs, side), hands, DOWN_OUT, last(hands), lean=lean, shown=shown)


def pull(d: Draw) -> Act:
    """A rope hand over hand, or two oars."""
    far, close = d.near((0.1, -0.18, 0.5), 0.03), d.near((0.16, -0.34, 0.18), 0.03)
    count = int(d.generator.integers(3, 6))
    if d.generator.random() < 0.6:
        hands = alternating(d, far, close, count, d.between(0.8, 1.3))
        said = pairs("pulls|pulling a rope", "pulls|pulling on a rope hand over hand", "hauls|hauling in a rope")
        lean = [(0.0, 0.0), (0.6, -8), (last(hands) - 0.6, -8), (last(hands), 0.0)]
    else:
        keys = repeated(d, far, close, (3, 5), (1.2, 1.8))
        hands = both(keys)
        said = pairs("rows|rowing a boat", "rows|rowing", "pulls|pulling on oars")
        lean = [(k.seconds, 20.0 if k.place and k.place[2] > 0.35 else -10.0 if k.place else 0.0) for k in keys]
    return Act(said, hands, DOWN_OUT, last(hands), lean=lean, shown=near(close, 0.12, 0.05))


def press(d: Draw) -> Act:
    side, ready = d.side(0.75), d.between(0.5, 0.8)
    x, y, z = d.near((0.14, -0.12, 0.4), 0.05)
    keys = [Key(0), Key(ready, (x, y, z))]
    for _ in range(d.one(1, 1, 2, 3)):
        keys += [Key(keys[-1].seconds + 0.2, (x, y, z + 0.1)), Key(keys[-1].seconds + 0.45, (x, y, z))]
    end = keys[-1].seconds + d.between(0.5, 0.8)
    verbs = pairs(
        "presses|pressing a button",
        "pushes|pushing a button",
        "rings|ringing a doorbell",
        "knocks|knocking on a door",
        "taps|tapping on a screen",
    )
    hands = {side: [*keys, Key(end)]}
    return Act(in_hand(verbs, side), hands, DOWN_OUT, end, shown=near((x, y, z + 0.1), 0.08, 0.05, (side,)))


def steer(d: Draw) -> Act:
    at, keys = d.between(0.5, 0.8), {s: [Key(0)] for s in posture.SIDES}
    angle = 0.0
    for i in range(int(d.generator.integers(4, 8))):
        for s in posture.SIDES:
            keys[s].append(Key(at + 0.6 * i, (0.17, -0.26 + LEFT_OF[s] * angle, 0.4)))
        angle = d.between(-0.15, 0.15)
    end = max(k[-1].seconds for k in keys.values()) + 0.7
    for s in posture.SIDES:
        keys[s].append(Key(end))
    said = pairs("drives|driving a car", "turns|turning a steering wheel", "steers|steering a car")
    return Act(said, keys, DOWN_OUT, end, shown=near((0.17, -0.26, 0.4), 0.22, 1.0))


def photo(d: Draw) -> Act:
    place = d.near((0.08, 0.06, 0.22), 0.015)
    keys = held(d, place, (0.8, 2.5), (0.25, -0.3, 0.35))
    said = pairs(
        "takes|taking a photo",
        "takes|taking a picture with a camera",
        "looks|looking through binoculars",
        "photographs|photographing something",
    )
    return Act(said, both(keys), DOWN_OUT, keys[-1].seconds, shown=near(place, 0.1, 0.5))


def read(d: Draw) -> Act:
    """A book or a phone held before the chest and looked at."""
    texts = d.generator.random() < 0.5
    place = d.near((0.05 if texts else 0.12, -0.24, 0.3), 0.015)
    kept = stay(d)
    keys = posed(d, place, (2.0, 5.5), 0.012) if kept else held(d, place, (1.2, 4.0))
    down = d.between(18, 32)
    at_ends = down if kept else 0.0
    nod = [(0.0, at_ends), (keys[1].seconds, down), (keys[-2].seconds, down), (keys[-1].seconds, at_ends)]
    said = pairs("reads|reading a book", "reads|reading", "reads|reading a letter", "holds|holding a book to read")
    if texts:
        said = pairs(
            "looks|looking at a phone",
            "types|typing on a phone",
            "texts|texting on a phone",
            "checks|checking a phone",
            "scrolls|scrolling on a smartphone",
            "looks|looking down at a phone in both hands",
        )
    return Act(said, both(keys), DOWN_OUT, keys[-1].seconds, nod=nod, shown=near(place, 0.1, 0.8))


def type_keys(d: Draw) -> Act:
    """Both hands over a keyboard at the height of the belly, one and then the other."""
    at, end = d.between(0.5, 0.8), d.between(2.4, 5.0)
    keys = {}
    for side in posture.SIDES:
        x, y, z = d.near((0.1, -0.36, 0.34), 0.01)
        taps = np.arange(at + d.between(0, 0.1), end - 0.6, d.between(0.2, 0.3))
        moved = [Key(float(t), (x + d.between(-0.02, 0.02), y + 0.03 * (i % 2), z)) for i, t in enumerate(taps)]
        keys[side] = [Key(0), *moved, Key(end)]
    nod = [(0.0, 0.0), (at, d.between(8, 18)), (end - 0.6, 12), (end, 0.0)]
    said = pairs("types|typing on a keyboard", "types|typing", "works|working at a computer", "uses|using a keyboard")
    return Act(said, keys, DOWN_OUT, end, nod=nod, shown=near((0.1, -0.35, 0.34), 0.1, 0.8))


def open_door(d: Draw) -> Act:
    """A hand to a handle that is turned, and pulled to the body or pushed away."""
    side = d.side(0.75)
    handle = d.near((0.16, -0.36, 0.44), 0.02)
    at = d.between(0.5, 0.8)
    turned = at + d.between(0.3, 0.5)
    swing = turned + d.between(0.6, 1.0)
    pulls = d.generator.random() < 0.6
    there = d.near((0.32, -0.36, 0.14) if pulls else (0.1, -0.3, 0.6), 0.02)
    end = swing + d.between(0.7, 1.1)
    keys = [Key(0), Key(at, handle), Key(turned, (handle[0], handle[1] - 0.05, handle[2])), Key(swing, there)]
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (turned, 0.0), (swing, sign * (16 if pulls else -14)), (end, 0.0)]
    verbs = pairs("opens|opening a door", "turns|turning a door handle", "opens|opening the door by the handle")
    verbs += pairs("pulls|pulling a door open") if pulls else pairs("pushes|pushing a door open")
    shown = near(handle, 0.1, 0.1, (side,))
    return Act(in_hand(verbs, side), {side: [*keys, Key(end)]}, DOWN_OUT, end, twist, shown=shown)


def fish(d: Draw) -> Act:
    """A rod in both hands, thrown over the shoulder and held ahead."""
    side = d.side(0.8)
    sign, ready = LEFT_OF[side], d.between(0.5, 0.8)
    low: Place = (0.08 * sign, -0.32, 0.34)
    back: Place = (0.2 * sign, 0.16, 0.02)
    cocked = ready + d.between(0.5, 0.8)
    cast = cocked + d.between(0.22, 0.34)
    waits = cast + d.between(1.0, 2.5)
    end = waits + d.between(0.6, 0.9)
    way: list[tuple[float, Place, Place | None]] = [
        (ready, low, None),
        (cocked, back, (0.3 * sign, -0.1, 0.3)),
        (cocked + 0.1, back, None),
        (cast + 0.1, (0.05 * sign, -0.1, 0.46), (0.15 * sign, 0.35, 0.35)),
        (cast + 0.6, low, None),
        (waits, low, None),
    ]
    lean = [(0.0, 0.0), (cocked, -8), (cast + 0.1, d.between(6, 16)), (waits, 2), (end, 0.0)]
    said = pairs("casts|casting a fishing rod", "fishes|fishing", "throws|throwing out a fishing line")
    return Act(said, together(way, end, 0.06), DOWN_OUT, end, lean=lean, shown=near((0.06, 0.16, 0.02), 0.36, 0.05))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "hammer": (hammer, 0.3),
    "axe": (axe, 0.35),
    "sweep": (sweep, 0.3),
    "dig": (dig, 0.25),
    "wipe": (wipe, 0.45),
    "stir": (stir, 0.25),
    "saw": (saw, 0.2),
    "pull": (pull, 0.3),
    "press": (press, 0.35),
    "steer": (steer, 0.25),
    "photo": (photo, 0.25),
    "read": (read, 0.55),
    "type": (type_keys, 0.3),
    "open_door": (open_door, 0.4),
    "fish": (fish, 0.25),
}
"""Work, and how often each is drawn."""

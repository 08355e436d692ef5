"""Sports without their things, acted like the gestures of gestures.py."""

from __future__ import annotations

from collections.abc import Callable

from dimo.body import posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import DOWN, DOWN_OUT, OUT, Act, Draw, in_hand
from dimo.data.leading import Place, alternating, both, in_turn, last, mirrored, near, pairs, repeated, together


def golf(d: Draw) -> Act:
    side = d.side(0.9)
    address, ready = mirrored((0.0, d.between(-0.5, -0.46), 0.24), side), d.between(0.6, 1.0)
    back = ready + d.between(0.2, 0.8) + 0.7
    down = back + d.between(0.22, 0.3)
    through = down + d.between(0.25, 0.4)
    end = through + d.between(1.0, 1.6)
    top, finish = mirrored((-0.34, 0.1, 0.1), side), mirrored((0.32, 0.16, 0.1), side)
    way = [
        (ready, address, None),
        (back - 0.7, address, None),
        (back, top, mirrored((-0.55, -0.35, 0.3), side)),
        (down, address, mirrored((-0.6, -0.3, 0.3), side)),
        (through, finish, mirrored((0.6, -0.3, 0.35), side)),
        (through + 0.5, finish, None),
    ]
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (back - 0.7, 0.0), (back, 48 * sign), (down, -5 * sign), (through, -50 * sign), (end, 0.0)]
    bent = d.between(10, 18)
    lean = [(0.0, 0.0), (ready, bent), (down, bent), (through, 4), (end, 0.0)]
    hinge = [(t, v if v > 5 else 0.0) for t, v in lean]
    said = pairs(
        "swings|swinging a golf club",
        "plays|playing golf",
        "hits|hitting a golf ball",
        "takes|taking a golf swing",
        "makes|making a golf swing",
    )
    return Act(said, together(way, end, 0.03), DOWN, end, twist, lean, hinge, shown=near((0.0, -0.48, 0.24), 0.16, 0.1))


def bat(d: Draw) -> Act:
    side = d.side(0.85)
    cocked, hit, finish = (mirrored(p, side) for p in ((-0.28, 0.06, 0.02), (0.05, -0.25, 0.5), (0.38, 0.0, 0.12)))
    ready = d.between(0.5, 0.9)
    swing = ready + d.between(0.3, 1.0)
    met = swing + d.between(0.16, 0.24)
    over = met + d.between(0.2, 0.3)
    end = over + d.between(0.9, 1.4)
    way = [
        (ready, cocked, None),
        (swing, cocked, None),
        (met, hit, mirrored((-0.4, -0.15, 0.45), side)),
        (over, finish, mirrored((0.5, -0.15, 0.45), side)),
        (over + 0.4, finish, None),
    ]
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (ready, 35 * sign), (swing, 40 * sign), (met, -15 * sign), (over, -45 * sign), (end, 0.0)]
    said = pairs(
        "swings|swinging a bat",
        "swings|swinging a baseball bat",
        "hits|hitting a ball with a bat",
        "bats|batting",
        "swings|swinging a club with both hands",
    )
    return Act(said, together(way, end, 0.035), DOWN_OUT, end, twist, shown=near(cocked, 0.5, 0.1))


def racket(d: Draw) -> Act:
    """A serve or smash over the head, or a forehand at the side."""
    side = d.side(0.85)
    sign, ready = LEFT_OF[side], d.between(0.5, 0.8)
    if d.generator.random() < 0.5:
        toss, high = d.near((0.12, 0.35, 0.35), 0.03), d.near((0.14, 0.42, 0.2), 0.03)
        cocked, low = d.near((0.25, 0.12, -0.12), 0.02), d.near((-0.15, -0.4, 0.35), 0.04)
        hit = ready + d.between(0.3, 0.5)
        down = hit + d.between(0.15, 0.25)
        hands = {
            side: [
                Key(0),
                Key(ready, cocked),
                Key(hit - 0.12, cocked),
                Key(hit, high),
                Key(down, low),
                Key(down + 0.9),
            ],
            posture.OTHER[side]: [Key(0), Key(ready - 0.1, toss), Key(hit - 0.1, toss), Key(down + 0.6)],
        }
        lean = [(0.0, 0.0), (ready, -12), (hit, 5), (down, d.between(15, 28)), (down + 0.9, 0.0)]
        twist = [(0.0, 0.0), (ready, 25 * sign), (hit, -5 * sign), (down, -30 * sign), (down + 0.9, 0.0)]
        said = pairs(
            "serves|serving a tennis ball",
            "serves|serving in tennis",
            "smashes|smashing a ball with a racket",
            "hits|hitting an overhead serve",
        )
        return Act(said, hands, OUT, down + 0.9, twist, lean, shown=near(high, 0.16, 0.05, (side,)))
    back, front = d.near((0.5, -0.3, -0.15), 0.04), d.near((-0.15, 0.02, 0.42), 0.04)
    swing = ready + d.between(0.2, 0.5)
    hit = swing + d.between(0.22, 0.32)
    keys = [Key(0), Key(ready, back), Key(swing, back), Key(hit, front, (0.65, -0.3, 0.5)), Key(hit + 0.3, front)]
    twist = [(0.0, 0.0), (ready, 35 * sign), (swing, 35 * sign), (hit, -30 * sign), (hit + 1.0, 0.0)]
    verbs = pairs(
        "swings|swinging a tennis racket", "hits|hitting a forehand", "plays|playing tennis", "plays|playing a forehand"
    )
    hands = {side: [*keys, Key(hit + 1.1)]}
    return Act(in_hand(verbs, side), hands, DOWN_OUT, hit + 1.1, twist, shown=near(front, 0.16, 0.05, (side,)))


def basketball(d: Draw) -> Act:
    chest, brow = d.near((0.1, -0.2, 0.25), 0.02), d.near((0.09, 0.22, 0.22), 0.02)
    thrown: Place = (0.1, d.between(0.36, 0.44), d.between(0.28, 0.36))
    ready = d.between(0.4, 0.8)
    up = ready + d.between(0.3, 0.5)
    out = up + d.between(0.18, 0.28)
    keys = [Key(0), Key(ready, chest), Key(up, brow), Key(out, thrown), Key(out + 0.4, thrown), Key(out + 1.1)]
    said = pairs(
        "shoots|shooting a basketball",
        "throws|throwing a basketball at the hoop",
        "takes|taking a shot at the basket",
        "shoots|shooting a free throw",
    )
    return Act(said, both(keys), DOWN_OUT, out + 1.1, shown=near(thrown, 0.14, 0.1))


def bowl(d: Draw) -> Act:
    """A ball swung back beside the body and rolled out low, the trunk bent."""
    side = d.side(0.8)
    ready = d.between(0.4, 0.7)
    back = ready + d.between(0.45, 0.7)
    rolled = back + d.between(0.35, 0.5)
    end = rolled + d.between(1.1, 1.6)
    chest, behind = d.near((0.1, -0.3, 0.3), 0.02), d.near((0.24, -0.36, -0.42), 0.03)
    low, out = (0.2, -0.56, 0.1), d.near((0.12, -0.18, 0.56), 0.04)
    keys = [Key(0), Key(ready, chest), Key(back, behind, low), Key(rolled, out, low), Key(rolled + 0.3, out), Key(end)]
    other = [Key(0), Key(ready, chest), Key(back, d.near((0.5, -0.25, 0.05), 0.03)), Key(rolled + 0.3), Key(end)]
    lean = [(0.0, 0.0), (ready, 8), (back, d.between(15, 24)), (rolled, d.between(16, 26)), (end, 0.0)]
    verbs = pairs(
        "bowls|bowling",
        "rolls|rolling a bowling ball",
        "throws|throwing a ball underhand",
        "rolls|rolling a ball along the floor",
        "tosses|tossing something underhand",
    )
    hands, hinge = {side: keys, posture.OTHER[side]: other}, [(t, 1.2 * v) for t, v in lean]
    shown = near(out, 0.15, 0.05, (side,))
    return Act(in_hand(verbs, side), hands, DOWN, end, lean=lean, hinge=hinge, shown=shown)


def weights(d: Draw) -> Act:
    if d.generator.random() < 0.5:
        low, high = d.near((0.2, -0.56, 0.1), 0.02), d.near((0.19, -0.14, 0.2), 0.02)
        hands = both(repeated(d, low, high, (2, 5), (0.9, 1.6)))
        if d.generator.random() < 0.4:
            hands = alternating(d, low, high, int(d.generator.integers(2, 4)), d.between(1.2, 1.8))
        said = pairs(
            "does|doing biceps curls",
            "lifts|lifting dumbbells",
            "curls|curling dumbbells",
            "works|working out the arms",
        )
        return Act(said, hands, DOWN, last(hands), shown=near(high, 0.12, 0.1))
    low, high = d.near((0.24, -0.06, 0.15), 0.02), d.near((0.2, 0.46, 0.06), 0.02)
    hands = both(repeated(d, low, high, (2, 4), (1.0, 1.8)))
    said = pairs(
        "presses|pressing a barbell overhead",
        "lifts|lifting weights above the head",
        "does|doing shoulder presses",
        "lifts|lifting a heavy barbell over the head",
    )
    return Act(said, hands, OUT, last(hands), shown=near(high, 0.14, 0.1))


def swim(d: Draw) -> Act:
    bent = d.between(18, 45)
    if d.generator.random() < 0.5:
        at, period, count = d.between(0.5, 0.8), d.between(1.1, 1.7), int(d.generator.integers(2, 5))
        chest, ahead, wide = (0.05, -0.18, 0.2), (0.06, -0.02, 0.54), (0.5, -0.15, 0.15)
        keys = [Key(0), Key(at, chest)]
        for i in range(count):
            begun = at + i * period
            keys += [
                Key(begun + 0.35 * period, d.near(ahead, 0.02)),
                Key(begun + 0.75 * period, d.near(wide, 0.03), (0.5, -0.05, 0.45)),
                Key(begun + period, d.near(chest, 0.02)),
            ]
        hands = both([*keys, Key(at + count * period + 0.7)])
        said = pairs("swims|swimming breaststroke", "swims|swimming", "makes|making swimming movements")
    else:
        ahead, back = (0.14, 0.1, 0.5), (0.2, -0.5, 0.0)
        period, at = d.between(1.1, 1.7), d.between(0.5, 0.8)
        count = int(d.generator.integers(2, 5))

        def stroke(begun: float) -> list[Key]:
            return [
                Key(begun + period / 2, d.near(ahead, 0.03), (0.3, 0.75, 0.0)),
                Key(begun + period, d.near(back, 0.03), (0.12, -0.55, 0.45)),
            ]

        hands = in_turn(at, back, stroke, count, period, 0.7)
        said = pairs("swims|swimming front crawl", "swims|swimming", "moves|moving the arms as if swimming")
    end = last(hands)
    lean = [(0.0, 0.0), (0.6, bent), (end - 0.7, bent), (end, 0.0)]
    return Act(said, hands, (0.8, 0.1, -0.2), end, lean=lean, shown=near((0.1, 0.04, 0.52), 0.2, 0.05))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "golf": (golf, 0.4),
    "bat": (bat, 0.35),
    "racket": (racket, 0.45),
    "basketball": (basketball, 0.3),
    "bowl": (bowl, 0.3),
    "weights": (weights, 0.35),
    "swim": (swim, 0.4),
}
"""Moves of sports, and how often each is drawn."""

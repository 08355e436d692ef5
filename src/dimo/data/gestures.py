"""How a gesture is acted on the body of a real clip: keys of its hands, courses of its trunk and head, and its words.

The body stands or walks; its hands are led through places around it (body.acting), with times and places drawn anew each time.
What comes out is measured like everything else: a drink must bring a hand to the head, claps must part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dimo.body import acting, measure
from dimo.body.acting import Key
from dimo.body.motion import Motion
from dimo.body.rotation import quat_rotate
from dimo.data.joining import BODY
from dimo.data.parts import pick
from dimo.data.phrases import Pairs

SPINE = {BODY.index("spine1"): 0.3, BODY.index("spine2"): 0.4, BODY.index("spine3"): 0.3}
HEAD = {BODY.index("neck"): 1.0}
DOWN_OUT, OUT, DOWN = (0.5, -1.0, -0.3), (1.0, -0.4, 0.1), (0.15, -1.0, -0.2)
GUARD = (0.1, -0.09, 0.19)
"""Place of a fist that guards the chin."""
HINGE_M = 0.22
"""Metres that the pelvis goes back when the trunk is level: about what keeps the body over its feet."""
Curve = list[tuple[float, float]]


@dataclass
class Act:
    """One gesture: keys of each hand, where its elbow points, courses of the trunk and the head in degrees, and its words.

    twist, lean: of the trunk, to the left and forward; hinge: of the whole body over its feet, forward from the hips; nod, shake:
    of the head, forward and to the left; shrug: shoulders, up.
    """

    said: Pairs
    hands: dict[str, list[Key]]
    elbow: tuple[float, float, float]
    ends: float
    """Seconds from its beginning to its end."""
    twist: Curve = field(default_factory=list)
    lean: Curve = field(default_factory=list)
    hinge: Curve = field(default_factory=list)
    nod: Curve = field(default_factory=list)
    shake: Curve = field(default_factory=list)
    shrug: Curve = field(default_factory=list)
    shown: Callable[[np.ndarray, float], bool] = lambda joints, fps: True


def perform(body: Motion, act: Act, start: float) -> Motion | None:
    """The body doing it from that second on; None where it lasts too short or what should show does not."""
    if start + act.ends > body.seconds:
        return None
    times = acting.seconds(body) - start

    def degrees(keys: Curve) -> np.ndarray:
        return np.radians(acting.course(times, keys)) if keys else np.zeros(len(times))

    out = hinged(body, degrees(act.hinge)) if act.hinge else body
    out = acting.bend(out, SPINE, degrees(act.twist), degrees(act.lean))
    out = acting.bend(out, HEAD, degrees(act.shake), degrees(act.nod))
    out = acting.shrug(out, degrees(act.shrug))
    facing = acting.frame(body)
    for side, keys in act.hands.items():
        moved = [Key(k.seconds + start, k.place, k.via) for k in keys]
        out = acting.lead_hand(out, side, moved, act.elbow, facing)
    return out if act.shown(measure.smooth(out.joints(), out.fps), out.fps) else None


def hinged(body: Motion, angle: np.ndarray) -> Motion:
    """The body bent forward at the hips by an angle (F,) in radians over feet that stay, the pelvis going back under it."""
    back = HINGE_M * np.sin(angle)[:, None] * quat_rotate(acting.frame(body), acting.AHEAD)
    return acting.on_feet(acting.tipped(acting.moved_root(body, -back), np.degrees(angle)), *acting.feet(body))


# ---- places


class Draw:
    """Numbers of one gesture."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def between(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def near(self, place: Sequence[float], spread: float = 0.03) -> tuple[float, float, float]:
        x, y, z = (float(v) for v in np.array(place) + self.generator.uniform(-spread, spread, 3))
        return x, y, z

    def side(self, right: float = 0.6) -> str:
        return "right" if self.generator.random() < right else "left"

    def one(self, *choices):
        return pick(choices, self.generator)


def in_hand(verbs: Pairs, side: str) -> Pairs:
    """Each verb as it is, and with the hand that does it."""
    ends = ("", f" with the {side} hand", f" with their {side} hand", f" using the {side} hand")
    return [(v + e, g + e) for v, g in verbs for e in ends]

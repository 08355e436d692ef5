"""The checks of ordinary actions, and the captioner's events, on real clips; benchmarks/checks.py runs it.

Which clips show what a check asks for is told by the labels that their collections gave them.

Each check of ordinary actions has the labels of clips that show the action, and of those that may do so unsaid and are asked
for neither; the rest of CLEAR, the labels that name one plain action and nothing else, does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from dimo.body import measure
from dimo.body.motion import Motion
from dimo.body.skeleton import preset
from dimo.data.events import events
from dimo.data.joining import join
from dimo.data.records import Clip
from dimo.metrics.checks import check

BODY = preset("humanml3d")
CLIMBS = (
    r".*(climb|playground|ladder|stool|terrain|rope|stairs|steps|run over|run jump|hop|leap|jump|flip|gallop|dive).*"
)
"""Labels of clips that may be off the floor for longer than a jump, or come down deep."""
CLEAR = (
    r"walk.*|run.*|dash|jog.*|slow walk.*|normal walk|sneak|raise-up.*|wave.*|bye|byebye|bow|call|punch|guide|kick.*|"
    r"hop forward|(forward |high )?jump( forward| turn)?|squat|deep squat|sit to stand|sit down|stand up|inline lunge|"
    r"side lunge|hurdle step|standing leg raise|shoulder .*|lie down|put something on the floor|grab something high|"
    r"elbow to knee|rotate both arms backward|shoot a basketball|turn on spot|cartwheels?|fall.*|knocked out|throw.*|clap|"
    r"drink|crawl|push-up|jumping jacks|get up|press button|open door|push|stab|slash|.*punch|jab"
)
_LOW = r"sit.*|stand up|squat|deep squat|.*lunge|lie down|fall.*|knocked out|crawl|push-up|cartwheels?|put something.*|get up"
_LOW += r"|(forward |high )?jump.*|hop.*|run (dive|duck).*|run to quick stop|stab|.*kick.*|kick.*|throw.*|turn on spot"
_UP = (
    r"raise.*|wave.*|bye.*|.*lunge|sit to stand|standing leg raise|hurdle step|shoulder.*|shoot.*|rotate.*|call|throw.*"
)
_UP += r"|jumping jacks|lie down|put something.*|cartwheels?|(forward |high )?jump.*|hop.*|run dive.*|guide|grab.*|run jump.*"

Spec = dict[str, Any]
ORDINARY: dict[str, tuple[Spec, str, str]] = {
    "low (sits)": ({"check": "low"}, r"sit to stand|sit down|sit on stepstool, .*", _LOW),
    "low 0.22, 0.2 s (squats)": ({"check": "low", "share": 0.22, "seconds": 0.2}, r"squat|deep squat", _LOW),
    "low 0.18, 0.2 s (lunges)": ({"check": "low", "share": 0.18, "seconds": 0.2}, r"inline lunge|side lunge", _LOW),
    "low_times 1": ({"check": "low_times", "count": 1}, r"squat|deep squat", _LOW),
    "lie": ({"check": "lie"}, r"lie down", r"fall.*|knocked out|crawl|push-up|get up"),
    "fall": ({"check": "fall"}, r"fall.*|knocked out|lie down", r""),
    "reach_floor": ({"check": "reach_floor"}, r"put something on the floor", rf"{_LOW}"),
    "reach_up": ({"check": "reach_up"}, r"shoulder abduction|jump up to grab.*|deep squat|climb ladder", _UP),
    "reach_up (grabs at head height)": ({"check": "reach_up"}, r"grab something high", _UP),
    "leap": (
        {"check": "leap"},
        r"(forward |high )?jump( forward| turn)?|hop forward|jump and hop|run jump over",
        r"run (over|dive|jump).*|shoot.*",
    ),
    "leap 1": (
        {"check": "leap", "count": 1},
        r"(forward |high )?jump( forward| turn)?|hop forward",
        r"run (over|dive|jump).*|shoot.*",
    ),
    "leap_forward": (
        {"check": "leap_forward"},
        r"forward jump|jump forward|hop forward|run jump over",
        r".*jump.*|run .*",
    ),
    "kick left": ({"check": "kick", "side": "left"}, r"kick with the left leg", r"kick.*|standing leg raise"),
    "kick right": ({"check": "kick", "side": "right"}, r"kick with the right leg", r"kick.*|standing leg raise"),
    "kick right (leg raised slowly)": ({"check": "kick", "side": "right"}, r"standing leg raise", r"kick.*"),
    "spin": ({"check": "spin"}, r"360.*|pirouette|.*circle.*", r".*turn.*|walk.*|jump.*|jog.*"),
    "turn_around": (
        {"check": "turn_around"},
        r"walk turn around (left|right)|180",
        r".*turn.*|jump.*|normal walk|grab.*",
    ),
    "circle": ({"check": "circle"}, r"walk circle.*", r"walk.*turn.*|.*8|.*figure.*"),
    "crawl": ({"check": "crawl"}, r"crawl", r"lie down"),
    "inverted": ({"check": "inverted"}, r"cartwheels?|side flip", r"run dive.*"),
    "clap": ({"check": "clap"}, r"clap", r""),
    "hand_to_head": (
        {"check": "hand_to_head"},
        r"drink.*|.*drink soda.*|confused",
        r"elbow.*|.*punch|jab|call|shoot.*|bye.*",
    ),
    "throw": ({"check": "throw"}, r"throw.*", r".*punch|jab|push|stab|slash|cartwheels?|run dive.*"),
    "stop": (
        {"check": "stop"},
        r".*(sudden |quick )?stop|walk forward",
        r".*jump.*|.*turn.*|kick.*|lie.*|normal walk|hop.*",
    ),
    "jacks": ({"check": "jacks"}, r"jumping jacks", r"shoot.*|cartwheels?|run dive.*"),
    "pushup": ({"check": "pushup"}, r"push-up", r"lie down|crawl"),
    "still": ({"check": "still", "mps": 0.15}, r"motor cycle pose|static dance pose.*", r""),
}
"""Name: the check, the labels that show it, those that may."""

ACTIONS: dict[str, str] = {
    "sit": r"sit.*|walking, sitting.*",
    "stand_up": r"sit.*|stand up|walking, sitting.*",
    "squat": r".*squat.*|land from jump|open chest|range of motion",
    "lunge": r"inline lunge|.*(strike|slash|stab|bash|attack|swing).*|boxing|empi",
    "side_lunge": r"side lunge",
    "kick": r".*(kick|geri).*|martial arts|yokogeri|.*dance.*|start .*",
    "lift_leg": r"standing leg raise|range of motion|kick.*",
    "lift_knee": r"hurdle step|elbow to knee|.*dance.*|jumping jacks.*|.*balance.*|.*hop.*|start .*|front kick|range of motion",
    "jump": r".*(jump|hop|leap).*|180|360.*|shoot a basketball|.*dance.*|run over|yokogeri|martial arts|90|270|(small )?forward",
    "reach_floor": r"put something on the floor|cartwheels?|wash self|.*bend over.*|.*dance.*|get up|lift gate|jump.*|run d.*|"
    r"fall.*|hard landing",
    "lie": r"lie down|fall.*|knocked out",
    "crawl": r"crawl",
    "kneel": r"kneel.*|inline lunge",
    "turn_in_place": r".*turn.*|360.*|180|90|270|.*dance.*|.*spin.*|.*twist.*|grab something high|wind up",
    "clap": r"clap",
    "bow": r"bow|.*bend.*|laugh|guide|call|wash.*|.*dance.*|swordplay|mop floor|.*sit.*|jump.*|put something.*",
}
"""What the captioner says is done, and the labels of clips in which it may be true; on any other it counts as wrong."""


def share(held: list[bool]) -> dict[str, float] | None:
    return {"share": float(np.mean(held)), "clips": len(held)} if held else None


def measure_ordinary(clips: list[Clip]) -> dict[str, Any]:
    """Per check the share that passes of clips that show the action and of those with a clear label that don't."""
    out = {}
    for name, (spec, shows, may) in ORDINARY.items():
        has = [c for c in clips if re.fullmatch(shows, c.label)]
        lacks = [c for c in clips if re.fullmatch(CLEAR, c.label) and not re.fullmatch(f"{shows}|{may}", c.label)]
        held = {c.id: check(spec, c.joints, c.fps) for c in [*has, *lacks]}
        wrong = sorted({c.label for c in lacks if held[c.id]})
        out[name] = {
            "check": spec,
            "with_fact": share([held[c.id] for c in has]),
            "without_fact": share([held[c.id] for c in lacks]),
            "failed": [c.id for c in has if not held[c.id]][:20],
            "passed_without": wrong[:12],
        }
    return out


def measure_made(clips: list[Clip]) -> dict[str, Any]:
    """Checks that too few labels carry, on real clips changed so that what is true of them is known by construction."""
    floor = [c for c in clips if not re.fullmatch(CLIMBS, c.label)]
    walks = [c for c in clips if re.fullmatch(r"walk|run|jog.*", c.label) and len(c.joints) >= 60][:150]
    sits = [c for c in clips if re.fullmatch(r"sit to stand", c.label)]
    squats = [c for c in clips if re.fullmatch(r"squat", c.label)]
    up = [c for c in clips if re.fullmatch(r"climb (3 steps|ladder)", c.label)]
    up = [c for c in up if all(" up" in t.text and "down" not in t.text for t in c.captions if t.by_people)]
    rise, still = {"check": "rise", "min_m": 0.3}, {"check": "low", "when": "end"}
    stands = {
        "check": "in_order",
        "first": {"check": "low", "seconds": 0.3},
        "second": {"check": "no_turn", "max_deg": 90},
    }
    march = {"check": "in_place"}
    return {
        "grounded": {
            "with_fact": held({"check": "grounded"}, floor, lambda j, f: j),
            "without_fact": held({"check": "grounded"}, floor[::10], _hovering),
            "sunk": held({"check": "grounded"}, floor[::10], lambda j, f: j - [0, 0.12, 0]),
        },
        "low, end (sit to stand, cut where it sits)": {
            "with_fact": held(still, sits, lambda j, f: j[: _seated(j)]),
            "without_fact": held(still, sits, lambda j, f: j),
        },
        "in_order low, then not turned (the other half)": {
            "with_fact": held(stands, sits, lambda j, f: j[_deepest(j) - 6 :]),
            "without_fact": held(stands, walks, lambda j, f: j),
        },
        "in_place (walks and runs on a treadmill)": {
            "with_fact": held(march, walks, _treadmill),
            "without_fact": held(march, walks, lambda j, f: j),
        },
        "rise (climbs, cut at the top)": {
            "with_fact": held(rise, up, lambda j, f: j[: max(10, int(j[:, 0, 1].argmax()) + 1)]),
            "without_fact": held(rise, walks, lambda j, f: j),
        },
        "repeat squat": {
            **{f"{n} times": share([_squats(c, n, n) for c in squats]) for n in (1, 2, 3)},
            "once, said to be twice": share([_squats(c, 1, 2) for c in squats]),
        },
    }


def held(spec: Spec, clips: list[Clip], change: Callable[[np.ndarray, float], np.ndarray]) -> dict[str, float] | None:
    return share([check(spec, change(np.asarray(c.joints, float), c.fps), c.fps) for c in clips])


def _hovering(joints: np.ndarray, fps: float) -> np.ndarray:
    """Lifted by 0.2 m in the middle for 1.2 s, or all the time where the clip is shorter."""
    lift = np.zeros(len(joints))
    middle, half = len(joints) // 2, round(0.6 * fps)
    lift[max(0, middle - half) : middle + half + 1] = 0.2
    return joints + np.stack([0 * lift, lift, 0 * lift], axis=-1)[:, None]


def _deepest(joints: np.ndarray) -> int:
    return int(joints[:, measure.PELVIS, 1].argmin())


def _seated(joints: np.ndarray) -> int:
    """The frame after the last one that is nearly as low as the lowest."""
    height = joints[:, measure.PELVIS, 1]
    return int(np.flatnonzero(height < height.min() + 0.05)[-1]) + 1


def _treadmill(joints: np.ndarray, fps: float) -> np.ndarray:
    return joints - joints[:, :1] * [1, 0, 1]


def _squats(clip: Clip, made: int, said: int) -> bool:
    motion = one = Motion.from_joints(BODY, np.asarray(clip.joints, float), clip.fps)
    for _ in range(made - 1):
        joined = join(motion, one)
        if joined is None:
            return False
        motion = joined[0]
    return check({"check": "repeat", "of": "squat", "count": said}, motion.joints(), motion.fps)


def measure_captioner(clips: list[Clip]) -> dict[str, Any]:
    """Of the clips of which the captioner says an action, the share whose label allows it; of those with the label, who gets it."""
    found = [(c.label, events(c.joints, c.fps)) for c in clips]
    sides = {"left": "right", "right": "left"}
    out = {}
    for kind, labels in ACTIONS.items():
        said = [(label, e) for label, all_ in found for e in all_ if e.kind == kind]
        wrong = sorted({label for label, _ in said if not re.fullmatch(labels, label)})
        out[kind] = {"precision": share([bool(re.fullmatch(labels, label)) for label, _ in said]), "wrong": wrong[:12]}
    asked = {
        "kick": r"kick with the (left|right) leg",
        "turn": r"walk-turn-(left|right)",
        "raise": r"raise-up-(left|right)-hand",
    }
    asked |= {"wave": r"wave-(left|right)-hand"}
    for kind, labels in asked.items():
        told = [
            (m[1], {e.side for e in all_ if e.kind == kind})
            for label, all_ in found
            if (m := re.fullmatch(labels, label))
        ]
        out[f"{kind}, the side"] = {"precision": share([sides[side] not in said for side, said in told if said])}
    out["anything at all"] = {"recall": share([bool(all_) for _, all_ in found])}
    return out

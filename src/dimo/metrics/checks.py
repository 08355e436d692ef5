"""Instruction checks: did it turn left, wave the right hand, walk slowly? Predicates on joint positions.

What no learned encoder tells. A check is a dict {"check": NAME, ...arguments}; positions are (F, 22, 3), metres, Y up, at
any frame rate. Measured on real clips of known content before it counts (benchmarks/checks.json).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dimo.body import measure
from dimo.errors import RequestError
from dimo.metrics import checks_basic, checks_ordinary
from dimo.metrics.checks_basic import one_of

CUTS = np.linspace(0.25, 0.75, 11)
"""Where in_order tries to divide a clip."""


def in_order(joints: np.ndarray, fps: float, first: dict[str, Any], second: dict[str, Any]) -> bool:
    cuts = sorted({round(len(joints) * share) for share in CUTS})
    return any(
        c >= 2 and len(joints) - c >= 2 and _holds(first, joints[:c], fps) and _holds(second, joints[c:], fps)
        for c in cuts
    )


CHECKS: dict[str, Callable[..., bool]] = {**checks_basic.CHECKS, **checks_ordinary.CHECKS, "in_order": in_order}


def check(spec: dict[str, Any], joints: np.ndarray, fps: float) -> bool:
    """Whether one check holds on positions (F, 22, 3); RequestError for an unknown check or argument."""
    return check_all([spec], joints, fps)


def check_all(specs: Sequence[dict[str, Any]], joints: np.ndarray, fps: float) -> bool:
    """Whether all checks hold together."""
    joints = np.asarray(joints, float)
    if joints.ndim != 3 or joints.shape[1:] != (22, 3) or len(joints) < 2:
        raise RequestError(f"checks need joints of shape (F, 22, 3) with 2 frames or more, not {joints.shape}")
    steady = measure.smooth(joints, fps)
    held = [_holds(spec, steady, fps) for spec in specs]  # all of them, so that a wrong later spec is always reported
    return all(held)


def _holds(spec: dict[str, Any], joints: np.ndarray, fps: float) -> bool:
    arguments = {k: v for k, v in spec.items() if k != "check"}
    name = one_of(spec.get("check"), tuple(CHECKS), "check")
    allowed = list(inspect.signature(CHECKS[name]).parameters)[2:]
    if unknown := sorted(arguments.keys() - set(allowed)):
        raise RequestError(
            f"the check {name!r} has no argument {unknown[0]!r}; it takes {', '.join(allowed) or 'none'}"
        )
    try:
        return bool(CHECKS[name](joints, fps, **arguments))
    except TypeError:
        raise RequestError(
            f"the check {name!r} lacks an argument or has one of a wrong type: {arguments}; it takes {', '.join(allowed)}"
        ) from None

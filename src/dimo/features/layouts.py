"""The bodies that HumanML3D features are defined for: which joint is what, and the constants that go with each.

Facts from the public code of HumanML3D (paramUtil.py, motion_representation.ipynb) and, for 52 joints, Motion-X.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dimo.body.limbs import Limb
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import ShapeError


@dataclass(frozen=True)
class Layout:
    """Joint roles of one body. Sides are those of the published index lists, never inferred from offsets."""

    skeleton_name: str
    chains: tuple[tuple[int, ...], ...]
    raw_directions: tuple[str, ...]  # per joint, the unit rest direction of the bone that ends there
    right_hip: int
    left_hip: int
    right_shoulder: int
    left_shoulder: int
    leg: tuple[int, int]  # the two bones whose lengths set the scale
    right_feet: tuple[int, int]
    left_feet: tuple[int, int]
    contact_threshold: float  # squared displacement per frame, in squared units of the data
    fps: float

    @property
    def joints(self) -> int:
        return len(self.raw_directions)

    @property
    def size(self) -> int:
        """Features per frame: 4 + 9 (J - 1) + 3 J + 4."""
        return 4 + 9 * (self.joints - 1) + 3 * self.joints + 4

    @property
    def arms(self) -> tuple[Limb, ...]:
        """Of both sides, the last joints of the fourth and the fifth chain."""
        return tuple(Limb(*chain[-3:]) for chain in self.chains[3:5])

    @property
    def skeleton(self) -> Skeleton:
        return preset(self.skeleton_name)

    def directions(self) -> np.ndarray:
        """(J, 3) unit rest directions."""
        axes = {"0": (0, 0, 0), "+x": (1, 0, 0), "-x": (-1, 0, 0), "+y": (0, 1, 0), "-y": (0, -1, 0), "+z": (0, 0, 1)}
        return np.array([axes[d] for d in self.raw_directions], dtype=float)


_BODY = "0 +x -x +y -y -y +y -y -y +y +z +z +y +x -x +z -y -y -y -y -y -y".split()
_BODY_CHAINS = ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20))
_FINGERS = tuple(
    (wrist, first, first + 1, first + 2)
    for wrist, start in ((20, 22), (21, 37))
    for first in range(start, start + 15, 3)
)

FPS = 20.0
"""Frames a second of HumanML3D, and of everything inside."""

LONGEST = 196
"""Frames of its longest clip as the field reads it: whole code steps of what is under 200."""

HUMANML3D = Layout(
    "humanml3d",
    _BODY_CHAINS,
    tuple(_BODY),
    right_hip=2,
    left_hip=1,
    right_shoulder=17,
    left_shoulder=16,
    leg=(5, 8),
    right_feet=(8, 11),
    left_feet=(7, 10),
    contact_threshold=0.002,
    fps=FPS,
)
MOTION_X = replace(
    HUMANML3D,
    skeleton_name="smplx",
    chains=_BODY_CHAINS + _FINGERS,
    raw_directions=tuple(_BODY + ["+x"] * 15 + ["-x"] * 15),
)
KIT = Layout(
    "kit",
    ((0, 11, 12, 13, 14, 15), (0, 16, 17, 18, 19, 20), (0, 1, 2, 3, 4), (3, 5, 6, 7), (3, 8, 9, 10)),
    tuple("0 +y +y +y +y +x -y -y -x -y -y +x -y -y +z +z -x -y -y +z +z".split()),
    right_hip=11,
    left_hip=16,
    right_shoulder=5,
    left_shoulder=8,
    leg=(17, 18),
    right_feet=(14, 15),
    left_feet=(19, 20),
    contact_threshold=0.05,
    fps=12.5,
)
LAYOUTS = {layout.joints: layout for layout in (HUMANML3D, KIT, MOTION_X)}


def layout_for(*, joints: int | None = None, size: int | None = None) -> Layout:
    """The layout of a joint count (22, 21, 52) or of a feature size (263, 251, 623); ShapeError otherwise."""
    for layout in LAYOUTS.values():
        if joints == layout.joints or size == layout.size:
            return layout
    choices = ", ".join(f"{x.joints} joints / {x.size} features" for x in LAYOUTS.values())
    raise ShapeError(
        f"no HumanML3D layout for {f'{joints} joints' if joints else f'{size} features'}; there are {choices}"
    )

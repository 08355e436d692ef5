"""What preparation passes around: jobs (light, from a source), clips (loaded), captions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

Kind = Literal["human", "written", "take", "derived", "composed"]
"""Who says it: someone who watched the clip; someone who knew its label; either of them about a longer take of which the clip
is a part; a measurement of the motion; the joining of two clips."""

BY_PEOPLE = ("human", "written", "take")
"""Kinds that a clip is evaluated on; human captions come first."""

JOINS = " + "
"""Between the sources, and the licences, of a composite."""


@dataclass(frozen=True)
class Caption:
    """A sentence and where it comes from."""

    text: str
    kind: Kind = "written"

    @property
    def by_people(self) -> bool:
        return self.kind in BY_PEOPLE


@dataclass(frozen=True)
class Job:
    """A clip to load: everything about it but the motion. start and end in seconds cut a part out of the file."""

    id: str
    path: Path
    captions: tuple[str, ...]
    kind: Kind = "written"  # of the captions
    asf: Path | None = None
    fps: float | None = None  # the true rate, where the file says none
    split: str = ""  # empty: to be decided by the recording
    recording: str = ""  # clips of one recording are in one split
    repeats: float = 1.0  # how many jobs show a moment of this one, itself among them, on average
    source: str = ""
    licence: str = ""
    label: str = ""
    style: str = ""
    start: float = 0.0
    end: float = 0.0  # 0: to the end
    mirrored: bool = False  # the source holds mirrored copies of its own
    labelled: bool = False  # the captions were made from a label, which says nothing of arms that an exercise wants up
    reflect: bool = True  # whether a mirror image is to be added
    fault: str = ""  # why it is not to be learnt from, where the source knows


@dataclass(frozen=True)
class Clip:
    """A prepared clip: joints (F, J, 3) float32, metres, on the 22-joint body or another of features.layouts, at fps."""

    id: str
    joints: np.ndarray = field(repr=False)
    fps: float
    captions: tuple[Caption, ...]
    split: str
    recording: str = ""
    repeats: float = 1.0  # how many clips of the collection show its motion, so that it is not drawn so much oftener
    source: str = ""
    licence: str = ""
    label: str = ""
    style: str = ""
    provenance: str = ""  # file, part of it, naming that the retargeting used
    mirrored: bool = False
    composite: bool = False
    folder: int = 0  # of several prepared folders, the one that it was read from ...
    share: float = 0.0  # ... and that folder's share of the draws; 0: it has none of its own


@dataclass(frozen=True)
class Rejected:
    """A clip that did not pass, with the reason as one sentence."""

    id: str
    reason: str

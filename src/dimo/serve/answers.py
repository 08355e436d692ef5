"""What answers hold, as pydantic models: /openapi.json describes them by these, and the tests hold every answer against them.

Answers with motions are not built by way of these models, which would walk through every number of a motion.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Place = tuple[float, float, float]
Turn = tuple[float, float, float, float]


class Answer(BaseModel):
    """Nothing is told that is not described."""

    model_config = ConfigDict(extra="forbid")


class Named(Answer):
    """What every answer names."""

    seed: int | None = Field(description="Repeats the answer; none where nothing was drawn.")
    weights: str = Field(description="Hash of the weights, which changes with them and with their precision.")


class MotionJoint(Answer):
    name: str
    parent: int = Field(description="Number of the joint that this one hangs on; -1 for the first.")
    offset: Place = Field(description="From the parent, at rest, in metres.")


class MotionBody(Answer):
    name: str
    joints: list[MotionJoint]
    roles: dict[str, list[str]] | None = Field(None, description="Which joints are which part of a body, where told.")


class MotionFeet(Answer):
    """Frames [first, past the last] in which each foot stands; none for bodies whose feet are unknown."""

    left: list[tuple[int, int]]
    right: list[tuple[int, int]]


class MotionTold(Answer):
    """A motion, exact to the bit."""

    name: str
    fps: float
    seconds: float
    skeleton: MotionBody
    root: list[Place] = Field(description="Place of the first joint in each frame, in metres; Y is up.")
    rotations: list[list[Turn]] = Field(description="Of each frame and joint: local unit quaternion, w first.")
    contacts: MotionFeet


class PartMade(Answer):
    text: str | None
    seconds: float = Field(description="That the part got.")


class MotionsMade(Named):
    parts: list[PartMade]
    warnings: list[str] = Field(description="One sentence for each text that the model hardly knows; empty at best.")
    notes: list[str] = Field(description="One sentence for each text that is taken as another one.")
    motions: list[MotionTold]


class MotionsEdited(Named):
    warnings: list[str] = Field(description="A sentence where the model hardly knows the text; empty at best.")
    notes: list[str] = Field(description="A sentence where the text is taken as another one.")
    motions: list[MotionTold]


class MotionsConverted(Named):
    motions: list[MotionTold]


class Wording(Answer):
    text: str
    score: float | None = Field(description="Mean log-probability of a word piece; none of no words.")


class CaptionsSaid(Named):
    text: str
    score: float | None = Field(description="Mean log-probability of a word piece; none of no words.")
    others: list[Wording] = Field(description="Less probable ones, where several samples were asked for.")


class WordsChanged(Answer):
    old: str
    new: str = Field(description="Empty for words that are left out.")
    confidence: float
    start: int = Field(description="First character of the old words in the original.")
    end: int


class CaptionCorrected(Named):
    text: str
    original: str
    changed: bool
    changes: list[WordsChanged]


class FitTold(Answer):
    """In nats a place; higher is better. The gains have the priors divided out."""

    text: float
    motion: float
    text_gain: float
    motion_gain: float
    rank: float = Field(description="What search orders by: both gains.")


class FitScored(Named):
    score: FitTold
    caption: Wording = Field(description="The model's own.")
    doubtful: bool = Field(description="Whether the own caption is much more probable than the sentence.")


class FileFound(Answer):
    file: str
    score: FitTold


class FilesFound(Named):
    found: list[FileFound]
    searched: int
    unreadable: int


class Health(Named):
    status: str
    version: str
    waiting: int = Field(description="Requests in the queue.")
    answered: int
    batches: int = Field(description="In which they were answered.")


class ModelTold(Answer):
    id: str
    weights: str
    precision: str
    parameters: int
    language: str
    fps: float
    skeleton: str
    seconds_at_once: float = Field(description="That the model sees at once; longer motions are made window by window.")
    frames_per_step: int
    defaults: dict[str, Any] = Field(description="Of options.")
    strategies: list[str]
    schedules: list[str]


class Files(Answer):
    read: list[str]
    written: list[str]


class Models(Named):
    models: list[ModelTold]
    skeletons: list[str] = Field(description="Presets that answers may have.")
    files: Files
    library: bool = Field(description="Whether /v1/search has a folder to look into.")
    limits: dict[str, int | float]


SAID: tuple[type[Answer], ...] = (
    MotionsMade,
    MotionsEdited,
    MotionsConverted,
    CaptionsSaid,
    CaptionCorrected,
    FitScored,
    FilesFound,
)

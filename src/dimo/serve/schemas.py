"""What requests say, as pydantic models: their fields are what /openapi.json says, their examples are run by the tests."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dimo.diffusion.options import SampleOptions

Seconds = float | None
Span = tuple[float, float]


class Body(BaseModel):
    """Unknown names are refused, so that a slip of the pen is told and not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    examples: ClassVar[dict[str, dict[str, Any]]] = {}
    files: ClassVar[tuple[str, ...]] = ()
    """Fields that are a motion: as JSON, or a file in a part of that name of a multipart/form-data body."""


class Options(Body):
    """How to draw; what is left out has the model's default."""

    steps: int | None = Field(None, description="Rounds in which the masks are filled.")
    guidance: float | None = Field(None, description="How strongly to follow the text; 1 is plain sampling.")
    temperature: float | None = Field(None, description="Variety of the draws; 0 takes the most probable.")
    top_k: int | None = Field(None, description="Codes considered in each draw; 0 considers all.")
    strategy: str | None = Field(None, description="What a round keeps and takes back.")
    schedule: str | None = Field(None, description="How many places a round fills.")
    adaptive: float | None = Field(None, description="Also keep what is at least this probable, in fewer rounds.")
    guidance_on: str | None = Field(None, description="What guidance works on: logits or probabilities.")

    def sample_options(self) -> SampleOptions:
        """RequestError for a value that is out of its range."""
        return SampleOptions(**self.model_dump(exclude_none=True))


class Written(Body):
    """How motions come back."""

    format: str | list[str] = Field(
        "json",
        description="json, glb, bvh, npz, npy, gif, mp4 or png, or several of them; more than one file comes as a zip.",
    )
    fps: float | None = Field(None, description="Frame rate of the answer; by default that of the motion.")
    skeleton: str | None = Field(None, description="Body of the answer, by the name of a preset.")

    @field_validator("format")
    @classmethod
    def _some(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, list) and not 1 <= len(value) <= 16:
            raise ValueError("name from 1 to 16 formats")
        return value


class Drawn(Written):
    """What all requests have that make motions."""

    samples: int = Field(1, description="Motions to make; the first is what one alone would be.")
    seed: int | None = Field(None, description="Repeats the answer; by default one is drawn, and told.")
    options: Options = Field(default_factory=lambda: Options.model_validate({}))
    footlock: bool = Field(True, description="Hold planted feet still; false shows what the model made.")


class Part(Body):
    """What happens for a while."""

    text: str | None = Field(None, description="An English sentence; none for whatever may come.")
    seconds: Seconds = Field(None, description="How long; by default what the text makes likely.")


class Motions(Drawn):
    """Motion from a text, from several in a row, or from none."""

    text: str | None = Field(None, description="An English sentence.")
    seconds: Seconds = Field(None, description="Length of the motion; by default what the text makes likely.")
    best: int = Field(
        1, description="Of text: draw so many for each sample, and keep the one that the model would describe so."
    )
    parts: list[Part] | None = Field(None, description="Several sentences, one long motion; instead of text.")
    recall: float | None = Field(None, description="Share of training motions that were described alike, 0 to 1.")

    examples = {
        "one sentence": {"text": "a person walks forward", "seconds": 4, "seed": 1},
        "two samples for Blender": {"text": "a person bows", "samples": 2, "format": "glb", "fps": 30},
        "several parts": {
            "parts": [{"text": "a person walks forward", "seconds": 3}, {"text": "a person bows", "seconds": 2}]
        },
        "a draft": {"text": "someone waves", "seconds": 2, "options": {"steps": 5}},
    }


class Between(Body):
    """Frames that lead from one motion to another."""

    seconds: float = Field(1.5, description="Length of what is made between the two.")
    place: Literal["as_is", "follow"] = Field(
        "as_is", description="Leave the second motion where it is, or move it to where the frames between arrive."
    )


class Edits(Drawn):
    """A motion in; parts of it made anew, a longer one, a variation, or one that leads to another, out.

    One of replace, keep, extend, vary and inbetween says what to do. What is kept comes back bit for bit, on the motion's own
    body and at its own rate, unless fps or skeleton ask for others.
    """

    motion: Any = Field(None, description="The motion, as JSON answers hold it; or a file in a part of this name.")
    other: Any = Field(None, description="With inbetween: the motion to lead to.")
    replace: list[Span] | None = Field(None, description="Spans [start, end] to make anew.")
    keep: list[Span] | None = Field(None, description="Spans to keep; everything else is made anew.")
    unit: Literal["seconds", "frames"] = Field("seconds", description="Of the spans.")
    seconds: Seconds = Field(None, description="With keep: length of the result.")
    extend: float | None = Field(None, description="Seconds to go on for after the end.")
    vary: float | None = Field(None, description="Share, 0 to 1, to make anew all over.")
    inbetween: Between | None = None
    text: str | None = Field(None, description="What happens in the new frames.")
    memory: float | None = Field(None, description="Share of remembered motions in what no text describes, 0 to 1.")

    files = ("motion", "other")
    examples = {
        "a stretch anew": {"motion": "...", "replace": [[1, 2]], "text": "a person bows", "seed": 1},
        "go on": {"motion": "...", "extend": 2, "text": "a person walks forward"},
        "vary": {"motion": "...", "vary": 0.4, "samples": 4},
        "lead over": {"motion": "...", "other": "...", "inbetween": {"seconds": 1.5}},
    }


class Captions(Body):
    """Words for a motion."""

    motion: Any = Field(None, description="The motion, as JSON answers hold it; or a file in a part of this name.")
    samples: int = Field(1, ge=1, le=64, description="Captions to draw; the surest comes first.")
    seed: int | None = None

    files = ("motion",)
    examples = {"the most probable": {"motion": "..."}, "several": {"motion": "...", "samples": 5, "seed": 1}}


class Corrections(Body):
    """A caption in, the same with the words put right that the motion contradicts out."""

    motion: Any = Field(None, description="The motion, as JSON answers hold it; or a file in a part of this name.")
    text: str = Field(description="The caption to correct.")

    files = ("motion",)
    examples = {"a caption": {"motion": "...", "text": "a person waves with the left hand"}}


class Scores(Body):
    """How well a sentence and a motion fit, and whether the model doubts that they do."""

    motion: Any = Field(None, description="The motion, as JSON answers hold it; or a file in a part of this name.")
    text: str = Field(description="An English sentence.")

    files = ("motion",)
    examples = {"a sentence": {"motion": "...", "text": "a person walks forward"}}


class Conversions(Written):
    """A motion from one format, rate or body to others."""

    motion: Any = Field(None, description="The motion, as JSON answers hold it; or a file in a part of this name.")

    files = ("motion",)
    examples = {"to 30 frames a second": {"motion": "...", "format": "bvh", "fps": 30}}


class Search(Body):
    """The motions of the server's library that fit a sentence best."""

    text: str = Field(description="An English sentence.")
    limit: int = Field(10, ge=1, le=1000, description="Most motions to name.")

    examples = {"a sentence": {"text": "someone bows"}}


BODIES: tuple[type[Body], ...] = (Motions, Edits, Captions, Corrections, Scores, Conversions, Search)

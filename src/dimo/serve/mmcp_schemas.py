"""What the Motion Model Context Protocol asks, version 1: the parts of it that this server takes, and its errors.

Constraints, poses and references are known by their type alone: they are refused by name, as /capabilities declares.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = "1.4"
STATUS = {
    "schema_validation": 422,
    "unknown_model": 400,
    "unsupported_constraint": 400,
    "unsupported_segment": 400,
    "invalid_skeleton": 400,
    "invalid_options": 400,
    "version_unsupported": 400,
    "payload_too_large": 413,
    "rate_limited": 429,
    "internal_error": 500,
    "resource_exhausted": 503,
}

Number = Annotated[float, Field(allow_inf_nan=False)]


class ProtocolError(Exception):
    """A refusal in the protocol's own form: a code of STATUS, one sentence, and details for programs."""

    def __init__(self, code: str, message: str, **details: Any):
        super().__init__(message)
        self.code, self.status, self.details = code, STATUS[code], details

    def envelope(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": str(self), "details": self.details}}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Joint(Strict):
    name: str = Field(min_length=1, max_length=128)
    parent: str | None = None
    rest_translation: tuple[Number, Number, Number]
    rest_rotation: tuple[Number, Number, Number, Number]  # x, y, z, w
    display_name: str | None = None


class Skeleton(Strict):
    joints: list[Joint] = Field(min_length=1, max_length=2000)
    coordinate_system: Literal["right_handed_y_up"] = "right_handed_y_up"
    units: Literal["meters"] = "meters"


class Segment(BaseModel):
    """A strip: what happens for some frames. Other types than text and unconditioned are refused by their name."""

    model_config = ConfigDict(extra="allow")
    type: str
    prompt: str | None = None
    duration_frames: int = Field(1, gt=0, le=1_000_000)
    seed: int | None = None


class Constraint(BaseModel):
    model_config = ConfigDict(extra="allow")
    type: str


class Guidance(Strict):
    type: str
    weight: list[Number] = Field(default_factory=list)


class GenerateOptions(Strict):
    diffusion_steps: int = Field(100, ge=1, le=500)
    num_samples: int = Field(1, ge=1, le=16)
    seed: int | None = None
    post_processing: bool = True
    transition_frames: int = Field(5, ge=0, le=60)
    guidance: Guidance | None = None
    loop: bool = False
    keyframe_budget: float | None = Field(None, gt=0)
    model_options: dict[str, Any] | None = None


class Timing(Strict):
    fps: float = Field(gt=0, le=240, allow_inf_nan=False)


class Generate(Strict):
    protocol_version: str = Field(pattern=r"^\d+\.\d+$")
    model: str
    skeleton: Skeleton
    segments: list[Segment] = Field(default_factory=list)
    constraints: list[Constraint] = Field(default_factory=list)
    duration_frames: int | None = Field(None, gt=0)
    timing: Timing | None = None
    options: GenerateOptions = Field(default_factory=lambda: GenerateOptions.model_validate({}))

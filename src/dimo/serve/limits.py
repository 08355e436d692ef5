"""What one client may ask of the server, so that none can take it from the others."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, durations in seconds."""

    body_bytes: int = 32 * MEBIBYTE  # of a request; files come in it
    unpacked_bytes: int = 256 * MEBIBYTE  # of a compressed upload, by what it says of itself
    text: int = 2_000  # characters of a sentence
    parts: int = 64  # prompts of one motion
    seconds: float = 120.0  # of a motion that is made, and of one that is read
    samples: int = 16  # motions of one request
    frames: int = 60_000  # of a motion that is read
    jobs: int = 64  # that wait; more are sent away with 429
    patience: float = 20.0  # without a byte of a request's body, and for its head
    wait: float = 120.0  # for an answer, in the queue and in the making

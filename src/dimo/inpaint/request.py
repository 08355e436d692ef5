"""What every task checks and turns: text to ids, seconds to code steps."""

from __future__ import annotations

from dimo.errors import RequestError
from dimo.text.wordpiece import Wordpiece


def text_to_ids(text: str, wordpiece: Wordpiece, longest: int) -> list[int]:
    """Word-piece ids of a request; RequestError when it is empty, too long, or not English."""
    if not isinstance(text, str):
        raise RequestError(f"the text must be a string, not {type(text).__name__}")
    reason = wordpiece.unsupported(text, longest)
    if reason:
        raise RequestError(reason)
    return wordpiece.encode(text)


def seconds_to_steps(seconds: float, fps: float, stride: int, longest: int) -> int:
    """Code steps for a duration, rounded up; RequestError outside of one step to the model's longest motion."""
    most = longest * stride / fps
    if not 0 < seconds <= most + 1e-9:
        raise RequestError(
            f"seconds must be more than 0 and at most {most:g} (the model's longest motion), not {seconds:g}"
        )
    return max(1, min(longest, -int(-seconds * fps // stride)))

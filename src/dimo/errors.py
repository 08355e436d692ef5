"""Every error a user can cause, as one small tree; each message is one sentence that says where and what would be right."""

from __future__ import annotations

from os import PathLike


class DimoError(Exception):
    """Root of all errors that dimo raises on purpose. The command line prints the message and exits with 2."""


class FormatError(DimoError):
    """A file, or a value in it, is not what its format says.

    The place (path, line, joint, frame) is put in front of the message when it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        joint: str | None = None,
        frame: int | None = None,
    ):
        self.message, self.path, self.line, self.joint, self.frame = message, path, line, joint, frame
        place = [str(path)] if path is not None else []
        place += [f"line {line}"] if line is not None else []
        place += [f"joint {joint}"] if joint is not None else []
        place += [f"frame {frame}"] if frame is not None else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)


class StillError(FormatError):
    """A file that may hold a body, but no motion of it."""


class ShapeError(DimoError, ValueError):
    """An array or a skeleton has the wrong shape, size or order."""


class WeightsError(DimoError):
    """A weights folder is missing, incomplete, of another version, or does not fit its own config."""


class RequestError(DimoError, ValueError):
    """A request (text, option, flag) cannot be carried out as asked."""

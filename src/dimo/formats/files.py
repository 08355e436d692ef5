"""Reading whole files with limits, and writing them whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dimo.errors import FormatError


def read_bytes(path: str | Path, limit_bytes: int) -> bytes:
    """Contents of a file; FormatError when it is missing, a folder, unreadable, empty, or larger than the limit."""
    path = Path(path)
    if path.is_dir():
        raise FormatError("is a folder, not a file", path=path)
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise FormatError(f"has {size:,} bytes; files up to {limit_bytes:,} are read", path=path)
        data = path.read_bytes()
    except FileNotFoundError:
        raise FormatError("no such file", path=path) from None
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror or error})", path=path) from None
    if not data:
        raise FormatError("the file is empty", path=path)
    return data


def read_text(path: str | Path, limit_bytes: int) -> str:
    """Contents of a text file in UTF-8, UTF-16 or UTF-32, else Latin-1 (names in old files); never fails on an encoding."""
    data = read_bytes(path, limit_bytes)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").removeprefix("\ufeff")
    head = data[:2000]
    for odd, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):  # without a mark: every other byte of plain text is 0
        if len(head) > 8 and head[odd::2].count(0) > 0.8 * (len(head) // 2) and not head[1 - odd :: 2].count(0):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte order marks and what they say; the longer ones first."""


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to it when the block ends well, removed otherwise.

    An OSError of the block (no space, no permission) names `path`.
    """
    path = Path(path)
    if path.is_dir():
        raise FormatError("is a folder; name a file to write", path=path)
    if not path.parent.is_dir():
        raise FormatError(f"the folder {path.parent} does not exist", path=path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror or error})", path=path) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (None, name, temporary):
            raise  # of another file that was read on the way
        if error.errno is None:  # numpy's own, when fewer bytes went out than it asked for
            raise OSError(errno.EIO, f"not written whole; is the disk full? ({error})", str(path)) from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def json_object(line: str, path: Path, number: int) -> dict[str, Any]:
    """The object of line `number` of a JSON-lines file; FormatError names a line that is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise FormatError("not a JSON object", path=path, line=number)
    return row


def _umask() -> int:
    """The process's file mode mask; mkstemp ignores it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""From a request's body to its model and its motions: JSON, or a form with files. Nothing that was sent stays on the disk."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from dimo.body.motion import Motion
from dimo.errors import FormatError
from dimo.formats import table
from dimo.formats.motion_json import from_json
from dimo.serve.limits import Limits
from dimo.serve.problems import Problem
from dimo.serve.schemas import Body
from dimo.serve.service import Service

B = TypeVar("B", bound=Body)
JSON, FORM = "application/json", "multipart/form-data"
ALONE = tuple(suffix for suffix in table.READ if suffix not in (".amc", ".gltf"))
"""What can be read without a file beside it."""


@dataclass(frozen=True)
class Upload:
    """A file as it came."""

    name: str
    data: bytes


async def read(request: Request, model: type[B], service: Service) -> tuple[B, dict[str, Motion]]:
    """The request, checked, and its motions by field. Problem or DimoError for what cannot be read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    files: dict[str, Upload] = {}
    if kind == FORM and model.files:
        data, files = await _form(request, model)
    elif kind == JSON or kind.endswith("+json"):
        data = await service.aside(_json, await request.body(), "the body")
    else:
        also = f" or {FORM}" if model.files else ""
        raise Problem(415, f"the body is {JSON}{also}, not {kind or 'of no type'}")
    if not isinstance(data, dict):
        raise Problem(422, "the body is a JSON object")
    given = {name: data.pop(name) for name in model.files if data.get(name) is not None}
    both = given.keys() & files.keys()
    if both:
        raise Problem(422, f"{min(both)} comes twice, as JSON and as a file")
    try:
        body = model.model_validate(data)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    return body, await service.aside(_motions, given, files, service.limits)


async def _form(request: Request, model: type[Body]) -> tuple[Any, dict[str, Upload]]:
    """The JSON of the part "request", and the files of the others."""
    data: Any = {}
    files: dict[str, Upload] = {}
    async with request.form(max_files=len(model.files), max_fields=1, max_part_size=1_000_000) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and name in model.files:
                files[name] = Upload(Path(value.filename or name).name[:120], await value.read())
            elif isinstance(value, str) and name == "request":
                data = _json(value.encode(), "the part request")
            else:
                wanted = ", ".join(model.files)
                raise Problem(
                    422, f"the form has a part {name[:40]!r}; it may have request (JSON) and files as {wanted}"
                )
    return data, files


def _json(data: bytes, what: str) -> Any:
    try:
        return json.loads(data, parse_constant=_no_number)
    except RecursionError:
        raise Problem(400, f"{what} is no JSON (nested too deeply)") from None
    except ValueError as error:
        raise Problem(400, f"{what} is no JSON ({error})") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _motions(given: dict[str, Any], files: dict[str, Upload], limits: Limits) -> dict[str, Motion]:
    motions = {name: from_json(value, name, limits.frames) for name, value in given.items()}
    motions |= {name: read_file(upload, limits) for name, upload in files.items()}
    for name, motion in motions.items():
        if len(motion) > limits.frames or motion.seconds > limits.seconds:
            raise FormatError(
                f"{name}: is {motion.seconds:g} s of {len(motion):,} frames; up to {limits.seconds:g} s and "
                f"{limits.frames:,} frames are read"
            )
    return motions


def read_file(upload: Upload, limits: Limits) -> Motion:
    """The motion in a file that was sent, by the suffix of its name."""
    suffix = Path(upload.name).suffix.lower()
    if suffix in table.READ and suffix not in ALONE:
        raise FormatError(f"a {suffix} file needs others beside it; send one of {', '.join(ALONE)}", path=upload.name)
    if suffix == ".npz":
        _refuse_bomb(upload, limits)
    with tempfile.TemporaryDirectory(prefix="dimo-") as folder:
        # Under a name of ours: what a client calls its file is no path here.
        path = Path(folder) / f"motion{suffix if suffix in table.READ or suffix == '.fbx' else '.unknown'}"
        path.write_bytes(upload.data)
        try:
            motion = table.read(path).motion
        except FormatError as error:
            raise FormatError(str(error).replace(str(path), upload.name).replace(folder, "")) from None
    return motion


def _refuse_bomb(upload: Upload, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(upload.data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile:
        return  # the reader says what is wrong with it
    if size > limits.unpacked_bytes:
        raise FormatError(f"unpacks to {size:,} bytes; up to {limits.unpacked_bytes:,} are read", path=upload.name)

"""Motions as the body of an answer: JSON, one file, or a zip of several; always with the seed and the weights' hash."""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi.responses import Response

from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import preset
from dimo.errors import RequestError
from dimo.formats import table
from dimo.formats.motion_json import to_json
from dimo.serve.schemas import Written
from dimo.view import video

MEDIA = {
    ".glb": "model/gltf-binary",
    ".vrma": "model/gltf-binary",
    ".npz": "application/zip",
    ".gif": "image/gif",
    ".png": "image/png",
    ".mp4": "video/mp4",
    ".html": "text/html; charset=utf-8",
    ".bvh": "text/plain; charset=utf-8",
}
FORMATS = ("json", *(s.removeprefix(".") for s in (*table.WRITE, *video.SUFFIXES)))
FASTEST = 240.0
"""Frames a second of an answer."""


def formats_of(asked: Written) -> list[str]:
    """The formats that are asked for. RequestError for others than there are, before anything is made."""
    formats = list(dict.fromkeys([asked.format] if isinstance(asked.format, str) else asked.format))
    for one in formats:
        if one not in FORMATS:
            raise RequestError(f"there is no format {one[:40]!r} to write; there are {', '.join(FORMATS)}")
    if asked.fps is not None and not 1 <= asked.fps <= FASTEST:
        raise RequestError(f"fps must be from 1 to {FASTEST:g}, not {asked.fps:g}")
    if asked.skeleton is not None:
        preset(asked.skeleton)
    if "mp4" in formats:
        video.find_ffmpeg()
    return formats


def on_body(motion: Motion, asked: Written) -> Motion:
    """The motion on the body and at the rate that are asked for."""
    if asked.skeleton is not None and (body := preset(asked.skeleton)) != motion.skeleton:
        motion = retarget(motion, body)
    return motion if asked.fps is None else motion.resample(asked.fps)


def answer(motions: Sequence[Motion], asked: Written, told: Mapping[str, Any]) -> Response:
    """An answer with motions; told: what is said of them, such as the seed."""
    formats = formats_of(asked)
    motions = [on_body(motion, asked) for motion in motions]
    headers = {f"Dimo-{key.title()}": str(told[key]) for key in ("seed", "weights") if told.get(key) is not None}
    if formats == ["json"]:
        return as_json({**told, "motions": [to_json(m) for m in motions]}, headers)
    files = [(f"{_stem(m, i, len(motions))}.{f}", written(m, f)) for i, m in enumerate(motions) for f in formats]
    if len(files) == 1:
        ((name, data),) = files
        media = MEDIA.get(Path(name).suffix, "application/octet-stream")
        return Response(data, media_type=media, headers={**headers, **_named(name)})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dimo.json", json.dumps(dict(told), indent=2))
        for name, data in files:
            archive.writestr(name, data)
    zipped = _named(f"{_stem(motions[0], 0, 1)}.zip")
    return Response(packed.getvalue(), media_type="application/zip", headers={**headers, **zipped})


def as_json(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """As the framework's own, but without its walk through every number of a motion."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(body, media_type="application/json", headers=dict(headers or {}))


def written(motion: Motion, kind: str) -> bytes:
    """A file's bytes, by the suffix of its kind."""
    if kind == "json":
        return json.dumps(to_json(motion)).encode()
    with tempfile.TemporaryDirectory(prefix="dimo-") as folder:
        path = Path(folder) / f"motion.{kind}"
        if path.suffix in table.WRITE:
            motion.save(path)
        else:
            video.save(motion, path)
        return path.read_bytes()


def _stem(motion: Motion, number: int, count: int) -> str:
    """A file's name without its suffix, numbered where there are several."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", motion.name).strip("_")[:60] or "motion"
    return plain if count == 1 else f"{plain}_{number + 1}"


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}

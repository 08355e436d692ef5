"""A motion as one page that plays it without a server or a network: the stage of `dimo serve`, its figure and the motion inside.

Notebooks show a Motion by it, `Motion.show` opens it in a browser, and .html is a suffix that is written.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import tempfile
import webbrowser
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.formats.files import write_atomically
from dimo.formats.motion_json import to_json

HERE = Path(__file__).parent
PAGE = HERE.parent / "serve" / "page"
MAIN = HERE / "motion.js"
IMPORT = re.compile(r'from "([^"]+)"')
FIGURE = """
const given = globalThis.dimo.given;
export const figureFile = async () => Uint8Array.from(atob(given.figure), (c) => c.charCodeAt(0)).buffer;
"""
"""In the place of the module that asks a server."""
GIF_FPS, GIF_SIZE, GIF_SECONDS = 10.0, 240, 8.0
"""Of the film; of a longer motion it is the beginning."""


def page(motion: Motion) -> str:
    """The page, about 0.4 MB: HTML that nothing need be fetched for."""
    given = {"motion": to_json(motion), "figure": base64.b64encode(figure_of(motion.skeleton)).decode()}
    text = (HERE / "motion.html").read_text(encoding="utf-8")
    for mark, put in (("TITLE", html.escape(motion.name)), ("LIBRARY", library()), ("GIVEN", packed(given))):
        text = text.replace(f">{mark}<", f">{put}<", 1)
    return text


def save(motion: Motion, path: Path) -> None:
    path.write_text(page(motion), encoding="utf-8")


def show(motion: Motion) -> Path:
    """Open the page in the system's browser; where it lies, for those who have none."""
    path = Path(tempfile.mkdtemp(prefix="dimo-")) / "motion.html"
    with write_atomically(path) as temporary:
        save(motion, temporary)
    webbrowser.open(path.as_uri())
    return path


def framed(motion: Motion) -> str:
    """The page in a frame, for notebooks, and below it a film, folded: what is left where frames are not shown, as on GitHub."""
    from dimo.view.video import gif  # its pictures need Pillow, which the page does not

    name = html.escape(motion.name)
    shown = motion[: max(1, round(GIF_SECONDS * motion.fps))].resample(min(GIF_FPS, motion.fps))
    film = base64.b64encode(gif(shown, GIF_SIZE)).decode()
    return (
        f'<iframe srcdoc="{html.escape(page(motion))}" title="{name}" style="width: 100%; max-width: 720px; '
        f'aspect-ratio: 16 / 10; border: 0; border-radius: 10px"></iframe>\n<details><summary>{name}, as a GIF</summary>'
        f'<img src="data:image/gif;base64,{film}" alt="{name}" width="{GIF_SIZE}"></details>'
    )


@lru_cache(maxsize=8)
def figure_of(skeleton: Skeleton) -> bytes:
    """The mannequin of a body at rest, as GLB."""
    rest = np.zeros((1, len(skeleton), 4))
    rest[..., 0] = 1
    with tempfile.TemporaryDirectory(prefix="dimo-") as folder:
        return Motion(skeleton, 20, np.zeros((1, 3)), rest, "figure").save(Path(folder) / "figure.glb").read_bytes()


@lru_cache(maxsize=1)
def library() -> str:
    """The modules that play a motion, each after those that it imports: [name, [[path in its text, name], ...], text]."""
    ordered: dict[str, list[Any]] = {}

    def add(path: Path) -> None:
        if path.name in ordered:
            return
        text = FIGURE if path.name == "api.js" else path.read_text(encoding="utf-8")
        # The library from elsewhere imports nothing, and what looks like it in its text is none of ours.
        imports = (
            [] if path.parent.name == "vendor" else [(p, (PAGE / "js" / p).resolve()) for p in IMPORT.findall(text)]
        )
        for _, imported in imports:
            add(imported)
        ordered[path.name] = [path.name, [[p, imported.name] for p, imported in imports], text]

    add(MAIN)
    return packed(list(ordered.values()))


def packed(content: Any) -> str:
    """JSON as text that no markup is in, and the same each time."""
    return base64.b64encode(gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)).decode()

"""The Model Context Protocol over standard input and output: motion for assistants, on the files of one folder.

Assistants name files; nothing outside of the folder is read or written. The model is loaded when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

import dimo
from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import preset
from dimo.errors import DimoError, RequestError
from dimo.formats import table
from dimo.serve.service import new_seed
from dimo.view import video

ABOUT = """Makes, captions, edits, converts and finds 3D human motion. Sentences are English and plain, such as "a person walks
forward and waves with the right hand"; files are motion clips in the folder that this server works in."""
WRITTEN = (*table.WRITE, *video.SUFFIXES)
SECONDS, SAMPLES = 120.0, 16


class Desk:
    """The folder and the model that the tools work with."""

    def __init__(self, folder: Path, weights: Path | None = None, device: str = "auto"):
        self.folder, self.weights, self.device = folder.resolve(), weights, device
        if not self.folder.is_dir():
            raise RequestError(f"{folder}: no such folder")

    @cached_property
    def model(self) -> DiMo:
        return DiMo.from_pretrained(self.weights, device=self.device)

    def heard(self, text: str) -> dict[str, list[str]]:
        """What the command line notes of a sentence that the model hardly knows, and of one that it takes as another."""
        if self.model.pipeline.recall is None:
            return {"warnings": [], "notes": []}
        return self.model.understands(text).told()

    def path(self, name: str) -> Path:
        """A file or folder by its name in the folder; RequestError for any that lies elsewhere."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder):
            raise RequestError(f"{name[:80]!r} does not lie in the folder that this server works in")
        return path

    def output(self, name: str) -> Path:
        path = self.path(name)
        if path.suffix.lower() not in WRITTEN:
            raise RequestError(
                f"{name[:80]}: the suffix names no format that is written; there are {', '.join(WRITTEN)}"
            )
        if not path.parent.is_dir():
            raise RequestError(f"{name[:80]}: its folder does not exist")
        return path

    def read(self, name: str) -> Motion:
        motion = table.read(self.path(name)).motion
        if motion.seconds > 10 * SECONDS:
            raise RequestError(
                f"{name[:80]}: {motion.seconds:g} seconds are more than the {10 * SECONDS:g} that are read"
            )
        return motion

    def write(self, motion: Motion, path: Path, fps: float | None, skeleton: str | None) -> str:
        """Write a motion at a rate and on a body; its name in the folder."""
        if skeleton is not None:
            motion = retarget(motion, preset(skeleton))
        if fps is not None:
            motion = motion.resample(fps)
        if path.suffix.lower() in table.WRITE:
            motion.save(path)
        else:
            video.save(motion, path)
        return path.relative_to(self.folder).as_posix()


def build(desk: Desk) -> MCPServer:
    """The server with its tools."""
    server = MCPServer("dimo", instructions=ABOUT, version=dimo.__version__, log_level="ERROR")

    def tool(function: Callable[..., dict[str, Any]]) -> None:
        """Add a tool whose bad input is told in its own sentence."""

        @wraps(function)
        def told(*args: Any, **options: Any) -> dict[str, Any]:
            try:
                return function(*args, **options)
            except DimoError as error:
                raise ToolError(str(error).replace(f"{desk.folder}/", "")) from None

        server.tool()(told)

    def generate_motion(
        text: str,
        file: str,
        seconds: float | None = None,
        samples: int = 1,
        seed: int | None = None,
        fps: float | None = None,
        skeleton: str | None = None,
    ) -> dict[str, Any]:
        """Make motion from an English sentence and write it to file (NAME.glb for Blender and engines, .bvh, .npz, .gif, ...).

        seconds: by default what the text makes likely. Several samples are written as NAME_1, NAME_2, ... The answer tells how
        the model itself describes what it made, which shows whether it understood, and warns of a sentence that it hardly knows.
        """
        path = desk.output(file)
        if not 1 <= samples <= SAMPLES:
            raise RequestError(f"samples must be from 1 to {SAMPLES}, not {samples}")
        if seconds is not None and seconds > SECONDS:
            raise RequestError(f"a motion is at most {SECONDS:g} seconds long, not {seconds:g}")
        drawn = new_seed() if seed is None else seed
        made = desk.model.generate(text, seconds=seconds, samples=samples, seed=drawn)
        paths = [path] if samples == 1 else [path.with_stem(f"{path.stem}_{i + 1}") for i in range(samples)]
        files = [desk.write(m, p, fps, skeleton) for m, p in zip(made, paths, strict=True)]
        seen = [caption.text for caption in desk.model.caption(made)]
        told = {"files": files, "seed": drawn, "seconds": made[0].seconds, "described_as": seen}
        return {**told, **desk.heard(text)}

    def edit_motion(
        file: str,
        output: str,
        replace: list[list[float]] | None = None,
        extend: float | None = None,
        vary: float | None = None,
        text: str | None = None,
        seed: int | None = None,
    ) -> dict[str, Any]:
        """Change a motion file: make spans anew (replace [[1, 2]] in seconds), go on for more seconds (extend), or vary a share.

        Exactly one of them; text says what happens in the new frames. All other frames stay bit for bit.
        """
        path, motion = desk.output(output), desk.read(file)
        if sum(way is not None for way in (replace, extend, vary)) != 1:
            raise RequestError("exactly one of replace, extend and vary says what to do")
        drawn = new_seed() if seed is None else seed
        if replace is not None:
            made = desk.model.edit(motion, [tuple(span) for span in replace], text=text, seed=drawn)  # type: ignore[misc]
        elif extend is not None:
            if extend > SECONDS:
                raise RequestError(f"a motion goes on for at most {SECONDS:g} seconds, not {extend:g}")
            made = desk.model.predict(motion, extend, text=text, seed=drawn)
        else:
            assert vary is not None
            made = desk.model.vary(motion, vary, text=text, seed=drawn)
        return {"files": [desk.write(made[0], path, None, None)], "seed": drawn, "seconds": made[0].seconds}

    def caption_motion(file: str) -> dict[str, Any]:
        """Describe a motion file by an English sentence."""
        caption = desk.model.caption(desk.read(file))[0]
        return {"text": caption.text, "others": [other.text for other in caption.others]}

    def correct_caption(file: str, text: str) -> dict[str, Any]:
        """Put right the words of a sentence that a motion file contradicts."""
        found = desk.model.correct(text, desk.read(file))
        return {"text": found.text, "changes": [{"old": c.old, "new": c.new} for c in found.changes]}

    def convert_motion(file: str, output: str, fps: float | None = None, skeleton: str | None = None) -> dict[str, Any]:
        """Write a motion file in another format, at another rate, or on another body."""
        path = desk.output(output)
        return {"files": [desk.write(desk.read(file), path, fps, skeleton)]}

    def search_motions(text: str, folder: str = ".", limit: int = 10) -> dict[str, Any]:
        """Find the motion files that fit an English sentence best."""
        if not 1 <= limit <= 100:
            raise RequestError(f"limit must be from 1 to 100, not {limit}")
        result = desk.model.search(text, desk.path(folder))
        files = [f.path.resolve().relative_to(desk.folder).as_posix() for f in result.found[:limit]]
        return {"files": files, "searched": len(result.found), "unreadable": len(result.unreadable)}

    for function in (generate_motion, edit_motion, caption_motion, correct_caption, convert_motion, search_motions):
        tool(function)
    return server

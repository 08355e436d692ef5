"""FBX, through a real Blender (formats/blender.py), as there is no other writer or reader that programs agree on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dimo.body.motion import Motion
from dimo.errors import FormatError
from dimo.formats import blender, glb, gltf
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.reading import Parsed

MAX_BYTES = 512 * 2**20


def write(motion: Motion, path: str | Path, *, mesh: bool = True, root_bone: bool = False) -> Path:
    """Write a Motion as FBX, as formats/glb.py writes it. RequestError where no Blender is found."""
    blender.required()
    with blender.scratch() as folder, write_atomically(path) as temporary:
        at_frames = replace(motion, fps=blender.whole_rate(motion.fps))
        made = glb.write(at_frames, Path(folder) / "motion.glb", mesh=mesh, root_bone=root_bone)
        blender.to_fbx(made, temporary, motion.fps)
    return Path(path)


def parse(path: str | Path, animation: str | int | None = None, *, rig: bool = False) -> Parsed:
    """The motion of an FBX file, as formats/gltf.py reads what Blender makes of it."""
    if blender.find() is None:
        raise FormatError(blender.MISSING, path=path)
    read_bytes(path, MAX_BYTES)
    with blender.scratch() as folder:
        made, factor = blender.from_fbx(Path(path), Path(folder))
        try:
            parsed = gltf.parse(made, animation, rig=rig)
        except FormatError as error:  # of the user's file, not of the one in between
            raise type(error)(error.message, path=path) from None
    return Parsed(
        replace(parsed.motion, fps=round(parsed.motion.fps * factor, 6)),
        "FBX",
        parsed.unit,
        "by the format, brought to metres by Blender",
        parsed.up,
        notes=parsed.notes,
        details=parsed.details,
        source=parsed.source,
    )

"""The project's own file: one Motion as a NumPy archive, exact to the bit.

Version 1 holds: format "dimo-motion", version, names (J), parents (J), offsets (J, 3) metres, skeleton_name, fps,
root (F, 3) metres, rotations (F, J, 4) unit quaternions w first, name; and roles, the skeleton's map as JSON, where it
has one. Numbers are float64, text is unicode; no pickles.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.mapping import with_map
from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError, ShapeError
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.npy import parse_array

FORMAT, VERSION = "dimo-motion", 1
MAX_BYTES = 2 * 2**30
KEYS = ("format", "version", "names", "parents", "offsets", "skeleton_name", "fps", "root", "rotations", "name")


def write(motion: Motion, path: str | Path) -> Path:
    """Write a Motion; reading gives the same bits."""
    skeleton = motion.skeleton
    roles: dict[str, Any] = {} if skeleton.roles is None else {"roles": np.array(json.dumps(dict(skeleton.roles)))}
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            version=np.array(VERSION),
            names=np.array(skeleton.names),
            parents=np.array(skeleton.parents),
            offsets=skeleton.offsets,
            skeleton_name=np.array(skeleton.name),
            fps=np.array(motion.fps),
            root=motion.root,
            rotations=motion.rotations,
            name=np.array(motion.name),
            **roles,
        )
    return Path(path)


def read(path: str | Path) -> Motion:
    """Read what write() wrote; FormatError says what is wrong with anything else."""
    values = _members(path)
    missing = [k for k in KEYS if k not in values]
    if missing:
        raise FormatError(f"not a motion file: {', '.join(missing)} missing", path=path)
    if values["format"].ndim or str(values["format"]) != FORMAT:
        raise FormatError(f"not a motion file: format is not {FORMAT!r}", path=path)
    if values["version"].ndim or str(values["version"]) != str(VERSION):
        raise FormatError(
            f"version {values['version']} of the motion file is not the {VERSION} that this dimo reads", path=path
        )
    try:
        names, parents = (tuple(values[k].tolist()) for k in ("names", "parents"))
        skeleton = Skeleton(names, parents, values["offsets"], str(values["skeleton_name"]))
        if "roles" in values:
            skeleton = with_map(skeleton, {r: tuple(n) for r, n in json.loads(str(values["roles"])).items()})
        return Motion(skeleton, float(values["fps"]), values["root"], values["rotations"], str(values["name"]))
    except (ShapeError, RequestError) as error:
        raise FormatError(str(error), path=path) from None
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise FormatError("an array has the wrong type; names are text, all else numbers", path=path) from None


def _members(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an archive that are ours by name, unpacked within the limit."""
    data = io.BytesIO(read_bytes(path, MAX_BYTES))
    try:
        with zipfile.ZipFile(data) as archive:
            # zipfile finds a member's declared size without unpacking it, so a bomb is refused before it takes memory.
            size = sum(info.file_size for info in archive.infolist())
            if size > MAX_BYTES:
                raise FormatError(f"unpacks to {size:,} bytes; up to {MAX_BYTES:,} are read", path=path)
            names = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {key: parse_array(archive.read(names[key])) for key in (*KEYS, "roles") if key in names}
    except FormatError:
        raise
    except MemoryError:
        raise FormatError("its arrays do not fit into memory", path=path) from None
    except Exception as error:  # zipfile and the packers below it fail in their own ways on damage (zlib.error, ...)
        reason = ascii(str(error))[1:-1][:100]  # zipfile quotes bytes at length
        raise FormatError(f"not a readable NumPy archive of plain arrays ({reason})", path=path) from None

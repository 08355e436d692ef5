"""NumPy arrays as the field passes them around: joint positions (F, J, 3) of HumanML3D, KIT-ML or Motion-X."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import normalise
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import FormatError, ShapeError
from dimo.formats.files import read_bytes, write_atomically

MAX_BYTES = 2 * 2**30
BODIES = {22: ("humanml3d", 20.0), 21: ("kit", 12.5), 52: ("smplx", 20.0)}
"""Joint count to the preset and the frame rate of the data set that uses it."""


def read_array(path: str | Path) -> np.ndarray:
    """The array of a .npy file as float64; FormatError when it is not one of finite numbers."""
    try:
        array = np.load(io.BytesIO(read_bytes(path, MAX_BYTES)), allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ValueError("it does not hold numbers")
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError, OverflowError) as error:
        raise FormatError(
            f"not a readable .npy array of plain numbers ({str(error).splitlines()[0]})", path=path
        ) from None
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise FormatError(
            "holds a value that is not a finite number", path=path, frame=int(np.argwhere(~np.isfinite(array))[0, 0])
        )
    return array


def joints_to_motion(joints: np.ndarray, path: str | Path, fps: float | None = None) -> Motion:
    """Positions (F, J, 3) with J of 22, 21 or 52 to a Motion with the clip's own median bone lengths."""
    if joints.ndim != 3 or joints.shape[2] != 3 or joints.shape[1] not in BODIES or len(joints) == 0:
        raise FormatError(
            f"joints must have shape (F, {' or '.join(map(str, BODIES))}, 3), not {joints.shape}", path=path
        )
    name, rate = BODIES[joints.shape[1]]
    body = preset(name)
    parents = np.array(body.parents[1:])
    lengths = np.median(np.linalg.norm(joints[:, 1:] - joints[:, parents], axis=-1), axis=0)
    offsets = np.concatenate([np.zeros((1, 3)), normalise(body.offsets[1:]) * lengths[:, None]])
    try:
        return Motion.from_joints(
            Skeleton(body.names, body.parents, offsets, name), joints, fps or rate, Path(path).stem
        )
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None


def write(motion: Motion, path: str | Path) -> Path:
    """Joint positions (F, J, 3), float32, metres, as HumanML3D's new_joints."""
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, motion.joints().astype(np.float32))
    return Path(path)

"""NumPy arrays as the field passes them around: joint positions (F, J, 3) of HumanML3D, KIT-ML or Motion-X."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import normalise, quat_conjugate, quat_rotate
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import FormatError, ShapeError
from dimo.formats.axes import TO_Y
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.units import metres_of

MAX_BYTES = 2 * 2**30
BODIES = {22: ("humanml3d", 20.0), 21: ("kit", 12.5), 52: ("smplx", 20.0)}
"""Joint count to the preset and the frame rate of the data set that uses it."""


def read_array(path: str | Path) -> np.ndarray:
    """The array of a .npy file as float64; FormatError when it is not one of finite numbers."""
    try:
        array = parse_array(read_bytes(path, MAX_BYTES))
        if array.dtype.kind not in "fiu":
            raise ValueError("it does not hold numbers")
    except ValueError as error:
        raise FormatError(f"not a readable .npy array of plain numbers ({error})", path=path) from None
    with np.errstate(invalid="ignore"):  # of NaNs that signal, which the next line names
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise FormatError(
            "holds a value that is not a finite number", path=path, frame=int(np.argwhere(~np.isfinite(array))[0, 0])
        )
    return array


def parse_array(data: bytes) -> np.ndarray:
    """The array of the bytes of a .npy file; ValueError when they are none, or hold objects.

    numpy's own reader takes memory for whatever shape a header claims, and fails on a damaged one with whatever error its
    tokenizer, parser or unpickler has; here the claim is checked against the bytes that are there.
    """
    stream = io.BytesIO(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers as Python 2 wrote them
        try:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, by_column, dtype = read(stream)
        except Exception as error:  # of whatever kind: the header is damaged
            raise ValueError(
                f"its header is damaged: {str(error).splitlines()[0][:100] if str(error) else error!r}"
            ) from None
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError("it holds objects, not plain numbers or text")
    if any(not 0 <= n < 2**40 for n in shape):
        raise ValueError(f"its shape {shape} is none")
    start, size = stream.tell(), math.prod(shape) * dtype.itemsize
    if size != len(data) - start:
        raise ValueError(f"its header claims {size:,} bytes where {len(data) - start:,} follow")
    array = np.frombuffer(data, dtype, math.prod(shape), start) if size else np.zeros(shape, dtype)
    if dtype.kind == "U" and size:  # Python fails on what is no character
        points = array.view(f"{dtype.str[0]}u4")
        if points.max() > 0x10FFFF or ((points >= 0xD800) & (points <= 0xDFFF)).any():
            raise ValueError("its text holds what is no character")
    return array.reshape(shape[::-1]).T if by_column else array.reshape(shape)


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


def write(motion: Motion, path: str | Path, *, unit: str | float | None = None, up: str | None = None) -> Path:
    """Joint positions (F, J, 3), float32, as HumanML3D's new_joints: metres and Y up unless asked otherwise."""
    joints = motion.joints() / metres_of(unit or 1.0)
    if up is not None:
        joints = quat_rotate(quat_conjugate(TO_Y[up]), joints)
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, joints.astype(np.float32))
    return Path(path)

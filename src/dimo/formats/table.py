"""Which suffix is read and written by what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError

READ = (".bvh", ".amc", ".npz", ".npy", ".glb")
WRITE = (".bvh", ".npz", ".npy", ".glb")


def load(path: str | Path, *, fps: float | None = None, skeleton: Skeleton | None = None) -> Motion:
    """Read a motion by suffix: .bvh, .amc (its .asf beside it), .npz, .npy (joints or HumanML3D features), .glb.

    fps: the true rate, where the file says none (.amc, .npy) or a wrong one. skeleton: the body to retarget to.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READ:
        raise FormatError(f"the suffix {suffix!r} names no format that is read; there are {', '.join(READ)}", path=path)
    motion = _read(path, suffix, fps)
    if fps is not None:
        motion = replace(motion, fps=fps)
    if skeleton is not None and motion.skeleton != skeleton:
        from dimo.body.retarget import retarget

        motion = retarget(motion, skeleton)
    return motion


def _read(path: str | Path, suffix: str, fps: float | None) -> Motion:
    if suffix == ".bvh":
        from dimo.formats import bvh

        return bvh.read(path)
    if suffix == ".amc":
        from dimo.formats import acclaim

        return acclaim.read(path, fps=fps)
    if suffix == ".npz":
        from dimo.formats import npz

        return npz.read(path)
    if suffix == ".glb":
        from dimo.formats import glb

        return glb.read(path)
    from dimo.formats import npy

    array = npy.read_array(path)
    if array.ndim == 3:
        return npy.joints_to_motion(array, path, fps)
    from dimo.features import humanml3d  # features are a representation and a file format at once
    from dimo.features.layouts import LAYOUTS

    sizes = {layout.size for layout in LAYOUTS.values()}
    if array.ndim != 2 or array.shape[1] not in sizes or len(array) == 0:
        raise FormatError(
            f"neither joints (F, J, 3) nor features (F, {' or '.join(map(str, sorted(sizes)))}), but {array.shape}",
            path=path,
        )
    return humanml3d.decode_motion(array, fps=fps, name=Path(path).stem)


def save(motion: Motion, path: str | Path, **options: Any) -> Path:
    """Write by suffix: .glb (a skinned mannequin), .bvh, .npz (exact), .npy (joints). Options go to the format's write."""
    suffix = Path(path).suffix.lower()
    if suffix == ".bvh":
        from dimo.formats.bvh import write
    elif suffix == ".npz":
        from dimo.formats.npz import write
    elif suffix == ".npy":
        from dimo.formats.npy import write
    elif suffix == ".glb":
        from dimo.formats.glb import write
    else:
        raise FormatError(
            f"the suffix {suffix!r} names no format that is written; there are {', '.join(WRITE)}", path=path
        )
    return write(motion, path, **options)

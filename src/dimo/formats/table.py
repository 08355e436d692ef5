"""Which suffix is read and written by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError
from dimo.formats.reading import Options, Parsed, Reading, settle
from dimo.formats.rig import Rig, read_rig
from dimo.formats.writing import Output, refuse

READ = (".bvh", ".amc", ".npz", ".npy", ".glb", ".gltf", ".vrm", ".vrma", ".fbx")
GLTF = (".glb", ".gltf", ".vrm", ".vrma")
USD = (".usda", ".usdc", ".usdz")
CHOICES = {
    ".bvh": ("unit", "up", "root_bone"),
    ".npz": (),
    ".npy": ("unit", "up"),
    ".glb": ("root_bone",),
    ".fbx": ("root_bone",),
    ".vrma": (),
    ".usda": ("unit", "up", "root_bone"),
    ".usdc": ("unit", "up", "root_bone"),
    ".usdz": ("unit", "up", "root_bone"),
}
"""What is written, and what of an Output beside rate and place each format has a choice of."""
WRITE = tuple(CHOICES)


def load(
    path: str | Path,
    *,
    fps: float | None = None,
    skeleton: Skeleton | None = None,
    up: str | None = None,
    unit: str | float | None = None,
    animation: str | int | None = None,
    mapping: str | Path | Mapping[str, object] | None = None,
) -> Motion:
    """Read a motion by suffix: .bvh, .amc (its .asf beside it), .npz, .npy (joints or HumanML3D features), .glb, .gltf.

    fps: the true rate, where the file says none (.amc, .npy) or a wrong one. skeleton: the body to retarget to. up ("x",
    "y", "z"), unit ("cm", or metres), animation (name, or number from 1) and mapping (a map file, or role to joint names)
    overrule what the file and the body say.
    """
    options = Options(up, unit, animation, mapping)
    motion = read(path, options, fps=fps).motion
    if skeleton is not None and motion.skeleton != skeleton:
        from dimo.body.retarget import retarget

        motion = retarget(motion, skeleton)
    return motion


def read(path: str | Path, options: Options | None = None, *, fps: float | None = None) -> Reading:
    """As load, with all that was decided."""
    options = options or Options()
    suffix = Path(path).suffix.lower()
    if suffix not in READ:
        raise FormatError(f"the suffix {suffix!r} names no format that is read; there are {', '.join(READ)}", path=path)
    if options.animation is not None and suffix not in (*GLTF, ".fbx"):
        raise FormatError(f"a {suffix} file holds one motion, so there is no animation to choose", path=path)
    reading = settle(_parse(path, suffix, options, fps), path, options)
    if fps is None:
        return reading
    if not 0 < fps <= 10_000:
        raise RequestError(f"fps must lie between 0 and 10000, not {fps:g}")
    return replace(reading, motion=replace(reading.motion, fps=fps))


def _parse(path: str | Path, suffix: str, options: Options, fps: float | None) -> Parsed:
    if suffix == ".bvh":
        from dimo.formats import bvh

        return bvh.parse(path)
    if suffix == ".amc":
        from dimo.formats import acclaim

        return Parsed(acclaim.read(path, fps=fps), "Acclaim AMC", 1.0, "of its ASF, in metres", up="y")
    if suffix == ".npz":
        from dimo.formats import npz

        return Parsed(npz.read(path), "NPZ", 1.0, "of the format", up="y", exact=True)
    if suffix in GLTF:
        from dimo.formats import gltf

        return gltf.parse(path, options.animation)
    if suffix == ".fbx":
        from dimo.formats import fbx

        return fbx.parse(path, options.animation)
    from dimo.formats import npy

    array = npy.read_array(path)
    if array.ndim == 3:
        return Parsed(npy.joints_to_motion(array, path, fps), "NPY joints", 1.0, "as HumanML3D's")
    from dimo.features import humanml3d  # features are a representation and a file format at once
    from dimo.features.layouts import LAYOUTS

    sizes = {layout.size for layout in LAYOUTS.values()}
    if array.ndim != 2 or array.shape[1] not in sizes or len(array) == 0:
        raise FormatError(
            f"neither joints (F, J, 3) nor features (F, {' or '.join(map(str, sorted(sizes)))}), but {array.shape}",
            path=path,
        )
    motion = humanml3d.decode_motion(array, fps=fps, name=Path(path).stem)
    return Parsed(motion, "NPY features", 1.0, "as HumanML3D's", up="y", exact=True)


def save(
    motion: Motion,
    path: str | Path,
    *,
    fps: float | None = None,
    unit: str | float | None = None,
    up: str | None = None,
    in_place: bool = False,
    root_bone: bool = False,
    mesh: bool = True,
    rig: str | Path | Skeleton | Rig | None = None,
    **options: Any,
) -> Path:
    """Write by suffix: .glb (a skinned mannequin, or the character that the body is of), .fbx, .usda, .usdc, .usdz, .vrma,
    .bvh, .npz (exact), .npy (joints).

    fps: another rate, with feet that stay planted. in_place: without the way over the ground. rig: the file of a character,
    or a skeleton, to put the motion on; into a .glb with its own skin, where it is a glTF. Where the format has a choice:
    unit ("cm", or metres) and up ("x", "y", "z") of BVH, NPY and USD, root_bone (a joint on the ground that carries the path) of
    BVH and GLB, mesh=False (the skeleton alone) of GLB. Other options go to the format's write.
    """
    if isinstance(rig, Skeleton):
        rig = Rig(rig)
    elif isinstance(rig, str | Path):
        rig = read_rig(rig)
    output = Output(fps, unit, up, in_place, root_bone, mesh, rig).check()
    suffix = check_output(output, path)
    motion = output.applied(motion)
    if suffix == ".bvh":
        from dimo.formats.bvh_write import write

        return write(motion, path, unit=unit, up=up, root_bone=root_bone, **options)
    if suffix == ".npz":
        from dimo.formats.npz import write

        return write(motion, path, **options)
    if suffix == ".npy":
        from dimo.formats.npy import write

        return write(motion, path, unit=unit, up=up, **options)
    if suffix == ".vrma":
        from dimo.formats.vrma import write

        return write(motion, path, **options)
    if suffix == ".fbx":
        from dimo.formats.fbx import write

        return write(motion, path, mesh=mesh, root_bone=root_bone, **options)
    if suffix in USD:
        from dimo.formats.usd import write

        return write(motion, path, unit=unit, up=up, mesh=mesh, root_bone=root_bone, **options)
    from dimo.formats.glb import write

    return write(motion, path, mesh=mesh, root_bone=root_bone, **options)


def check_output(output: Output, path: str | Path) -> str:
    """The suffix of a path that can be written as asked; FormatError for others, and for what its format has no choice of."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITE:
        raise FormatError(
            f"the suffix {suffix!r} names no format that is written; there are {', '.join(WRITE)}", path=path
        )
    refuse(output, path, CHOICES[suffix])
    return suffix

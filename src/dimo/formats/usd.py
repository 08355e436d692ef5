"""Universal Scene Description with UsdSkel (.usda, .usdc, .usdz): a skeleton, its animation, and the mannequin bound to it.

Needs usd-core (the extra "usd"). Metres and Y up unless asked otherwise, which the stage says itself; a time code is a frame.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.motion import Motion
from dimo.body.rotation import IDENTITY, normalise, quat_conjugate, quat_rotate
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, RequestError
from dimo.formats.axes import TO_Y, from_y
from dimo.formats.files import write_atomically
from dimo.formats.mannequin import build
from dimo.formats.rigid import unique
from dimo.formats.units import metres_of
from dimo.formats.writing import Clip


def write(
    motion: Motion,
    path: str | Path,
    *,
    unit: str | float | None = None,
    up: str | None = None,
    root_bone: bool = False,
    mesh: bool = True,
) -> Path:
    """Write a Motion as USD: text (.usda), binary (.usdc) or a package (.usdz)."""
    if up == "x":
        raise FormatError("a USD stage has Y or Z up", path=path)
    required()
    Usd, UsdGeom, UsdSkel, UsdUtils = _pxr("Usd", "UsdGeom", "UsdSkel", "UsdUtils")

    metres, up = metres_of(unit or 1.0), up or "y"
    clip = Clip.of(motion, root_bone)
    skeleton, places, rotations = from_y(clip.skeleton, clip.places, clip.rotations, up)
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageMetersPerUnit(stage, metres)
    UsdGeom.SetStageUpAxis(stage, getattr(UsdGeom.Tokens, up))
    stage.SetTimeCodesPerSecond(clip.fps)
    stage.SetFramesPerSecond(clip.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(clip) - 1)
    root = UsdSkel.Root.Define(stage, "/body")
    stage.SetDefaultPrim(root.GetPrim())
    joints = _paths(skeleton)
    rest = forward(skeleton, np.zeros(3), np.tile(IDENTITY, (len(skeleton), 1)))
    skel = UsdSkel.Skeleton.Define(stage, "/body/skeleton")
    skel.CreateJointsAttr(joints)
    skel.CreateBindTransformsAttr(_matrices(rest / metres))
    skel.CreateRestTransformsAttr(_matrices(skeleton.offsets / metres))
    _animate(stage, joints, skeleton, places, rotations, metres)
    binding = UsdSkel.BindingAPI.Apply(skel.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets(["/body/skeleton/animation"])
    if mesh:
        _add_mannequin(stage, motion.skeleton, len(skeleton) - len(motion.skeleton), rest, metres, up)
    with write_atomically(path) as temporary:
        if temporary.suffix.lower() != ".usdz":
            stage.GetRootLayer().Export(str(temporary))
        else:
            inner = temporary.with_suffix(".usdc")
            try:
                stage.GetRootLayer().Export(str(inner))
                if not UsdUtils.CreateNewUsdzPackage(str(inner), str(temporary), "motion.usdc"):
                    raise FormatError("the package could not be written", path=path)
            finally:
                inner.unlink(missing_ok=True)
    return Path(path)


def required() -> None:
    """RequestError where usd-core is not installed."""
    if find_spec("pxr") is None:
        raise RequestError("USD needs the package usd-core: pip install 'dimo[usd]'")


def _pxr(*names: str) -> list[Any]:
    """Modules of usd-core, loaded when they are needed: it is an extra."""
    return [import_module(f"pxr.{name}") for name in names]


def _paths(skeleton: Skeleton) -> list[str]:
    """Per joint its path from the root, of names that USD allows."""
    (Tf,) = _pxr("Tf")

    names = unique([Tf.MakeValidIdentifier(name) for name in skeleton.names])
    out: list[str] = []
    for name, parent in zip(names, skeleton.parents, strict=True):
        out.append(f"{out[parent]}/{name}" if parent >= 0 else name)
    return out


def _matrices(places: np.ndarray) -> Any:
    """Translations (J, 3) as matrices for row vectors, which USD has."""
    (Vt,) = _pxr("Vt")

    matrices = np.tile(np.eye(4), (len(places), 1, 1))
    matrices[:, 3, :3] = places
    return Vt.Matrix4dArray.FromNumpy(matrices)


def _animate(
    stage: Any,
    joints: list[str],
    skeleton: Skeleton,
    places: dict[int, np.ndarray],
    rotations: np.ndarray,
    metres: float,
) -> None:
    Gf, UsdSkel, Vt = _pxr("Gf", "UsdSkel", "Vt")

    animation = UsdSkel.Animation.Define(stage, "/body/skeleton/animation")
    animation.CreateJointsAttr(joints)
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1, 1, 1)] * len(joints)))
    translations, turns = animation.CreateTranslationsAttr(), animation.CreateRotationsAttr()
    local = skeleton.offsets / metres
    for frame in range(len(rotations)):
        for j, place in places.items():
            local[j] = place[frame] / metres
        translations.Set(Vt.Vec3fArray.FromNumpy(local.astype(np.float32)), frame)
        now = normalise(rotations[frame]).tolist()
        turns.Set(Vt.QuatfArray([Gf.Quatf(w, x, y, z) for w, x, y, z in now]), frame)


def _add_mannequin(stage: Any, skeleton: Skeleton, first: int, rest: np.ndarray, metres: float, up: str) -> None:
    """The mannequin of a skeleton whose joints are those of the stage from `first` on, which rest at (J, 3)."""
    Gf, Sdf, UsdGeom, UsdSkel, Vt = _pxr("Gf", "Sdf", "UsdGeom", "UsdSkel", "Vt")

    mesh, turn = build(skeleton), quat_conjugate(TO_Y[up])
    points = (quat_rotate(turn, mesh.positions) + rest[first]) / metres
    shape = UsdGeom.Mesh.Define(stage, "/body/mannequin")
    shape.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points.astype(np.float32)))
    shape.CreateExtentAttr([Gf.Vec3f(*points.min(0).tolist()), Gf.Vec3f(*points.max(0).tolist())])
    normals = normalise(quat_rotate(turn, mesh.normals)).astype(np.float32)
    shape.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(normals))
    shape.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    shape.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(mesh.triangles)))
    shape.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(mesh.triangles.reshape(-1).astype(np.int32)))
    shape.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    colour = UsdGeom.PrimvarsAPI(shape.GetPrim()).CreatePrimvar(
        "displayColor", Sdf.ValueTypeNames.Color3fArray, UsdGeom.Tokens.vertex
    )
    colour.Set(Vt.Vec3fArray.FromNumpy(mesh.colours.astype(np.float32)))
    binding = UsdSkel.BindingAPI.Apply(shape.GetPrim())
    binding.CreateSkeletonRel().SetTargets(["/body/skeleton"])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    indices = np.where(mesh.weights > 0, mesh.joints + first, 0).astype(np.int32).reshape(-1)
    binding.CreateJointIndicesPrimvar(False, 4).Set(Vt.IntArray.FromNumpy(indices))
    weights = mesh.weights.astype(np.float32).reshape(-1)
    binding.CreateJointWeightsPrimvar(False, 4).Set(Vt.FloatArray.FromNumpy(weights))

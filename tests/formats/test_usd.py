"""USD read back by its own library: joints, skin, rate, unit and axis."""

from importlib import import_module

import numpy as np
import pytest

from dimo import FormatError, Motion, preset
from dimo.body.mapping import rest_pose
from dimo.body.rotation import quat_rotate, rotvec_to_quat
from dimo.cli.main import main
from dimo.formats import usd
from dimo.formats.mannequin import build

pytest.importorskip("pxr")
Gf, Usd, UsdGeom, UsdSkel = (import_module(f"pxr.{name}") for name in ("Gf", "Usd", "UsdGeom", "UsdSkel"))

BODY = preset("humanml3d")


def walking(frames: int = 9) -> Motion:
    generator = np.random.default_rng(0)
    root = np.array([0.3, 0.95, -2]) + np.cumsum(generator.normal(0, 0.02, (frames, 3)), axis=0)
    return Motion(BODY, 30, root, rotvec_to_quat(np.cumsum(generator.normal(0, 0.1, (frames, 22, 3)), axis=0)), "walk")


def skeleton_of(stage) -> tuple:
    root = UsdSkel.Root(stage.GetDefaultPrim())
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    (binding,) = cache.ComputeSkelBindings(root, Usd.PrimDefaultPredicate)
    return cache.GetSkelQuery(binding.GetSkeleton()), binding


def joints(stage, frame: int) -> dict[str, np.ndarray]:
    """World places of the joints in a frame, by the library's own evaluation."""
    query, _ = skeleton_of(stage)
    at = query.ComputeJointSkelTransforms(Usd.TimeCode(frame))
    names = [str(t).rpartition("/")[2] for t in query.GetJointOrder()]
    return {name: np.array(Gf.Matrix4d(m).ExtractTranslation()) for name, m in zip(names, at, strict=True)}


@pytest.mark.parametrize(
    ("suffix", "unit", "up"), [(".usda", None, None), (".usdc", "cm", "z"), (".usdz", "m", "z"), (".usdz", "inch", "y")]
)
def test_joints_are_where_they_were(tmp_path, suffix, unit, up):
    motion = walking()
    path = motion.save(tmp_path / f"a{suffix}", unit=unit, up=up)
    stage = Usd.Stage.Open(str(path))
    metres = {"cm": 0.01, "inch": 0.0254}.get(unit or "m", 1.0)
    assert UsdGeom.GetStageMetersPerUnit(stage) == pytest.approx(metres)
    assert UsdGeom.GetStageUpAxis(stage) == (up or "y").upper()
    assert (stage.GetTimeCodesPerSecond(), stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (30, 0, 8)
    for frame in (0, 4, 8):
        for name, place in joints(stage, frame).items():
            x, y, z = place * metres
            ours = [x, z, -y] if up == "z" else [x, y, z]
            assert np.abs(np.array(ours) - motion.joints()[frame, BODY.names.index(name)]).max() < 1e-5
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_mannequin_is_bound_and_moves_with_its_bones(tmp_path):
    stage = Usd.Stage.Open(str(walking().save(tmp_path / "a.usda", root_bone=True)))
    query, binding = skeleton_of(stage)
    assert str(query.GetJointOrder()[1]) == "root/pelvis"
    (skinning,) = binding.GetSkinningTargets()
    mesh = UsdGeom.Mesh(skinning.GetPrim())
    points = mesh.GetPointsAttr().Get()
    moved = type(points)(points)
    assert skinning.ComputeSkinnedPoints(query.ComputeSkinningTransforms(Usd.TimeCode(5)), moved, Usd.TimeCode(5))
    drawn, motion, turned = build(BODY), walking(), walking().global_rotations()[5]
    expected = np.zeros_like(drawn.positions)
    for j in range(22):
        weight = np.sum(drawn.weights * (drawn.joints == j), axis=1, keepdims=True)
        expected += weight * (quat_rotate(turned[j], drawn.positions - rest_pose(BODY)[j]) + motion.joints()[5, j])
    assert np.abs(np.array(moved) - expected).max() < 1e-4
    bare = Usd.Stage.Open(str(walking().save(tmp_path / "b.usda", mesh=False)))
    assert not [p for p in bare.Traverse() if p.IsA(UsdGeom.Mesh)]


def test_names_that_usd_does_not_allow(tmp_path):
    from dataclasses import replace

    odd = replace(BODY, names=tuple(f"mixamorig:{n} 1" if n != "head" else "1head" for n in BODY.names))
    motion = Motion(odd, 30, walking().root, walking().rotations)
    found = joints(Usd.Stage.Open(str(motion.save(tmp_path / "a.usda"))), 3)
    assert "mixamorig_pelvis_1" in found
    assert np.abs(found["_head"] - walking().joints()[3, BODY.names.index("head")]).max() < 1e-5


def test_x_is_never_up(tmp_path):
    with pytest.raises(FormatError, match="Y or Z up"):
        walking().save(tmp_path / "a.usda", up="x")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_one_sentence_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(usd, "find_spec", lambda name: None)
    clip, out = walking().save(tmp_path / "a.npz"), str(tmp_path / "a.usda")
    for argv in (["convert", str(clip), out], ["generate", "walks", "-o", out, "--model", "nowhere"]):
        assert main(argv) == 2
        assert "USD needs the package usd-core: pip install 'dimo[usd]'" in capsys.readouterr().err

"""Motion on real characters of other people: a generated walk with a wave put on each, written in its own skin, and read again.

    python benchmarks/rigs.py FOLDER           writes rigs.json beside itself and, with --picture FILE, a contact sheet

FOLDER holds the files of SOURCES, which are free to use and not part of this repository; those that are missing are named.

wrist: how far the wrists are from where the source has them relative to the shoulders, by the reach of the arms; step: how far
the ankles' ways around their middle are from the source's, by the length of the legs; means over both sides and time, as shares
of that reach and length, with bones turned alone (retarget) and as written (onto). skate: m/s of the toes while they are planted
in the source, of the source scaled to the legs, with bones turned alone, and as written. sole_mm: the lowest joint of the feet
against its height at rest, 10th percentile over time. again_mm: joints read from the written file against those put into it, at
most. vrma: wrist and step of the character's motion written as VRM animation, which any VRM avatar plays, and read again, against
the source. usd_mm: joints of the motion written as USD, evaluated by USD's own library (usd-core), against those put into it, at
most.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

from dimo.body.footlock import find_contacts
from dimo.body.limbs import SIDES
from dimo.body.mapping import Roles, find_naming, rest_pose
from dimo.body.motion import Motion
from dimo.body.onto import feet
from dimo.body.retarget import leg_length, retarget
from dimo.body.rotation import quat_rotate
from dimo.body.skeleton import Skeleton
from dimo.formats.reading import Options
from dimo.formats.rig import Rig, read_rig
from dimo.formats.table import read
from dimo.view.sheet import sheets

SOURCES = {
    "xbot.glb": ("Mixamo's X Bot, of ankitrana1256/Portfolio models/Xbot.glb", "free to use, Adobe"),
    "ybot.glb": ("Mixamo's Y Bot, of ankitrana1256/Portfolio models/Ybot.glb", "free to use, Adobe"),
    "knight.glb": (
        "KayKit's knight, of KayKit-Game-Assets/KayKit-Character-Pack-Adventures-1.0 Characters/gltf/Knight.glb",
        "CC0",
    ),
    "robot.glb": ("Quaternius' robot, of mfoschian/ARZone models/RobotExpressive.glb", "CC0"),
    "female.glb": (
        "Quaternius' female, of Mesh2Motion/mesh2motion-app static/models-variation/human-female.glb",
        "CC0",
    ),
    "zombie.glb": ("Kenney's zombie, of Mesh2Motion/mesh2motion-app static/models-variation/human-zombie.glb", "CC0"),
    "sintel.glb": (
        "Blender Studio's Sintel, of Mesh2Motion/mesh2motion-app static/models-variation/human-sintel.glb",
        "CC BY",
    ),
    "reader.glb": ("Ready Player Me's avatar of met4citizen/TalkingHead avatars/brunette-t.glb", "CC BY-NC 4.0"),
    "example.vrm": ("saturday06/VRM-Addon-for-Blender tests, Example.vrm", "MIT or GPL"),
    "makehuman.bvh": ("makehumancommunity/makehuman makehuman/data/poseunits/face-poseunits.bvh", "CC0"),
}
"""File to where it is from, and its licence."""

TEXT, SECONDS, SEED = "a person walks forward and waves with the right hand", 5.0, 0


def made() -> Motion:
    """The motion that is put on all of them."""
    from dimo.api import DiMo

    return DiMo.from_pretrained().generate(TEXT, seconds=SECONDS, seed=SEED)[0]


def at(motion: Motion, roles: Roles, role: str) -> np.ndarray:
    return motion.joints()[:, list(roles[role])].mean(axis=1)


def reach(skeleton: Skeleton, roles: Roles) -> float:
    """Metres from the middle of the shoulders to the wrist of a stretched arm, mean of both."""
    rest = rest_pose(skeleton)
    place = {r: rest[list(j)].mean(0) for r, j in roles.items()}
    bones = [(f"{s}_{a}", f"{s}_{b}") for s in SIDES for a, b in (("shoulder", "elbow"), ("elbow", "wrist"))]
    bones.append(("left_shoulder", "right_shoulder"))
    return sum(float(np.linalg.norm(place[a] - place[b])) for a, b in bones) / 2


def wrist(out: Motion, roles: Roles, motion: Motion, own: Roles) -> float:
    """Mean distance of the wrists from where they should be, as a share of the reach."""
    size = reach(out.skeleton, roles)
    scale, errors = size / reach(motion.skeleton, own), []
    for side in SIDES:
        ways = [
            at(m, r, f"{side}_wrist") - (at(m, r, "left_shoulder") + at(m, r, "right_shoulder")) / 2
            for m, r in ((out, roles), (motion, own))
        ]
        errors.append(np.linalg.norm(ways[0] - scale * ways[1], axis=-1).mean())
    return float(np.mean(errors)) / size


def step(out: Motion, roles: Roles, motion: Motion, own: Roles) -> float:
    """Mean distance between the ways of the ankles around their middles, as a share of the legs."""
    size = leg_length(out.skeleton, roles)
    scale, errors = size / leg_length(motion.skeleton, own), []
    for side in SIDES:
        ways = [at(m, r, f"{side}_ankle") for m, r in ((out, roles), (motion, own))]
        ways = [w - w.mean(axis=0) for w in ways]
        errors.append(np.linalg.norm(ways[0] - scale * ways[1], axis=-1).mean())
    return float(np.mean(errors)) / size


def skate(motion: Motion, roles: Roles, planted: np.ndarray, toes: dict[str, np.ndarray]) -> float:
    """Mean m/s over the ground of a foot, between frames in which it is planted (F, 2). toes: side to where they are from an
    ankle in the rest pose, of feet without."""
    speeds = []
    for s, side in enumerate(SIDES):
        if f"{side}_foot" in roles:
            toe = at(motion, roles, f"{side}_foot")
        else:
            turn = motion.global_rotations()[:, roles[f"{side}_ankle"][0]]
            toe = at(motion, roles, f"{side}_ankle") + quat_rotate(turn, toes[side])
        still = planted[1:, s] & planted[:-1, s]
        way = np.linalg.norm(np.diff(toe[:, [0, 2]], axis=0), axis=-1)
        speeds += (way * motion.fps)[still].tolist()
    return float(np.mean(speeds)) if speeds else 0.0


def sole(out: Motion, roles: Roles, rig: Rig) -> float:
    lowest = out.joints()[:, feet(out.skeleton, roles), 1].min(axis=1)
    return float(np.percentile(lowest, 10)) - rig.sole


def again(out: Motion, path: Path, rig: Rig) -> float:
    """Metres between a joint of the written file and of what was written, at most."""
    found = read(out.save(path, rig=rig), Options()).motion
    index = [found.skeleton.names.index(n) for n in out.skeleton.names if n in found.skeleton.names]
    same = [j for j, n in enumerate(out.skeleton.names) if n in found.skeleton.names]
    return float(np.linalg.norm(found.joints()[:, index] - out.joints()[:, same], axis=-1).max())


def of_vrm(out: Motion, path: Path, motion: Motion, own: Roles) -> list[float]:
    """wrist and step of a VRM animation."""
    found = read(out.save(path), Options()).motion
    roles = find_naming(found.skeleton)[1]
    return [round(measure(found, roles, motion, own), 4) for measure in (wrist, step)]


def of_usd(out: Motion, path: Path) -> float:
    """Metres between a joint of a USD stage, by its own library, and of what was written, at most."""
    Gf, Usd, UsdSkel = (import_module(f"pxr.{name}") for name in ("Gf", "Usd", "UsdSkel"))
    stage = Usd.Stage.Open(str(out.save(path)))
    root, cache = UsdSkel.Root(stage.GetDefaultPrim()), UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    (binding,) = cache.ComputeSkelBindings(root, Usd.PrimDefaultPredicate)
    query, places, worst = cache.GetSkelQuery(binding.GetSkeleton()), out.joints(), 0.0
    for frame in range(len(out)):
        at = query.ComputeJointSkelTransforms(Usd.TimeCode(frame))
        found = np.array([Gf.Matrix4d(m).ExtractTranslation() for m in at])
        worst = max(worst, float(np.linalg.norm(found - places[frame], axis=-1).max()))
    return worst


def row(path: Path, motion: Motion) -> tuple[dict[str, object], Motion]:
    """What there is to say of a rig, and the motion on it."""
    rig = read_rig(path)
    naming, roles = find_naming(rig.skeleton)
    own = find_naming(motion.skeleton)[1]
    planted = find_contacts(motion.joints(), motion.fps)
    scale = leg_length(rig.skeleton, roles) / leg_length(motion.skeleton, own)
    flat = rest_pose(motion.skeleton)
    toes = {s: scale * (flat[list(own[f"{s}_foot"])].mean(0) - flat[list(own[f"{s}_ankle"])].mean(0)) for s in SIDES}
    bones, out = retarget(motion, rig.skeleton), rig.moved(motion)
    with tempfile.TemporaryDirectory() as folder:
        suffix = ".bvh" if path.suffix == ".bvh" else ".glb"
        difference = again(out, Path(folder) / f"out{suffix}", rig)
        vrma, usd = of_vrm(out, Path(folder) / "out.vrma", motion, own), of_usd(out, Path(folder) / "out.usdc")
    rest = rest_pose(rig.skeleton)
    facts = {
        "rig": path.name,
        "source": SOURCES.get(path.name, ("", ""))[0],
        "licence": SOURCES.get(path.name, ("", ""))[1],
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "joints": len(rig.skeleton),
        "naming": naming.name,
        "tall_m": round(float(np.ptp(rest[:, 1])), 2),
        "leg_m": round(leg_length(rig.skeleton, roles), 3),
        "wrist": [round(wrist(m, roles, motion, own), 4) for m in (bones, out)],
        "step": [round(step(m, roles, motion, own), 4) for m in (bones, out)],
        "skate": [round(scale * skate(motion, own, planted, {}), 4)]
        + [round(skate(m, roles, planted, toes), 4) for m in (bones, out)],
        "sole_mm": round(1000 * sole(out, roles, rig), 2),
        "again_mm": round(1000 * difference, 4),
        "vrma": vrma,
        "usd_mm": round(1000 * usd, 4),
    }  # fmt: skip
    return facts, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the files of SOURCES are")
    parser.add_argument("--motion", type=Path, help="another motion than the generated one")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    motion = made() if args.motion is None else Motion.load(args.motion)
    rows, shown = [], [(motion, "as it was made")]
    for name in SOURCES:
        if not (args.folder / name).is_file():
            print(f"{args.folder / name} is missing: {SOURCES[name][0]}")
            continue
        facts, out = row(args.folder / name, motion)
        rows.append(facts)
        shown.append((out, name))
        print(json.dumps(facts), flush=True)
    args.out.write_text(json.dumps({"text": TEXT, "seed": SEED, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    if args.picture:
        sheets(shown, poses=8, height=160).save(args.picture)


if __name__ == "__main__":
    main()

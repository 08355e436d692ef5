"""Acclaim ASF (skeleton) and AMC (motion), as used by the CMU motion capture database.

A bone b with axis rotation C and motion M turns the world by L = C M C^-1 about its start and reaches to
start + R direction length, where R is the product of L down the chain. Here each bone becomes a joint at its START;
a bone without children adds a joint `<bone>_end` at its end. So "the end of lhumerus" is the joint lradius.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import euler_to_quat, quat_conjugate, quat_continuous, quat_multiply
from dimo.body.skeleton import MAX_JOINTS, Skeleton
from dimo.errors import FormatError, ShapeError
from dimo.formats.files import read_text

MAX_BYTES = 512 * 2**20
CMU_FPS = 120.0
"""AMC files carry no rate. CMU publishes 120 fps; give fps where a copy was thinned."""

INCH = 0.0254


@dataclass(frozen=True)
class Bone:
    """One bone of an ASF file in its own units and radians; dof as in the file, such as ("rx", "ry")."""

    name: str
    parent: int  # -1 hangs from the root
    vector: np.ndarray  # direction x length (3,)
    axis: np.ndarray  # quaternion C (4,)
    dof: tuple[str, ...]


@dataclass(frozen=True)
class AcclaimSkeleton:
    """What an ASF file says: bones in hierarchy order, the root's channel order, and the file's units."""

    bones: tuple[Bone, ...]
    root_order: tuple[str, ...]  # such as ("tx", "ty", "tz", "rx", "ry", "rz")
    root_axis: np.ndarray
    root_axis_order: str
    metres_per_unit: float
    radians_per_unit: float


def read(path: str | Path, *, asf: str | Path | None = None, fps: float | None = None) -> Motion:
    """Read an AMC file with its ASF (by default the one ASF of that name, or of the subject's prefix, beside it)."""
    path = Path(path)
    skeleton = read_asf(asf if asf is not None else find_asf(path))
    try:
        return _assemble(skeleton, _parse_amc(path, skeleton), fps or CMU_FPS, path)
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None


def find_asf(path: Path) -> Path:
    """The ASF beside an AMC: same stem, else a stem the AMC's begins with (cmu_02.asf for cmu_02_01.amc), else the only one."""
    found = sorted(path.parent.glob("*.asf")) + sorted(path.parent.glob("*.ASF"))
    stems = [f for f in found if path.stem == f.stem or path.stem.startswith(f"{f.stem}_")]
    if stems:
        return max(stems, key=lambda f: len(f.stem))
    if len(found) == 1:
        return found[0]
    raise FormatError("needs its skeleton, an .asf file of the same name or subject, in the same folder", path=path)


def read_asf(path: str | Path) -> AcclaimSkeleton:
    """Parse an ASF file; FormatError names the line."""
    section, current = "", {}
    units: dict[str, str] = {}
    root: dict[str, list[str]] = {}
    raw: list[dict[str, list[str]]] = []
    parents: dict[str, str] = {}
    inside = False
    for number, line in enumerate(read_text(path, MAX_BYTES).splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            section, inside = words[0].lower(), False
            continue
        key = words[0].lower()
        if section == ":units":
            units[key] = words[-1]
        elif section == ":root":
            root[key] = words[1:]
        elif section == ":bonedata":
            if key == "begin":
                current, inside = {"line": [str(number)]}, True
            elif key == "end" and inside:
                raw.append(current)
                inside = False
            elif inside:
                current[key] = words[1:]
        elif section == ":hierarchy" and key not in ("begin", "end"):
            parents.update(dict.fromkeys(words[1:], words[0]))
        if len(raw) > MAX_JOINTS:
            raise FormatError(f"more than {MAX_JOINTS} bones", path=path, line=number)
    if not raw or not parents or not root:
        raise FormatError("not an ASF skeleton: it needs the sections :root, :bonedata and :hierarchy", path=path)
    return _order_bones(raw, parents, root, units, path)


def _order_bones(raw, parents, root, units, path) -> AcclaimSkeleton:
    radians = math.pi / 180 if units.get("angle", "deg").lower().startswith("deg") else 1.0
    length_unit = _floats([units.get("length", "1.0")], 1, "length of :units", path, None)[0]
    if length_unit <= 0:
        raise FormatError(f"the length of :units must be positive, not {length_unit:g}", path=path)
    by_name: dict[str, dict] = {}
    for entry in raw:
        line = int(entry["line"][0])
        if not entry.get("name"):
            raise FormatError("a bone without a name begins here", path=path, line=line)
        by_name[entry["name"][0]] = entry
    bones: list[Bone] = []
    placed = {"root": -1}
    waiting = [name for name in parents if name in by_name]
    while waiting:
        ready = [name for name in waiting if parents[name] in placed]
        if not ready:
            raise FormatError(
                f"the bone {waiting[0]!r} hangs from {parents[waiting[0]]!r}, which never reaches the root", path=path
            )
        for name in ready:
            entry = by_name[name]
            line = int(entry["line"][0])
            axis = entry.get("axis", ["0", "0", "0", "XYZ"])
            direction = np.array(_floats(entry.get("direction", []), 3, f"direction of {name}", path, line))
            length = _floats(entry.get("length", []), 1, f"length of {name}", path, line)[0]
            angles = np.array(_floats(axis[:3], 3, f"axis of {name}", path, line)) * radians
            placed[name] = len(bones)
            bones.append(
                Bone(
                    name,
                    placed[parents[name]],
                    direction * length,
                    _fixed_axes(angles, _order(axis[3] if len(axis) > 3 else "XYZ", path)),
                    tuple(d.lower() for d in entry.get("dof", []) if d.lower() != "l"),
                )
            )
        waiting = [name for name in waiting if name not in placed]
    order = tuple(w.lower() for w in root.get("order", ["TX", "TY", "TZ", "RX", "RY", "RZ"]))
    if sorted(order) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise FormatError(f"the order of :root must name TX TY TZ RX RY RZ once each, not {' '.join(order)}", path=path)
    axis_order = _order((root.get("axis") or ["XYZ"])[0], path)
    orientation = (
        np.array(_floats(root.get("orientation", ["0", "0", "0"]), 3, "orientation of :root", path, None)) * radians
    )
    return AcclaimSkeleton(
        tuple(bones), order, _fixed_axes(orientation, axis_order), axis_order, INCH / length_unit, radians
    )


def _order(word: str, path: str | Path) -> str:
    if sorted(word.upper()) != ["X", "Y", "Z"]:
        raise FormatError(f"an axis order must name X, Y and Z once each, not {word[:20]!r}", path=path)
    return word.upper()


def _fixed_axes(angles: np.ndarray, order: str) -> np.ndarray:
    """Acclaim's "XYZ" turns about fixed axes, X first: Rz Ry Rx. angles (..., 3) in the file's order, radians."""
    return euler_to_quat(angles[..., ::-1], order[::-1])


def _floats(words: list[str], count: int, what: str, path: str | Path, line: int | None) -> list[float]:
    try:
        values = [float(w) for w in words]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise FormatError(f"{what} needs {count} finite numbers, not {' '.join(words)[:60]!r}", path=path, line=line)
    return values


def _parse_amc(path: Path, skeleton: AcclaimSkeleton) -> dict[str, np.ndarray]:
    """Values per bone, each (F, channels), with "root" among them.

    Bones that the first frame leaves out (some files have no fingers) stay at rest; later frames must agree with it.
    """
    widths = {b.name: len(b.dof) for b in skeleton.bones} | {"root": 6}
    frames: list[dict[str, list[float]]] = []
    for number, line in enumerate(read_text(path, MAX_BYTES).splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words or words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdigit():
            _require_whole(frames, path, number)
            frames.append({})
            continue
        if not frames:
            raise FormatError(
                "values stand before the first frame number; this is not an AMC file", path=path, line=number
            )
        name = words[0]
        if name not in widths:
            raise FormatError(
                f"the bone {name[:40]!r} is not in the skeleton", path=path, line=number, frame=len(frames) - 1
            )
        frames[-1][name] = _floats(words[1:], widths[name], name, path, number)
    if not frames:
        raise FormatError("no frames found; this is not an AMC file", path=path)
    _require_whole(frames, path, None)
    return {name: np.array([frame[name] for frame in frames]) for name in frames[0]}


def _require_whole(frames: list[dict[str, list[float]]], path: Path, line: int | None) -> None:
    """The frame just ended has the root and the bones of the first one; line is where the next frame begins."""
    wanted = frames[0].keys() | {"root"} if frames else set()
    if frames and wanted - frames[-1].keys():
        missing = min(wanted - frames[-1].keys())
        raise FormatError(
            f"the bone {missing!r} has no values in this frame", path=path, line=line, frame=len(frames) - 1
        )


def _assemble(asf: AcclaimSkeleton, values: dict[str, np.ndarray], fps: float, path: Path) -> Motion:
    names, parents, offsets = ["root"], [-1], [np.zeros(3)]
    frames = len(values["root"])
    rotations: list[np.ndarray] = []
    columns = {c: values["root"][:, i] for i, c in enumerate(asf.root_order)}
    turns = [c for c in asf.root_order if c[0] == "r"]
    angles = np.stack([columns[c] for c in turns], axis=-1) * asf.radians_per_unit
    motion = _fixed_axes(angles, "".join(c[1].upper() for c in turns))
    rotations.append(quat_multiply(quat_multiply(asf.root_axis, motion), quat_conjugate(asf.root_axis)))
    for bone in asf.bones:
        names.append(bone.name)
        parents.append(bone.parent + 1)
        offsets.append(asf.bones[bone.parent].vector if bone.parent >= 0 else np.zeros(3))
        local = np.zeros((frames, 3))
        if bone.name in values:
            for i, dof in enumerate(bone.dof):
                if dof not in ("rx", "ry", "rz"):
                    raise FormatError(
                        f"the degree of freedom {dof!r} is not supported; rx, ry and rz are", path=path, joint=bone.name
                    )
                local[:, "xyz".index(dof[1])] = values[bone.name][:, i] * asf.radians_per_unit
        motion = _fixed_axes(local, "XYZ")
        rotations.append(quat_multiply(quat_multiply(bone.axis, motion), quat_conjugate(bone.axis)))
    for i, bone in enumerate(asf.bones):
        if all(other.parent != i for other in asf.bones):
            names.append(f"{bone.name}_end")
            parents.append(i + 1)
            offsets.append(bone.vector)
            rotations.append(np.broadcast_to(np.array([1.0, 0, 0, 0]), (frames, 4)))
    root = np.stack([columns[c] for c in ("tx", "ty", "tz")], axis=-1)
    skeleton = Skeleton(tuple(names), tuple(parents), np.array(offsets) * asf.metres_per_unit, name=path.stem)
    return Motion(skeleton, fps, root * asf.metres_per_unit, quat_continuous(np.stack(rotations, axis=1)), path.stem)

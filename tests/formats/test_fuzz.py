"""Damaged files: whatever is done to one, it is read or refused in a sentence; and what is read can be written and shown. A
damaged character carries a motion, or is refused.

As a script: python tests/formats/test_fuzz.py --count 10000 --seed 1 (or --seconds 120) prints what was found as JSON.
"""

import argparse
import io
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

T = TypeVar("T")
SECONDS, MEGABYTES = 5.0, 1000
"""What one file may take, to be read, written in every format and drawn: of the processor, which others may be busy with too."""

NUMBERS = [
    "0",
    "-1",
    "1e300",
    "-1e12",
    "1e-300",
    "nan",
    "inf",
    "1e39",
    "4294967295",
    "99999999999999999999",
    "0,5",
    "1e9",
    "3.4e38",
    "5e4",
    "",
]
FLOATS = np.array([0, -1, np.nan, np.inf, -np.inf, 3.4e38, 1e-40, 1e12, -1e12, 1e9, 1e5, 2e4, 1e-7], "<f4")


# ---- good files


def good_files(folder: Path) -> dict[str, tuple[bytes, dict[str, bytes]]]:
    """Name to content, and to files that must lie beside it."""
    from dimo import Motion, preset
    from dimo.body.rotation import rotvec_to_quat

    generator = np.random.default_rng(0)
    body = preset("humanml3d")
    root = np.array([0, 0.95, 0]) + np.cumsum(generator.normal(0, 0.02, (10, 3)), axis=0)
    motion = Motion(body, 20, root, rotvec_to_quat(np.cumsum(generator.normal(0, 0.05, (10, 22, 3)), axis=0)), "m")
    out: dict[str, tuple[bytes, dict[str, bytes]]] = {}
    for suffix in (".bvh", ".glb", ".npz", ".npy"):
        out[f"own{suffix}"] = (motion.save(folder / f"own{suffix}").read_bytes(), {})
    buffer = io.BytesIO()
    np.save(buffer, generator.normal(0, 0.1, (12, 263)).astype(np.float32))
    out["features.npy"] = (buffer.getvalue(), {})
    out["other.bvh"] = (BVH.encode(), {})
    out["a_01.amc"] = (AMC.encode(), {"a.asf": ASF.encode()})
    document, body_bytes = glb_parts(out["own.glb"][0])
    own, own_bytes = glb_parts(out["own.glb"][0])
    document["asset"]["generator"] = "other"
    del document["skins"]
    animation = document["animations"][0]
    animation.pop("extras")
    animation["samplers"][0]["interpolation"] = "STEP"
    document["nodes"].append(
        {"name": "Armature", "children": [0], "scale": [0.01, 0.01, 0.01], "rotation": [0.5, 0.5, 0.5, 0.5]}
    )
    out["other.glb"] = (glb_joined(document, body_bytes), {})
    out["skinned.vrm"] = (glb_joined(skinned(own), own_bytes), {})
    out["own.vrma"] = (motion.save(folder / "own.vrma").read_bytes(), {})
    document["buffers"][0]["uri"] = "a.bin"
    out["other.gltf"] = (json.dumps(document).encode(), {"a.bin": body_bytes})
    return out


def skinned(document: dict) -> dict:
    """A character of another program: the mannequin's skin in centimetres below an Armature."""
    document["asset"]["generator"] = "other"
    document["animations"][0].pop("extras")
    document["nodes"].append({"name": "Armature", "children": [0], "scale": [0.01, 0.01, 0.01]})
    document["scenes"][0]["nodes"] = [len(document["nodes"]) - 1, 22]
    for joint in document["nodes"][:22]:
        joint["translation"] = [100 * v for v in joint["translation"]]
    return document


BVH = """HIERARCHY
ROOT root
{
OFFSET 0 0 0
CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
JOINT Hips
{
OFFSET 0 90 0
CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
JOINT Spine
{
OFFSET 0 40 0
CHANNELS 3 Yrotation Xrotation Zrotation
End Site
{
OFFSET 0 20 0
}
}
}
}
MOTION
Frames: 3
Frame Time: 0.033333
0 0 0 0 0 0 1 90 2 0 0 0 0 0 0
0 0 0 0 5 0 1 91 4 0 0 9 0 30 0
0 0 0 0 0 0 1 92 6 0 0 0 10 0 -20
"""

ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name lfemur
    direction 0.3 -0.9 0
    length 7
    axis 0 0 20 XYZ
    dof rx ry
  end
  begin
    name ltibia
    direction 0 -1 0
    length 7.5
    axis 0 0 20 XYZ
    dof rx
  end
:hierarchy
  begin
    root lfemur
    lfemur ltibia
  end
"""

AMC = ":FULLY-SPECIFIED\n:DEGREES\n" + "".join(
    f"{i}\nroot 0.5 17 {i} 1 2 3\nlfemur {5 * i} 2\nltibia {-3 * i}\n" for i in range(1, 5)
)


def glb_parts(data: bytes) -> tuple[dict, bytes]:
    size = int.from_bytes(data[12:16], "little")
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def glb_joined(document: dict, body: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text + len(body).to_bytes(4, "little") + b"BIN\0" + body
    return b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little") + chunks


# ---- damage


def damage(name: str, data: bytes, g: np.random.Generator) -> bytes:
    """The content of a file after one accident, or up to four."""
    for _ in range(int(g.choice([1, 1, 1, 2, 4]))):
        kind = g.integers(4)
        if kind == 0 and name.endswith((".glb", ".gltf", ".vrm", ".vrma")):
            data = damaged_document(name, data, g)
        elif kind == 0 and name.endswith(".npz"):
            data = damaged_member(data, g)
        elif kind == 1 and name.endswith((".bvh", ".amc", ".gltf")):
            data = damaged_number(data, g)
        elif kind == 1 and len(data) > 64:
            values = bytearray(data)
            at = int(g.integers(0, len(values) - 4))
            values[at : at + 4] = g.choice(FLOATS).tobytes()
            data = bytes(values)
        else:
            data = damaged_bytes(data, g)
    return data


def damaged_bytes(data: bytes, g: np.random.Generator) -> bytes:
    if not data:
        return data
    a, b = sorted(g.integers(0, len(data) + 1, 2).tolist())
    b = min(b, a + int(g.choice([1, 4, 40, 1000])))
    kind = g.integers(6)
    if kind == 0:
        return data[:a]
    if kind == 1:
        return data[:a] + data[b:]
    if kind == 2:
        return data[:b] + data[a:b] + data[b:]
    if kind == 3:
        return data[:a] + g.bytes(int(g.choice([1, 2, 4, 16]))) + data[b:]
    flipped = bytearray(data)
    for at in g.integers(0, len(data), int(g.choice([1, 1, 3, 20]))):
        flipped[at] ^= 1 << int(g.integers(8))
    return bytes(flipped)


def damaged_number(data: bytes, g: np.random.Generator) -> bytes:
    words = data.split(b" ")
    words[int(g.integers(len(words)))] = str(g.choice(NUMBERS)).encode()
    return b" ".join(words)


def damaged_document(name: str, data: bytes, g: np.random.Generator) -> bytes:
    """One value somewhere in the JSON is another, or gone."""
    try:
        document, body = glb_parts(data) if not name.endswith(".gltf") else (json.loads(data), b"")
    except (ValueError, UnicodeDecodeError):
        return damaged_bytes(data, g)
    places = list(places_in(document))
    if not places:
        return data
    holder, key = places[int(g.integers(len(places)))]
    values = [
        0,
        1,
        -1,
        7,
        2**31,
        1e30,
        1e-30,
        None,
        "",
        "x",
        [],
        {},
        [0, 0, 0],
        [1e20, 0, 0],
        [1e5] * 3,
        True,
        "MAT4",
        "STEP",
        "CUBICSPLINE",
        5126,
        5121,
    ]
    value = values[int(g.integers(len(values)))]
    if g.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = value
    return glb_joined(document, body) if not name.endswith(".gltf") else json.dumps(document).encode()


def places_in(value, depth: int = 0):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        if depth < 8:
            yield from places_in(inner, depth + 1)


def damaged_member(data: bytes, g: np.random.Generator) -> bytes:
    """One array of an archive is damaged before it is packed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist()}
    except Exception:  # already damaged beyond that
        return damaged_bytes(data, g)
    if not members:
        return data
    name = list(members)[int(g.integers(len(members)))]
    member = members[name]
    if g.random() < 0.5 and len(member) > 136:
        values = bytearray(member)
        at = 128 + 8 * int(g.integers(0, (len(member) - 128) // 8))
        values[at : at + 8] = np.float64(g.choice(FLOATS)).tobytes()
        members[name] = bytes(values)
    else:
        members[name] = damaged_bytes(member, g)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in members.items():
            archive.writestr(key, content)
    return out.getvalue()


# ---- one file


class TooSlow(BaseException):
    """Nothing catches it but the loop below."""


def tried(path: Path, g: np.random.Generator) -> str:
    """Read a file, write it in every format and draw it; "refused" or "read". Anything but a DimoError comes out."""
    from dimo.formats.reading import Options
    from dimo.formats.table import read
    from dimo.view.sheet import sheet

    if path.suffix in (".glb", ".gltf", ".vrm", ".bvh") and g.random() < 0.25:
        return "refused" if attempt(lambda: moved(path, bool(g.integers(2)))) is None else "read"
    options = Options()
    if g.random() < 0.2:
        options = Options(up=str(g.choice(["x", "y", "z"])), unit=str(g.choice(["m", "cm", "inch"])))
    if (motion := attempt(lambda: read(path, options).motion)) is None:
        return "refused"
    for suffix in (".npz", ".npy"):  # those that take any body and need nothing else, as the next two
        motion.save(path.with_name(f"again{suffix}"))
    for root_bone in (False, True):
        motion.save(path.with_name("again.bvh"), root_bone=root_bone)
        motion.save(path.with_name("again.glb"), root_bone=root_bone, mesh=False)
        attempt(
            lambda r=root_bone: motion.save(path.with_name("again.glb"), root_bone=r)
        )  # its own skin may be damaged
    for suffix in (".vrma", ".usda"):  # that one knows a person's joints only, this one names that glTF allows
        attempt(lambda suffix=suffix: motion.save(path.with_name(f"again{suffix}")))
    sheet(motion, poses=4, height=100)
    return "read"


def attempt(do: Callable[[], T]) -> T | None:
    """What `do` gives, or None where a DimoError of one sentence says why not."""
    from dimo.errors import DimoError

    try:
        return do()
    except DimoError as error:
        sentence = str(error)
    assert sentence
    assert sentence.count("\n") == 0, f"not one sentence: {sentence}"
    assert len(sentence) < 700, f"too long a sentence: {sentence}"
    return None


def moved(path: Path, root_bone: bool) -> Path:
    """A motion on the character that a file holds."""
    from dimo import Motion, preset
    from dimo.body.rotation import rotvec_to_quat

    root = np.linspace([0, 0.9, 0], [0.1, 0.95, 0.3], 4)
    clip = Motion(preset("humanml3d"), 20, root, rotvec_to_quat(np.full((4, 22, 3), 0.05)))
    return clip.save(
        path.with_name(f"moved{'.bvh' if path.suffix == '.bvh' else '.glb'}"), rig=path, root_bone=root_bone
    )


def hunt(count: int, seconds: float, seed: int) -> dict:
    """Damage files and try them until count or time is over; how many were refused and read, and every fault."""
    import dimo.formats.table
    import dimo.view.sheet  # noqa: F401

    def late(*_):
        raise TooSlow

    signal.signal(signal.SIGPROF, late)
    warnings.simplefilter("error")
    found: Counter[str] = Counter()
    faults: list[str] = []
    slowest, began = (0.0, ""), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = good_files(folder)
        for content, _ in files.values():
            assert content
        before, trial = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
        for trial in range(count):
            if time.monotonic() - began > seconds:
                break
            g = np.random.default_rng([seed, trial])
            source = list(files)[trial % len(files)]
            content, beside = files[source]
            for other, bytes_ in beside.items():
                (folder / other).write_bytes(damage(other, bytes_, g) if g.random() < 0.3 else bytes_)
            path = folder / source
            path.write_bytes(damage(source, content, g))
            start = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                result = tried(path, g)
            except TooSlow:
                result = "fault"
                faults.append(f"seed {seed}, trial {trial}, {source}: over {SECONDS:g} s")
            except Exception as error:
                result = "fault"
                faults.append(f"seed {seed}, trial {trial}, {source}: {type(error).__name__}: {error}"[:300])
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            slowest = max(slowest, (time.process_time() - start, f"trial {trial}, {source}"))
            found[result] += 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "seed": seed,
        "trials": sum(found.values()),
        **found,
        "megabytes": round(grown),
        "slowest_s": round(slowest[0], 2),
        "slowest": slowest[1],
        "faults": faults[:50],
    }


def run(*arguments: str) -> dict:
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def assert_sound(found: dict, least: int) -> None:
    assert found["faults"] == []
    assert found["megabytes"] < MEGABYTES
    assert found["trials"] >= least
    assert found["read"] > 0.05 * found["trials"]  # damage that is not always fatal, so that writing is tried too
    assert found["refused"] > 0.3 * found["trials"]


def test_damaged_files_are_read_or_refused():
    assert_sound(run("--count", "200", "--seed", "7"), 200)


@pytest.mark.integ
def test_damaged_files_for_two_minutes():
    found = run("--seconds", "120", "--seed", str(int(time.time())))
    print(found)
    assert_sound(found, 500)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(hunt(given.count, given.seconds, given.seed), indent=1))

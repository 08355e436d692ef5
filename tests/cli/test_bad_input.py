"""The bad input table: every row is answered by one sentence and exit code 2, without a traceback or a new file.

A row is (name, function of a folder that writes what it needs there and returns the command line, words of the answer).
"""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dimo.body.skeleton import preset
from dimo.cli.main import main

BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 40 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 50 0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.05
0 90 0 0 0 0 0 0 0
0 90 1 0 0 0 0 0 5
0 90 2 0 0 0 0 0 9
"""

ASF = """:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lfemur
    direction 0 -1 0
    length 7
    axis 0 0 0 XYZ
    dof rx
    limits (-160.0 20.0)
  end
:hierarchy
  begin
    root lfemur
  end
"""

AMC = """:FULLY-SPECIFIED
:DEGREES
1
root 0 17 0 0 0 0
lfemur 5
2
root 0 17 1 0 0 0
lfemur 6
"""

Make = Callable[[Path], list[str]]


def put(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def convert(content: str | bytes, suffix: str = ".bvh", target: str = "out.npz", flags: tuple[str, ...] = ()) -> Make:
    """Converts a file of this content."""
    return lambda folder: ["convert", put(folder, f"bad{suffix}", content), str(folder / target), *flags]


def bvh(old: str, new: str) -> Make:
    """Converts the good BVH with one thing changed."""
    assert BVH.count(old) == 1, old
    return convert(BVH.replace(old, new))


def amc(old: str = "", new: str = "", asf: str | None = ASF) -> Make:
    """Converts the good AMC beside its ASF with one thing changed."""

    def make(folder: Path) -> list[str]:
        if asf is not None:
            put(folder, "bad.asf", asf)
        return ["convert", put(folder, "bad.amc", AMC.replace(old, new)), str(folder / "out.npz")]

    return make


def array(value: np.ndarray, suffix: str = ".npy") -> Make:
    """Converts a .npy of this array."""

    def make(folder: Path) -> list[str]:
        path = folder / f"bad{suffix}"
        with path.open("wb") as file:
            np.save(file, value, allow_pickle=True)
        return ["convert", str(path), str(folder / "out.bvh")]

    return make


def npz(**changes: object) -> Make:
    """Converts our own NPZ with entries replaced, or left out where the new value is None."""

    def make(folder: Path) -> list[str]:
        path = folder / "bad.npz"
        assert main(["convert", put(folder, "good.bvh", BVH), str(path)]) == 0
        with np.load(path) as data:
            entries = {**data, **changes}
        np.savez(path, **{k: np.asarray(v) for k, v in entries.items() if v is not None})
        return ["convert", str(path), str(folder / "out.bvh")]

    return make


def huge_npy_header(shape: str) -> bytes:
    """A .npy file of a few bytes that claims an enormous array."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def glb(document: object, total: int | None = None) -> bytes:
    """A GLB container around a JSON document, with a true or a false total length."""
    body = json.dumps(document).encode()
    body += b" " * (-len(body) % 4)
    total = 20 + len(body) if total is None else total
    return b"glTF" + struct.pack("<III", 2, total, len(body)) + b"JSON" + body


def to(target: str) -> Make:
    """Converts a good file to a place or form that cannot be."""
    return lambda folder: ["convert", put(folder, "good.bvh", BVH), str(folder / target)]


def into_directory(folder: Path) -> list[str]:
    (folder / "out.npz").mkdir()
    return ["convert", put(folder, "good.bvh", BVH), str(folder / "out.npz")]


CONVERT: list[tuple[str, Make, str]] = [
    ("no such file", lambda f: ["convert", str(f / "none.bvh"), str(f / "out.npz")], "none.bvh"),
    ("input is a folder", lambda f: ["convert", str(f), str(f / "out.npz")], ".bvh"),
    (
        "input is a folder named like a file",
        lambda f: [(f / "d.bvh").mkdir(), ["convert", str(f / "d.bvh"), "o.npz"]][1],
        "d.bvh",
    ),
    ("unknown input suffix", convert(BVH, ".obj"), ".bvh"),
    ("no input suffix", convert(BVH, ""), ".bvh"),
    ("unknown output suffix", to("out.obj"), ".glb"),
    ("no output suffix", to("out"), ".glb"),
    ("output folder missing", to("nowhere/out.npz"), "nowhere"),
    ("output is a folder", into_directory, "out.npz"),
    ("output is the input", lambda f: ["convert", put(f, "good.bvh", BVH), str(f / "good.bvh")], "not overwritten"),
    (
        "output is the input by another way",
        lambda f: ["convert", put(f, "a.bvh", BVH), str(f / ".." / f.name / "a.bvh")],
        "is the input",
    ),
    ("a unit that is none", convert(BVH, flags=("--unit", "parsec")), "'parsec'"),
    ("an axis that is none", convert(BVH, flags=("--up", "w")), "--up"),
    ("an animation of a BVH", convert(BVH, flags=("--animation", "Walk")), "no animation to choose"),
    ("a map that is not there", convert(BVH, flags=("--map", "none.json")), "none.json"),
    ("a map that is no JSON", lambda f: [*convert(BVH)(f), "--map", put(f, "m.json", "{")], "m.json"),
    (
        "a map of other joints",
        lambda f: [
            *convert(BVH)(f),
            "--map",
            put(f, "m.json", '{"format": "dimo-map", "version": 1, "joints": {"pelvis": "tail"}}'),
        ],
        "'tail'",
    ),
    ("a body of 10 million km", convert(BVH.replace("0 40 0", "0 1e12 0")), "is believed"),
    ("a flag that does not exist", lambda f: [*to("out.npz")(f), "--faster"], "--faster"),
    ("a rate that is no number", convert(BVH, flags=("--fps", "fast")), "--fps"),
    ("a rate of zero", convert(BVH, flags=("--fps", "0")), "fps"),
    ("a rate of nan", convert(BVH, flags=("--fps", "nan")), "fps"),
    ("empty file", convert(""), "the file is empty"),
    ("text that is not BVH", convert("Dear reader,\nthis is a letter.\n"), "line 1"),
    ("binary that is not BVH", convert(bytes(range(256)) * 4), "bad.bvh"),
    ("BVH without MOTION", convert(BVH.partition("MOTION")[0]), "MOTION"),
    ("BVH cut off in the hierarchy", convert(BVH[:120]), "cut off"),
    ("BVH with MOTION inside the braces", bvh("}\n}\nMOTION", "}\nMOTION"), "braces"),
    ("BVH with too few values", bvh("0 90 1 0 0 0 0 0 5", "0 90 1 0 0 0 0 0"), "frame 1"),
    ("BVH with too many values", bvh("0 90 1 0 0 0 0 0 5", "0 90 1 0 0 0 0 0 5 7"), "line 20"),
    ("BVH with a word for a value", bvh("0 90 1 0 0 0 0 0 5", "0 90 x 0 0 0 0 0 5"), "'x'"),
    ("BVH with nan", bvh("0 90 1 0 0 0 0 0 5", "0 90 nan 0 0 0 0 0 5"), "frame 1"),
    ("BVH with inf", bvh("0 90 1 0 0 0 0 0 5", "0 90 1e999 0 0 0 0 0 5"), "frame 1"),
    ("BVH with frame time 0", bvh("Time: 0.05", "Time: 0"), "Frame Time"),
    ("BVH with negative frame time", bvh("Time: 0.05", "Time: -0.05"), "Frame Time"),
    ("BVH with negative frames", bvh("Frames: 3", "Frames: -3"), "Frames"),
    ("BVH with no frames", bvh("Frames: 3", "Frames: 0"), "Frames"),
    ("BVH that claims more frames than it has", bvh("Frames: 3", "Frames: 5"), "5"),
    ("BVH that claims very many frames", bvh("Frames: 3", "Frames: 99999999999999999999"), "Frames"),
    ("BVH with a decimal comma", bvh("0 90 1 0", "0 90,5 1 0"), "decimal comma"),
    ("BVH with a bone of 10 million km", bvh("OFFSET 0 40 0", "OFFSET 0 1e12 0"), "'Spine' is 1e+12 units away"),
    ("BVH 20 million km away", bvh("0 90 1 0", "0 90 2e12 0"), "frame 1"),
    ("BVH with an unknown channel", bvh("Xposition", "Xscale"), "Xscale"),
    ("BVH with a wrong channel count", bvh("CHANNELS 6", "CHANNELS 5"), "joint Hips"),
    ("BVH with a broken OFFSET", bvh("OFFSET 0 40 0", "OFFSET 0 forty 0"), "Spine"),
    (
        "BVH nested deeper than a body",
        convert("HIERARCHY\nROOT a\n{\n" + "".join(f"JOINT j{i}\n{{\n" for i in range(3000))),
        "2000",
    ),
    ("AMC without its ASF", amc(asf=None), ".asf"),
    ("AMC with an unknown bone", amc("lfemur 6", "wing 6"), "wing"),
    ("AMC with too many values", amc("lfemur 6", "lfemur 6 7"), "lfemur"),
    ("AMC with a bone left out", amc("lfemur 6\n", ""), "lfemur"),
    ("AMC that is empty", amc(AMC, ""), "bad.amc"),
    ("ASF that is empty", amc(asf=""), "bad.asf"),
    ("ASF with a cycle", amc(asf=ASF.replace("root lfemur", "lfemur lfemur")), "lfemur"),
    ("NPZ that is no archive", convert("not a zip", ".npz", "out.bvh"), "bad.npz"),
    ("NPZ cut off", convert(b"PK\x03\x04" + b"\0" * 50, ".npz", "out.bvh"), "bad.npz"),
    ("NPZ of another version", npz(version=99), "version"),
    ("NPZ without rotations", npz(rotations=None), "rotations"),
    ("NPZ with an object array", npz(rotations=np.array([{}, []], dtype=object)), "bad.npz"),
    ("NPZ with wrong shapes", npz(root=np.zeros((2, 2))), "root"),
    ("NPZ with nan", npz(root=np.full((3, 3), np.nan)), "frame 0"),
    ("NPZ with parents in a cycle", npz(parents=np.array([-1, 2, 1])), "parent"),
    ("NPY of a wrong shape", array(np.zeros((5, 7, 9))), "bad.npy"),
    ("NPY of no frames", array(np.zeros((0, 22, 3))), "bad.npy"),
    ("NPY with nan", array(np.full((5, 22, 3), np.nan)), "frame 0"),
    ("NPY of strings", array(np.full((5, 22, 3), "a")), "bad.npy"),
    ("NPY with a pickle", array(np.array([{"a": 1}], dtype=object)), "bad.npy"),
    ("NPY that claims a huge array", convert(huge_npy_header("(99999999, 22, 3)"), ".npy", "out.bvh"), "bad.npy"),
    ("NPY that is text", convert("1 2 3", ".npy", "out.bvh"), "bad.npy"),
    ("GLB that is text", convert("a cube", ".glb", "out.bvh"), "bad.glb"),
    ("GLB cut off", convert(glb({"asset": {"version": "2.0"}}, total=5000), ".glb", "out.bvh"), "bad.glb"),
    ("GLB without a body", convert(glb({"asset": {"version": "2.0"}}), ".glb", "out.bvh"), "bad.glb"),
    ("GLB that is a list", convert(glb([1, 2]), ".glb", "out.bvh"), "bad.glb"),
]


# ---- a tiny model, for what is found only when one is loaded


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    from dimo.api import DiMo

    return DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights") / "tiny")


def generate(text: str, *flags: str, target: str = "out.npz") -> Make:
    return lambda folder: ["generate", text, "-o", str(folder / target), "--model", str(folder / "tiny"), *flags]


def with_skeleton(content: str) -> Make:
    return lambda folder: generate("a person walks", "--skeleton", put(folder, "body.json", content))(folder)


def with_weights(name: str, change: Callable[[Path], object]) -> Make:
    """Asks a model whose file `name` was changed or removed."""

    def make(folder: Path) -> list[str]:
        change(folder / "tiny" / name)
        return generate("a person walks")(folder)

    return make


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lengthen(vocabulary: Path) -> None:
    vocabulary.write_text(vocabulary.read_text() + "".join(f"piece{i}\n" for i in range(50_000)))


def edit_config(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def cyclic_body() -> str:
    body = json.loads(preset("humanml3d").to_json())
    body["joints"][3]["parent"], body["joints"][6]["parent"] = 6, 3
    return json.dumps(body)


def foreign_body() -> str:
    joints = [{"name": f"wheel{i}", "parent": i - 1, "offset": [0, 1, 0]} for i in range(4)]
    return json.dumps({"format": "dimo-skeleton", "version": 1, "name": "car", "joints": joints})


def caption(content: str | bytes, suffix: str = ".bvh", *flags: str) -> Make:
    return lambda folder: ["caption", put(folder, f"bad{suffix}", content), "--model", str(folder / "tiny"), *flags]


def caption_of_a_body(*flags: str) -> Make:
    def make(folder: Path) -> list[str]:
        path = folder / "good.npy"
        np.save(path, np.cumsum(np.full((40, 22, 3), 0.01), axis=0) + rest_joints())
        return ["caption", str(path), "--model", str(folder / "tiny"), *flags]

    return make


def edit(*flags: str, target: str = "out.npz") -> Make:
    """Edits a good motion of 2 seconds."""

    def make(folder: Path) -> list[str]:
        path = caption_of_a_body()(folder)[1]
        return ["edit", path, "-o", str(folder / target), "--model", str(folder / "tiny"), *flags]

    return make


def inbetween(*flags: str, second: str = "good.npy") -> Make:
    def make(folder: Path) -> list[str]:
        path = caption_of_a_body()(folder)[1]
        out = ["-o", str(folder / "out.npz"), "--model", str(folder / "tiny")]
        return ["inbetween", path, str(folder / second), *out, *flags]

    return make


def compose(content: str, suffix: str = ".txt") -> Make:
    def make(folder: Path) -> list[str]:
        out = ["-o", str(folder / "out.npz"), "--model", str(folder / "tiny")]
        return ["compose", put(folder, f"script{suffix}", content), *out]

    return make


def sample(*flags: str) -> Make:
    return lambda folder: ["sample", "-o", str(folder / "out.npz"), "--model", str(folder / "tiny"), *flags]


def of_a_body(verb: str, *arguments: str) -> Make:
    """A verb on a good motion file and these arguments."""

    def make(folder: Path) -> list[str]:
        _, path, *rest = caption_of_a_body()(folder)
        return [verb, path, *arguments, *rest]

    return make


def batch(content: str, suffix: str = ".jsonl", *flags: str, out: str = "made") -> Make:
    """A batch of these prompts."""
    return lambda folder: [
        *("batch", put(folder, f"prompts{suffix}", content), "-o", str(folder / out)),
        *("--model", str(folder / "tiny"), *flags),
    ]


def batch_into_other_things(folder: Path) -> list[str]:
    (folder / "made").mkdir()
    put(folder / "made", "letter.txt", "dear reader")
    return batch("a person walks", ".txt")(folder)


def rest_joints() -> np.ndarray:
    body = preset("humanml3d")
    joints = np.zeros((22, 3))
    for j, parent in enumerate(body.parents):
        joints[j] = body.offsets[j] + (joints[parent] if parent >= 0 else [0, 0.9, 0])
    return joints


WALK = "a person walks"
MODEL: list[tuple[str, Make, str]] = [
    ("empty text", generate(""), "empty"),
    ("blank text", generate("  \t "), "empty"),
    ("text too long", generate("a person walks and " * 400 + "stops"), "at most"),
    ("text in another script", generate("一个人向前走"), "English"),
    ("text of no words", generate("!!! ??? ..."), "no words"),
    ("negative seconds", generate(WALK, "--seconds", "-2"), "seconds"),
    ("zero seconds", generate(WALK, "--seconds", "0"), "seconds"),
    ("nan seconds", generate(WALK, "--seconds", "nan"), "seconds"),
    ("infinite seconds", generate(WALK, "--seconds", "inf"), "seconds"),
    ("seconds too long", generate(WALK, "--seconds", "3600"), "seconds"),
    ("seconds that are no number", generate(WALK, "--seconds", "long"), "--seconds"),
    ("no steps", generate(WALK, "--steps", "0"), "steps"),
    ("too many steps", generate(WALK, "--steps", "1000000"), "steps"),
    ("no samples", generate(WALK, "--samples", "0"), "samples"),
    ("too many samples", generate(WALK, "--samples", "1000000"), "samples"),
    ("negative seed", generate(WALK, "--seed", "-1"), "seed"),
    ("seed beyond 64 bits", generate(WALK, "--seed", "99999999999999999999999"), "seed"),
    ("negative guidance", generate(WALK, "--guidance", "-1"), "guidance"),
    ("nan guidance", generate(WALK, "--guidance", "nan"), "guidance"),
    ("negative temperature", generate(WALK, "--temperature", "-1"), "temperature"),
    ("negative top-k", generate(WALK, "--top-k", "-1"), "top-k"),
    ("no output", lambda f: ["generate", WALK, "--model", str(f / "tiny")], "--output"),
    ("unknown output suffix for a motion", generate(WALK, target="out.docx"), ".glb"),
    ("output folder missing for a motion", generate(WALK, target="nowhere/out.glb"), "nowhere"),
    ("one good and one bad output", generate(WALK, "-o", "out.docx"), ".glb"),
    ("the same output twice", lambda f: [*generate(WALK)(f), "-o", str(f / "out.npz")], "twice"),
    ("unknown skeleton", generate(WALK, "--skeleton", "robot"), "humanml3d"),
    ("missing skeleton file", generate(WALK, "--skeleton", "robot.json"), "robot.json"),
    ("skeleton file that is no JSON", with_skeleton("a body"), "JSON"),
    ("skeleton file with a cycle", with_skeleton(cyclic_body()), "parent"),
    ("skeleton without a human's joints", with_skeleton(foreign_body()), "hip"),
    ("model folder missing", lambda f: [*generate(WALK)(f)[:-1], str(f / "none")], "none"),
    ("model folder is a file", lambda f: [*generate(WALK)(f)[:-1], put(f, "file", "x")], "file"),
    (
        "model folder is empty",
        lambda f: [(f / "empty").mkdir(), [*generate(WALK)(f)[:-1], str(f / "empty")]][1],
        "config.json",
    ),
    ("config that is no JSON", with_weights("config.json", cut), "config.json"),
    ("config of another version", with_weights("config.json", edit_config(version=99)), "99"),
    ("config of another program", with_weights("config.json", edit_config(format="bert")), "config.json"),
    ("config without a codec", with_weights("config.json", edit_config(codec=None)), "config.json"),
    ("config with a strange codec", with_weights("config.json", edit_config(codec={"colour": 3})), "colour"),
    ("config with a huge codec", with_weights("config.json", edit_config(codec={"width": 10**9})), "config.json"),
    ("model file missing", with_weights("model.safetensors", Path.unlink), "model.safetensors"),
    ("model file cut off", with_weights("model.safetensors", cut), "model.safetensors"),
    ("codec file cut off", with_weights("codec.safetensors", cut), "codec.safetensors"),
    (
        "codec file that is text",
        with_weights("codec.safetensors", lambda p: p.write_text("x" * 100)),
        "codec.safetensors",
    ),
    (
        "codec file of another model",
        with_weights("codec.safetensors", lambda p: shutil.copy(p.with_name("model.safetensors"), p)),
        "missing",
    ),
    ("vocabulary missing", with_weights("vocab.txt", Path.unlink), "vocab.txt"),
    ("vocabulary empty", with_weights("vocab.txt", lambda p: p.write_text("")), "vocab.txt"),
    ("vocabulary longer than the model", with_weights("vocab.txt", lengthen), "vocab.txt"),
    ("an unknown strategy", generate(WALK, "--strategy", "best"), "write_back"),
    ("an unknown schedule", generate(WALK, "--schedule", "stairs"), "cosine"),
    ("adaptive steps at no threshold", generate(WALK, "--adaptive", "0"), "adaptive"),
    ("adaptive steps above certainty", generate(WALK, "--adaptive", "1.5"), "adaptive"),
    ("guidance on something else", generate(WALK, "--guidance-on", "tokens"), "probabilities"),
    ("a trace as a text", generate(WALK, "--trace", "out.txt"), ".html"),
    ("a trace of several samples", generate(WALK, "--trace", "out.html", "--samples", "2"), "--trace"),
    ("a trace into no folder", generate(WALK, "--trace", "none/out.html"), "none"),
    ("correction of no file", lambda f: ["correct", str(f / "none.bvh"), WALK], "none.bvh"),
    ("correction of no text", lambda f: ["correct", put(f, "good.bvh", BVH), " "], "empty"),
    ("correction of a broken file", lambda f: ["correct", put(f, "bad.bvh", BVH[:200]), WALK], "bad.bvh"),
    ("correction of another script", of_a_body("correct", "人が歩く"), "English"),
    ("correction of a text too long", of_a_body("correct", "walks " * 300), "word pieces"),
    ("search for nothing", lambda f: ["search", "", str(f)], "empty"),
    ("search in no folder", lambda f: ["search", WALK, str(f / "none")], "none"),
    ("search in a file", lambda f: ["search", WALK, put(f, "good.bvh", BVH)], "not a folder"),
    (
        "search in a folder without motions",
        lambda f: [(f / "empty").mkdir(), ["search", WALK, str(f / "empty")]][1],
        "no motion files",
    ),
    ("search for fewer than none", lambda f: ["search", WALK, str(f), "--top", "-1"], "--top"),
    ("rank for no file", lambda f: ["rank", str(f / "none.bvh"), put(f, "c.txt", WALK)], "none.bvh"),
    ("rank of no captions", of_a_body("rank", "none.txt"), "none.txt"),
    ("rank of an empty list", lambda f: of_a_body("rank", put(f, "c.txt", " \n \n"))(f), "c.txt"),
    (
        "rank of a line in another script",
        lambda f: of_a_body("rank", put(f, "c.txt", WALK + "\n人が歩く"))(f),
        "line 2",
    ),
    ("caption of no file", lambda f: ["caption", str(f / "none.bvh"), "--model", str(f / "tiny")], "none.bvh"),
    ("caption of a picture", caption(b"\x89PNG\r\n\x1a\n", ".png"), ".bvh"),
    ("caption of a broken file", caption(BVH[:200]), "bad.bvh"),
    ("caption of a body without limbs", caption(BVH), "hip"),
    ("caption with no samples", caption_of_a_body("--samples", "0"), "samples"),
    ("caption with no steps", caption_of_a_body("--steps", "0"), "steps"),
    ("caption with a strange seed", caption_of_a_body("--seed", "x"), "--seed"),
    ("editing no file", lambda f: ["edit", str(f / "none.bvh"), "--keep", "0:1", "-o", "out.npz"], "none.bvh"),
    ("editing nothing", edit(), "--replace"),
    ("editing two ways at once", edit("--keep", "0:1", "--vary", "0.4"), "--vary"),
    ("a span that is none", edit("--replace", "2 to 4"), "0:2,4:6"),
    ("a span outside of the motion", edit("--keep", "0:99"), "within the motion of 2 seconds"),
    ("a span that ends before it begins", edit("--replace", "1.5:1"), "1.5:1"),
    ("a span of nan", edit("--replace", "nan:1"), "nan:1"),
    ("a span without a frame", edit("--replace", "1:1.001"), "holds no frame"),
    ("a span of frames outside of the motion", edit("--frames", "--keep", "0:99"), "40 frames"),
    ("replacing all", edit("--replace", "0:2"), "whole motion"),
    ("replacing nothing", edit("--replace", ""), "no span"),
    ("replacing by an empty text", edit("--replace", "0:1", "--text", " "), "--text"),
    ("replacing by a text in another script", edit("--replace", "0:1", "--text", "跳"), "English"),
    ("keeping more than the result", edit("--keep", "0:1.5", "--seconds", "1"), "end at 1.5 s"),
    ("a length where it means nothing", edit("--replace", "0:1", "--seconds", "1"), "--keep only"),
    ("extending backwards", edit("--extend", "-1"), "seconds"),
    ("extending without end", edit("--extend", "inf"), "seconds"),
    ("varying more than all", edit("--vary", "1.5"), "share"),
    ("an edit in an unknown format", edit("--vary", "0.4", target="out.docx"), ".glb"),
    ("no edits", edit("--vary", "0.4", "--samples", "0"), "samples"),
    (
        "editing a body without limbs",
        lambda f: ["edit", put(f, "b.bvh", BVH), "--extend", "1", "-o", str(f / "o.npz"), "--model", str(f / "tiny")],
        "hip",
    ),
    ("joining to no file", inbetween(second="none.bvh"), "none.bvh"),
    ("joining in no time", inbetween("--seconds", "0"), "seconds"),
    ("joining anywhere", inbetween("--place", "there"), "--place"),
    ("a script that is not there", lambda f: ["compose", str(f / "none.txt"), "-o", str(f / "o.npz")], "none.txt"),
    ("a script in an unknown format", compose("walks", ".doc"), ".yaml"),
    ("an empty script", compose("# nothing\n"), "at least one part"),
    ("a script in all of YAML", compose("walks: &a [1, 2]", ".yaml"), "line 1"),
    ("a script of endless parts", compose("9999s walks"), "seconds"),
    ("a script in another language", compose("3s 跳"), "English"),
    ("a batch of no file", lambda f: ["batch", "none.txt", "-o", str(f / "made")], "none.txt"),
    ("a batch of a table", batch("a,b", ".csv"), ".jsonl"),
    ("a batch of comments", batch("# walks\n\n", ".txt"), "no prompts"),
    ("a batch of an empty file", batch(""), "empty"),
    ("a prompt that is no JSON", batch('{"text": "walks"}\n{"text"\n'), "line 2: not a JSON object"),
    ("a prompt that is a list", batch("[1]"), "line 1"),
    ("a prompt of nothing", batch('{"seconds": 2}'), "line 1: there is no text"),
    ("a prompt of blanks", batch('{"text": "  "}'), "line 1: there is no text"),
    ("a prompt with an unknown key", batch('{"text": "walks", "length": 2}'), "no 'length'"),
    ("a prompt of 700 seconds", batch('{"text": "walks", "seconds": 700}'), "at most 600"),
    ("a prompt of nan seconds", batch('{"text": "walks", "seconds": NaN}'), "seconds must be more than 0"),
    ("a prompt of some seconds", batch('{"text": "walks", "seconds": "some"}'), "seconds must be a number"),
    ("a prompt of true seconds", batch('{"text": "walks", "seconds": true}'), "seconds must be a number"),
    ("a prompt in minutes", batch("2m walks", ".txt"), "line 1: times are in seconds"),
    ("a prompt of a time alone", batch("a person walks\n700s", ".txt"), "line 2"),
    ("a prompt with half a seed", batch('{"text": "walks", "seed": 0.5}'), "seed must be a whole number"),
    ("a prompt with a huge seed", batch(f'{{"text": "walks", "seed": {2**63}}}'), "seed must be a whole number"),
    ("an id that leaves the folder", batch('{"text": "walks", "id": "../a"}'), "'../a'"),
    ("an id that is hidden", batch('{"text": "walks", "id": ".partial"}'), "'.partial'"),
    ("an id twice", batch('{"text": "a", "id": "a"}\n{"text": "b", "id": "A"}'), "line 2: the id 'A' stands in line 1"),
    ("a prompt of parts and text", batch('{"text": "a", "parts": [{"text": "b"}]}'), "leave out text"),
    ("a prompt of no parts", batch('{"parts": []}'), "at least one part"),
    ("a prompt of parts that are words", batch('{"parts": ["walks"]}'), "parts are a list"),
    ("a prompt of a part without text", batch('{"parts": [{"seconds": 2}]}'), "part 1 has no text"),
    ("a batch in an unknown format", batch("walks", ".txt", "--format", "mp4"), "--format"),
    ("a batch without workers", batch("walks", ".txt", "--workers", "0"), "--workers"),
    ("a batch of none at once", batch("walks", ".txt", "--size", "0"), "--size"),
    ("a batch in no steps", batch("walks", ".txt", "--steps", "0"), "steps"),
    ("a batch with a negative seed", batch("walks", ".txt", "--seed", "-1"), "seed"),
    ("a batch on an unknown body", batch("walks", ".txt", "--skeleton", "robot"), "humanml3d"),
    ("a batch in centimetres of metres", batch("walks", ".txt", "--out-unit", "cm"), "--out-unit is for"),
    ("a batch into no folder", batch("walks", ".txt", out="none/made"), "none does not exist"),
    ("a batch into a file", batch("walks", ".txt", out="prompts.txt"), "this is a file"),
    ("a batch among other things", batch_into_other_things, "'letter.txt'"),
    ("a batch by no model", lambda f: [*batch("walks", ".txt")(f)[:-1], str(f / "none")], "no such weights folder"),
    (
        "a batch by many without a model",
        lambda f: [*batch("walks", ".txt", "--workers", "2", "--model", "no")(f)],
        "no:",
    ),
    ("a sample of no length", sample("--seconds", "0"), "seconds"),
    ("a sample by no strategy", sample("--strategy", "best"), "confidence, gumbel"),
    ("an edit surer than sure", edit("--vary", "0.4", "--adaptive", "2"), "adaptive"),
    ("a sample on an unknown body", sample("--skeleton", "robot"), "humanml3d"),
]


# ---- training and looking


def train(what: str, *flags: str) -> Make:
    return lambda folder: ["train", what, "--out", str(folder / "run"), "--data", str(folder / "none"), *flags]


def train_by(recipe: str) -> Make:
    return lambda folder: train("codec", "--recipe", put(folder, "recipe.toml", recipe))(folder)


def evaluate(*flags: str) -> Make:
    return lambda folder: ["evaluate", "-o", str(folder / "out"), *flags]


def evaluated_motions(captions: str, name: str = "c.txt", motion: str | None = "m1.npy") -> Make:
    """Scores one generated motion with these captions."""

    def make(folder: Path) -> list[str]:
        (folder / "made").mkdir()
        if motion is not None:
            np.save(folder / "made" / motion, rest_joints()[None].repeat(20, axis=0))
        return evaluate("--motions", str(folder / "made"), "--captions", put(folder, name, captions))(folder)

    return make


def ablate(rows: str, *flags: str) -> Make:
    return lambda folder: ["ablate", put(folder, "rows.toml", rows), *flags]


A_ROW = "[groups.a]\nrows.b = {}\n"

OTHER: list[tuple[str, Make, str]] = [
    ("training nothing", train("nothing"), "invalid choice"),
    ("training without data", lambda f: ["train", "codec", "--out", str(f / "run")], "--data"),
    ("training on a folder that is not there", train("codec"), "none"),
    ("training the model without a codec", train("model"), "--codec"),
    ("training for no steps", train("codec", "--steps", "0"), "--steps"),
    ("training for no time", train("codec", "--time-limit", "-1"), "--time-limit"),
    ("a memory with a schedule", train("memory", "--steps", "3"), "--steps"),
    ("a memory without weights", train("memory"), "no such weights folder"),
    ("recipe missing", train("codec", "--recipe", "none.toml"), "none.toml"),
    ("recipe that is no TOML", train_by("steps: 3"), "recipe.toml"),
    ("recipe with an unknown entry", train_by("colour = 3"), "colour"),
    ("preparing a folder that is not there", lambda f: ["prepare", str(f / "none"), str(f / "out")], "none"),
    ("showing no file", lambda f: ["show", str(f / "none.bvh"), "-o", str(f / "out.gif")], "none.bvh"),
    ("showing as text", lambda f: ["show", put(f, "good.bvh", BVH), "-o", str(f / "out.txt")], ".gif"),
    ("drawing into no folder", lambda f: ["draw", put(f, "good.bvh", BVH), "-o", str(f / "no" / "out.png")], "no"),
    ("doctor of what is no file", lambda f: ["doctor", "me"], ".gltf"),
    ("doctor of a file that is not there", lambda f: ["doctor", str(f / "none.bvh")], "none.bvh"),
    ("doctor of a damaged file", lambda f: ["doctor", put(f, "bad.bvh", BVH[:200])], "bad.bvh"),
    (
        "a map written over the file",
        lambda f: [*(a := ["doctor", put(f, "b.bvh", BVH)]), "--map-template", a[1]],
        ".json",
    ),
    ("doctor with a unit and no file", lambda f: ["doctor", "--unit", "cm"], "--unit"),
    ("evaluating nothing", evaluate(), "--data"),
    ("evaluating on a folder that is not there", evaluate("--data", "none"), "none"),
    ("evaluating an unknown task", evaluate("--data", ".", "--tasks", "t2m,fly"), "'fly'"),
    ("evaluating no row", evaluate("--data", ".", "--rows", ","), "--rows"),
    ("evaluating without repeats", evaluate("--data", ".", "--repeats", "0"), "--repeats"),
    ("evaluating a sweep of nothing", evaluate("--data", ".", "--sweep", "hope=1"), "steps"),
    ("evaluating a sweep of words", evaluate("--data", ".", "--sweep", "steps=many"), "numbers"),
    ("evaluating half a step", evaluate("--data", ".", "--sweep", "steps=0.5"), "whole"),
    ("evaluating into no folder", lambda f: ["evaluate", "--data", str(f), "-o", str(f / "no" / "out")], "no/out"),
    ("evaluating motions without captions", evaluate("--motions", "."), "--captions"),
    ("evaluating a folder without motions", evaluated_motions("m1\twalks\n", motion=None), "no motion file"),
    ("captions without a tab", evaluated_motions("m1 walks\n"), "line 1"),
    ("captions of no motion", evaluated_motions("m9\twalks\n"), "m9"),
    ("captions that are empty", evaluated_motions("\n"), "no captions"),
    ("captions in broken JSON", evaluated_motions("{\n", "c.jsonl"), "line 1"),
    ("captions without a text", evaluated_motions('{"id": "m1"}\n', "c.jsonl"), "caption"),
    ("ablating no file", lambda f: ["ablate", str(f / "none.toml"), "--list"], "none.toml"),
    (
        "ablating an unknown key",
        ablate("[groups.a]\nrows.b = { model.loss.mixx = 1 }", "--list"),
        "row a/b: no key 'mixx'",
    ),
    ("ablating what cannot be", ablate("[groups.a]\nrows.b = { model.loop.steps = 0 }", "--list"), "row a/b: training"),
    ("ablating into nothing", ablate(A_ROW), "-o"),
    ("ablating an unknown row", ablate(A_ROW, "--list", "--only", "a/c"), "did you mean 'a/b'"),
    ("ablating without data", ablate(A_ROW, "--data", "none", "-o", "out"), "none"),
    ("ablating data that are not prepared", ablate(A_ROW, "--data", ".", "-o", "out", "--from", "."), "parquet"),
    ("ablating for no steps", ablate(A_ROW, "--list", "--steps", "0"), "--steps"),
    ("ablating into no folder", ablate(A_ROW, "--data", ".", "-o", "no/out"), "no/out"),
    ("comparing what is no report", lambda f: ["compare", put(f, "a.json", "[]"), put(f, "b.json", "{}")], "a.json"),
    ("comparing nothing", lambda f: ["compare", str(f / "a.json"), str(f / "b.json")], "a.json"),
    ("a study of nothing", lambda f: ["study", "build", str(f), str(f), "-o", str(f / "s.html")], "samples.json"),
    ("a study into a text", lambda f: ["study", "build", str(f), str(f), "-o", str(f / "s.txt")], ".html"),
    ("a study scored without a key", lambda f: ["study", "score", put(f, "k.json", "{}"), "a.json"], "k.json"),
]


# ---- the test


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def assert_refused(folder: Path, make: Make, words: str, capsys) -> None:
    argv = make(folder)
    before = files(folder)
    capsys.readouterr()
    code = main(argv)
    shown = capsys.readouterr()
    assert code == 2, shown.err
    assert shown.err.startswith("dimo: error: ")
    assert shown.err.count("\n") == 1, shown.err
    assert "Traceback" not in shown.err
    assert words in shown.err
    assert files(folder) == before


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in CONVERT], ids=[row[0] for row in CONVERT])
def test_convert_refuses(make, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert_refused(tmp_path, make, words, capsys)


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in OTHER], ids=[row[0] for row in OTHER])
def test_other_verbs_refuse(make, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert_refused(tmp_path, make, words, capsys)


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in MODEL], ids=[row[0] for row in MODEL])
def test_generate_and_caption_refuse(make, words, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model, tmp_path / "tiny")
    assert_refused(tmp_path, make, words, capsys)


# ---- what the rows change is good before it is changed


@pytest.mark.parametrize("make", [convert(BVH), amc(), npz(), to("out.glb"), array(np.tile(rest_joints(), (5, 1, 1)))])
def test_the_unspoiled_inputs_convert(make, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    argv = make(tmp_path)
    assert main(argv) == 0
    assert Path(argv[2]).stat().st_size > 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("make", [generate(WALK, "--seed", "0"), with_skeleton(preset("smplx").to_json())])
def test_the_unspoiled_model_generates(make, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model, tmp_path / "tiny")
    assert main(make(tmp_path)) == 0
    assert (tmp_path / "out.npz").stat().st_size > 0
    assert capsys.readouterr().err == ""


def test_the_unspoiled_model_captions(tiny_model, tmp_path, capsys):
    shutil.copytree(tiny_model, tmp_path / "tiny")
    assert main(caption_of_a_body("--json")(tmp_path)) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert set(json.loads(shown.out)[0]) == {"text", "score"}


@pytest.mark.parametrize(
    "make",
    [
        edit("--replace", "0.5:1", "--text", "jumps", "--steps", "2"),
        edit("--keep", "0:0.5,1:1.5", "--seconds", "3", "--steps", "2"),
        edit("--extend", "1", "--steps", "2"),
        edit("--vary", "0.4", "--steps", "2"),
        inbetween("--steps", "2", "--seconds", "0.5"),
        compose("1s walks\n1s waves"),
        sample("--seconds", "1", "--steps", "2"),
    ],
)
def test_the_unspoiled_edits_work(make, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model, tmp_path / "tiny")
    assert main(make(tmp_path)) == 0
    assert (tmp_path / "out.npz").stat().st_size > 0
    assert capsys.readouterr().err == ""


def test_the_table_is_long_enough():
    names = [row[0] for row in CONVERT + MODEL + OTHER]
    assert len(names) == len(set(names)) >= 25

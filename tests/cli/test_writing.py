"""Flags of writing on the verbs that make or convert motion."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.body.rotation import rotvec_to_quat
from dimo.cli.main import build_parser, main
from dimo.formats.table import read

BODY = preset("humanml3d")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> str:
    from dimo.api import DiMo

    return str(DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights") / "tiny"))


@pytest.fixture
def clip(tmp_path) -> str:
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (40, 22, 3)), axis=0)
    root = np.stack([np.zeros(40), np.full(40, 0.95), np.linspace(0, 1, 40)], axis=1)
    return str(Motion(BODY, 20, root, rotvec_to_quat(turns), "clip").save(tmp_path / "clip.npz"))


def verbs(clip: str, tiny: str, folder: Path) -> dict[str, list[str]]:
    script = folder / "script.txt"
    script.write_text("1s walks forward\n1s jumps\n")
    drawn = ["--steps", "1", "--seed", "0", "--model", tiny]
    return {
        "generate": ["generate", "a person walks", "--seconds", "2", *drawn],
        "sample": ["sample", "--seconds", "2", *drawn],
        "compose": ["compose", str(script), *drawn],
        "edit": ["edit", clip, "--replace", "0.5:1", *drawn],
        "inbetween": ["inbetween", clip, clip, "--seconds", "0.5", *drawn],
    }


@pytest.mark.parametrize("verb", ["generate", "sample", "compose", "batch", "edit", "convert"])
def test_unit_and_up_are_of_the_input_and_where_there_is_none_of_the_output(verb):
    before = {"sample": [], "convert": ["a.bvh", "b.bvh"], "edit": ["a.bvh", "--extend", "1"]}.get(verb, ["a.txt"])
    line = [verb, *before, *(["-o", "b.bvh"] if verb != "convert" else []), "--unit", "cm", "--up", "z"]
    args = build_parser(line).parse_args(line)
    if verb in ("edit", "convert"):
        assert (args.unit, args.up, args.out_unit, args.out_up) == ("cm", "z", None, None)
    else:
        assert (args.out_unit, args.out_up) == ("cm", "z")
    line = [word.replace("--u", "--out-u") for word in line]
    args = build_parser(line).parse_args(line)
    assert (args.out_unit, args.out_up) == ("cm", "z")


@pytest.mark.parametrize("verb", ["generate", "sample", "compose", "edit", "inbetween", "convert"])
def test_every_verb_that_makes_motion_writes_with_the_flags(verb, clip, tiny, tmp_path):
    flags = ["--fps", "30", "--out-unit", "cm", "--out-up", "z", "--in-place", "--root-bone", "--no-mesh"]
    out = [tmp_path / "o.bvh", tmp_path / "o.glb"]
    if verb == "convert":
        for path in out:
            taken = (
                flags if path.suffix == ".bvh" else [f for f in flags if f not in ("--out-unit", "cm", "--out-up", "z")]
            )
            assert main(["convert", clip, str(path), *taken]) == 0
    else:
        assert main([*verbs(clip, tiny, tmp_path)[verb], "-o", str(out[0]), "-o", str(out[1]), *flags]) == 0
    found = read(out[0])
    assert (found.unit, found.up, found.motion.fps) == (0.01, "z", 30)
    assert "ROOT root\n" in out[0].read_text()
    assert np.ptp(found.motion.root[:, [0, 2]], axis=0).max() < 1e-5
    data = out[1].read_bytes()
    document = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    assert "mesh" not in json.dumps(document["nodes"])
    assert document["nodes"][0]["name"] == "root"
    both = found.motion.joints(), read(out[1]).motion.joints()
    assert np.abs(both[0] - both[1]).max() < 1e-4


@pytest.mark.parametrize(
    ("flags", "output", "words"),
    [
        (["--out-unit", "parsec"], "o.bvh", "no unit 'parsec'"),
        (["--out-unit", "cm"], "o.glb", "--out-unit is for BVH, NPY and USD files, and none is written"),
        (["--out-up", "z"], "o.npz", "--out-up is for BVH, NPY and USD files, and none is written"),
        (["--root-bone"], "o.npy", "--root-bone is for BVH, GLB, FBX and USD files, and none is written"),
        (["--fps", "0"], "o.bvh", "--fps must be more than 0 and at most 1000, not 0"),
        (["--fps", "1e9"], "o.bvh", "--fps must be more than 0"),
    ],
)
@pytest.mark.parametrize("verb", ["convert", "generate"])
def test_what_cannot_be_is_said_before_anything_is_made(verb, flags, output, words, clip, tmp_path, capsys):
    target = str(tmp_path / output)
    # Weights that are not there: nothing asks for them.
    argv = ["convert", clip, target] if verb == "convert" else ["generate", "walks", "-o", target, "--model", "nowhere"]
    assert main([*argv, *flags]) == 2
    assert words in capsys.readouterr().err
    assert not Path(target).exists()

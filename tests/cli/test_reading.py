"""Flags of reading on every verb that reads, what is told, and dimo doctor FILE."""

import io
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from dimo import Motion, Skeleton, preset
from dimo.body.rotation import rotvec_to_quat
from dimo.cli import progress
from dimo.cli.main import main
from dimo.formats import bvh
from dimo.formats.gltf_pack import pack

BODY = preset("humanml3d")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> str:
    from dimo.api import DiMo

    return str(DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights") / "tiny"))


def clip(frames: int = 40) -> Motion:
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (frames, 22, 3)), axis=0)
    root = np.stack([np.zeros(frames), np.full(frames, 0.95), np.linspace(0, 1, frames)], axis=1)
    return Motion(BODY, 20, root, rotvec_to_quat(turns), "clip")


def write(folder: Path, motion: Motion, name: str = "clip.bvh", unit: float = 0.01) -> str:
    """A BVH without our mark, as another program's."""
    text = bvh.write(motion, folder / name, unit=unit).read_text()
    (folder / name).write_text(re.sub("Frame Time: .*", "Frame Time: 0.05", text))
    return str(folder / name)


def z_up(folder: Path) -> str:
    m = clip()
    turn = lambda v: v[..., [0, 2, 1]] * [1, -1, 1]  # noqa: E731
    rotations = m.rotations.copy()
    rotations[..., 1:] = turn(rotations[..., 1:])
    return write(folder, Motion(Skeleton(BODY.names, BODY.parents, turn(BODY.offsets)), 20, turn(m.root), rotations))


VERBS = {
    "caption": lambda f, tiny: ["caption", f, "--model", tiny, "--steps", "2"],
    "correct": lambda f, tiny: ["correct", f, "a person walks", "--model", tiny],
    "rank": lambda f, tiny: ["rank", f, str(Path(f).with_name("c.txt")), "--model", tiny],
    "edit": lambda f, tiny: ["edit", f, "--vary", "0.3", "--steps", "1", "-o", str(Path(f).with_name("o.npz")), "--model", tiny],
    "inbetween": lambda f, tiny: ["inbetween", f, f, "--seconds", "0.5", "--steps", "1", "-o", str(Path(f).with_name("o.npz")), "--model", tiny],
    "convert": lambda f, tiny: ["convert", f, str(Path(f).with_name("o.npz"))],
    "show": lambda f, tiny: ["show", f, "-o", str(Path(f).with_name("o.png")), "--poses", "2", "--size", "64"],
    "doctor": lambda f, tiny: ["doctor", f],
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_reads_with_the_flags(verb, tiny, tmp_path, capsys):
    path = write(tmp_path, clip())
    (tmp_path / "c.txt").write_text("walks\n")
    mapped = tmp_path / "m.json"
    assert main(["doctor", path, "--map-template", str(mapped)]) == 0
    argv = VERBS[verb](path, tiny)
    capsys.readouterr()
    assert main([*argv, "--up", "y", "--unit", "cm", "--map", str(mapped), "-v"]) == 0
    shown = capsys.readouterr()
    if verb == "doctor":
        assert "by the map" in shown.out
        assert "y (as asked)" in shown.out
    else:
        line = shown.err.splitlines()[0]
        assert line.startswith(f"dimo: {path}: BVH, 27 joints (joints as map), unit cm (as asked; the body is 1.7")
        assert line.endswith("m tall), up y (as asked), 20 fps, 40 frames, 2.00 s")
    assert main([*argv, "--animation", "2"]) == 2
    assert "no animation to choose" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_an_absurd_body_is_refused_by_every_verb(verb, tiny, tmp_path, capsys):
    path = write(tmp_path, clip())
    text = Path(path).read_text()
    Path(path).write_text(re.sub(r"OFFSET \S+ -39\S+ \S+", "OFFSET 0 1e12 0", text, count=1))
    (tmp_path / "c.txt").write_text("walks\n")
    assert main(VERBS[verb](path, tiny)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "'left_knee' is 1e+12 units away" in shown.err


@pytest.mark.parametrize("verb", ["caption", "edit", "convert", "doctor"])
def test_a_damaged_archive_is_refused_by_every_verb(verb, tiny, tmp_path, capsys):
    path = clip().save(tmp_path / "a.npz")
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 40):
        data[at] ^= 0xFF
    path.write_bytes(data)
    argv = VERBS[verb](str(path), tiny)
    assert main([a.replace("o.npz", "o.bvh") for a in argv]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert "not a readable NumPy archive" in shown.err


def test_notes_are_told_and_decisions_on_request(tmp_path, capsys):
    path = write(tmp_path, clip())
    Path(path).write_text(Path(path).read_text().replace("Frames: 40", "Frames: 41"))
    assert main(["convert", path, str(tmp_path / "o.npz")]) == 0
    assert capsys.readouterr().err == f"dimo: note: {path}: 'Frames:' says 41, but 40 are there and read\n"
    good = write(tmp_path, clip(), "good.bvh")
    assert main(["convert", good, str(tmp_path / "o.npz")]) == 0
    assert capsys.readouterr().err == ""


def test_up_and_unit_of_a_converted_file(tmp_path):
    path = z_up(tmp_path)
    assert main(["convert", path, str(tmp_path / "o.npz")]) == 0
    read = Motion.load(tmp_path / "o.npz")
    assert np.abs(read.joints()[:, [read.skeleton.names.index(n) for n in BODY.names]] - clip().joints()).max() < 1e-5
    assert main(["convert", path, str(tmp_path / "o.npz"), "--up", "y", "--unit", "m"]) == 0
    lying = Motion.load(tmp_path / "o.npz")
    assert np.ptp(lying.joints()[0], axis=0).argmax() != 1
    assert np.ptp(lying.joints()[0], axis=0).max() > 100


@pytest.mark.parametrize(
    ("verb", "flags", "said"),
    [
        ("convert", ["--unit", "m"], ["body is 1", "--unit is of the input, and --out-unit of what is written"]),
        ("convert", ["--up", "y"], ["in 0% of the frames", "--up is of the input, and --out-up of what is written"]),
        ("convert", ["--unit", "cm", "--up", "z"], []),
        ("caption", ["--up", "y", "--seed", "1"], ["--up is of the input\n"]),
    ],
)
def test_a_unit_or_axis_that_makes_no_person_is_said(verb, flags, said, tiny, tmp_path, capsys):
    """What was meant may be what is written: nobody should find that out in Blender."""
    line = [verb, z_up(tmp_path), *([str(tmp_path / "o.npz")] if verb == "convert" else ["--model", tiny]), *flags]
    assert main(line) == 0
    errors = capsys.readouterr().err
    assert errors.count("dimo: note:") == bool(said)
    assert all(words in errors for words in said)


def test_a_map_makes_an_unknown_body_known_for_good(tiny, tmp_path, capsys):
    names = tuple(f"x{j}" for j in range(22))
    flat = Skeleton(names, BODY.parents, BODY.offsets * [1, 1, 1] + np.random.default_rng(1).normal(0, 0.3, (22, 3)))
    path = write(tmp_path, Motion(flat, 20, clip().root, clip().rotations))
    assert main(["caption", path, "--model", tiny]) == 2
    assert "--map" in capsys.readouterr().err
    assert main(["doctor", path]) == 1
    assert "cannot be mapped" in capsys.readouterr().out
    assert main(["doctor", path, "--map-template", str(tmp_path / "m.json")]) == 1
    data = json.loads((tmp_path / "m.json").read_text())
    assert set(data["joints"]) == set(BODY.names)
    assert "x21" in data["other joints of the file"]
    data["joints"] = {role: f"x{j}" for j, role in enumerate(BODY.names)}
    (tmp_path / "m.json").write_text(json.dumps(data))
    given = ["--map", str(tmp_path / "m.json")]
    assert main(["caption", path, "--model", tiny, *given]) == 0
    assert main(["convert", path, str(tmp_path / "o.npz"), *given]) == 0
    assert main(["caption", str(tmp_path / "o.npz"), "--model", tiny]) == 0  # our own file keeps the map


# ---- doctor FILE


def explained(capsys, *argv: str) -> dict[str, str]:
    """What doctor says of a file by the word before it; several of one word together, but of the mapping the first."""
    capsys.readouterr()
    main(["doctor", *argv])
    said: dict[str, str] = {}
    for line in capsys.readouterr().out.splitlines():
        word = line[:12].strip()
        said[word] = f"{said[word]} {line[13:]}" if word in said else line[13:]
    return said


def test_doctor_explains_a_file(tmp_path, capsys):
    said = explained(capsys, z_up(tmp_path))
    assert said["joints"] == "27, named as plain"
    assert said["mapping"].split() == ["pelvis", "pelvis"]
    assert said["unit"].startswith("cm (from the body); the body is 1.7")
    assert said["up"] == "z (the body rests standing along it)"
    assert said["rate"] == "20 frames a second"
    assert said["duration"] == "40 frames, 2.00 s"
    assert said["trouble"] == "none"


def test_doctor_sees_troubles(tmp_path, capsys):
    m = clip()
    assert "upright in 0%" in explained(capsys, z_up(tmp_path), "--up", "y")["trouble"]
    exchanged = Skeleton(
        tuple(n.replace("left", "X").replace("right", "left").replace("X", "right") for n in BODY.names),
        BODY.parents,
        BODY.offsets,
    )
    path = write(tmp_path, Motion(exchanged, 20, m.root, m.rotations))
    assert "left stands on the right" in explained(capsys, path)["trouble"]
    high = write(tmp_path, Motion(BODY, 20, m.root + np.array([0, 3, 0]), m.rotations))
    assert re.search(r"\+(2.9|3.0)\d m from the ground", explained(capsys, high)["trouble"])
    root = m.root.copy()
    root[20:, 0] += 5
    assert "100 m/s in frame 19" in explained(capsys, write(tmp_path, Motion(BODY, 20, root, m.rotations)))["trouble"]
    assert "one frame" in explained(capsys, write(tmp_path, m[:1]))["trouble"]
    assert "no usual person" in explained(capsys, str(m.save(tmp_path / "a.npz")), "--unit", "dm")["trouble"]


def character(path: Path) -> Path:
    """A GLB with a skin and no animation, as characters are passed around."""
    data = clip().save(path).read_bytes()
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    del document["animations"]
    path.write_bytes(pack(document, data[28 + size :]))
    return path


def test_doctor_explains_a_character(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hero = str(character(tmp_path / "hero.glb"))
    said = explained(capsys, hero)
    assert said["joints"] == "22, named as plain"
    assert said["motion"].startswith("none: a character")
    assert "rate" not in said
    assert said["trouble"] == "none"
    assert main(["doctor", hero, "--map-template"]) == 0
    assert json.loads((tmp_path / "hero.map.json").read_text())["joints"]["left_knee"] == "left_knee"
    assert main(["doctor", hero, "--map", "hero.map.json"]) == 0
    assert "by the map" in capsys.readouterr().out
    assert main(["convert", hero, "o.bvh"]) == 2
    assert "no animation, so there is no motion in it; --rig puts one on its body" in capsys.readouterr().err


def test_feet_of_bent_legs_say_nothing_of_sides(tmp_path, capsys):
    """On hands and knees: the trunk level, the shins behind the knees, and the feet stretched out behind, a little up."""
    turns = np.zeros((8, 22, 3))
    turns[:, 0, 0] = np.pi / 2
    for side in ("left", "right"):
        turns[:, BODY.index(f"{side}_hip"), 0] = -np.pi / 2
        turns[:, BODY.index(f"{side}_knee"), 0] = np.pi / 2
        turns[:, BODY.index(f"{side}_ankle"), 0] = np.radians(120)
    crawling = Motion(BODY, 20, np.tile([0, 0.5, 0.0], (8, 1)), rotvec_to_quat(turns))
    joints = crawling.joints()[0]
    assert joints[BODY.index("left_foot"), 2] < joints[BODY.index("left_ankle"), 2]
    assert "left stands on the right" not in explained(capsys, write(tmp_path, crawling))["trouble"]


# ---- long work


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_shows_that_it_goes_on(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", shown)
    with progress.waiting("making 200 s of motion", after=0.05):
        time.sleep(0.15)
    assert shown.getvalue().startswith("\rmaking 200 s of motion ... 0 s")
    assert re.fullmatch(r"\r {30,}\r", shown.getvalue()[-(shown.getvalue()[::-1].index("\r", 1) + 1) :])
    quick = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", quick)
    with progress.waiting("x", after=5):
        pass
    assert quick.getvalue() == ""
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    with progress.waiting("x", after=0.01):
        time.sleep(0.05)
    assert progress.sys.stderr.getvalue() == ""


def test_fewer_captions_than_asked_are_explained(tiny, tmp_path, capsys, monkeypatch):
    from dimo.api import DiMo
    from dimo.tasks.caption import Caption

    monkeypatch.setattr(DiMo, "caption", lambda *_, **__: [Caption("a", -1.0, (Caption("b", -2.0),))])
    path = write(tmp_path, clip())
    assert main(["caption", path, "--samples", "5", "--model", tiny]) == 0
    shown = capsys.readouterr()
    assert shown.out == "a\nb\n"
    assert shown.err == "dimo: note: 5 captions were drawn, 2 of them different; each is listed once\n"
    assert main(["caption", path, "--samples", "2", "--model", tiny]) == 0
    assert capsys.readouterr().err == ""


def test_no_numbered_output_is_the_input(tmp_path, capsys):
    path = write(tmp_path, clip(), "out_3.bvh")
    assert main(["edit", path, "--vary", "0.4", "--samples", "3", "-o", str(tmp_path / "out.bvh")]) == 2
    assert "out_3.bvh: this output is the input" in capsys.readouterr().err


# ---- folders


FOLDERS = {
    "search": lambda f, tiny: ["search", "a person walks", f, "--model", tiny, "--json"],
    "prepare": lambda f, tiny: ["prepare", f, f + "_out", "--workers", "1"],
    "evaluate": lambda f, tiny: [
        "evaluate",
        "--motions",
        f,
        "--captions",
        f + "/c.tsv",
        "-o",
        f + "_out",
        "--model",
        tiny,
    ],
}


@pytest.fixture
def odd_folder(tmp_path, monkeypatch) -> Path:
    """A folder with one clip whose joints have the names of nothing, in a unit that nobody would guess."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "clips"
    folder.mkdir()
    names = tuple(f"x{j}" for j in range(22))
    flat = Skeleton(names, BODY.parents, BODY.offsets + np.random.default_rng(1).normal(0, 0.3, (22, 3)))
    write(folder, Motion(flat, 20, clip().root, clip().rotations), unit=0.02)
    (folder / "clip.txt").write_text("a person walks forward\n")
    (folder / "c.tsv").write_text("clip\ta person walks forward\n")
    joints = {role: f"x{j}" for j, role in enumerate(BODY.names)}
    (tmp_path / "m.json").write_text(json.dumps({"format": "dimo-map", "version": 1, "joints": joints}))
    return folder


def test_a_folder_is_read_as_the_flags_say(odd_folder, tiny, tmp_path, capsys):
    argv = FOLDERS["search"](str(odd_folder), tiny)
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["found"]), len(found["unreadable"])) == (0, 1)
    for _ in range(2):  # the second time from the cache
        assert main([*argv, "--map", str(tmp_path / "m.json"), "--unit", "0.02", "--up", "y"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (len(found["found"]), len(found["unreadable"])) == (1, 0)


def test_training_data_is_read_as_the_flags_say(odd_folder, tmp_path, capsys):
    from dimo.data import shards

    argv = ["prepare", str(odd_folder), str(tmp_path / "out"), "--workers", "1", "--no-mirror"]
    assert main(argv) == 2
    assert "the 1 clips could be used" in capsys.readouterr().err
    argv[2] = str(tmp_path / "out2")
    assert main([*argv, "--map", str(tmp_path / "m.json"), "--unit", "0.02"]) == 0
    assert ", 0 rejected" in capsys.readouterr().out
    (found,) = {
        c.id.partition("~")[0].partition("#")[0]
        for s in ("train", "val", "test")
        for c in shards.read(Path(argv[2]), s)
    }
    assert found.startswith("clip")


def test_motions_of_any_system_are_read_as_is_said(odd_folder, tmp_path):
    from dimo.errors import DimoError
    from dimo.evaluate.inputs import read_motions

    with pytest.raises(DimoError, match="cannot be mapped"):
        read_motions(odd_folder, odd_folder / "c.tsv")
    (found,) = read_motions(odd_folder, odd_folder / "c.tsv", mapping=tmp_path / "m.json", unit=0.02)
    assert found.joints.shape == (40, 22, 3)


@pytest.mark.parametrize("verb", FOLDERS)
@pytest.mark.parametrize(
    ("flags", "words"),
    [(["--unit", "parsec"], "no unit"), (["--map", "nowhere.json"], "no such file"), (["--up", "w"], "--up")],
)
def test_what_is_no_unit_or_map_is_said_first(verb, flags, words, odd_folder, capsys):
    assert main([*FOLDERS[verb](str(odd_folder), "nowhere"), *flags]) == 2
    assert words in capsys.readouterr().err


def test_reading_flags_of_an_evaluation_need_motions(odd_folder, tmp_path, capsys):
    assert main(["evaluate", "--data", str(odd_folder), "-o", str(tmp_path / "r"), "--up", "z"]) == 2
    assert "--up is of the files of --motions" in capsys.readouterr().err

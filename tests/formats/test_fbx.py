"""FBX through Blender: how one is found, what is said where there is none, and that nothing is left half-written."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from dimo import FormatError, Motion, RequestError, preset
from dimo.body.rotation import rotvec_to_quat
from dimo.cli.main import main
from dimo.formats import blender, fbx

POSIX = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for Blender")


def still() -> Motion:
    body = preset("humanml3d")
    return Motion(body, 23.976, np.tile([0, 0.95, 0.0], (5, 1)), rotvec_to_quat(np.zeros((5, 22, 3))), "still")


@pytest.fixture(autouse=True)
def no_blender(tmp_path, monkeypatch):
    monkeypatch.delenv(blender.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setattr(blender, "PLACES", ())


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_without_blender_one_sentence_says_how_to_get_it(tmp_path, capsys):
    assert blender.find() is None
    clip = still().save(tmp_path / "a.npz")
    (tmp_path / "b.fbx").write_bytes(b"Kaydara FBX Binary")
    for argv in (
        ["convert", str(clip), str(tmp_path / "out.fbx")],
        ["generate", "walks", "-o", str(tmp_path / "out.fbx"), "--model", "nowhere"],  # said before anything is loaded
        ["convert", str(tmp_path / "b.fbx"), str(tmp_path / "out.glb")],
    ):
        assert main(argv) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "`dimo setup blender` gets one" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.fbx"]


@POSIX
def test_the_first_blender_of_several_counts(tmp_path, monkeypatch):
    on_path = program(tmp_path / "programs" / "blender", "")
    assert blender.find() == blender.Blender(on_path)
    own = program(blender.python_in(blender.home()), "")
    assert blender.find() == blender.Blender(own)
    named = program(tmp_path / "my" / "blender-5", "")
    monkeypatch.setenv(blender.VARIABLE, str(named))
    assert blender.find() == blender.Blender(named)
    monkeypatch.setenv(blender.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(RequestError, match="which is no program"):
        blender.find()


@POSIX
def test_what_blender_is_told(tmp_path, monkeypatch):
    """A stand-in writes down its arguments: the file, the true rate, and nothing of our Python's surroundings."""
    said = tmp_path / "said"
    text = f'echo "$@" > {said}; echo "$PYTHONPATH" >> {said}; for last; do :; done; echo content > "$last"\n'
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv(blender.VARIABLE, str(program(tmp_path / "my" / "blender", text)))
    out = fbx.write(still(), tmp_path / "out.fbx")
    assert out.read_text() == "content\n"
    words, surroundings = said.read_text().splitlines()
    assert words.startswith("--background --factory-startup --python-exit-code 1 --python ")
    assert " -- to_fbx 23.976 " in words
    assert surroundings == ""
    monkeypatch.setenv(blender.VARIABLE, str(program(tmp_path / "my" / "python3", text)))
    fbx.write(still(), tmp_path / "out.fbx")
    assert said.read_text().split()[0].endswith("blender_script.py")


@POSIX
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo Error: cannot save >&2; exit 1", "Blender failed: Error: cannot save"),
        ("echo RuntimeError: Error: no FBX >&2; echo took 3 ms; echo; exit 1", "Blender failed: Error: no FBX"),
        ("exit 0", "Blender wrote nothing"),
    ],
)
def test_a_blender_that_fails_leaves_nothing(tmp_path, monkeypatch, text, words):
    monkeypatch.setenv(blender.VARIABLE, str(program(tmp_path / "my" / "blender", text)))
    with pytest.raises(FormatError, match=words):
        fbx.write(still(), tmp_path / "out.fbx")
    (tmp_path / "b.fbx").write_bytes(b"Kaydara FBX Binary")
    with pytest.raises(FormatError, match=words.replace("wrote nothing", "made nothing of it")):
        Motion.load(tmp_path / "b.fbx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.fbx", "my"]


@POSIX
def test_what_is_wrong_is_said_of_the_users_file(tmp_path, monkeypatch):
    """Not of the GLB that it became on the way."""
    glb = b'{"asset": {"version": "2.0"}}   '
    (tmp_path / "made.glb").write_bytes(
        b"glTF" + (2).to_bytes(4, "little") + (20 + len(glb)).to_bytes(4, "little")
        + len(glb).to_bytes(4, "little") + b"JSON" + glb
    )  # fmt: skip
    made = f"/bin/cp {tmp_path}/made.glb $3; echo dimo-fps 24 24.0"
    monkeypatch.setenv(blender.VARIABLE, str(program(tmp_path / "my" / "python3", made)))
    (tmp_path / "arrow.fbx").write_bytes(b"Kaydara FBX Binary")
    with pytest.raises(FormatError) as error:
        Motion.load(tmp_path / "arrow.fbx")
    assert str(error.value).startswith(f"{tmp_path / 'arrow.fbx'}: it holds no animation")


@POSIX
def test_setup_says_what_went_wrong_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    python = program(tmp_path / "my" / "python3", "echo ERROR: No matching distribution found for bpy >&2; exit 1")
    assert main(["setup", "blender", "--python", str(python)]) == 2
    assert "No matching distribution found for bpy" in capsys.readouterr().err
    assert not blender.home().exists()
    assert main(["setup", "blender", "--python", "no-python"]) == 2
    assert "there is no program no-python" in capsys.readouterr().err


@POSIX
def test_doctor_tells_of_blender(tmp_path, capsys):
    from dimo.cli.doctor import find_blender

    assert find_blender() == "not found, optional (FBX: dimo setup blender)"
    own = program(blender.python_in(blender.home()), 'echo "dimo-version 5.0.1"')
    assert find_blender() == f"5.0.1 ({own})"
    assert main(["setup", "blender", "--python", "/bin/sh"]) == 0  # it is there already
    assert "Blender 5.0.1" in capsys.readouterr().out
    program(own, "exit 1")
    assert "does not run" in find_blender()

"""Checks of output paths, and skeletons by name or file."""

from pathlib import Path

import pytest

from dimo.body.skeleton import preset
from dimo.cli.output import check_outputs, numbered, read_skeleton
from dimo.errors import FormatError, RequestError


def test_numbers_only_where_there_are_several():
    assert numbered(Path("a/out.glb"), 1, 1) == Path("a/out.glb")
    assert [numbered(Path("a/out.v2.glb"), i, 3) for i in (1, 3)] == [Path("a/out.v2_1.glb"), Path("a/out.v2_3.glb")]


def test_good_outputs_pass(tmp_path):
    (tmp_path / "old.bvh").write_text("will be replaced")
    check_outputs([tmp_path / "out.GLB", tmp_path / "old.bvh", tmp_path / "sheet.png"])
    assert [p.name for p in tmp_path.iterdir()] == ["old.bvh"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["out.obj"], "the suffix '.obj' names no format we write; there are .bvh"),
        (["out"], "the suffix '' names"),
        (["nowhere/out.glb"], "nowhere does not exist"),
        (["folder.glb"], "this is a folder"),
        (["out.glb", "out.bvh", "out.glb"], "named twice"),
    ],
)
def test_bad_outputs_are_named(names, words, tmp_path):
    (tmp_path / "folder.glb").mkdir()
    with pytest.raises(RequestError) as caught:
        check_outputs([tmp_path / name for name in names])
    assert words in str(caught.value)
    assert str(tmp_path / names[-1]) in str(caught.value)


def test_skeleton_by_name_and_by_file(tmp_path):
    path = tmp_path / "body.json"
    path.write_text(preset("kit").to_json())
    assert read_skeleton("kit") == read_skeleton(str(path)) == preset("kit")
    assert read_skeleton("cmu") == preset("cmu") == preset("cmu_common")
    assert "LHipJoint" in preset("cmu").names


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("robot", None, RequestError, "no skeleton 'robot': name a .json file or one of "),
        ("mixmo", None, RequestError, "; did you mean 'mixamo'?"),
        ("robot.json", None, FormatError, "robot.json: no such file"),
        ("robot.json", b"\xff\xfe\x00", FormatError, "robot.json: not UTF-8"),
        ("robot.json", b"{}", FormatError, "robot.json: not a skeleton file"),
        ("robot.json", b" " * 10_000_001, FormatError, "robot.json: larger than the 10 MB"),
    ],
)
def test_wrong_skeletons(name, content, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(error) as caught:
        read_skeleton(name)
    assert words in str(caught.value)

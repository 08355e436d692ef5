"""BVH as other programs write it: what is odd is read, what is wrong is refused with the reason."""

import re
from pathlib import Path

import numpy as np
import pytest

from dimo import FormatError, Motion, Skeleton, preset
from dimo.body.mapping import find_naming
from dimo.body.rotation import rotvec_to_quat
from dimo.formats import bvh
from dimo.formats.bvh_marks import read_mark
from dimo.formats.reading import Options, Reading
from dimo.formats.table import read

GOOD = """HIERARCHY
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
0 90 1 10 0 0 0 20 5
0 90 2 0 30 0 0 0 9
"""


def reading(tmp_path: Path, text: str | bytes, **options) -> Reading:
    path = tmp_path / "a.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, Options(unit="cm", **options))


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new)


ODD = {
    "no blank before the count": changed("Frames: 3", "Frames:3"),
    "no blank before the time": changed("Frame Time: 0.05", "Frame Time:0.05"),
    "no blank in the keyword": changed("Frame Time: 0.05", "FrameTime: 0.05"),
    "no colons": changed("Frames: 3\nFrame Time: 0.05", "Frames 3\nFrame Time 0.05"),
    "all of MOTION on a line": changed("MOTION\nFrames: 3\nFrame Time: 0.05\n", "MOTION Frames: 3 Frame Time: 0.05 "),
    "count and time run together": changed("Frames: 3\nFrame Time: 0.05", "Frames:3Frame Time:0.05"),
    "blank lines everywhere": GOOD.replace("\n", "\n\n \n"),
    "braces on the joint's line": re.sub(r"\n\s*\{", " {", GOOD),
    "a joint on one line": changed("    End Site\n    {\n      OFFSET 0 50 0\n    }", "End Site{OFFSET 0 50 0}"),
    "no newline after a brace": re.sub(r"\{\n", "{", GOOD),
    "OFFSET and CHANNELS on a line": changed("OFFSET 0 40 0\n    CHANNELS", "OFFSET 0 40 0 CHANNELS"),
    "OFFSET over lines": changed("OFFSET 0 40 0", "OFFSET\n0\n40 0"),
    "CHANNELS over lines": changed("Zposition Zrotation", "Zposition\n   Zrotation"),
    "braces together": changed("    }\n  }\n}", "}}}"),
    "EndSite": changed("End Site", "EndSite"),
    "end site in small letters": changed("End Site", "end site"),
    "a named end site": changed("End Site", "End Site top of the head"),
    "End alone": changed("End Site", "End"),
    "small letters": GOOD.lower().replace("hips", "Hips").replace("spine", "Spine"),
    "tabs": GOOD.replace("  ", "\t"),
    "Windows line ends": GOOD.replace("\n", "\r\n"),
    "old Macintosh line ends": GOOD.replace("\n", "\r"),
    "no line end at the end": GOOD.rstrip("\n"),
    "no HIERARCHY": changed("HIERARCHY\n", ""),
    "a comment before HIERARCHY": "# made by hand\n// and by another\n; and a third\n" + GOOD,
    "comments in the hierarchy": changed("ROOT Hips", "ROOT Hips # the pelvis\n# then its place"),
    "comments among the frames": changed("0 90 1 10", "# the second one\n0 90 1 10") + "# that is all\n",
    "rows wrapped over lines": changed("0 90 1 10 0 0 0 20 5", "0 90 1\n10 0 0\n0 20 5"),
    "all rows wrapped": re.sub(r"^(0 90 \d \S+) (.*)$", r"\1\n\2", GOOD, flags=re.M),
    "two frames on a line": changed("0 0 0\n0 90 1", "0 0 0 0 90 1"),
    "numbers run together": changed("0 90 1 10 0 0 0 20 5", "0+90+1+10+0-0-0.0+20+5"),
    "exponents": changed("0 90 1 10", "0 9.0e1 1E+0 1e1"),
    "a byte order mark": ("\ufeff" + GOOD).encode(),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + GOOD.encode("utf-16-be"),
    "UTF-16 without a mark": GOOD.encode("utf-16-le"),
    "UTF-16 without a mark, big end first": GOOD.encode("utf-16-be"),
    "UTF-32": GOOD.encode("utf-32"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_others_write_is_read_as_it_is_meant(tmp_path, name):
    expected, found = reading(tmp_path, GOOD), reading(tmp_path, ODD[name])
    assert found.motion == expected.motion
    assert found.motion.skeleton.names == ("Hips", "Spine", "Spine_end")
    assert found.notes == ()
    assert (found.motion.fps, len(found.motion)) == (20, 3)


@pytest.mark.parametrize("count", [2, 4])
def test_a_count_that_is_one_off_is_noted(tmp_path, count):
    found = reading(tmp_path, changed("Frames: 3", f"Frames: {count}"))
    assert found.motion == reading(tmp_path, GOOD).motion
    assert found.notes == (f"'Frames:' says {count}, but 3 are there and read",)


def test_names_that_stand_twice_get_a_number(tmp_path):
    text = changed("JOINT Spine", "JOINT Hips")
    found = reading(tmp_path, text)
    assert found.motion.skeleton.names == ("Hips", "Hips_2", "Hips_end")
    assert "'Hips' stands 2 times" in found.notes[0]
    assert np.array_equal(found.motion.rotations, reading(tmp_path, GOOD).motion.rotations)


def test_names_with_blanks_and_signs_are_kept(tmp_path):
    assert reading(tmp_path, changed("ROOT Hips", "ROOT Bip01 L Thigh")).motion.skeleton.names[0] == "Bip01 L Thigh"
    assert reading(tmp_path, changed("ROOT Hips", "ROOT #1")).motion.skeleton.names[0] == "#1"
    assert reading(tmp_path, changed("ROOT Hips", "ROOT Hüfte").encode("latin-1")).motion.skeleton.names[0] == "Hüfte"


WRONG = {
    "a decimal comma in the frames": (changed("0 90 1 10", "0 90,5 1 10"), "line 20", "decimal comma"),
    "decimal commas everywhere": (GOOD.replace(" 0 ", " 0,0 ").replace("OFFSET 0 40 0", "OFFSET 0,0 40,0 0,0"), "line 4", "decimal comma"),
    "a decimal comma in an offset": (changed("OFFSET 0 40 0", "OFFSET 0 40,5 0"), "line 8", "decimal comma"),
    "a decimal comma in the time": (changed("0.05", "0,05"), "line 18", "decimal comma"),
    "far too few frames": (changed("Frames: 3", "Frames: 300"), "line 17", "says 300 but 3"),
    "far too many frames": (GOOD + "0 90 2 0 30 0 0 0 9\n" * 3, "line 17", "says 3 but 6"),
    "no frames": (GOOD.partition("0 90 0")[0], "line 17", "but 0 rows"),
    "a value missing and one too many": (
        changed("0 90 1 10 0 0 0 20 5\n0 90", "0 90 1 10 0 0 0 20\n5 0 90"), "frame 1", "8 values where the channels need 9"
    ),
    "a row cut off": (changed("0 90 2 0 30 0 0 0 9\n", "0 90 2 0 3"), "frame 2", "5 values"),
    "a word": (changed("0 90 1 10", "0 90 x 10"), "line 20", "'x'"),
    "nothing after MOTION": (GOOD.partition("Frames")[0], "line 16", "Frames: N"),
    "no frame time": (changed("Frame Time: 0.05\n", ""), "line 18", "Frame Time"),
    "a joint that is never closed": (changed("  }\n}\nMOTION", "MOTION"), "line 14", "braces"),
    "two bodies": (changed("MOTION", "ROOT Other\n{\n}\nMOTION"), "line 16", "second ROOT"),
    "a joint without a name": (changed("JOINT Spine", "JOINT"), "line 6", "needs a name"),
    "too few channels": (changed("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 3 Zrotation Xrotation"), "Spine", "names 2"),
    "an offset of four": (changed("OFFSET 0 40 0", "OFFSET 0 40 0 7"), "line 8", "3 finite numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_damaged_is_refused_with_the_reason(tmp_path, name):
    text, *words = WRONG[name]
    with pytest.raises(FormatError) as error:
        reading(tmp_path, text)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.0333333", 30), ("0.033333", 30), ("0.03333", 30), ("0.0333", 30), (".0333333", 30), ("3.33333e-02", 30), ("0.0083333", 120), ("0.008333", 120),
        ("0.0416667", 24), ("0.041667", 24), ("0.0417", 24), ("0.04", 25), ("0.02", 50), ("0.016667", 60), ("0.01", 100), ("1", 1),
        ("0.0333667", 1 / 0.0333667), ("0.033366700033366700", 29.97), ("0.033366667", 1 / 0.033366667), ("0.03", 1 / 0.03), ("0.0417083", 1 / 0.0417083),
    ],
)  # fmt: skip
def test_the_rate_is_the_whole_number_that_was_rounded(written, fps):
    assert bvh.frame_rate(written) == pytest.approx(fps, rel=1e-12)


# ---- places


def test_positions_of_zero_leave_the_offset(tmp_path):
    """Six channels everywhere, with zeros for the places of all joints but the root."""
    six = changed(
        "CHANNELS 3 Zrotation Xrotation Yrotation",
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
    )
    rows = re.sub(r"^(0 90 \d \S+ \S+ \S+) (.*)$", r"\1 0 0 0 \2", six, flags=re.M)
    assert reading(tmp_path, rows).motion == reading(tmp_path, GOOD).motion
    rounded = re.sub(r"^(0 90 \d \S+ \S+ \S+) (.*)$", r"\1 1e-6 0.05 -0.0002 \2", six, flags=re.M)  # of 40
    assert reading(tmp_path, rounded).motion == reading(tmp_path, GOOD).motion
    placed = re.sub(r"^(0 90 \d \S+ \S+ \S+) (.*)$", r"\1 0 44 0 \2", six, flags=re.M)
    assert reading(tmp_path, placed).motion.skeleton.offsets[1].tolist() == [0, 0.44, 0]


def test_a_joint_that_stretches_is_held_and_told(tmp_path):
    text = changed(
        "CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 4 Yposition Zrotation Xrotation Yrotation"
    ).replace("ROOT Hips", "ROOT Hips")
    rows = iter(("40", "44", "40"))
    text = re.sub(r"^(0 90 \d \S+ \S+ \S+) (.*)$", lambda m: f"{m[1]} {next(rows)} {m[2]}", text, flags=re.M)
    found = reading(tmp_path, text.replace("ROOT Hips", "ROOT a").replace("JOINT Spine", "JOINT b"))
    # Nothing forks, so what moves lowest carries the body; a joint beside it would be held at its median.
    assert found.motion.skeleton.names[0] == "b"
    assert np.allclose(
        found.motion.root[:, 1],
        np.array([130, 90 + 44 * np.cos(np.radians(10)), 90 + 40 * np.cos(np.radians(30))]) / 100,
    )


# ---- units


def body(height: float, seed: int = 0) -> Motion:
    """The 22-joint body, some metres tall, walking a little."""
    generator = np.random.default_rng(seed)
    factor = height / 1.7
    skeleton = Skeleton(
        preset("humanml3d").names, preset("humanml3d").parents, preset("humanml3d").offsets * factor, "x"
    )
    root = (np.array([0, 0.95, 0]) + np.cumsum(generator.normal(0, 0.02, (8, 3)), axis=0)) * factor
    return Motion(skeleton, 30, root, rotvec_to_quat(np.cumsum(generator.normal(0, 0.02, (8, 22, 3)), axis=0)), "x")


@pytest.mark.parametrize("unit", [1.0, 0.01, 0.001, 0.0254, 0.3048])
@pytest.mark.parametrize("height", [0.1, 0.64, 1.7, 100])
def test_our_mark_says_the_unit(tmp_path, unit, height):
    motion = body(height)
    bvh.write(motion, tmp_path / "a.bvh", unit=unit)
    again = read(tmp_path / "a.bvh")
    assert again.unit == unit
    assert again.motion.fps == 30
    at = [again.motion.skeleton.names.index(n) for n in motion.skeleton.names]
    assert np.abs(again.motion.joints()[:, at] - motion.joints()).max() < 2e-5 * max(1.0, unit / 0.01) * max(1, height)


@pytest.mark.parametrize("fps", [30, 20, 24, 29.97, 12.5, 120, 100, 30000 / 1001, 7, 0.5])
def test_the_mark_is_a_number_for_everyone_else(tmp_path, fps):
    motion = Motion(body(1.7).skeleton, fps, body(1.7).root, body(1.7).rotations)
    written = re.search("Frame Time: (.*)", bvh.write(motion, tmp_path / "a.bvh").read_text())[1]
    assert re.fullmatch(r"\d\.\d{15}", written)
    assert float(written) == pytest.approx(1 / fps, rel=5e-9)
    assert read(tmp_path / "a.bvh").motion.fps == pytest.approx(fps, rel=5e-9)


@pytest.mark.parametrize(
    "time",
    [
        "0.033333",
        "0.0333333333333333",
        "0.0333333333333333329",
        "0.05",
        "0.0500000",
        "0.0500000000000000028",
        "0.04170833333333333",
    ],
)
def test_numbers_of_others_are_no_mark(time):
    assert read_mark(time) is None


@pytest.mark.parametrize(
    ("unit", "name"),
    [(1.0, "m"), (0.01, "cm"), (0.001, "mm"), (0.0254, "inch"), (0.1, "dm"), (0.0254 / 0.45, "cmu"), (0.3048, "foot")],
)
def test_units_are_told_from_the_body(tmp_path, unit, name):
    """A person's size in each unit; and half of it in the two common ones."""
    for height in (1.55, 1.7, 1.85) if name not in ("m", "cm") else (0.95, 1.2, 1.7, 2.2):
        text = bvh.write(body(height), tmp_path / "a.bvh", unit=unit).read_text()
        (tmp_path / "a.bvh").write_text(re.sub("Frame Time: .*", "Frame Time: 0.033333", text))
        found = read(tmp_path / "a.bvh")
        assert found.unit == pytest.approx(unit), height
        assert found.unit_from == "from the body"
        assert found.height == pytest.approx(height, rel=0.06)


def test_a_unit_that_is_given_counts(tmp_path):
    path = tmp_path / "a.bvh"
    path.write_text(GOOD)
    tall = read(path, Options(unit="m")).motion.skeleton.offsets
    for unit, metres in (
        ("cm", 0.01),
        ("inch", 0.0254),
        ("Inches", 0.0254),
        ("mm", 0.001),
        ("0.02", 0.02),
        (0.5, 0.5),
        ("metres", 1),
        ("ft", 0.3048),
    ):
        assert np.allclose(Motion.load(path, unit=unit).skeleton.offsets, tall * metres)
    for unit in ("parsec", "-1", "0", "nan", ""):
        with pytest.raises(ValueError, match="no unit"):
            Motion.load(path, unit=unit)


# ---- up


def turned(motion: Motion, up: str, rest: bool) -> str:
    """The text of a BVH with another axis up: the whole body turned, or only its root."""
    order = {"z": [0, 2, 1], "x": [1, 0, 2]}[up]
    sign = {"z": [1, -1, 1], "x": [1, -1, 1]}[up]
    q = rotvec_to_quat(np.array({"z": [np.pi / 2, 0, 0], "x": [0, 0, -np.pi / 2]}[up]))
    root = motion.root[:, order] * sign
    from dimo.body.rotation import quat_multiply, quat_rotate

    assert np.allclose(root, quat_rotate(q, motion.root))
    rotations = motion.rotations.copy()
    if rest:
        rotations[..., 1:] = quat_rotate(q, rotations[..., 1:])
        skeleton = Skeleton(motion.skeleton.names, motion.skeleton.parents, quat_rotate(q, motion.skeleton.offsets))
    else:
        rotations[:, 0] = quat_multiply(q, rotations[:, 0])
        skeleton = motion.skeleton
    return Motion(skeleton, motion.fps, root, rotations)


@pytest.mark.parametrize("up", ["z", "x"])
@pytest.mark.parametrize("rest", [True, False], ids=["rest too", "root only"])
def test_up_is_told_from_the_body(tmp_path, up, rest):
    motion = body(1.7)
    text = bvh.write(turned(motion, up, rest), tmp_path / "a.bvh").read_text()
    (tmp_path / "a.bvh").write_text(re.sub("Frame Time: .*", "Frame Time: 0.033333", text))
    found = read(tmp_path / "a.bvh")
    assert found.up == up
    at = [found.motion.skeleton.names.index(n) for n in motion.skeleton.names]
    assert np.abs(found.motion.joints()[:, at] - motion.joints()).max() < 1e-5
    assert np.abs(found.motion.skeleton.offsets[at][1:] - motion.skeleton.offsets[1:]).max() < 1e-5  # it rests upright
    for said in "xyz":
        asked = read(tmp_path / "a.bvh", Options(up=said))
        assert (asked.up, asked.up_from) == (said, "as asked")
        upright = np.median(asked.motion.joints()[:, at][:, 15, 1] - asked.motion.joints()[:, at][:, 7, 1]) > 1
        assert upright == (said == up)


def test_a_body_that_lies_all_along_keeps_its_up(tmp_path):
    motion = body(1.7)
    q = rotvec_to_quat(np.array([np.pi / 2, 0, 0]))
    from dimo.body.rotation import quat_multiply

    rotations = motion.rotations.copy()
    rotations[:, 0] = quat_multiply(q, rotations[:, 0])
    lying = Motion(motion.skeleton, 30, motion.root * [1, 0, 1] + [0, 0.12, 0], rotations)
    text = bvh.write(lying, tmp_path / "a.bvh").read_text()
    (tmp_path / "a.bvh").write_text(re.sub("Frame Time: .*", "Frame Time: 0.033333", text))
    found = read(tmp_path / "a.bvh")
    assert found.up == "y"
    assert found.motion.joints()[..., 1].max() < 0.5


def test_a_wrong_up_is_refused(tmp_path):
    (tmp_path / "a.bvh").write_text(GOOD)
    with pytest.raises(ValueError, match="up is x, y or z"):
        Motion.load(tmp_path / "a.bvh", up="w")


def test_unknown_names_are_known_by_the_poses(tmp_path):
    """Offsets along each bone's own axis say nothing, as in Bandai-Namco's files; the poses do."""
    motion = body(1.7)
    generator = np.random.default_rng(1)
    from dimo.body.rotation import normalise, quat_conjugate, quat_multiply, quat_rotate

    frames = normalise(generator.normal(size=(22, 4)))
    world, parents = motion.global_rotations(), motion.skeleton.parents
    offsets, local = motion.skeleton.offsets.copy(), motion.rotations.copy()
    for j, p in enumerate(parents):
        mine = quat_multiply(world[:, j], frames[j])
        local[:, j] = mine if p < 0 else quat_multiply(quat_conjugate(quat_multiply(world[:, p], frames[p])), mine)
        offsets[j] = offsets[j] if p < 0 else quat_rotate(quat_conjugate(frames[p]), offsets[j])
    blank = Skeleton(tuple(f"b{j}" for j in range(22)), parents, offsets)
    bvh.write(Motion(blank, 30, motion.root, local), tmp_path / "a.bvh")
    found = read(tmp_path / "a.bvh")
    assert found.naming == "structure"
    at = [
        motion.skeleton.names[int(found.motion.skeleton.names[js[0]][1:])]
        for js in find_naming(found.motion.skeleton)[1].values()
    ]
    assert at == list(find_naming(found.motion.skeleton)[1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("OFFSET 0 50 0", "OFFSET 0 1e12 0", "Spine_end"), ("0 90 2", "0 90 1e9", "frame 2"), ("OFFSET 0 40 0", "OFFSET 4e5 0 0", "Spine"), ("0 90 2", "0 1e300 2", "frame 2"), ("OFFSET 0 50 0", "OFFSET 1e200 1e200 0", "Spine_end")],
)  # fmt: skip
def test_absurd_places_are_refused(tmp_path, old, new, words):
    with pytest.raises(FormatError, match="is believed") as error:
        reading(tmp_path, changed(old, new))
    assert words in str(error.value)

import numpy as np
import pytest
from PIL import Image

from dimo import Motion, RequestError, Skeleton, preset
from dimo.body.mapping import rest_pose
from dimo.view.draw import BACKGROUND, GREY, LEFT, RIGHT, Camera, drawn_bones, frames, side_colours
from dimo.view.sheet import sheet, sheets
from dimo.view.video import save


def walk(seconds=1.0, speed=1.0):
    n = round(20 * seconds)
    root = np.stack([np.zeros(n), np.full(n, 0.9), speed * np.arange(n) / 20], axis=1)
    return Motion(preset("humanml3d"), 20, root, np.tile([1.0, 0, 0, 0], (n, 22, 1)))


def test_camera_keeps_up_up_and_the_actors_left_on_the_right():
    camera = Camera(np.zeros(3), 2.0, yaw=0.0, tilt=0.0)
    pixels, depth = camera.project(np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]), (100, 100))
    assert np.allclose(pixels, [[50, 50], [50, 0], [100, 50], [50, 50]])
    assert np.allclose(depth, [0, 0, 0, 1])


@pytest.mark.parametrize("name", ["humanml3d", "kit", "smplx"])
def test_sides_have_their_colours(name):
    skeleton = preset(name)
    for joint, colour in zip(skeleton.names, side_colours(skeleton), strict=True):
        assert (colour == LEFT) == joint.startswith("left")
        assert (colour == RIGHT) == joint.startswith("right")


@pytest.mark.parametrize("name", ["mixamo", "ue5", "unity", "vrm", "rigify", "cmu_bvh"])
def test_sides_have_their_colours_on_every_rig(name):
    """Of each preset the joints of the left arm and leg, fingers too, stand on the left of the rest pose."""
    skeleton = preset(name)
    rest = rest_pose(skeleton)
    for j, colour in enumerate(side_colours(skeleton)):
        across = rest[j, 0] - rest[0, 0]
        if abs(across) > 0.04:
            assert colour == (LEFT if across > 0 else RIGHT), skeleton.names[j]


def test_colours_follow_the_body_where_names_say_nothing():
    named = preset("humanml3d")
    blank = Skeleton(tuple(f"b{j}" for j in range(22)), named.parents, named.offsets, "blank")
    assert side_colours(blank) == side_colours(named)
    assert set(side_colours(named)) == {GREY, LEFT, RIGHT}


def test_controls_beside_the_body_are_not_drawn():
    """A root on the ground with a target of inverse kinematics beside the body, as game characters have."""
    body = preset("humanml3d")
    offsets = np.concatenate([np.zeros((1, 3)), [[0, 0.95, 0]], body.offsets[1:], [[1.0, 0, 1.0]]])
    names, parents = ("ground", *body.names, "kneeIK"), (-1, *(p + 1 for p in body.parents), 0)
    bones = drawn_bones(Skeleton(names, parents, offsets, "hero"))
    assert bones == [(p + 1, j + 1) for p, j in drawn_bones(body)]
    assert len(bones) == 21
    chain = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1.0, 0]]), "chain")
    assert drawn_bones(chain) == [(0, 1)]


def test_frames_show_a_figure():
    pictures = list(frames(walk(0.2), size=96))
    assert len(pictures) == 4
    assert pictures[0].shape == (96, 96, 3)
    assert pictures[0].dtype == np.uint8
    assert (np.abs(pictures[0].astype(int) - BACKGROUND).sum(-1) > 60).mean() > 0.03


def test_sheets_stack_and_poses_move_over_the_ground():
    one = sheet(walk(), poses=4, height=120)
    both = sheets([(walk(), "a"), (walk(2), "b")], poses=4, height=120)
    assert both.height == 2 * one.height
    still = np.asarray(sheet(walk(speed=0.0), "x", poses=4, height=120))
    moving = np.asarray(sheet(walk(), "x", poses=4, height=120))
    assert still.shape == moving.shape
    assert (still != moving).any()


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".gif", "GIF")])
def test_files(tmp_path, suffix, kind):
    path = save(walk(0.25), tmp_path / f"m{suffix}", size=96)
    with Image.open(path) as image:
        assert image.format == kind
        assert getattr(image, "n_frames", 1) == (5 if kind == "GIF" else 1)
    assert list(tmp_path.iterdir()) == [path]


def test_mp4(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    data = save(walk(0.25), tmp_path / "m.mp4", size=96).read_bytes()
    assert data[4:8] == b"ftyp"


@pytest.mark.parametrize("options", [{"size": 8}, {"poses": 1}])
def test_impossible_sizes(tmp_path, options):
    with pytest.raises(RequestError, match="size"):
        save(walk(0.25), tmp_path / "m.png", **options)
    with pytest.raises(RequestError, match="suffix"):
        save(walk(0.25), tmp_path / "m.jpg")
    assert not list(tmp_path.iterdir())

import numpy as np
import pytest
from PIL import Image

from dimo import Motion, RequestError, preset
from dimo.view.draw import BACKGROUND, LEFT, RIGHT, Camera, frames, side_colours
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

"""Completion, editing, prediction and in-betweening on the tiny random model: everything but quality."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dimo import DiMo, Motion, RequestError, preset
from dimo.body.rotation import quat_angle, rotvec_to_quat, yaw_to_quat

QUICK = {"steps": 2, "seed": 3}


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


@pytest.fixture(scope="module")
def clip() -> Motion:
    """Three seconds of a smooth walk along a bend, off the origin: the tiny model's own motions tremble."""
    body, t = preset("humanml3d"), np.arange(60) / 20
    yaw = 1.0 + 0.3 * t
    ahead = np.stack([np.sin(yaw), np.zeros(60), np.cos(yaw)], axis=-1)
    root = np.array([2, 0.95, -1]) + np.cumsum(ahead, axis=0) * 1.1 / 20
    vectors = np.zeros((60, 22, 3))
    for side, phase in (("left", 0.0), ("right", np.pi)):
        vectors[:, body.index(f"{side}_hip"), 0] = 0.5 * np.sin(5 * t + phase)
        vectors[:, body.index(f"{side}_knee"), 0] = 0.4 - 0.4 * np.cos(5 * t + phase)
        vectors[:, body.index(f"{side}_shoulder"), 2] = 1.2 * (-1 if side == "left" else 1) + 0.2 * np.sin(5 * t)
    rotations = rotvec_to_quat(vectors)
    rotations[:, 0] = yaw_to_quat(yaw)
    return Motion(body, 20.0, root, rotations, "walk")


def with_fingers(clip: Motion, fps: float) -> Motion:
    """The clip on a body of 52 joints at another rate, with bent fingers and twisted wrists, as a file could hold it."""
    from dimo.body.retarget import retarget

    own = retarget(clip, preset("smplx")).resample(fps)
    draw = np.random.default_rng(0)
    rotations = own.rotations.copy()
    rotations[:, 22:] = rotvec_to_quat(draw.normal(0, 0.3, (30, 3)))
    return replace(own, rotations=rotations, name="hands")


def same(a: Motion, b: Motion) -> bool:
    return np.array_equal(a.root, b.root) and np.array_equal(a.rotations, b.rotations)


def assert_no_jump(made: Motion, clip: Motion, edge: int) -> None:
    """The steps at a seam are none that the clip, or what is made, does not make elsewhere."""
    away = [i for i in range(len(made) - 1) if abs(i - edge + 1) > 1]
    for step in (
        np.linalg.norm(np.diff(made.joints(), axis=0), axis=-1).max(axis=1),
        quat_angle(made.rotations[1:], made.rotations[:-1]).max(axis=1),
    ):
        assert step[edge - 1] <= 1.5 * step[away].max(), (step[edge - 2 : edge + 1], step[away].max())


KEEPS = [[(0, 1), (2, 3)], [(0.5, 1.25)], [(1, 3)], [(0, 2)], [(0, 1), (1, 2)], [(0.4, 0.45), (2, 2.1)], [(0, 3)]]


@pytest.mark.parametrize("keep", KEEPS, ids=str)
def test_kept_frames_are_kept_to_the_bit(model, clip, keep):
    made = model.complete(clip, keep, **QUICK)[0]
    assert len(made) == len(clip)
    assert (made.fps, made.skeleton, made.name) == (clip.fps, clip.skeleton, clip.name)
    for start, end in keep:
        span = slice(round(start * 20), round(end * 20))
        assert same(made[span], clip[span])
    assert (made == clip) == (keep == [(0, 3)])


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0, 119.88])
def test_another_body_and_rate_come_back_as_they_were(model, clip, fps, tmp_path):
    own = with_fingers(clip, fps)
    a, b = round(1.0 * fps), round(2.0 * fps)
    made = model.edit(own, (1, 2), **QUICK)[0]
    assert (made.fps, made.skeleton) == (own.fps, own.skeleton)
    assert same(made[:a], own[:a])
    assert same(made[b:], own[b:])
    assert not same(made[a:b], own[a:b])
    # Fingers do not move in this clip, so they do not in what was made either.
    assert quat_angle(made.rotations[:, 22:], own.rotations[0, 22:]).max() < 1e-6
    read = Motion.load(made.save(tmp_path / "made.npz"))
    assert same(read, made)
    read = Motion.load(made.save(tmp_path / "made.bvh"))
    order = [read.skeleton.index(name) for name in made.skeleton.names]
    assert np.abs(read.joints()[:, order] - made.joints()).max() < 1e-4


def test_a_result_may_be_longer_or_shorter(model, clip):
    longer = model.complete(clip, [(1, 2)], seconds=5, **QUICK)[0]
    assert len(longer) == 100
    assert same(longer[20:40], clip[20:40])
    shorter = model.complete(clip, [(1, 2)], seconds=2.5, **QUICK)[0]
    assert len(shorter) == 50
    assert same(shorter[20:40], clip[20:40])
    with pytest.raises(RequestError, match="end at 2 s"):
        model.complete(clip, [(1, 2)], seconds=1.5)


def test_nothing_kept_is_a_new_motion_at_the_old_place(model, clip):
    made = model.complete(clip, [], seconds=1, **QUICK)[0]
    assert len(made) == 20
    assert np.allclose(made.joints()[0].mean(0)[[0, 2]], clip.joints()[0].mean(0)[[0, 2]])


def test_spans_may_be_frames(model, clip):
    made = model.complete(clip, [(0, 15), (50, 60)], unit="frames", **QUICK)[0]
    assert same(made[:15], clip[:15])
    assert same(made[50:], clip[50:])
    assert made == model.complete(clip, [(0, 0.75), (2.5, 3)], **QUICK)[0]


def test_seeds_repeat_and_samples_differ(model, clip):
    one, two = model.complete(clip, (0, 1), samples=2, **QUICK)
    again = model.complete(clip, (0, 1), samples=2, **QUICK)
    assert again == [one, two]
    assert one != two
    assert one != model.complete(clip, (0, 1), steps=2, seed=4)[0]


def test_the_model_hears_the_text(model, clip):
    heard = []
    hook = model.model.register_forward_pre_hook(lambda _, given: heard.append(given[0].ids[given[0].known_text]))
    try:
        model.edit(clip, (1, 2), text="a person jumps", **QUICK)
        told = set(torch.cat(heard).tolist())
        heard.clear()
        model.edit(clip, (1, 2), **QUICK)
        untold = set(torch.cat(heard).tolist())
    finally:
        hook.remove()
    words = set(model.wordpiece.encode("a person jumps"))
    assert words <= told
    assert not words & untold


@pytest.mark.parametrize(("first", "last"), [(30, 31), (30, 32), (1, 2), (58, 59)])
def test_gaps_shorter_than_a_code_are_bridged(model, clip, first, last):
    made = model.edit(clip, (first, last), unit="frames", **QUICK)[0]
    assert np.linalg.norm(made.joints() - clip.joints(), axis=-1).max() < 0.03


# ---- prediction


@pytest.mark.parametrize("fps", [20.0, 30.0])
def test_prediction_goes_on_from_the_last_frame(model, clip, fps):
    own = with_fingers(clip, fps)
    made = model.predict(own, 2, **QUICK)[0]
    assert len(made) == len(own) + round(2 * fps)
    assert same(made[: len(own)], own)
    n = len(own)
    assert_no_jump(made, own, len(own))
    # At the seam the root goes on at its speed: the offset's velocity is taken over as well.
    n = len(own)
    before, after = (np.diff(made.root, axis=0)[n - 2 + i] * fps for i in (0, 1))
    assert np.linalg.norm(after - before) < 0.6


def test_prediction_beyond_the_longest_motion(model, clip):
    made = model.predict(clip, 14.0, **QUICK)[0]
    assert len(made) == 60 + 280
    assert same(made[:60], clip)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_clip_of_few_frames_goes_on(model, clip, frames):
    made = model.predict(clip[:frames], 1, **QUICK)[0]
    assert len(made) == frames + 20
    assert same(made[:frames], clip[:frames])


def test_a_turned_and_moved_clip_has_a_turned_and_moved_future(model, clip):
    """Codes see neither place nor heading, so prediction commutes with moving the clip."""
    moved = model.predict(clip.moved((5, 0, 3), yaw=-2.0), 1, **QUICK)[0]
    assert np.allclose(
        moved.joints(), model.predict(clip, 1, **QUICK)[0].moved((5, 0, 3), yaw=-2.0).joints(), atol=2e-3
    )


# ---- in-betweening


@pytest.mark.parametrize("place", ["as_is", "follow"])
def test_inbetween_arrives_at_the_second_motion(model, clip, place):
    b = clip[20:].moved((1.0, 0, 0.5), yaw=0.8)
    made = model.inbetween(clip, b, 1.5, place=place, **QUICK)[0]
    assert len(made) == 60 + 30 + 40
    assert same(made[:60], clip)
    tail = made[90:]
    assert np.array_equal(tail.rotations[:, 1:], b.rotations[:, 1:])
    assert same(tail, b) == (place == "as_is")
    assert_no_jump(made, clip, 60)
    assert_no_jump(made, clip, 90)


def test_inbetween_brings_the_second_to_the_body_and_rate_of_the_first(model, clip):
    own = with_fingers(clip, 30)
    made = model.inbetween(own, clip, 1, **QUICK)[0]
    assert (made.fps, made.skeleton) == (30, own.skeleton)
    assert same(made[: len(own)], own)


# ---- long motions


def test_long_motions_are_edited_where_asked(model):
    long = model.sample(25.0, steps=2, seed=5)[0]
    assert len(long) == 500
    made = model.edit(long, [(3, 4), (17, 20)], **QUICK)[0]
    for start, end in ((0, 60), (80, 340), (400, 500)):
        assert same(made[start:end], long[start:end])


def test_sample_of_another_body(model):
    assert model.sample(1, skeleton=preset("kit"), **QUICK)[0].skeleton == preset("kit")


# ---- requests that cannot be


@pytest.mark.parametrize(
    ("keep", "options", "words"),
    [
        ([(2, 1)], {}, "2:1 does not lie within"),
        ([(-1, 1)], {}, "-1:1 does not lie within"),
        ([(1, 9)], {}, "within the motion of 3 seconds"),
        ([(float("nan"), 1)], {}, "nan:1"),
        ([(1, 1.001)], {}, "holds no frame"),
        ([1, 2, 3], {}, "pairs"),
        (["ab"], {}, "pairs"),
        ([(0, 1)], {"unit": "hours"}, "seconds, frames"),
        ([(0, 1)], {"seconds": 0}, "seconds"),
        ([(0, 1)], {"seconds": float("inf")}, "seconds"),
        ([(0, 1)], {"seconds": "long"}, "number"),
        ([(0, 1)], {"text": ""}, "empty"),
        ([(0, 1)], {"samples": 0}, "samples"),
    ],
)
def test_impossible_completions_are_refused(model, clip, keep, options, words):
    with pytest.raises(RequestError, match=words):
        model.complete(clip, keep, **options)


def test_impossible_edits_are_refused(model, clip):
    with pytest.raises(RequestError, match="no span"):
        model.edit(clip, [])
    with pytest.raises(RequestError, match="whole motion"):
        model.edit(clip, (0, 3))
    with pytest.raises(RequestError, match="seconds"):
        model.predict(clip, -1)
    with pytest.raises(RequestError, match="no frame"):
        model.predict(clip, 0.001)
    with pytest.raises(RequestError, match="as_is, follow"):
        model.inbetween(clip, clip, place="there")

"""The pipeline on the tiny random model: what a request gives depends on the request alone."""

import numpy as np
import pytest
import torch

from dimo import DiMo, Motion, RequestError, SampleOptions, preset
from dimo.inpaint.pipeline import Pipeline
from dimo.inpaint.request import LONGEST_SECONDS, Known, Part, Request, samples_of, seed_of
from dimo.inpaint.timing import code_steps

OPTIONS = SampleOptions(steps=3)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return DiMo.debug().pipeline


@pytest.fixture(scope="module")
def clip(pipeline) -> Motion:
    return pipeline.make([Request((Part("a person walks", 60),), seed=1)], OPTIONS)[0].moved((2, 0, 1), yaw=0.7)


def requests(clip: Motion) -> list[Request]:
    """One of every kind, of other lengths and texts."""
    return [
        Request((Part("a person walks", 40),), seed=1),
        Request((Part("someone jumps up", 23),), seed=2),
        Request((Part("a", 4),), seed=3),
        Request((Part(None, 300),), seed=4),
        Request((Part("walks forward", 120), Part(None, 60), Part("bows", 90)), seed=5),
        Request((Part(None, 60),), (Known(clip[:20]), Known(clip[40:], 40)), seed=6),
        Request((Part("a person turns left", 90),), (Known(clip[:30], 30),), seed=7),
        Request((Part(None, 60),), (Known(clip),), vary=0.5, seed=8),
    ]


def same(a: Motion, b: Motion) -> bool:
    return np.array_equal(a.root, b.root) and np.array_equal(a.rotations, b.rotations)


@pytest.mark.parametrize(
    "options",
    [OPTIONS, SampleOptions(steps=5, strategy="remask", adaptive=0.1, temperature=0.5)],
    ids=["plain", "remask and adaptive"],
)
def test_a_result_depends_on_its_request_alone(pipeline, clip, options):
    asked = requests(clip)
    together = pipeline.make(asked, options, footlock=False)
    order = [5, 2, 7, 0, 4, 1, 3, 6]
    shuffled = pipeline.make([asked[i] for i in order] + asked[:3], options, footlock=False)
    for number, request in enumerate(asked):
        (alone,) = pipeline.make([request], options, footlock=False)
        assert len(alone) == request.frames
        assert same(alone, together[number]), number
        assert same(alone, shuffled[order.index(number)]), number


@pytest.mark.parametrize("text", ["wave", "the goblin is waving", "make her wave", "an animation of a man waving"])
def test_a_sentence_is_asked_as_captions_say_it(pipeline, text):
    def made(text: str) -> Motion:
        return pipeline.make([Request((Part(text, 48),), seed=3)], SampleOptions(steps=3, guidance=30.0))[0]

    assert pipeline.asked(text) == "a person waves"
    assert same(made(text), made("a person waves"))
    assert not same(made("a cat waves"), made("a person waves"))


def test_what_would_be_too_long_as_a_caption_is_asked_as_it_stands(pipeline):
    room = pipeline.model.config.max_text
    text = "wave" + " a" * (room - 4)  # a piece for each letter: a caption's subject has no room
    assert pipeline.asked(text) == text


def test_samples_begin_with_the_one_of_a_single_sample(pipeline, clip):
    for request in requests(clip)[::3]:
        (alone,) = pipeline.make([request], OPTIONS)
        three = pipeline.make(samples_of(request, 3), OPTIONS)
        assert same(alone, three[0])
        assert not same(three[0], three[1])
        assert not same(three[1], three[2])


def test_seeds_of_samples_differ_and_stay_in_range():
    request = Request((Part(None, 4),), seed=0)
    seeds = [seed_of(r) for r in samples_of(request, 256)]
    assert seeds[0] == 0
    assert len(set(seeds)) == 256
    assert all(s is not None and 0 <= s < 2**63 for s in seeds)
    assert [seed_of(r) for r in samples_of(Request((Part(None, 4),)), 2)] == [None, None]


def test_known_pieces_come_back_bit_for_bit_wherever_they_stand(pipeline, clip):
    known = (Known(clip[10:20], 5), Known(clip[20:22], 30), Known(clip[30:60], 32))
    (made,) = pipeline.make([Request((Part(None, 70),), known, seed=3)], OPTIONS)
    assert len(made) == 70
    for piece in known:
        assert same(made[piece.start : piece.stop], piece.motion)


def test_each_part_of_a_gap_has_its_own_text(pipeline, clip):
    """A gap under two parts differs from the gap under either alone."""
    known = (Known(clip[:20]),)

    def made(*parts: Part) -> Motion:
        return pipeline.make([Request(parts, known, seed=2)], OPTIONS)[0]

    both = made(Part("walks", 60), Part("a person bows down", 60))
    assert len(both) == 120
    assert not same(both, made(Part("walks", 120)))
    assert not same(both, made(Part("a person bows down", 120)))
    # What is known has no say of its text.
    assert same(made(Part("jumps", 20), Part("walks", 100)), made(Part("walks", 120)))


def test_follow_moves_all_that_is_behind(pipeline, clip):
    known = (Known(clip[:20]), Known(clip[20:40], 60), Known(clip[40:], 80))
    (made,) = pipeline.make([Request((Part(None, 100),), known, follow=True, seed=2)], OPTIONS)
    joints = made.joints()
    # The pieces behind the gap are still one movement: moved as a whole.
    one = clip[20:].joints()
    for frame in (61, 79, 80, 99):
        assert np.linalg.norm(joints[frame] - joints[60], axis=-1) == pytest.approx(
            np.linalg.norm(one[frame - 60] - one[0], axis=-1), abs=1e-9
        )


def test_code_steps_share_out_what_there_is():
    assert code_steps([60], 15, 4) == [15]
    assert code_steps([60, 40, 51], 38, 4) == [15, 10, 13]
    assert code_steps([3, 57], 15, 4) == [1, 14]
    assert code_steps([58, 2], 15, 4) == [15, 0]
    assert sum(code_steps([7, 9, 11, 13], 8, 5.0)) == 8


def test_codes_do_not_depend_on_where_the_motion_stands_or_how_fast_it_was_filmed(pipeline, clip):
    codes = pipeline.to_codes(clip)
    assert codes.shape == (15, 3)
    assert torch.equal(codes, pipeline.to_codes(clip.moved((5, 0.3, -2), yaw=2.0)))
    # Every third frame of the clip at 60 fps is one of the clip.
    assert torch.equal(codes, pipeline.to_codes(clip.resample(60)))
    assert len(pipeline.to_codes(pipeline.make([Request((Part(None, 300),), seed=0)], OPTIONS)[0])) == 49
    long = pipeline.make([Request((Part(None, 300),), seed=0)], OPTIONS)[0]
    assert len(pipeline.to_codes(long, cut=False)) == 75


def test_the_rounds_end_with_the_motion_that_is_made(pipeline):
    request = Request((Part("a person walks", 50),), seed=9)
    steps = list(pipeline.rounds(request, OPTIONS))
    assert [s.index for s in steps] == [0, 1, 2]
    (made,) = pipeline.make([request], OPTIONS, footlock=False)
    assert same(pipeline.to_motion(steps[-1].tokens.codes[0])[:50], made)
    with pytest.raises(RequestError, match=r"at most 9\.8 seconds"):
        pipeline.rounds(Request((Part("a person walks", 197),)))


def test_the_rounds_of_turns_go_through_their_windows_and_end_with_the_motion_that_is_made(pipeline):
    request = Request((Part("a person walks", 60), Part("a person bows", 40)), seed=9)
    steps = list(pipeline.rounds(request, OPTIONS))
    assert [s.index for s in steps] == list(range(9))  # two windows and the seam between them, three rounds each
    opened = [int((s.tokens.known_levels[0] == 0).sum()) for s in steps]
    assert {len(s.tokens.codes[0]) for s in steps} == {25}
    assert opened[0] > opened[1] > opened[2] == 10  # the second turn is still to come
    assert opened[3] > opened[4] > opened[5] == 0
    assert 4 > opened[6] > opened[8] == 0  # of the 2 code steps on either side of the seam
    assert torch.isnan(steps[0].motion_confidence[0, 15:]).all()
    assert torch.isnan(steps[3].motion_confidence[0, :15]).all()
    (made,) = pipeline.make([request], OPTIONS, footlock=False)
    assert same(pipeline.to_motion(steps[-1].tokens.codes[0]), made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: Request(()), "at least one part"),
        (lambda c: Request((Part(None, 0),)), "at least one frame"),
        (lambda c: Request((Part(None, round(LONGEST_SECONDS * 20) + 1),)), "at most 600 seconds"),
        (lambda c: Request((Part(None, 60),), (Known(c[:40]), Known(c[40:], 30))), "overlap"),
        (lambda c: Request((Part(None, 50),), (Known(c),)), "the end at 50"),
        (lambda c: Request((Part(None, 99),), (Known(c), Known(c[:5].resample(40), 90))), "one body and at one rate"),
        (lambda c: Request((Part(None, 60),), (Known(c),), vary=1.2), "share"),
        (lambda c: Request((Part(None, 70),), (Known(c),), vary=0.5), "knows that motion whole"),
        (lambda c: Request((Part("", 60),)), "empty"),
    ],
)
def test_requests_that_cannot_be_are_refused(pipeline, clip, change, words):
    with pytest.raises(RequestError, match=words):
        pipeline.make([change(clip)])


def test_the_body_of_the_result_is_that_of_what_is_known(pipeline, clip):
    from dimo.body.retarget import retarget

    own = retarget(clip, preset("smplx")).resample(50)
    (made,) = pipeline.make([Request((Part(None, 200),), (Known(own[:100]),), seed=1)], OPTIONS)
    assert (made.skeleton, made.fps, len(made)) == (own.skeleton, 50, 200)

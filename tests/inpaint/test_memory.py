"""Memory in whole edits, on the tiny random model."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dimo import DiMo, Motion
from dimo.body.rotation import rotvec_to_quat
from dimo.diffusion.sample import SampleOptions, generators_of
from dimo.errors import RequestError, WeightsError
from dimo.inpaint.codes import decode_features, encode, floor_of
from dimo.inpaint.pipeline import Pipeline
from dimo.inpaint.windows import Window
from dimo.memory.lookup import Memory
from dimo.memory.neighbours import Neighbours
from dimo.memory.recall import Recall
from dimo.tasks import generate


@pytest.fixture
def model() -> DiMo:
    return DiMo.debug()


def row(model: DiMo, codes: list[int]) -> torch.Tensor:
    return torch.tensor(codes)[:, None].repeat(1, model.codec.config.levels)


def mask(length: int, *places: int) -> torch.Tensor:
    out = torch.zeros(length, dtype=torch.bool)
    out[list(places)] = True
    return out


def filled(pipeline: Pipeline, window: Window) -> torch.Tensor:
    """The codes of a window when remembered motions alone have the say."""
    options = SampleOptions(steps=4, temperature=0.0)
    return pipeline._fill([window], generators_of([0]), options, {True: 0.0, False: 1.0})[0]


def test_votes_go_by_likeness_or_where_most_go(model):
    """Of three remembered ways the likest is the odd one."""
    codes = torch.stack([row(model, [1, c, c]) for c in (7, 5, 5)])
    votes = Neighbours(codes, torch.tensor([0.01, 0.5, 0.5]), mask(3, 1, 2), torch.tensor([0.9, 0.1, 0.1]))
    for near, expected in ((votes.by_expected_distance(), [1, 5, 5]), (votes, [1, 7, 7])):
        made = filled(model.pipeline, Window(row(model, [1, 0, 0]), mask(3, 1, 2), (), near))
        assert made[:, 0].tolist() == expected


def walk(model: DiMo, frames: int = 64) -> Motion:
    body, t = model.codec.skeleton, np.arange(frames) / 20
    root = np.array([2, 0.95, -1]) + t[:, None] * [0, 0, 1.1]
    vectors = np.zeros((frames, len(body), 3))
    for side, phase in (("left", 0.0), ("right", np.pi)):
        vectors[:, body.index(f"{side}_hip"), 0] = 0.5 * np.sin(5 * t + phase)
        vectors[:, body.index(f"{side}_knee"), 0] = 0.4 - 0.4 * np.cos(5 * t + phase)
    return Motion(body, 20.0, root, rotvec_to_quat(vectors), "walk")


def taught(model: DiMo, motion: Motion) -> DiMo:
    """The model with a memory of one motion at all offsets."""
    stride, floor = model.codec.config.stride, floor_of(model.codec, motion)
    starts = range(stride)
    rows = [encode(model.codec, motion[o : len(motion) - (len(motion) - o) % stride], floor) for o in starts]
    memory = Memory.of(model.codec, rows, [0] * stride, list(starts), [motion.joints()])
    return DiMo(Pipeline(model.codec, model.model, model.wordpiece, memory), model.config)


def test_without_a_share_the_result_is_the_model_s_alone(model):
    motion = walk(model)
    plain = model.complete(motion, keep=[(0, 1), (2.2, 3.2)], seed=3)[0]
    off = taught(model, motion).complete(motion, keep=[(0, 1), (2.2, 3.2)], seed=3, memory=0.0)[0]
    assert np.array_equal(plain.root, off.root)
    assert np.array_equal(plain.rotations, off.rotations)


def test_with_all_the_share_a_remembered_motion_comes_back(model):
    motion = walk(model)
    clever = taught(model, motion)
    assert clever.memory is not None
    known = clever.memory.codes[: int(clever.memory.lengths[0])].long()
    missing = mask(len(known), *range(4, 9))
    blank = torch.where(missing[:, None], 0, known)
    votes = clever.memory.neighbours(blank, missing)
    assert votes is not None
    made = filled(clever.pipeline, Window(blank, missing, (), votes))
    assert torch.equal(made[:, 0], known[:, 0])
    assert torch.equal(made[~missing], known[~missing])


def test_a_text_leaves_the_memory_out(model):
    motion = walk(model)
    plain = model.edit(motion, (1, 2), text="a person walks", seed=1)[0]
    clever = taught(model, motion).edit(motion, (1, 2), text="a person walks", seed=1)[0]
    assert np.array_equal(plain.rotations, clever.rotations)


@pytest.mark.parametrize("keep", [[(0, 1)], [(1, 3.2)], [(0, 0.6), (1.4, 2.0), (2.6, 3.2)]])
def test_kept_frames_stay_bit_for_bit_and_a_seed_repeats(model, keep):
    motion = walk(model)
    clever = taught(model, motion)
    made = clever.complete(motion, keep=keep, seed=5, samples=2)
    again = clever.complete(motion, keep=keep, seed=5, samples=2)
    for one, other in zip(made, again, strict=True):
        assert np.array_equal(one.rotations, other.rotations)
        for start, end in keep:
            part = slice(round(start * 20), round(end * 20))
            assert np.array_equal(one.root[part], motion.root[part])
            assert np.array_equal(one.rotations[part], motion.rotations[part])


def test_weights_with_a_memory_come_back_whole(model, tmp_path):
    clever = taught(model, walk(model))
    clever.save_pretrained(tmp_path)
    back = DiMo.from_pretrained(tmp_path, precision="fp32")
    assert clever.memory is not None
    assert back.memory is not None
    for name, value in clever.memory.state().items():
        assert torch.equal(back.memory.state()[name], value)
    assert "memory.safetensors" in back.config["sha256"]


def test_a_damaged_memory_is_refused(model, tmp_path):
    clever = taught(model, walk(model))
    assert clever.memory is not None
    for broken in (
        {"lengths": clever.memory.lengths + 1},
        {"codes": clever.memory.codes + 100},
        {"codes": clever.memory.codes[:, :1]},
        {"clips": clever.memory.clips[1:]},
        {"clips": clever.memory.clips + 1},
        {"poses.joints": clever.memory.poses.joints[:, 1:]},
        {"poses.lengths": clever.memory.poses.lengths + 1},
    ):
        state = {**clever.memory.state(), **broken}
        clever.save_pretrained(tmp_path)
        save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "memory.safetensors")
        with pytest.raises(WeightsError, match="memory"):
            DiMo.from_pretrained(tmp_path)
    (tmp_path / "memory.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="memory"):
        DiMo.from_pretrained(tmp_path)


def test_a_share_beyond_one_is_refused(model):
    with pytest.raises(RequestError, match="memory must be from 0"):
        model.predict(walk(model), 1.0, memory=1.5)


# ---- motions that were described alike


def recalling(model: DiMo, value: int = 9, length: int = 12) -> DiMo:
    """The model with one captioned motion, all of whose codes are `value`."""
    recall = Recall.of([row(model, [value] * length)], [["a person claps"]])
    return DiMo(Pipeline(model.codec, model.model, model.wordpiece, recall=recall), model.config)


def codes_made(model: DiMo, text: str, recall: float, seed: int = 3) -> torch.Tensor:
    request = generate.generate(model.pipeline, text, 2.4, seed)
    *_, last = model.pipeline.rounds(request, SampleOptions(steps=4, temperature=0.0), recall=recall)
    return last.tokens.codes[0, :12, 0]


def test_a_motion_that_was_described_so_comes_back_with_all_the_share(model):
    assert codes_made(recalling(model), "someone claps", 1.0).tolist() == [9] * 12
    assert (
        codes_made(recalling(model), "someone claps", 0.0).tolist() == codes_made(model, "someone claps", 1.0).tolist()
    )


def test_a_sentence_that_is_like_nothing_is_the_model_s_alone(model):
    clever, plain = recalling(model), codes_made(model, "someone dances", 1.0)
    assert codes_made(clever, "someone dances", 1.0).tolist() == plain.tolist()


def test_every_way_to_a_motion_of_a_text_recalls(model):
    clever = recalling(model)
    options = SampleOptions(steps=4, temperature=0.0)
    (made,) = clever.generate("someone claps", seconds=2.4, seed=3, options=options, footlock=False, recall=1.0)
    want = clever.pipeline.to_motion(torch.full((12, 3), 9))
    # The levels above the base are of those that agree with it, so all of them are the clip's.
    assert np.allclose(made.joints(), want.joints()[: len(made)], atol=1e-5)
    trace = clever.trace("someone claps", seconds=2.4, seed=3, options=options, recall=1.0)
    assert np.allclose(trace.motions[-1].joints(), made.joints(), atol=1e-5)
    (composed,) = clever.compose([("someone claps", 2.4)], seed=3, options=options, footlock=False, recall=1.0)
    assert np.allclose(composed.joints(), made.joints(), atol=1e-5)
    request = generate.generate(clever.pipeline, "someone claps", 2.4, 3)
    (features,) = clever.pipeline.features([request], options, recall=1.0)
    assert np.allclose(features, decode_features(clever.codec, torch.full((12, 3), 9))[: len(features)], atol=1e-5)


def test_known_frames_are_gone_on_with_by_the_model_alone(model):
    motion = walk(model)
    plain = model.predict(motion, 1.0, text="someone claps", seed=1)[0]
    clever = recalling(model).predict(motion, 1.0, text="someone claps", seed=1)[0]
    assert np.array_equal(plain.rotations, clever.rotations)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_from_none_to_all(model, share):
    with pytest.raises(RequestError, match="recall must be from 0"):
        model.generate("someone claps", seconds=1, recall=share)


def test_captioned_motions_are_saved_and_loaded(model, tmp_path):
    clever = recalling(model)
    clever.save_pretrained(tmp_path / "weights")
    again = DiMo.from_pretrained(tmp_path / "weights", precision="fp32", device="cpu")
    assert again.pipeline.recall is not None
    assert again.pipeline.recall.captions == clever.pipeline.recall.captions
    assert torch.equal(again.pipeline.recall.codes, clever.pipeline.recall.codes)

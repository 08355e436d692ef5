"""Memory and votes with codebooks whose distances can be worked out by hand, and through whole edits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dimo import DiMo, Motion
from dimo.body.rotation import rotvec_to_quat
from dimo.diffusion.sample import SampleOptions
from dimo.errors import RequestError, WeightsError
from dimo.features import humanml3d
from dimo.inpaint import gap
from dimo.inpaint.windows import Part, fill, refine
from dimo.memory.joints import Poses
from dimo.memory.lookup import DEPARTURE, FIT_FRAMES, LOOKS, WEIGHTS, Memory, Sides
from dimo.memory.neighbours import AGREEING, FINE_SHARE, FINER, Votes

MIDDLE = (FIT_FRAMES - 1) / 2  # frames before an edge


@pytest.fixture
def model() -> DiMo:
    return DiMo.debug()


def remembered(model: DiMo, *sequences: list[int], clips: list[int] | None = None) -> Memory:
    """A memory of sequences of stacks whose levels all hold the same code."""
    levels = model.codec.config.levels
    rows = [torch.tensor(s)[:, None].repeat(1, levels) for s in sequences]
    numbers = clips or list(range(len(rows)))
    motions = [joints_of(model, rows[numbers.index(i)]) for i in range(max(numbers) + 1)]
    return Memory.of(model.codec, rows, numbers, [0] * len(rows), motions)


def joints_of(model: DiMo, codes: torch.Tensor) -> np.ndarray:
    return humanml3d.decode(model.codec.decode(codes[None])[0].double().numpy())


def row(model: DiMo, codes: list[int]) -> torch.Tensor:
    return torch.tensor(codes)[:, None].repeat(1, model.codec.config.levels)


def mask(length: int, *places: int) -> torch.Tensor:
    out = torch.zeros(length, dtype=torch.bool)
    out[list(places)] = True
    return out


def test_distances_are_those_of_the_code_vectors(model):
    memory = remembered(model, [1, 2, 3], [4, 5])
    stack = torch.tensor([7, 0, 3])
    vectors = model.codec.quantizer.decode(torch.cat([row(model, [1, 2, 3]), row(model, [4, 5])]))
    expected = (vectors - model.codec.quantizer.decode(stack[None])).square().sum(1)
    assert torch.allclose(memory._to(stack), expected, rtol=1e-4, atol=1e-4)
    assert memory._spread == pytest.approx(float(vectors.var(0, correction=0).sum()), rel=1e-4)


def test_a_known_stretch_is_recalled_with_what_stood_in_the_gap(model):
    memory = remembered(model, [9, 9, 1, 2, 3, 4, 5, 6, 8], [3, 3, 3, 3, 3, 3, 3, 3])
    votes = memory.recall(row(model, [1, 2, 0, 0, 5, 6]), mask(6, 2, 3))
    assert votes is not None
    assert votes.codes[0, :, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert votes.cost[0] == pytest.approx(0, abs=1e-4)
    assert (votes.cost.diff() >= 0).all()


def test_a_stretch_does_not_run_from_one_sequence_into_the_next(model):
    memory = remembered(model, [7, 1, 2], [3, 4, 7])
    votes = memory.recall(row(model, [1, 2, 0, 0]), mask(4, 2, 3))
    assert votes is not None
    assert {tuple(c) for c in votes.codes[:, 2:, 0].tolist()} == {(1, 2), (4, 7)}  # what follows 7, and what follows 3


def test_places_that_a_motion_does_not_reach_are_marked(model):
    votes = remembered(model, [1, 2, 3]).recall(row(model, [5, 1, 0, 3, 5]), mask(5, 2))
    assert votes is not None
    assert votes.codes[0, :, 0].tolist() == [-1, 1, 2, 3, -1]


def test_sequences_of_one_clip_give_one_vote(model):
    memory = remembered(model, [1, 2, 3], [1, 4, 3], [1, 5, 3], clips=[0, 0, 1])
    votes = memory.recall(row(model, [1, 0, 3]), mask(3, 1))
    assert votes is not None
    assert len(votes.codes) == 2


def test_nearer_stacks_weigh_more(model):
    memory = remembered(model, [1, 9, 3, 4], [9, 2, 3, 4])
    near, far = (memory._to(row(model, [c])[0])[0 if c == 1 else 1] for c in (1, 2))
    assert float(near) == pytest.approx(0, abs=1e-3)
    assert float(far) > 0
    votes = memory.recall(row(model, [1, 2, 0, 4]), mask(4, 2))
    assert votes is not None
    one, two = model.codec.quantizer.decode(row(model, [1, 2]))
    nine = model.codec.quantizer.decode(row(model, [9]))[0]
    total = 1 + WEIGHTS[0] + WEIGHTS[1]  # the stack before, the one before it, the one after
    expected = sorted(
        [float(WEIGHTS[1] * (one - nine).square().sum() / total), float((two - nine).square().sum() / total)]
    )
    assert (votes.cost * memory._spread).tolist() == pytest.approx(expected, rel=1e-3)


def test_nothing_is_recalled_where_nothing_is_known_or_nothing_is_long_enough(model):
    memory = remembered(model, [1, 2, 3])
    assert memory.recall(row(model, [0, 0]), mask(2, 0, 1)) is None
    assert memory.recall(row(model, [1, 0, 0, 0, 0]), mask(5, 1, 2, 3, 4)) is None


def test_of_alike_sides_the_one_that_arrives_is_first(model):
    """Two clips with the same sides and other insides: the arrival is where the second leads."""
    memory = remembered(model, [1, 2, 3], [1, 7, 3])
    gap = row(model, [1, 0, 3])
    joints = joints_of(model, row(model, [1, 7, 3]))
    stride = model.codec.config.stride
    sides = Sides(1, joints[:stride], stride + 1, joints[2 * stride :])
    votes = memory.recall(gap, mask(3, 1), sides)
    assert votes is not None
    assert votes.codes[0, 1, 0] == 7
    assert votes.cost[0] == pytest.approx(0, abs=DEPARTURE * 1e-4)  # places are kept to 5 mm
    other = memory.recall(gap, mask(3, 1), replace(sides, steps=2))  # of another gap: not looked at
    assert other is not None
    assert other.cost.tolist() == pytest.approx([0, 0], abs=1e-4)


def along(speed: float, frames: int, joints: int) -> np.ndarray:
    """A stiff body (F, J, 3) that glides along Z."""
    shape = np.random.default_rng(0).uniform(-0.5, 0.5, (joints, 3))
    return shape + np.arange(frames)[:, None, None] / 20 * speed * np.array([0, 0, 1.0])


def test_of_alike_codes_the_one_that_moved_alike_is_first(model):
    """Codes say the same, speeds differ; put together in the middle of FIT_FRAMES, d metres off cost DEPARTURE d^2."""
    stride, count = model.codec.config.stride, len(model.codec.skeleton)
    rows = [row(model, [1, 2, 3, 4])] * 2
    motions = [along(speed, 4 * stride, count) for speed in (1.5, 1.0)]
    memory = Memory.of(model.codec, rows, [0, 1], [0, 0], motions)
    turned = along(1.0, 2 * stride, count)[..., [2, 1, 0]] * [1, 1, -1] + [5, 0, 2]  # by 90 degrees, elsewhere
    votes = memory.recall(
        row(model, [1, 2, 0, 0]), mask(4, 2, 3), Sides(2, turned, 2 * stride, np.zeros((0, count, 3)))
    )
    assert votes is not None
    slower, faster = votes.cost.tolist()
    assert slower == pytest.approx(0, abs=DEPARTURE * 1e-4)
    looks = np.array([k for k in LOOKS if k < 2 * stride])
    assert faster == pytest.approx(DEPARTURE * np.mean((0.5 * (looks - MIDDLE) / 20) ** 2), rel=0.05)


def test_the_risk_of_a_stretch_is_its_distance_from_what_is_likely(model):
    stride, count = model.codec.config.stride, len(model.codec.skeleton)
    rows = [row(model, [1, 2, 3])] * 3
    motions = [along(speed, 4 * stride, count) for speed in (1.0, 1.0, 3.0)]
    memory = Memory.of(model.codec, rows, [0, 1, 2], [0, 0, 0], motions)
    votes = memory.recall(row(model, [1, 0, 0]), mask(3, 1, 2))
    assert votes is not None
    assert votes.risk is not None
    apart = np.mean((np.arange(1, 3) * stride + MIDDLE) / 20 * 2.0)  # of 3 from 1 m/s at the ends of both stacks
    assert sorted(votes.risk.tolist()) == pytest.approx([apart / 3, apart / 3, 2 * apart / 3], rel=0.02)


def test_the_first_sample_goes_where_most_go_and_the_others_by_likeness(model):
    """Of three remembered ways the likest is the odd one."""
    codes = torch.stack([row(model, [1, c, c]) for c in (7, 5, 5)])
    votes = Votes(codes, torch.tensor([0.01, 0.5, 0.5]), mask(3, 1, 2), torch.tensor([0.9, 0.1, 0.1]))
    options = SampleOptions(steps=3, temperature=0.0, memory=1.0, seed=0)
    left, right = row(model, [1]), row(model, [])
    made = fill(model.model, [left] * 2, [Part((), 2)], [right] * 2, options, recalls=[lambda r, m: votes] * 2)
    assert [m[:, 0].tolist() for m in made] == [[5, 5], [7, 7]]


def test_poses_are_kept_to_half_a_centimetre():
    generator = np.random.default_rng(1)
    motions = [generator.uniform(-0.6, 0.6, (n, 4, 3)) + np.array([50, 1, -20]) for n in (5, 8)]
    poses = Poses.of(motions)
    for number, motion in enumerate(motions):
        there = poses.at(np.array(number), np.arange(0, len(motion), 2))
        assert np.abs(there - (motion[::2] - motion[0, 0] * [1, 0, 1])).max() <= 0.005 + 1e-5
    both = poses.at(np.array([0, 1]), np.array([3, 1]))  # odd frames lie between their neighbours
    for got, motion, frame in zip(both, motions, (3, 1), strict=True):
        assert np.allclose(got, (motion[frame - 1] + motion[frame + 1]) / 2 - motion[0, 0] * [1, 0, 1], atol=0.006)
    assert np.array_equal(poses.at(np.array(0), np.array([-3, 99])), poses.at(np.array(0), np.array([0, 4])))


def votes_of(codes: list[list[int]], cost: list[float], levels: int = 2) -> Votes:
    stacks = torch.tensor(codes)[..., None].repeat(1, 1, levels)
    return Votes(stacks, torch.tensor(cost), torch.ones(stacks.shape[1], dtype=torch.bool))


def test_a_mixture_is_a_distribution_between_the_model_and_the_votes():
    votes = votes_of([[1, 2], [1, 3]], [0.5, 0.5])
    logits = torch.randn(2, 5)
    nothing = torch.zeros(2, dtype=torch.long)
    weights = votes.weights(torch.zeros(2, dtype=torch.bool), nothing)
    codes = torch.zeros(2, 2, dtype=torch.long)
    p = votes.mix(logits, 0, 0.6, weights, codes).exp()
    expected = 0.4 * logits.softmax(-1)
    expected[0, 1] += 0.6
    expected[1, 2] += 0.3
    expected[1, 3] += 0.3
    assert torch.allclose(p, expected, atol=1e-6)
    assert torch.equal(votes.mix(logits, 0, 0.0, weights, codes), logits)


def test_votes_count_nothing_where_no_motion_reaches():
    votes = votes_of([[1, -1]], [0.5])
    logits = torch.zeros(2, 4)
    weights = votes.weights(torch.zeros(2, dtype=torch.bool), torch.zeros(2, dtype=torch.long))
    p = votes.mix(logits, 0, 0.8, weights, torch.zeros(2, 2, dtype=torch.long)).exp()
    assert p[0, 1] == pytest.approx(0.2 * 0.25 + 0.8)
    assert torch.equal(votes.mix(logits, 0, 0.8, weights, torch.zeros(2, 2, dtype=torch.long))[1], logits[1])


def test_a_motion_that_went_another_way_loses_its_say():
    votes = votes_of([[1, 2, 4], [1, 3, 5]], [0.5, 0.5])
    before = votes.weights(torch.tensor([False, False, False]), torch.tensor([0, 0, 0]))
    after = votes.weights(torch.tensor([True, True, False]), torch.tensor([1, 3, 0]))
    assert before[0] == before[1]
    assert after[1] - after[0] == pytest.approx(AGREEING)


def test_fine_levels_are_those_of_motions_with_the_drawn_base():
    stacks = torch.tensor([[[1, 4]], [[2, 3]]])
    votes = Votes(stacks, torch.tensor([0.5, 0.5]), torch.tensor([True]))
    weights = votes.weights(torch.tensor([False]), torch.tensor([0]))
    logits = torch.zeros(1, 5)
    p = votes.mix(logits, 1, 0.7, weights, torch.tensor([[2, 0]])).exp()[0]
    assert p[3] == pytest.approx((1 - FINE_SHARE) / 5 + FINE_SHARE)
    assert torch.equal(votes.mix(logits, 1, 0.7, weights, torch.tensor([[0, 0]])), logits)
    three = Votes(torch.tensor([[[1, 4, 0]], [[1, 3, 2]]]), torch.tensor([0.5, 0.5]), torch.tensor([True]))
    p = three.mix(logits, 2, 0.7, weights, torch.tensor([[1, 3, 0]])).exp()[0]
    odds = (p[2] - (1 - FINE_SHARE) / 5) / (p[0] - (1 - FINE_SHARE) / 5)
    assert float(odds.log()) == pytest.approx(FINER, abs=1e-4)


# ---- through whole edits


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
    tools, stride = model._tools(1, 0, {}), model.codec.config.stride
    floor = gap.floor_of(motion, model.codec)
    rows = [gap.encode(tools, motion[o : len(motion) - (len(motion) - o) % stride], floor) for o in range(stride)]
    memory = Memory.of(model.codec, rows, [0] * stride, list(range(stride)), [motion.joints()])
    return DiMo(model.codec, model.model, model.wordpiece, model.config, memory)


def test_without_a_share_the_result_is_the_model_s_alone(model):
    motion = walk(model)
    plain = model.complete(motion, keep=[(0, 1), (2.2, 3.2)], seed=3)
    off = taught(model, motion).complete(motion, keep=[(0, 1), (2.2, 3.2)], seed=3, memory=0.0)
    assert isinstance(plain, Motion)
    assert isinstance(off, Motion)
    assert np.array_equal(plain.root, off.root)
    assert np.array_equal(plain.rotations, off.rotations)


def test_with_all_the_share_a_remembered_motion_comes_back(model):
    motion = walk(model)
    clever = taught(model, motion)
    assert clever.memory is not None
    known = clever.memory.codes[: int(clever.memory.lengths[0])].long()
    missing = mask(len(known), *range(4, 9))
    blank = torch.where(missing[:, None], 0, known)
    votes = clever.memory.recall(blank, missing)
    assert votes is not None
    options = SampleOptions(steps=4, temperature=0.0, memory=1.0, seed=0)
    made = refine(clever.model, [blank], [missing], (), options, [votes])[0]
    assert torch.equal(made[:, 0], known[:, 0])
    assert torch.equal(made[~missing], known[~missing])


def test_a_text_leaves_the_memory_out(model):
    motion = walk(model)
    plain = model.edit(motion, (1, 2), text="a person walks", seed=1)
    clever = taught(model, motion).edit(motion, (1, 2), text="a person walks", seed=1)
    assert isinstance(plain, Motion)
    assert isinstance(clever, Motion)
    assert np.array_equal(plain.rotations, clever.rotations)


@pytest.mark.parametrize("keep", [[(0, 1)], [(1, 3.2)], [(0, 0.6), (1.4, 2.0), (2.6, 3.2)]])
def test_kept_frames_stay_bit_for_bit_and_a_seed_repeats(model, keep):
    motion = walk(model)
    clever = taught(model, motion)
    made = clever.complete(motion, keep=keep, seed=5, samples=2)
    again = clever.complete(motion, keep=keep, seed=5, samples=2)
    assert isinstance(made, list)
    assert isinstance(again, list)
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

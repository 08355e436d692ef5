"""Memory and votes with codebooks whose distances can be worked out by hand, and through whole edits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dimo import DiMo
from dimo.features import humanml3d
from dimo.memory.lookup import DEPARTURE, FIT_FRAMES, LOOKS, WEIGHTS, Memory, Sides

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
    votes = memory.neighbours(row(model, [1, 2, 0, 0, 5, 6]), mask(6, 2, 3))
    assert votes is not None
    assert votes.codes[0, :, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert votes.cost[0] == pytest.approx(0, abs=1e-4)
    assert (votes.cost.diff() >= 0).all()


def test_a_stretch_does_not_run_from_one_sequence_into_the_next(model):
    memory = remembered(model, [7, 1, 2], [3, 4, 7])
    votes = memory.neighbours(row(model, [1, 2, 0, 0]), mask(4, 2, 3))
    assert votes is not None
    assert {tuple(c) for c in votes.codes[:, 2:, 0].tolist()} == {(1, 2), (4, 7)}  # what follows 7, and what follows 3


def test_places_that_a_motion_does_not_reach_are_marked(model):
    votes = remembered(model, [1, 2, 3]).neighbours(row(model, [5, 1, 0, 3, 5]), mask(5, 2))
    assert votes is not None
    assert votes.codes[0, :, 0].tolist() == [-1, 1, 2, 3, -1]


def test_sequences_of_one_clip_give_one_vote(model):
    memory = remembered(model, [1, 2, 3], [1, 4, 3], [1, 5, 3], clips=[0, 0, 1])
    votes = memory.neighbours(row(model, [1, 0, 3]), mask(3, 1))
    assert votes is not None
    assert len(votes.codes) == 2


def test_nearer_stacks_weigh_more(model):
    memory = remembered(model, [1, 9, 3, 4], [9, 2, 3, 4])
    near, far = (memory._to(row(model, [c])[0])[0 if c == 1 else 1] for c in (1, 2))
    assert float(near) == pytest.approx(0, abs=1e-3)
    assert float(far) > 0
    votes = memory.neighbours(row(model, [1, 2, 0, 4]), mask(4, 2))
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
    assert memory.neighbours(row(model, [0, 0]), mask(2, 0, 1)) is None
    assert memory.neighbours(row(model, [1, 0, 0, 0, 0]), mask(5, 1, 2, 3, 4)) is None


def test_of_alike_sides_the_one_that_arrives_is_first(model):
    """Two clips with the same sides and other insides: the arrival is where the second leads."""
    memory = remembered(model, [1, 2, 3], [1, 7, 3])
    gap = row(model, [1, 0, 3])
    joints = joints_of(model, row(model, [1, 7, 3]))
    stride = model.codec.config.stride
    sides = Sides(1, joints[:stride], stride + 1, joints[2 * stride :])
    votes = memory.neighbours(gap, mask(3, 1), sides)
    assert votes is not None
    assert votes.codes[0, 1, 0] == 7
    assert votes.cost[0] == pytest.approx(0, abs=DEPARTURE * 1e-4)  # places are kept to 5 mm
    other = memory.neighbours(gap, mask(3, 1), replace(sides, steps=2))  # of another gap: not looked at
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
    votes = memory.neighbours(
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
    votes = memory.neighbours(row(model, [1, 0, 0]), mask(3, 1, 2))
    assert votes is not None
    assert votes.expected_distance is not None
    apart = np.mean((np.arange(1, 3) * stride + MIDDLE) / 20 * 2.0)  # of 3 from 1 m/s at the ends of both stacks
    assert sorted(votes.expected_distance.tolist()) == pytest.approx([apart / 3, apart / 3, 2 * apart / 3], rel=0.02)

"""The masked peer: how much is masked, what is kept while sampling, what a residual level may read, and clips learnt by heart."""

import math

import numpy as np
import pytest
import torch
from momask import MoMask, MoMaskConfig, choose
from residual import Residual, ResidualConfig, draw_levels

CODES = 12


@pytest.fixture
def config(sizes):
    return MoMaskConfig(sizes, levels=3, codes=CODES, longest=10, guidance=2.0, steps=4, top_k=2)


def test_a_cosine_share_of_the_real_places_is_chosen():
    """The mean of cos(pi u / 2) over u is 2 / pi; rounding and the one that is always chosen add little at 40 places."""
    generator, real = np.random.default_rng(0), torch.arange(50) < torch.tensor([40] * 4000)[:, None]
    chosen = choose(real, generator)
    assert not bool((chosen & ~real).any())
    count = chosen.sum(1)
    assert int(count.min()) == 1
    assert float(count.float().mean()) == pytest.approx(40 * 2 / math.pi, rel=0.02)
    assert float((count > 20).float().mean()) == pytest.approx(2 / 3, abs=0.03)  # cos(pi u / 2) > 1/2 where u < 2/3
    assert int(choose(real[:1, :1], generator).sum()) == 1


def test_what_is_shown_of_chosen_places(config):
    """A tenth wrong, 12 % of the rest right, the others masked; a random code is right once in CODES times."""
    model = MoMask(config)
    base = torch.full((200, 50), 3)
    chosen = torch.zeros(200, 50, dtype=torch.bool)
    chosen[:, :40] = True
    seen = model.shown(base, chosen, np.random.default_rng(0))
    assert torch.equal(seen[:, 40:], base[:, 40:])
    hidden = float((seen[:, :40] == model.mask).float().mean())
    right = float((seen[:, :40] == 3).float().mean())
    assert hidden == pytest.approx(0.9 * 0.88, abs=0.02)
    assert right == pytest.approx(0.9 * 0.12 + 0.1 / CODES, abs=0.02)


def test_sampling_masks_fewer_places_each_round_and_never_a_settled_one(config, texts, generators):
    torch.manual_seed(0)
    model, rounds = MoMask(config).eval(), []
    plain = model.forward

    def watch(words, codes, real):
        rounds.append(codes[: len(codes) // 2])  # the branch with the sentence
        return plain(words, codes, real)

    model.forward = watch
    real = torch.arange(10) < torch.tensor([10, 6])[:, None]
    base = model.fill(texts([[104], [105]]), real, generators(2))
    open_ = [((r == model.mask) & real).sum(1).tolist() for r in rounds]
    # round(n cos(pi k / 6)), at least one
    assert open_ == [[10, 6], [9, 5], [5, 3], [1, 1]]
    for before, after in zip(rounds, rounds[1:], strict=False):
        settled = before != model.mask
        assert torch.equal(after[settled], before[settled])
    last = rounds[-1] != model.mask
    assert torch.equal(base[last & real], rounds[-1][last & real])
    assert int(base.max()) < CODES


def test_a_level_reads_the_levels_below_it_alone(sizes, texts):
    torch.manual_seed(0)
    model = Residual(ResidualConfig(sizes, levels=4, codes=CODES, longest=10)).eval()
    words, real = texts([[104], [105]]), torch.ones(2, 6, dtype=torch.bool)
    codes = torch.randint(0, CODES, (2, 6, 4), generator=torch.Generator().manual_seed(1))
    for level in (1, 2, 3):
        at = torch.tensor([level, level])
        before = model(codes, at, words, real)
        for changed in range(4):
            other = codes.clone()
            other[..., changed] = (other[..., changed] + 1) % CODES
            same = torch.equal(model(other, at, words, real), before)
            assert same == (changed >= level), (level, changed)
    mixed = model(codes, torch.tensor([1, 3]), words, real)
    for row, level in enumerate((1, 3)):
        assert torch.allclose(mixed[row], model(codes, torch.tensor([level] * 2), words, real)[row], atol=1e-5)


def test_low_levels_are_drawn_more_often():
    """1 + round(4 (1 - cos(pi u / 2))) of six levels is 1 where cos(pi u / 2) > 7/8, and 5 where it is below 1/8."""
    found = draw_levels(40_000, 6, np.random.default_rng(0))
    assert sorted(set(found.tolist())) == [1, 2, 3, 4, 5]
    assert float((found == 1).mean()) == pytest.approx(2 / math.pi * math.acos(7 / 8), abs=0.01)
    assert float((found == 5).mean()) == pytest.approx(1 - 2 / math.pi * math.acos(1 / 8), abs=0.01)
    assert set(draw_levels(50, 2, np.random.default_rng(0)).tolist()) == {1}


@pytest.mark.integ
def test_clips_come_back_from_masks(config, learn, generators):
    generator = torch.Generator().manual_seed(0)
    known = [torch.randint(0, CODES, (4 + n, 3), generator=generator) for n in range(5)]
    torch.manual_seed(0)
    model = MoMask(config)
    words = learn(model, known, 400)
    made = model.make(words, [len(c) for c in known], generators(5))
    assert [m.shape for m in made] == [c.shape for c in known]
    same = torch.cat([(m == c).flatten() for m, c in zip(made, known, strict=True)])
    assert float(same.float().mean()) > 0.9

"""MDM: the schedule against its closed form, DDIM against a known answer, and a few clips learnt by heart."""

import math

import numpy as np
import pytest
import torch
from mdm import MDM, MDMConfig, corrupt, ddim, signal, sinusoid

from dimo.errors import RequestError

FEATURES = 5


@pytest.fixture
def config(sizes):
    return MDMConfig(sizes, features=FEATURES, times=100, steps=10, guidance=1.0)


@pytest.mark.parametrize("times", [50, 1000])
def test_the_schedule_is_the_published_one(times):
    levels = signal(times)
    assert len(levels) == times + 1
    assert float(levels[0]) == 1
    for t in (1, times // 4, times // 2, times - 2):
        f = [math.cos((x / times + 0.008) / 1.008 * math.pi / 2) ** 2 for x in (t, 0)]
        assert float(levels[t]) == pytest.approx(f[0] / f[1], rel=1e-9)
    betas = 1 - levels[1:] / levels[:-1]
    assert float(betas[-1]) == pytest.approx(0.999)  # the formula says 1 there: nothing could be undone
    assert bool((betas > 0).all())
    assert bool((betas.diff() > -1e-12).all())


def test_noise_leaves_the_variance_that_the_schedule_says():
    generator = torch.Generator().manual_seed(0)
    motion = torch.randn(200_000, generator=generator, dtype=torch.float64)
    noise = torch.randn(200_000, generator=generator, dtype=torch.float64)
    for level in signal(10):
        noisy = corrupt(motion, noise, level)
        assert float(noisy.var()) == pytest.approx(1, abs=0.02)
        assert float((noisy * motion).mean()) == pytest.approx(math.sqrt(level), abs=0.02)


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_ddim_that_is_told_the_truth_gives_it_back(steps):
    levels, generator = signal(100), torch.Generator().manual_seed(1)
    motion, noise = (torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    start = corrupt(motion, noise, levels[100])
    seen = []

    def truth(x, time):
        seen.append(time)
        assert torch.allclose(
            x, corrupt(motion, noise, levels[time]), atol=1e-9
        )  # one straight way, whatever the steps
        return motion

    assert torch.allclose(ddim(truth, start, levels, steps), motion, atol=1e-12)
    assert len(seen) == steps
    assert seen == sorted(seen, reverse=True)


def test_places_are_sines_and_cosines():
    found = sinusoid(torch.tensor([0.0, 3.0]), 8)
    rates = [10_000 ** (-i / 4) for i in range(4)]
    assert found[0].tolist() == [0] * 4 + [1] * 4
    assert found[1].tolist() == pytest.approx([*(math.sin(3 * r) for r in rates), *(math.cos(3 * r) for r in rates)])


def test_padding_changes_nothing(config, texts):
    torch.manual_seed(0)
    model = MDM(config).eval()
    x, words = torch.randn(1, 6, FEATURES), texts([[104, 105]])
    alone = model(x, torch.tensor([40]), words, torch.ones(1, 6, dtype=torch.bool))
    longer = torch.cat([x, torch.full((1, 3, FEATURES), 50.0)], dim=1)
    real = (torch.arange(9) < 6)[None]
    assert torch.allclose(model(longer, torch.tensor([40]), words, real)[:, :6], alone, atol=1e-5)
    assert not torch.allclose(model(x, torch.tensor([40]), words.without(), real[:, :6]), alone, atol=1e-3)


def test_guidance_reaches_beyond_the_sentence(config, texts, generators):
    """At a single step what is made is x_0 itself, so it is l_u + s (l_c - l_u) of what the network says."""
    torch.manual_seed(0)
    words, made = texts([[104, 105]]), {}
    for scale in (0.0, 1.0, 3.0):
        torch.manual_seed(0)
        model = MDM(MDMConfig(config.sizes, FEATURES, times=10, steps=1, guidance=scale)).eval()
        made[scale] = model.make(words, [6], generators(1))[0]
    assert torch.allclose(made[3.0], made[0.0] + 3 * (made[1.0] - made[0.0]), atol=1e-4)
    assert not torch.allclose(made[0.0], made[1.0], atol=1e-3)


@pytest.mark.integ
def test_clips_come_back_from_noise(config, learn, generators):
    rng = np.random.default_rng(0)
    clips = [torch.from_numpy(rng.standard_normal((6 + n, FEATURES)).astype(np.float32)) for n in range(4)]
    torch.manual_seed(0)
    model = MDM(config)
    words = learn(model, clips, 500)
    made = model.make(words, [len(c) for c in clips], generators(4))
    assert [m.shape for m in made] == [c.shape for c in clips]
    missed = [float((m - c).square().mean()) for m, c in zip(made, clips, strict=True)]
    assert max(missed) < 0.15  # of a variance of 1


def test_steps_beyond_the_process_are_refused():
    with pytest.raises(RequestError, match="from 1 to the 10 times"):
        MDMConfig(times=10, steps=11)

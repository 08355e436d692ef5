import pytest
import torch

from dimo.codec.quantize import ResidualQuantizer


def quantizer(levels=3, size=8, dim=4, seed=0):
    torch.manual_seed(seed)
    q = ResidualQuantizer(levels, size, dim)
    q.codebooks.copy_(torch.randn(levels, size, dim) * torch.tensor([1.0, 0.3, 0.1])[:levels, None, None])
    q.started.fill_(True)
    return q.eval()


def test_nearest_is_the_nearest():
    q, x = quantizer(), torch.randn(50, 4)
    assert torch.equal(q.nearest(x, 1), torch.cdist(x, q.codebooks[1]).argmin(1))


def test_encode_decode_is_the_greedy_sum_by_hand():
    q, x = quantizer(), torch.randn(2, 5, 4)
    codes = q.encode(x)
    residual, total = x.clone(), torch.zeros_like(x)
    for level in range(3):
        chosen = q.codebooks[level][torch.cdist(residual.view(-1, 4), q.codebooks[level]).argmin(1)].view_as(x)
        total, residual = total + chosen, residual - chosen
    assert torch.allclose(q.decode(codes), total, atol=1e-6)
    assert torch.allclose(q(x).vectors, total, atol=1e-6)
    assert torch.equal(q(x).codes, codes)


def test_more_levels_are_never_worse_when_a_code_is_zero():
    q = quantizer()
    q.codebooks[:, 0] = 0
    x = torch.randn(1, 100, 4)
    codes = q.encode(x)
    errors = [(q.decode(codes[..., :n]) - x).square().mean().item() for n in (1, 2, 3)]
    assert errors == sorted(errors, reverse=True)


def test_dropped_levels_are_marked_and_add_nothing():
    q, x = quantizer(), torch.randn(1, 6, 4)
    out = q(x, active=1)
    assert (out.codes[..., 1:] == -1).all()
    assert torch.allclose(q.decode(out.codes), q.decode(out.codes[..., :1]))


def test_straight_through_gradient_is_identity():
    q, x = quantizer(), torch.randn(1, 6, 4, requires_grad=True)
    q(x).vectors.sum().backward()
    assert torch.allclose(x.grad, torch.ones_like(x))


def test_codebooks_follow_their_vectors():
    q = ResidualQuantizer(1, 2, 1, decay=0.5)
    q.train()
    x = torch.tensor([[[-1.0]], [[-1.2]], [[1.0]], [[1.4]]])
    for _ in range(40):
        q(x)
    assert sorted(q.codebooks.flatten().tolist()) == pytest.approx([-1.1, 1.2], abs=1e-3)


def test_unused_codes_start_again():
    q = ResidualQuantizer(1, 4, 2, decay=0.5)
    q.codebooks[0] = torch.tensor([[0.0, 0.0], [9.0, 9.0], [9.0, -9.0], [-9.0, 9.0]])
    q.sums.copy_(q.codebooks)
    q.started.fill_(True)
    q.train()
    x = torch.randn(1, 64, 2) * 0.1
    for _ in range(8):
        q(x)
    assert q.codebooks.abs().max() < 1
    assert q(x).perplexity[0] > 2


def test_perplexity_of_even_use_is_the_number_of_codes():
    q = ResidualQuantizer(1, 4, 1).eval()
    q.codebooks[0] = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    assert q(torch.tensor([[[0.0], [1.0], [2.0], [3.0]]])).perplexity[0].item() == pytest.approx(4, abs=1e-4)


def test_codes_about_as_near_are_drawn_by_their_distance():
    q = ResidualQuantizer(1, 3, 1)
    q.codebooks[0] = torch.tensor([[-1.0], [1.5], [4.0]])
    torch.manual_seed(0)
    drawn = torch.bincount(q.near(torch.zeros(20_000, 1), 0, 2.0), minlength=3) / 20_000
    # The nearest ones are at squared distance 1 on average, so the weights are exp(-d / 2) with d = 1, 2.25, 16.
    assert torch.allclose(drawn, torch.tensor([-0.5, -1.125, -8.0]).softmax(0), atol=0.015)
    x = torch.randn(50, 1)
    assert torch.equal(q.near(x, 0, 1e-9), q.nearest(x, 0))


def test_noise_takes_other_codes_and_the_next_level_quantizes_what_they_leave():
    q, x = quantizer(), torch.randn(1, 500, 4)
    out = q(x, noise=0.5)
    assert 0.05 < (out.codes[..., 0] != q.encode(x)[..., 0]).float().mean() < 0.9
    assert torch.allclose(out.vectors, q.decode(out.codes), atol=1e-5)
    torch.manual_seed(1)
    first = q(x, noise=0.5)
    torch.manual_seed(1)
    assert torch.equal(first.codes, q(x, noise=0.5).codes)

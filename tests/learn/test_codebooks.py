"""Codebooks that several batches teach at once; two processes: test_parallel.py."""

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

from dimo.codec.codec import Codec, CodecConfig
from dimo.codec.quantize import ResidualQuantizer
from dimo.learn import loop
from dimo.learn.codebooks import Codebooks, begin_codebooks

CONFIG = CodecConfig(width=8, dim=4, levels=2, codes=16)


def windows(generator: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(generator.normal(size=(24, 16, 263))).float()


def trained(folder, shards: int, batch, steps: int = 6, resume: bool = False, validate=None) -> Codec:
    """A codec after some steps in which about half of the codes restart."""
    torch.manual_seed(0)
    codec = Codec(CONFIG)
    codec.quantizer.decay = 0.6  # so that codes that nothing is near to are given up within these steps
    options = loop.LoopOptions(
        steps=steps, learning_rate=1e-3, warmup=2, log_every=2, validate_every=3, shards=shards, bf16=False, seed=5
    )
    begin_codebooks(codec.train(), windows(loop.step_generator(5, 0)))

    def loss(generator, step):
        x = batch(generator, step)
        rebuilt, quantized = codec(x)
        return {"loss": mse_loss(rebuilt, x) + quantized.commitment}

    settle = Codebooks(codec.quantizer, shards, options.seed).settle
    loop.run(codec, loss, options, folder, settle=settle, resume=resume, validate=validate, quiet=True)
    return codec


def test_several_batches_a_step_are_as_one_that_holds_them_all(tmp_path):
    several = trained(tmp_path / "several", 3, lambda generator, step: windows(generator))

    def joined(_, step):
        return torch.cat([windows(loop.step_generator(5, step, shard)) for shard in range(3)])

    one = trained(tmp_path / "one", 1, joined)
    for name in ("codebooks", "counts", "sums"):
        torch.testing.assert_close(getattr(several.quantizer, name), getattr(one.quantizer, name), atol=1e-4, rtol=1e-4)


def quantizer() -> ResidualQuantizer:
    """One level of three codes in one dimension, which forgets at once what it was taught."""
    made = ResidualQuantizer(1, 3, 1, decay=0.0).train()
    made.codebooks.copy_(torch.tensor([[[0.0], [10.0], [99.0]]]))
    made.started.fill_(True)
    return made


def test_codes_are_the_means_of_all_batches_and_a_dead_one_restarts_among_them():
    found = []
    for seed in range(40):
        made = quantizer()
        books = Codebooks(made, 2, seed)
        made(torch.tensor([[[1.0], [2.0], [12.0]]]))
        made(torch.tensor([[[3.0], [8.0]]]))
        assert made.codebooks.flatten().tolist() == [0.0, 10.0, 99.0]  # until both are through
        books.settle(0)
        assert made.codebooks.flatten()[:2].tolist() == [2.0, 10.0]
        assert made.counts.flatten().tolist() == [3.0, 2.0, 1.0]
        found.append(float(made.codebooks[0, 2]))
        assert made.seen == []
    assert set(found) == {1.0, 2.0, 12.0, 3.0, 8.0}  # of both batches, each vector sometimes


def test_a_level_that_no_batch_reached_stays_and_one_that_some_reached_learns():
    torch.manual_seed(0)
    made = ResidualQuantizer(3, 4, 2, decay=0.5).train()
    made.started.fill_(True)
    made.codebooks.normal_()
    made.sums.copy_(made.codebooks)
    before = made.codebooks.clone()
    books = Codebooks(made, 2, 0)
    made(torch.randn(1, 9, 2), active=1)
    made(torch.randn(1, 9, 2), active=2)
    books.settle(3)
    assert [not torch.equal(a, b) for a, b in zip(made.codebooks, before, strict=True)] == [True, True, False]


def test_a_step_without_its_batches_is_an_error():
    made = quantizer()
    books = Codebooks(made, 2, 0)
    made(torch.zeros(1, 2, 1))
    with pytest.raises(ValueError, match="shorter"):
        books.settle(0)


def test_all_levels_begin_from_the_first_batch():
    torch.manual_seed(0)
    codec = Codec(CONFIG).train()
    begin_codebooks(codec, windows(np.random.default_rng(0)))
    assert codec.quantizer.started.all()
    assert codec.quantizer.seen is None
    assert (codec.quantizer.counts == 1).all()  # nothing was followed yet

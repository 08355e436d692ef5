"""A tiny sentence encoder, sizes that learn in seconds, and batches of a few clips."""

import numpy as np
import pytest
import torch
from peer import Sizes, TextEncoder, padded

from dimo.learn import loop
from dimo.model.transformer import Transformer, TransformerConfig
from dimo.text.wordpiece import Wordpiece

SIZES = Sizes(width=32, layers=2, heads=4, feedforward=64, dropout=0.0, text_width=16)
SENTENCES = ([104, 110], [105, 110], [106, 111, 112], [107], [108, 109], [110, 104])


@pytest.fixture(scope="session")
def sizes():
    return SIZES


@pytest.fixture(scope="session")
def texts():
    """An encoder with random weights, large enough that sentences differ."""
    torch.manual_seed(3)
    config = TransformerConfig(vocabulary=200, width=16, layers=1, heads=2, feedforward=16, positions=40, dropout=0.0)
    transformer = Transformer(config)
    torch.nn.init.normal_(transformer.words.weight)
    return TextEncoder(transformer, Wordpiece.basic())


@pytest.fixture
def learn(texts, tmp_path):
    """A function that trains a peer on motions, the n-th with the n-th of SENTENCES, by the loop that trains ours."""

    def run(peer, motions, steps, rate=5e-3):
        batch, real = padded(motions)
        words = texts(SENTENCES[: len(motions)])

        def loss(generator: np.random.Generator, step: int):
            rows = torch.from_numpy(generator.integers(0, len(motions), 24))
            asked = type(words)(words.states[rows], words.real[rows])
            return peer.loss(asked, batch[rows], real[rows], generator)

        options = loop.LoopOptions(steps=steps, learning_rate=rate, warmup=20, ema=0.95, bf16=False, log_every=50)
        loop.run(peer, loss, options, tmp_path, quiet=True)
        peer.eval()
        return words

    return run


@pytest.fixture
def generators():
    """A function that gives generators with the seeds from 0 on."""
    return lambda count: [torch.Generator().manual_seed(seed) for seed in range(count)]

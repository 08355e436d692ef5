"""Eight clips, learnt by heart in less than a minute, come back through the real sampler: codes from words, words from codes."""

import numpy as np
import torch

from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.predictor import Predictor
from dimo.learn import loop
from dimo.learn.batches import Example, ModelData
from dimo.learn.model import ModelLoss, loss
from dimo.learn.validation import measure
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig
from dimo.sequence.tokens import pack
from dimo.tasks.caption import CAPTION_OPTIONS, caption
from dimo.tasks.length import median_steps

LEVELS, CODES = 3, 16


def eight() -> ModelData:
    """Clips of 6 to 13 steps with captions of 3 to 6 of 12 words, no two alike."""
    generator = np.random.default_rng(0)
    examples = []
    for i in range(8):
        codes = torch.from_numpy(generator.integers(0, CODES, (6 + i, LEVELS)))
        words = (110 + i // 2, *(104 + generator.permutation(6)[: 1 + i % 4]), 114 + i % 2)
        examples.append(Example(codes, (tuple(int(w) for w in words),)))
    return ModelData(examples)


def test_eight_clips_and_their_captions_come_back(tmp_path):
    torch.manual_seed(0)
    trunk = TransformerConfig(vocabulary=120, width=64, layers=2, heads=4, feedforward=128, positions=20, dropout=0.0)
    model, data = MaskedModel(MaskedConfig(transformer=trunk, levels=LEVELS, codes=CODES, caption_slots=8)), eight()
    options = ModelLoss(
        batch=24,
        mix=(4, 3, 1),
        text_weight=1.0,
        length_weight=1.0,
        label_smoothing=0.0,
        self_correction_share=0.2,
        self_correction=1.0,
        self_correction_text=1.0,
    )
    plan = loop.LoopOptions(steps=330, learning_rate=5e-3, warmup=20, ema=0.9, bf16=False, log_every=50)
    loop.run(model, lambda g, step: loss(model, data, options, g, step), plan, tmp_path, quiet=True)
    model.eval()
    found = measure(model, data, options)
    assert found["base"] < 0.7  # what is drawn without a text cannot be known when it is all masked
    assert found["text"] < 0.7

    texts, codes = [e.captions[0] for e in data.examples], [e.codes for e in data.examples]
    for steps in (1, 5):
        tokens = pack(texts, codes, levels=LEVELS, motion_known=False)
        *_, last = sample(tokens, Predictor(model, guidance=2.0), SampleOptions(steps=steps, temperature=0.0, seed=0))
        same = torch.cat([(a[: len(b)] == b).flatten() for a, b in zip(last.tokens.codes, codes, strict=True)])
        assert float(same.float().mean()) > 0.97
    assert [tuple(w) for w in caption(model, codes, CAPTION_OPTIONS)] == texts
    lengths = [median_steps(model, text) for text in texts]
    assert sum(a == len(c) for a, c in zip(lengths, codes, strict=True)) >= 7

"""The autoregressive peer: nothing leaks from what comes later, its cache changes nothing, and clips are learnt with their ends."""

import numpy as np
import pytest
import torch
from gpt import GPT, GPTConfig

CODES = 12


@pytest.fixture
def config(sizes):
    return GPTConfig(sizes, levels=2, codes=CODES, longest=10, corrupt=0.0)


def clips(levels):
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, CODES, (4 + n, levels), generator=generator) for n in range(5)]


def test_no_logit_sees_what_comes_after_it(config, texts):
    """Every code in turn is changed: what was said before stays to the bit, what is said after it changes."""
    torch.manual_seed(0)
    model, words = GPT(config).double().eval(), texts([[104, 105], [106]])
    words = type(words)(words.states.double(), words.real)
    codes = torch.randint(0, CODES, (2, 8), generator=torch.Generator().manual_seed(1))
    before = model(words, codes)
    for place in range(8):
        other = codes.clone()
        other[:, place] = (other[:, place] + 1) % CODES
        after = model(words, other)
        assert torch.equal(after[:, : place + 1], before[:, : place + 1])
        assert not torch.isclose(after[:, place + 1 :], before[:, place + 1 :]).all(dim=-1).any()


def test_a_longer_sentence_in_the_batch_changes_nothing(config, texts):
    torch.manual_seed(0)
    model, codes = GPT(config).eval(), torch.randint(0, CODES, (1, 5))
    alone = model(texts([[104]]), codes)
    beside = model(texts([[104], [105, 106, 107]]), codes.repeat(2, 1))
    assert torch.allclose(beside[:1], alone, atol=1e-5)
    assert not torch.allclose(beside[1:], alone, atol=1e-3)  # the sentence has a say


def test_codes_one_by_one_are_those_of_whole_passes(config, texts, generators):
    """What is kept of places before is what a pass over all of them computes: greedy choices agree."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(config.sizes, levels=1, codes=CODES, longest=10, top_k=1)).eval()
    words = texts([[104, 105, 106], [107]])
    made, counts = model.follow(words, torch.tensor([9, 6]), generators(2), ends=False)
    assert counts.tolist() == [9, 6]
    for row, n in enumerate((9, 6)):
        own = type(words)(words.states[row : row + 1], words.real[row : row + 1])
        logits = model(own, made[row : row + 1, :n])[0, :-1, :CODES]
        assert logits.argmax(-1).tolist() == made[row, :n].tolist()


def test_a_cut_clip_has_no_end(config, texts):
    """The end token is asked for behind a clip's last code, unless the clip is as long as can be: it may go on."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(config.sizes, levels=1, codes=CODES, longest=4, corrupt=0.0))
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
        model.head.bias[CODES] = 20.0  # sure of the end, everywhere
    words, rng = texts([[104]]), np.random.default_rng(0)
    short, whole = (torch.zeros(1, n, 1, dtype=torch.long) for n in (3, 4))
    real = [torch.ones(1, n, dtype=torch.bool) for n in (3, 4)]
    found = [float(model.loss(words, c, r, rng)["base"].detach()) for c, r in zip((short, whole), real, strict=True)]
    assert found[0] == pytest.approx(20 * 3 / 4, abs=0.01)  # right once in four places
    assert found[1] == pytest.approx(20, abs=0.01)


@pytest.mark.integ
def test_clips_come_back_with_their_ends(config, learn, generators):
    torch.manual_seed(0)
    known = clips(1)  # the levels above are learnt in test_momask.py
    model = GPT(GPTConfig(config.sizes, levels=1, codes=CODES, longest=10, corrupt=0.0))
    words = learn(model, known, 300)
    made = model.make(words, [10] * 5, generators(5), own=True)
    assert sum(len(m) == len(c) for m, c in zip(made, known, strict=True)) >= 4
    made = model.make(words, [len(c) for c in known], generators(5))
    same = torch.cat([(m == c).flatten() for m, c in zip(made, known, strict=True)])
    assert float(same.float().mean()) > 0.9

"""Going on over another codec: what is known of the old codes is known of the new ones."""

import pytest
import torch

from dimo.codec.codec import Codec, CodecConfig
from dimo.errors import RequestError
from dimo.learn.translate import carry_over, together, translate
from dimo.loading import debug_pipeline
from dimo.sequence.tokens import pack

CODES = 16


def test_codes_are_counted_where_they_stand_together():
    new = [torch.tensor([[0, 9], [2, 9]]), torch.tensor([[2, 9]])]
    old = [torch.tensor([[1, 3], [0, 3]]), torch.tensor([[0, 4]])]
    assert together(new, old, (3, 2)).tolist() == [[0, 1], [0, 0], [2, 0]]


def test_codes_that_are_only_named_otherwise_are_guessed_as_before():
    before, after = debug_pipeline(1).model, debug_pipeline(1).model
    torch.nn.init.normal_(before.base.bias)
    after.load_state_dict(before.state_dict())
    generator = torch.Generator().manual_seed(0)
    names = torch.randperm(CODES, generator=generator)  # old code j is called names[j] now
    counts = torch.zeros(CODES, CODES)
    counts[names, torch.arange(CODES)] = torch.randint(1, 50, (CODES,), generator=generator).float()
    translate(after, counts, torch.randn(3, CODES, 8, generator=generator))
    codes = torch.randint(0, CODES, (9, 3), generator=generator)
    renamed = torch.cat([names[codes[:, :1]], codes[:, 1:]], 1)
    hidden = torch.tensor(
        [[0, 1, 1, 0, 1, 0, 1, 0, 1]]
    )  # known levels: base codes alone, and stacks of which nothing is known

    def logits(model, motion):
        tokens = pack([[110, 111]], [motion], levels=3)
        tokens = type(tokens)(
            *[getattr(tokens, f) for f in ("ids", "known_text", "text_slots", "codes")], hidden, tokens.motion_slots
        )
        return model.base(model(tokens).motion).detach()

    assert torch.allclose(logits(after, renamed)[..., names], logits(before, codes), atol=1e-4)


def test_a_code_that_was_two_is_as_likely_as_both_and_an_unseen_one_is_the_mean():
    model = debug_pipeline(2).model
    torch.nn.init.normal_(model.base.bias)
    embedded, bias = model.code_embeddings[0].detach().clone(), model.base.bias.detach().clone()
    counts = torch.zeros(CODES, CODES)
    counts[0, 0], counts[0, 1] = 30.0, 10.0
    counts[1, 2] = 40.0
    translate(model, counts, torch.randn(3, CODES, 8))
    assert torch.allclose(model.code_embeddings[0][0], 0.75 * embedded[0] + 0.25 * embedded[1], atol=1e-6)
    assert torch.allclose(
        model.code_embeddings[0][5], embedded[[0, 1, 2]].T @ torch.tensor([0.375, 0.125, 0.5]), atol=1e-6
    )
    log = lambda n: torch.log(torch.tensor((n + 1) / (80 + CODES)))  # noqa: E731
    want = 0.75 * (bias[0] - log(30)) + 0.25 * (bias[1] - log(10)) + log(40)
    assert float(model.base.bias.detach()[0]) == pytest.approx(float(want), abs=1e-5)


def test_codecs_of_other_strides_are_refused():
    model = debug_pipeline().model
    sizes = {"width": 16, "dim": 8, "levels": 3, "codes": CODES}
    with pytest.raises(RequestError, match="stride"):
        carry_over(model, Codec(CodecConfig(**sizes)), Codec(CodecConfig(**sizes, halvings=3)), [])

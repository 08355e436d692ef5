"""bf16 inference: the same network within rounding, and never saved by mistake."""

import pytest
import torch

from dimo import DiMo
from dimo.errors import RequestError
from dimo.model.precision import dtype_of
from dimo.sequence.tokens import pack


def test_names_stand_for_dtypes():
    assert dtype_of("fp32") == torch.float32
    assert dtype_of("bf16") == torch.bfloat16
    assert dtype_of("auto") in (torch.float32, torch.bfloat16)
    with pytest.raises(RequestError, match="fp32, bf16"):
        dtype_of("fp8")


def test_bf16_agrees_with_fp32_within_its_rounding(tmp_path):
    DiMo.debug().save_pretrained(tmp_path)
    exact, fast = (DiMo.from_pretrained(tmp_path, precision=p) for p in ("fp32", "bf16"))
    tokens = pack([[10, 11, 12]], [torch.zeros(7, 3, dtype=torch.long)], levels=3)
    with torch.no_grad():
        a, b = exact.model(tokens), fast.model(tokens)
        for level in range(3):
            x, y = (
                m.model.code_logits(h.motion, tokens.codes, tokens.motion_slots, level)
                for m, h in ((exact, a), (fast, b))
            )
            assert y.dtype == torch.bfloat16
            # 8 bits of mantissa, through a few layers
            assert torch.allclose(x, y.float(), atol=0.05 * float(x.abs().max()) + 0.02)


def test_a_level_for_all_gives_what_the_same_level_per_sequence_gives():
    model = DiMo.debug().model
    tokens = pack([[10], [11]], [torch.randint(16, (5, 3)), torch.randint(16, (4, 3))], levels=3)
    with torch.no_grad():
        hidden = model(tokens).motion
        for level in (1, 2):
            one = model.code_logits(hidden, tokens.codes, tokens.motion_slots, level)
            each = model.code_logits(hidden, tokens.codes, tokens.motion_slots, torch.tensor([level, level]))
            assert torch.allclose(one, each, atol=1e-5)


def test_the_environment_sets_what_auto_means(tmp_path, monkeypatch):
    DiMo.debug().save_pretrained(tmp_path)
    monkeypatch.setenv("DIMO_PRECISION", "bf16")
    model = DiMo.from_pretrained(tmp_path)
    assert next(model.model.parameters()).dtype == torch.bfloat16
    with pytest.raises(RequestError, match="fp32"):
        model.save_pretrained(tmp_path / "again")

"""Which device a name stands for, and what is different on each."""

from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import AWAY, CPU
from torch import nn

from dimo import device
from dimo.errors import RequestError
from dimo.learn import loop, parallel
from dimo.model import transformer
from dimo.model.precision import dtype_of

CUDA, APPLE = torch.device("cuda"), torch.device("mps")


@pytest.fixture
def gpus(monkeypatch):
    """A function that makes torch see that many NVIDIA GPUs, and an Apple one or none."""
    monkeypatch.delenv(device.VARIABLE, raising=False)

    def see(nvidia: int, apple: bool = False, build: str | None = "12.8") -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: nvidia > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: nvidia)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)
        monkeypatch.setattr(torch.version, "cuda", build)

    see(0)
    return see


def test_auto_takes_an_nvidia_gpu_where_there_is_one(gpus):
    assert device.find() == CPU
    gpus(0, apple=True)
    assert device.find("auto") == CPU  # it is not chosen unasked
    assert device.find("mps") == APPLE
    gpus(2)
    assert device.find("auto") == CUDA
    assert device.find("cpu") == CPU
    assert device.find("cuda:1") == torch.device("cuda", 1)
    assert device.find(AWAY) == AWAY  # a device is taken as it is


def test_the_environment_says_what_auto_means(gpus, monkeypatch):
    gpus(1)
    monkeypatch.setenv(device.VARIABLE, "cpu")
    assert device.choose("auto") == device.Choice(CPU, "named by DIMO_DEVICE")
    assert device.choose("cuda") == device.Choice(CUDA, "asked for")
    monkeypatch.setenv(device.VARIABLE, "mps")
    with pytest.raises(RequestError, match=r"mps \(named by DIMO_DEVICE\) is not there: torch finds no Apple GPU"):
        device.find()
    monkeypatch.setenv(device.VARIABLE, "tpu")
    with pytest.raises(RequestError, match="DIMO_DEVICE: the device must be one of auto, cpu, cuda, mps"):
        device.find()


def test_a_device_that_is_not_there_is_told_in_one_sentence(gpus):
    for name in ("gpu", "", "cuda:", "cuda:x", "cpu:1", "CUDA"):
        with pytest.raises(RequestError, match="must be one of auto, cpu, cuda, mps"):
            device.checked(name)
    with pytest.raises(RequestError, match="torch finds no NVIDIA GPU"):
        device.find("cuda")
    gpus(2)
    with pytest.raises(RequestError, match=r"cuda:2 .* torch finds 2 NVIDIA GPU"):
        device.find("cuda:2")
    gpus(0, build=None)
    with pytest.raises(RequestError, match=r"this build of torch .* is without CUDA"):
        device.find("cuda")
    assert "without CUDA" in device.choose().why


def test_number_formats_by_device(gpus, monkeypatch):
    for native, want in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True, n=native: n)
        assert dtype_of("auto", CUDA) == want
        assert device.training_type(CUDA, True) == (torch.bfloat16 if native else torch.float16)
    assert dtype_of("bf16", CUDA) == torch.bfloat16
    assert dtype_of("auto", APPLE) == torch.float32
    assert device.training_type(APPLE, True) is None
    for native, want in ((True, torch.bfloat16), (False, None)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda n=native: n)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert device.training_type(CPU, True) == want
    assert device.training_type(CPU, False) is device.training_type(CUDA, False) is None
    assert "gradients scaled" in device.ways(CUDA)["training"]
    assert device.ways(CPU)["processes"] == "gloo"


def test_autocast_where_there_is_one():
    with device.autocast(CPU, torch.bfloat16):
        assert torch.is_autocast_enabled("cpu")
        with device.autocast(CPU, None):
            assert not torch.is_autocast_enabled("cpu")
    with device.autocast(AWAY, None), device.autocast(AWAY, torch.bfloat16):
        assert not torch.is_autocast_enabled("cpu")


def test_convolutions_of_the_codec_are_exact_on_nvidia_gpus():
    assert torch.backends.cudnn.allow_tf32  # torch's own choice
    with device.exact(CPU):
        assert torch.backends.cudnn.allow_tf32
    with device.exact(CUDA):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def rounds() -> tuple[bool, bool]:
    """Whether products, and convolutions, may round what goes into them."""
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_what_a_training_leaves_in_fp32_is_tf32_on_nvidia_gpus_alone(tmp_path, monkeypatch):
    assert rounds() == (False, True)  # torch's own way
    with device.tf32(CUDA):
        assert rounds() == (True, True)
        with device.exact(CUDA):
            assert rounds() == (False, False)
        assert rounds() == (True, True)
    assert rounds() == (False, True)
    with device.tf32(CPU):
        assert rounds() == (False, True)
    with pytest.raises(KeyboardInterrupt), device.tf32(CUDA):
        raise KeyboardInterrupt
    assert rounds() == (False, True)
    found, model = [], nn.Linear(1, 1)
    model.weight.register_hook(lambda _: found.append(rounds()))  # in the backward pass

    def loss(generator: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
        found.append(rounds())
        return {"loss": model.weight.square().sum()}

    for place in (CPU, CUDA):
        monkeypatch.setattr(loop, "tf32", lambda _, place=place: device.tf32(place))
        loop.run(model, loss, loop.LoopOptions(steps=1, warmup=1, bf16=False), tmp_path, quiet=True)
        assert rounds() == (False, True)
    assert found == [(False, True)] * 2 + [(True, True)] * 2


@pytest.mark.parametrize("masked", [False, True])
def test_fused_attention_is_the_plain_one(monkeypatch, masked):
    torch.manual_seed(0)
    q, k, v = (torch.randn(3, 2, 7, 4, requires_grad=True) for _ in range(3))
    mask = (torch.arange(7) < torch.tensor([7, 4, 1])[:, None])[:, None, None] if masked else None
    results = []
    for kinds in ((), ("cpu",)):
        monkeypatch.setattr(transformer, "FUSED_ATTENTION", kinds)
        out = transformer._attend(q, k, v, mask)
        results.append([out, *torch.autograd.grad(out.square().sum(), (q, k, v))])
        with torch.no_grad():
            assert torch.allclose(transformer._attend(q, k, v, mask), out, atol=1e-6)
    for a, b in zip(*results, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


# ---- fp16, as NVIDIA GPUs without bf16 train


def half_precision(folder: Path, stop: int = 60, **given: bool) -> nn.Module:
    """A problem whose gradients are beyond fp16 at the scale that the scaling begins with; interrupted at step `stop`."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))

    def loss(generator: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
        if step == stop:
            raise KeyboardInterrupt
        x = torch.from_numpy(generator.normal(size=(16, 3))).float()
        y = model(x)
        assert y.dtype == torch.float16
        return {"loss": (y.float().squeeze(-1) - 10 * x.sum(1)).square().mean()}

    plan = loop.LoopOptions(
        steps=60, learning_rate=0.3, warmup=1, final_share=1.0, log_every=1, ema=0.0, save_every_seconds=0.0
    )
    loop.run(model, loss, plan, folder, quiet=True, **given)
    return model


def test_gradients_beyond_fp16_lower_the_scale_and_spoil_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "training_type", lambda place, half: torch.float16)
    whole = half_precision(tmp_path / "whole")
    state = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)
    assert 1 <= state["scaler"]["scale"] < 65536
    losses = [float(row.split(",")[-1]) for row in (tmp_path / "whole" / "log.csv").read_text().splitlines()[1:]]
    assert losses[0] > 100  # three squares of ten
    assert losses[-1] < 0.05 * losses[0]
    with pytest.raises(KeyboardInterrupt):
        half_precision(tmp_path / "parted", stop=20)
    parted = half_precision(tmp_path / "parted", resume=True)
    for a, b in zip(whole.parameters(), parted.parameters(), strict=True):
        assert torch.isfinite(a).all()
        assert torch.equal(a, b)


# ---- processes


def test_each_process_has_a_gpu_of_its_own_and_nccl_between_them(gpus, monkeypatch):
    chosen, groups = [], []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.distributed, "init_process_group", groups.append)
    assert parallel.join(CUDA) == CUDA  # alone
    assert not groups
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    gpus(2)
    assert parallel.join(CUDA) == torch.device("cuda", 1)
    assert chosen == [torch.device("cuda", 1)]
    assert parallel.join(CPU) == CPU
    assert groups == ["cpu:gloo,cuda:nccl", "gloo"]
    gpus(1)
    with pytest.raises(RequestError, match="an NVIDIA GPU of its own, and this machine has 1"):
        parallel.join(CUDA)
    with pytest.raises(RequestError, match="2 processes train on CPUs or NVIDIA GPUs, not on mps"):
        parallel.join(APPLE)

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from dimo.errors import RequestError, WeightsError
from dimo.learn import best, loop
from dimo.learn.best import Best

NAN = float("nan")
OPTIONS = loop.LoopOptions(
    steps=8, learning_rate=0.1, warmup=1, log_every=4, validate_every=2, bf16=False, ema=0.5, best="loss"
)


def seen(folder, figure, values, resume=False):
    keeper, kept = Best(folder, figure, resume=resume), []
    for step, value in enumerate(values, start=1):
        model = nn.Linear(1, 1)
        nn.init.constant_(model.weight, float(step))
        kept.append(keeper.see({figure: value, "other": -step}, step, model))
    return kept


@pytest.mark.parametrize(
    ("figure", "values", "expected"),
    [
        ("loss", [3.0, 4.0, 2.0, 2.0, 2.5], [True, False, True, False, False]),
        ("fid", [NAN, 0.5, NAN, 0.4], [False, True, False, True]),
        ("r1", [0.1, 0.3, 0.2, NAN, 0.3], [True, True, False, False, False]),
    ],
)
def test_the_best_validation_is_kept(tmp_path, figure, values, expected):
    assert seen(tmp_path, figure, values) == expected
    mark, state = best.read(tmp_path)
    last = max(i for i, better in enumerate(expected) if better)
    assert mark == best.Mark(figure, values[last], last + 1)
    assert state["weight"].item() == last + 1


def test_a_resumed_run_compares_with_what_was_best_by_the_same_figure(tmp_path):
    seen(tmp_path, "loss", [3.0, 2.0])
    assert seen(tmp_path, "loss", [2.0, 1.9], resume=True) == [False, True]
    assert seen(tmp_path, "base", [5.0], resume=True) == [True]
    assert best.read(tmp_path)[0].figure == "base"
    Best(tmp_path, "base", resume=False)
    assert best.read(tmp_path) is None


def training(folder, values, stop=None, resume=False):
    """A run whose validations give these values; returns the averaged weights at each, by step."""
    torch.manual_seed(0)
    model, weights = nn.Linear(2, 1), {}
    steps = iter(range(1, 99))

    def loss(generator: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
        if step == stop:
            raise KeyboardInterrupt
        x = torch.from_numpy(generator.normal(size=(8, 2))).float()
        return {"loss": (model(x).squeeze(-1) - x.sum(1)).square().mean()}

    def validate() -> dict[str, float]:
        value = values[next(steps) - 1]
        weights[value] = {k: v.clone() for k, v in model.state_dict().items()}
        return {"loss": value}

    loop.run(model, loss, OPTIONS, folder, quiet=True, validate=validate, resume=resume)
    return model, weights


def test_a_training_keeps_the_averaged_weights_of_its_best_step_beside_the_last(tmp_path):
    model, weights = training(tmp_path, [4.0, 1.0, 2.0, 3.0])
    mark, state = best.read(tmp_path)
    assert mark == best.Mark("loss", 1.0, 4)
    assert all(torch.equal(state[k], v) for k, v in weights[1.0].items())
    assert not torch.equal(state["weight"], model.weight)
    assert torch.equal(weights[3.0]["weight"], model.weight)


def test_a_killed_training_ends_with_the_best_of_an_uninterrupted_one(tmp_path):
    training(tmp_path / "whole", [4.0, 2.0, 1.0, 3.0])
    with pytest.raises(KeyboardInterrupt):
        training(tmp_path / "killed", [4.0, 2.0], stop=5)
    # The state was saved with the best weights, at step 4.
    assert torch.load(tmp_path / "killed" / "state.pt", weights_only=True)["step"] == 4
    training(tmp_path / "killed", [1.0, 3.0], resume=True)
    for name in ("whole", "killed"):
        assert best.read(tmp_path / name)[0] == best.Mark("loss", 1.0, 6)
    a, b = (load_file(tmp_path / name / best.FILE) for name in ("whole", "killed"))
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_other_figures_and_damaged_files_are_named(tmp_path):
    with pytest.raises(RequestError, match=r"best in \[loop\] must be a figure .*loss, base.* not 'los'"):
        best.check_figure("los", ("loss", "base"))
    best.check_figure("", ())
    (tmp_path / best.FILE).write_bytes(b"x" * 64)
    with pytest.raises(WeightsError, match=r"best\.safetensors: not the best weights of a training"):
        Best(tmp_path, "loss", resume=True)

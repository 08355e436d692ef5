import numpy as np
import pytest
import torch
from torch import nn

from dimo.errors import RequestError, WeightsError
from dimo.learn import journal, loop


def problem():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Linear(8, 1))

    def loss(generator: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
        x = torch.from_numpy(generator.normal(size=(16, 3))).float()
        return {"loss": (model(x).squeeze(-1) - x.sum(1)).square().mean()}

    return model, loss


OPTIONS = loop.LoopOptions(steps=30, learning_rate=1e-2, warmup=5, log_every=5, bf16=False)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    whole, loss = problem()
    assert loop.run(whole, loss, OPTIONS, tmp_path / "a", quiet=True) == 30
    first, loss = problem()
    calls = []

    def stopping(generator, step):
        calls.append(step)
        if step == 17:
            raise KeyboardInterrupt
        return loss(generator, step)

    # Interrupted between saves: what was saved last is what counts.
    saving = loop.LoopOptions(**{**OPTIONS.__dict__, "save_every_seconds": 0.0})
    with pytest.raises(KeyboardInterrupt):
        loop.run(first, stopping, saving, tmp_path / "b", quiet=True)
    second, loss = problem()
    assert loop.run(second, loss, OPTIONS, tmp_path / "b", quiet=True, resume=True) == 30
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_time_limit_stops_and_leaves_a_state(tmp_path):
    model, loss = problem()
    assert loop.run(model, loss, OPTIONS, tmp_path, quiet=True, time_limit=0.0) < 30
    assert (tmp_path / "state.pt").is_file()


def test_it_learns_and_logs(tmp_path):
    model, loss = problem()
    loop.run(
        model,
        loss,
        loop.LoopOptions(steps=200, learning_rate=3e-2, warmup=5, log_every=20, ema=0.9, bf16=False),
        tmp_path,
        quiet=True,
    )
    rows = (tmp_path / "log.csv").read_text().splitlines()
    column = rows[0].split(",").index("loss")
    values = [float(r.split(",")[column]) for r in rows[1:]]
    assert len(values) == 10
    assert values[-1] < 0.5 * values[0]


def read_csv(path):
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    return rows[0], [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def test_terms_that_a_batch_has_not_stay_out_of_the_means(tmp_path):
    model = nn.Linear(1, 1)
    nan, one = torch.full((), torch.nan), torch.ones(())

    def loss(generator, step):  # one term at every step, one at every third, one never
        value = model.weight.sum().square()
        return {"loss": value, "often": one * step, "seldom": one * step if step % 3 == 0 else nan, "never": nan}

    options = loop.LoopOptions(steps=12, warmup=1, log_every=6, validate_every=6, bf16=False, shards=2)
    loop.run(model, loss, options, tmp_path, quiet=True, validate=lambda: {"loss": 1.0, "never": float("nan")})
    names, rows = read_csv(tmp_path / "log.csv")
    assert names == ["step", "seconds", "lr", "waiting", "loss", "often", "seldom", "never"]
    assert [row["often"] for row in rows] == ["2.5", "8.5"]
    assert [row["seldom"] for row in rows] == ["1.5", "7.5"]
    assert [row["never"] for row in rows] == ["", ""]
    names, rows = read_csv(tmp_path / "val.csv")
    assert names == ["step", "loss", "never"]
    assert [row["never"] for row in rows] == ["", ""]


def test_a_fresh_run_begins_its_log_anew_and_a_resumed_one_goes_on(tmp_path):
    model, loss = problem()
    loop.run(model, loss, OPTIONS, tmp_path, quiet=True)
    model, loss = problem()
    loop.run(model, loss, loop.LoopOptions(**{**OPTIONS.__dict__, "steps": 15}), tmp_path, quiet=True)
    assert [row["step"] for row in read_csv(tmp_path / "log.csv")[1]] == ["5", "10", "15"]
    again, loss = problem()
    loop.run(again, loss, OPTIONS, tmp_path, quiet=True, resume=True)
    assert [row["step"] for row in read_csv(tmp_path / "log.csv")[1]] == ["5", "10", "15", "20", "25", "30"]


def test_a_log_with_other_columns_is_put_aside(tmp_path):
    (tmp_path / "log.csv").write_text("step,other\n1,2\n")
    journal.append(tmp_path / "log.csv", {"step": 2, "loss": 0.5})
    assert (tmp_path / "log.csv").read_text().split() == ["step,loss", "2,0.5"]
    assert (tmp_path / "log.before.csv").read_text().split() == ["step,other", "1,2"]


def test_learning_rate_warms_up_and_falls():
    options = loop.LoopOptions(steps=100, learning_rate=1.0, warmup=10, final_share=0.1)
    rates = [loop.learning_rate(s, options) for s in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


def test_nothing_to_resume_and_other_sizes_are_refused(tmp_path):
    model, loss = problem()
    with pytest.raises(WeightsError, match="nothing to resume"):
        loop.run(model, loss, OPTIONS, tmp_path, quiet=True, resume=True)
    loop.run(model, loss, OPTIONS, tmp_path, quiet=True)
    with pytest.raises(WeightsError, match="other sizes"):
        loop.run(nn.Linear(2, 2), loss, OPTIONS, tmp_path, quiet=True, resume=True)


def test_a_gradient_that_is_not_finite_stops(tmp_path):
    model = nn.Linear(1, 1)
    with pytest.raises(RequestError, match="step 0"):
        loop.run(model, lambda g, s: {"loss": model.weight.sum() * torch.inf}, OPTIONS, tmp_path, quiet=True)


@pytest.mark.parametrize("bad", [{"steps": 0}, {"learning_rate": 0.0}, {"ema": 1.0}])
def test_impossible_options(bad):
    with pytest.raises(RequestError):
        loop.LoopOptions(**bad)


def test_epochs_are_passes_over_the_clips():
    options = loop.LoopOptions(steps=7, epochs=50, shards=2)
    assert loop.scheduled(options, None, 1000, 32).steps == 782  # 50,000 clips, 64 a step
    assert loop.scheduled(options, 3, 1000, 32).steps == 3
    assert loop.scheduled(loop.LoopOptions(steps=7), None, 1000, 32).steps == 7
    assert loop.plain(loop.LoopOptions(steps=7), 5).steps == 5
    for asked in ({"epochs": 2.0}, {"best": "loss"}, {"compile": "inductor"}):
        with pytest.raises(RequestError, match="codec and model"):
            loop.plain(loop.LoopOptions(**asked), None)

"""One training loop for codec and model: AdamW, warm-up and cosine decay, EMA, logs, the best weights, exact resume, time limit.

Every random choice of a step is drawn from (seed, step, shard), never from a running state, so a resumed run repeats the
interrupted one exactly and a checkpoint needs no generator states. A step is `shards` batches whose losses are averaged;
under torchrun the processes share them, and the result is that of a single process.
"""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor, nn

from dimo.device import FUSED_OPTIMIZER, autocast, on_cpu, tf32, training_type
from dimo.errors import RequestError, WeightsError
from dimo.learn import parallel, waiting
from dimo.learn.ahead import Feed, Jobs, Make, generator_of
from dimo.learn.best import Best
from dimo.learn.journal import LOG, VAL, Journal


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast to learn."""

    steps: int = 10_000  # the schedule's length; a time limit may end a run earlier, and --resume goes on
    epochs: float = (
        0.0  # the same in passes over the training clips (windows, of a codec) instead; 0 leaves it to steps
    )
    learning_rate: float = 3e-4
    warmup: int = 200  # steps of linear rise: AdamW's second moments are unreliable at first
    final_share: float = 0.02  # of the learning rate, where the cosine ends
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0  # gradient norm
    ema: float = 0.999  # of the weights that are kept; 0 turns it off
    shards: int = 1  # batches a step, at least one for each process
    bf16: bool = True  # autocast of matrix products where it is native (device.training_type)
    seed: int = 0
    log_every: int = 20
    validate_every: int = 500
    save_every_seconds: float = 120.0
    best: str = ""  # a figure of val.csv: the weights of the validation where it was best are kept, too (best.py)
    tensorboard: bool = False  # the logs for TensorBoard as well (journal.py)
    workers: int = 0  # processes that make batches ahead, for each that trains (ahead.py); 0 leaves it to itself
    compile: str = (
        ""  # a backend of torch.compile for the model's layers, as "inductor"; it takes minutes to begin with
    )

    def __post_init__(self):
        if self.steps < 1 or self.learning_rate <= 0 or not 0 <= self.ema < 1 or self.shards < 1:
            raise RequestError("training needs steps >= 1, shards >= 1, a positive learning rate and 0 <= ema < 1")
        if self.workers < 0:
            raise RequestError(f"workers in [loop] must be 0 or more, not {self.workers}")
        if not all(0 <= beta < 1 for beta in self.betas) or self.clip <= 0 or self.weight_decay < 0:
            raise RequestError("training needs betas from 0 to less than 1, clip > 0 and weight_decay >= 0")


def scheduled(options: LoopOptions, steps: int | None, items: int, batch: int) -> LoopOptions:
    """The options with the steps that are asked for, else those that the epochs come to over so many items in such batches."""
    if steps is None and options.epochs:
        steps = max(1, math.ceil(options.epochs * items / (batch * options.shards)))
    return options if steps is None else replace(options, steps=steps)


def plain(options: LoopOptions, steps: int | None) -> LoopOptions:
    """scheduled() for trainings that have no epochs, best weights, compiled layers and workers; RequestError where one is to."""
    if options.epochs or options.best or options.compile or options.workers:
        raise RequestError("epochs, best, compile and workers in [loop] are for dimo train codec and model")
    return scheduled(options, steps, 0, 1)


class Stop(Exception):
    """Raised by a validation that has seen enough: the run ends here, with its state saved."""

    def __init__(self, reason: str, row: dict[str, float]):
        super().__init__(reason)
        self.row = row


def learning_rate(step: int, options: LoopOptions) -> float:
    """Linear warm-up, then half a cosine down to final_share of the peak at the last step."""
    if step < options.warmup:
        return options.learning_rate * (step + 1) / options.warmup
    t = min(1.0, (step - options.warmup) / max(1, options.steps - options.warmup))
    return options.learning_rate * (options.final_share + (1 - options.final_share) * 0.5 * (1 + math.cos(math.pi * t)))


def step_generator(seed: int, step: int, shard: int = 0) -> np.random.Generator:
    """The generator of a batch's choices; torch's global one is seeded alike for dropout and codebook restarts."""
    torch.manual_seed(((seed * 1_000_003 + step) * 1_009 + shard) % 2**63)
    return generator_of(seed, step, shard)


def run(
    model: nn.Module,
    loss: Callable[..., dict[str, Tensor]],
    options: LoopOptions,
    folder: Path,
    *,
    batches: Make | None = None,
    settle: Callable[[int], None] | None = None,
    validate: Callable[[], dict[str, float]] | None = None,
    resume: bool = False,
    time_limit: float | None = None,
    quiet: bool = False,
) -> int:
    """Train model in place until options.steps or time_limit seconds; returns the number of steps done in all.

    loss(generator, step) gives the same named scalars at every step, "loss" among them; one that a batch does not have is
    NaN, and stays out of the means. batches(generator, step) makes what loss gets as its third argument, in other processes
    where options.workers says so; without it loss draws its own. settle(step) is called by every process once the batches of a
    step are through: for what follows them without gradients, as codebooks do. validate may raise Stop to end the run. On
    return the model holds the EMA weights; the folder holds `state.pt` (for --resume), `log.csv` and, with validate, `val.csv`
    and, where options.best names a figure of it, `best.safetensors`. The log's "waiting" is the share of the time that went
    into waiting for batches.
    """
    rank, processes = parallel.world()
    if options.shards < processes:
        raise RequestError(f"{processes} processes cannot share {options.shards} shards a step; set shards in [loop]")
    quiet = quiet or rank > 0
    folder.mkdir(parents=True, exist_ok=True)
    decay = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": options.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    place = next(model.parameters()).device
    fused = place.type in FUSED_OPTIMIZER
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, betas=options.betas, fused=fused)
    dtype = training_type(place, options.bf16)
    # fp16 has too few exponents for small gradients: they are scaled up, and steps that overflow are left out.
    scaler = torch.amp.GradScaler(place.type, enabled=dtype == torch.float16)
    trained = decay + plain
    average = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad} if options.ema else {}
    start = load_state(folder, model, optimizer, average, scaler) if resume else 0
    journal = Journal(folder, start if resume else None, tensorboard=options.tensorboard) if rank == 0 else None
    best = Best(folder, options.best, resume=resume) if rank == 0 and validate and options.best else None
    feed = None
    if batches is not None:
        feed = Feed(batches, Jobs(start, options.steps, rank, options.shards, processes), options.seed, options.workers)
    began = saved = logged = time.monotonic()
    waited = waiting.seconds()
    names: list[str] = []
    totals = torch.zeros(2, 1, device=place)  # since the last row of the log: sums and counts (2, names)
    done, stopped = start, ""
    for step in range(start, options.steps):
        if parallel.agreed(bool(stopped) or (time_limit is not None and time.monotonic() - began > time_limit)):
            break
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options)
        optimizer.zero_grad(set_to_none=True)
        rows = []
        for shard in range(rank, options.shards, processes):
            generator = step_generator(options.seed, step, shard)
            batch = () if feed is None else (feed.next(generator, step),)
            with tf32(place):
                with autocast(place, dtype):
                    values = loss(generator, step, *batch)
                scaler.scale(values["loss"] / options.shards).backward()
            names = names or list(values)
            rows.append(torch.stack([values[name].detach().float() for name in names]))
        here = torch.stack(rows)
        found = torch.stack([here.nan_to_num().sum(0), here.isfinite().sum(0)])
        for parameter in trained:  # a part that no batch of this process reached may have been reached by another's
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        parallel.add_up([*(p.grad for p in trained if p.grad is not None), found])
        if settle is not None:
            settle(step)
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(trained, options.clip)
        if not torch.isfinite(norm) and not (scaler.is_enabled() and scaler.get_scale() > 1):
            raise RequestError(f"the gradient is not finite at step {step}; try a lower learning rate or fp32")
        scaler.step(optimizer)
        scaler.update()
        done = step + 1
        # A short run should not end up averaging its random start, so the decay itself warms up.
        rate = min(options.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in average:
                    average[name].lerp_(parameter, 1 - rate)
        totals = totals + found
        if done % options.log_every == 0:
            row = dict(zip(names, (totals[0] / totals[1]).tolist(), strict=True))
            totals = torch.zeros(2, 1, device=place)
            if journal is not None:
                now, spent = time.monotonic(), waiting.seconds()
                facts = {"step": done, "seconds": now - began, "lr": learning_rate(step, options)}
                journal.add(LOG, {**facts, "waiting": (spent - waited) / max(now - logged, 1e-9), **row})
                logged, waited = now, spent
            if not quiet:
                text = "  ".join(f"{k} {v:.4f}" for k, v in row.items() if v == v)
                print(
                    f"\rstep {done}/{options.steps}  {(time.monotonic() - began) / (done - start):.3f} s/step  {text}",
                    end="",
                    file=sys.stderr,
                )
        if journal is not None and validate and (done % options.validate_every == 0 or done == options.steps):
            with swapped(model, average):
                try:
                    row = validate()
                except Stop as stop:
                    row, stopped = stop.row, str(stop)
                better = best is not None and best.see(row, done, model)
            journal.add(VAL, {"step": done, **row})
            if better:  # so that the state is seldom of an earlier step than the best weights
                saved = -math.inf
            if stopped and not quiet:
                print(f"\n  stopped: {stopped}", file=sys.stderr)
            if not quiet:
                print("\n  val " + "  ".join(f"{k} {v:.4f}" for k, v in row.items() if v == v), file=sys.stderr)
        if rank == 0 and time.monotonic() - saved > options.save_every_seconds:
            save_state(folder, model, optimizer, average, scaler, done)
            saved = time.monotonic()
    if feed is not None:
        feed.close()
    if journal is not None:
        save_state(folder, model, optimizer, average, scaler, done)
        journal.close()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in average:
                parameter.copy_(average[name])
    if not quiet:
        print(file=sys.stderr)
    return done


class swapped:
    """Context in which the model holds its averaged weights."""

    def __init__(self, model: nn.Module, average: dict[str, Tensor]):
        self.model, self.average = model, average

    def _exchange(self) -> None:
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.average:
                    held = parameter.detach().clone()
                    parameter.copy_(self.average[name])
                    self.average[name].copy_(held)

    def __enter__(self) -> None:
        self.training = self.model.training
        self.model.eval()
        self._exchange()

    def __exit__(self, *_: object) -> None:
        self._exchange()
        self.model.train(self.training)


def save_state(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, Tensor],
    scaler: torch.amp.GradScaler,
    step: int,
) -> None:
    """Everything a resumed run needs, on any device, written beside and renamed: an interrupt leaves the previous one whole."""
    temporary = folder / f".state-{os.getpid()}.pt"
    parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
    torch.save(on_cpu({**parts, "scaler": scaler.state_dict(), "step": step}), temporary)
    os.replace(temporary, folder / "state.pt")


def load_state(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, Tensor],
    scaler: torch.amp.GradScaler,
) -> int:
    """Put a saved state back; returns its step. WeightsError when there is none, or it is damaged or of another model."""
    path = folder / "state.pt"
    if not path.is_file():
        raise WeightsError(f"{path}: nothing to resume; leave out --resume to start afresh")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strange pickles, which are refused anyway
            state = torch.load(path, map_location="cpu", weights_only=True)
        model_state, optimizer_state = state["model"], state["optimizer"]
        averages, scales, step = state["average"], state.get("scaler"), int(state["step"])
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, UnpicklingError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise WeightsError(f"{path}: not a whole state of a training ({reason[:120]})") from None
    try:
        model.load_state_dict(model_state)
        optimizer.load_state_dict(optimizer_state)
        if {n: v.shape for n, v in averages.items()} != {n: v.shape for n, v in average.items()}:
            raise ValueError("its averaged weights are others; was ema in [loop] 0, or the words not trained?")
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise WeightsError(f"{path}: made with other sizes than this recipe's ({reason[:200]})") from None
    for name, value in averages.items():
        average[name].copy_(value)
    if scaler.is_enabled() and scales:
        scaler.load_state_dict(scales)
    return step

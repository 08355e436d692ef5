"""The codecs and models that rows need, each trained once: a folder named by the hash of all that it depends on.

A folder that holds done.json is whole. One that does not, but a state, was interrupted, and its training goes on to the same
weights (learn/loop.py); one with neither begins anew.
"""

from __future__ import annotations

import csv
import json
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from dimo import checkpoint
from dimo.ablate import keys
from dimo.ablate.row import Row, in_json, toml
from dimo.codec.codec import Codec
from dimo.errors import RequestError
from dimo.formats.files import write_atomically
from dimo.learn.align import train_align
from dimo.learn.train import Settings, load_codec, save_codec, train_codec, train_model

DONE, STATE, RECIPE = "done.json", "state.pt", "recipe.toml"
WHOLE = ("codec.safetensors", "model.safetensors")
"""Files of whole weights that a row's numbers depend on."""
CODES = ("codes-train.safetensors", "codes-val.safetensors", "codes-shifted.safetensors")
"""Codes of the clips, which trainings over one codec share (learn/corpus.py uses them for the same clips only)."""


class OutOfTime(Exception):
    """The time limit came before the end of a training; its state is saved."""


@dataclass(frozen=True)
class Places:
    """Where rows are made of what."""

    data: Path
    out: Path
    codec: Path | None = None  # in place of one that is trained by the base's recipe
    start: Path | None = None  # BERT or dimo weights to begin with; None: the MiniLM package
    device: str = "auto"
    quiet: bool = False
    weights: Path | None = None  # whole ones that stand for the base's training


class Trainings:
    """Codecs and models of rows on one data folder."""

    def __init__(self, places: Places, deadline: float | None = None):
        """deadline: of time.monotonic, when trainings end with their state saved."""
        self.places, self.deadline = places, deadline
        self.data, self.start = keys.of_data(places.data), keys.of_start(places.start)
        self.given = None if places.codec is None else keys.of_given_codec(places.codec)
        self.hashes, self.whole = dict[str, str](), ""
        if places.weights is not None:
            config = checkpoint.read_config(places.weights)
            self.hashes = {name: checkpoint.sha256(places.weights / name) for name in WHOLE}
            self.whole = keys.of_weights(config, self.hashes, self.data)

    # ---- keys and states, without training anything

    def stand_in(self, row: Row) -> Path | None:
        """The whole weights that stand for the row's training, where there are any and it is the base's."""
        return None if row.own_training else self.places.weights

    def codec_key(self, row: Row) -> str:
        return self.given if self.given is not None and not row.own_codec else keys.of_codec(row, self.data)

    def key(self, row: Row) -> str:
        """Of the row's model, after its alignment where it has one."""
        if self.stand_in(row) is not None:
            return self.whole
        key = keys.of_training(row, self.codec_key(row), self.data, self.start)
        return key if row.align is None else keys.of_alignment(row, key, self.data)

    def folder(self, row: Row) -> Path:
        """Where its training is kept, and what is made with its model."""
        return self.places.out / "trainings" / self.key(row)

    def state(self, row: Row) -> str:
        """Of the row's training: "trained", "begun" or ""."""
        if self.stand_in(row) is not None:
            return "trained"
        folder = self.folder(row)
        return "trained" if (folder / DONE).is_file() else "begun" if (folder / STATE).is_file() else ""

    def facts(self, row: Row) -> dict[str, Any]:
        """What the row's record says of its training, or of the weights that stand for it."""
        key = {"key": self.key(row)}
        if self.stand_in(row) is not None:
            return key | {"weights": self.hashes}
        aligned = {} if row.align is None else {"align": in_json(row.align)}
        return key | {"steps": row.model.loop.steps, "recipe": in_json(row.model), **aligned}

    # ---- trainings

    def codec(self, row: Row) -> Path:
        """The folder of the row's codec, trained and cut to the row's levels where need be. OutOfTime where time ends before."""
        key = self.codec_key(row)
        if self.given is not None and not row.own_codec:
            assert self.places.codec is not None
            folder = self.places.codec
        else:
            folder = self.places.out / "codecs" / key
            self._train(folder, row.codec, lambda settings: train_codec(settings))
        if not row.levels:
            return folder
        cut = self.places.out / "codecs" / f"{key}-{row.levels}"
        if not (cut / DONE).is_file():
            whole = load_codec(folder)
            if row.levels > whole.config.levels:
                raise RequestError(
                    f"{row.id} needs {row.levels} levels, but the codec {folder} has {whole.config.levels}"
                )
            save_codec(cut_to(whole, row.levels), cut, {"levels": f"the first {row.levels} of {whole.config.levels}"})
            _write(cut / DONE, {"levels": row.levels})
        return cut

    def model(self, row: Row) -> Path:
        """The weights folder of the row's model. OutOfTime where time ends before it is trained."""
        if (whole := self.stand_in(row)) is not None:
            return whole
        folder = self.folder(row)
        if (folder / DONE).is_file():
            return folder
        shared = self.places.out / "codes" / f"{self.codec_key(row)}-{row.levels}"
        if row.align is None:
            codec = self.codec(row)
            _copy(shared, folder)
            self._train(folder, row.model, lambda settings: train_model(settings, codec, self.places.start))
        else:
            before = self.model(replace(row, align=None))
            _copy(shared, folder)
            self._train(folder, row.align, lambda settings: train_align(settings, before))
        _copy(folder, shared)
        for name in CODES:
            (folder / name).unlink(missing_ok=True)
        return folder

    def check(self) -> None:
        """OutOfTime where the deadline has passed."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfTime

    def _train(self, folder: Path, recipe: Any, train: Callable[[Settings], int]) -> None:
        if (folder / DONE).is_file():
            return
        self.check()
        limit = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(folder / RECIPE) as temporary:
            temporary.write_text(toml(recipe), encoding="utf-8")
        settings = Settings(
            self.places.data,
            folder,
            folder / RECIPE,
            resume=(folder / STATE).is_file(),
            time_limit=limit,
            quiet=self.places.quiet,
            device=self.places.device,
        )
        done = train(settings)
        if done < recipe.loop.steps:  # an alignment whose judges end it is over all the same
            self.check()
        _write(folder / DONE, {"steps": done, "seconds_a_step": seconds_a_step(folder / "log.csv")})
        (folder / STATE).unlink()  # several times as large as the weights, and of no more use


def cut_to(codec: Codec, levels: int) -> Codec:
    """The codec with the first levels of its codebooks alone: what it says with them stays the same."""
    cut = Codec(replace(codec.config, levels=levels))
    state = codec.state_dict()
    for name in [n for n in state if n.startswith("quantizer.")]:
        state[name] = state[name][:levels].clone()
    with torch.no_grad():
        cut.load_state_dict(state)
    return cut.eval()


def seconds_a_step(log: Path) -> float | None:
    """The median over the rows of a training's log, so that pauses and validations do not count; None where it has too few.

    The clock of the log begins anew with each part of a training that was interrupted.
    """
    if not log.is_file():
        return None
    with log.open(newline="") as file:
        rows = [(int(r["step"]), float(r["seconds"])) for r in csv.DictReader(file)]
    found = [(t - s) / (b - a) for (a, s), (b, t) in zip(rows, rows[1:], strict=False) if b > a and t > s]
    return statistics.median(found) if found else None


def _copy(source: Path, target: Path) -> None:
    for name in CODES:
        if (source / name).is_file() and not (target / name).is_file():
            target.mkdir(parents=True, exist_ok=True)
            with write_atomically(target / name) as temporary:
                shutil.copyfile(source / name, temporary)


def _write(path: Path, data: dict[str, Any]) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(data) + "\n", encoding="utf-8")

"""A report: every number of an evaluation with its spread, and all that is needed to make it again. Written as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dimo.errors import FormatError
from dimo.evaluate.samples import Samples
from dimo.formats.files import read_text, write_atomically
from dimo.metrics.motion import interval

if TYPE_CHECKING:
    from dimo.evaluators.evaluator import Evaluator

FORMAT, VERSION = "dimo-evaluation", 1
LIMIT_BYTES = 256 * 2**20
FILE = "report.json"
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
"""Of evaluators: the table of the first is the task "t2m", that of the second "t2m_second", and so on."""


@dataclass(frozen=True)
class Cell:
    """One number: its mean over repeats, half the width of its 95 % interval, the value of every repeat, and where it is a mean
    over clips the standard error and number of those: what another choice of test clips would have changed."""

    mean: float
    half_width: float | None = None
    values: tuple[float, ...] = ()  # empty: published, so that nobody knows them
    clip_error: float | None = None
    clips: int | None = None

    @staticmethod
    def of(values: Sequence[float], clips: np.ndarray | None = None) -> Cell:
        """From a number per repeat, and the values per clip of one repeat if there are any."""
        found = interval(values)
        width = None if np.isnan(found.half_width) else found.half_width
        spread: tuple[float | None, int | None] = (None, None)
        if clips is not None and len(clips) > 1:
            spread = float(clips.std(ddof=1) / np.sqrt(len(clips))), len(clips)
        return Cell(found.mean, width, tuple(float(v) for v in values), *spread)

    @staticmethod
    def of_clips(values: Sequence[float]) -> Cell:
        """The mean over clips of what is measured once."""
        return Cell.of([float(np.mean(values))], np.array(values, float))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Cell:
        return Cell(
            data["mean"],
            data.get("half_width"),
            tuple(data.get("values", ())),
            data.get("clip_error"),
            data.get("clips"),
        )

    def to_json(self) -> dict[str, Any]:
        values = {"values": list(self.values)} if self.values else {}
        spread = {} if self.clip_error is None else {"clip_error": self.clip_error, "clips": self.clips}
        return {"mean": self.mean, "half_width": self.half_width, **values, **spread}


Row = dict[str, Cell]
"""Cells by metric (tables.COLUMNS)."""


def _row_from_json(data: Mapping[str, Any]) -> dict[str, Cell]:
    return {key: Cell.from_json(cell) for key, cell in data.items()}


def _row_to_json(row: Row) -> dict[str, Any]:
    return {key: cell.to_json() for key, cell in row.items()}


@dataclass(frozen=True)
class EvaluatorFacts:
    """Which evaluator gave R-Precision, FID and their kin; the label must stand beside every number of it."""

    name: str = "none"
    label: str = ""
    comparable: bool | None = None
    sha256: str | None = None

    @staticmethod
    def of(evaluator: Evaluator | None) -> EvaluatorFacts:
        if evaluator is None:
            return EvaluatorFacts()
        return EvaluatorFacts(evaluator.name, evaluator.label, evaluator.comparable, evaluator.sha256)


@dataclass
class Task:
    """The table of a task: its rows by name."""

    rows: dict[str, Row]
    note: str = ""
    first: str = ""  # head of the column of the rows' names
    evaluator: EvaluatorFacts | None = None  # where it is another than the report's
    published: dict[str, Row] = field(default_factory=dict)  # rows that others printed

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Task:
        rows, published = (
            {name: _row_from_json(row) for name, row in data[key].items()} if key in data else {}
            for key in ("rows", "published")
        )
        facts = EvaluatorFacts(**data["encoder"]) if "encoder" in data else None
        return Task(rows, data.get("note", ""), data.get("first", ""), facts, published)

    def to_json(self) -> dict[str, Any]:
        return {"rows": {name: _row_to_json(row) for name, row in self.rows.items()}} | _given(
            first=self.first,
            note=self.note,
            encoder=self.evaluator and _given_facts(self.evaluator),
            published={name: _row_to_json(row) for name, row in self.published.items()},
        )


@dataclass(frozen=True)
class Share:
    """How many of so many clips pass an instruction check."""

    share: float
    clips: int


@dataclass(frozen=True)
class Point:
    """The model's row of t2m at one value of what a sweep changes."""

    value: float
    metrics: Row


@dataclass(frozen=True)
class Confusion:
    """counts[shown][said] of the actions that captions name."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass
class Conditions:
    """Under which the numbers came about."""

    command: dict[str, Any] = field(default_factory=dict)  # flags of dimo evaluate, where it was that
    split: str = ""
    clips: int = 0
    repeats: int = 0
    seed: int = 0
    batch: int = 0
    lengths: str = ""
    protocol: str | None = None  # of settings.PROTOCOLS; None where no model took part, or before there were several
    threads: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # by task
    sampling: dict[str, Any] | None = None  # SampleOptions; None where no model took part
    footlock: bool | None = None
    recall: float | None = (
        None  # share in t2m of motions that were described alike; None in reports of before there was one
    )
    memory: float | str | None = (
        None  # share in m2m, "default" for that of DiMo.complete; None in reports of before it was a flag
    )


Checks = dict[str, dict[str, dict[str, Share]]]
"""Row, then "by_check" or "by_action", then what is asked for."""


@dataclass
class Report:
    """All of an evaluation. `stopped` says why no row of the model is in it; `samples` go into a file of their own."""

    title: str = "Evaluation"
    settings: Conditions = field(default_factory=Conditions)
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, Any] = field(default_factory=dict)  # of weights and data
    evaluator: EvaluatorFacts = field(default_factory=EvaluatorFacts)
    notes: list[str] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    checks: Checks = field(default_factory=dict)
    sweeps: dict[str, list[Point]] = field(default_factory=dict)
    confusion: Confusion | None = None
    stopped: str | None = None
    published_sources: dict[str, str] = field(default_factory=dict)
    samples: Samples | None = field(default=None, compare=False, repr=False)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Report:
        """From the contents of report.json; KeyError, TypeError, ValueError or AttributeError for anything else."""
        sweeps = data.get("sweeps", {}).items()
        confusion = data.get("confusion")
        return Report(
            title=data.get("title", "Evaluation"),
            settings=Conditions(**data.get("settings", {})),
            versions=data.get("versions", {}),
            hashes=data.get("hashes", {}),
            evaluator=EvaluatorFacts(**data.get("encoder", {})),
            notes=list(data.get("notes", ())),
            tasks={name: Task.from_json(task) for name, task in data["tasks"].items()},
            checks={
                row: {kind: {n: Share(**s) for n, s in shares.items()} for kind, shares in kinds.items()}
                for row, kinds in data.get("checks", {}).items()
            },
            sweeps={n: [Point(p["value"], _row_from_json(p["metrics"])) for p in points] for n, points in sweeps},
            confusion=confusion and Confusion(tuple(confusion["names"]), tuple(map(tuple, confusion["counts"]))),
            stopped=data.get("stopped"),
            published_sources=data.get("published_sources", {}),
        )

    def to_json(self) -> dict[str, Any]:
        """The contents of report.json; its key "encoder" is the first evaluator."""
        settings = self.settings
        always = ("split", "clips", "repeats", "seed", "batch", "lengths", "threads", "seconds")
        conditions = {k: getattr(settings, k) for k in always} | _given(
            sampling=settings.sampling,
            footlock=settings.footlock,
            recall=settings.recall,
            memory=settings.memory,
            protocol=settings.protocol,
        )
        return {
            "format": FORMAT,
            "version": VERSION,
            "title": self.title,
            "settings": _given(command=settings.command) | conditions,
            "versions": self.versions,
            "hashes": self.hashes,
            "encoder": _given_facts(self.evaluator),
            "notes": self.notes,
            "tasks": {name: task.to_json() for name, task in self.tasks.items()},
        } | _given(
            checks={
                row: {kind: {n: vars(s) for n, s in shares.items()} for kind, shares in kinds.items()}
                for row, kinds in self.checks.items()
            },
            sweeps={
                name: [{"value": p.value, "metrics": _row_to_json(p.metrics)} for p in points]
                for name, points in self.sweeps.items()
            },
            confusion=self.confusion
            and {"names": list(self.confusion.names), "counts": [list(row) for row in self.confusion.counts]},
            stopped=self.stopped,
            published_sources=self.published_sources,
        )

    def save(self, folder: str | Path) -> Path:
        """report.json, report.md, and the samples where there are any, in a folder; each appears whole or not at all."""
        from dimo.evaluate.tables import markdown  # tables are made of reports

        folder = Path(folder)
        folder.mkdir(exist_ok=True)
        for name, text in ((FILE, json.dumps(self.to_json(), indent=1) + "\n"), ("report.md", markdown(self))):
            with write_atomically(folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        if self.samples is not None:
            self.samples.save(folder)
        return folder / FILE


def load(path: Path) -> Report:
    """A report from its file, or from the folder that holds it; FormatError for anything else."""
    path = path / FILE if path.is_dir() else path
    try:
        data = json.loads(read_text(path, LIMIT_BYTES))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not readable as JSON ({str(error).splitlines()[0]})", path=path) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError("not a report of dimo evaluate", path=path)
    if data.get("version") != VERSION:
        raise FormatError(f"version {data.get('version')} is not the {VERSION} that this dimo reads", path=path)
    try:
        return Report.from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"not a whole report of dimo evaluate ({error})", path=path) from None


def task_of(evaluator: int) -> str:
    """The task of the text-to-motion table by the evaluator with this number from 0."""
    return "t2m" if evaluator == 0 else f"t2m_{ORDINALS[evaluator]}"


def _given(**values: Any) -> dict[str, Any]:
    """Those that say something: report.json leaves out what was not measured."""
    return {k: v for k, v in values.items() if v is not None and v != "" and v != {}}


def _given_facts(facts: EvaluatorFacts) -> dict[str, Any]:
    return {"name": facts.name, "label": facts.label} | _given(comparable=facts.comparable, sha256=facts.sha256)

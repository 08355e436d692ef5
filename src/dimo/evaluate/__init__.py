"""Measuring: a model on clips that it has not seen, or the motions of any system.

    from dimo import evaluate

    report = evaluate.run(model, clips, evaluate.Settings(tasks=("t2m",), repeats=5))
    report.tasks["t2m"].rows["model"]["fid"].mean
    report.save("report/")

Names that need torch are imported when they are first used, so that comparing two reports does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dimo.evaluate.settings import Settings

if TYPE_CHECKING:
    from dimo.evaluate.evaluation import run, run_motions
    from dimo.evaluate.inputs import read_motions
    from dimo.evaluate.report import Report

__all__ = ["Report", "Settings", "read_motions", "run", "run_motions"]

_HOMES = {"run": "evaluation", "run_motions": "evaluation", "read_motions": "inputs", "Report": "report"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"dimo.evaluate.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'dimo.evaluate' has no attribute {name!r}")

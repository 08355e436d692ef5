"""Write the tables of docs/peers.md, between their markers, from benchmarks/peers/peers.json and the published rows.

python benchmarks/peers/table.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dimo.evaluate import published
from dimo.evaluate.tables import Table, in_markdown, put

HERE = Path(__file__).parent
JSON, PAGE = HERE / "peers.json", HERE.parents[1] / "docs/peers.md"
NOT_YET = "not measured yet"
TITLES = {
    "real": "real motion",
    "dimo": "ours",
    "gpt": "autoregressive (after T2M-GPT)",
    "momask": "masked, motion only (after MoMask)",
    "mdm": "continuous diffusion (after MDM)",
}
PUBLISHED = {  # ours in the table above: rows of published.json that stand for the same kind of system
    "T2M-GPT, FID 0.116 row": "autoregressive",
    "T2M-GPT, FID 0.141 row": "autoregressive",
    "MotionGPT": "autoregressive, with text",
    "MoMask": "masked, motion only",
    "MDM": "continuous diffusion",
    "MDM, same model re-evaluated": "continuous diffusion",
    "MDM 50 steps + DistilBERT": "continuous diffusion",
    "DiMo": "masked, text and motion",
    "Real": "real motion",
}
METRICS = {
    "fid": ("FID", 3),
    "r1": ("R@1", 3),
    "r3": ("R@3", 3),
    "mm_dist": ("MM-Dist", 3),
    "diversity": ("Diversity", 2),
}
SKATE = "foot_skate_mps"


def quality(data: Mapping[str, Any]) -> str:
    """A row a system: what evaluators, bodies and checks say."""
    head = ("system", *(h for h, _ in METRICS.values()), "skate, m/s", "ordinary sentences", "two actions")
    rows = []
    for name, title in TITLES.items():
        parts = data["systems"].get(name, {})
        by_each = parts.get("motions")
        cells = next(iter(by_each.values())) if by_each else {}
        made = [_cell(cells.get(key), digits) for key, (_, digits) in METRICS.items()]
        checked = parts.get("checks", {})
        ordinary, dev = checked.get("ordinary"), checked.get("dev")
        passed = _percent(ordinary["passed"], ordinary["standard_error"]) if ordinary else NOT_YET
        compose = _percent(dev["families"]["compose"]) if dev else NOT_YET
        if name == "real":
            passed = compose = "-"
        rows.append((title, *made, _cell(cells.get(SKATE), 3), passed, compose))
    return in_markdown(Table("", head, tuple(rows))) + _conditions(data["conditions"].get("motions"))


def latency(data: Mapping[str, Any]) -> str:
    """A row a system: seconds by length, how they grow, and what was trained."""
    head = ("system", "2 s", "4 s", "8 s", "8 s / 2 s", "parameters, M", "steps", "train, s a step")
    rows = []
    for name, title in TITLES.items():
        if name == "real":
            continue
        parts = data["systems"].get(name, {})
        clock, facts = parts.get("latency"), parts.get("training", {})
        took = [f"{clock[s]['median_s']:.2f}" for s in ("2", "4", "8")] if clock else [NOT_YET] * 3
        growth = f"{clock['8']['median_s'] / clock['2']['median_s']:.1f}" if clock else NOT_YET
        size, steps, pace = (facts.get(k) for k in ("parameters", "steps", "seconds_a_step"))
        told = (f"{size / 1e6:.1f}" if size else "-", f"{steps:,}" if steps else "-", f"{pace:.2f}" if pace else "-")
        rows.append((title, *took, growth, *told))
    asked = data["conditions"].get("latency")
    note = f"\n\nMedians of {asked['times']} runs, {asked['threads']} threads, torch {asked['torch']}." if asked else ""
    return in_markdown(Table("", head, tuple(rows))) + note


def others(data_set: str = "HumanML3D") -> str:
    """What others printed for systems of these kinds, as published."""
    found = published.rows(data_set, "t2m")
    keys = ("r1", "r3", "fid", "mm_dist", "diversity", "mmodality")
    rows = []
    for name, kind in PUBLISHED.items():
        cells = found[name]
        rows.append((name, kind, *(_printed(cells.get(k)) for k in keys)))
    head = ("system, as published", "kind", "R@1", "R@3", "FID", "MM-Dist", "Diversity", "MModality")
    return in_markdown(Table("", head, tuple(rows)))


def _cell(cell: Mapping[str, Any] | None, digits: int) -> str:
    if cell is None:
        return NOT_YET
    width = f" ± {cell['half_width']:.{digits}f}" if cell.get("half_width") is not None else ""
    return f"{cell['mean']:.{digits}f}{width}"


def _printed(cell: Any) -> str:
    if cell is None:
        return "-"
    return f"{cell.mean:.3f}" + (f" ± {cell.half_width:.3f}" if cell.half_width is not None else "")


def _percent(share: float, error: float | None = None) -> str:
    return f"{100 * share:.0f} %" + (f" ({100 * error:.1f})" if error is not None else "")


def _conditions(asked: Mapping[str, Any] | None) -> str:
    if not asked:
        return ""
    names = ", ".join(asked["evaluators"]) or "none"
    return (
        f"\n\nOn {asked['clips']} clips of the split {asked['split']}, {asked['repeats']} repeats, protocol {asked['protocol']}; "
        f"numbers of the first evaluator ({names}). Sentences: the standard error over them in brackets."
    )


def main() -> None:
    data = json.loads(JSON.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    for name, body in (("peers", quality(data)), ("peers-latency", latency(data)), ("peers-published", others())):
        text, found = put(text, name, body)
        assert found == 1, f"{PAGE}: no marker <!-- {name} -->"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

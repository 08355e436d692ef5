"""What the instruction checks say about real motion, before they measure any other; writes benchmarks/checks.json.

    python benchmarks/checks.py --data data/pack [--out benchmarks/checks.json]

For each fact of dimo.metrics.facts that labels carry: the share of real clips with it that pass its checks (aim 95 %) and
the share of clips without it that pass (the fact of a clip is its label, so a clip may do more than its label says). On the
training and validation clips, on which thresholds were chosen, and apart from them on the test clips. Checks that no label
carries are measured on real clips changed in a known way: repeated so many times, or played faster in one part.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import checks_ordinary as ordinary
import numpy as np
from checks_ordinary import share

from dimo.body.motion import Motion
from dimo.body.skeleton import preset
from dimo.data import shards
from dimo.data.records import Clip
from dimo.metrics import checks
from dimo.metrics.facts import Fact, facts_of

HERE = Path(__file__).parent
AIM = 0.95
SHARED = {  # the checks of the shared vocabulary with their default arguments, and the labels that carry them
    "travel forward": ({"check": "travel", "direction": "forward"}, r"(walk|run|dash|walk-turn-(left|right))"),
    "travel backward": ({"check": "travel", "direction": "backward"}, r"walk-back"),
    "turn left": ({"check": "turn", "side": "left"}, r"walk-turn-left"),
    "turn right": ({"check": "turn", "side": "right"}, r"walk-turn-right"),
    "no_turn": ({"check": "no_turn"}, r"(walk-back|walk-left|walk-right|raise-up.*)"),
    "stay": ({"check": "stay"}, r"(raise-up.*|wave.*|bow|bye|byebye)"),
    "raise_hand left": ({"check": "raise_hand", "side": "left"}, r"raise-up-left-hand"),
    "raise_hand right": ({"check": "raise_hand", "side": "right"}, r"raise-up-right-hand"),
    "raise_hand both": ({"check": "raise_hand", "side": "both"}, r"raise-up-both-hands"),
    "wave left": ({"check": "wave", "side": "left"}, r"wave-left-hand"),
    "wave right": ({"check": "wave", "side": "right"}, r"wave-right-hand"),
    "wave both": ({"check": "wave", "side": "both"}, r"wave-both-hands"),
    "wave any, of bye": ({"check": "wave", "side": "any"}, r"(bye|byebye)"),
    "speed 1.6 m/s and more": ({"check": "speed", "min_mps": 1.6}, r"(run|dash)"),
    "jump": ({"check": "jump"}, r"(forward |high )?jump( forward| up| and balance| and hop| around on a playground)?"),
    "bow": ({"check": "bow"}, r"bow"),
    "punch any": ({"check": "punch", "side": "any"}, r"punch"),
    "waving left": ({"check": "waving", "side": "left"}, r"wave-left-hand"),
    "waving right": ({"check": "waving", "side": "right"}, r"wave-right-hand"),
    "waving both": ({"check": "waving", "side": "both"}, r"wave-both-hands"),
    "side_step left": ({"check": "side_step", "side": "left"}, r"walk-left"),
    "side_step right": ({"check": "side_step", "side": "right"}, r"walk-right"),
}


def whole(clips: Iterable[Clip]) -> list[Clip]:
    """Recordings as they are: no mirror images, composites or cut parts, which may lack what the label says."""
    return [c for c in clips if not c.mirrored and not c.composite and not re.search(r"_w\d+$", c.id)]


def measure_check(spec: dict[str, Any], labels: str, clips: list[Clip]) -> dict[str, Any]:
    """Shares that pass of clips with a label that matches and of the others, and who fails."""
    held = [(c, checks.check(spec, c.joints, c.fps)) for c in clips]
    has = [(c, h) for c, h in held if re.fullmatch(labels, c.label)]
    lacks = [(c, h) for c, h in held if not re.fullmatch(labels, c.label)]
    wrong: dict[str, list[bool]] = defaultdict(list)
    for c, h in lacks:
        wrong[c.label].append(h)
    often = sorted(
        ((float(np.mean(v)), len(v), k) for k, v in wrong.items() if np.mean(v) > 0), key=lambda r: -r[0] * r[1]
    )
    return {
        "check": spec,
        "with_fact": share([h for _, h in has]),
        "without_fact": share([h for _, h in lacks]),
        "failed": [c.id for c, h in has if not h][:20],
        "passed_without": {k: {"share": s, "clips": n} for s, n, k in often[:6]},
    }


def measure_facts(clips: list[Clip]) -> dict[str, Any]:
    """The same for facts, whose checks hold together, as the evaluation uses them."""
    own: list[tuple[Clip, tuple[Fact, ...]]] = [(c, facts_of(f"{c.label} {c.style}", c.style)) for c in clips]
    known = {f.name: f for _, facts in own for f in facts}
    out = {}
    for name, fact in sorted(known.items()):
        held = [(name in {f.name for f in facts}, checks.check_all(fact.checks, c.joints, c.fps)) for c, facts in own]
        out[name] = {
            "checks": fact.checks,
            "with_fact": share([h for has, h in held if has]),
            "without_fact": share([h for has, h in held if not has]),
        }
    return out


def measure_changed(clips: list[Clip]) -> dict[str, Any]:
    """repeat and speed_change on real clips that were repeated or hurried: what is true of them is known by construction."""
    body = preset("humanml3d")
    out: dict[str, Any] = {}
    for label, of, side, clear in (
        (r"raise-up-left-hand", "raise_hand", "left", 60),
        (r"raise-up-right-hand", "raise_hand", "right", 60),
        (r"raise-up-both-hands", "raise_hand", "both", 60),
        (r"bow", "bow", "any", 60),
        (r"jump (up|forward|and balance)", "jump", "any", 60),
    ):
        found = [c for c in clips if re.fullmatch(label, c.label)][:clear]
        if not found:
            continue
        motions = [Motion.from_joints(body, np.asarray(c.joints, float), c.fps, c.id) for c in found]
        rows = {}
        for count in (1, 2, 3):
            made = motions
            for _ in range(count - 1):
                made = [m.concatenate(o, blend=0.2) for m, o in zip(made, motions, strict=True)]
            said = [
                checks.check({"check": "repeat", "of": of, "count": count, "side": side}, m.joints(), m.fps)
                for m in made
            ]
            rows[f"{count} times"] = share(said)
            if count == 1:
                more = {"check": "repeat", "of": of, "count": 2, "side": side}
                rows["once, said to be twice"] = share([checks.check(more, m.joints(), m.fps) for m in made])
        out[f"repeat {of} {side}"] = rows
    walks = [c for c in clips if re.fullmatch(r"walk|run", c.label) and len(c.joints) >= 60][:120]
    motions = [Motion.from_joints(body, np.asarray(c.joints, float), c.fps, c.id) for c in walks]
    for to in ("faster", "slower"):
        spec = {"check": "speed_change", "to": to}
        made = [hurried(m, to) for m in motions]
        out[f"speed_change {to}"] = {
            "with_fact": share([checks.check(spec, m.joints(), m.fps) for m in made]),
            "without_fact": share([checks.check(spec, m.joints(), m.fps) for m in motions]),
        }
    return out


def hurried(motion: Motion, to: str) -> Motion:
    """The second half played at 1.6 times its speed, or the first one, which makes the end slower."""
    half = len(motion) // 2
    parts = [motion[:half], motion[half:]]
    i = 1 if to == "faster" else 0
    quick = parts[i].resample(motion.fps / 1.6)
    parts[i] = Motion(quick.skeleton, motion.fps, quick.root, quick.rotations, quick.name)
    return parts[0].concatenate(parts[1], align=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    parser.add_argument("--out", type=Path, default=HERE / "checks.json")
    args = parser.parse_args()
    splits = {name: whole(shards.read(args.data, name)) for name in ("train", "val", "test")}
    report: dict[str, Any] = {"aim": AIM}
    for name, clips in (("train_and_val", splits["train"] + splits["val"]), ("test", splits["test"])):
        report[name] = {
            "clips": len(clips),
            "shared": {k: measure_check(spec, labels, clips) for k, (spec, labels) in SHARED.items()},
            "ordinary": ordinary.measure_ordinary(clips),
            "facts": measure_facts(clips),
            "captioner": ordinary.measure_captioner(clips),
        }
        if name == "train_and_val":
            report[name]["changed"] = {**measure_changed(clips), **ordinary.measure_made(clips)}
        print(name, table(report[name]), sep="\n")
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    document(report, HERE.parent / "docs/evaluate.md")


def document(report: dict[str, Any], path: Path) -> None:
    """The table of docs/evaluate.md, between its markers."""
    rows = ["| check | real clips with the fact that pass | clips without it that pass |", "| --- | --- | --- |"]
    for kind in ("facts", "shared", "ordinary"):
        for name, row in report["train_and_val"][kind].items():
            tested = report["test"][kind].get(name, {}).get("with_fact")
            cells = [
                f"{100 * r['share']:.1f} % of {r['clips']}" if r else "-"
                for r in (row["with_fact"], row["without_fact"])
            ]
            cells[0] += f" (test: {100 * tested['share']:.0f} % of {tested['clips']})" if tested else ""
            rows.append(f"| {'fact: ' if kind == 'facts' else ''}{name} | {cells[0]} | {cells[1]} |")
    for name, parts in report["train_and_val"]["changed"].items():
        cells = [
            ", ".join(
                f"{k} {100 * r['share']:.0f} %"
                for k, r in parts.items()
                if r and (k[0].isdigit() or k == "with_fact") == has
            )
            for has in (True, False)
        ]
        cells = [c.replace("with_fact ", "").replace("without_fact ", "") for c in cells]
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    body = "\n".join(rows)
    text = path.read_text(encoding="utf-8")
    new = re.sub(r"(<!-- checks -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{body}\n{m[2]}", text, flags=re.S)
    path.write_text(new, encoding="utf-8")


def table(part: dict[str, Any]) -> str:
    lines = []
    for kind in ("shared", "ordinary", "facts"):
        for name, row in part[kind].items():
            texts = [
                f"{100 * r['share']:.1f} % of {r['clips']}" if r else "-"
                for r in (row["with_fact"], row["without_fact"])
            ]
            lines.append(f"{kind:7} {name:26} {texts[0]:>18} {texts[1]:>18}")
    for name, rows in part.get("changed", {}).items():
        cells = ", ".join(f"{k} {100 * r['share']:.0f} % of {r['clips']}" for k, r in rows.items() if r)
        lines.append(f"changed {name:26} {cells}")
    for name, row in part["captioner"].items():
        cells = ", ".join(
            f"{k} {100 * r['share']:.1f} % of {r['clips']}" for k, r in row.items() if isinstance(r, dict)
        )
        lines.append(f"says    {name:26} {cells} {row.get('wrong', '')}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

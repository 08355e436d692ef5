"""Write the numbers of benchmarks/*.json into README.md, docs and the model card, between their markers, and draw the curve.

python benchmarks/tables.py

A part is written where its JSON exists: <!-- numbers --> and <!-- captions --> from quality.json and report/report.json,
<!-- speed --> from speed.json and speed-avx2.json, <!-- steps --> from steps.json, <!-- edits --> from edits.json,
<!-- correct --> from correct.json, <!-- scale --> from scale.json, <!-- rigs --> from rigs.json, <!-- serve --> from serve.json,
<!-- cost --> from cost.json, <!-- unknown --> from unknown_text.json, <!-- kill --> from kill.json, <!-- training --> from
training.json.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tables_scale import cost, kill, percent, rigs, scale, serve, table, training, unknown

from dimo.evaluate.tables import put
from dimo.view.curves import curve

HERE = Path(__file__).parent
ROOT = HERE.parent
TARGETS = (
    *(ROOT / name for name in ("README.md", "src/dimo/weights/MODEL_CARD.md", "weights-open/README.md")),
    *(ROOT / "docs" / name for name in ("objective.md", "scale.md", "files.md", "serve.md")),
    *sorted((ROOT / "docs/tasks").glob("*.md")),
)
STYLE = (
    "<style>text { font: 11px sans-serif; fill: #44474f } .title { font-weight: 600; font-size: 12px } .grid { stroke: #e9ebef } "
    ".curve { fill: none; stroke: #3565a8; stroke-width: 1.6 } .dot { fill: #3565a8 }</style>"
)


def numbers(
    quality: dict,
    evaluation: dict,
    ordinary: dict,
    best: dict | None,
    fresh: dict,
    reworded: dict,
    unseen: dict,
    asked: dict,
    typed: dict,
) -> str:
    codec, t2m, popping = quality["codec"], quality["t2m"], quality["popping_degrees"]
    # Both measure by metrics.captions.named, on the same clips where the weights are the same.
    m2t = quality.get("m2t") or {k: c["mean"] for k, c in evaluation["tasks"]["m2t"]["rows"]["model"].items()}
    real, made = quality["physics"]["real"], quality["physics"]["generated"]
    find = quality["retrieval"]["rank"]
    units = {
        "foot_skate_mps": "foot skate, m/s",
        "float_m": "float, mm",
        "penetration_m": "penetration, mm",
        "jerk_mps3": "jerk, m/s³",
    }
    rows: list[tuple[Any, ...]] = [
        (
            f"{ordinary['sentences']} ordinary sentences (benchmarks/prompts_ordinary.jsonl): all checks of a sentence hold",
            said(ordinary),
            "75 %",
        ),
        *(
            [("the same by the model alone, no training motion recalled", said(ordinary["model_alone"]), "")]
            if "model_alone" in ordinary
            else []
        ),
        *(
            [
                ("the same, the best of 8 motions (--best 8)", said(best), ""),
                ("the same, the best of 8 by the model alone", said(best["model_alone"]), ""),
            ]
            if best and best["weights"] == ordinary["weights"]
            else []
        ),
        ("the same: the body neither floats nor sinks", percent(ordinary["grounded"]), "97 %"),
        (
            f"{unseen['sentences']} sentences of another hand, by which nothing was chosen (benchmarks/prompts_unseen.jsonl)",
            said(unseen),
            "",
        ),
        (
            f"{fresh['sentences']} more, by which it was chosen how sentences are understood (benchmarks/prompts_fresh.jsonl)",
            said(fresh),
            "",
        ),
        (
            "the ordinary sentences in other words (benchmarks/ordinary.py --reworded): other people, moods and additions",
            said(reworded),
            "",
        ),
        (
            f"{len(asked['sentences'])} gestures, jobs, ways to walk and fights that people ask for "
            "(benchmarks/prompts_asked.txt, development sentences), one motion each, by eye: does it, partly, does not",
            verdicts(asked),
            "",
        ),
        (
            f"{len(typed['sentences'])} sentences as twelve kinds of users type them, unread until then "
            "(benchmarks/prompts_typed.txt), likewise",
            verdicts(typed),
            "",
        ),
        (
            "sentence to motion: all checks of a prompt hold, actions in the training labels",
            percent(t2m["trained_families"]),
            "85 %",
        ),
        ("the same, two actions in one sentence", percent(t2m["compose"]), "50 %"),
        ("the same, rare actions", percent(t2m["rare"]), ""),
        ("motion to sentence: the caption names the action", percent(m2t["action"]), "85 %"),
        ("motion to sentence: the caption names the side", percent(m2t["side"]), "95 %"),
        ("right caption among 32, top 1 / top 3", f"{percent(find['top1'])} / {percent(find['top3'])}", ""),
        ("codec, Bandai-Namco: joint error around the root", f"{codec['bandai_namco']['mpjpe_mm_6']:.1f} mm", "25 mm"),
        ("codec, CMU", f"{codec['cmu']['mpjpe_mm_6']:.1f} mm", "60 mm"),
    ]
    for name, title in units.items():
        scale = 1000 if title.endswith("mm") else 1
        rows.append(
            (
                f"generated / real: {title}",
                f"{round(made[name] * scale, 3):.3g} / {real[name] * scale:.3g} ({made[name] / real[name]:.1f} times)",
                "1.5 times",
            )
        )
    rows += [
        (
            "popping: 99.9th percentile of a joint's turn per frame, decoded / original",
            f"{popping['decoded']:.1f}° / {popping['original']:.1f}°",
            "1.2 times",
        ),
    ]
    families = ", ".join(f"{k} {percent(v)}" for k, v in t2m["families"].items())
    return table("measure | result | aim", rows) + f"\n\nBy family: {families}."


def speeds(bf16: dict, avx2: dict) -> str:
    """Time and memory on two kinds of processor."""
    rows: list[tuple[Any, ...]] = []
    for title, key, form, aim in (
        ("generate 4 s of motion, 10 rounds, loaded", "generate_4s_10_steps", "{:.2f} s", "0.25 s"),
        ("the same of two actions in turn", "generate_4s_of_two_turns", "{:.2f} s", ""),
        ("generate from the shell to a GLB", "shell_generate_to_glb", "{:.1f} s", "4 s"),
        ("caption a motion of 4 s, loaded", "caption_4s", "{:.2f} s", "0.3 s"),
        ("peak memory", "peak_memory_mb", "{} MB", "1000 MB"),
        ("dimo prepare", "prepare_clips_per_second", "{:.0f} clips/s", "30 clips/s"),
    ):
        found = [d.get(key) for d in (bf16, avx2)]
        values = [v["median_s"] if isinstance(v, dict) else v for v in found]
        rows.append((title, *("not measured" if v is None else form.format(v) for v in values), aim))
    return table("measure, on 2 cores | that multiply bf16 | with AVX2 alone, in fp32 | aim", rows)


def open_numbers(ordinary: dict, unseen: dict, quality: dict) -> str:
    """What the open weights do: sentences as the packaged ones are measured, captions on test clips of their own sources."""
    t2m, m2t, find = quality["t2m"], quality["m2t"], quality["retrieval"]["rank"]
    rows: list[tuple[Any, ...]] = [
        (f"{ordinary['sentences']} ordinary sentences: all checks of a sentence hold", said(ordinary)),
        ("the same by the model alone, no training motion recalled", said(ordinary["model_alone"])),
        ("the same: the body neither floats nor sinks", percent(ordinary["grounded"])),
        (f"{unseen['sentences']} sentences of another hand, by which nothing was chosen", said(unseen)),
        ("development prompts: walks, runs, turns, hands and bows", percent(t2m["trained_families"])),
        ("the same, two actions in one sentence", percent(t2m["compose"])),
        (f"{quality['clips']} open test clips: the caption names the action", percent(m2t["action"])),
        ("the same: right caption among 32, top 1 / top 3", f"{percent(find['top1'])} / {percent(find['top3'])}"),
        ("codec, CMU: joint error around the root", f"{quality['codec']['cmu']['mpjpe_mm_6']:.1f} mm"),
    ]
    return table("measure | result", rows)


def said(ordinary: dict) -> str:
    return f"{percent(ordinary['passed'])} (standard error over sentences {percent(ordinary['standard_error'])})"


def understands(report: dict) -> str:
    rows = [
        ("no motion at all", report["nonsense"], percent(report["warned_of_nonsense"])),
        ("fewer than half of the motions do it", report["failed"], percent(report["warned_of_failed"])),
        ("half of the motions or more do it", report["done"], percent(report["warned_of_done"])),
    ]
    curve = [
        (f"{row['from']:.1f} to {row['to']:.1f}", row["sentences"], percent(row["said"]), percent(row["held"]))
        for row in report["reliability_of_ordinary"]
    ]
    return "\n\n".join(
        (
            table("sentences | how many | warned of", rows),
            table("chance told | ordinary sentences | mean of it | motions that do as told", curve),
        )
    )


def captions(quality: dict) -> str:
    rows = [(r["label"], r["truth"], r["caption"]) for r in quality["captions"]]
    return table("label | a written caption | the model's caption", rows)


def written(report: dict) -> str:
    """Captions by how they are written."""
    ways = {"in order": "one word after the other", "12 rounds": "all words in 12 rounds"}
    rows: list[tuple[Any, ...]] = []
    for way, title in ways.items():
        found = report[way]
        shares = [percent(found[name]) for name in ("unheard", "action", "side")]
        rows.append((title, *shares, f"{found['bleu4']:.2f}", f"{found['cider']:.2f}", f"{found['words']:.1f}"))
    rows.append(("people, the same clips", percent(report["human"]["unheard"]), *[""] * 5))
    head = "written | three words in a row that no training caption has | names the action | the side | BLEU-4 | CIDEr | words"
    return table(head, rows) + f"\n\n{report['clips']} clips of the {report['split']} split."


def retrieval(quality: dict) -> str:
    names = {
        "rank": "rank: both gains",
        "motion": "motion: log p(motion given text)",
        "text_gain": "text gain",
        "text": "text: log p(text given motion)",
    }
    found = quality["retrieval"]
    rows = [(title, *(percent(found[n][f"top{k}"]) for k in (1, 3, 5))) for n, title in names.items()]
    return table("ordered by | top 1 | top 3 | top 5", rows) + f"\n\n{found['rank']['clips']} motions."


def correct(report: dict) -> str:
    rows = [
        (f"repaired: {kind}", percent(row["share"]), row["captions"])
        for kind, row in report["repaired_by_pair"].items()
    ]
    rows += [
        ("repaired, all", percent(report["repaired"]), report["captions"]),
        ("right captions changed", percent(report["false_changes"]), report["captions"]),
    ]
    return table("what | share | captions", rows)


def steps(report: dict) -> str:
    names = {
        "steps": "steps",
        "strategies": "strategy",
        "schedules": "schedule",
        "guidance_on": "guidance on",
        "adaptive": "adaptive",
    }
    rows = []
    for part, title in names.items():
        for row in report.get(part, []):
            value = row[{"strategies": "strategy", "schedules": "schedule"}.get(part, part)]
            rows.append(
                (
                    f"{title} {value}",
                    f"{row['model_calls']:.1f}",
                    percent(row["trained_families"]),
                    percent(row["compose"]),
                    f"{row['foot_skate_mps']:.2f}",
                    f"{row['jerk_mps3']:.0f}",
                )
            )
    about = f"\n\n{report['prompts']} prompts, {report['seeds']} seeds each; 10 rounds where nothing else is said."
    head = "setting | rounds | one action | two actions | foot skate, m/s | jerk, m/s³"
    return table(head, rows) + about


def draw_steps(report: dict, path: Path) -> None:
    """Two curves beside each other, in one SVG."""
    xs = [row["steps"] for row in report["steps"]]
    held = curve("share of motions that do as told", "rounds", xs, [row["all"] for row in report["steps"]])
    skate = curve("foot skate, m/s", "rounds", xs, [row["foot_skate_mps"] for row in report["steps"]])
    one, two = (re.sub(r"^<svg [^>]*>|</svg>$", "", part) for part in (held, skate))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 190" width="620" height="190">{STYLE}'
        f'<rect width="620" height="190" fill="#fff"/>{one}<g transform="translate(310 0)">{two}</g></svg>\n',
        encoding="utf-8",
    )


def edits(report: dict) -> str:
    titles = {
        "predict": "prediction, 20 % kept",
        "inbetween": "in-betweening, 25 % kept at each end",
        "complete": "a missing stretch of 1 to 2 s",
    }
    rows = []
    for task, title in titles.items():
        for name, row in report["tasks"][task].items():
            if isinstance(row, dict) and "ade_m" in row:
                rows.append((title, name, *(f"{row[k]:.3f}" for k in ("ade_m", "fde_m", "mpjpe_m"))))
                title = ""
    seams, parts = report["seams"], report["composition"]
    text = table("task | guess | ADE, m | FDE, m | MPJPE, m", rows)
    text += "\n\n" + ", ".join(f"{titles[t]}: {report['tasks'][t]['clips']} clips" for t in titles) + "."
    speed, turn = seams["velocity"], seams["angular_velocity"]
    within = f"{percent(speed['within_1.5'])} (velocity, largest {speed['max']:.2f})"
    turning = f"{percent(turn['within_1.5'])} (angular velocity, largest {turn['max']:.2f})"
    shown = (
        f"{parts['scripts']} scripts of four sentences: {percent(parts['parts_shown'])} of the parts show what they say"
    )
    text += f"\n\nSeams of {seams['edits']} random edits: kept frames the same bits in {seams['kept_frames_bit_identical']}; the "
    text += f"fastest step at a seam within 1.5 times the clip's own 99th percentile in {within} and {turning}. "
    text += f"Composition, {shown}."
    return text


def read(name: str) -> dict | None:
    path = HERE / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def verdicts(seen: dict) -> str:
    """How many motions do it, partly, and not, by the verdicts of somebody who looked."""
    return " / ".join(str(sum(r["after"] == v for r in seen["sentences"])) for v in ("yes", "partly", "no"))


def main() -> None:
    quality, evaluation, ordinary = read("quality"), read("report/report"), read("ordinary")
    speed, avx2 = read("speed"), read("speed-avx2")
    fresh, reworded, unseen = read("fresh"), read("reworded"), read("unseen")
    parts: dict[str, str] = {}
    looked = (read("asked"), read("typed"))
    if quality and evaluation and ordinary and fresh and reworded and unseen and all(looked):
        best = read("ordinary-best8")
        parts |= {
            "numbers": numbers(quality, evaluation, ordinary, best, fresh, reworded, unseen, *looked),
            "captions": captions(quality),
            "retrieval": retrieval(quality),
        }
    if speed and avx2:
        parts |= {"speed": speeds(speed, avx2)}
    opened = [read(name) for name in ("ordinary-open", "unseen-open", "quality-open")]
    if all(opened):
        parts |= {"open": open_numbers(*opened), "open-captions": captions(opened[2])}
    for name, write in (
        ("correct", correct),
        ("steps", steps),
        ("edits", edits),
        ("understands", understands),
        ("captions", written),
        ("scale", scale),
        ("rigs", rigs),
        ("serve", serve),
        ("cost", cost),
        ("unknown_text", unknown),
        ("kill", kill),
        ("training", training),
    ):
        if (report := read(name)) is not None:
            parts[write.__name__] = write(report)
            if name == "steps":
                draw_steps(report, ROOT / "docs/tasks/steps.svg")
    for path in TARGETS:
        text = path.read_text(encoding="utf-8")
        for name, body in parts.items():
            text, _ = put(text, name, body)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

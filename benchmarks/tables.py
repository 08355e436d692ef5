"""Write the numbers of benchmarks/*.json into README.md and the model card, between their markers.

python benchmarks/tables.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = (HERE.parent / "README.md", HERE.parent / "src/dimo/weights/MODEL_CARD.md")


def percent(x: float) -> str:
    return f"{100 * x:.0f} %"


def table(quality: dict, speed: dict) -> str:
    codec, t2m, m2t = quality["codec"], quality["t2m"], quality["m2t"]
    real, made = quality["physics"]["real"], quality["physics"]["generated"]
    find = quality["retrieval"]
    rows = [
        (
            "text to motion: all checks of a prompt hold, families in the training labels",
            percent(t2m["trained_families"]),
            "85 %",
        ),
        ("the same, two actions in one sentence", percent(t2m["compose"]), "50 %"),
        ("the same, rare actions", percent(t2m["rare"]), ""),
        ("motion to text: the caption names the action", percent(m2t["action"]), "85 %"),
        ("motion to text: the caption names the side", percent(m2t["side"]), "95 %"),
        (
            "right caption among 32, top 1 / top 3 (by motion given text)",
            f"{percent(find['motion_given_text']['top1'])} / {percent(find['motion_given_text']['top3'])}",
            "",
        ),
        (
            "right caption among 32, top 1 / top 3 (by text given motion)",
            f"{percent(find['text_given_motion']['top1'])} / {percent(find['text_given_motion']['top3'])}",
            "",
        ),
        (
            "codec, 6 levels, Bandai-Namco: joint error around the root",
            f"{codec['bandai_namco']['mpjpe_mm_6']:.1f} mm",
            "25 mm",
        ),
        ("codec, 6 levels, CMU", f"{codec['cmu']['mpjpe_mm_6']:.1f} mm", "60 mm"),
        *(
            (
                f"generated against real: {name.replace('_', ' ')}",
                f"{made[name]:.3g} against {real[name]:.3g}",
                "1.5 times",
            )
            for name in real
        ),
        ("generate 4 s of motion, 10 steps, loaded", f"{speed['generate_4s_10_steps']['median_s']:.2f} s", "0.25 s"),
        ("generate from the shell to a GLB", f"{speed['shell_generate_to_glb']['median_s']:.1f} s", "4 s"),
        ("caption a motion of 4 s, loaded", f"{speed['caption_4s']['median_s']:.2f} s", "0.3 s"),
        ("peak memory", f"{speed['peak_memory_mb']} MB", "1000 MB"),
    ]
    lines = ["| measure | result | aim |", "| --- | --- | --- |", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    families = ", ".join(f"{k} {percent(v)}" for k, v in t2m["families"].items())
    lines += ["", f"By family: {families}."]
    return "\n".join(lines)


def captions(quality: dict) -> str:
    rows = ["| label | a written caption | the model's caption |", "| --- | --- | --- |"]
    return "\n".join(rows + [f"| {r['label']} | {r['truth']} | {r['caption']} |" for r in quality["captions"]])


def main() -> None:
    quality, speed = (json.loads((HERE / f"{name}.json").read_text()) for name in ("quality", "speed"))
    parts = {"numbers": table(quality, speed), "captions": captions(quality)}
    for path in TARGETS:
        text = path.read_text(encoding="utf-8")
        for name, body in parts.items():
            text = re.sub(
                rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, b=body: f"{m[1]}{b}\n{m[2]}", text, flags=re.S
            )
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

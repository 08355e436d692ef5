"""What the weights can do, measured on the test split; writes benchmarks/quality.json.

    python benchmarks/quality.py --data data/pack [--model FOLDER] [--out benchmarks/quality.json] [--sources CMU,UI-PRMD,...]

Text to motion: instruction checks on benchmarks/prompts_dev.jsonl, 4 seeds a prompt, all checks of a prompt at once.
Motion to text: does the caption name the action of the label, and the side (metrics.captions.named, as in dimo evaluate).
Retrieval: the right caption among 32 by the model's own likelihood. Codec: MPJPE per number of levels. Physics: generated
against real test motion.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from clips import read, to_motion

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.body.rotation import quat_angle
from dimo.features import humanml3d
from dimo.learn import codec as codec_learning
from dimo.learn import corpus
from dimo.metrics import captions, checks, physics
from dimo.tasks import score

HERE = Path(__file__).parent
PARTS = ("codec", "t2m", "m2t", "retrieval")
SEEDS = 4
POOL = 32

REAL = {  # prompt family: the labels of real clips that do the same
    "walk": ("walk",),
    "slow": ("walk",),
    "brisk": ("walk",),
    "run": ("run", "dash"),
    "back": ("walk-back",),
    "turn_left": ("walk-turn-left",),
    "turn_right": ("walk-turn-right",),
    "raise_left": ("raise-up-left-hand",),
    "raise_right": ("raise-up-right-hand",),
    "raise_both": ("raise-up-both-hands",),
    "wave_left": ("wave-left-hand",),
    "wave_right": ("wave-right-hand",),
    "wave_both": ("wave-both-hands",),
    "bow": ("bow",),
}


def codec(model: DiMo, clips: list) -> dict:
    out = {}
    for part, beginning in (("bandai_namco", "Bandai"), ("cmu", "CMU")):
        own = [c for c in clips if c.source.startswith(beginning)]
        if not own:
            continue
        measured = codec_learning.measure(model.codec, corpus.feature_clips(own))
        real = [to_motion(model, c) for c in own]
        measured["foot_skate_mps_real"] = bodies(real)["foot_skate_mps"]
        measured["foot_skate_mps"] = bodies([model.reconstruct(m) for m in real])["foot_skate_mps"]
        out[part] = measured
    return out


def text_to_motion(model: DiMo, guidance: float | None) -> tuple[dict, dict[str, list[Motion]]]:
    passed: dict[str, list[bool]] = defaultdict(list)
    failures: dict[str, int] = {}
    motions: dict[str, list[Motion]] = defaultdict(list)
    extra = {} if guidance is None else {"guidance": guidance}
    for line in (HERE / "prompts_dev.jsonl").read_text().splitlines():
        prompt = json.loads(line)
        made = model.generate(prompt["text"], seconds=prompt["seconds"], samples=SEEDS, seed=0, **extra)
        held = [checks.check_all(prompt["checks"], m.joints(), m.fps) for m in made]
        passed[prompt["family"]] += held
        failures[prompt["id"]] = SEEDS - sum(held)
        motions[prompt["family"]] += made
    labels = [f for f in passed if f not in ("compose", "rare")]
    return {
        "families": {f: float(np.mean(v)) for f, v in passed.items()},
        "trained_families": float(np.mean([x for f in labels for x in passed[f]])),
        "compose": float(np.mean(passed["compose"])),
        "rare": float(np.mean(passed["rare"])),
        "failed_of_4": {k: v for k, v in failures.items() if v},
    }, motions


def motion_to_text(model: DiMo, clips: list) -> tuple[dict, list[dict]]:
    actions: dict[str, list[bool]] = defaultdict(list)
    sides: dict[str, list[bool]] = defaultdict(list)
    rows = []
    for clip in clips:
        text = model.caption(to_motion(model, clip))[0].text
        action, side = captions.named(clip.label, text)
        if action is not None:
            actions[captions.action_of(clip.label).split()[0]].append(action)
        if side is not None:
            sides[clip.label].append(side)
        rows.append({"id": clip.id, "label": clip.label, "truth": clip.captions[0].text, "caption": text})
    return {
        "action": float(np.mean([x for v in actions.values() for x in v])),
        "actions": {k: float(np.mean(v)) for k, v in actions.items()},
        "side": float(np.mean([x for v in sides.values() for x in v])),
        "sides": {k: float(np.mean(v)) for k, v in sides.items()},
        "doubled_words": float(np.mean([captions.doubled(r["caption"]) for r in rows])),
    }, rows


def retrieval(model: DiMo, clips: list, generator: np.random.Generator) -> dict:
    """Rank of a clip's own caption among those of 32 random clips, by each part of Score and by the rank made of them."""
    ranks: dict[str, list[int]] = defaultdict(list)
    order = generator.permutation(len(clips))
    for start in range(0, len(order) - POOL + 1, POOL):
        pool = [clips[i] for i in order[start : start + POOL]]
        ids = [model.pipeline.ids(c.captions[0].text) for c in pool]
        for k, clip in enumerate(pool):
            codes = model.codes(to_motion(model, clip))
            prior = float(score.log_motion(model.model, [codes]))
            found = score.score(model.model, ids, [codes] * POOL, motion_priors=[prior] * POOL)
            for name in ("rank", "motion", "text", "text_gain"):
                values = np.array([getattr(s, name) for s in found])
                ranks[name].append(int((values > values[k]).sum()))
    return {
        name: {f"top{k}": float(np.mean([r < k for r in v])) for k in (1, 2, 3, 5)} | {"clips": len(v)}
        for name, v in ranks.items()
    }


def bodies(motions: list[Motion]) -> dict[str, float]:
    rows = [physics.measure_body(m.joints(), m.fps) for m in motions if len(m) >= 20]
    return {name: float(np.mean([getattr(r, name) for r in rows])) for name in rows[0].__dataclass_fields__}


def physics_by_family(model: DiMo, clips: list, generated: dict[str, list[Motion]]) -> dict:
    """Generated motion of each prompt family beside real clips that do the same, and the mean over families.

    Families differ tenfold in how much feet move, so the mean of all prompts against that of all clips would compare
    how much of each set walks.
    """
    families = {}
    for family, labels in REAL.items():
        real = [to_motion(model, c) for c in clips if c.label in labels]
        if real and generated.get(family):
            families[family] = {"clips": len(real), "real": bodies(real), "generated": bodies(generated[family])}
    mean = {
        kind: {
            name: float(np.mean([f[kind][name] for f in families.values()])) for name in physics.Physics.__annotations__
        }
        for kind in ("real", "generated")
    }
    return {**mean, "families": families}


def popping(model: DiMo, clips: list) -> dict[str, float]:
    """99.9th percentile, in degrees, of the change of a joint's local rotation from one frame at 20 fps to the next.

    Of the retargeted clips, of the same encoded to features and decoded, and of the same through the codec. Positions
    leave the twist of a bone free, so a careless decoder lets it jump.
    """
    changes: dict[str, list[np.ndarray]] = defaultdict(list)
    for clip in clips:
        motion = to_motion(model, clip)
        decoded = humanml3d.decode_motion(humanml3d.encode(motion.joints()), motion.skeleton)
        for name, m in (("original", motion), ("decoded", decoded), ("codec", model.reconstruct(motion))):
            changes[name].append(np.degrees(quat_angle(m.rotations[1:], m.rotations[:-1])).ravel())
    return {name: float(np.percentile(np.concatenate(v), 99.9)) for name, v in changes.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "quality.json")
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--sources", help="whose clips are measured, with commas between them (default: all)")
    parser.add_argument("--pools", type=int, default=4, help="pools of 32 clips for retrieval")
    parser.add_argument("--parts", default=",".join(PARTS), help="of %(default)s; the others stay as they are in --out")
    parser.add_argument(
        "--keep", action="store_true", help='even if they are of other weights, which "kept" then names'
    )
    args = parser.parse_args()
    model = DiMo.from_pretrained(args.model)
    clips = read(args.data, args.split, 20)
    if args.sources:
        clips = [c for c in clips if c.source.startswith(tuple(args.sources.split(",")))]
    head = {"split": args.split, "clips": len(clips), "weights": model.config.get("sha256", {})}
    head |= {"sources": args.sources} if args.sources else {}
    before = json.loads(args.out.read_text()) if args.out.is_file() else {}
    same = {k: before.get(k) for k in head} == head
    report: dict = {**(before if same or args.keep else {}), **head}
    if args.keep and before:
        of = before.get("weights", {}).get("model.safetensors")
        last = before.get("kept", {})
        others = {part: last.get(part, of) for part in PARTS if part not in args.parts and part in before}
        report["kept"] = {part: sha for part, sha in others.items() if sha != head["weights"].get("model.safetensors")}
    if "codec" in args.parts:
        report["codec"] = codec(model, clips)
        report["popping_degrees"] = popping(model, clips)
    if "t2m" in args.parts:
        report["t2m"], generated = text_to_motion(model, args.guidance)
        report["physics"] = physics_by_family(model, clips, generated)
    if "m2t" in args.parts:
        report["m2t"], rows = motion_to_text(model, clips)
        drawn = np.random.default_rng(0).choice(len(rows), min(20, len(rows)), replace=False)
        report["captions"] = [rows[i] for i in drawn]
    if "retrieval" in args.parts:
        generator = np.random.default_rng(1)
        some = [clips[i] for i in generator.permutation(len(clips))[: POOL * args.pools]]
        report["retrieval"] = retrieval(model, some, generator)
    print(json.dumps({k: v for k, v in report.items() if k != "captions"}, indent=1))
    args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""What a codec loses, level by level, and whether its codes stay when a motion hardly changes; writes benchmarks/codec.json.

    python benchmarks/codec.py --data data/pack [--codec FOLDER ...] [--split val|test] [--clips N] [--out FILE]

Root-aligned error of joints in mm with the first 1, 2, ... levels, by collection; the share of base codes, and of all codes,
that stay when joints are moved by noise of 1 mm, when the body is 1 % larger, and when the clip begins one code step later;
how far apart the nearest and the second nearest code are, as a share of the nearest one's squared distance (median). And what
codes keep of actions: of real clips whose captions name one and whose check holds (metrics/checks.py), on all
splits but test, since there are few, how many still pass it with 1, 2, 3 and all levels; and of clips that are acted
(data/acted.py) on the bodies of val, which no training has seen.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clips import read

from dimo import checkpoint
from dimo.codec.codec import Codec
from dimo.data import compose
from dimo.data.acted import LABEL
from dimo.data.records import Clip
from dimo.features import humanml3d
from dimo.learn import codec as codec_learning
from dimo.learn import corpus
from dimo.learn.train import load_codec
from dimo.metrics import checks

HERE = Path(__file__).parent
ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "kick, left": (r"kicks? .*left (foot|leg)", {"check": "kick", "side": "left"}),
    "kick, right": (r"kicks? .*right (foot|leg)", {"check": "kick", "side": "right"}),
    "punch": ("punch", {"check": "punch", "side": "any"}),
    "throw": (r"throws? .*(ball|something|object|spear)|pitch", {"check": "throw"}),
    "clap": ("clap", {"check": "clap"}),
    "jumping jacks": ("jumping jack", {"check": "jacks"}),
    "hand to the head": ("drink", {"check": "hand_to_head"}),
    "wave, left": (r"waves? .*left", {"check": "wave", "side": "left"}),
    "leap": ("jump", {"check": "leap"}),
}
"""What a caption says, and the check that goes with it."""
MOST = 50
"""Clips of an action."""
ACTED: dict[str, dict[str, Any]] = {
    "salute": {"check": "hand_to_head"},
    "drink": {"check": "hand_to_head"},
    "phone": {"check": "hand_to_head"},
    "clap": {"check": "clap"},
    "reach_up": {"check": "reach_up"},
    "punch": {"check": "punch", "side": "any"},
    "throw": {"check": "throw"},
    "on_the_spot": {"check": "in_place"},
    "crouched": {"check": "low", "share": 0.15, "seconds": 1.0},
    "still": {"check": "still", "mps": 0.15},
}
"""The check of each kind that is acted."""
ATTEMPTS, SEED = 900, 5


def parts(clips: list[Clip]) -> dict[str, list[Clip]]:
    """Clips by collection: the beginning of the source's name."""
    names = sorted({c.source.split(" (")[0].split("-Research")[0] for c in clips})
    return {name: [c for c in clips if c.source.startswith(name)] for name in names}


def stability(codec: Codec, clips: list[Clip]) -> dict[str, dict[str, float]]:
    """Shares of codes that stay: base and all."""
    rng = np.random.default_rng(0)
    changes = {
        "noise of 1 mm": lambda j: j + rng.normal(0, 0.001 / np.sqrt(3), j.shape),
        "1 % larger": lambda j: 1.01 * j,
        "begun one code step later": lambda j: j[codec.config.stride :],
    }
    kept: dict[str, list[torch.Tensor]] = {name: [] for name in changes}
    for clip in clips:
        joints = np.asarray(clip.joints, float)
        true = encode(codec, joints)
        for name, change in changes.items():
            now = encode(codec, change(joints))
            kept[name].append(now == true[-len(now) :])
    return {
        name: {"base": float(torch.cat(v)[:, 0].float().mean()), "all": float(torch.cat(v).float().mean())}
        for name, v in kept.items()
    }


def encode(codec: Codec, joints: np.ndarray) -> torch.Tensor:
    return codec.encode(torch.from_numpy(humanml3d.encode(joints).astype(np.float32))[None])[0]


@torch.no_grad()
def ties(codec: Codec, clips: list[Clip]) -> list[float]:
    """For each level the median gap of the two nearest codes over the nearest one's squared distance."""
    features = [torch.from_numpy(f)[None] for f in corpus.feature_clips(clips)]
    residual = torch.cat([codec.encoder((f - codec.mean) / codec.std)[0] for f in features])
    out = []
    for book in codec.quantizer.codebooks:
        far = residual.square().sum(1, keepdim=True) + book.square().sum(1) - 2 * residual @ book.T
        two = far.topk(2, largest=False)
        out.append(float(((two.values[:, 1] - two.values[:, 0]) / two.values[:, 0].clamp_min(1e-9)).median()))
        residual = residual - book[two.indices[:, 0]]
    return out


def showing(clips: list[Clip]) -> dict[str, list[Clip]]:
    """Clips by action, whose caption names it and whose check holds on the clip itself."""
    out = {}
    for name, (said, check) in ACTIONS.items():
        named = [c for c in clips if any(re.search(said, t.text) for t in c.captions)]
        named = named[:: max(1, len(named) // (3 * MOST))]
        out[name] = [c for c in named if checks.check_all([check], np.asarray(c.joints, float), c.fps)][:MOST]
    return out


def acted(clips: list[Clip]) -> dict[str, list[Clip]]:
    """Clips by what is acted in them, on the bodies of these clips, whose check holds on the clip itself."""
    made = compose.make(compose.banks(clips, SEED), ATTEMPTS, SEED, only=("acted",))
    out = {}
    for name, check in ACTED.items():
        own = [c for c in made if c.label == LABEL + name]
        out[name] = [c for c in own if checks.check_all([check], np.asarray(c.joints, float), c.fps)][:MOST]
    return out


def kept(codec: Codec, groups: dict[str, list[Clip]], asked: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Of each action's clips those that still pass what is asked of them with the first levels."""
    report = {}
    for name, clips in groups.items():
        passed = dict.fromkeys((n for n in (1, 2, 3, codec.config.levels) if n <= codec.config.levels), 0)
        for clip in clips:
            codes = encode(codec, np.asarray(clip.joints, float))[None]
            for n in passed:
                joints = humanml3d.decode(codec.decode(codes[..., :n])[0, : len(clip.joints)].double().numpy())
                passed[n] += checks.check_all([asked[name]], joints, codec.config.fps)
        report[name] = {"clips": len(clips), **{f"levels_{n}": k for n, k in passed.items()}}
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/pack"))
    parser.add_argument("--codec", type=Path, action="append", help="may be repeated (default: the packaged one)")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--clips", type=int, default=150, help="at most so many of each collection, spread evenly")
    parser.add_argument("--out", type=Path, default=HERE / "codec.json")
    args = parser.parse_args()
    groups = parts(read(args.data, args.split, 20))
    groups = {
        k: [v[i] for i in np.unique(np.linspace(0, len(v) - 1, args.clips).round().astype(int))]
        for k, v in groups.items()
    }
    every = [c for v in groups.values() for c in v[: max(1, args.clips // 4)]]
    acting = showing([c for split in ("train", "val") for c in read(args.data, split, 20)])
    played = acted(read(args.data, "val", 20))
    report: dict[str, Any] = {"split": args.split, "clips": {k: len(v) for k, v in groups.items()}, "codecs": []}
    for folder in args.codec or [checkpoint.packaged_folder()]:
        codec = load_codec(folder)
        codec.eval()
        measured = {k: codec_learning.measure(codec, corpus.feature_clips(v)) for k, v in groups.items()}
        row = {
            "folder": folder.name,
            "sha256": checkpoint.sha256(folder / "codec.safetensors"),
            "mpjpe_mm": {
                k: {n: round(x, 2) for n, x in m.items() if n.startswith("mpjpe")} for k, m in measured.items()
            },
            "path_error_4s_mm": {
                k: round(m["path_error_4s_mm"], 1) for k, m in measured.items() if np.isfinite(m["path_error_4s_mm"])
            },
            "kept": stability(codec, every),
            "ties": ties(codec, every),
            "actions": kept(codec, acting, {name: check for name, (_, check) in ACTIONS.items()}),
            "acted": kept(codec, played, ACTED),
        }
        report["codecs"].append(row)
        print(json.dumps(row, indent=1))
    args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

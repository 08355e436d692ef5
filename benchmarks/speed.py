"""Speed and memory of generating and captioning on this machine; writes benchmarks/speed.json.

python benchmarks/speed.py [--model FOLDER] [--data SOURCE] [--out benchmarks/speed.json]

benchmarks/speed-avx2.json is of a processor that does not multiply bf16.

With --data, a folder of motion files as dimo prepare reads it, also how many clips of it are prepared in a second (its
archives, if it has any, are unpacked before the clock starts).
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
TEXT = "a person walks forward while waving with the right hand"
TURNS = "a person walks forward and then waves with the right hand"
"""Two windows, and the seam between them once more."""


def seconds(call: Callable[[], object], times: int) -> dict[str, float]:
    call()
    values = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        values.append(time.perf_counter() - began)
    return {
        "median_s": round(statistics.median(values), 4),
        "min_s": round(min(values), 4),
        "max_s": round(max(values), 4),
    }


def prepare_rate(source: Path, archives: Path) -> float:
    """Clips a second, mirror images, crops and captions included, over the whole source."""
    from dimo.data import prepare, sources
    from dimo.scale.pool import Pool

    count = len(sources.jobs(source, archives))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        prepare.prepare(source, Path(folder), prepare.PrepareOptions(), executor=Pool(2), archives=archives)
        return count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "speed.json")
    parser.add_argument("--data", type=Path, help="a source for dimo prepare")
    parser.add_argument("--archives", type=Path, default=Path("data/pack/unpacked"))
    parser.add_argument("--times", type=int, default=15)
    args = parser.parse_args()
    import torch

    from dimo.api import DiMo
    from dimo.cli.doctor import CPU_FLAGS, cpu_features

    torch.set_num_threads(2)
    model = DiMo.from_pretrained(args.model)
    motion = model.generate(TEXT, seconds=4, seed=0)[0]
    report: dict = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "features": sorted(set(CPU_FLAGS) & cpu_features()[1]),
            "precision": str(next(model.model.parameters()).dtype).removeprefix("torch."),
            "threads": 2,
            "torch": torch.__version__,
        },
        "generate_4s_10_steps": seconds(lambda: model.generate(TEXT, seconds=4, steps=10, seed=0), args.times),
        "generate_4s_10_steps_no_guidance": seconds(
            lambda: model.generate(TEXT, seconds=4, steps=10, seed=0, guidance=1.0), args.times
        ),
        "generate_4s_of_two_turns": seconds(lambda: model.generate(TURNS, seconds=4, steps=10, seed=0), args.times),
        "caption_4s": seconds(lambda: model.caption(motion), args.times),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    with tempfile.TemporaryDirectory() as folder:
        dimo, out = str(Path(sys.executable).parent / "dimo"), Path(folder) / "out.glb"
        command = [dimo, "generate", TEXT, "-o", str(out), "--seconds", "4", "--seed", "0"]
        if args.model:
            command += ["--model", str(args.model)]
        report["shell_generate_to_glb"] = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 3)
        assert out.stat().st_size > 10_000, "the command timed above wrote no motion"
        report["shell_help"] = seconds(lambda: subprocess.run([dimo, "--help"], check=True, capture_output=True), 5)
    if args.data:
        report["prepare_clips_per_second"] = round(prepare_rate(args.data, args.archives), 1)
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

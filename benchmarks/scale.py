"""What `dimo batch` costs: motions a second of one and of two workers, and how cost grows with prompts; writes scale.json.

    python benchmarks/scale.py && python benchmarks/tables.py             # 100 and 1,000 prompts; then into docs/scale.md
    python benchmarks/scale.py --prompts 100 1000 10000                   # the whole table: a quarter of an hour more
    python benchmarks/scale.py --prompts 5 --rate-prompts 5 --runs 1 --index 100 --size 2 --output tiny.json    # a try

Prompts are the ordinary sentences over and over, 4 s each, drawn in 10 rounds, written as NPZ. Each measurement is a process
of its own, whose peak memory is that of the one who hands out prompts; with two workers it draws nothing itself. `index` is
that bookkeeping alone, with empty files for motions, at sizes that nobody waits for. Linux: memory is told in its units.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS, STEPS = 4, 10


def prompts_file(folder: Path, count: int) -> Path:
    """A file of `count` prompts."""
    lines = (HERE / "prompts_ordinary.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    path = folder / "prompts.txt"
    path.write_text("".join(f"{SECONDS}s {texts[i % len(texts)]}\n" for i in range(count)), encoding="utf-8")
    return path


def peak_mb(who: int) -> int:
    return round(resource.getrusage(who).ru_maxrss / 1024)


# ---- in a process of its own


def batch(folder: Path, count: int, workers: int, size: int, model: Path | None) -> dict[str, Any]:
    """One batch into a new folder, and the same command again, which finds it made."""
    from dimo.batch.make import Plan
    from dimo.batch.prompts import read_prompts
    from dimo.batch.run import run
    from dimo.diffusion.options import SampleOptions
    from dimo.scale.pool import Pool

    prompts = read_prompts(prompts_file(folder, count))
    plan = Plan(folder / "made", ".npz", SampleOptions(steps=STEPS, seed=0), model=model)
    executor = Pool(workers) if workers > 1 else None
    told: list[tuple[float, int]] = []
    began = time.perf_counter()
    result = run(
        prompts, plan, executor=executor, size=size, tell=lambda n: told.append((time.perf_counter() - began, n))
    )
    seconds = time.perf_counter() - began
    assert (result.made, result.failed) == (count, 0), result
    while multiprocessing.active_children():  # which are counted once they have ended
        time.sleep(0.05)
    parent, child = peak_mb(resource.RUSAGE_SELF), peak_mb(resource.RUSAGE_CHILDREN)
    before = time.perf_counter()
    assert run(prompts, plan, executor=executor, size=size).before == count
    rerun = time.perf_counter() - before
    # told[0] is of what was there before: none. When each worker has done a shard, all have loaded the model.
    loaded, already = told[workers][0], sum(n for _, n in told[1 : workers + 1])
    return {
        "workers": workers,
        "prompts": count,
        "seconds": round(seconds, 2),
        "first_s": round(told[1][0], 2),
        "motions_per_s": round((count - already) / (told[-1][0] - loaded), 2),
        "rerun_s": round(rerun, 2),
        "peak_parent_mb": parent,
        "peak_worker_mb": child if workers > 1 else parent,
        "index_bytes": (plan.folder / "index.jsonl").stat().st_size,
        "motion_bytes": round(statistics.mean(p.stat().st_size for p in plan.folder.glob("*.npz"))),
    }


def index(folder: Path, count: int) -> dict[str, Any]:
    """The index of `count` prompts, written and found again, without a model."""
    from dimo.batch.folder import Folder, held
    from dimo.batch.prompts import read_prompts

    clock = time.perf_counter
    began = clock()
    prompts = read_prompts(prompts_file(folder, count))
    read = clock() - began
    made = folder / "made"
    with held(made):
        new = Folder(made, prompts, {})
        for prompt in prompts:
            (made / f"{prompt.id}.npz").touch()
            about = {"seconds": 4.0, "seed": prompt.seed_of(0), "file": f"{prompt.id}.npz"}
            row = {"id": prompt.id, "text": prompt.text, **about, "weights": "0" * 16, "key": prompt.key}
            new.rows[prompt.id] = json.dumps(row) + "\n"
        began = clock()
        new.write()
        write = clock() - began
        del new
        began = clock()
        assert not Folder(made, prompts, {}).missing
        found = clock() - began
    return {
        "prompts": count,
        "prompts_read_s": round(read, 2),
        "index_written_s": round(write, 2),
        "index_read_s": round(found, 2),
        "index_bytes": (made / "index.jsonl").stat().st_size,
        "peak_parent_mb": peak_mb(resource.RUSAGE_SELF),
    }


# ---- the whole


def measured(what: str, *flags: object) -> dict[str, Any]:
    """A measurement in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", what, folder, *map(str, flags)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    print(done.stdout.strip(), file=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def rate(args: argparse.Namespace, workers: int) -> dict[str, Any]:
    """The median of several runs, and how far they lie apart."""
    runs = [measured("batch", args.rate_prompts, workers, args.size, args.model or "") for _ in range(args.runs)]
    runs.sort(key=lambda run: run["motions_per_s"])
    ends = {"least_per_s": runs[0]["motions_per_s"], "most_per_s": runs[-1]["motions_per_s"]}
    return {**runs[len(runs) // 2], "runs": len(runs), **ends}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, nargs="+", default=[100, 1000], help="of the growth (default: 100 1000)")
    parser.add_argument("--rate-prompts", type=int, default=256, help="of the rates; more than --size times workers")
    parser.add_argument("--runs", type=int, default=3, help="of each rate")
    parser.add_argument("--index", type=int, default=100_000, help="prompts of the bookkeeping alone")
    parser.add_argument("--size", type=int, default=32, help="prompts drawn together")
    parser.add_argument("--model", type=Path, help="another weights folder than the packaged one")
    parser.add_argument("--output", type=Path, default=HERE / "scale.json")
    args = parser.parse_args()
    if min(args.rate_prompts, *args.prompts) <= 2 * args.size:
        parser.error(f"two workers need more than {2 * args.size} prompts (twice --size), to have a rate")
    import torch

    report = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "torch": torch.__version__,
        },
        "setting": {"seconds": SECONDS, "steps": STEPS, "size": args.size, "format": "npz"},
        "rate": [rate(args, workers) for workers in (1, 2)],
        "growth": [measured("batch", count, 2, args.size, args.model or "") for count in args.prompts],
        "index": measured("index", args.index),
    }
    args.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def child(what: str, folder: str, count: str, workers: str = "1", size: str = "32", model: str = "") -> None:
    place = Path(folder)
    if what == "index":
        print(json.dumps(index(place, int(count))))
    else:
        print(json.dumps(batch(place, int(count), int(workers), int(size), Path(model) if model else None)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()

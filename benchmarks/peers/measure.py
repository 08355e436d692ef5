"""Measure peers beside ours, by the same rows, checks and clocks; writes benchmarks/peers/peers.json.

    python benchmarks/peers/measure.py --data DATA [--model FOLDER] [--peer FOLDER ...]
        [--parts motions,checks,latency] [--split test] [--limit N] [--repeats 20] [--protocol humanml3d] [--work FOLDER]

motions: FID, R-Precision, MM-Dist, Diversity and the body's physics of the same trials that `dimo evaluate --protocol
humanml3d` asks (evaluate.measure), by every evaluator; what was made is kept in --work, so that a run that was cut off goes
on. checks: 4 motions of each sentence of prompts_ordinary.jsonl and prompts_dev.jsonl, as people get them, of which all
checks must hold. latency: seconds for one motion of 2, 4 and 8 s on two threads, from the sentence to joints. --model is
ours (the packaged one is not of the peers' budget: name one that was trained as they were). What stands in the JSON of
other parts, and of systems that are not named, stays there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import system
import torch
from system import System

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.data import heldout
from dimo.device import find
from dimo.errors import DimoError, FormatError, RequestError
from dimo.evaluate.measure import Row, run_rows, summarise
from dimo.evaluate.protocol import Plan, usable
from dimo.evaluate.rows import ModelRows, real
from dimo.evaluate.settings import PROTOCOLS, Settings
from dimo.evaluate.store import Store
from dimo.evaluators.evaluator import Evaluator
from dimo.evaluators.find import find_all
from dimo.features.layouts import FPS
from dimo.formats.files import write_atomically
from dimo.metrics import checks
from dimo.tasks import generate

HERE = Path(__file__).parent
OUT = HERE / "peers.json"
FORMAT, VERSION = "dimo-peers", 1
PARTS = ("motions", "checks", "latency")
PROMPTS = ("ordinary", "dev")
SAMPLES = 4
TEXT = "a person walks forward and then waves with the right hand"
SECONDS = (2, 4, 8)
TIMES, THREADS = 5, 2
TRAINED = "training"
"""Key of what is known of a system's training; the parts stand beside it."""


@dataclass(frozen=True)
class Measured:
    """What is measured of a system: a row of an evaluation, and a function of sentences, frames and seeds."""

    row: Row
    motions: Callable[..., list[Motion]]
    facts: Mapping[str, Any]


def ours(folder: Path, device: str, work: Path, settings: Settings) -> Measured:
    """A model of ours alone, without memory and recall, which no peer has."""
    model = DiMo.from_pretrained(folder, device=device)
    store = Store(work, [model.fingerprint(), settings.split])
    fps = model.codec.config.fps

    def motions(texts: Sequence[str], frames: Sequence[int], seeds: Sequence[int], *, own: bool | None = None):
        asked = zip(texts, frames, seeds, strict=True)
        requests = [generate.generate(model.pipeline, text, n / fps, seed) for text, n, seed in asked]
        return model.pipeline.make(requests, settings.options, recall=0.0)

    provenance = model.config.get("provenance", {}).get("model", {})
    done = folder / "done.json"  # of a training of dimo ablate
    facts = {
        "steps": provenance.get("steps"),
        "parameters": sum(p.numel() for p in model.model.parameters()),
        "seconds_a_step": json.loads(done.read_text())["seconds_a_step"] if done.is_file() else None,
    }
    return Measured(ModelRows(model, settings, store).generate(), motions, facts)


def theirs(peer: System, store: Store, settings: Settings) -> Measured:
    return Measured(peer.row(store, straight=settings.protocol == "humanml3d"), peer.motions, peer.facts)


# ---- the parts


def measure_motions(
    systems: Mapping[str, Measured], clips: Sequence, evaluators: Sequence[Evaluator], plan: Plan, say: Callable
) -> dict[str, dict[str, Any]]:
    """Cells of the real row and of every system, by evaluator; the body's by the first one alone."""
    rows: dict[str, Row] = {"real": real, **{name: each.row for name, each in systems.items()}}
    out: dict[str, dict[str, Any]] = {name: {} for name in rows}
    for index, evaluator in enumerate(evaluators or (None,)):
        found = run_rows(rows, clips, evaluator, plan, body=index == 0, tick=say)
        for name, answers in found.items():
            cells = {k: c.to_json() for k, c in summarise(answers.outcomes).items()}
            out[name][evaluator.name if evaluator else "none"] = cells
    return out


def measure_checks(each: Measured, prompts: Sequence[Mapping[str, Any]], fps: float) -> dict[str, Any]:
    """Share of motions all of whose checks hold: the mean over sentences and its standard error, and by family."""
    held: dict[str, list[float]] = {}
    for prompt in prompts:
        frames = [round(prompt["seconds"] * fps)] * SAMPLES
        made = each.motions([prompt["text"]] * SAMPLES, frames, list(range(SAMPLES)))
        passed = [checks.check_all(prompt["checks"], m.joints(), m.fps) for m in made]
        held.setdefault(prompt["family"], []).append(float(np.mean(passed)))
    values = [x for family in held.values() for x in family]
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {
        "passed": float(np.mean(values)),
        "standard_error": error,
        "sentences": len(values),
        "samples": SAMPLES,
        "families": {name: float(np.mean(family)) for name, family in held.items()},
    }


def measure_latency(each: Measured, fps: float) -> dict[str, Any]:
    """Median, least and most seconds for one motion of each length; a peer that ends by itself makes all of it here."""
    out = {}
    for seconds in SECONDS:
        asked = [TEXT], [round(seconds * fps)], [0]
        each.motions(*asked, own=False)  # what is slow once is left out
        found = []
        for _ in range(TIMES):
            began = time.perf_counter()
            each.motions(*asked, own=False)
            found.append(time.perf_counter() - began)
        out[str(seconds)] = {"median_s": statistics.median(found), "min_s": min(found), "max_s": max(found)}
    return out


# ---- the file


def known(path: Path) -> dict[str, Any]:
    """What the file holds; FormatError where it is another file."""
    if not path.is_file():
        return {"format": FORMAT, "version": VERSION, "conditions": {}, "systems": {}}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(f"not readable as JSON ({error})", path=path) from None
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise FormatError(f'not a file of measure.py ("format": "{FORMAT}", "version": {VERSION})', path=path)
    return data


def laid(
    before: Mapping[str, Any], part: str, conditions: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    """The file with a part of some systems put in. Numbers of that part made under other conditions are no comparison: they go."""
    systems = {name: dict(parts) for name, parts in before["systems"].items()}
    if before["conditions"].get(part) != conditions:
        for parts in systems.values():
            parts.pop(part, None)
    for name, numbers in found.items():
        systems.setdefault(name, {})[part] = numbers
    return {**before, "conditions": {**before["conditions"], part: dict(conditions)}, "systems": systems}


def write(path: Path, data: Mapping[str, Any]) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


# ---- the command


def open_systems(args: argparse.Namespace, settings: Settings) -> tuple[dict[str, Measured], float]:
    """The systems that are named, by name, and their frames a second."""
    place, texts, fps = find(args.device), None, FPS
    found: dict[str, Measured] = {}
    if args.model is not None:
        found["dimo"] = ours(args.model, args.device, args.work, settings)
    for folder in args.peer:
        peer = system.load(folder, place, texts)
        texts = peer.texts
        if peer.codec.config.fps != fps:
            raise RequestError(f"{folder}: its codec has {peer.codec.config.fps:g} frames a second, the others {fps:g}")
        if peer.kind in found:
            raise RequestError(f"{folder}: there is a peer of the kind {peer.kind} already; one of each is compared")
        found[peer.kind] = theirs(peer, Store(args.work, [peer.key, settings.split]), settings)
    if not found:
        raise RequestError("name what to measure: --model FOLDER for ours, --peer FOLDER for each peer")
    return found, fps


def run(args: argparse.Namespace) -> None:
    parts = [p.strip() for p in args.parts.split(",") if p.strip()]
    if wrong := [p for p in parts if p not in PARTS]:
        raise RequestError(f"--parts: no {wrong[0]!r}; there are {', '.join(PARTS)}")
    if "motions" in parts and args.data is None:
        raise RequestError(
            "motions are measured on clips: name a prepared folder with --data, or leave them out of --parts"
        )
    data = known(args.out)
    torch.set_num_threads(THREADS)
    settings = Settings(
        repeats=args.repeats, protocol=args.protocol, recall=0.0, memory=0.0, samples=0, split=args.split
    )
    systems, fps = open_systems(args, settings)
    data = laid(data, TRAINED, {}, {name: dict(each.facts) for name, each in systems.items()})
    if "motions" in parts:
        clips = usable(heldout.load(args.data, args.split, limit=args.limit))
        evaluators = [e.to(find(args.device)) for e in find_all()]
        asked = {
            "split": args.split,
            "clips": len(clips),
            "data": heldout.fingerprint(clips),
            "repeats": args.repeats,
            "protocol": args.protocol,
            "evaluators": {e.name: e.sha256 for e in evaluators},
        }
        tick = (lambda _: None) if args.quiet else (lambda name: print(name, end=" ", file=sys.stderr, flush=True))
        found = measure_motions(systems, clips, evaluators, Plan(args.repeats), tick)
        data = laid(data, "motions", asked, found)
        write(args.out, data)
    if "checks" in parts:
        for name, each in systems.items():
            of_each = {}
            for file in PROMPTS:
                lines = (HERE.parent / f"prompts_{file}.jsonl").read_text(encoding="utf-8").splitlines()
                of_each[file] = measure_checks(each, [json.loads(line) for line in lines], fps)
            data = laid(data, "checks", {"samples": SAMPLES}, {name: of_each})
            write(args.out, data)
    if "latency" in parts:
        asked = {"threads": THREADS, "times": TIMES, "torch": torch.__version__, "text": TEXT}
        for name, each in systems.items():
            data = laid(data, "latency", asked, {name: measure_latency(each, fps)})
            write(args.out, data)
    write(args.out, data)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DIR", type=Path)
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="ours, trained with the peers' budget")
    parser.add_argument("--peer", metavar="FOLDER", type=Path, action="append", default=[], help="may be given again")
    parser.add_argument("--parts", default=",".join(PARTS), help="(default: %(default)s)")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--limit", type=int, metavar="N", help="only N clips, spread over the split")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--protocol", default="humanml3d", choices=PROTOCOLS)
    parser.add_argument("--work", metavar="FOLDER", type=Path, default=Path("runs/peers/measured"))
    parser.add_argument("--out", metavar="FILE", type=Path, default=OUT)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args(argv)
    try:
        run(args)
    except DimoError as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 2
    print(f"{args.out}; python benchmarks/peers/table.py writes docs/peers.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

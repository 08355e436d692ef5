"""The work of `dimo evaluate`: data, encoder and model are loaded, tasks are run, and everything becomes one report."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dimo import __version__, checkpoint
from dimo.api import DiMo
from dimo.body.retarget import retarget
from dimo.body.skeleton import preset
from dimo.cli.evaluate_rows import ModelRows, multimodality
from dimo.cli.progress import progress
from dimo.data import heldout, shards
from dimo.data.records import Caption, Clip
from dimo.data.sources import humanml3d
from dimo.data.sources.pack import rows as read_rows
from dimo.diffusion.sample import SampleOptions
from dimo.errors import FormatError, RequestError
from dimo.evaluate import protocol, published, text_protocol
from dimo.evaluate.cache import Store
from dimo.evaluate.protocol import Plan, Request
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluators.find import Evaluator, WithTokens, find_all
from dimo.evaluators.guo import GuoEvaluator
from dimo.features.humanml3d import encode as _encode
from dimo.formats.files import read_text
from dimo.formats.table import READ, load

MULTIMODAL = 30
CAPTIONS_LIMIT = 64 * 2**20
Features = Callable[[Request], np.ndarray]
"""A collection's own features of the true crop that a request is about."""


def evaluate_model(
    args: argparse.Namespace, tasks: Sequence[str], names: Sequence[str], sweeps: Mapping[str, Sequence[float]]
) -> tuple[dict[str, Any], Samples | None]:
    """A dimo model on the clips of a split."""
    began = time.monotonic()
    torch.set_num_threads(args.threads or torch.get_num_threads())
    folder = args.model or checkpoint.packaged_folder()
    model = DiMo.from_pretrained(args.model)
    if "levels" in sweeps and max(sweeps["levels"]) > model.codec.config.levels:
        raise RequestError(f"--sweep levels: the codec has {model.codec.config.levels}")
    judges = find_all(args.evaluator, folder)
    with progress("clips", 1, quiet=args.quiet) as tick:
        clips = protocol.usable(heldout.load(args.data, args.split, archives=args.archives, limit=args.limit))
        tick("read")
    if len(clips) < 2:
        raise RequestError(f"{args.data}: the split {args.split!r} holds fewer than 2 usable clips")
    judged, *others = [published_files(j, args.data) for j in judges]
    judge = judged[0]
    options = replace(SampleOptions(), **{k: v for k in ("steps", "guidance") if (v := getattr(args, k)) is not None})
    plan = Plan(args.repeats, args.seed, lengths=args.lengths)
    hashes = {"weights": _weights(model), "data": heldout.fingerprint(clips)}
    store = Store(args.output / "generated", [hashes, model.fingerprint(), args.split, args.limit])
    rows = ModelRows(model, options, store, lengths=args.lengths, footlock=not args.no_footlock)
    report = _head(args, clips, judge, plan, hashes, {"sampling": asdict(options), "footlock": not args.no_footlock})
    seconds: dict[str, float] = report["settings"]["seconds"]
    kept: dict[str, tuple[Sequence[Request], Sequence[np.ndarray]]] = {}
    said: list[str] = []
    if "t2m" in tasks:
        start = time.monotonic()
        made = _t2m(args, report, rows, names, clips, judged, plan, kept, sweeps)
        seconds["t2m"] = time.monotonic() - start
        for other in others if made else ():
            start = time.monotonic()
            _second(args, report, made, clips, other, plan)
            seconds["t2m_second"] = time.monotonic() - start
    if "m2t" in tasks and not report.get("stopped"):
        batches = -(-len(clips) // plan.batch)
        with progress("m2t", batches, quiet=args.quiet) as tick:
            start = time.monotonic()
            said = rows.captions(clips, plan.batch, tick)
        found = text_protocol.run_texts({"model": said}, clips, judge.encoder, plan, judge.states)
        note = "raw: words as written; lem.: TM2T's lemmatised form, by dimo's tagger; the two do not compare"
        report["tasks"]["m2t"] = {"rows": found, "note": note}
        report["confusion"] = text_protocol.confusion(said, clips)
        seconds["m2t"] = time.monotonic() - start
    part = heldout.spread(clips, args.part)
    for task, work, first in (
        ("m2m", lambda tick: rows.complete(part, args.seed, tick), "without a text"),
        ("codec", lambda tick: rows.codec_levels(clips, tick), "levels"),
        ("correct", lambda tick: rows.correct(part, args.seed, tick), "words exchanged"),
    ):
        if task in tasks and not report.get("stopped"):
            total = {"m2m": 2 * len(part), "codec": len(clips), "correct": len(part)}[task]
            start = time.monotonic()
            with progress(task, total, quiet=args.quiet) as tick:
                note = f"{len(clips if task == 'codec' else part)} clips"
                report["tasks"][task] = {"rows": work(tick), "first": first, "note": note}
            seconds[task] = time.monotonic() - start
    if args.published:
        _print_published(report, args.published)
    seconds["all"] = time.monotonic() - began
    return report, _samples(args, clips, kept, said)


def published_files(judge: Evaluator, data: Path) -> tuple[Evaluator, Features | None]:
    """With the published evaluator on a HumanML3D directory: its own tokens, and its own feature vectors of true crops."""
    if not isinstance(judge.encoder, GuoEvaluator) or not judge.comparable or not humanml3d.is_humanml3d(data):
        return judge, None
    encoder = judge.encoder
    if encoder.networks.features != 263:
        raise RequestError(
            "this evaluator reads 21 joints (KIT-ML), and motions are on 22 here; use the one of HumanML3D or one of ours"
        )

    def features(request: Request) -> np.ndarray:
        path = data / "new_joint_vecs" / f"{request.clip.id}.npy"
        if not path.is_file():  # a tagged part of a clip
            return _encode(request.truth, "published").astype(np.float32)
        return np.load(path, allow_pickle=False)[request.start : request.start + request.frames].astype(np.float32)

    return replace(judge, encoder=WithTokens(encoder, humanml3d.published_tokens(data))), features


def _rows(args: argparse.Namespace, rows: ModelRows, names: Sequence[str], judge: Evaluator) -> dict[str, protocol.Row]:
    """The rows asked for by name, in their order; the real one always."""
    made: dict[str, protocol.Row] = {"real": protocol.real, "codec": rows.reconstruct, "shuffled": protocol.shuffled}
    if "nearest" in names and (row := _nearest(args, judge)) is not None:
        made["nearest"] = row
    made["model"] = rows.generate()
    return {n: made[n] for n in made if n in names or n == "real"}


def _real_row(
    args: argparse.Namespace,
    table: dict[str, Any],
    clips: Sequence[Clip],
    judge: Evaluator,
    plan: Plan,
    *,
    features: Features | None = None,
    keep: protocol.Keep = lambda *_: None,
    body: bool = True,
) -> str | None:
    """Measure the real row alone; why a published encoder does not reproduce the published one, so that it may judge no other."""
    found = protocol.run_rows(
        {"real": protocol.real}, clips, judge.encoder, plan, truth_features=features, keep=keep, body=body
    )
    table["real"] = protocol.summarise(found["real"])
    return published.mismatch(table["real"], args.published or "HumanML3D") if judge.comparable else None


def _keep_first(kept: dict[str, tuple[Sequence[Request], Sequence[np.ndarray]]]) -> protocol.Keep:
    """Puts every row's requests and motions of the first repeat into `kept`."""

    def keep(name: str, repeat: int, requests: Sequence[Request], motions: Sequence[np.ndarray]) -> None:
        if repeat == 0:
            kept[name] = (requests, motions)

    return keep


def _t2m(
    args: argparse.Namespace,
    report: dict[str, Any],
    rows: ModelRows,
    names: Sequence[str],
    clips: Sequence[Clip],
    judged: tuple[Evaluator, Features | None],
    plan: Plan,
    kept: dict,
    sweeps: Mapping[str, Sequence[float]],
) -> dict[str, protocol.Row]:
    """The table of t2m, checks and sweeps into the report; the rows that were measured, none where the real one stopped it."""
    judge, features = judged
    table: dict[str, Any] = {}
    report["tasks"]["t2m"] = {"rows": table, "note": f"lengths: {args.lengths}"}
    keep = _keep_first(kept)
    # The real row first: what does not reproduce it must not be used for a model.
    if judge.comparable and (reason := _real_row(args, table, clips, judge, plan, features=features, keep=keep)):
        report["stopped"] = reason
        report["notes"].append(f"No row of the model is printed: {reason}.")
        return {}
    made = _rows(args, rows, names, judge)
    batches = max(1, len(clips) // plan.batch)
    with progress("t2m", batches * len(made) * plan.repeats, quiet=args.quiet) as tick:
        outcomes = protocol.run_rows(
            made, clips, judge.encoder, plan, truth_features=features, progress=tick, keep=keep
        )
    for name, found in outcomes.items():
        table[name] = protocol.summarise(found)
    report["checks"] = {n: protocol.check_table(kept[n][1], kept[n][0]) for n in kept if n != "codec"}
    if args.multimodality and judge.encoder is not None and "model" in made:
        encoder, requests = judge.encoder, kept["model"][0][: args.multimodality]
        value = multimodality(
            rows, requests, MULTIMODAL, lambda m: protocol.embed_motions(encoder, m), np.random.default_rng(args.seed)
        )
        table["model"]["mmodality"] = protocol.entry([value])
        report["notes"].append(f"MModality over {len(requests)} texts, {MULTIMODAL} motions each, one repeat.")
    for name, values in sweeps.items():
        report.setdefault("sweeps", {})[name] = _swept(args, rows, clips, judge, plan, name, values)
    return made


def _second(
    args: argparse.Namespace,
    report: dict[str, Any],
    made: Mapping[str, protocol.Row],
    clips: Sequence[Clip],
    judged: tuple[Evaluator, Features | None],
    plan: Plan,
) -> None:
    """The same rows by another encoder: what both say is less likely to be a quirk of one."""
    judge, features = judged
    table: dict[str, Any] = {}
    report["tasks"]["t2m_second"] = {"rows": table, "encoder": judge.facts}
    if judge.comparable and (reason := _real_row(args, table, clips, judge, plan, features=features, body=False)):
        report["notes"].append(f"The second encoder judges no row of the model: {reason}.")
        return
    batches = max(1, len(clips) // plan.batch)
    with progress("second encoder", batches * len(made) * plan.repeats, quiet=args.quiet) as tick:
        found = protocol.run_rows(made, clips, judge.encoder, plan, truth_features=features, progress=tick, body=False)
    table.update({name: protocol.summarise(outcomes) for name, outcomes in found.items()})


def _swept(
    args: argparse.Namespace,
    rows: ModelRows,
    clips: Sequence[Clip],
    judge: Evaluator,
    plan: Plan,
    name: str,
    values: Sequence[float],
) -> list[dict[str, Any]]:
    """One repeat of t2m at each value."""
    out = []
    once = replace(plan, repeats=1)
    with progress(f"sweep of {name}", len(values) * max(1, len(clips) // plan.batch), quiet=args.quiet) as tick:
        for value in values:
            if name == "levels":
                row = rows.generate(levels=int(value))
            else:
                row = rows.generate({name: int(value) if name == "steps" else value})
            found = protocol.run_rows({"model": row}, clips, judge.encoder, once, progress=tick)["model"]
            out.append({"value": value, "metrics": protocol.summarise(found)})
    return out


def _nearest(args: argparse.Namespace, judge: Evaluator) -> protocol.Row | None:
    """The row of the nearest training clip; None where the collection is not prepared, so that its training part is unread."""
    if args.split == "train" or not any(args.data.glob("*.parquet")):
        return None
    train = [c for c in shards.read(args.data, "train") if not c.composite and c.captions and len(c.joints) >= 20]
    if not train:
        return None
    first: dict[str, int] = {}  # the first clip of each caption
    for i, clip in enumerate(train):
        for text in clip.captions:
            if text.kind == "written":
                first.setdefault(text.text, i)
    return protocol.nearest(train, list(first), list(first.values()), judge.sentences) if first else None


def evaluate_motions(args: argparse.Namespace) -> tuple[dict[str, Any], Samples | None]:
    """Motions of any system, by files; real clips of --data, where given, are the first row and what FID is against."""
    clips = protocol.usable(read_motions(args.motions, args.captions))  # before the encoder: bad files are told at once
    judge, *others = find_all(args.evaluator, args.model or checkpoint.packaged_folder())
    if len(clips) < 2:
        raise RequestError(f"{args.motions}: fewer than 2 motions there have a caption in {args.captions}")
    clips = heldout.spread(clips, args.limit)
    plan = Plan(args.repeats, args.seed, crop=False)
    truth = []
    if args.data is not None:
        truth = protocol.usable(heldout.load(args.data, args.split, archives=args.archives))
    report = _head(args, clips, judge, plan, {"motions": heldout.fingerprint(clips)}, {})
    kept: dict[str, Any] = {}
    table: dict[str, Any] = {}
    report["tasks"]["t2m"] = {"rows": table, "note": "motions as they are, not cropped"}
    if truth:
        report["hashes"]["data"] = heldout.fingerprint(truth)
        if reason := _real_row(args, table, truth, judge, plan):
            report["notes"].append(f"No row of the system is printed: {reason}.")
            return report, None
    else:
        report["notes"].append("No --data was given, so there is no real row and no FID.")
    with progress("motions", plan.repeats * max(1, len(clips) // plan.batch), quiet=args.quiet) as tick:
        found = protocol.run_rows(
            {"system": protocol.real},
            clips,
            judge.encoder,
            plan,
            reference=truth,
            progress=tick,
            keep=_keep_first(kept),
        )
    table["system"] = protocol.summarise(found["system"])
    report["checks"] = {"system": protocol.check_table(kept["system"][1], kept["system"][0])}
    for other in others:
        _second_of_system(args, report, clips, truth, other, plan)
    if args.published:
        _print_published(report, args.published)
    requests, motions = kept["system"]
    drawn = np.random.default_rng(args.seed).permutation(len(requests))[: args.samples]
    items = tuple(Sample(requests[i].clip.id, requests[i].caption, None, motions[i]) for i in sorted(drawn))
    return report, Samples(items, args.seed)


def _second_of_system(
    args: argparse.Namespace,
    report: dict[str, Any],
    clips: Sequence[Clip],
    truth: Sequence[Clip],
    judge: Evaluator,
    plan: Plan,
) -> None:
    """The system's motions, and the real ones where they are given, by another encoder."""
    table: dict[str, Any] = {}
    report["tasks"]["t2m_second"] = {"rows": table, "encoder": judge.facts}
    if truth and (reason := _real_row(args, table, truth, judge, plan, body=False)):
        report["notes"].append(f"The second encoder judges no row of the system: {reason}.")
        return
    found = protocol.run_rows({"system": protocol.real}, clips, judge.encoder, plan, reference=truth, body=False)
    table["system"] = protocol.summarise(found["system"])


def read_motions(folder: Path, captions: Path) -> list[Clip]:
    """Motions of a folder that have a caption, on the 22-joint body at 20 fps; FormatError for a caption without a file."""
    if not folder.is_dir():
        raise FormatError("no such folder of motions", path=folder)
    table = read_captions(captions)
    files = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in READ}
    if not files:
        raise FormatError(f"holds no motion file ({', '.join(READ)})", path=folder)
    if missing := [name for name in table if name not in files]:
        raise FormatError(f"{len(missing)} captions have no motion file, {missing[0]!r} the first of them", path=folder)
    body = preset("humanml3d")
    out = []
    for name, texts in table.items():
        motion = load(files[name]).resample(protocol.FPS)
        if len(motion) < protocol.MIN_FRAMES:
            raise FormatError(f"has {len(motion)} frames at 20 fps; {protocol.MIN_FRAMES} are needed", path=files[name])
        motion = (
            motion if len(motion.skeleton) == len(body) and motion.skeleton.names == body.names else retarget(motion)
        )
        out.append(
            Clip(name, motion.joints()[: heldout.LONGEST], protocol.FPS, tuple(Caption(t) for t in texts), "test")
        )
    return out


def read_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Captions by name, from JSON lines with "id" (or "name") and "caption" or "captions", or from NAME<tab>CAPTION lines."""
    out: dict[str, list[str]] = {}
    if path.suffix.lower() in (".jsonl", ".json"):
        read_text(path, CAPTIONS_LIMIT)  # says what is wrong with the file itself
        for number, row in enumerate(read_rows(path, ()), start=1):
            name, found = row.get("id", row.get("name")), row.get("captions", row.get("caption", row.get("text")))
            found = [found] if isinstance(found, str) else found
            if name is None or not isinstance(found, list) or not all(isinstance(t, str) and t.strip() for t in found):
                raise FormatError('needs "id" and "caption" (or "captions")', path=path, line=number)
            out.setdefault(Path(str(name)).stem, []).extend(found)
    else:
        for number, line in enumerate(read_text(path, CAPTIONS_LIMIT).splitlines(), start=1):
            if not line.strip():
                continue
            name, _, text = (part.strip() for part in line.partition("\t"))
            if not name or not text:
                raise FormatError("needs the name of a motion, a tab and a caption", path=path, line=number)
            out.setdefault(Path(name).stem, []).append(text)
    if not out:
        raise FormatError("holds no captions", path=path)
    return {name: tuple(texts) for name, texts in out.items()}


# ---- the report around the numbers


def _head(
    args: argparse.Namespace, clips: Sequence[Clip], judge: Evaluator, plan: Plan, hashes: dict, more: dict
) -> dict[str, Any]:
    settings = {
        "command": {
            k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items() if k not in ("verb", "debug")
        },
        "split": args.split,
        "clips": len(clips),
        "repeats": plan.repeats,
        "seed": plan.seed,
        "batch": plan.batch,
        "lengths": plan.lengths,
        "threads": torch.get_num_threads(),
        "seconds": {},
        **more,
    }
    for key in ("data", "model", "motions", "captions", "output", "archives"):
        if settings["command"].get(key) is not None:  # paths of a machine are nobody's business; names may help
            settings["command"][key] = Path(settings["command"][key]).name
    settings["command"]["evaluator"] = [folder.name for folder in args.evaluator or ()] or None
    notes = []
    if judge.encoder is None:
        notes.append("No encoder was found, so R-Precision, FID, MM-Dist and Diversity are not measured (--evaluator).")
    elif len(clips) < plan.batch:
        notes.append(f"R-Precision and MM-Dist need pools of {plan.batch} motions; there are {len(clips)}.")
    elif len(clips) < protocol.metrics.DIVERSITY_PAIRS:
        notes.append(f"Diversity over {len(clips)} pairs, since there are fewer than 300 clips.")
    return {
        "title": f"Evaluation on {len(clips)} clips",
        "settings": settings,
        "versions": {
            "dimo": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "platform": sys.platform,
        },
        "hashes": hashes,
        "encoder": judge.facts,
        "notes": notes,
        "tasks": {},
    }


def _print_published(report: dict[str, Any], data_set: str) -> None:
    for task, data in report["tasks"].items():
        if rows := published.rows(data_set, task):
            data["published"] = rows
    report["published_sources"] = published.sources()
    report["notes"].append(
        f"Rows marked [published] are numbers that others printed for {data_set} (sources in report.json); they compare with "
        "ours only where data and encoder are the published ones."
    )


def _weights(model: DiMo) -> dict[str, Any]:
    return dict(model.config.get("sha256", {})) or {"fingerprint": model.fingerprint()}


def _samples(args: argparse.Namespace, clips: Sequence[Clip], kept: dict, said: Sequence[str]) -> Samples | None:
    """Random clips of the first repeat, with what the model made of their captions, and what it says of them."""
    if not args.samples:
        return None
    captions = dict(zip((c.id for c in clips), said, strict=False))
    generator = np.random.default_rng([args.seed, 4])
    if "real" not in kept:
        drawn = sorted(generator.permutation(len(clips))[: args.samples])
        shown = [(clips[i], clips[i].captions[0].text, np.asarray(clips[i].joints, float), None) for i in drawn]
    else:
        requests = kept["real"][0]
        made = kept.get("model", (None, [None] * len(requests)))[1]
        drawn = sorted(generator.permutation(len(requests))[: args.samples])
        shown = [(requests[i].clip, requests[i].caption, requests[i].truth, made[i]) for i in drawn]
    items = tuple(Sample(c.id, text, truth, guess, captions.get(c.id, ""), c.label) for c, text, truth, guess in shown)
    return Samples(items, args.seed)

"""From a folder of motion files to shards: read, retarget, resample, validate, describe, mirror, cut.

Clips are independent, so this is a map over jobs by a pool of processes. Shards are fixed runs of jobs: a shard that
exists and was made with the same settings is not made again. A bad clip is reported, never fatal.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import repeat
from pathlib import Path

import numpy as np

from dimo.body import contact
from dimo.body.measure import FEET
from dimo.body.motion import Motion
from dimo.body.retarget import find_naming, retarget
from dimo.body.skeleton import preset
from dimo.data import captions_corpus, compose, shards, sources
from dimo.data.describe import describe, ends_moving, with_arms
from dimo.data.records import Caption, Clip, Job, Rejected
from dimo.data.repair import mend_flips, put_on_floor
from dimo.data.splits import split_of
from dimo.errors import DimoError, FormatError
from dimo.features.layouts import FPS, LONGEST
from dimo.formats.acclaim import read as read_acclaim
from dimo.formats.files import write_atomically
from dimo.formats.table import load
from dimo.text.normalise import mirror_words, normalise

VERSION = 4  # of what preparation does; a change makes old shards be made again
SHARD = 128  # jobs
RUN = 250  # composites
REPORT = "report.json"
OWN_ZERO = (".bvh", ".amc", ".glb")
"""Formats whose zero plane is that of a studio or a scene; collections of joint positions stand on their floor already."""
TRIM = 1.05
"""A clip longer than the longest by up to this factor loses its end: its two halves would each have the words of the whole."""


@dataclass(frozen=True)
class PrepareOptions:
    """What becomes of each clip."""

    fps: float = FPS  # of HumanML3D and the codec
    longest: int = LONGEST  # frames; longer clips are cut into equal parts
    shortest_seconds: float = 0.8
    fastest_mps: float = 18.0  # a joint beyond this is a jump of the data (a fast kick reaches 15)
    floor_m: float = 3.0  # the lowest foot may be this far from zero before the file's heights are not believed
    mirror: bool = True  # training clips also as their mirror image, with left and right exchanged in the words
    derived: int = 3  # captions measured from the motion
    crops: int = (
        2  # further short stretches per part of training clips over 5 s; derived captions, and a long take's own
    )
    composites: int = 0
    seed: int = 0
    shares: tuple[float, float] = (0.8, 0.05)  # train and val where the source names no splits
    up: str | None = None  # what the files do not say or say wrong, as Motion.load takes it
    unit: str | None = None
    mapping: str | None = None


def load_job(job: Job, options: PrepareOptions) -> tuple[Motion, str]:
    """The motion of a job on the 22-joint body at the target rate, and the naming that its joints had."""
    if job.path.suffix.lower() == ".amc":
        motion = read_acclaim(job.path, asf=job.asf, fps=job.fps)
    else:
        motion = load(job.path, fps=job.fps, up=options.up, unit=options.unit, mapping=options.mapping)
    if job.end > job.start:
        motion = motion.cut(job.start, min(job.end, motion.seconds))
    naming = find_naming(motion.skeleton)[0].name
    motion = mend_flips(motion)[0].resample(options.fps)
    return (motion if motion.skeleton == preset("humanml3d") else retarget(motion)), naming


def fault(motion: Motion, options: PrepareOptions) -> str | None:
    """Why a clip is not to be learnt from, as a sentence, or None."""
    joints = motion.joints()
    if motion.seconds < options.shortest_seconds:
        return f"lasts {motion.seconds:.2f} s; at least {options.shortest_seconds:g} s are needed"
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * motion.fps
    if speed.max() > options.fastest_mps:
        frame, joint = np.unravel_index(speed.argmax(), speed.shape)
        name = motion.skeleton.names[joint]
        return f"{name} jumps at {speed.max():.0f} m/s in frame {frame}; up to {options.fastest_mps:g} is believed"
    floor = contact.floor_height(joints, FEET)
    if abs(floor) > options.floor_m:
        return f"its feet stand {floor:.1f} m from the zero plane; up to {options.floor_m:g} is believed"
    return None


def process(job: Job, options: PrepareOptions) -> list[Clip] | Rejected:
    """All clips that a job gives, or the reason why none."""
    if job.fault:
        return Rejected(job.id, job.fault)
    try:
        motion, naming = load_job(job, options)
    except (DimoError, OSError, MemoryError) as error:
        return Rejected(job.id, str(error).splitlines()[0])
    if reason := fault(motion, options):
        return Rejected(job.id, reason)
    split = job.split or split_of(job.recording or job.id, options.shares)
    generator = np.random.default_rng([options.seed, zlib.crc32(job.id.encode())])
    written = tuple(dict.fromkeys(c for c in map(normalise, job.captions) if c))
    if job.path.suffix.lower() in OWN_ZERO:
        motion = put_on_floor(motion)
    if options.longest < len(motion) <= TRIM * options.longest:
        motion = motion.cut(0, options.longest / motion.fps)
    count = -(-len(motion) // options.longest)
    kind = job.kind if count == 1 else "take"
    cuts = np.linspace(0, len(motion), count + 1).round().astype(int)
    stretches = [(int(a), int(b), written) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    if split == "train" and len(motion) > 5 * options.fps:
        for _ in range(options.crops * count):
            length = int(generator.integers(round(2 * options.fps), min(round(5 * options.fps), len(motion)) + 1))
            start = int(generator.integers(0, len(motion) - length + 1))
            # A long take goes on doing what its captions say, so a stretch of it may keep them.
            stretches.append((start, start + length, written if count > 1 else ()))
    out = []
    for i, (start, end, captions) in enumerate(stretches):
        joints = motion.joints()[start:end]
        if split == "train":
            captions = tuple(c for c in captions if not ends_moving(c, joints, motion.fps))
        if job.labelled:
            captions = with_arms(captions, joints, motion.fps, generator)
        derived = [Caption(c, "derived") for c in describe(joints, motion.fps, generator, options.derived)]
        all_captions = (*(Caption(c, kind) for c in captions), *derived)
        if not all_captions and i >= count:
            continue  # an extra stretch of which nothing sure can be said
        clip = Clip(
            id=job.id if len(stretches) == 1 or (count == 1 and i == 0) else f"{job.id}_w{i + 1}",
            joints=joints.astype(np.float32),
            fps=motion.fps,
            captions=all_captions,
            split=split,
            recording=job.recording or job.id,
            repeats=job.repeats,
            source=job.source,
            licence=job.licence,
            label=job.label,
            style=job.style,
            provenance=f"{job.path.name}, frames {start} to {end} at {motion.fps:g} fps, {naming} names",
            mirrored=job.mirrored,
        )
        out.append(clip)
        if options.mirror and split == "train" and job.reflect and not job.mirrored:
            out.append(mirrored(clip))
    return out


def mirrored(clip: Clip) -> Clip:
    """The reflection of a clip in x = 0, with left and right exchanged in its captions and its label."""
    joints = clip.joints[:, preset("humanml3d").mirrored] * np.array([-1, 1, 1], dtype=np.float32)
    captions = tuple(Caption(mirror_words(c.text), c.kind) for c in clip.captions)
    return replace(
        clip, id=f"M{clip.id}", joints=joints, captions=captions, label=mirror_words(clip.label), mirrored=True
    )


def prepare(
    source: Path,
    out: Path,
    options: PrepareOptions,
    *,
    workers: int = 2,
    limit: int | None = None,
    archives: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Prepare a folder into shards; returns the manifest, which is also written, as is report.json with the rejected clips."""
    todo = sources.jobs(source, archives or out / "unpacked")[:limit]
    listed = {job.id for job in todo}
    todo = [
        replace(j, reflect=f"M{j.id}" not in listed) for j in todo
    ]  # a collection may hold mirror images of its own
    out.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(json.dumps([VERSION, asdict(options), len(todo)], sort_keys=True).encode()).hexdigest()[:12]
    rejected: list[Rejected] = []
    counts: Counter[tuple[str, str]] = Counter()
    groups = [todo[i : i + SHARD] for i in range(0, len(todo), SHARD)]
    names = {out / f"{key}-{i:04d}.parquet" for i in range(len(groups))} | {out / f"{key}-composites.parquet"}
    for old in set(out.glob("*.parquet")) - names:
        old.unlink()  # made with other settings
    done = 0
    with ProcessPoolExecutor(max(1, workers)) as pool:
        for i, group in enumerate(groups):
            path = out / f"{key}-{i:04d}.parquet"
            note = path.with_suffix(".json")  # the shard's rejected clips, so that a resumed run reports them too
            if path.is_file() and note.is_file():
                bad = [Rejected(**r) for r in json.loads(note.read_text())]
            else:
                clips, bad = _process_group(pool, group, options)
                with write_atomically(note) as temporary:
                    temporary.write_text(json.dumps([asdict(r) for r in bad]))
                shards.write(path, clips)
            rejected += bad
            done += len(group)
            if progress:
                progress(done, len(todo))
    if options.composites:
        path = out / f"{key}-composites.parquet"
        if not path.is_file():
            shards.write(path, _composites(out, options, workers))
    total = 0
    for clip in shards.read(out):
        counts[clip.split, "composite" if clip.composite else "mirrored" if clip.mirrored else clip.source] += 1
        total += 1
    manifest = {
        "format": "dimo-shards",
        "version": VERSION,
        "options": asdict(options),
        "clips": total,
        "rejected": len(rejected),
        "sources": {f"{a}: {b}": n for (a, b), n in sorted(counts.items())},
        "licences": sorted({j.licence for j in todo if j.licence}),
        "texts": captions_corpus.write(out, source, todo, options.shares),
    }
    shards.write_manifest(out, manifest)
    with write_atomically(out / REPORT) as temporary:
        temporary.write_text(json.dumps([asdict(r) for r in rejected], indent=2) + "\n", encoding="utf-8")
    if total == 0:
        raise FormatError(f"none of the {len(todo)} clips could be used; {out / REPORT} says why", path=source)
    return manifest


def _process_group(
    pool: ProcessPoolExecutor, group: list[Job], options: PrepareOptions
) -> tuple[list[Clip], list[Rejected]]:
    clips: list[Clip] = []
    bad: list[Rejected] = []
    for result in pool.map(partial(process, options=options), group, chunksize=8):
        if isinstance(result, Rejected):
            bad.append(result)
        else:
            clips += result
    return clips, bad


def _composites(out: Path, options: PrepareOptions, workers: int) -> Iterator[Clip]:
    """Composites of the training clips in the shards, in runs that do not depend on the number of workers."""
    runs = range(-(-options.composites // RUN))
    with ProcessPoolExecutor(max(1, workers)) as pool:
        for made in pool.map(_composite_run, repeat(out), repeat(options), runs):
            yield from made


def _composite_run(out: Path, options: PrepareOptions, run: int) -> list[Clip]:
    count = min(RUN, options.composites - run * RUN)
    return compose.make(_banks(out, options.seed), count, options.seed + 1000 * run, f"composite_{run:03d}")


@cache
def _banks(out: Path, seed: int) -> list[compose.Bank]:
    """Once for each process."""
    return compose.banks([c for c in shards.read(out, "train") if not c.composite], seed)

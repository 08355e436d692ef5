"""From a folder of motion files to shards: read, retarget, resample, validate, describe, mirror, cut.

Clips are independent, so this is a map over shards, which are fixed runs of jobs, by any Executor: its workers write the
files. A shard that exists and was made with the same settings is not made again. A bad clip is reported, never fatal; so is
one whose process dies of it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from dimo.body import contact
from dimo.body.motion import Motion
from dimo.body.retarget import find_naming, retarget
from dimo.body.skeleton import preset
from dimo.data import captions_corpus, compose, shards, sources
from dimo.data.describe import describe, ends_moving, with_arms
from dimo.data.records import Caption, Clip, Job, Rejected
from dimo.data.repair import mend_flips, put_on_floor
from dimo.data.splits import split_of
from dimo.errors import DimoError, FormatError, RequestError
from dimo.features.layouts import FPS, LONGEST, layout_for
from dimo.formats.acclaim import read as read_acclaim
from dimo.formats.files import write_atomically
from dimo.formats.table import load
from dimo.scale.executor import Executor, Here, Lost
from dimo.text.normalise import mirror_words, normalise

VERSION = 4  # of what preparation does; a change makes old shards be made again
SHARD = 128  # jobs
RUN = 250  # composites
REPORT = "report.json"
OWN_ZERO = (".bvh", ".amc", ".glb")
"""Formats whose zero plane is that of a studio or a scene; collections of joint positions stand on their floor already."""
SHORTEST, SHORTEST_KIT, TOO_LONG = 40, 24, 200
"""Frames of clips that the public loaders of HumanML3D and KIT-ML read, and from which on they do not."""
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
    body: str = "humanml3d"  # preset that clips are brought to; only on this one is anything said of them
    plain: bool = False  # clips and captions as the collection has them: nothing cut, measured or shortened

    @property
    def speaks(self) -> bool:
        """Whether captions are measured from the motion, and stretches of clips are learnt from, too."""
        return not self.plain and self.body == "humanml3d"

    @property
    def identity(self) -> dict[str, object]:
        """What shards depend on; what came later is in it where it is not the default, so that older shards stay."""
        later = {"body": "humanml3d", "plain": False}
        return {k: v for k, v in asdict(self).items() if k not in later or v != later[k]}


def load_job(job: Job, options: PrepareOptions) -> tuple[Motion, str]:
    """The motion of a job on the body of the options at the target rate, and the naming that its joints had."""
    if job.path.suffix.lower() == ".amc":
        motion = read_acclaim(job.path, asf=job.asf, fps=job.fps)
    else:
        motion = load(job.path, fps=job.fps, up=options.up, unit=options.unit, mapping=options.mapping)
    if job.end > job.start:
        motion = motion.cut(job.start, min(job.end, motion.seconds))
    naming = find_naming(motion.skeleton)[0].name
    motion = mend_flips(motion)[0].resample(options.fps)
    body = preset(options.body)
    return (motion if motion.skeleton == body else retarget(motion, body)), naming


def fault(motion: Motion, options: PrepareOptions) -> str | None:
    """Why a clip is not to be learnt from, as a sentence, or None."""
    joints = motion.joints()
    if options.plain:
        least = SHORTEST_KIT if options.body == "kit" else SHORTEST
        if not least <= len(motion) < TOO_LONG:
            return f"has {len(motion)} frames; the loaders of the field read {least} to {TOO_LONG - 1}"
    elif motion.seconds < options.shortest_seconds:
        return f"lasts {motion.seconds:.2f} s; at least {options.shortest_seconds:g} s are needed"
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * motion.fps
    if speed.max() > options.fastest_mps:
        frame, joint = np.unravel_index(speed.argmax(), speed.shape)
        name = motion.skeleton.names[joint]
        return f"{name} jumps at {speed.max():.0f} m/s in frame {frame}; up to {options.fastest_mps:g} is believed"
    layout = layout_for(joints=joints.shape[1])
    floor = contact.floor_height(joints, [*layout.left_feet, *layout.right_feet])
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
    if job.path.suffix.lower() in OWN_ZERO and options.body == "humanml3d":
        motion = put_on_floor(motion)
    longest = TOO_LONG if options.plain else options.longest
    if longest < len(motion) <= TRIM * longest:
        motion = motion.cut(0, longest / motion.fps)
    count = -(-len(motion) // longest)
    kind = job.kind if count == 1 else "take"
    cuts = np.linspace(0, len(motion), count + 1).round().astype(int)
    stretches = [(int(a), int(b), written) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    if split == "train" and options.speaks and len(motion) > 5 * options.fps:
        for _ in range(options.crops * count):
            length = int(generator.integers(round(2 * options.fps), min(round(5 * options.fps), len(motion)) + 1))
            start = int(generator.integers(0, len(motion) - length + 1))
            # A long take goes on doing what its captions say, so a stretch of it may keep them.
            stretches.append((start, start + length, written if count > 1 else ()))
    out = []
    for i, (start, end, captions) in enumerate(stretches):
        joints = motion.joints()[start:end]
        derived: list[Caption] = []
        if options.speaks:
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
    body = layout_for(joints=clip.joints.shape[1]).skeleton
    joints = clip.joints[:, body.mirrored] * np.array([-1, 1, 1], dtype=np.float32)
    captions = tuple(Caption(mirror_words(c.text), c.kind) for c in clip.captions)
    return replace(
        clip, id=f"M{clip.id}", joints=joints, captions=captions, label=mirror_words(clip.label), mirrored=True
    )


def prepare(
    source: Path,
    out: Path,
    options: PrepareOptions,
    *,
    executor: Executor | None = None,
    limit: int | None = None,
    archives: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Prepare a folder into shards; returns the manifest, which is also written, as is report.json with the rejected clips.

    What is written does not depend on the executor. progress(done, total) is called after each shard.
    """
    todo = sources.jobs(source, archives or out / "unpacked")[:limit]
    listed = {job.id for job in todo}
    todo = [
        replace(j, reflect=f"M{j.id}" not in listed) for j in todo
    ]  # a collection may hold mirror images of its own
    out.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(json.dumps([VERSION, options.identity, len(todo)], sort_keys=True).encode()).hexdigest()[:12]
    groups = [tuple(todo[i : i + SHARD]) for i in range(0, len(todo), SHARD)]
    wanted = [Shard(out / f"{key}-{i:04d}.parquet", jobs) for i, jobs in enumerate(groups)]
    composites = out / f"{key}-composites.parquet"
    for old in set(out.glob("*.parquet")) - {shard.path for shard in wanted} - {composites}:
        old.unlink()  # made with other settings
    executor, tell = executor or Here(), progress or (lambda done, total: None)
    missing = [shard for shard in wanted if not shard.is_there()]
    if missing:
        composites.unlink(missing_ok=True)  # they are made of all shards
    done = sum(len(shard.jobs) for shard in wanted if shard not in missing)
    rejected = _make(missing, options, executor, lambda jobs: tell(done + jobs, len(todo)))
    rejected = [r for shard in wanted for r in (rejected[shard] if shard in rejected else shard.rejected())]
    if options.composites and not composites.is_file():
        shards.write(composites, _composites(out, options, executor))
    counts: Counter[tuple[str, str]] = Counter()
    for clip in shards.read(out):
        counts[clip.split, "composite" if clip.composite else "mirrored" if clip.mirrored else clip.source] += 1
    total = counts.total()
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


# ---- the map over shards


@dataclass(frozen=True)
class Shard:
    """A file to make, and its jobs. Beside it lies a note of its rejected clips, for a run that finds it made."""

    path: Path
    jobs: tuple[Job, ...]

    @property
    def note(self) -> Path:
        return self.path.with_suffix(".json")

    def is_there(self) -> bool:
        return self.path.is_file() and self.note.is_file()

    def rejected(self) -> list[Rejected]:
        return [Rejected(**r) for r in json.loads(self.note.read_text())]

    def write(self, results: Sequence[list[Clip] | Rejected]) -> list[Rejected]:
        """Both files, of what process() gave of each job; returns the rejected ones."""
        bad = [r for r in results if isinstance(r, Rejected)]
        with write_atomically(self.note) as temporary:
            temporary.write_text(json.dumps([asdict(r) for r in bad]))
        shards.write(self.path, [clip for r in results if not isinstance(r, Rejected) for clip in r])
        return bad


def _make(
    missing: Sequence[Shard], options: PrepareOptions, executor: Executor, tell: Callable[[int], None]
) -> dict[Shard, list[Rejected]]:
    """Make shards; returns what each rejected. tell(jobs) is called with the number of those done."""
    rejected: dict[Shard, list[Rejected]] = {}
    lost: list[Shard] = []
    done = 0
    for number, result in executor.map(partial(_writer, options), missing):
        shard = missing[number]
        if isinstance(result, Lost):
            lost.append(shard)
            continue
        rejected[shard] = result
        done += len(shard.jobs)
        tell(done)
    for shard in lost:
        rejected[shard] = _alone(shard, options, executor)
        done += len(shard.jobs)
        tell(done)
    return rejected


def _writer(options: PrepareOptions) -> Callable[[Shard], list[Rejected]]:
    """A worker that makes a whole shard."""
    return lambda shard: shard.write([process(job, options) for job in shard.jobs])


def _alone(shard: Shard, options: PrepareOptions, executor: Executor) -> list[Rejected]:
    """A shard whose process died, as for want of memory: each job by itself, and one that kills again is rejected.

    The shard then has no note, so that the next run tries it once more.
    """
    found = dict(executor.map(partial(_processor, options), shard.jobs))
    killers = {n: Rejected(shard.jobs[n].id, result.why) for n, result in found.items() if isinstance(result, Lost)}
    found |= killers
    bad = shard.write([found[n] for n in range(len(shard.jobs))])
    if killers:
        shard.note.unlink()
    return bad


def _processor(options: PrepareOptions) -> Callable[[Job], list[Clip] | Rejected]:
    return partial(process, options=options)


def _composites(out: Path, options: PrepareOptions, executor: Executor) -> Iterator[Clip]:
    """Composites of the training clips in the shards, in runs that do not depend on the executor."""
    early: dict[int, list[Clip]] = {}  # runs that are done before those that go before them
    due = 0
    for run, made in executor.map(partial(_composer, out, options), range(-(-options.composites // RUN))):
        if isinstance(made, Lost):
            raise RequestError(f"{out}: composites could not be made ({made.why}); fewer --workers need less memory")
        early[run] = made
        while due in early:
            yield from early.pop(due)
            due += 1


def _composer(out: Path, options: PrepareOptions) -> Callable[[int], list[Clip]]:
    """A worker that has read the training clips, and makes runs of composites."""
    banks = compose.banks([c for c in shards.read(out, "train") if not c.composite], options.seed)

    def run(number: int) -> list[Clip]:
        count = min(RUN, options.composites - number * RUN)
        return compose.make(banks, count, options.seed + 1000 * number, f"composite_{number:03d}")

    return run

"""Clips to evaluate on, from prepared shards or straight from a collection in its original layout."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from dimo.body.skeleton import preset
from dimo.data import prepare, shards, sources
from dimo.data.prepare import PrepareOptions
from dimo.data.records import Caption, Clip
from dimo.data.sources import humanml3d
from dimo.data.splits import split_of
from dimo.errors import DimoError, RequestError
from dimo.features.layouts import LONGEST, layout_for
from dimo.text.normalise import normalise

T = TypeVar("T")


def load(
    folder: Path,
    split: str,
    *,
    archives: Path | None = None,
    limit: int | None = None,
    body: str = "humanml3d",
    progress: Callable[[int, int], None] | None = None,
) -> list[Clip]:
    """Captioned clips of a split, at most `limit` of them spread over it; RequestError when there are none.

    Captions are those by people where there are any; composites and our own mirror images are left out, the mirrored clips
    that a collection itself lists are not. Of HumanML3D and KIT-ML those clips are taken whose length their loader admits.
    body: the preset, with the rate of its layout, that clips of a collection in its original layout are brought to.
    """
    if any(p.suffix == ".parquet" for p in folder.glob("*.parquet")):
        # Preparation mirrors training clips only, so mirrored ones of other splits are the collection's own.
        found = [c for c in shards.read(folder, split) if not c.composite and not (c.mirrored and split == "train")]
    else:
        found = _from_source(folder, split, archives, limit, body, progress)
    found = [c for c in map(_written, found) if c.captions]
    if not found:
        raise RequestError(f"{folder}: no captioned clips of the split {split!r}")
    return spread(found, limit)


def spread(clips: Sequence[T], limit: int | None) -> list[T]:
    """Every n-th clip (or prompt), so that a small part holds all kinds."""
    if limit is None or limit >= len(clips):
        return list(clips)
    return [clips[i] for i in np.linspace(0, len(clips) - 1, limit).round().astype(int)]


def fingerprint(clips: Sequence[Clip]) -> str:
    """A hash that changes with the motion, captions or order of clips."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update("\0".join([clip.id, *(c.text for c in clip.captions)]).encode())
        digest.update(np.ascontiguousarray(clip.joints, np.float32).tobytes())
    return digest.hexdigest()


def _written(clip: Clip) -> Clip:
    written = tuple(c for c in clip.captions if c.by_people)
    return replace(clip, captions=written or clip.captions, joints=clip.joints[:LONGEST])


def _from_source(
    folder: Path,
    split: str,
    archives: Path | None,
    limit: int | None,
    body: str,
    progress: Callable[[int, int], None] | None,
) -> list[Clip]:
    rate = layout_for(joints=len(preset(body))).fps
    options = PrepareOptions(rate, longest=10**6, shortest_seconds=0.0, mirror=False, derived=0, crops=0, body=body)
    with tempfile.TemporaryDirectory() as scratch:
        todo = [
            j
            for j in sources.jobs(folder, archives or Path(scratch))
            if (j.split or split_of(j.recording or j.id, options.shares)) == split
        ]
        todo = (
            [todo[i] for i in np.linspace(0, len(todo) - 1, limit).round().astype(int)]
            if limit and limit < len(todo)
            else todo
        )
        published = humanml3d.is_humanml3d(folder)
        out = []
        for i, job in enumerate(todo):
            try:
                motion, naming = prepare.load_job(job, options)
            except (DimoError, OSError):
                continue  # a clip without a usable file: the public loaders skip it, too
            kit = naming == "kit"
            if published and not (1.92 if kit else 2.0) <= motion.seconds < (16.0 if kit else 10.05):
                continue
            captions = tuple(dict.fromkeys(c for c in map(normalise, job.captions) if c))
            clip = Clip(
                job.id,
                motion.joints().astype(np.float32),
                motion.fps,
                tuple(Caption(c, job.kind) for c in captions),
                split,
                recording=job.recording or job.id,
                source=job.source,
                licence=job.licence,
                label=job.label,
                mirrored=job.mirrored,
            )
            out.append(clip)
            if progress:
                progress(i + 1, len(todo))
    return out

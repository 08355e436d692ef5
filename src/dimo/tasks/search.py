"""Which motions of a folder fit a sentence, and which sentences fit a motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dimo.body.motion import Motion
from dimo.data import code_cache
from dimo.errors import RequestError
from dimo.formats.reading import Options
from dimo.inpaint.pipeline import Pipeline
from dimo.tasks import score as scores


@dataclass(frozen=True)
class Ranked:
    """A sentence and how well it fits a motion."""

    text: str
    score: scores.Score


@dataclass(frozen=True)
class Found:
    """A motion file and how well it fits a sentence."""

    path: Path
    score: scores.Score


@dataclass(frozen=True)
class SearchResult:
    """The motions of a folder, best first, and the files that could not be read."""

    found: tuple[Found, ...]
    unreadable: tuple[code_cache.Unreadable, ...]


def rank(pipeline: Pipeline, motion: Motion, texts: Sequence[str]) -> list[Ranked]:
    """Sentences with their scores for a motion, the one that fits best first."""
    ids = [pipeline.ids(text) for text in texts]
    if not ids:
        raise RequestError("there are no sentences to rank")
    found = scores.score(pipeline.model, ids, [pipeline.to_codes(motion)] * len(ids))
    return sorted((Ranked(t, s) for t, s in zip(texts, found, strict=True)), key=lambda r: -r.score.rank)


def search(
    pipeline: Pipeline, text: str, folder: str | Path, cache: Path | None, reading: Options | None = None
) -> SearchResult:
    """The motion files below a folder with their scores for a sentence, the one that fits best first.

    cache: the file that keeps codes and priors between searches, or None. reading: how to read every file.
    """
    ids, model = pipeline.ids(text), pipeline.model
    known = code_cache.read_folder(
        folder, pipeline.to_codes, lambda codes: scores.log_motion(model, codes), cache, reading
    )
    codes, priors = [e.codes for e in known.entries], [e.prior for e in known.entries]
    fits = scores.score(model, [ids] * len(codes), codes, motion_priors=priors) if codes else []
    found = (Found(e.path, s) for e, s in zip(known.entries, fits, strict=True))
    return SearchResult(tuple(sorted(found, key=lambda f: -f.score.rank)), known.unreadable)

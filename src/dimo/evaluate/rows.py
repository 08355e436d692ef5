"""Rows of an evaluation: what gives motions for the trials of a batch, without a model, or by one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.data.records import Clip
from dimo.diffusion.options import SampleOptions
from dimo.evaluate.measure import Row
from dimo.evaluate.protocol import Trial
from dimo.evaluate.settings import Settings
from dimo.evaluate.store import Store
from dimo.evaluators.evaluator import unit_rows
from dimo.features import humanml3d
from dimo.inpaint.codes import decode_features, encode_features
from dimo.inpaint.pipeline import MEMORY, RECALL
from dimo.inpaint.request import Request
from dimo.tasks import caption as caption_task
from dimo.tasks import generate

# ---- without a model


def real(trials: Sequence[Trial]) -> list[np.ndarray]:
    """The truth itself: the ceiling."""
    return [t.truth for t in trials]


def shuffled(trials: Sequence[Trial]) -> list[np.ndarray]:
    """True motions under captions of other clips: a measure of agreement that this does not ruin measures none."""
    return [trials[(i + 1 + len(trials) // 2) % len(trials)].truth for i in range(len(trials))]


def nearest(train: Sequence[Clip], embed: Callable[[Sequence[str]], np.ndarray]) -> Row:
    """For each text the training clip whose written caption is nearest: what memory alone would give.

    embed maps texts to vectors (N, D) that are compared by their cosine.
    """
    owner: dict[str, int] = {}  # the first clip of each caption
    for i, clip in enumerate(train):
        for text in clip.captions:
            if text.by_people:
                owner.setdefault(text.text, i)
    captions, known = list(owner), unit_rows(np.asarray(embed(list(owner)), float))

    def row(trials: Sequence[Trial]) -> list[np.ndarray]:
        asked = unit_rows(np.asarray(embed([t.caption for t in trials]), float))
        best = (asked @ known.T).argmax(1)
        return [
            fit(np.asarray(train[owner[captions[b]]].joints, float), t.frames)
            for b, t in zip(best, trials, strict=True)
        ]

    return row


def fit(joints: np.ndarray, frames: int) -> np.ndarray:
    """The first frames, where there are more: no system is measured on more than was asked for."""
    return joints[:frames] if len(joints) >= min(frames, 2) else joints


# ---- by a model


class ModelRows:
    """A model as rows, its answers stored. Generated motions have their feet locked, as `dimo generate` gives them, unless the
    settings say otherwise; by the protocol humanml3d the rows give decoded features instead. Captions are read as far as the
    model reads; what it does not take at all says nothing to it."""

    def __init__(self, model: DiMo, settings: Settings, store: Store):
        self.model, self.store = model, store
        self.options, self.lengths, self.footlock = settings.options, settings.lengths, settings.holds_feet
        self.spoken = settings.captions
        self.straight = settings.protocol == "humanml3d"
        self.memory = MEMORY if settings.memory is None else settings.memory
        self.recall = 0.0 if model.pipeline.recall is None else RECALL if settings.recall is None else settings.recall

    def generate(self, changes: dict[str, float] | None = None, *, levels: int | None = None, draw: int = 0) -> Row:
        """A row that generates with these changes of the sampling options, decoding only the first `levels` levels.

        draw: further motions of the same trials (MultiModality).
        """
        options = replace(self.options, **changes) if changes else self.options  # type: ignore[arg-type]
        straight, recall = " features" if self.straight else "", f" recall {self.recall}" if self.recall else ""
        name = zlib.crc32(
            f"{asdict(options)} {levels} {draw} {self.lengths} {self.footlock}{straight}{recall}".encode()
        )

        def row(trials: Sequence[Trial]) -> list[np.ndarray]:
            asked = _hash([(t.seed, t.caption, t.frames) for t in trials])
            return self.store.arrays(f"t2m/{name:08x}-{asked}", lambda: self._make(trials, options, levels, draw))

        return row

    def _make(self, trials: Sequence[Trial], options: SampleOptions, levels: int | None, draw: int) -> list[np.ndarray]:
        """Positions (F, J, 3), or features (F, C), for each trial, drawn in batches, each by its own seed."""
        requests = [self._request(t, (t.seed + draw) % 2**31) for t in trials]
        if self.straight:
            return self.model.pipeline.features(requests, options, recall=self.recall, levels=levels)
        made = self.model.pipeline.make(requests, options, footlock=self.footlock, recall=self.recall, levels=levels)
        return [m.joints() for m in made]

    def _request(self, trial: Trial, seed: int) -> Request:
        pipeline, text = self.model.pipeline, self.shortened(trial.caption)
        seconds = trial.frames / pipeline.codec.config.fps
        if not self.readable(text):
            return generate.sample(pipeline, seconds, seed)
        return generate.generate(pipeline, text, None if self.lengths == "estimated" else seconds, seed)

    def reconstruct(self, trials: Sequence[Trial]) -> list[np.ndarray]:
        """The truth through the codec with all levels: the bound of what any code sequence can be."""
        if self.straight:
            name, make = "codec_features", self._rebuilt
        else:
            name, make = "codec", lambda t: self.model.reconstruct(self.motion_of(t.clip, t.truth)).joints()
        asked = _hash([(t.clip.id, t.start, t.frames) for t in trials])
        return self.store.arrays(f"{name}/{asked}", lambda: [make(t) for t in trials])

    def _rebuilt(self, trial: Trial) -> np.ndarray:
        """Features of the truth, on its own body, through the codec and back."""
        codec = self.model.codec
        return decode_features(codec, encode_features(codec, humanml3d.encode(trial.truth)))[: trial.frames]

    def captions(self, clips: Sequence[Clip], batch: int, tick: Callable[[str], None]) -> list[str]:
        """The most probable caption of each clip, `batch` clips at a time."""
        out: list[str] = []
        drawn = (asdict(caption_task.IN_ORDER if self.spoken is None else self.spoken),)
        for start in range(0, len(clips), batch):
            part = clips[start : start + batch]
            out += self.store.texts(f"m2t/{_hash([*drawn, *(c.id for c in part)])}", lambda part=part: self._say(part))
            tick("captions")
        return out

    def _say(self, clips: Sequence[Clip]) -> list[str]:
        motions = [self.motion_of(c) for c in clips]
        if self.spoken is None:
            return [c.text for c in self.model.caption(motions, seed=0)]
        return [c.text for c in caption_task.captions(self.model.pipeline, motions, 1, self.spoken, 0)]

    def fill(self, clip: Clip, first: int, last: int, seed: int) -> np.ndarray:
        """Positions (F, J, 3) of a clip whose frames from `first` to before `last` are made without a text."""
        name = _hash([clip.id, first, last, seed, self.options.steps, self.memory])
        return self.store.arrays(f"m2m/{name}", lambda: [self._complete(clip, first, last, seed)])[0]

    def _complete(self, clip: Clip, first: int, last: int, seed: int) -> np.ndarray:
        motion = self.motion_of(clip)
        kept = [(0, first)] + ([(last, len(motion))] if last < len(motion) else [])
        asked = {"unit": "frames", "seed": seed, "steps": self.options.steps, "memory": self.memory}
        return self.model.complete(motion, kept, **asked)[0].joints()

    def correct(self, clip: Clip, captions: Sequence[str]) -> list[str]:
        """Each caption as the model puts it right by the clip's motion."""
        motion = self.motion_of(clip)
        return self.store.texts(
            f"correct/{_hash([clip.id, *captions])}", lambda: [self.model.correct(t, motion).text for t in captions]
        )

    def shortened(self, caption: str) -> str:
        """A caption as it is, or its first words where it has more pieces than the model reads."""
        longest, encode = self.model.model.config.max_text, self.model.wordpiece.encode
        if len(encode(caption)) <= longest:
            return caption
        words = caption.split()[:longest]
        while len(words) > 1 and len(encode(" ".join(words))) > longest:
            words.pop()
        return " ".join(words)

    def readable(self, caption: str) -> bool:
        """Whether the model takes a caption: English, and no longer than it reads."""
        return self.model.wordpiece.unsupported(caption, self.model.model.config.max_text) is None

    def motion_of(self, clip: Clip, joints: np.ndarray | None = None) -> Motion:
        """A clip, or a part of it, as a Motion on the codec's skeleton."""
        joints = np.asarray(clip.joints if joints is None else joints, float)
        return Motion.from_joints(self.model.codec.skeleton, joints, clip.fps, clip.id)


def _hash(values: Sequence[object]) -> str:
    return f"{zlib.crc32(repr(values).encode()):08x}"

"""What a DiMo model gives for the rows of an evaluation: motions, captions, completions, corrections, all of them cached."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.data.records import Clip
from dimo.diffusion.sample import SampleOptions
from dimo.evaluate.cache import Store
from dimo.evaluate.protocol import FPS, Request, Row, entry
from dimo.metrics import motion as metrics
from dimo.tasks.generate import generate
from dimo.text.confusions import CONFUSIONS

GIVEN, ENDS = 0.2, 0.25
"""Shares of a clip that are given: the beginning, in prediction; the beginning and the end each, in in-betweening."""

WRONG = 2
"""Wrong captions per clip in the correct task: each takes several passes of the model."""


class ModelRows:
    """A model as rows. Generated motions have their feet locked, as `dimo generate` gives them, unless footlock is False."""

    def __init__(
        self, model: DiMo, options: SampleOptions, store: Store, *, lengths: str = "truth", footlock: bool = True
    ):
        self.model, self.options, self.store = model, options, store
        self.lengths, self.footlock = lengths, footlock and model.codec.config.skeleton == "humanml3d"

    def motion_of(self, clip: Clip, joints: np.ndarray | None = None) -> Motion:
        """A clip, or a part of it, as a Motion on the codec's skeleton."""
        joints = np.asarray(clip.joints if joints is None else joints, float)
        return Motion.from_joints(self.model.codec.skeleton, joints, clip.fps, clip.id)

    # ---- text to motion

    def generate(self, changes: dict[str, float] | None = None, *, levels: int | None = None, draw: int = 0) -> Row:
        """A row that generates with these changes of the sampling options, decoding only the first `levels` levels.

        draw: further motions of the same requests (MultiModality).
        """
        options = replace(self.options, **changes) if changes else self.options  # type: ignore[arg-type]
        name = zlib.crc32(f"{asdict(options)} {levels} {draw} {self.lengths} {self.footlock}".encode())

        def row(requests: Sequence[Request]) -> list[np.ndarray]:
            asked = zlib.crc32(repr([(r.seed, r.caption, r.frames) for r in requests]).encode())
            return self.store.arrays(
                f"t2m/{name:08x}-{asked:08x}", lambda: self._generate(requests, options, levels, draw)
            )

        return row

    def _generate(
        self, requests: Sequence[Request], options: SampleOptions, levels: int | None, draw: int
    ) -> list[np.ndarray]:
        fps = self.model.codec.config.fps
        asked = [
            generate(
                self.model.pipeline,
                r.caption,
                None if self.lengths == "estimated" else r.frames / fps,
                (r.seed + draw) % 2**31,
            )
            for r in requests
        ]
        made = self.model.pipeline.make(asked, options, footlock=self.footlock, levels=levels)
        return [m.joints() for m in made]

    def reconstruct(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """The truth through the codec with all levels: the bound of what any code sequence can be."""
        asked = zlib.crc32(repr([(r.clip.id, r.start, r.frames) for r in requests]).encode())
        return self.store.arrays(
            f"codec/{asked:08x}",
            lambda: [self.model.reconstruct(self.motion_of(r.clip, r.truth)).joints() for r in requests],
        )

    # ---- motion to text

    def captions(self, clips: Sequence[Clip], batch: int, tick) -> list[str]:
        """The most probable caption of each clip."""
        out: list[str] = []
        for start in range(0, len(clips), batch):
            part = clips[start : start + batch]
            asked = zlib.crc32(repr([c.id for c in part]).encode())
            out += self.store.texts(f"m2t/{asked:08x}", lambda part=part: self._captions(part))
            tick("captions")
        return out

    def _captions(self, clips: Sequence[Clip]) -> list[str]:
        return [c.text for c in self.model.caption([self.motion_of(c) for c in clips], seed=0)]

    # ---- motion to motion

    def complete(self, clips: Sequence[Clip], seed: int, tick) -> dict[str, dict]:
        """ADE and FDE in mm over the frames that were made, without a text, beside what needs no model: the last given pose
        held, and a straight line between the given poses."""
        kinds = {"predict after 20 %": (GIVEN, 0.0), "between 25 % and 25 %": (ENDS, ENDS)}
        errors: dict[str, dict[str, list[float]]] = {}
        for kind, (before, after) in kinds.items():
            for clip in clips:
                truth = np.asarray(clip.joints, float)
                first, last = max(2, round(before * len(truth))), len(truth) - round(after * len(truth))
                if last - first < 2:
                    tick(kind)
                    continue
                made = self.store.arrays(
                    f"m2m/{kind[:3]}-{clip.id}-{seed}", lambda c=clip, a=first, b=last: [self._fill(c, a, b, seed)]
                )[0]
                t = np.linspace(0, 1, last - first + 2)[1:-1, None, None]
                end = truth[last] if last < len(truth) else truth[first - 1]
                simple = truth[first - 1] * (1 - t) + end * t
                names = (f"{kind}: {'straight line' if after else 'held pose'}", f"{kind}: model")
                for name, guess in zip(names, (simple, made[first:last]), strict=True):
                    row = errors.setdefault(name, {"ade_mm": [], "fde_mm": []})
                    row["ade_mm"].append(1000 * metrics.average_displacement(truth[first:last], guess))
                    row["fde_mm"].append(1000 * metrics.final_displacement(truth[first:last], guess))
                tick(kind)
        return {n: {k: entry([float(np.mean(v))], np.array(v)) for k, v in row.items()} for n, row in errors.items()}

    def _fill(self, clip: Clip, first: int, last: int, seed: int) -> np.ndarray:
        motion = self.motion_of(clip)
        spans = [(0, first)] + ([(last, len(motion))] if last < len(motion) else [])
        return self.model.complete(motion, spans, unit="frames", seed=seed, steps=self.options.steps)[0].joints()

    # ---- the codec alone

    def codec_levels(self, clips: Sequence[Clip], tick) -> dict[str, dict]:
        """Reconstruction of whole clips for every number of levels."""
        codec = self.model.codec
        rows: dict[str, dict[str, list[float]]] = {}
        for clip in clips:
            motion = self.motion_of(clip)
            truth, codes = motion.joints(), self.model.pipeline.to_codes(motion, cut=False)
            for count in range(1, codec.config.levels + 1):
                guess = self.model.pipeline.to_motion(codes[:, :count])[: len(truth)].joints()
                guess = _placed(guess, truth)
                row = rows.setdefault(f"{count} level{'s' if count > 1 else ''}", {})
                cells = {
                    "mpjpe_mm": 1000 * metrics.mpjpe(truth, guess),
                    "pa_mpjpe_mm": 1000 * metrics.pa_mpjpe(truth, guess),
                    "acceleration_mps2": metrics.acceleration_error(truth, guess, FPS),
                    "path_mm": 1000 * float(np.linalg.norm((truth - guess)[:, 0], axis=-1).mean()),
                }
                for key, value in cells.items():
                    row.setdefault(key, []).append(value)
            tick("codec")
        return {n: {k: entry([float(np.mean(v))], np.array(v)) for k, v in row.items()} for n, row in rows.items()}

    # ---- caption correction

    def correct(self, clips: Sequence[Clip], seed: int, tick) -> dict[str, dict]:
        """True captions, which are to stay, and captions with one word exchanged for one it is confused with."""
        generator = np.random.default_rng([seed, 3])
        results: dict[str, dict[str, list[float]]] = {}
        for clip in clips:
            text = " ".join(clip.captions[generator.integers(len(clip.captions))].text.lower().split())
            wrong = wrong_captions(text, generator)
            picked = sorted(generator.permutation(len(wrong))[:WRONG])
            cases = [("true caption", text), *(wrong[i] for i in picked)]
            said = self.store.texts(
                f"correct/{clip.id}-{zlib.crc32(repr(cases).encode()):08x}",
                lambda c=clip, cases=cases: [self.model.correct(t, self.motion_of(c)).text for _, t in cases],
            )
            for (kind, given), answer in zip(cases, said, strict=True):
                row = results.setdefault(kind, {})
                changed = float(answer.lower() != given)
                row.setdefault("touched", []).append(changed)
                row.setdefault("harmed" if given == text else "fixed", []).append(
                    changed if given == text else float(answer.lower() == text)
                )
            tick("correct")
        return {n: {k: entry([float(np.mean(v))], np.array(v)) for k, v in row.items()} for n, row in results.items()}


def wrong_captions(text: str, generator: np.random.Generator) -> list[tuple[str, str]]:
    """(which words are confused, the text with one of them exchanged), at most one for each row of CONFUSIONS."""
    out = []
    for row in CONFUSIONS:
        present = [w for w in row if re.search(rf"\b{w}\b", text)]
        if len(present) == 1:  # "from left to right" has no single word that could be wrong
            others = [w for w in row if w != present[0]]
            new = others[generator.integers(len(others))]
            out.append(
                (" / ".join(row[:2]) + (" / ..." if len(row) > 2 else ""), re.sub(rf"\b{present[0]}\b", new, text))
            )
    return out


def _placed(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A clip that starts at the origin facing +Z, turned about the vertical and moved so that its first pose lies best on the
    true one: place and heading are no part of what codes say."""
    a, b = guess[0] - guess[0, 0], truth[0] - truth[0, 0]
    yaw = np.arctan2((b[:, 0] * a[:, 2] - b[:, 2] * a[:, 0]).sum(), (a[:, 0] * b[:, 0] + a[:, 2] * b[:, 2]).sum())
    c, s = np.cos(yaw), np.sin(yaw)
    moved = guess - guess[0, 0]
    turned = np.stack([moved[..., 0] * c + moved[..., 2] * s, moved[..., 1], moved[..., 2] * c - moved[..., 0] * s], -1)
    return turned + truth[0, 0]


def multimodality(
    rows: ModelRows, requests: Sequence[Request], samples: int, embed, generator: np.random.Generator
) -> float:
    """MultiModality over these texts, `samples` motions each."""
    made = []
    for request in requests:
        batch = [replace(request, seed=request.seed + i) for i in range(samples)]
        made.append(embed(rows.generate(draw=1)(batch)))
    return metrics.multimodality(np.stack(made), generator)

"""DiMo: the one object whose methods are what the product does.

Every verb that makes motions returns a list: `samples` for each thing asked. All take steps (rounds of the model), guidance,
temperature and seed; options, a SampleOptions, has these and the rest, and what is given beside it goes before it. footlock
holds planted feet still (body/footlock.py); False shows what the model made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dimo import loading
from dimo.body.motion import Motion
from dimo.body.onto import onto
from dimo.body.skeleton import Skeleton
from dimo.codec.codec import Codec
from dimo.data import code_cache
from dimo.device import find
from dimo.diffusion.options import SampleOptions, options_of
from dimo.formats.reading import Options
from dimo.inpaint.pipeline import MEMORY, RECALL, Pipeline
from dimo.inpaint.request import Request, samples_of
from dimo.inpaint.spans import Span
from dimo.memory.lookup import Memory
from dimo.model.masked import MaskedModel
from dimo.tasks import best as best_task
from dimo.tasks import caption as caption_task
from dimo.tasks import correct as correct_task
from dimo.tasks import edit as edit_task
from dimo.tasks import generate as generate_task
from dimo.tasks import length as length_task
from dimo.tasks import loop as loop_task
from dimo.tasks import score as score_task
from dimo.tasks import search as search_task
from dimo.tasks import trace as trace_task
from dimo.tasks import understand as understand_task
from dimo.text.wordpiece import Wordpiece


class DiMo:
    """What a weights folder holds; pipeline (inpaint/pipeline.py) makes motions and codes, for programs that want many."""

    def __init__(self, pipeline: Pipeline, config: dict[str, Any] | None = None):
        self.pipeline, self.config = pipeline, config or {}

    @property
    def codec(self) -> Codec:
        return self.pipeline.codec

    @property
    def model(self) -> MaskedModel:
        return self.pipeline.model

    @property
    def wordpiece(self) -> Wordpiece:
        return self.pipeline.wordpiece

    @property
    def memory(self) -> Memory | None:
        return self.pipeline.memory

    # ---- loading and saving

    @staticmethod
    def from_pretrained(
        folder: str | Path | None = None, *, precision: str = "auto", device: str | torch.device = "auto"
    ) -> DiMo:
        """Load a weights folder (default: the packaged one; "open": of the package dimo-open). WeightsError names every fault.

        precision: of the masked model, "fp32", "bf16", or "auto": bf16 where the device has instructions for it (about half
        the time, same quality). device: "cpu", "cuda" (or "cuda:1", ...), "mps", or "auto": an NVIDIA GPU where torch finds
        one, else the CPU. DIMO_PRECISION and DIMO_DEVICE change what "auto" means. A seed repeats its result within both.
        """
        return DiMo(*loading.load(folder, precision, device))

    def to(self, device: str | torch.device) -> DiMo:
        """Itself, computing on a device (as in from_pretrained) in its precision. A seed draws the same numbers on each."""
        self.pipeline.to(find(device))
        return self

    def save_pretrained(
        self, folder: str | Path, *, provenance: dict[str, Any] | None = None, card: str | None = None
    ) -> Path:
        """Write a weights folder that from_pretrained reads. RequestError for a model in bf16, which has lost digits."""
        return loading.save(self.pipeline, Path(folder), provenance or self.config.get("provenance", {}), card)

    @staticmethod
    def debug(seed: int = 0) -> DiMo:
        """A tiny model with random weights and a real vocabulary's specials, for tests of everything but quality."""
        return DiMo(loading.debug_pipeline(seed), {"provenance": {"debug": True}})

    def fingerprint(self) -> str:
        """A hash that changes with the weights and with the precision that they compute in."""
        return loading.fingerprint(self.pipeline)

    # ---- text to motion

    def generate(
        self,
        text: str | Sequence[str],
        *,
        seconds: float | Sequence[float | None] | None = None,
        samples: int = 1,
        best: int = 1,
        seed: int | Sequence[int | None] | None = None,
        skeleton: Skeleton | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        recall: float = RECALL,
    ) -> list[Motion]:
        """Motions for a sentence, or for each of several, at 20 fps, starting at the origin and facing +Z.

        seconds: up to 600; None estimates the length from the text. seed: repeats the result, whatever else is made beside
        it; several samples of a seed begin with the one of samples=1. best: draw so many for each that is asked for, and
        keep the one that the model itself would rather describe by the sentence. recall: the share of training motions that
        were described alike in the guesses (memory/recall.py); 0 is the model alone. Of several sentences, drawn in batches,
        seconds and seed may be lists, and the samples of each stand side by side. skeleton: another body to retarget to.
        """
        texts = [text] if isinstance(text, str) else list(text)
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature)
        seed = seed if seed is not None else options.seed
        asked = generate_task.generate_each(self.pipeline, texts, seconds, seed)
        drawn = self._make(asked, samples * best_task.check(best), options, footlock, recall=recall)
        made = best_task.pick(self.pipeline, [t for t in texts for _ in range(samples * best)], drawn, best)
        return [onto(m, skeleton) for m in made] if skeleton is not None else made

    def sample(
        self,
        seconds: float = 4.0,
        *,
        samples: int = 1,
        seed: int | None = None,
        skeleton: Skeleton | None = None,
        steps: int | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
    ) -> list[Motion]:
        """Any motions, of any length up to 600 seconds, without a text."""
        options = options_of(options, steps=steps, temperature=temperature, seed=seed)
        request = generate_task.sample(self.pipeline, seconds, options.seed)
        return self._make([request], samples, options, footlock, skeleton=skeleton)

    def compose(
        self,
        script: Sequence[str | tuple[str, float | None]],
        *,
        samples: int = 1,
        seed: int | None = None,
        skeleton: Skeleton | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        recall: float = RECALL,
    ) -> list[Motion]:
        """Long motions of several parts: [("walks forward", 3), ("sits down", 2)], seconds of None are estimated."""
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        request = generate_task.compose(self.pipeline, script, options.seed)
        return self._make([request], samples, options, footlock, recall=recall, skeleton=skeleton)

    def trace(
        self,
        text: str,
        *,
        seconds: float | None = None,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        recall: float = RECALL,
    ) -> trace_task.Trace:
        """How generate(..., footlock=False) makes its motion, of one window, out of noise: the state after each round."""
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        states = self.rounds(text, seconds=seconds, options=options, recall=recall)
        return trace_task.trace(states, text, self.codec.config.stride)

    def rounds(
        self,
        text: str,
        *,
        seconds: float | None = None,
        options: SampleOptions | None = None,
        recall: float = RECALL,
        **given: Any,
    ) -> Iterator[trace_task.State]:
        """The states of trace one by one, as they come: for progress, or to stop early; given: steps, seed, ... as there."""
        options = options_of(options, **given)
        request = generate_task.generate(self.pipeline, text, seconds, options.seed)
        steps = self.pipeline.rounds(request, options, recall=recall)
        return trace_task.states(self.pipeline, steps, generate_task.name_of(text), request.frames)

    # ---- motion to motion

    def complete(
        self,
        motion: Motion,
        keep: Span | Sequence[Span] = (),
        *,
        text: str | None = None,
        seconds: float | None = None,
        unit: str = "seconds",
        samples: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        memory: float = MEMORY,
    ) -> list[Motion]:
        """The motion with the spans (start, end) of keep as they are, bit for bit, and the rest made.

        On its own body, at its own rate, `seconds` long (default: as before). unit: of keep, "seconds" or "frames". text:
        what happens in the rest. Nothing kept is a new motion from the place of the old one. memory: the share of
        remembered motions in guesses that no text describes; 0 is the model alone. Spans have to lie in the motion.
        """
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        if not len(keep):
            request, frames = generate_task.anew(self.pipeline, motion, text, seconds, options.seed)
            return [edit_task.placed_as(m, motion, frames) for m in self._make([request], samples, options, footlock)]
        request = edit_task.complete(motion, keep, text=text, seconds=seconds, unit=unit)
        return self._make([request], samples, options, footlock, memory)

    def edit(
        self,
        motion: Motion,
        replace: Span | Sequence[Span],
        *,
        text: str | None = None,
        unit: str = "seconds",
        samples: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        memory: float = MEMORY,
    ) -> list[Motion]:
        """The motion with the span (start, end), or several, made anew, as the text says; see complete for the rest."""
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        request = edit_task.edit(motion, replace, text=text, unit=unit)
        return self._make([request], samples, options, footlock, memory)

    def predict(
        self,
        motion: Motion,
        seconds: float = 4.0,
        *,
        text: str | None = None,
        samples: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        memory: float = MEMORY,
    ) -> list[Motion]:
        """The motion, bit for bit, and `seconds` more: how it goes on, from where it ends."""
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        request = edit_task.predict(motion, seconds, text=text)
        return self._make([request], samples, options, footlock, memory)

    def inbetween(
        self,
        a: Motion,
        b: Motion,
        seconds: float = 1.5,
        *,
        text: str | None = None,
        place: str = "as_is",
        samples: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
        memory: float = MEMORY,
    ) -> list[Motion]:
        """Motion a, `seconds` that lead to the first pose, place and heading of b, and b, on the body and rate of a.

        place: "as_is" leaves b where it is in the world; "follow" moves it to where the frames between arrive.
        """
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        request = edit_task.inbetween(a, b, seconds, text=text, place=place)
        return self._make([request], samples, options, footlock, memory)

    def vary(
        self,
        motion: Motion,
        share: float = 0.4,
        *,
        text: str | None = None,
        samples: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        options: SampleOptions | None = None,
        footlock: bool = True,
    ) -> list[Motion]:
        """Near neighbours of the motion: a share (0 to 1) of its code steps is made anew, on its own body and rate."""
        options = options_of(options, steps=steps, guidance=guidance, temperature=temperature, seed=seed)
        return self._make([edit_task.vary(motion, share, text=text)], samples, options, footlock)

    def loop(self, motion: Motion, seconds: float | None = None, **given: Any) -> list[Motion]:
        """The motion with a way back to its start, to be repeated (tasks/loop.py); given: keywords as of inbetween."""
        return loop_task.loop(partial(self.inbetween, **given), motion, seconds)

    def _make(
        self,
        requests: Sequence[Request],
        samples: int,
        options: SampleOptions,
        footlock: bool,
        memory: float = MEMORY,
        *,
        recall: float = RECALL,
        skeleton: Skeleton | None = None,
    ) -> list[Motion]:
        """`samples` motions of each request; those without a seed take that of the options."""
        seeded = [r if r.seed is not None else replace(r, seed=options.seed) for r in requests]
        asked = [one for request in seeded for one in samples_of(request, samples)]
        made = self.pipeline.make(asked, options, footlock=footlock, memory=memory, recall=recall)
        return made if skeleton is None else [onto(m, skeleton) for m in made]

    # ---- motion to text

    def caption(
        self,
        motion: Motion | Sequence[Motion],
        *,
        samples: int = 1,
        steps: int | None = None,
        seed: int | None = None,
        temperature: float | None = None,
    ) -> list[caption_task.Caption]:
        """An English sentence for a motion on any body with known joint names, or for each of several, drawn in batches.

        Words are written one after the other, as training captions go on. steps: fill in all of them in so many rounds
        instead, as in the paper; weights without captions do so in 12. One sample is the most probable caption; of several,
        drawn at temperature 0.7, each motion's surest has the others in `others`. Motions longer than the model's longest
        are read from their start.
        """
        motions = [motion] if isinstance(motion, Motion) else list(motion)
        options = caption_task.options_for(samples, steps, temperature)
        return caption_task.captions(self.pipeline, motions, samples, options, seed)

    # ---- both

    def correct(self, text: str, motion: Motion) -> correct_task.Correction:
        """The caption with the words put right that the motion contradicts; `changed` is False when there are none."""
        self.pipeline.ids(text)
        return correct_task.correct(self.model, self.wordpiece, text, self.codes(motion))

    def score(self, text: str, motion: Motion) -> score_task.Score:
        """Mean log-probabilities of the words given the motion and of the motion given the words, and without priors."""
        return score_task.score(self.model, [self.pipeline.ids(text)], [self.codes(motion)])[0]

    def rank(self, motion: Motion, texts: Sequence[str]) -> list[search_task.Ranked]:
        """Sentences with their scores for a motion, the one that fits best first."""
        return search_task.rank(self.pipeline, motion, texts)

    def search(self, text: str, folder: str | Path, *, cache: bool = True, **reading: Any) -> search_task.SearchResult:
        """The motion files below a folder with their scores for a sentence, the one that fits best first.

        Files that cannot be read are listed, not fatal. cache: keep codes and priors of the files in the user's cache
        folder ($XDG_CACHE_HOME/dimo). reading: up, unit, mapping of Motion.load.
        """
        path = code_cache.cache_path(folder, self.fingerprint(), Options(**reading)) if cache else None
        return search_task.search(self.pipeline, text, folder, path, Options(**reading))

    def understands(self, text: str) -> understand_task.Understanding:
        """How well a sentence is covered by what the model was trained on, and what that described most like it."""
        return understand_task.understand(self.pipeline, text)

    def length(self, text: str) -> length_task.Lengths:
        """How long a motion of the sentence takes: probabilities over seconds, with .median and .candidates(count)."""
        return length_task.lengths_of(self.pipeline, text)

    def codes(self, motion: Motion) -> torch.Tensor:
        """Codes (L, Q) of a motion on any body with known joint names, cut to the model's longest."""
        return self.pipeline.to_codes(motion)

    def reconstruct(self, motion: Motion, levels: int | None = None) -> Motion:
        """A motion through codes and back with the first `levels` levels, on the codec's body and rate, from the origin."""
        return self.pipeline.reconstruct(motion, levels)

"""DiMo: the one object whose methods are what the product does."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from dimo import checkpoint
from dimo.body.footlock import lock_feet
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import Skeleton
from dimo.codec.codec import Codec, CodecConfig
from dimo.data import code_cache as library
from dimo.diffusion.sample import SampleOptions
from dimo.errors import RequestError, WeightsError
from dimo.inpaint.gap import Tools
from dimo.inpaint.request import seconds_to_steps, text_to_ids
from dimo.inpaint.spans import Span
from dimo.memory.lookup import Memory
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.precision import dtype_of
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import WORD_PIECES
from dimo.tasks import caption as caption_task
from dimo.tasks import complete as complete_task
from dimo.tasks import compose as compose_task
from dimo.tasks import correct as correct_task
from dimo.tasks import generate as generate_task
from dimo.tasks import length as length_task
from dimo.tasks import score as score_task
from dimo.tasks import trace as trace_task
from dimo.tasks import vary as vary_task
from dimo.text.wordpiece import Wordpiece

TRAINING_ONLY = ("quantizer.sums", "quantizer.counts", "quantizer.started", "step")
"""Buffers of the codec that a shipped file leaves out."""

CAPTION_OPTIONS = SampleOptions(steps=12, temperature=0.0, top_k=0, guidance=1.0, schedule="linear", pad_factor=0.6)
"""How captions are drawn: the most probable words, few at a time; more samples than one use temperature 0.7."""


@dataclass(frozen=True)
class Caption:
    """One caption and its mean log-probability per word piece given the motion (higher is surer)."""

    text: str
    score: float


@dataclass(frozen=True)
class Ranked:
    """A sentence and how well it fits a motion."""

    text: str
    score: score_task.Score


@dataclass(frozen=True)
class Found:
    """A motion file and how well it fits a sentence."""

    path: Path
    score: score_task.Score


@dataclass(frozen=True)
class SearchResult:
    """The motions of a folder, best first, and the files that could not be read."""

    found: tuple[Found, ...]
    unreadable: tuple[library.Unreadable, ...]


class DiMo:
    """A codec, a joint model and a vocabulary, loaded from a weights folder, and the memory of motions if it holds one."""

    def __init__(
        self,
        codec: Codec,
        model: MaskedModel,
        wordpiece: Wordpiece,
        config: dict[str, Any] | None = None,
        memory: Memory | None = None,
    ):
        self.codec, self.model, self.wordpiece = codec.eval(), model.eval(), wordpiece
        self.config, self.memory = config or {}, memory

    # ---- loading and saving

    @staticmethod
    def from_pretrained(folder: str | Path | None = None, *, precision: str = "auto") -> DiMo:
        """Load a weights folder (default: the packaged weights). WeightsError names every fault of it.

        precision: of the joint model, "fp32", "bf16", or "auto", which takes bf16 where the processor has instructions
        for it (about half the time, same quality by benchmarks/quality.py). DIMO_PRECISION changes what "auto" means. A
        seed repeats its result within one precision.
        """
        dtype = dtype_of(os.environ.get("DIMO_PRECISION", precision) if precision == "auto" else precision)
        folder = Path(folder) if folder is not None else checkpoint.packaged_folder()
        config = checkpoint.read_config(folder)
        try:
            codec = Codec(CodecConfig(**config["codec"]))
            model = MaskedModel(MaskedConfig.from_dict(config["model"]))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{folder / 'config.json'}: not a usable config ({error})") from None
        if model.config.levels != codec.config.levels or model.config.codes != codec.config.codes:
            raise WeightsError(f"{folder / 'config.json'}: codec and model differ in levels or codes")
        checkpoint.load_into(codec, folder / "codec.safetensors", optional=TRAINING_ONLY)
        checkpoint.load_into(model, folder / "model.safetensors")
        wordpiece, room = Wordpiece.from_file(folder / "vocab.txt"), model.config.transformer.vocabulary
        if max(wordpiece.vocabulary.values()) >= room:
            raise WeightsError(f"{folder / 'vocab.txt'}: holds more word pieces than the {room} of config.json")
        known = folder / "memory.safetensors"
        memory = Memory.from_file(known, codec) if known.is_file() else None
        return DiMo(codec, model.to(dtype), wordpiece, config, memory)

    def save_pretrained(
        self, folder: str | Path, *, provenance: dict[str, Any] | None = None, card: str | None = None
    ) -> Path:
        """Write a weights folder that from_pretrained reads. RequestError for a model in bf16, which has lost digits."""
        if next(self.model.parameters()).dtype == torch.bfloat16:
            raise RequestError('this model was rounded to bf16; load it with precision="fp32" to save it')
        config = {
            "codec": asdict(self.codec.config),
            "model": self.model.config.to_dict(),
            "provenance": provenance or self.config.get("provenance", {}),
        }
        codec = {k: v for k, v in self.codec.state_dict().items() if k not in TRAINING_ONLY}
        files = {"vocab.txt": self.wordpiece.vocab_text()} | ({"MODEL_CARD.md": card} if card else {})
        tensors = {"codec": codec, "model": self.model.state_dict()}
        if self.memory is not None:
            tensors["memory"] = self.memory.state()
        checkpoint.save(Path(folder), config, tensors, files)
        return Path(folder)

    @staticmethod
    def debug(seed: int = 0) -> DiMo:
        """A tiny model with random weights and a real vocabulary's specials, for tests of everything but quality."""
        torch.manual_seed(seed)
        codec = Codec(CodecConfig(width=16, dim=8, levels=3, codes=16))
        codec.std.mul_(0.05)
        torch.nn.init.normal_(codec.quantizer.codebooks)
        codec.mean[3] = 0.95  # the root stands at hip height
        trunk = TransformerConfig(
            vocabulary=WORD_PIECES, width=32, layers=2, heads=2, feedforward=64, positions=96, embedding_width=8
        )
        model = MaskedModel(MaskedConfig(transformer=trunk, levels=3, codes=16, depth_blocks=1))
        return DiMo(codec, model, Wordpiece.basic(), {"provenance": {"debug": True}})

    # ---- text to motion

    def generate(
        self,
        text: str,
        *,
        seconds: float | None = None,
        steps: int = 10,
        samples: int = 1,
        seed: int | None = None,
        skeleton: Skeleton | None = None,
        footlock: bool = True,
        options: SampleOptions | None = None,
        **changes: Any,
    ) -> list[Motion]:
        """Motions for a sentence, at 20 fps, starting at the origin and facing +Z.

        seconds: None estimates the length from the text. steps: rounds of the model. seed: repeats the result. skeleton:
        another body to retarget to. footlock: hold planted feet still (body/footlock.py); False shows what the model made.
        options, or single fields of SampleOptions as keywords (guidance, temperature,
        top_k, strategy, schedule), say how to draw. RequestError for what cannot be done.
        """
        options = _options(options or SampleOptions(), steps=steps, seed=seed, **changes)
        _check_samples(samples)
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        length, frames = self._length(ids, seconds)
        rows = generate_task.generate(self.model, [ids] * samples, [length] * samples, options)
        name = "_".join(text.split())[:60]
        motions = [self.codec.codes_to_motion(codes, name)[:frames] for codes in rows]
        if footlock and self.codec.config.skeleton == "humanml3d":
            motions = [lock_feet(m) for m in motions]
        return [retarget(m, skeleton) for m in motions] if skeleton is not None else motions

    def trace(
        self,
        text: str,
        *,
        seconds: float | None = None,
        steps: int = 10,
        seed: int | None = None,
        options: SampleOptions | None = None,
        **changes: Any,
    ) -> trace_task.Trace:
        """How generate makes the motion of these arguments out of noise: the state after each round (view.trace draws it).

        The last state is the motion of generate(..., samples=1, footlock=False).
        """
        options = _options(options or SampleOptions(), steps=steps, seed=seed, **changes)
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        length, frames = self._length(ids, seconds)
        rounds = generate_task.generate_steps(self.model, [ids], [length], options)
        return trace_task.trace(self.codec, rounds, text, frames)

    def _length(self, ids: Sequence[int], seconds: float | None) -> tuple[int, int]:
        """Code steps and frames for a duration, or for the text's median one."""
        codec = self.codec.config
        if seconds is None:
            length = generate_task.estimate_length(self.model, ids)
            return length, length * codec.stride
        length = seconds_to_steps(seconds, codec.fps, codec.stride, self.model.config.max_steps)
        return length, max(1, round(seconds * codec.fps))

    # ---- motion to motion: samples of 1 gives a Motion, of more a list; **draw: fields of SampleOptions, options, footlock

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
        **draw: Any,
    ) -> Motion | list[Motion]:
        """The motion with the spans (start, end) of keep as they are, bit for bit, and the rest made.

        On its own body, at its own rate, `seconds` long (default: as before). unit: of keep, "seconds" or "frames". text:
        what happens in the rest. Nothing kept is a new motion from the place of the old one. RequestError for spans
        outside of the motion.
        """
        tools = self._tools(samples, seed, draw)
        return _one(complete_task.complete(tools, motion, keep, text=text, seconds=seconds, unit=unit))

    def edit(
        self,
        motion: Motion,
        replace: Span | Sequence[Span],
        *,
        text: str | None = None,
        unit: str = "seconds",
        samples: int = 1,
        seed: int | None = None,
        **draw: Any,
    ) -> Motion | list[Motion]:
        """The motion with the span (start, end), or several, made anew, as the text says; see complete for the rest."""
        tools = self._tools(samples, seed, draw)
        return _one(complete_task.edit(tools, motion, replace, text=text, unit=unit))

    def predict(
        self,
        motion: Motion,
        seconds: float = 4.0,
        *,
        text: str | None = None,
        samples: int = 1,
        seed: int | None = None,
        **draw: Any,
    ) -> Motion | list[Motion]:
        """The motion, bit for bit, and `seconds` more: how it goes on, from where it ends."""
        return _one(complete_task.predict(self._tools(samples, seed, draw), motion, seconds, text=text))

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
        **draw: Any,
    ) -> Motion | list[Motion]:
        """Motion a, `seconds` that lead to the first pose, place and heading of b, and b, on the body and rate of a.

        place: "as_is" leaves b where it is in the world; "follow" moves it to where the frames between arrive.
        """
        return _one(complete_task.inbetween(self._tools(samples, seed, draw), a, b, seconds, text=text, place=place))

    def vary(
        self,
        motion: Motion,
        share: float = 0.4,
        *,
        text: str | None = None,
        samples: int = 1,
        seed: int | None = None,
        **draw: Any,
    ) -> Motion | list[Motion]:
        """A near neighbour of the motion: a share (0 to 1) of its code steps is made anew, on its own body and rate."""
        return _one(vary_task.vary(self._tools(samples, seed, draw), motion, share, text=text))

    def sample(
        self,
        seconds: float = 4.0,
        *,
        skeleton: Skeleton | None = None,
        samples: int = 1,
        seed: int | None = None,
        **draw: Any,
    ) -> Motion | list[Motion]:
        """Any motion, of any length, without a text."""
        return _one(complete_task.sample(self._tools(samples, seed, draw), seconds), skeleton)

    def compose(
        self,
        script: Sequence[str | tuple[str, float | None]],
        *,
        skeleton: Skeleton | None = None,
        samples: int = 1,
        seed: int | None = None,
        **draw: Any,
    ) -> Motion | list[Motion]:
        """One long motion of several parts: [("walks forward", 3), ("sits down", 2)], seconds of None are estimated."""
        return _one(compose_task.compose(self._tools(samples, seed, draw), script), skeleton)

    def _tools(self, samples: int, seed: int | None, draw: dict[str, Any]) -> Tools:
        _check_samples(samples)
        footlock = draw.pop("footlock", True)
        options = _options(draw.pop("options", None) or SampleOptions(), seed=seed, **draw)
        return Tools(self.codec, self.model, self.wordpiece, options, samples, footlock, self.memory)

    # ---- motion to text

    def caption(
        self,
        motion: Motion,
        *,
        samples: int = 1,
        steps: int = 12,
        seed: int | None = None,
        temperature: float | None = None,
    ) -> list[Caption]:
        """English sentences for a motion on any body with known joint names, the surest first.

        One sample is the most probable caption; several are drawn at temperature 0.7 (unless given) and ranked, doubles
        removed. Motions longer than the model's longest are read from their start.
        """
        _check_samples(samples)
        if temperature is None:
            temperature = 0.0 if samples == 1 else 0.7
        options = _options(CAPTION_OPTIONS, steps=steps, seed=seed, temperature=temperature)
        codes = self.codes(motion)
        found: dict[str, list[int]] = {}
        for ids in caption_task.caption(self.model, [codes] * samples, options):
            if text := self.wordpiece.decode(ids):
                found.setdefault(text, ids)
        if not found:
            return [Caption("", -math.inf)]
        scores = score_task.text_given_motion(self.model, list(found.values()), [codes] * len(found)).tolist()
        return sorted((Caption(t, s) for t, s in zip(found, scores, strict=True)), key=lambda c: -c.score)

    # ---- both

    def correct(self, text: str, motion: Motion) -> correct_task.Correction:
        """The caption with the words put right that the motion contradicts; `changed` is False when there are none."""
        text_to_ids(text, self.wordpiece, self.model.config.max_text)
        return correct_task.correct(self.model, self.wordpiece, text, self.codes(motion))

    def score(self, text: str, motion: Motion) -> score_task.Score:
        """Mean log-probabilities of the words given the motion and of the motion given the words, and without priors."""
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        return score_task.score(self.model, [ids], [self.codes(motion)])[0]

    def rank(self, motion: Motion, texts: Sequence[str]) -> list[Ranked]:
        """Sentences with their scores for a motion, the one that fits best first."""
        ids = [text_to_ids(text, self.wordpiece, self.model.config.max_text) for text in texts]
        if not ids:
            raise RequestError("there are no sentences to rank")
        scores = score_task.score(self.model, ids, [self.codes(motion)] * len(ids))
        return sorted((Ranked(t, s) for t, s in zip(texts, scores, strict=True)), key=lambda r: -r.score.rank)

    def search(self, text: str, folder: str | Path, *, cache: bool = True) -> SearchResult:
        """The motion files below a folder with their scores for a sentence, the one that fits best first.

        Files that cannot be read are listed, not fatal. cache: keep codes and priors of the files in the user's cache
        folder ($XDG_CACHE_HOME/dimo), so that the next search reads only what is new.
        """
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        path = library.cache_path(folder, self.fingerprint()) if cache else None
        known = library.read_folder(folder, self.codes, lambda c: score_task.log_motion(self.model, c), path)
        codes, priors = [e.codes for e in known.entries], [e.prior for e in known.entries]
        scores = score_task.score(self.model, [ids] * len(codes), codes, motion_priors=priors) if codes else []
        found = (Found(e.path, s) for e, s in zip(known.entries, scores, strict=True))
        return SearchResult(tuple(sorted(found, key=lambda f: -f.score.rank)), known.unreadable)

    def length(self, text: str) -> length_task.Lengths:
        """How long a motion of the sentence takes: probabilities over seconds, with .median and .candidates(count)."""
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        return length_task.lengths(self.model, ids, self.codec.config.stride / self.codec.config.fps)

    def fingerprint(self) -> str:
        """A hash that changes with the weights and with the precision that they compute in."""
        digest = hashlib.sha256()
        for part in (self.codec, self.model):
            for name, value in part.state_dict().items():
                if name not in TRAINING_ONLY:
                    digest.update(f"{name} {value.dtype}".encode())
                    digest.update(value.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def codes(self, motion: Motion) -> torch.Tensor:
        """Codes (L, Q) of a motion on any body with known joint names, cut to the model's longest."""
        if motion.skeleton != self.codec.skeleton:
            motion = retarget(motion, self.codec.skeleton)
        motion = motion.resample(self.codec.config.fps)
        if len(motion) < 2:
            raise RequestError(
                f"the motion {motion.name!r} has {len(motion)} frame at {self.codec.config.fps:g} fps; at least 2 are needed"
            )
        longest = self.model.config.max_steps * self.codec.config.stride
        return self.codec.motion_to_codes(motion[:longest])


def _options(options: SampleOptions, **changes: Any) -> SampleOptions:
    try:
        return replace(options, **changes)
    except TypeError:
        fields = ", ".join(SampleOptions.__dataclass_fields__)
        unknown = next(k for k in changes if k not in SampleOptions.__dataclass_fields__)
        raise RequestError(f"no sampling option {unknown!r}; there are {fields}") from None


def _one(motions: list[Motion], skeleton: Skeleton | None = None) -> Motion | list[Motion]:
    """The only one of several motions, or all of them, on another body if one is given."""
    motions = [retarget(m, skeleton) for m in motions] if skeleton is not None else motions
    return motions[0] if len(motions) == 1 else motions


def _check_samples(samples: int) -> None:
    if not 1 <= samples <= 256:
        raise RequestError(f"samples must be from 1 to 256, not {samples}")

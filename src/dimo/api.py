"""DiMo: the one object whose methods are what the product does."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from dimo import checkpoint
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.skeleton import Skeleton
from dimo.codec.codec import Codec, CodecConfig
from dimo.diffusion.sample import SampleOptions
from dimo.errors import RequestError, WeightsError
from dimo.model.joint import JointConfig, JointModel
from dimo.model.precision import dtype_of
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import WORD_PIECES
from dimo.tasks import caption as caption_task
from dimo.tasks import generate as generate_task
from dimo.tasks import score as score_task
from dimo.tasks.request import seconds_to_steps, text_to_ids
from dimo.text.wordpiece import Wordpiece

TRAINING_ONLY = ("quantizer.sums", "quantizer.counts", "quantizer.started", "step")
"""Buffers of the codec that a shipped file leaves out."""

CAPTION_OPTIONS = SampleOptions(steps=12, temperature=0.0, top_k=0, guidance=1.0, schedule="linear")
"""How captions are drawn: the most probable words, few at a time; more samples than one use temperature 0.7."""


@dataclass(frozen=True)
class Caption:
    """One caption and its mean log-probability per word piece given the motion (higher is surer)."""

    text: str
    score: float


class DiMo:
    """A codec, a joint model and a vocabulary, loaded from a weights folder."""

    def __init__(self, codec: Codec, model: JointModel, wordpiece: Wordpiece, config: dict[str, Any] | None = None):
        self.codec, self.model, self.wordpiece = codec.eval(), model.eval(), wordpiece
        self.config = config or {}

    # ---- loading and saving

    @staticmethod
    def packaged_folder() -> Path:
        """Where the weights that ship with the package lie; DIMO_WEIGHTS names another folder."""
        override = os.environ.get("DIMO_WEIGHTS")
        return Path(override) if override else Path(str(resources.files("dimo") / "weights"))

    @staticmethod
    def from_pretrained(folder: str | Path | None = None, *, precision: str = "auto") -> DiMo:
        """Load a weights folder (default: the packaged weights). WeightsError names every fault of it.

        precision: of the joint model, "fp32", "bf16", or "auto", which takes bf16 where the processor has instructions
        for it (about half the time, same quality by benchmarks/quality.py). DIMO_PRECISION changes what "auto" means. A
        seed repeats its result within one precision.
        """
        dtype = dtype_of(os.environ.get("DIMO_PRECISION", precision) if precision == "auto" else precision)
        folder = Path(folder) if folder is not None else DiMo.packaged_folder()
        config = checkpoint.read_config(folder)
        try:
            codec = Codec(CodecConfig(**config["codec"]))
            model = JointModel(JointConfig.from_dict(config["model"]))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{folder / 'config.json'}: not a usable config ({error})") from None
        if model.config.levels != codec.config.levels or model.config.codes != codec.config.codes:
            raise WeightsError(f"{folder / 'config.json'}: codec and model differ in levels or codes")
        checkpoint.load_into(codec, folder / "codec.safetensors", optional=TRAINING_ONLY)
        checkpoint.load_into(model, folder / "model.safetensors")
        wordpiece, room = Wordpiece.from_file(folder / "vocab.txt"), model.config.transformer.vocabulary
        if max(wordpiece.vocabulary.values()) >= room:
            raise WeightsError(f"{folder / 'vocab.txt'}: holds more word pieces than the {room} of config.json")
        return DiMo(codec, model.to(dtype), wordpiece, config)

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
        checkpoint.save(Path(folder), config, {"codec": codec, "model": self.model.state_dict()}, files)
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
        model = JointModel(JointConfig(transformer=trunk, levels=3, codes=16, depth_blocks=1))
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
        options: SampleOptions | None = None,
        **changes: Any,
    ) -> list[Motion]:
        """Motions for a sentence, at 20 fps, starting at the origin and facing +Z.

        seconds: None estimates the length from the text. steps: rounds of the model. seed: repeats the result. skeleton:
        another body to retarget to. options, or single fields of SampleOptions as keywords (guidance, temperature,
        top_k, strategy, schedule), say how to draw. RequestError for what cannot be done.
        """
        options = _options(options or SampleOptions(), steps=steps, seed=seed, **changes)
        _check_samples(samples)
        ids = text_to_ids(text, self.wordpiece, self.model.config.max_text)
        codec = self.codec.config
        if seconds is None:
            length = generate_task.estimate_length(self.model, ids)
            frames = length * codec.stride
        else:
            length = seconds_to_steps(seconds, codec.fps, codec.stride, self.model.config.max_steps)
            frames = max(1, round(seconds * codec.fps))
        rows = generate_task.generate(self.model, [ids] * samples, [length] * samples, options)
        name = "_".join(text.split())[:60]
        motions = [self.codec.codes_to_motion(codes, name)[:frames] for codes in rows]
        return [retarget(m, skeleton) for m in motions] if skeleton is not None else motions

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

    def score(self, text: str, motion: Motion) -> dict[str, float]:
        """Mean log-probabilities: "text" of the words given the motion, "motion" of the codes given the words."""
        ids, codes = text_to_ids(text, self.wordpiece, self.model.config.max_text), self.codes(motion)
        return {
            "text": float(score_task.text_given_motion(self.model, [ids], [codes])[0]),
            "motion": float(score_task.motion_given_text(self.model, [ids], [codes])[0]),
        }

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


def _check_samples(samples: int) -> None:
    if not 1 <= samples <= 256:
        raise RequestError(f"samples must be from 1 to 256, not {samples}")

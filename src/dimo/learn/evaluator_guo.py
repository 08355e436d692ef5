"""Retraining of the evaluator of Guo et al. 2022 on any prepared data, in its two stages.

First an autoencoder of movement snippets; then, with its encoder fixed, both readers by a margin contrastive loss. The
result compares systems on the same data; its numbers are not the literature's, and it says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import l1_loss, leaky_relu

from dimo.data import shards
from dimo.device import find
from dimo.evaluators import guo
from dimo.evaluators.guo import CONTACTS, GuoEvaluator, Movement, Networks, draw_crop
from dimo.evaluators.guo_words import WordVectors, tokens
from dimo.learn import loop, parallel, recipe
from dimo.learn.captioned import CaptionedClips, CaptionedOptions
from dimo.learn.folders import chosen, folders
from dimo.learn.loop import LoopOptions
from dimo.learn.start import bert_folder
from dimo.learn.train import Settings
from dimo.metrics.motion import POOL, matching_distance, r_precision
from dimo.text.wordpiece import Wordpiece

FRAME_WORDS = ("unk", "sos", "eos")
WORD_NORM = 5.5
"""Mean length of the word vectors: about that of the published GloVe excerpt, for whose scale the network begins."""


@dataclass(frozen=True)
class MatchLoss:
    """Weights and sizes of both stages; those of the public training options where they exist."""

    batch: int = 32
    margin: float = 10.0  # distance from which a wrong pair is far enough
    movement_batch: int = 128
    movement_window: int = 40  # frames
    sparsity: float = 0.001  # of the mean absolute snippet values
    smoothness: float = 0.001  # of their differences from snippet to snippet
    movement_steps: int = 2000
    word_size: int = guo.WORD_SIZE
    width: int = guo.WIDTH  # 43 MB in half precision at 512, the published width; a narrower one is smaller and faster


@dataclass(frozen=True)
class EvaluatorRecipe:
    """Everything that retraining the evaluator needs to know."""

    part: ClassVar[str] = "evaluator"
    loss: MatchLoss = field(default_factory=MatchLoss)
    # fp32: GRUs gain nothing from bf16 on a CPU. The public clip is 0.5 for each reader.
    loop: LoopOptions = field(
        default_factory=lambda: LoopOptions(
            steps=6000, learning_rate=1e-4, weight_decay=0.0, clip=0.5, bf16=False, seed=23
        )
    )
    data: CaptionedOptions = field(default_factory=CaptionedOptions)


class Autoencoder(nn.Module):
    """Movement snippets and back: transposed convolutions that mirror the encoder."""

    def __init__(self, movement: Movement, features: int):
        super().__init__()
        self.movement = movement
        width = movement.out.out_features
        self.first = nn.ConvTranspose1d(width, width, 4, 2, 1)
        self.second = nn.ConvTranspose1d(width, features, 4, 2, 1)
        self.out = nn.Linear(features, features)
        for part in (self.first, self.second, self.out):
            guo.initialise(part)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised frames (B, F, C) to rebuilt ones and snippets (B, F / 4, width)."""
        snippets = self.movement(x[..., :-CONTACTS])
        y = leaky_relu(self.second(leaky_relu(self.first(snippets.transpose(1, 2)), 0.2)), 0.2)
        return self.out(y.transpose(1, 2)), snippets


def movement_loss(
    model: Autoencoder,
    evaluator: GuoEvaluator,
    pairs: CaptionedClips,
    options: MatchLoss,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """L1 of the rebuilt window, and small pulls towards few and steady snippet values."""
    clips, _ = pairs.draw(options.movement_batch, generator)
    windows = []
    for clip in clips:
        start = int(generator.integers(0, max(1, len(clip) - options.movement_window + 1)))
        part = clip[start : start + options.movement_window]
        windows.append(np.concatenate([part, np.repeat(part[-1:], options.movement_window - len(part), axis=0)]))
    networks = evaluator.networks
    x = (torch.from_numpy(np.stack(windows)).to(networks.mean.device) - networks.mean) / networks.std
    rebuilt, snippets = model(x)
    rebuild = l1_loss(rebuilt, x)
    total = rebuild + options.sparsity * snippets.abs().mean() + options.smoothness * snippets.diff(dim=1).abs().mean()
    return {"loss": total, "rebuild": rebuild}


def contrast(texts: Tensor, motions: Tensor, shift: int, margin: float) -> tuple[Tensor, Tensor]:
    """Margin loss (Hadsell et al. 2006, equation 4) of true pairs, d^2, and of pairs shifted in the batch, (margin - d)+^2."""
    near = (texts - motions).norm(dim=-1)
    far = (texts - motions.roll(-shift, 0)).norm(dim=-1)
    return near.square().mean(), (margin - far).clamp_min(0).square().mean()


def match_loss(
    evaluator: GuoEvaluator, pairs: CaptionedClips, options: MatchLoss, generator: np.random.Generator
) -> dict[str, Tensor]:
    """One batch of the second stage, cropped as the public loader does."""
    networks = evaluator.networks
    networks.movement.eval()  # fixed, and without dropout
    clips, captions = pairs.draw(options.batch, generator)
    motions, lengths = evaluator.pad([c[draw_crop(len(c), generator)] for c in clips])
    texts = networks.text(*evaluator.encode([tokens(c) for c in captions]))
    # The public code draws a shift from 0, which now and then pushes true pairs apart; ours begins at 1.
    shift = int(generator.integers(1, max(2, len(clips))))
    near, far = contrast(texts, networks.embed_motions(motions, lengths), shift, options.margin)
    return {"loss": near + far, "near": near, "far": far}


def measure(evaluator: GuoEvaluator, pairs: CaptionedClips, seed: int = 7) -> dict[str, float]:
    """R-Precision and MM-Dist of held-out clips, one caption each."""
    clips, captions = pairs.draw(len(pairs), np.random.default_rng(seed))
    if len(clips) < POOL:
        return {"clips": float(len(clips))}
    texts, motions = evaluator.embed_texts(captions), evaluator.embed_motions(clips)
    found = {f"r_precision_{k + 1}": float(v) for k, v in enumerate(r_precision(texts, motions))}
    return found | {"matching_distance": matching_distance(texts, motions)}


def words_of(captions: Sequence[str]) -> list[str]:
    """unk, sos, eos, and every word that captions hold after our lemmatiser, in order of the alphabet."""
    found = {token.rpartition("/")[0] for caption in set(captions) for token in tokens(caption)}
    return [*FRAME_WORDS, *sorted(found - set(FRAME_WORDS))]


def word_vectors(words: Sequence[str], wordpiece: Wordpiece, pieces: Tensor, size: int) -> WordVectors:
    """Vectors (V, size) for words without GloVe: the mean of each word's piece vectors (P, D), on their main axes."""
    rows = [wordpiece.encode(re.sub(r"[^a-z]", "", w)) or [wordpiece.vocabulary["[UNK]"]] for w in words]
    table = np.stack([pieces[ids].mean(0).double().numpy() for ids in rows])
    table -= table.mean(0)
    u, s, _ = np.linalg.svd(table, full_matrices=False)
    flat = np.zeros((len(words), size))
    kept = min(size, len(s))
    flat[:, :kept] = (u * s)[:, :kept]
    flat *= WORD_NORM / max(1e-9, np.linalg.norm(flat, axis=1).mean())
    return WordVectors(flat, {w: i for i, w in enumerate(words)})


def train_evaluator(settings: Settings, start: Path | None = None, glove: Path | None = None) -> int:
    """Retrain on a prepared folder; writes a folder that GuoEvaluator.from_folder reads. Returns the steps of stage two.

    glove: the published word vectors; without them MiniLM's piece vectors stand in.
    """
    plan = recipe.opened(settings.recipe, EvaluatorRecipe, settings.changes)
    data = chosen(settings.data, plan.data.folders)
    options = loop.plain(plan.loop, settings.steps)
    place = parallel.join(find(settings.device))
    train, held = (CaptionedClips.read(data, split, plan.data) for split in ("train", "val"))
    if glove is not None:
        words = WordVectors.from_folder(glove)
    else:
        bert = bert_folder(start)
        matrix = load_file(bert / "model.safetensors")["embeddings.word_embeddings.weight"]
        read = [clip for folder, _ in folders(data) for clip in shards.read(folder)]
        captions = [t.text for clip in read for t in clip.captions]
        words = word_vectors(words_of(captions), Wordpiece.from_file(bert / "vocab.txt"), matrix, plan.loss.word_size)
    torch.manual_seed(options.seed)
    networks = Networks(train.features[0].shape[1], words.vectors.shape[1], plan.loss.width)
    for buffer, values in zip((networks.mean, networks.std), train.statistics(), strict=True):
        buffer.copy_(torch.from_numpy(values))
    evaluator = GuoEvaluator(networks, words, comparable=False).to(place)
    model = Autoencoder(networks.movement, networks.features).to(place)
    began = time.monotonic()
    # A run that was cut off in the second stage has a state there, and finds the first one finished.
    first, second = settings.out / "movement", settings.out / "match"
    loop.run(
        model,
        lambda generator, _: movement_loss(model, evaluator, train, plan.loss, generator),
        replace(options, steps=plan.loss.movement_steps if not settings.steps else settings.steps),
        first,
        resume=settings.resume,
        time_limit=settings.time_limit,
        quiet=settings.quiet,
    )
    networks.movement.requires_grad_(False)
    done = loop.run(
        networks,
        lambda generator, _: match_loss(evaluator, train, plan.loss, generator),
        options,
        second,
        validate=lambda: measure(evaluator, held),
        resume=settings.resume and (second / "state.pt").is_file(),
        time_limit=None if settings.time_limit is None else settings.time_limit - (time.monotonic() - began),
        quiet=settings.quiet,
    )
    networks.eval()
    evaluator.save(settings.out, {"steps": done, "clips": len(train), "validation": measure(evaluator, held)})
    return done

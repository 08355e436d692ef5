"""Training of our own evaluator: InfoNCE without negatives that say the same (TMR: Petrovich et al. 2023, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dimo.device import autocast, find
from dimo.evaluators.ours import ContrastiveEvaluator, Towers, TowersConfig
from dimo.learn import loop, parallel, recipe
from dimo.learn.captioned import CaptionedClips, CaptionedOptions
from dimo.learn.folders import chosen
from dimo.learn.loop import LoopOptions
from dimo.learn.start import bert_folder
from dimo.learn.train import Settings
from dimo.metrics.motion import POOL, r_precision
from dimo.model.sentence import SentenceEncoder

OPPOSITES = (
    "left right",
    "clockwise counterclockwise",
    "forward|forwards|ahead backward|backwards",
    "up|raises|lifts down|lowers",
    "slowly|slow quickly|fast|briskly",
    "once twice|two three|thrice",
)
"""Groups of words that exclude each other; a bar joins words of one meaning. Sentence encoders hardly tell them apart."""


@dataclass(frozen=True)
class ContrastiveLoss:
    """What is contrasted with what."""

    batch: int = 128
    temperature: float = 0.1  # of cosines, as in TMR
    same_text: float = 0.8  # cosine of sentence vectors above which a caption is no negative of the other's motion


@dataclass(frozen=True)
class ContrastiveRecipe:
    """Everything that training it needs to know."""

    part: ClassVar[str] = "encoder"
    encoder: TowersConfig = field(default_factory=TowersConfig)
    loss: ContrastiveLoss = field(default_factory=ContrastiveLoss)
    loop: LoopOptions = field(default_factory=LoopOptions)
    data: CaptionedOptions = field(default_factory=CaptionedOptions)


class Sentences:
    """States below the text tower, sentence vectors and opposites of captions, each computed when first asked for."""

    def __init__(self, tower: SentenceEncoder, whole: SentenceEncoder):
        self.tower, self.whole = tower, whole
        self.known: dict[str, tuple[Tensor, Tensor, tuple[int, ...]]] = {}

    def get(self, captions: Sequence[str]) -> tuple[list[Tensor], Tensor, Tensor]:
        """States (T, D) each, unit vectors (B, D), opposites (B, groups), all on the CPU."""
        new = list(dict.fromkeys(c for c in captions if c not in self.known))
        if new:
            vectors = torch.from_numpy(self.whole.embed(new))
            for caption, state, vector in zip(new, self.tower.states(new), vectors, strict=True):
                self.known[caption] = (state.half(), vector, opposites(caption))
        states, vectors, sides = zip(*(self.known[c] for c in captions), strict=True)
        return list(states), torch.stack(vectors), torch.tensor(sides)


def opposites(caption: str) -> tuple[int, ...]:
    """Per group of OPPOSITES, which of its meanings the caption names, as bits."""
    words = set(caption.lower().replace(",", " ").replace(".", " ").split())
    return tuple(
        sum(1 << i for i, meaning in enumerate(group.split()) if words & set(meaning.split("|"))) for group in OPPOSITES
    )


def same_meaning(vectors: Tensor, sides: Tensor, threshold: float) -> Tensor:
    """(B, B) bool: pairs of captions that are no negatives of each other, the diagonal False.

    Near in the sentence encoder's cosine, unless both name a side, direction, pace or count and not the same one: TMR's filter
    alone would drop just the negatives that teach left from right.
    """
    a, b = sides[:, None], sides[None]
    differ = ((a != b) & (a > 0) & (b > 0)).any(-1)
    near = (vectors @ vectors.T > threshold) & ~differ
    return near & ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)


def info_nce(texts: Tensor, motions: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Symmetric cross-entropy of unit vectors (B, D) over the batch (van den Oord et al. 2018), `same` pairs left out."""
    logits = (texts @ motions.T / temperature).masked_fill(same, -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def loss(
    towers: Towers,
    sentences: Sentences,
    pairs: CaptionedClips,
    options: ContrastiveLoss,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """Named losses of one batch; `dropped` is the share of negatives that say the same."""
    clips, captions = pairs.draw(options.batch, generator)
    with autocast(towers.mean.device, None):
        states, vectors, sides = sentences.get(captions)
    motions, texts = towers.embed_motions(clips), towers.embed_states(states)
    same = same_meaning(vectors, sides, options.same_text).to(texts.device)
    with autocast(texts.device, None):
        value = info_nce(texts, motions, same, options.temperature)
    return {"loss": value, "dropped": same.float().mean()}


@torch.no_grad()
def measure(towers: Towers, sentences: Sentences, pairs: CaptionedClips, seed: int = 7) -> dict[str, float]:
    """Retrieval on held-out clips, one caption each: R-Precision among 32, and recall among all clips."""
    towers.eval()
    clips, captions = pairs.draw(len(pairs), np.random.default_rng(seed))
    motions, texts = [], []
    for start in range(0, len(clips), 64):
        part = slice(start, start + 64)
        motions.append(towers.embed_motions(clips[part]))
        texts.append(towers.embed_states(sentences.get(captions[part])[0]))
    m, t = torch.cat(motions).cpu().numpy(), torch.cat(texts).cpu().numpy()
    like = t @ m.T
    rank = (like > like.diagonal()[:, None]).sum(1) + 1
    out = {"median_rank": float(np.median(rank)), "clips": float(len(rank))}
    out |= {f"recall_{k}": float((rank <= k).mean()) for k in (1, 5, 10)}
    if len(rank) >= POOL:
        out |= {f"r_precision_{k + 1}": float(v) for k, v in enumerate(r_precision(t, m))}
    return out


def train_contrastive(settings: Settings, start: Path | None = None) -> int:
    """Train one on a prepared folder; writes a folder that ContrastiveEvaluator.from_folder reads. Returns the steps done."""
    plan = recipe.opened(settings.recipe, ContrastiveRecipe, settings.changes)
    data = chosen(settings.data, plan.data.folders)
    options = loop.plain(plan.loop, settings.steps)
    bert, place = bert_folder(start), parallel.join(find(settings.device))
    below = SentenceEncoder.from_bert_folder(bert, plan.encoder.sentence_layers).to(place)
    sentences = Sentences(below, SentenceEncoder.from_bert_folder(bert).to(place))
    train, held = (CaptionedClips.read(data, split, plan.data) for split in ("train", "val"))
    torch.manual_seed(options.seed)
    towers = Towers(plan.encoder)
    for buffer, values in zip((towers.mean, towers.std), train.statistics(), strict=True):
        buffer.copy_(torch.from_numpy(values))
    towers.to(place)
    done = loop.run(
        towers,
        lambda generator, _: loss(towers, sentences, train, plan.loss, generator),
        options,
        settings.out,
        validate=lambda: measure(towers, sentences, held),
        resume=settings.resume,
        time_limit=settings.time_limit,
        quiet=settings.quiet,
    )
    provenance = {"steps": done, "clips": len(train), "validation": measure(towers, sentences, held)}
    ContrastiveEvaluator(towers, below).save(settings.out, provenance)
    return done

"""The forward process: what training hides from the model. Functions on Tokens that draw from a numpy Generator.

Each sequence gets its own time u ~ U(0, 1) and round(ratio(u) x its own number of places) masked places, at least one
(MaskGIT, Chang et al. 2022, section 3.1; counted over real places and not over a padded length as in MoMask's code, so that
short clips are never left whole).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dimo.diffusion.schedule import Schedule, mask_ratio
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import PAD


def choose_places(slots: Tensor, generator: np.random.Generator, schedule: Schedule) -> Tensor:
    """(B, N) bool: the places to mask among slots (B, N)."""
    real = slots.numpy()
    keys = np.where(real, generator.random(real.shape), np.inf)
    order = keys.argsort(axis=1).argsort(axis=1)  # rank of each place in a random order, padding last
    ratios = np.array([mask_ratio(u, schedule) for u in generator.random(len(real))])
    counts = np.maximum(1, np.round(ratios * real.sum(1))).astype(int)
    return torch.from_numpy((order < counts[:, None]) & real)


def within_spans(slots: Tensor, generator: np.random.Generator, share: float) -> Tensor:
    """(B, N) bool: where masks may fall. For a share of the sequences a stretch, for the others every place of slots.

    The stretch leaves the beginning, the end or both whole: what is known when a motion is continued or filled in.
    Its length is uniform from one place to all but one.
    """
    out = slots.numpy().copy()
    for row, n in enumerate(out.sum(1)):
        if n < 2 or generator.random() >= share:
            continue
        length = int(generator.integers(1, n))
        start = int(generator.choice([n - length, 0, generator.integers(0, n - length + 1)], p=[0.35, 0.1, 0.55]))
        out[row] &= False
        out[row, start : start + length] = True
    return torch.from_numpy(out)


def mask_motion(
    tokens: Tokens,
    generator: np.random.Generator,
    *,
    schedule: Schedule = "cosine",
    partial: float = 0.1,
    wrong: float = 0.06,
    spans: float = 0.0,
    base_only: float = 0.0,
    codes: int = 512,
) -> tuple[Tokens, Tensor]:
    """Hide stacks of a batch; returns the corrupted tokens and the places (B, L) to be supervised at level 0.

    Of the places left visible, `partial` keep only a random number of their lower levels (so that half-known stacks are
    nothing new), and `wrong` are filled with random codes and supervised, which lets the model doubt what it sees.
    In a share `base_only` of the sequences none of them shows more than its base code: so they are while a motion is drawn.
    In a share `spans` of the sequences all this happens within one stretch, and the rest stays whole.
    """
    allowed = within_spans(tokens.motion_slots, generator, spans)
    hidden = choose_places(allowed, generator, schedule)
    shape = hidden.shape
    known = torch.where(hidden, 0, tokens.known_levels)
    some = torch.from_numpy(generator.random(shape) < partial) & ~hidden & allowed
    known = torch.where(
        some, torch.minimum(torch.from_numpy(generator.integers(1, tokens.levels + 1, shape)), known), known
    )
    shallow = torch.from_numpy(generator.random((len(tokens), 1)) < base_only) & allowed
    known = torch.where(shallow, known.clamp_max(1), known)
    false = torch.from_numpy(generator.random(shape) < wrong) & ~hidden & allowed
    noise = torch.from_numpy(generator.integers(0, codes, tokens.codes.shape))
    values = torch.where(false.unsqueeze(-1), noise, tokens.codes)
    return replace(tokens, known_levels=known, codes=values), hidden | false


def show_below(
    tokens: Tokens, level: Tensor, generator: np.random.Generator, *, spans: float = 0.0
) -> tuple[Tokens, Tensor]:
    """Finished base codes, and above them nothing or all that is below a level (B,) of each sequence; and where (B, L).

    In half of the sequences the base alone, since the sampler draws all levels above it after one pass; in the others the
    levels below, as a residual transformer sees them that has a pass for each (MoMask, Guo et al. 2024, section 3.3). In a
    share `spans` of the sequences this is so within one stretch, and the rest is whole.
    """
    places = within_spans(tokens.motion_slots, generator, spans)
    shown = torch.where(torch.from_numpy(generator.random(len(tokens)) < 0.5), 1, level)[:, None]
    return replace(tokens, known_levels=torch.where(places, shown, tokens.known_levels)), places


def mask_text(
    tokens: Tokens,
    generator: np.random.Generator,
    *,
    schedule: Schedule = "linear",
    wrong: float = 0.0,
    words: np.ndarray | None = None,
    confusions: dict[int, tuple[int, ...]] | None = None,
    beginnings: float = 0.0,
) -> tuple[Tokens, Tensor]:
    """Hide words of a batch; returns the corrupted tokens and the places (B, T) to be supervised.

    A share `beginnings` of the texts shows what stands before one of its places and nothing from there on, and only that
    place is supervised: the states, and the guess, of writing in order. All of its words, and its end, are as likely.
    Of the places left visible, `wrong` hold another word and are supervised, which lets the model doubt what a caption
    says: one of the confusions of the word, where it has any, else one of `words`.
    """
    hidden = choose_places(tokens.text_slots, generator, schedule)
    learnt = hidden
    if beginnings:
        begun = torch.from_numpy(generator.random((len(tokens), 1)) < beginnings)
        ends = ((tokens.ids != PAD) & tokens.text_slots).sum(1).clamp_max(tokens.text_slots.sum(1) - 1)
        at = torch.from_numpy(generator.integers(0, ends.numpy() + 1))[:, None]
        places = torch.arange(hidden.shape[1])
        hidden = torch.where(begun, (places >= at) & tokens.text_slots, hidden)
        learnt = torch.where(begun, places == at, learnt)
    masked = replace(tokens, known_text=tokens.known_text & ~hidden)
    if not wrong or words is None:
        return masked, learnt
    ids, real = tokens.ids.numpy().copy(), (tokens.ids != PAD).numpy() & ~hidden.numpy()
    drawn, kind = generator.random(ids.shape), generator.random(ids.shape)
    # A word that has an opposite is exchanged more often: those are the words that captions are wrong about.
    opposed = np.vectorize(lambda i: i in (confusions or {}), otypes=[bool])(ids)
    false = real & (drawn < np.where(opposed, 2 * wrong, wrong))
    for b, t in np.argwhere(false):
        others = (confusions or {}).get(int(ids[b, t]), ())
        ids[b, t] = generator.choice(others) if others and kind[b, t] < 0.8 else generator.choice(words)
    return replace(masked, ids=torch.from_numpy(ids)), learnt | torch.from_numpy(false)

"""Groups of motions that the policy samples for alignment, and the sentences it samples them for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dimo.data.records import Clip
from dimo.diffusion.sample import Draw, SampleOptions, sample
from dimo.errors import RequestError
from dimo.inpaint.predictor import Predictor
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens, pack
from dimo.text.normalise import normalise
from dimo.text.wordpiece import Wordpiece


@dataclass(frozen=True)
class Prompt:
    """A sentence as word pieces, and how many code steps a motion for it has."""

    ids: tuple[int, ...]
    steps: int


def prompts(
    clips: Sequence[Clip],
    wordpiece: Wordpiece,
    longest: int,
    stride: int,
    text_room: int,
    forbidden: Iterable[str] = (),
) -> tuple[list[Prompt], np.ndarray]:
    """The captions of training clips with their clips' lengths, and the share (N,) of each: every sentence counts once.

    So what is said often, and done well long since, is not asked for oftener than what is said once. forbidden: sentences of tests,
    which are left out in whatever spelling.
    """
    barred = {normalise(text) for text in forbidden}
    found: dict[tuple[int, ...], list[int]] = {}
    for clip in clips:
        if clip.split != "train":
            raise RequestError(f"{clip.id}: a clip of the {clip.split} split is not to be learnt from")
        steps = min(longest, -(-len(clip.joints) // stride))
        for caption in clip.captions:
            if normalise(caption.text) not in barred and (ids := tuple(wordpiece.encode(caption.text)[:text_room])):
                found.setdefault(ids, []).append(steps)
    if not found:
        raise RequestError("no sentences are left to align the model with")
    made = [Prompt(ids, int(np.median(steps))) for ids, steps in found.items()]
    return made, np.full(len(made), 1 / len(made))


class Rollout(Predictor):
    """The policy as it samples for alignment: its own guesses of base codes, the levels above by the frozen model.

    Only base codes are in the policy's gradient, so that levels drawn by a policy that moves would be noise in the reward.
    """

    def __init__(self, policy: MaskedModel, frozen: MaskedModel):
        super().__init__(policy)
        self.frozen = Predictor(frozen)

    def upper(self, tokens: Tokens, draw: Draw, /) -> Tensor:
        return self.frozen.upper(tokens, draw)


def behaviour(steps: int, seed: int | None = None) -> SampleOptions:
    """How alignment samples: without guidance, temperature, a choice of the best codes or of the surest places, so that what
    is drawn at a place has the probability that the policy's gradient believes it to have."""
    return SampleOptions(steps=steps, guidance=1.0, temperature=1.0, top_k=0, strategy="random", seed=seed)


@torch.no_grad()
def roll_out(
    policy: MaskedModel, frozen: MaskedModel, asked: Sequence[Prompt], group: int, steps: int, seed: int
) -> Tokens:
    """`group` motions of each prompt, side by side: complete tokens (N, ...), on the CPU."""
    levels = policy.config.levels
    blank = [torch.zeros(p.steps, levels, dtype=torch.long) for p in asked]
    tokens = pack([p.ids for p in asked], blank, levels=levels, motion_known=False).repeat(group)
    tokens = tokens.to(policy.device)
    training = policy.training
    policy.eval()
    try:
        seeds = np.random.default_rng(seed).integers(2**62, size=len(tokens)).tolist()
        for state in sample(tokens, Rollout(policy, frozen), behaviour(steps), seeds):
            tokens = state.tokens
    finally:
        policy.train(training)
        torch.clear_autocast_cache()  # casts of weights made without gradients must not serve the next pass
    return tokens.to(torch.device("cpu"))


def hide(tokens: Tokens, places: Tensor) -> Tokens:
    """The same with some stacks (B, L) unknown and of the others the base code alone, as the sampler sees them."""
    known = torch.where(places, 0, tokens.known_levels.clamp_max(1))
    return replace(tokens, known_levels=known)

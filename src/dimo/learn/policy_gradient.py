"""The loss of alignment: groups of sampled motions, their advantages, an estimate of how probable they are, and two anchors.

Dropout is off throughout: a ratio of two draws of dropout would be noise.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dimo.codec.codec import Codec
from dimo.errors import RequestError
from dimo.formats.files import write_atomically
from dimo.learn.batches import ModelData
from dimo.learn.estimators import ESTIMATORS, Clip, Estimator, Pass
from dimo.learn.mix import ModelLoss
from dimo.learn.model import loss as supervised_loss
from dimo.learn.reward import RewardOptions, advantages, rewards
from dimo.learn.rollout import Prompt, hide, roll_out
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import FIELDS, Tokens

TERMS = (
    "loss",
    "policy",
    "kl",
    "supervised",
    "reward",
    "agreement",
    "penalty",
    "spread",
    "entropy",
    "skate_mps",
    "tied",
)
"""Columns of the log. spread: share of base codes in which two motions of a group differ; tied: share of groups without a
gradient; entropy: of guesses at hidden places, in nats."""


@dataclass(frozen=True)
class AlignLoss:
    """Groups, estimator and weights."""

    estimator: str = "coupled"
    prompts: int = 8  # sentences a step
    group: int = 8  # motions of each
    rounds: int = 5  # of sampling them
    inner: int = 1  # training steps that learn from the same motions
    epsilon: float = 0.2  # how far a ratio may go
    kl: float = 0.02  # weight of the distance from the model before alignment, a place
    supervised: float = 0.3  # weight of the supervised loss
    together: int = 32  # motions in one pass

    def __post_init__(self):
        if self.estimator not in ESTIMATORS:
            raise RequestError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {self.estimator!r}")
        if self.group < 2 or min(self.prompts, self.rounds, self.inner, self.together) < 1:
            raise RequestError(
                "alignment needs groups of 2 or more, and prompts, rounds, inner and together of 1 or more"
            )
        if min(self.kl, self.supervised) < 0 or not 0 < self.epsilon < 1:
            raise RequestError("kl and supervised must be 0 or more, and epsilon between 0 and 1")


@dataclass(frozen=True)
class Experience:
    """Sampled motions of groups that are not tied, their advantages (N), and, for each inner step, the log-probability
    (N, L) that the policy that sampled them gave their codes. All on the CPU, whatever the policy is on."""

    tokens: Tokens
    groups: Tensor
    advantages: Tensor
    old: Tensor  # (inner, N, L)
    facts: dict[str, float]


@dataclass(frozen=True)
class Asked:
    """The sum over passes of weighted log-probabilities (N, L), and means over hidden places."""

    logp: Tensor
    kl: Tensor
    entropy: Tensor


class Alignment:
    """loss(generator, step) for loop.run. folder: where the motions of several inner steps are kept for a resumed run."""

    def __init__(
        self,
        policy: MaskedModel,
        codec: Codec,
        prompts: list[Prompt],
        shares: np.ndarray,
        data: ModelData,
        options: AlignLoss,
        reward: RewardOptions,
        supervised: ModelLoss,
        *,
        seed: int = 0,
        folder: Path | None = None,
    ):
        self.policy, self.codec, self.prompts, self.shares, self.data = policy, codec, prompts, shares, data
        self.options, self.reward, self.supervised, self.seed = options, reward, supervised, seed
        self.frozen = copy.deepcopy(policy).eval().requires_grad_(False)
        self.estimator: Estimator = ESTIMATORS[options.estimator](Clip(options.epsilon))
        self.store = folder / "experience.safetensors" if folder is not None and options.inner > 1 else None
        self.held: tuple[int, Experience] | None = None

    def loss(self, generator: np.random.Generator, step: int) -> dict[str, Tensor]:
        options, inner = self.options, step % self.options.inner
        here = self.experience(step - inner, generator)
        device = self.policy.device
        total, policy, kl, entropy = (torch.zeros((), device=device) for _ in range(4))
        if len(here.tokens):
            self.policy.eval()
            asked = self.ask(here.tokens, self.passes(here, step))
            # On the first inner step the policy is the one that sampled, and rounding must not make a ratio of it.
            old = here.old[inner].to(device) if inner else asked.logp.detach()
            rest = (x.to(device) for x in (here.tokens.motion_slots, here.advantages, here.groups))
            policy = self.estimator.loss(asked.logp, old, *rest)
            kl, entropy = asked.kl, asked.entropy
            total = policy + options.kl * kl
        supervised = torch.full((), torch.nan, device=device)
        if options.supervised:
            supervised = supervised_loss(self.policy, self.data, self.supervised, generator, step)["loss"]
            total = total + options.supervised * supervised
        if not total.requires_grad:  # every group was tied: nothing to learn from this step
            total = next(p for p in self.policy.parameters() if p.requires_grad).sum() * 0
        found = {"loss": total, "policy": policy, "kl": kl, "supervised": supervised, "entropy": entropy}
        facts = {name: torch.tensor(value, device=device) for name, value in here.facts.items()}
        return {name: (found | facts)[name] for name in TERMS}

    def experience(self, began: int, generator: np.random.Generator) -> Experience:
        """The motions that the steps from `began` on learn from."""
        if self.held is None or self.held[0] != began:
            stored = _stored(self.store, began)
            self.held = began, stored or self.sample(generator, began)
            if self.store is not None and stored is None:
                _keep(self.store, began, self.held[1])
        return self.held[1]

    def sample(self, generator: np.random.Generator, began: int) -> Experience:
        """New groups, from the policy as it is."""
        options = self.options
        count = min(options.prompts, len(self.prompts))
        asked = [self.prompts[i] for i in generator.choice(len(self.prompts), count, replace=False, p=self.shares)]
        seed = int(generator.integers(2**62))
        tokens = roll_out(self.policy, self.frozen, asked, options.group, options.rounds, seed)
        motions = [c[:n] for c, n in zip(tokens.codes, tokens.motion_slots.sum(1).tolist(), strict=True)]
        texts = [p.ids for p in asked for _ in range(options.group)]
        worth = rewards(self.frozen, self.codec, texts, motions, self.reward, began)
        gain = advantages(worth.total, options.group)
        alive = gain.view(count, options.group).ne(0).any(1).repeat_interleave(options.group)
        facts = {
            "reward": float(worth.total.mean()),
            "agreement": float(worth.agreement.mean()),
            "penalty": float(worth.penalty.mean()),
            "skate_mps": float(worth.skate_mps.mean()),
            "spread": spread(tokens, options.group),
            "tied": float((~alive).float().mean()),
        }
        groups = torch.arange(count).repeat_interleave(options.group)
        here = Experience(tokens.take(alive), groups[alive], gain[alive], torch.zeros(0), facts)
        if options.inner == 1 or not self.estimator.ratios or not alive.any():
            return Experience(here.tokens, here.groups, here.advantages, _none(here.tokens, options.inner), facts)
        self.policy.eval()
        # With gradients, though they are not wanted: without them products take another way and round otherwise.
        old = [self.ask(here.tokens, self.passes(here, began + i)).logp.detach().cpu() for i in range(options.inner)]
        return Experience(here.tokens, here.groups, here.advantages, torch.stack(old), facts)

    def passes(self, here: Experience, step: int) -> list[Pass]:
        """What is hidden at a step: drawn from the step alone, so that a resumed run and the policy that sampled hide the same."""
        generator = np.random.default_rng([self.seed, step, 17])
        return self.estimator.passes(here.tokens.motion_slots, here.groups, generator)

    def ask(self, tokens: Tokens, passes: list[Pass]) -> Asked:
        """Log-probabilities of the motions' base codes under the policy, part after part so that memory holds."""
        device = self.policy.device
        logp = torch.zeros(tokens.motion_slots.shape, device=device)
        kl, entropy, places = torch.zeros((), device=device), torch.zeros((), device=device), 0
        for look in passes:
            for part in torch.arange(len(tokens)).split(self.options.together):
                hidden = look.hidden[part]
                if not hidden.any():
                    continue
                shown = hide(tokens.take(part), hidden).to(device)
                codes = tokens.codes[part, :, 0][hidden][:, None].to(device)
                hidden, weight, part = hidden.to(device), look.weight[part].to(device), part.to(device)
                now = self.policy.base(self.policy(shown).motion[hidden]).float().log_softmax(-1)
                with torch.no_grad():
                    before = self.frozen.base(self.frozen(shown).motion[hidden]).float().log_softmax(-1)
                found = now.gather(1, codes)[:, 0]
                at = torch.zeros(hidden.shape, device=device).masked_scatter(hidden, found) * weight
                logp = logp.index_add(0, part, at)
                kl = kl + (now.exp() * (now - before)).sum()  # over all 512 codes, so exact and not an estimate
                entropy = entropy - (now.exp() * now).sum().detach()
                places += int(hidden.sum())
        return Asked(logp, kl / max(1, places), entropy / max(1, places))


def spread(tokens: Tokens, group: int) -> float:
    """Mean share of base codes in which two motions of a group differ."""
    shares = []
    for at in range(0, len(tokens), group):
        codes = tokens.codes[at : at + group, : int(tokens.motion_slots[at].sum()), 0]
        differ = (codes[:, None] != codes[None]).float().mean(-1)
        shares.append(differ.sum() / (group * (group - 1)))
    return float(torch.stack(shares).mean())


def _none(tokens: Tokens, inner: int) -> Tensor:
    return torch.zeros(inner, *tokens.motion_slots.shape)


def _keep(path: Path, began: int, here: Experience) -> None:
    tensors = {name: getattr(here.tokens, name).contiguous() for name in FIELDS}
    tensors |= {"groups": here.groups, "advantages": here.advantages, "old": here.old}
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as temporary:
        save_file(tensors, temporary, metadata={"step": str(began), "facts": json.dumps(here.facts)})


def _stored(path: Path | None, began: int) -> Experience | None:
    if path is None or not path.is_file():
        return None
    with safe_open(path, "pt") as file:
        facts = file.metadata() or {}
        if facts.get("step") != str(began):
            return None
        tokens = Tokens(*(file.get_tensor(name) for name in FIELDS))
        groups, gain, old = (file.get_tensor(name) for name in ("groups", "advantages", "old"))
        return Experience(tokens, groups, gain, old, json.loads(facts["facts"]))

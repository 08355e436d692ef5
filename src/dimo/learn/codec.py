"""Training of the codec on windows of motion features (docs/how-it-works.md, Codec)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from dimo.codec.codec import Codec, CodecConfig, feature_statistics
from dimo.device import autocast
from dimo.features import differentiable, humanml3d
from dimo.features.layouts import Layout, layout_for
from dimo.learn.waiting import counted
from dimo.loading import TRAINING_ONLY

SLOW, FAST = 0.01, 0.3
"""Bounds in metres a frame, 0.2 and 6 m/s at 20 fps: who stands is drawn too, and a step from clip to clip is no motion."""


@dataclass(frozen=True)
class CodecLoss:
    """Windows and weights. Positions are what people see, so they are in the loss beside the 263 features."""

    batch: int = 64
    window: int = 64  # frames: 3.2 s, long enough for the root path to drift
    quantize_dropout: float = 0.2  # share of batches that train a random prefix of levels (MoMask)
    code_noise: float = 0.0  # of the choice of codes (ResidualQuantizer.near); 0 takes the nearest ones
    body_scale: float = 0.0  # windows are made larger or smaller by up to this share
    shake: float = 0.0  # noise on what the encoder sees, in deviations of each feature; the target stays clean
    feature_weight: float = 1.0  # smooth L1 on normalised features
    again_weight: float = 0.0  # the same on those of the positions once more (MoMask)
    position_weight: float = 8.0  # L1 in metres on joints around the root
    square_weight: float = (
        0.0  # squared metres on the same, and four times on steps: L1 gives up a kick, short and far off
    )
    path_weight: float = 2.0  # L1 in metres on the integrated root path over the window
    velocity_weight: float = 20.0  # L1 in metres a frame on world joint steps: smoothness
    skate_weight: float = 20.0  # horizontal metres a frame of feet that truly stand
    commitment_weight: float = 0.02
    end_weight: float = (
        0.0  # how much more the last two joints of each limb, the neck and the head count among positions
    )
    fast_exponent: float = 0.0  # windows are drawn in proportion to speed^fast_exponent of their fastest joint
    keep_codes: bool = False  # only the decoder learns: motions keep their codes, and models over them stay right


class CodecData:
    """Feature clips (F, C) as one flat array. Windows are drawn uniformly over frames, or by the clips' weights a frame."""

    def __init__(
        self, clips: Sequence[np.ndarray], window: int, weights: np.ndarray | None = None, fast_exponent: float = 0.0
    ):
        padded = [
            np.concatenate([c, np.repeat(c[-1:], max(0, window - len(c)), axis=0)]).astype(np.float32) for c in clips
        ]
        self.values = torch.from_numpy(np.concatenate(padded))
        lengths = np.array([len(c) for c in padded])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self.starts = np.concatenate([np.arange(s, s + n - window + 1) for s, n in zip(starts, lengths, strict=True)])
        each = np.ones(len(lengths)) if weights is None else weights
        share = np.repeat(each, lengths - window + 1)
        if fast_exponent:
            total = np.concatenate([[0.0], fastest(self.values.numpy()).cumsum(dtype=float)])
            share = share * ((total[self.starts + window] - total[self.starts]) / window) ** fast_exponent
        self._edges = share.cumsum()
        self.window = window

    @counted
    def batch(self, size: int, generator: np.random.Generator) -> Tensor:
        """(size, window, C)."""
        drawn = np.searchsorted(self._edges, generator.random(size) * self._edges[-1], side="right")
        at = self.starts[drawn]
        return torch.stack([self.values[i : i + self.window] for i in at])


def fastest(features: np.ndarray) -> np.ndarray:
    """Speed (N,) in metres a frame of the joint that is fastest relative to the root, in features (N, C); at least SLOW."""
    columns = humanml3d.columns(layout_for(size=features.shape[-1]))
    places = features[:, columns["positions"]].reshape(len(features), -1, 3)
    steps = np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=-1).max(-1)
    return steps.clip(SLOW, FAST)


def prepare(codec: Codec, clips: Sequence[np.ndarray]) -> None:
    """Set the codec's statistics from the training clips."""
    mean, std = feature_statistics(list(clips))
    codec.mean.copy_(torch.from_numpy(mean))
    codec.std.copy_(torch.from_numpy(std))


@torch.no_grad()
def go_on_from(codec: Codec, earlier: Codec, batches: Sequence[Tensor]) -> None:
    """Give a codec the weights, the codebooks and the statistics of an earlier one of its sizes.

    How often each code is used, which weights folders do not hold, is counted on windows (B, F, C) as training will draw them, so
    that codebooks follow from there and no code that is in use restarts.
    """
    state = earlier.state_dict()
    codec.load_state_dict({name: value for name, value in state.items() if name not in TRAINING_ONLY}, strict=False)
    quantizer = codec.quantizer
    use = torch.zeros_like(quantizer.counts)
    for features in batches:
        codes = codec.encode(features)
        for level in range(codec.config.levels):
            use[level] += torch.bincount(codes[..., level].flatten(), minlength=codec.config.codes)
    quantizer.counts.copy_((use / len(batches)).clamp_min(1.0))
    quantizer.sums.copy_(quantizer.codebooks * quantizer.counts[..., None])
    quantizer.started.fill_(True)


def loss(codec: Codec, features: Tensor, options: CodecLoss, generator: np.random.Generator) -> dict[str, Tensor]:
    """Named losses of a batch of windows (B, F, C)."""
    if options.keep_codes:
        codec.quantizer.eval()
    levels = codec.config.levels
    active = int(generator.integers(1, levels + 1)) if generator.random() < options.quantize_dropout else levels
    layout = layout_for(size=codec.config.features)
    columns = humanml3d.columns(layout)
    if options.body_scale:
        factors = 1 + options.body_scale * torch.from_numpy(generator.uniform(-1, 1, (len(features), 1, 1))).float()
        features = scaled(features, factors.to(features.device), columns)
    seen = features
    if options.shake:
        seen = features + options.shake * codec.std * torch.randn(features.shape).to(features.device)
    rebuilt, quantized = codec(seen, active=active, noise=options.code_noise)
    with autocast(features.device, None):
        rebuilt = rebuilt.float()
        guessed, true = (rebuilt - codec.mean) / codec.std, (features - codec.mean) / codec.std
        feature = smooth_l1_loss(guessed, true)
        again = smooth_l1_loss(guessed[..., columns["positions"]], true[..., columns["positions"]])
        shares = joint_shares(layout, options.end_weight).to(features.device)
        off = (rebuilt - features)[..., columns["positions"]].unflatten(-1, (-1, 3)) * shares[1:, None]
        local = off.abs().mean()
        truth, guess = differentiable.decode(features, layout.joints), differentiable.decode(rebuilt, layout.joints)
        path = (truth[..., 0, :] - guess[..., 0, :]).abs().mean()
        step, truth_step = guess.diff(dim=1), truth.diff(dim=1)
        stepped = (step - truth_step) * shares[:, None]
        velocity = stepped.abs().mean()
        square = off.square().mean() + 4 * stepped.square().mean()
        feet = [*layout.left_feet, *layout.right_feet]
        # Contact labels mark feet slower than 0.9 m/s; a foot that stands moves under 0.2 m/s (1 cm a frame).
        stands = (truth_step[:, :, feet].norm(dim=-1) < 0.01).float()
        skate = (step[:, :, feet][..., [0, 2]].abs().sum(-1) * stands).sum() / stands.sum().clamp_min(1)
        total = (
            options.feature_weight * feature
            + options.again_weight * again
            + options.position_weight * local
            + options.square_weight * square
            + options.path_weight * path
            + options.velocity_weight * velocity
            + options.skate_weight * skate * stands.mean()
            + options.commitment_weight * quantized.commitment
        )
    return {
        "loss": total,
        "feature": feature,
        "local": local,
        "path": path,
        "skate": skate,
        "perplexity": quantized.perplexity[0],
    }


def joint_shares(layout: Layout, end_weight: float) -> Tensor:
    """(J,) what each joint counts for: 1 + end_weight at the ends of the chains, all of them 1 on average.

    Two hands are two of 22 joints, and most of what people ask for is done by them.
    """
    shares = torch.ones(layout.joints)
    shares[[j for chain in layout.chains for j in chain[-2:]]] += end_weight
    return shares / shares.mean()


def scaled(features: Tensor, factors: Tensor, columns: dict[str, slice]) -> Tensor:
    """Features (B, F, C) of a body `factors` (B, 1, 1) times as large that does the same; contacts are left as they are."""
    lengths = torch.zeros(features.shape[-1], dtype=torch.bool, device=features.device)
    for name in ("linear", "height", "positions", "velocities"):
        lengths[columns[name]] = True
    return torch.where(lengths, features * factors, features)


def figures(config: CodecConfig) -> tuple[str, ...]:
    """Figures of measure() that a training may keep its best weights by."""
    return (*(f"mpjpe_mm_{n + 1}" for n in range(config.levels)), "path_error_4s_mm")


@torch.no_grad()
def measure(codec: Codec, clips: Sequence[np.ndarray], levels: Sequence[int] = ()) -> dict[str, float]:
    """Reconstruction of whole clips: MPJPE in mm around the root per number of levels, and the root path error after 4 s."""
    codec.eval()
    counts = levels or range(1, codec.config.levels + 1)
    errors: dict[int, list[np.ndarray]] = {n: [] for n in counts}
    drift: list[float] = []
    used = torch.zeros(codec.config.levels, codec.config.codes)
    for clip in clips:
        truth = humanml3d.decode(clip)
        codes = codec.encode(torch.from_numpy(clip.astype(np.float32))[None].to(codec.device))
        for level in range(codec.config.levels):
            used[level] += torch.bincount(codes[0, :, level].cpu(), minlength=codec.config.codes)
        for n in counts:
            guess = humanml3d.decode(codec.decode(codes[..., :n])[0, : len(clip)].cpu().double().numpy())
            aligned = guess - guess[:, :1] + truth[:, :1]
            errors[n].append(np.linalg.norm(aligned - truth, axis=-1).mean(-1))
            if n == max(counts) and len(clip) > 80:
                drift.append(float(np.linalg.norm((guess - truth)[80, 0, [0, 2]])))
    share = used / used.sum(1, keepdim=True).clamp_min(1)
    perplexity = torch.exp(-(share * (share + 1e-10).log()).sum(1))
    out = {f"mpjpe_mm_{n}": float(np.concatenate(e).mean() * 1000) for n, e in errors.items()}
    out["path_error_4s_mm"] = float(np.mean(drift) * 1000) if drift else float("nan")
    return out | {f"perplexity_{q + 1}": float(p) for q, p in enumerate(perplexity)}

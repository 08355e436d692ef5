"""A trained peer as a whole: sentences in, motion out. Its folder holds peer.json, peer.safetensors, and codec/."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpt import GPT, GPTConfig
from mdm import MDM, MDMConfig
from momask import MoMask, MoMaskConfig
from peer import Peer, Sizes, TextEncoder, open_texts
from safetensors.torch import save_file

from dimo import checkpoint
from dimo.body.motion import Motion
from dimo.codec.codec import Codec
from dimo.diffusion.sample import generators_of
from dimo.errors import WeightsError
from dimo.evaluate.measure import Row
from dimo.evaluate.protocol import Trial
from dimo.evaluate.store import Store
from dimo.features import humanml3d
from dimo.features.layouts import layout_for
from dimo.formats.files import write_atomically
from dimo.inpaint.codes import stand_on_floor
from dimo.learn.train import load_codec, save_codec
from dimo.text.aloft import climbs
from dimo.text.asking import as_caption

KINDS: dict[str, tuple[type[Peer], type]] = {
    "gpt": (GPT, GPTConfig),
    "momask": (MoMask, MoMaskConfig),
    "mdm": (MDM, MDMConfig),
}
TITLES = {
    "gpt": "autoregressive (after T2M-GPT)",
    "momask": "masked, motion only (after MoMask)",
    "mdm": "continuous diffusion (after MDM)",
}
FORMAT = "dimo-peer"
BATCH = 32


def config_for(kind: str, sizes: Sizes, codec: Codec) -> Any:
    """The config of a kind over a codec."""
    facts = codec.config
    own = {"features": facts.features} if kind == "mdm" else {"levels": facts.levels, "codes": facts.codes}
    return KINDS[kind][1](sizes, **own)


@dataclass(frozen=True)
class System:
    """A peer, the encoder of its sentences and its codec."""

    kind: str
    peer: Peer
    texts: TextEncoder
    codec: Codec
    facts: dict[str, Any]  # of its training

    @property
    def key(self) -> str:
        """Changes with the weights and with how they are drawn from."""
        sums = [round(float(p.detach().double().sum()), 9) for p in self.peer.parameters()]
        return f"{self.kind} {getattr(self.peer, 'config', None)} {zlib.crc32(repr(sums).encode()):08x}"

    def features(
        self, texts: Sequence[str], frames: Sequence[int], seeds: Sequence[int], *, own: bool | None = None
    ) -> list[np.ndarray]:
        """HumanML3D features (F, C) for each text, of as many frames as asked.

        own: of as many as the peer finds right and of no more than asked; None: where it can say so.
        """
        own = self.peer.own_lengths if own is None else own
        stride = self.codec.config.stride if self.peer.reads_codes else 1
        out: list[np.ndarray] = []
        for start in range(0, len(texts), BATCH):
            part = slice(start, start + BATCH)
            words = self.texts([self.texts.ids(as_caption(t)) for t in texts[part]])  # as ours is asked
            lengths = [-(-n // stride) for n in frames[part]]
            made = self.peer.make(words, lengths, generators_of(list(seeds[part])), own=own)
            out += [self._features(m)[:n] for m, n in zip(made, frames[part], strict=True)]
        return out

    def _features(self, motion: torch.Tensor) -> np.ndarray:
        codec = self.codec
        found = codec.decode(motion[None])[0] if self.peer.reads_codes else motion * codec.std + codec.mean
        return found.cpu().double().numpy()

    def motions(
        self, texts: Sequence[str], frames: Sequence[int], seeds: Sequence[int], *, own: bool | None = None
    ) -> list[Motion]:
        """The same as ours are given to people: on the codec's body, standing on the floor, planted feet held."""
        features, skeleton = self.features(texts, frames, seeds, own=own), self.codec.skeleton
        contacts = humanml3d.columns(layout_for(size=self.codec.config.features))["contacts"]
        made = humanml3d.decode_motions(features, skeleton, self.codec.config.fps, list(texts))
        return [
            stand_on_floor(m, np.clip(f[:, contacts], 0, 1), aloft=climbs(t))
            for m, f, t in zip(made, features, texts, strict=True)
        ]

    def row(self, store: Store, *, straight: bool) -> Row:
        """The peer as a row of an evaluation, its answers stored. straight: features as they are, else motions as people get."""

        def make(trials: Sequence[Trial]) -> list[np.ndarray]:
            asked = [t.caption for t in trials], [t.frames for t in trials], [t.seed for t in trials]
            return self.features(*asked) if straight else [m.joints() for m in self.motions(*asked)]

        def row(trials: Sequence[Trial]) -> list[np.ndarray]:
            name = zlib.crc32(repr([(t.seed, t.caption, t.frames) for t in trials]).encode())
            return store.arrays(f"{self.kind}-{straight}/{name:08x}", lambda: make(trials))

        return row


# ---- files


def save(folder: Path, system: System) -> None:
    """Write a peer; every file appears whole or not at all."""
    save_codec(system.codec, folder / "codec", {"of": "a peer's training"})
    state = {k: v.detach().cpu().contiguous() for k, v in system.peer.state_dict().items()}
    with write_atomically(folder / "peer.safetensors") as temporary:
        save_file(state, temporary)
    facts = {
        "format": FORMAT,
        "kind": system.kind,
        "config": asdict(system.peer.config),  # type: ignore[arg-type]
        "texts": system.texts.sha256,
        "training": system.facts,
    }
    with write_atomically(folder / "peer.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def load(folder: Path, device: torch.device, texts: TextEncoder | None = None) -> System:
    """A peer that train.py wrote. WeightsError says what is missing or does not fit."""
    path = folder / "peer.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        assert facts["format"] == FORMAT
        network, config = KINDS[facts["kind"]]
        peer = network(config(**{**facts["config"], "sizes": Sizes(**facts["config"]["sizes"])}))
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise WeightsError(f"{path}: not the facts of a peer that benchmarks/peers/train.py wrote ({error})") from None
    checkpoint.load_into(peer, folder / "peer.safetensors")
    codec = load_codec(folder / "codec").to(device)
    texts = texts or open_texts(codec, device)
    if texts.sha256 != facts["texts"]:
        raise WeightsError(f"{path}: it was trained with another encoder of sentences than the one that is installed")
    return System(facts["kind"], peer.to(device).eval(), texts, codec, facts["training"])

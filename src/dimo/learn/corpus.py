"""From prepared shards to what the training loops read: feature clips for the codec, code examples for the model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dimo.codec.codec import Codec, CodecConfig
from dimo.data import captions_corpus, shards
from dimo.data.records import JOINS, Clip
from dimo.errors import RequestError
from dimo.features import humanml3d
from dimo.features.layouts import layout_for
from dimo.formats.files import write_atomically
from dimo.learn.batches import Example
from dimo.learn.draws import draw_weights
from dimo.learn.folders import Data, folders
from dimo.learn.recipe import DataOptions
from dimo.text.normalise import normalise
from dimo.text.rewording import reword
from dimo.text.wordpiece import Wordpiece

MIN_FRAMES = 8
TOGETHER = 32
"""Clips that are encoded as one batch."""
MANY = 1000  # clips from which encoding them in several processes pays


def clips(data: Data, split: str, options: DataOptions, *, light: bool = False) -> list[Clip]:
    """The clips of a split that the options admit; RequestError when there are none, or none of a folder that has a share.

    light: without their motion (without_motion), which is most of what they take.
    """
    out: list[Clip] = []
    several = folders(data)
    for number, (folder, share) in enumerate(several):
        found = _clips(folder, split, options, light)
        if not found and (len(several) == 1 or (share and split == "train")):
            named = f" from {list(options.sources)}" if options.sources else ""
            raise RequestError(f"{folder}: no clips of the split {split!r}{named}")
        out += [replace(c, folder=number, share=share) for c in found] if share else found
    if not out:
        raise RequestError(f"{', '.join(str(f) for f, _ in several)}: no clips of the split {split!r}")
    return out


def _clips(folder: Path, split: str, options: DataOptions, light: bool) -> list[Clip]:
    return [
        without_motion(clip) if light else clip
        for clip in shards.read(folder, split)
        if admitted(clip.source, options.sources)
        and (options.mirrored or not clip.mirrored)
        and len(clip.joints) >= MIN_FRAMES
    ]


def without_motion(clip: Clip) -> Clip:
    """The clip with its last frame in the place of every frame, in the memory of one: its length and its key in caches stay."""
    return replace(clip, joints=np.broadcast_to(np.array(clip.joints[-1]), clip.joints.shape))


def check_body(found: Sequence[Clip], config: CodecConfig) -> None:
    """RequestError for clips on another body, or at another rate, than a codec's."""
    for joints, fps in sorted({(c.joints.shape[1], c.fps) for c in found}):
        layout = layout_for(joints=joints)
        if layout.size != config.features or layout.skeleton_name != config.skeleton or abs(fps - config.fps) > 1e-6:
            raise RequestError(
                f"the data have {joints} joints at {fps:g} fps, whose codec has features = {layout.size}, "
                f'skeleton = "{layout.skeleton_name}" and fps = {fps:g} in [codec]; '
                f'this one has {config.features}, "{config.skeleton}" and {config.fps:g}'
            )


def admitted(source: str, wanted: Sequence[str]) -> bool:
    """Whether a clip's source begins with one of the wanted names; of a composite, whether every source of it does.

    A licence that excludes a collection excludes every clip that holds a part of it.
    """
    return not wanted or all(part.startswith(tuple(wanted)) for part in source.split(JOINS))


def feature_clips(found: Sequence[Clip]) -> list[np.ndarray]:
    """Features (F, C) in float32 per clip."""
    joints = [clip.joints for clip in found]
    if len(found) < MANY or (os.cpu_count() or 1) < 2:
        return [_features(j) for j in joints]
    # Fresh processes: forking one in which torch has started its threads can hang.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_features, joints, chunksize=64))


def _features(joints: np.ndarray) -> np.ndarray:
    return humanml3d.encode(np.asarray(joints, float)).astype(np.float32)


@dataclass(frozen=True)
class Coded:
    """Clips of a split, their codes, and those of the same clips begun late where they are wanted."""

    clips: list[Clip]
    codes: list[Tensor]
    shifted: list[tuple[Tensor, ...]] | None


def coded(
    codec: Codec, data: Data, split: str, options: DataOptions, longest: int, folder: Path, *, motion: bool = False
) -> Coded:
    """The clips of a split with their codes, which are kept in codes-SPLIT.safetensors and codes-shifted.safetensors of a folder.

    Where these hold the codes already the clips' motion is never in memory as a whole; afterwards it is only with `motion`. Codes
    stay in their files, which every process maps: it reads the pages of the clips that it draws, and shares them with the others.
    """
    shifts = options.shifts and split == "train"
    caches = folder / f"codes-{split}.safetensors", folder / "codes-shifted.safetensors"
    light = not motion and caches[0].is_file()
    found = clips(data, split, options, light=light)
    check_body(found, codec.config)
    key = _key(codec, found, longest)
    if light and (_mapped(caches[0], key) is None or (shifts and _mapped(caches[1], f"{key}-shifted") is None)):
        found = clips(data, split, options)
    codes = code_clips(codec, found, longest, caches[0])
    shifted = shifted_codes(codec, found, longest, caches[1]) if shifts else None
    return Coded(found if motion else [without_motion(c) for c in found], codes, shifted)


def code_clips(codec: Codec, found: Sequence[Clip], longest: int, cache: Path | None = None) -> list[Tensor]:
    """Codes (L, Q) per clip, cut to `longest` code steps.

    cache: a file that keeps them for other runs and processes; it is used again only for the same codec, clips and length. Then
    codes are int16 and lie in the file (_mapped).
    """
    return _cached(cache, _key(codec, found, longest), lambda: _encoded(codec, feature_clips(found), longest))


def shifted_codes(
    codec: Codec, found: Sequence[Clip], longest: int, cache: Path | None = None
) -> list[tuple[Tensor, ...]]:
    """Codes (L, Q) of each clip begun 1, 2, ... stride - 1 frames late, as code_clips; none of composites.

    What a body does is the same wherever the grid of code steps lies, its codes are not: more to learn from the same clip.
    """
    frames = range(1, codec.config.stride)
    counts = [0 if c.composite else sum(len(c.joints) - n >= MIN_FRAMES for n in frames) for c in found]

    def encode() -> list[Tensor]:
        some = [(clip, n) for clip, n in zip(found, counts, strict=True) if n]
        features = feature_clips([clip for clip, _ in some])
        late = [f[start:] for f, (_, n) in zip(features, some, strict=True) for start in range(1, n + 1)]
        return _encoded(codec, late, longest)

    flat = iter(_cached(cache, _key(codec, found, longest) + "-shifted", encode))
    return [tuple(next(flat) for _ in range(n)) for n in counts]


def _cached(cache: Path | None, key: str, encode: Callable[[], list[Tensor]]) -> list[Tensor]:
    if cache is not None and (known := _mapped(cache, key)) is not None:
        return known
    codes = encode()
    if cache is None or not codes:
        return codes
    cache.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"codes": torch.cat(codes).to(torch.int16), "lengths": torch.tensor([len(c) for c in codes])}
    with write_atomically(cache) as temporary:
        save_file(tensors, temporary, metadata={"key": key})
    return _mapped(cache, key) or codes


def _mapped(cache: Path, key: str) -> list[Tensor] | None:
    """Codes (L, Q) in int16, which lie in the file of a cache; None where it has others, or is none.

    safetensors maps the file, and a slice of a tensor is a view: nothing is read before it is looked at, in pages that are those
    of all processes.
    """
    try:
        with safe_open(cache, "pt") as file:
            if (file.metadata() or {}).get("key") == key:
                return list(file.get_tensor("codes").split(file.get_tensor("lengths").tolist()))
    except (OSError, SafetensorError):  # not there, or not whole: it is made anew
        pass
    return None


@torch.no_grad()
def _encoded(codec: Codec, features: Sequence[np.ndarray], longest: int) -> list[Tensor]:
    """Clips of one length together, which needs no padding and takes half of the time."""
    codec.eval()
    codes: dict[int, Tensor] = {}
    order = sorted(range(len(features)), key=lambda i: len(features[i]))
    for _, found in groupby(order, key=lambda i: len(features[i])):
        same = list(found)
        for some in (same[at : at + TOGETHER] for at in range(0, len(same), TOGETHER)):
            batch = torch.from_numpy(np.stack([features[i] for i in some])).to(codec.device)
            rows = codec.encode(batch)[:, :longest].cpu()
            codes.update((i, row.clone()) for i, row in zip(some, rows, strict=True))
    return [codes[i] for i in range(len(features))]


def codes_at_offsets(codec: Codec, found: Sequence[Clip]) -> tuple[list[Tensor], list[int], list[int]]:
    """Codes (L, Q) of each clip begun 0, 1, ... stride - 1 frames late, with the clips and these frames; whole code steps only."""
    stride = codec.config.stride
    sequences, origins, offsets = [], [], []
    for i, features in enumerate(feature_clips(found)):
        for offset in range(stride):
            stop = len(features) - (len(features) - offset) % stride
            if stop - offset >= MIN_FRAMES:
                part = torch.from_numpy(features[offset:stop])[None]
                sequences.append(codec.encode(part.to(codec.device))[0].cpu())
                origins.append(i)
                offsets.append(offset)
    return sequences, origins, offsets


def _key(codec: Codec, found: Sequence[Clip], longest: int) -> str:
    """Changes with anything that the codes depend on."""
    digest = hashlib.sha256(f"{longest}".encode())
    for name, value in codec.state_dict().items():
        if not name.startswith("decoder"):
            digest.update(value.cpu().contiguous().numpy().tobytes())
    for clip in found:
        digest.update(clip.id.encode())
        digest.update(np.ascontiguousarray(clip.joints[-1]).tobytes())
    return digest.hexdigest()


def examples(
    found: Sequence[Clip],
    codes: Sequence[Tensor],
    wordpiece: Wordpiece,
    longest: int,
    options: DataOptions,
    shifted: Sequence[tuple[Tensor, ...]] | None = None,
) -> list[Example]:
    """Examples with the weights that learn.draws gives their clips; a clip without a caption that is one is left out."""
    out = []
    weights = draw_weights(found, options)
    for clip, code, weight, also in zip(found, codes, weights, shifted or [()] * len(found), strict=True):
        said = [(tuple(wordpiece.encode(caption.text)[:longest]), caption) for caption in clip.captions]
        said = sorted((pair for pair in said if pair[0]), key=lambda pair: not pair[1].by_people)
        if said:
            ids, captions = zip(*said, strict=True)
            written = sum(caption.by_people for caption in captions)
            texts = tuple(normalise(caption.text) for caption in captions)
            out.append(Example(code, ids, float(weight), written, also, texts))
    return out


def rewording(wordpiece: Wordpiece, longest: int) -> Callable[[str, np.random.Generator], tuple[int, ...]]:
    """What says a caption in other words (text.rewording) and gives at most `longest` ids of it."""
    return lambda text, generator: tuple(wordpiece.encode(reword(text, generator))[:longest])


def sentence_ids(data: Data, wordpiece: Wordpiece, collections: Sequence[str] = ()) -> list[tuple[int, ...]]:
    """Ids of the training sentences of prepared folders (data.captions_corpus), as often as they were written.

    collections: of humanml3d, kitml and pack; none takes all.
    """
    wanted = collections or None
    sentences = [t for folder, _ in folders(data) for t in captions_corpus.sentences(folder, collections=wanted)]
    encoded = {text: tuple(wordpiece.encode(text)) for text in set(sentences)}
    return [encoded[text] for text in sentences if encoded[text]]

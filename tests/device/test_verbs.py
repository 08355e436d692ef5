"""Every verb of DiMo on another device than the CPU: nothing is made in the wrong place, and the result is the CPU's.

Random weights, but the real path: guidance, memory, windows, seams, all strategies. A `torch.zeros(n)` without a device
anywhere on it fails here.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from elsewhere import AWAY, CPU, Elsewhere, Far

from dimo import DiMo, Motion
from dimo.body.rotation import rotvec_to_quat
from dimo.diffusion.options import STRATEGIES, SampleOptions
from dimo.inpaint.codes import encode, floor_of
from dimo.inpaint.request import Part, Request
from dimo.memory.lookup import Memory
from dimo.memory.recall import Recall
from dimo.tasks.score import motion_given_text

TEXT = "a person walks"


@cache
def walk(frames: int = 64) -> Motion:
    body, t = DiMo.debug().codec.skeleton, np.arange(frames) / 20
    vectors = np.zeros((frames, len(body), 3))
    for side, phase in (("left", 0.0), ("right", np.pi)):
        vectors[:, body.index(f"{side}_hip"), 0] = 0.5 * np.sin(5 * t + phase)
    return Motion(body, 20.0, np.array([0, 0.95, 0]) + t[:, None] * [0, 0, 1.1], rotvec_to_quat(vectors), "walk")


def taught() -> DiMo:
    """A model with a memory and a captioned motion."""
    model, motion = DiMo.debug(), walk()
    stride, floor = model.codec.config.stride, floor_of(model.codec, motion)
    starts = range(stride)
    rows = [encode(model.codec, motion[o : len(motion) - (len(motion) - o) % stride], floor) for o in starts]
    model.pipeline.memory = Memory.of(model.codec, rows, [0] * stride, list(starts), [motion.joints()])
    model.pipeline.recall = Recall.of([rows[0]], [["someone jumps"]])
    return model


def made(model: DiMo, **options: Any) -> list[Motion]:
    return model.generate(
        [TEXT, "jumps"], seconds=[2, 1.2], options=SampleOptions(**{"steps": 4, "seed": 7, **options})
    )


VERBS: dict[str, Callable[[DiMo], Any]] = {
    **{f"generate by {name}": lambda m, name=name: made(m, strategy=name) for name in STRATEGIES},
    "generate adaptively": lambda m: made(m, adaptive=0.2),
    "generate, guided on probabilities": lambda m: made(m, guidance_on="probabilities"),
    "generate without guidance, the likeliest of all": lambda m: made(m, guidance=1.0, temperature=0.0, top_k=0),
    "generate a long one of an estimated length": lambda m: (m.generate(TEXT, steps=2, seed=1), made(m, steps=2)),
    "sample": lambda m: m.sample(2, steps=3, seed=1, samples=2),
    "compose": lambda m: m.compose([(TEXT, 2), ("bows", None), ("jumps", 12)], steps=2, seed=1),
    "trace": lambda m: m.trace(TEXT, seconds=2, steps=3, seed=1),
    "rounds": lambda m: list(m.rounds(TEXT, seconds=2, steps=3, seed=1)),
    "complete": lambda m: m.complete(walk(), [(0, 1), (2, 3)], seconds=4, steps=3, seed=1, samples=2),
    "complete by the model alone": lambda m: m.complete(walk(), [(0, 1)], steps=3, seed=1, memory=0.0),
    "edit": lambda m: m.edit(walk(), (1, 2), text=TEXT, steps=3, seed=1),
    "predict": lambda m: m.predict(walk(), 12, steps=2, seed=1),
    "inbetween": lambda m: m.inbetween(walk(), walk(), steps=3, seed=1),
    "loop": lambda m: m.loop(walk(), steps=3, seed=1),
    "vary": lambda m: m.vary(walk(), 0.5, text=TEXT, steps=3, seed=1),
    "caption": lambda m: m.caption([walk(), walk(30)], steps=4),
    "caption in order": lambda m: m.caption([walk(), walk(30)]),
    "caption in order by several draws": lambda m: m.caption(walk(), samples=3, seed=2),
    "caption by several draws": lambda m: m.caption(walk(), steps=3, samples=3, seed=2),
    "correct": lambda m: m.correct("a man walks left", walk()),
    "score": lambda m: m.score(TEXT, walk()),
    "score by guided logits": lambda m: motion_given_text(m.model, [[20, 21]], [m.codes(walk())], guidance=2.0),
    "rank": lambda m: m.rank(walk(), [TEXT, "jumps twice on the spot", "bows"]),
    "understands": lambda m: m.understands(TEXT),
    "length": lambda m: m.length(TEXT),
    "codes": lambda m: m.codes(walk()),
    "features": lambda m: m.pipeline.features([Request((Part(TEXT, 30),), seed=1)], SampleOptions(steps=2)),
    "reconstruct": lambda m: m.reconstruct(walk(), levels=2),
    "fingerprint": lambda m: m.fingerprint(),
}


@pytest.fixture(scope="module")
def both() -> tuple[DiMo, DiMo]:
    with Elsewhere():
        near, far = taught(), taught().to(AWAY)
    assert (near.pipeline.device, far.pipeline.device, far.codec.device) == (CPU, AWAY, AWAY)
    return near, far


@pytest.fixture
def models(both):
    with Elsewhere():
        yield both


def alike(a: Any, b: Any) -> bool:
    """Whether two results are the same: numbers to 1e-4, everything else exactly. Tensors of a result are on the CPU."""
    if isinstance(a, torch.Tensor):
        return not isinstance(b, Far) and torch.equal(a, b)
    if isinstance(a, float | np.ndarray):
        return np.allclose(a, b, atol=1e-4, equal_nan=True)
    if is_dataclass(a):
        return type(a) is type(b) and all(alike(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_gives_what_it_gives_on_the_cpu(models, verb):
    near, far = (VERBS[verb](model) for model in models)
    assert alike(near, far)


def test_search_and_its_cache(models, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "motions").mkdir()
    for name, motion in (("a", walk()), ("b", walk(40))):
        motion.save(tmp_path / "motions" / f"{name}.npz")
    near, far = models
    first = far.search(TEXT, tmp_path / "motions")
    assert [f.path.name for f in first.found]
    assert alike(first, far.search(TEXT, tmp_path / "motions"))  # now out of the cache
    assert alike(first, near.search(TEXT, tmp_path / "motions", cache=False))


def test_all_public_verbs_are_here():
    others = {"from_pretrained", "save_pretrained", "debug", "to", "search"}
    verbs = {n for n in vars(DiMo) if not n.startswith("_") and callable(getattr(DiMo, n))} - others
    assert verbs <= {name.split(" ")[0].rstrip(",") for name in VERBS}


def test_a_folder_is_loaded_to_a_device_and_saved_from_it(tmp_path: Path):
    with Elsewhere():
        taught().save_pretrained(tmp_path / "near")
        far = DiMo.from_pretrained(tmp_path / "near", precision="fp32", device=AWAY)
        assert far.pipeline.device == far.codec.device == AWAY
        assert isinstance(far.codec.quantizer.codebooks, Far)
        far.save_pretrained(tmp_path / "far")
    for name in ("codec", "model", "memory"):
        path = f"{name}.safetensors"
        assert (tmp_path / "near" / path).read_bytes() == (tmp_path / "far" / path).read_bytes()


def test_there_and_back_changes_nothing():
    with Elsewhere():
        model = taught()
        before = model.fingerprint(), made(model)
        model.to(AWAY)
        assert alike((model.fingerprint(), made(model)), before)
        model.to("cpu")
        assert not isinstance(model.model.text_bias, Far)
    assert (model.fingerprint(), made(model)) == before

"""Every trainer on another device than the CPU: nothing is made in the wrong place, and what is learnt is what the CPU learns.

Dropout is off, since it alone draws its numbers where it computes.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import AWAY, CPU, Elsewhere, Far
from safetensors.torch import load_file
from table_model import clips
from torch import nn

from dimo.api import DiMo
from dimo.codec.quantize import ResidualQuantizer
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.evaluators.collection import OnHumanML3D
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors
from dimo.evaluators.ours import ContrastiveEvaluator, Towers, TowersConfig
from dimo.learn import evaluator_guo, evaluator_ours, loop, train
from dimo.learn import model as objective
from dimo.learn.model import ModelLoss
from dimo.learn.policy_gradient import AlignLoss, Alignment
from dimo.learn.reward import RewardOptions
from dimo.learn.rollout import Prompt
from dimo.learn.validation import measure, unknown_texts
from dimo.loading import debug_pipeline
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.sentence import SentenceEncoder
from dimo.model.transformer import Transformer, TransformerConfig
from dimo.sequence.vocabulary import WORD_PIECES
from dimo.text.wordpiece import Wordpiece

SMALL = TransformerConfig(vocabulary=130, width=16, layers=1, heads=2, feedforward=16, positions=80, dropout=0.0)
TOWERS = TowersConfig(
    width=16, heads=2, feedforward=16, motion_layers=1, size=8, sentence_layers=1, sentence_width=16, dropout=0.0
)
LOOP = "[loop]\nsteps = 2\nwarmup = 1\nlog_every = 1\nvalidate_every = 2\nbf16 = false\n"
VERBS = ("walks", "jumps", "bows")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared folder of two splits, its clips of several lengths."""
    pytest.importorskip("pyarrow")
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(0)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    for split in ("train", "val"):
        made = []
        for i, verb in enumerate(VERBS):
            joints = (
                rest + rng.normal(0, 0.02, (40 + 8 * i, 22, 3)) + np.arange(40 + 8 * i)[:, None, None] * [0, 0, 0.02]
            )
            captions = (Caption(f"a person {verb}"),)
            made.append(Clip(f"{split}{i}", joints.astype(np.float32), 20.0, captions, split, label=verb))
        if split == "train":
            for verb, label in (("limps", "acted limping"), ("salutes", "acted salute"), ("hovers", "walk+hover")):
                made.append(
                    replace(
                        made[0],
                        id=verb,
                        captions=(Caption(f"a person {verb}", "composed"),),
                        label=label,
                        composite=True,
                    )
                )
        shards.write(tmp_path / "data" / f"{split}.parquet", made)
    return tmp_path / "data"


def both(run: Callable[[torch.device], object]) -> tuple[object, object]:
    """What a run gives on the CPU, and on AWAY."""
    near = run(CPU)
    with Elsewhere():
        return near, run(AWAY)


def same_files(near: Path, far: Path, *names: str) -> None:
    for name in names:
        a, b = load_file(near / f"{name}.safetensors"), load_file(far / f"{name}.safetensors")
        assert a.keys() == b.keys()
        for key in a:
            assert torch.allclose(a[key].float(), b[key].float(), atol=2e-3), (name, key)
    for name in ("log.csv", "val.csv"):
        for a, b in zip(*((folder / name).read_text().splitlines() for folder in (near, far)), strict=True):
            for x, y, column in zip(a.split(","), b.split(","), (near / name).read_text().split(","), strict=False):
                if column not in ("seconds", "waiting") and x != y:
                    assert float(x) == pytest.approx(float(y), rel=1e-3, abs=1e-4)


def settings(data: Path, out: Path, recipe: str, device: torch.device, **given) -> train.Settings:
    path = out.parent / "recipe.toml"
    path.write_text(recipe)
    return train.Settings(data, out, path, quiet=True, device=device, **given)


def test_codec_model_and_memory(data, tmp_path):
    codec = (
        "[codec]\nwidth = 16\ndim = 8\nlevels = 3\ncodes = 16\n"
        f"[loss]\nbatch = 4\nwindow = 32\ncode_noise = 0.5\nbody_scale = 0.1\nshake = 0.1\n{LOOP}"
    )
    model = (
        "[transformer]\nwidth = 16\nlayers = 1\nheads = 2\nfeedforward = 16\nembedding_width = 8\ndropout = 0.0\n"
        f"[loss]\nbatch = 6\nmix = [3, 2, 1]\n{LOOP}shards = 2\n[data]\nstart_weights = false\nshifts = true\n"
    )
    words = tmp_path / "words"
    words.mkdir()
    (words / "vocab.txt").write_text(Wordpiece.basic().vocab_text())
    (words / "model.safetensors").touch()  # named, and not read: only the words are taken
    near, far = tmp_path / "near", tmp_path / "far"

    def run(device: torch.device) -> None:
        out = near if device == CPU else far
        assert train.train_codec(settings(data, out / "codec", codec, device, steps=3)) == 3
        assert train.train_codec(settings(data, out / "codec", codec, device, steps=4, resume=True)) == 4
        assert train.train_model(settings(data, out / "model", model, device), out / "codec", words) == 2
        memory = settings(data, out / "model", "", device)
        assert train.train_memory(memory) == len(VERBS)
        # Of composites nothing is remembered; what was acted is recalled by its words, unless no hand is at the head of a salute.
        recall = DiMo.from_pretrained(out / "model", device="cpu").pipeline.recall
        assert recall is not None
        said = {caption for captions in recall.captions for caption in captions}
        assert said == {f"a person {verb}" for verb in (*VERBS, "limps")}

    near.mkdir()
    far.mkdir()
    both(run)
    same_files(near / "codec", far / "codec", "codec")
    same_files(near / "model", far / "model", "codec", "model", "memory")
    state = torch.load(far / "model" / "state.pt", weights_only=True)  # as the CPU's: any device goes on from it
    assert all(v.device == CPU for part in ("model", "average") for v in state[part].values())


def test_codes_that_are_used_no_more_begin_anew_alike():
    def run(device: torch.device) -> list[torch.Tensor]:
        torch.manual_seed(0)
        quantizer = ResidualQuantizer(2, 8, 4).to(device).train()
        for step in range(3):
            quantizer(torch.randn(2, 5, 4).to(device))
            quantizer.counts[:, step] = 0.1
        assert isinstance(quantizer.codebooks, Far) == (device == AWAY)
        return [quantizer.codebooks.cpu(), quantizer.counts.cpu(), quantizer.sums.cpu()]

    for a, b in zip(*both(run), strict=True):  # type: ignore[call-overload]
        assert torch.allclose(a, b, atol=1e-5)


OPTIONS = ModelLoss(batch=8, mix=(4, 3, 1), self_correction=1.0, self_correction_text=1.0, wrong_words=0.3)
STEPS = {
    "masks": OPTIONS,
    "levels": OPTIONS,
    "own": OPTIONS,
    "pre-training": ModelLoss(batch=8, pretrain_steps=1),
    "language": ModelLoss(batch=8, language_steps=1),
    "sentences": ModelLoss(batch=8, mix=(0, 1, 0), language=1.0),
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("unknown_text", ["absent", "masked"])
def test_a_step_of_the_objective_of_each_kind(kind, unknown_text):
    pairs, options = clips(levels=3), STEPS[kind]
    pairs.sentences = [(40, 41, 42), (50, 51)]

    def run(device: torch.device) -> list[torch.Tensor | dict[str, float]]:
        torch.manual_seed(0)
        config = MaskedConfig(
            transformer=SMALL, levels=3, codes=16, caption_slots=8, unknown_text=unknown_text, depth_blocks=1
        )
        model = MaskedModel(config).to(device).train()
        drawn = kind if kind in ("masks", "levels", "own") else None
        terms = objective.loss(model, pairs, options, loop.step_generator(0, 0), 0, drawn)
        terms["loss"].backward()
        assert all(isinstance(v, Far) == (device == AWAY) for v in terms.values())
        grads = [p.grad.cpu() for p in model.parameters() if p.grad is not None]
        held = unknown_texts(model, [e.codes for e in pairs.examples], counts=(2, 5))
        return [*grads, measure(model, pairs, options, batches=1), {"divergence": held.divergence}]

    near, far = both(run)
    assert len(near) == len(far) > 20  # type: ignore[arg-type]
    for a, b in zip(near, far, strict=True):  # type: ignore[call-overload]
        if isinstance(a, dict):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-5, nan_ok=True)
        else:
            assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("estimator", ["full_mask", "coupled", "weighted"])
def test_a_step_of_alignment(estimator):
    def run(device: torch.device) -> list[torch.Tensor]:
        pipeline = debug_pipeline().to(device)
        plan = AlignLoss(estimator=estimator, prompts=2, group=3, rounds=2, inner=2, kl=0.1)
        asked, shares = [Prompt((70, 71), 6), Prompt((60,), 9)], np.full(2, 0.5)
        parts = pipeline.model, pipeline.codec, asked, shares, clips((5, 6), levels=3)
        task = Alignment(*parts, plan, RewardOptions(), ModelLoss(batch=4))
        for step in range(2):
            terms = task.loss(loop.step_generator(0, step), step)
            terms["loss"].backward()
        assert all(isinstance(v, Far) == (device == AWAY) for v in terms.values())
        grads = [p.grad.cpu() for p in pipeline.model.parameters() if p.grad is not None]
        return [*grads, torch.stack([v.detach().cpu().float() for v in terms.values()])]

    near, far = both(run)
    assert len(near) == len(far) > 20  # type: ignore[arg-type]
    for a, b in zip(near, far, strict=True):  # type: ignore[call-overload]
        assert torch.allclose(a, b, atol=1e-4)


def letters() -> SentenceEncoder:
    torch.manual_seed(3)
    sizes = TransformerConfig(vocabulary=WORD_PIECES, width=16, layers=1, heads=2, feedforward=16, positions=64)
    return SentenceEncoder(Transformer(sizes), Wordpiece.basic())


def test_our_evaluator(data, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluator_ours, "bert_folder", lambda start: tmp_path)
    monkeypatch.setattr(SentenceEncoder, "from_bert_folder", staticmethod(lambda folder, layers=6: letters()))
    sizes = "".join(f"{k} = {getattr(TOWERS, k)}\n" for k in TOWERS.__dataclass_fields__)
    recipe = f"[encoder]\n{sizes}[loss]\nbatch = 3\n{LOOP}"
    outs = {CPU: tmp_path / "near", AWAY: tmp_path / "far"}
    both(lambda device: evaluator_ours.train_contrastive(settings(data, outs[device], recipe, device)))
    same_files(outs[CPU], outs[AWAY], "encoder", "sentence")


def test_the_evaluator_of_guo(data, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "our_vab_data.npy", rng.normal(size=(8, 300)))
    (tmp_path / "our_vab_words.txt").write_text("\n".join(["unk", "sos", "eos", "a", "person", "walk", "jump", "bow"]))
    recipe = f"[loss]\nwidth = 16\nbatch = 3\nmovement_batch = 3\nmovement_steps = 2\n{LOOP}"
    outs = {CPU: tmp_path / "near", AWAY: tmp_path / "far"}

    def run(device: torch.device) -> None:
        assert evaluator_guo.train_evaluator(settings(data, outs[device], recipe, device), glove=tmp_path) == 2

    both(run)
    for name in ("evaluator.safetensors", "movement/log.csv", "match/log.csv"):
        assert (outs[AWAY] / name).is_file()
    with Elsewhere():
        judges = [GuoEvaluator.from_folder(outs[device]).to(device) for device in (CPU, AWAY)]
        judges[1].networks.load_state_dict(judges[0].networks.state_dict())
        for a, b in (
            [e.embed_texts(["a person walks", "bows"]) for e in judges],
            [e.embed_motions(features()) for e in judges],
        ):
            assert isinstance(b, np.ndarray)
            np.testing.assert_allclose(a, b, atol=1e-4)


def features() -> list[np.ndarray]:
    return [np.random.default_rng(n).normal(size=(n, 263)).astype(np.float32) for n in (20, 41)]


def test_evaluators_embed_alike():
    def run(device: torch.device) -> list[np.ndarray]:
        torch.manual_seed(0)
        made = ContrastiveEvaluator(Towers(TOWERS), letters()).to(device)
        assert isinstance(made.towers.mean, Far) == (device == AWAY)
        assert made.states is not None
        texts = ["a person walks", "bows"]
        return [made.embed_texts(texts), made.embed_motions(features()), made.sentences(texts), *made.states[1](texts)]

    for a, b in zip(*both(run), strict=True):  # type: ignore[call-overload]
        assert isinstance(b, np.ndarray)
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_earlier_weights_are_blended_in_where_the_model_is():
    def run(device: torch.device) -> torch.Tensor:
        torch.manual_seed(0)
        model = nn.Linear(2, 2).to(device)
        train.blend(model, {"weight": torch.zeros(2, 2).half(), "bias": torch.ones(2).half()}, 0.25)  # type: ignore[arg-type]
        return torch.cat([model.weight.detach().cpu(), model.bias.detach().cpu()[None]])

    near, far = both(run)
    assert torch.equal(near, far)  # type: ignore[arg-type]


def test_the_evaluator_of_a_collection_is_moved_with_it(tmp_path):
    (tmp_path / "texts").mkdir()
    words = WordVectors(np.eye(4), {w: i for i, w in enumerate(("unk", "sos", "eos", "walk"))})
    with Elsewhere():
        judge = OnHumanML3D(GuoEvaluator(Networks(words=4, width=8), words, comparable=True), tmp_path).to(AWAY)
        assert isinstance(judge.evaluator.networks.mean, Far)
        assert judge.embed_motions(features()).shape == (2, 8)


def test_a_run_goes_on_on_another_device(tmp_path):
    def problem(device: torch.device) -> tuple[nn.Module, Callable]:
        torch.manual_seed(0)
        model = nn.Linear(3, 1).to(device)

        def loss(generator: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
            x = torch.from_numpy(generator.normal(size=(8, 3))).float().to(device)
            return {"loss": (model(x).squeeze(-1) - x.sum(1)).square().mean()}

        return model, loss

    def options(steps: int) -> loop.LoopOptions:
        return loop.LoopOptions(steps=steps, warmup=0, final_share=1.0, learning_rate=1e-2, bf16=False)

    with Elsewhere():
        whole, loss = problem(CPU)
        loop.run(whole, loss, options(6), tmp_path / "whole", quiet=True)
        first, loss = problem(AWAY)
        loop.run(first, loss, options(3), tmp_path / "parted", quiet=True)
        second, loss = problem(CPU)
        assert loop.run(second, loss, options(6), tmp_path / "parted", quiet=True, resume=True) == 6
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)

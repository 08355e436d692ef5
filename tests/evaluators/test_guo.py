"""The evaluator of Guo et al.: shapes of the published file, a naive twin, its text input, retraining."""

import functools
import json
import os
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv1d, leaky_relu, linear

from dimo.errors import DimoError, FormatError, ShapeError, WeightsError
from dimo.evaluators import guo, guo_words
from dimo.evaluators.guo import GuoEvaluator


def gru_shapes(width):
    return {
        f"gru.{kind}_{side}_l0{way}": (3 * width, width) if kind == "weight" else (3 * width,)
        for kind in ("weight", "bias")
        for side in ("ih", "hh")
        for way in ("", "_reverse")
    }


def head_shapes(width):
    return {
        "output_net.0.weight": (width, 2 * width),
        "output_net.0.bias": (width,),
        "output_net.1.weight": (width,),
        "output_net.1.bias": (width,),
        "output_net.3.weight": (512, width),
        "output_net.3.bias": (512,),
    }


# Names and shapes of text_mot_match/model/finest.tar, after networks/modules.py and evaluator_wrapper.py of text-to-motion.
def published_shapes(features=263):
    return {
        "movement_encoder": {
            "main.0.weight": (512, features - 4, 4),
            "main.0.bias": (512,),
            "main.3.weight": (512, 512, 4),
            "main.3.bias": (512,),
            "out_net.weight": (512, 512),
            "out_net.bias": (512,),
        },
        "motion_encoder": {
            "hidden": (2, 1, 1024),
            "input_emb.weight": (1024, 512),
            "input_emb.bias": (1024,),
            **gru_shapes(1024),
            **head_shapes(1024),
        },
        "text_encoder": {
            "hidden": (2, 1, 512),
            "pos_emb.weight": (300, 15),
            "pos_emb.bias": (300,),
            "input_emb.weight": (512, 300),
            "input_emb.bias": (512,),
            **gru_shapes(512),
            **head_shapes(512),
        },
    }


@functools.cache
def published_state(features=263):
    generator = torch.Generator().manual_seed(0)
    return {
        part: OrderedDict((k, 0.05 * torch.randn(shape, generator=generator)) for k, shape in shapes.items())
        for part, shapes in published_shapes(features).items()
    }


def empty_state():
    """The same keys and shapes, of one repeated number each: a file of a few kilobytes."""
    return {p: {k: torch.zeros(1).expand(s) for k, s in shapes.items()} for p, shapes in published_shapes().items()}


def write(folder, state):
    whole = {**state, "opt_text_encoder": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "epoch": 3, "iter": 900}
    torch.save(whole, folder / "finest.tar")
    return folder / "finest.tar"


WORDS = ["unk", "sos", "eos", "a", "person", "walk", "forward", "happy", "left"]


def write_rest(folder, features=263):
    rng = np.random.default_rng(1)
    np.save(folder / "mean.npy", rng.normal(size=features).astype(np.float32))
    np.save(folder / "std.npy", rng.uniform(0.5, 2, size=features).astype(np.float32))
    np.save(folder / "our_vab_data.npy", rng.normal(size=(len(WORDS), 300)))
    (folder / "our_vab.json").write_text(json.dumps({w: i for i, w in enumerate(WORDS)}))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guo")
    write_rest(folder)
    return GuoEvaluator.from_published(write(folder, published_state()), folder, folder), folder


# ---- the published file


def test_parameters_of_the_published_sizes(original):
    evaluator, _ = original
    counts = [int(np.prod(s)) for part in published_shapes().values() for s in part.values()]
    assert sum(counts) == sum(p.numel() for p in evaluator.networks.parameters())
    assert guo.Networks(251, width=8).movement.first.in_channels == 247


def test_the_original_loads_and_says_so(original):
    evaluator, _ = original
    assert evaluator.comparable
    assert evaluator.label == ""
    assert evaluator.feature_mode == "published"
    with pytest.raises(WeightsError):
        evaluator.save(original[1] / "out", {})


def twin_reader(state, x, width):
    """A GRU on one unpadded sequence (S, inputs), with a head in plain operations."""
    gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
    gru.load_state_dict({k[4:]: v for k, v in state.items() if k.startswith("gru.")})
    entered = linear(x, state["input_emb.weight"], state["input_emb.bias"])
    _, last = gru(entered[None], state["hidden"])
    y = linear(last.reshape(1, -1), state["output_net.0.weight"], state["output_net.0.bias"])
    y = nn.functional.layer_norm(y, (width,), state["output_net.1.weight"], state["output_net.1.bias"])
    return linear(leaky_relu(y, 0.2), state["output_net.3.weight"], state["output_net.3.bias"])[0]


@torch.no_grad()
def test_motions_equal_a_naive_twin(original):
    evaluator, folder = original
    state = published_state()
    mean, std = np.load(folder / "mean.npy"), np.load(folder / "std.npy")
    clips = [np.random.default_rng(i).normal(size=(n, 263)) for i, n in enumerate((40, 4, 67))]
    found = evaluator.embed_motions(clips, batch=2)
    for clip, row in zip(clips, found, strict=True):
        frames = len(clip) // 4 * 4
        x = np.zeros((196, 259))
        x[:frames] = ((clip[:frames] - mean) / std)[:, :259]
        y, m = torch.from_numpy(x.T[None]).float(), state["movement_encoder"]
        for layer in ("main.0", "main.3"):
            y = leaky_relu(conv1d(y, m[f"{layer}.weight"], m[f"{layer}.bias"], stride=2, padding=1), 0.2)
        snippets = linear(y[0].T, m["out_net.weight"], m["out_net.bias"])[: frames // 4]
        np.testing.assert_allclose(row, twin_reader(state["motion_encoder"], snippets, 1024), atol=1e-4)


@torch.no_grad()
def test_texts_equal_a_naive_twin(original):
    evaluator, folder = original
    state, vectors = published_state()["text_encoder"], np.load(folder / "our_vab_data.npy")
    captions = [["a/DET", "person/NOUN", "walk/VERB"], ["left/VERB"], ["a/DET", "zebra/NOUN"] * 15]
    # By hand: walk and left are VIP words, zebra is unknown, 20 words at most.
    want = [
        [("sos", 14), ("a", 2), ("person", 1), ("walk", 12), ("eos", 14)],
        [("sos", 14), ("left", 9), ("eos", 14)],
        [("sos", 14), *([("a", 2), ("unk", 14)] * 10), ("eos", 14)],
    ]
    for row, sequence in zip(evaluator.embed_texts(captions, batch=2), want, strict=True):
        words = torch.from_numpy(np.stack([vectors[WORDS.index(w)] for w, _ in sequence])).float()
        parts = torch.eye(15)[[p for _, p in sequence]]
        x = words + linear(parts, state["pos_emb.weight"], state["pos_emb.bias"])
        np.testing.assert_allclose(row, twin_reader(state, x, 512), atol=1e-5)


def test_a_sentence_goes_through_our_tagger(original):
    evaluator, _ = original
    plain, tagged = "A person walks forward.", ["a/DET", "person/NOUN", "walk/VERB", "forward/ADV"]
    np.testing.assert_array_equal(evaluator.embed_texts([plain]), evaluator.embed_texts([tagged]))
    assert evaluator.embed_texts([]).shape == (0, 512)


def test_motions_that_do_not_fit(original):
    for shape in ((3, 263), (40, 251)):
        with pytest.raises(ShapeError, match="motion 0"):
            original[0].embed_motions([np.zeros(shape)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("motion_encoder"), "lacks motion_encoder"),
        (lambda s: s["text_encoder"].pop("pos_emb.bias"), "missing: text_encoder.pos_emb.bias"),
        (lambda s: s["motion_encoder"].update(extra=torch.zeros(1)), "unexpected: motion_encoder.extra"),
        (lambda s: s["text_encoder"].update(hidden=torch.zeros(2, 1, 3)), "misshapen: text_encoder.hidden (2, 1, 3)"),
        (lambda s: s["movement_encoder"].pop("main.0.weight"), "movement_encoder.main.0.weight"),
        (lambda s: s.update(motion_encoder=3), "lacks motion_encoder"),
    ],
)
def test_faults_are_named_as_the_file_spells_them(tmp_path, change, words):
    state = empty_state()
    change(state)
    write_rest(tmp_path)
    with pytest.raises(WeightsError) as error:
        GuoEvaluator.from_published(write(tmp_path, state), tmp_path, tmp_path)
    assert words in str(error.value)


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trap",)


def test_code_in_a_checkpoint_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, {**empty_state(), "extra": Trap()})
    with pytest.raises(WeightsError, match="not opened"):
        guo.read_published(path)
    assert not (tmp_path / "trap").exists()


def test_files_that_are_none(tmp_path):
    (tmp_path / "finest.tar").write_bytes(b"not a checkpoint at all")
    for path in (tmp_path / "finest.tar", tmp_path / "nothing.tar", tmp_path):
        with pytest.raises(DimoError, match=r"tar|readable"):
            guo.read_published(path)


# ---- words


def test_vip_lists_have_the_published_sizes():
    # "dance" stands twice among the 35 actions of the public list.
    sizes = [len(v.split()) for v in guo_words._VIP.values()]
    assert sizes == [12, 13, 10, 34, 12]
    assert len(guo_words.PARTS) == 15


def test_word_lists_in_text_and_json(tmp_path):
    (tmp_path / "w.txt").write_text("unk\nwalk\n")
    (tmp_path / "l.json").write_text('["unk", "walk"]')
    (tmp_path / "d.json").write_text('{"walk": 1, "unk": 0}')
    for name in ("w.txt", "l.json", "d.json"):
        assert guo_words.read_words(tmp_path / name) == {"unk": 0, "walk": 1}
    for text in ("{", '{"a": "b"}', "3"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(FormatError):
            guo_words.read_words(tmp_path / "bad.json")


def test_pickled_word_lists_are_refused_with_the_way_out(tmp_path):
    write_rest(tmp_path)
    (tmp_path / "our_vab.json").rename(tmp_path / "our_vab_idx.pkl")
    with pytest.raises(FormatError, match=r"json\.dump\(pickle"):
        guo_words.WordVectors.from_folder(tmp_path)
    np.save(tmp_path / "our_vab_data.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="not a readable array"):
        guo_words.WordVectors.from_folder(tmp_path)


def test_word_rows_must_exist():
    with pytest.raises(FormatError, match="unk"):
        guo_words.WordVectors(np.zeros((2, 3)), {"a": 0})
    with pytest.raises(FormatError, match="row 2"):
        guo_words.WordVectors(np.zeros((2, 3)), {"unk": 0, "a": 2})


# ---- the loader's crop


def test_crops_are_whole_snippets_inside_the_clip():
    rng = np.random.default_rng(0)
    found = [guo.draw_crop(67, rng) for _ in range(600)]
    lengths = np.array([c.stop - c.start for c in found])
    assert set(lengths) == {64, 60}
    assert (lengths == 60).mean() == pytest.approx(1 / 3, abs=0.06)
    assert {c.start for c in found if c.stop - c.start == 64} == {0, 1, 2, 3}
    assert all(c.stop <= 67 for c in found)
    assert guo.draw_crop(4, rng) == slice(0, 4)


# ---- saving a retrained one


def test_a_retrained_evaluator_comes_back_and_is_labelled(tmp_path):
    torch.manual_seed(0)
    words = guo_words.WordVectors(np.random.default_rng(0).normal(size=(3, 8)), {"unk": 0, "sos": 1, "walk": 2})
    made = GuoEvaluator(guo.Networks(263, words=8, width=32), words, comparable=False)
    made.save(tmp_path, {"steps": 1})
    back = GuoEvaluator.from_folder(tmp_path)
    assert back.label == "retrained, not comparable with published numbers"
    assert back.feature_mode == "exact"
    clips = [np.random.default_rng(0).normal(size=(40, 263))]
    np.testing.assert_allclose(made.embed_motions(clips), back.embed_motions(clips), atol=5e-3)  # half precision
    np.testing.assert_allclose(made.embed_texts(["walk"]), back.embed_texts(["walk"]), atol=5e-3)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "evaluator": {"features": 263}}))
    with pytest.raises(WeightsError, match="evaluator config"):
        GuoEvaluator.from_folder(tmp_path)

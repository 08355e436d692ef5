"""Every term of the objective against its closed form, on a model whose logits are tables."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from table_model import Tables, clips, cross_entropy, mean_cross_entropy, truth

from dimo import checkpoint
from dimo.errors import RequestError
from dimo.learn import loop
from dimo.learn.batches import ModelData
from dimo.learn.mix import ModelLoss, divide, draw_kind, kinds
from dimo.learn.model import loss
from dimo.learn.tasks import draw_levels
from dimo.learn.validation import measure, unknown_texts
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import MASK, PAD

T2M = ModelLoss(batch=40, mix=(1, 0, 0), condition_dropout=0.0, label_smoothing=0.0)
M2T = ModelLoss(batch=40, mix=(0, 1, 0), motion_dropout=0.0, label_smoothing=0.0)
OWN = {"self_correction": 0.7, "self_correction_text": 0.4}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def absent(found: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in found.items() if math.isnan(float(value))}


# ---- motion


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_base_codes_are_learnt_at_hidden_and_wrong_stacks_and_nowhere_else(smoothing):
    model, data = Tables(), clips()
    found = loss(model, data, replace(T2M, label_smoothing=smoothing, wrong=0.3), rng(), 0, "masks")
    (shown,) = model.seen
    codes, _ = truth(data, shown)
    hidden = (shown.known_levels == 0) & shown.motion_slots
    false = (shown.codes != codes).any(-1) & shown.motion_slots
    assert hidden.any()
    assert (false & ~hidden).any()
    want = mean_cross_entropy(model.codes[0], codes[..., 0], hidden | false, smoothing)
    assert float(found["base"]) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_a_residual_level_is_learnt_where_it_is_unknown_from_the_true_levels_below(smoothing):
    model, data = Tables(), clips()
    found = loss(model, data, replace(T2M, label_smoothing=smoothing, partial=0.5), rng(), 0, "masks")
    (shown,), (level,), (below,) = model.seen, model.levels, model.below
    codes, _ = truth(data, shown)
    assert torch.equal(below, codes)
    assert set(level.tolist()) == {1, 2}
    assert set(shown.known_levels[shown.motion_slots].tolist()) == {0, 1, 2, 3}
    unknown = (shown.known_levels <= level[:, None]) & shown.motion_slots
    target = torch.stack([codes[b, :, q] for b, q in enumerate(level.tolist())])
    want = mean_cross_entropy([model.codes[q] for q in level.tolist()], target, unknown, smoothing)
    assert float(found["depth"]) == pytest.approx(want, rel=1e-5)


def test_residual_levels_are_drawn_the_oftener_the_lower_they_are():
    counts = torch.bincount(draw_levels(11_000, 4, rng()), minlength=4)
    assert counts[0] == 0
    # 1, 1/2 and 1/3 are 6, 3 and 2 parts of 11.
    assert (counts[1:] - torch.tensor([6000, 3000, 2000])).abs().max() < 220  # four deviations of 52
    assert set(draw_levels(50, 2, rng()).tolist()) == {1}


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("spans", [0.0, 1.0])
def test_a_level_is_learnt_over_a_whole_motion_whose_base_is_known(smoothing, spans):
    model, data = Tables(), clips()
    found = loss(model, data, replace(T2M, batch=160, label_smoothing=smoothing, spans=spans), rng(), 0, "levels")
    (shown,), (level,), (below,) = model.seen, model.levels, model.below
    codes, _ = truth(data, shown)
    assert torch.equal(shown.codes, codes)
    assert torch.equal(below, codes)
    # Within a stretch, or everywhere, stacks show the base alone or what lies below the level; outside they are whole.
    places = (shown.known_levels < 3) & shown.motion_slots
    assert bool(places.any(1).all())
    assert bool(places.all(1).any()) == (spans == 0.0)
    if not spans:
        assert torch.equal(places, shown.motion_slots)
    depth = torch.where(places, shown.known_levels, 0).amax(1)
    assert torch.equal(depth[:, None].expand_as(places)[places], shown.known_levels[places])  # one for a sequence
    assert bool(((depth == 1) | (depth == level)).all())
    assert float((depth[level == 2] == 1).float().mean()) == pytest.approx(0.5, abs=0.2)
    target = torch.stack([codes[b, :, q] for b, q in enumerate(level.tolist())])
    want = mean_cross_entropy([model.codes[q] for q in level.tolist()], target, places, smoothing)
    assert float(found["whole"]) == pytest.approx(want, rel=1e-5)
    assert {"base", "depth"} <= absent(found)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_further_motions_teach_a_level_from_the_levels_below_without_a_trunk(smoothing):
    model, data = Tables(), clips()
    plan = replace(T2M, batch=1, label_smoothing=smoothing, local_batch=30)
    asked = set()
    for seed in range(8):
        found = loss(model, data, plan, rng(seed), 0, "masks")
        level, codes, real = model.alone.pop()
        asked.add(level)
        assert len(codes) == 30
        want = mean_cross_entropy(model.codes[level], codes[..., level], real, smoothing)
        assert float(found["local"]) == pytest.approx(want, rel=1e-5)
        assert float(found["loss"]) == pytest.approx(
            sum(w * float(found[k]) for k, w in plan.weights.items() if k not in absent(found)), rel=1e-6
        )
    assert asked == {1, 2}
    assert "local" not in loss(model, data, T2M, rng(), 0, "masks")
    with pytest.raises(RequestError, match="local_batch"):
        ModelLoss(local_batch=-1)


def test_shares_of_visible_stacks_that_are_wrong_or_half_known():
    model, data = Tables(), clips()
    counts = np.zeros(3)
    options = replace(T2M, wrong=0.2, partial=0.25, spans=0.0, base_only=0.0)
    for seed in range(60):  # some ten thousand stacks: 0.02 is five deviations
        loss(model, data, options, rng(seed), seed, "masks")
        shown = model.seen.pop()
        codes, _ = truth(data, shown)
        visible = (shown.known_levels > 0) & shown.motion_slots
        false = (shown.codes != codes).any(-1) & visible
        counts += [float(visible.sum()), float(false.sum()), float((visible & (shown.known_levels < 3)).sum())]
    assert counts[1] / counts[0] == pytest.approx(0.2, abs=0.02)
    assert counts[2] / counts[0] == pytest.approx(0.25 * 2 / 3, abs=0.02)  # of levels 1, 2, 3 the last is all of them


def test_some_sequences_show_base_codes_alone_as_while_a_motion_is_drawn():
    model, data = Tables(), clips()
    shallow = []
    for seed in range(30):
        loss(model, data, replace(T2M, partial=0.0, spans=0.0, base_only=0.4), rng(seed), 0, "masks")
        shown = model.seen.pop()
        for row in shown.known_levels * shown.motion_slots:
            visible = set(row[row > 0].tolist())
            assert visible <= {1} or visible == {3}
            if visible:
                shallow.append(visible == {1})
    assert np.mean(shallow) == pytest.approx(0.4, abs=0.05)
    loss(model, data, replace(T2M, spans=1.0, partial=0.0, base_only=1.0), rng(), 0, "masks")
    shown = model.seen.pop()
    ends = shown.known_levels[torch.arange(40), shown.motion_slots.sum(1) - 1]
    assert set(torch.cat([shown.known_levels[:, 0], ends]).tolist()) == {
        0,
        1,
        3,
    }  # what lies outside of a span is whole


@pytest.mark.parametrize(("schedule", "share"), [("cosine", 2 / math.pi), ("linear", 0.5)])
def test_the_schedule_of_masks_is_the_recipes(schedule, share):
    # The mean ratio: of cos(pi u / 2) over u from 0 to 1 it is 2 / pi, of 1 - u a half.
    model, data = Tables(), clips((40,))
    options = replace(T2M, batch=600, motion_schedule=schedule, spans=0.0, wrong=0.0, partial=0.0)
    loss(model, data, options, rng(), 0, "masks")
    assert float((model.seen[-1].known_levels == 0).float().mean()) == pytest.approx(share, abs=0.04)
    model = Tables(slots=32)
    loss(model, data, replace(M2T, batch=600, text_schedule=schedule, wrong_words=0.0), rng(), 0, "masks")
    assert float((~model.seen[-1].known_text).float().mean()) == pytest.approx(share, abs=0.04)


def test_masks_are_counted_over_each_clips_own_length():
    # With the linear schedule n places get max(1, round(u n)) masks, u uniform.
    model, data = Tables(), clips((5, 20))
    codes, texts = [e.codes for e in data.examples], [e.captions[0] for e in data.examples]
    data.batch = lambda size, *_, **__: ([texts[i % 2] for i in range(size)], [codes[i % 2] for i in range(size)])
    options = replace(T2M, batch=1200, motion_schedule="linear", spans=0.0, wrong=0.0, partial=0.0)
    loss(model, data, options, rng(), 0, "masks")
    masks = ((model.seen[-1].known_levels == 0) & model.seen[-1].motion_slots).sum(1)
    for row, n in ((0, 5), (1, 20)):
        u = (np.arange(10_000) + 0.5) / 10_000
        want = np.maximum(1, np.round(u * n)).mean()
        assert float(masks[row::2].float().mean()) == pytest.approx(want, abs=0.03 * n)


def test_spans_leave_one_side_of_the_motion_whole():
    model, data = Tables(), clips()
    counts = []
    for share in (1.0, 0.0):
        loss(model, data, replace(T2M, batch=200, spans=share), rng(), 0, "masks")
        shown = model.seen.pop()
        codes, _ = truth(data, shown)
        touched = (shown.known_levels < 3) | (shown.codes != codes).any(-1)
        last = shown.motion_slots.sum(1) - 1
        ends = touched[:, 0] & touched[torch.arange(200), last]
        counts.append(int(ends.sum()))
    assert counts[0] == 0
    assert counts[1] > 60


@pytest.mark.parametrize("kind", ["masks", "levels", "own"])
def test_the_text_is_dropped_whole_in_its_share_and_always_in_motion_to_motion(kind):
    model, data = Tables(), clips()
    for mix, dropout, want in (((1, 0, 0), 0.25, 0.25), ((0, 0, 1), 0.25, 1.0), ((1, 0, 1), 0.5, 0.75)):
        shares = []
        for seed in range(30):
            loss(model, data, replace(T2M, mix=mix, condition_dropout=dropout, **OWN), rng(seed), 0, kind)
            shown = model.seen.pop()
            gone = (shown.ids == MASK).any(1)
            assert torch.equal(shown.wordless(), shown.text_slots & gone[:, None])  # all of a text or nothing
            _, ids = truth(data, shown)
            assert torch.equal(shown.ids[~gone], ids[~gone])
            assert bool(shown.known_text[~gone][shown.text_slots[~gone]].all())
            shares.append(float(gone.float().mean()))
        assert np.mean(shares) == pytest.approx(want, abs=0.04)


def test_what_is_asked_is_said_in_other_words_and_what_is_to_be_said_never():
    def reword(text: str, generator: np.random.Generator) -> tuple[int, ...]:
        return (7, 7, 7)

    source = clips()
    examples = [replace(e, texts=("",) * len(e.captions)) for e in source.examples]
    data, model = ModelData(examples, source.confusions, reword=reword), Tables()
    loss(model, data, replace(T2M, reworded=1.0), rng(), 0, "masks")
    (shown,) = model.seen
    assert shown.ids[shown.text_slots].eq(7).all()
    model = Tables()
    found = loss(model, data, replace(M2T, reworded=1.0), rng(), 0, "masks")
    assert float(found["text"]) == float(loss(Tables(), source, M2T, rng(), 0, "masks")["text"])


def test_the_length_is_learnt_from_the_whole_text_of_any_clip_of_the_batch():
    model, data = Tables(), clips(range(5, 21))
    told = []
    for seed in range(60):
        found = loss(model, data, replace(T2M, batch=24, condition_dropout=1.0), rng(seed), seed, "masks")
        ids, slots = model.asked_lengths.pop()
        assert len(ids) == 8
        assert not (ids == MASK).any()
        lengths = (ids[:, 0] - 20).tolist()  # captions name their clip's length
        assert torch.equal(slots.sum(1), torch.tensor([2 + n % 4 for n in lengths]))
        want = np.mean([cross_entropy(model.lengths, n - 1) for n in lengths])
        assert float(found["length"]) == pytest.approx(want, rel=1e-5)
        told.append(np.mean(lengths) - float(model.seen.pop().motion_slots.sum(1).float().mean()))
    assert abs(np.mean(told)) < 0.15  # neither the short nor the long ones of a batch are preferred


# ---- words


@pytest.mark.parametrize("pad_weight", [0.1, 1.0, 0.0])
def test_words_are_learnt_at_hidden_and_wrong_places_with_pad_counting_less(pad_weight):
    model, data = Tables(), clips()
    found = loss(model, data, replace(M2T, pad_weight=pad_weight, wrong_words=0.3), rng(), 0, "masks")
    (shown,) = model.seen
    _, ids = truth(data, shown)
    assert bool(shown.text_slots.all())
    places = ~shown.known_text | (shown.ids != ids)
    assert (shown.known_text & places).any()
    total = weights = 0.0
    for b, t in zip(*np.nonzero(places.numpy()), strict=True):
        weight = pad_weight if ids[b, t] == PAD else 1.0
        total += weight * cross_entropy(model.words[t], int(ids[b, t]))
        weights += weight
    assert float(found["text"]) == pytest.approx(total / weights, rel=1e-5)
    assert absent(found) == {
        "base", "depth", "whole", "length", "correct_base", "correct_depth", "correct_text"
    }  # fmt: skip


def test_the_next_word_is_learnt_from_those_before_it():
    model, data = Tables(), clips()
    found = loss(model, data, replace(M2T, beginnings=1.0, wrong_words=0.0, pad_weight=0.3), rng(), 0, "masks")
    (shown,) = model.seen
    _, ids = truth(data, shown)
    at = shown.known_text.sum(1)
    assert torch.equal(shown.known_text, torch.arange(shown.ids.shape[1]) < at[:, None])
    rows = list(zip(at.tolist(), ids[torch.arange(len(at)), at].tolist(), strict=True))
    weights = [0.3 if word == PAD else 1.0 for _, word in rows]
    total = sum(w * cross_entropy(model.words[t], word) for w, (t, word) in zip(weights, rows, strict=True))
    assert len(set(at.tolist())) > 2
    assert float(found["text"]) == pytest.approx(total / sum(weights), rel=1e-5)


def test_wrong_words_come_in_their_share():
    model, data = Tables(slots=32), clips()
    for share in (0.0, 0.4):
        false = visible = 0.0
        for seed in range(20):
            loss(model, data, replace(M2T, wrong_words=share), rng(seed), 0, "masks")
            shown = model.seen.pop()
            _, ids = truth(data, shown)
            words = shown.known_text & (ids != PAD)
            visible += float(words.sum())
            false += float((words & (shown.ids != ids)).sum())
        assert false / visible == pytest.approx(share, abs=0.04)


def test_some_captions_are_learnt_without_their_motion_and_all_others_with_all_of_it():
    model, data = Tables(), clips()
    shares = []
    for seed in range(30):
        loss(model, data, replace(M2T, motion_dropout=0.25), rng(seed), 0, "masks")
        shown = model.seen.pop()
        blind = (shown.known_levels == 0).all(1)
        assert bool((shown.known_levels == 3 * shown.motion_slots)[~blind].all())
        codes, _ = truth(data, shown)
        assert torch.equal(shown.codes, codes)
        shares.append(float(blind.float().mean()))
    assert np.mean(shares) == pytest.approx(0.25, abs=0.04)


def test_written_captions_are_drawn_in_their_share_of_the_batches():
    (example,) = clips((5,)).examples
    data = ModelData([replace(example, captions=((70, 71), (60, 61)), written=1)])
    told = []
    for seed in range(200):
        model = Tables()
        loss(model, data, replace(M2T, batch=6, written=0.5, wrong_words=0.0), rng(seed), 0, "masks")
        told.append(set(model.seen[0].ids[:, 0].tolist()) == {70})
    assert np.mean(told) == pytest.approx(0.5, abs=0.1)


def test_sentences_without_motion_come_in_their_share_and_alone_at_first():
    model, data = Tables(), clips()
    data.sentences = [(70, 71, 72), (60, 61)]
    options = replace(M2T, batch=30, language=0.4, language_steps=3, wrong_words=0.0, pad_weight=0.5)
    found = loss(model, data, options, rng(), 2)
    (shown,) = model.seen
    assert not shown.known_levels.any()
    ids = torch.zeros(30, 8, dtype=torch.long)
    seen = shown.known_text & (shown.ids != PAD)
    for b in range(30):
        known = set(shown.ids[b][seen[b]].tolist())
        assert not known & {60, 61} or not known & {70, 71, 72}
        sentence = (70, 71, 72) if shown.ids[b, 0] == 70 else (60, 61)
        ids[b, : len(sentence)] = torch.tensor(sentence)
    assert torch.equal(shown.ids, ids)
    assert 8 < int((ids[:, 0] == 70).sum()) < 22
    hidden = ~shown.known_text
    weight = np.where(ids == PAD, 0.5, 1.0)[hidden.numpy()]
    each = [cross_entropy(model.words[t], int(ids[b, t])) for b, t in zip(*np.nonzero(hidden.numpy()), strict=True)]
    assert float(found["text"]) == pytest.approx(float(np.dot(weight, each) / weight.sum()), rel=1e-5)
    assert float(found["loss"]) == pytest.approx(options.text_weight * float(found["text"]), rel=1e-5)
    alone = []
    for seed in range(200):
        model.seen.clear()
        loss(model, data, options, rng(seed), 3, "masks")
        alone.append(not model.seen[0].known_levels.any())
    assert np.mean(alone) == pytest.approx(0.4, abs=0.1)
    with pytest.raises(RequestError, match="sentences"):
        loss(model, clips(), options, rng(), 0)


# ---- pre-training, kinds of steps, the sum


def test_pretraining_masks_both_sides_and_then_the_mix_begins():
    model, data = Tables(), clips()
    options = replace(T2M, pretrain_steps=3, wrong_words=0.2, wrong=0.2, pad_weight=0.5)
    found = loss(model, data, options, rng(), 2)
    (shown,) = model.seen
    codes, ids = truth(data, shown)
    assert bool(shown.text_slots.all())
    words = ~shown.known_text | (shown.ids != ids)
    stacks = ((shown.known_levels == 0) | (shown.codes != codes).any(-1)) & shown.motion_slots
    assert 0.3 < float((~shown.known_text).float().mean()) < 0.7
    assert bool(((shown.known_levels == 0) & shown.motion_slots).any(1).all())
    assert float(found["base"]) == pytest.approx(mean_cross_entropy(model.codes[0], codes[..., 0], stacks), rel=1e-5)
    weight = np.where(ids == PAD, 0.5, 1.0)[words.numpy()]
    each = [cross_entropy(model.words[t], int(ids[b, t])) for b, t in zip(*np.nonzero(words.numpy()), strict=True)]
    assert float(found["text"]) == pytest.approx(float(np.dot(weight, each) / weight.sum()), rel=1e-5)
    assert not absent(found) & {"base", "depth", "text"}
    assert {"length", "whole"} <= absent(found)
    model.seen.clear()
    found = loss(model, data, options, rng(), 3, "masks")
    assert math.isnan(float(found["text"]))
    assert not math.isnan(float(found["length"]))


def test_kinds_of_steps_come_in_their_shares():
    options = ModelLoss(whole_levels_share=0.3, self_correction_share=0.2, **OWN)
    generator = rng()
    drawn = [draw_kind(options, 6, generator) for _ in range(4000)]
    for kind, share in (("levels", 0.3), ("own", 0.2), ("masks", 0.5)):
        assert drawn.count(kind) / 4000 == pytest.approx(share, abs=0.03)
    assert "levels" not in kinds(options, 1)
    assert set(kinds(ModelLoss(whole_levels_share=0.0), 6)) == {"masks"}
    assert set(kinds(ModelLoss(whole_levels_share=1.0, self_correction_share=0.0), 6)) == {"levels"}
    assert "own" in kinds(ModelLoss(self_correction_text=1.0), 6)
    model, data = Tables(), clips((5, 9))
    steps = [loss(model, data, replace(options, batch=4, mix=(1, 0, 0)), rng(seed), seed) for seed in range(150)]
    assert np.mean([not math.isnan(float(s["whole"])) for s in steps]) == pytest.approx(0.3, abs=0.11)
    assert np.mean([not math.isnan(float(s["correct_base"])) for s in steps]) == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("batch", [1, 2, 7, 48])
def test_tasks_share_a_batch_of_any_size_in_the_ratio_of_the_mix(batch):
    options, generator = ModelLoss(batch=batch, mix=(8, 1, 1)), rng()
    sizes = np.array([divide(options, generator) for _ in range(4000)])
    assert (sizes.sum(1) == batch).all()
    assert sizes.min() >= 0
    np.testing.assert_allclose(sizes.mean(0), batch * np.array([0.8, 0.1, 0.1]), atol=0.04)


@pytest.mark.parametrize("kind", ["masks", "levels", "own"])
def test_the_loss_is_the_weighted_sum_of_its_terms(kind):
    options = ModelLoss(
        batch=20, mix=(3, 2, 1), text_weight=0.6, depth_weight=0.45, length_weight=0.25, pad_weight=0.3, **OWN
    )
    found = {k: float(v) for k, v in loss(Tables(), clips(), options, rng(), 0, kind).items()}
    want = {
        "masks": lambda f: f["base"] + 0.45 * f["depth"] + 0.6 * f["text"] + 0.25 * f["length"],
        "levels": lambda f: 0.45 * f["whole"] + 0.6 * f["text"] + 0.25 * f["length"],
        "own": lambda f: (
            0.7 * (f["correct_base"] + 0.45 * f["correct_depth"]) + 0.4 * 0.6 * f["correct_text"] + 0.25 * f["length"]
        ),
    }[kind](found)
    assert found["loss"] == pytest.approx(want, rel=1e-5)
    assert not math.isnan(want)


def test_names_of_the_terms_never_change():
    options = ModelLoss(batch=1, pretrain_steps=1, **OWN)
    names = {tuple(loss(Tables(), clips(), options, rng(s), s)) for s in range(12)}
    assert len(names) == 1
    (only,) = names
    assert only == ("loss", *options.weights)


# ---- self-correction


def test_motion_is_corrected_in_states_that_the_sampler_comes_to():
    data, fractions, whole = clips(), [], 0
    for seed in range(25):
        model = Tables(sharpness=40.0)  # drawn or likeliest, the sampler's values are the tables' favourites
        options = replace(T2M, wrong=0.1, partial=0.2, condition_dropout=0.3, **OWN)
        found = loss(model, data, options, rng(seed), 0, "own")
        before, after = model.seen[0], model.seen[-1]
        assert 2 <= len(model.seen) <= 4
        codes, _ = truth(data, after)
        real = after.motion_slots
        open_ = (before.known_levels == 0) & real
        written = open_ & (after.known_levels > 0)
        fractions.append(float(written.sum() / open_.sum()))
        favourites = model.codes.argmax(-1).T[: codes.shape[1]].expand_as(codes)
        given = torch.arange(3) < before.known_levels[..., None]
        if bool(
            (after.known_levels == 3)[real].all()
        ):  # the rounds are over: all levels are drawn, the given ones kept
            whole += 1
            assert torch.equal(after.codes[real], torch.where(given, before.codes, favourites)[real])
        else:
            assert torch.equal(after.known_levels, torch.where(written, 1, before.known_levels))
            assert torch.equal(after.codes[..., 0][written], favourites[..., 0][written])
            assert torch.equal(after.codes[real & ~written], before.codes[real & ~written])
        assert torch.equal(after.ids, before.ids)
        assert torch.equal(after.known_text, before.known_text)
        # What was hidden is supervised with the truth, written by the sampler or not.
        places = ((before.known_levels == 0) | (before.codes != codes).any(-1)) & real
        want_base = mean_cross_entropy(model.codes[0], codes[..., 0], places)
        assert float(found["correct_base"]) == pytest.approx(want_base, rel=1e-4)
        level = model.levels[-1]
        target = torch.stack([codes[b, :, q] for b, q in enumerate(level.tolist())])
        unknown = (before.known_levels <= level[:, None]) & real
        want_depth = mean_cross_entropy([model.codes[q] for q in level.tolist()], target, unknown)
        assert float(found["correct_depth"]) == pytest.approx(want_depth, rel=1e-4)
        assert {"base", "depth"} <= absent(found)
    assert min(fractions) < 0.4
    assert max(fractions) == 1.0
    assert 2 < whole < 23
    assert len({round(f, 1) for f in fractions}) >= 4


def test_words_are_corrected_in_states_that_the_sampler_comes_to():
    data, fractions = clips(), []
    for seed in range(25):
        model = Tables(sharpness=40.0)
        found = loss(model, data, replace(M2T, motion_dropout=0.3, pad_weight=0.2, **OWN), rng(seed), 0, "own")
        after = model.seen[-1]
        codes, ids = truth(data, after)
        assert torch.equal(after.codes, codes)  # the motion is neither written nor changed
        blind = (after.known_levels == 0).all(1)
        assert torch.equal(after.known_levels, torch.where(blind[:, None], 0, 3 * after.motion_slots))
        before = model.seen[0]
        assert len(before) == int((~blind).sum())
        open_ = ~before.known_text
        written = open_ & after.known_text[~blind]
        fractions.append(float(written.sum() / open_.sum()))
        favourites = model.words[: ids.shape[1]].argmax(-1).expand_as(before.ids)
        assert torch.equal(after.ids[~blind][written], favourites[written])
        assert torch.equal(after.ids[~blind][~open_], before.ids[~open_])
        places = ~after.known_text
        places[~blind] |= open_
        places |= after.known_text & (after.ids != ids)
        total = weights = 0.0
        for b, t in zip(*np.nonzero(places.numpy()), strict=True):
            weight = 0.2 if ids[b, t] == PAD else 1.0
            total += weight * cross_entropy(model.words[t], int(ids[b, t]))
            weights += weight
        assert float(found["correct_text"]) == pytest.approx(total / weights, rel=1e-4)
        assert "text" in absent(found)
    assert max(fractions) == 1.0
    assert min(fractions) < 0.5


def test_each_side_is_corrected_only_where_its_weight_says_so():
    both = replace(T2M, mix=(1, 1, 0))
    found = loss(Tables(), clips(), replace(both, self_correction=1.0), rng(), 0, "own")
    assert absent(found) == {"base", "depth", "whole", "correct_text"}
    found = loss(Tables(), clips(), replace(both, self_correction_text=1.0), rng(), 0, "own")
    assert absent(found) == {"text", "whole", "correct_base", "correct_depth"}


TINY = TransformerConfig(vocabulary=130, width=32, layers=2, heads=4, feedforward=48, positions=80, dropout=0.1)


def tiny(levels: int = 3) -> MaskedModel:
    torch.manual_seed(0)
    return MaskedModel(MaskedConfig(transformer=TINY, levels=levels, codes=16, caption_slots=8))


@pytest.mark.parametrize("kind", ["masks", "levels", "own"])
def test_every_weight_gets_a_gradient_in_bf16(kind):
    # Autocast remembers weights that it has cast; those of the sampler's rounds know no gradient.
    model = tiny().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(model, clips(), replace(T2M, mix=(1, 1, 0), **OWN), rng(), 0, kind)
    found["loss"].backward()
    for name, parameter in model.named_parameters():
        if kind == "levels" and name.startswith("base."):
            continue  # nothing asks for the base there
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name
    assert model.training


def test_the_rounds_of_self_correction_are_played_without_dropout():
    model = tiny().train()
    modes = []
    model.trunk.layers[0].register_forward_hook(lambda *_: modes.append(model.training))
    loss(model, clips(), replace(T2M, length_weight=0.0, **OWN), rng(), 0, "own")
    assert modes[0]  # the length head's pass
    assert not any(modes[1:-1])
    assert len(modes) > 2
    assert modes[-1]


def test_measuring_repeats_itself_and_has_every_term_of_every_kind_of_step():
    model, data = Tables().train(), clips()
    options = replace(ModelLoss(batch=20, mix=(1, 1, 1), label_smoothing=0.2), **OWN)
    first, again = measure(model, data, options, batches=3), measure(model, data, options, batches=3)
    assert first == again
    assert not any(math.isnan(v) for v in first.values())
    assert first["loss"] == pytest.approx(sum(w * first[k] for k, w in options.weights.items()))
    assert first == measure(model, data, replace(options, label_smoothing=0.0, pretrain_steps=9), batches=3)
    assert model.training
    alone = measure(Tables(levels=1), clips(levels=1), ModelLoss(batch=20), batches=2)
    assert {k for k, v in alone.items() if math.isnan(v)} == {
        "depth", "whole", "correct_base", "correct_depth", "correct_text"
    }  # fmt: skip
    assert not math.isnan(alone["loss"])


@pytest.mark.parametrize("levels", range(1, 9))
def test_any_number_of_levels_trains(levels, tmp_path):
    model, data = tiny(levels), clips(levels=levels)
    model.start_from_codebooks(torch.randn(levels, 16, 4))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    options = ModelLoss(batch=6, mix=(2, 1, 1), pretrain_steps=1, self_correction=1.0, self_correction_text=1.0)
    plan = loop.LoopOptions(steps=12, warmup=1, log_every=12, ema=0.0, bf16=False)
    loop.run(model, lambda g, step: loss(model, data, options, g, step), plan, tmp_path, quiet=True)
    names, row = csv.reader((tmp_path / "log.csv").read_text().splitlines())
    row = dict(zip(names, row, strict=True))
    assert all(row[name] for name in ("loss", "base", "text", "length"))
    assert bool(row["depth"]) == (levels > 1)
    moved = {k for k, v in model.state_dict().items() if v.numel() and not torch.equal(v, before[k])}
    assert {"base.weight", "code_embeddings", "text_bias"} <= moved
    assert ({"depth_out", "depth_codes"} <= moved) == (levels > 1)
    checkpoint.save(tmp_path, {}, {"model": model.state_dict()}, {})
    checkpoint.load_into(tiny(levels), tmp_path / "model.safetensors")


@pytest.mark.parametrize("whole", [False, True])
def test_predictions_beside_unknown_texts_are_equal_unless_masks_tell_their_length(whole):
    motions = [e.codes for e in clips().examples]
    found = {}
    for form in ("absent", "masked"):
        torch.manual_seed(0)
        model = MaskedModel(MaskedConfig(transformer=TINY, levels=3, codes=16, unknown_text=form))
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "norm" not in name:
                torch.nn.init.normal_(weight, std=0.3)  # large enough that attention says something
        found[form] = unknown_texts(model, motions, whole=whole)
    assert len(found["absent"].losses) == 4
    assert found["absent"].span < 1e-5
    assert abs(found["absent"].divergence) < 1e-5
    assert found["masked"].span > 1e-3
    assert found["masked"].divergence > 1e-3


def test_what_is_measured_beside_unknown_texts():
    motions = [e.codes for e in clips().examples]
    for whole in (False, True):
        model = Tables()
        found = unknown_texts(model, motions, counts=(4,), whole=whole)
        (shown,) = model.seen
        assert bool(shown.wordless().all())
        assert torch.equal(shown.text_slots.sum(1), torch.tensor([4] * len(motions)))
        codes, _ = truth(clips(), replace(shown, ids=torch.full_like(shown.ids, PAD)))
        places = (shown.known_levels == 0) & shown.motion_slots
        assert torch.equal(places, shown.motion_slots) == whole
        assert found.losses[0] == pytest.approx(mean_cross_entropy(model.codes[0], codes[..., 0], places), rel=1e-5)
    # Two predictions that are known: by a coin of two sides and by one that shows the first in three of four throws.
    model = Tables()
    model.base = lambda hidden: torch.log(
        torch.tensor([[0.5, 0.5], [0.75, 0.25]])[len(model.seen) % 2].expand(len(hidden), -1)
    )
    found = unknown_texts(model, [m * 0 for m in motions], counts=(1, 2))
    want = 0.75 * math.log(1.5) + 0.25 * math.log(0.5), 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    assert found.divergence == pytest.approx(max(want), rel=1e-4)
    assert found.losses == pytest.approx((-math.log(0.75), math.log(2)))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"mix": (0.0, 0.0, 0.0)}, "mix"),
        ({"batch": 0}, "batch"),
        ({"motion_schedule": "quick"}, "motion_schedule"),
        ({"text_schedule": "quick"}, "text_schedule"),
        ({"wrong": 1.5}, "wrong"),
        ({"language": 1.5}, "language"),
        ({"self_correction": -1.0}, "self_correction"),
        ({"whole_levels_share": 0.9, "self_correction_share": 0.2}, "together"),
    ],
)
def test_impossible_objectives_are_refused(bad, words):
    with pytest.raises(RequestError, match=words):
        ModelLoss(**bad)

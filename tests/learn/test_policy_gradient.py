"""Alignment: what is sampled, what is learnt from it, and what a resumed run repeats."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from table_model import CODES, LEVELS, Tables, clips

from dimo.codec.codec import Codec, CodecConfig
from dimo.data.records import Caption, Clip
from dimo.errors import FormatError, RequestError
from dimo.learn import policy_gradient
from dimo.learn.judges import Judges, JudgesOptions, read_prompts
from dimo.learn.model import ModelLoss
from dimo.learn.policy_gradient import AlignLoss, Alignment, spread
from dimo.learn.reward import RewardOptions, Rewards, rewards
from dimo.learn.rollout import Prompt, behaviour, hide, prompts, roll_out
from dimo.loading import debug_pipeline
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.text.wordpiece import Wordpiece


def model(tables: Tables) -> MaskedModel:
    """For the type checker: tables answer as a model does."""
    return cast(MaskedModel, tables)


ASKED = [Prompt((70, 71), 6), Prompt((60,), 9)]


def test_motions_are_drawn_with_the_probability_that_the_policy_gives_them():
    policy = Tables(sharpness=0.3)
    tokens = roll_out(model(policy), model(Tables()), [Prompt((70,), 5)], 6000, 3, seed=0)
    for place in range(5):
        found = torch.bincount(tokens.codes[:, place, 0], minlength=CODES) / 6000
        assert torch.allclose(found, policy.codes[0, place].softmax(0), atol=0.025)
    options = behaviour(5)
    assert (options.guidance, options.temperature, options.top_k, options.strategy) == (1.0, 1.0, 0, "random")


def test_groups_stand_side_by_side_and_upper_levels_are_the_frozen_models():
    policy, frozen = Tables(), Tables(sharpness=40.0)
    tokens = roll_out(model(policy), model(frozen), ASKED, 3, 4, seed=1)
    assert tokens.motion_slots.sum(1).tolist() == [6] * 3 + [9] * 3
    assert tokens.ids[:, 0].tolist() == [70] * 3 + [60] * 3
    assert bool((tokens.known_levels == LEVELS * tokens.motion_slots).all())
    for level in range(1, LEVELS):  # so sharp that only the favourite is drawn
        assert torch.equal(tokens.codes[0, :6, level], frozen.codes[level, :6].argmax(-1))
    assert len(frozen.seen) == 1


def test_the_policy_is_asked_in_the_states_of_the_sampler():
    tokens = pack([[70]], [torch.zeros(4, LEVELS, dtype=torch.long)], levels=LEVELS)
    shown = hide(tokens, torch.tensor([[True, False, False, True]]))
    assert shown.known_levels.tolist() == [[0, 1, 1, 0]]


def work(tmp_path=None, **options) -> Alignment:
    """On a small model, with a reward that counts how often code 3 occurs."""
    policy = debug_pipeline().model
    data = clips((5, 6), levels=3)
    supervised = ModelLoss(batch=4)
    plan = AlignLoss(**{"prompts": 2, "group": 6, "rounds": 2, "supervised": 0.0, "kl": 0.0, **options})
    codec = Codec(CodecConfig(width=16, dim=8, levels=3, codes=16))
    shares = np.full(2, 0.5)
    return Alignment(policy, codec, ASKED, shares, data, plan, RewardOptions(), supervised, folder=tmp_path)


@pytest.fixture
def count_threes(monkeypatch):
    def fake(judge, codec, texts, motions, options, seed):
        total = torch.tensor([float((m[:, 0] == 3).float().mean()) for m in motions])
        zero = torch.zeros(len(motions))
        return Rewards(total, total, zero, zero)

    monkeypatch.setattr(policy_gradient, "rewards", fake)


@pytest.mark.parametrize("estimator", ["full_mask", "coupled", "weighted"])
def test_what_is_rewarded_becomes_likelier(count_threes, estimator):
    task = work(estimator=estimator, prompts=2, group=16)
    optimizer = torch.optim.Adam(task.policy.parameters(), 3e-3)
    found = []
    for step in range(25):
        torch.manual_seed(step)
        row = task.loss(np.random.default_rng(step), step)
        optimizer.zero_grad()
        row["loss"].backward()
        optimizer.step()
        found.append(float(row["reward"]))
    assert found[0] < 0.2
    assert np.mean(found[-3:]) > 0.5
    assert tuple(row) == policy_gradient.TERMS


def test_only_the_policy_learns_and_without_dropout(count_threes):
    task = work(kl=0.5)
    before = copy.deepcopy(task.frozen.state_dict())
    task.policy.train()
    first = task.loss(np.random.default_rng(0), 0)
    task.held = None
    task.policy.train()
    again = task.loss(np.random.default_rng(0), 0)
    assert float(first["loss"].detach()) == float(again["loss"].detach())
    first["loss"].backward()
    assert all(p.grad is None for p in task.frozen.parameters())
    assert all(torch.equal(v, before[k]) for k, v in task.frozen.state_dict().items())
    assert float(first["kl"].detach()) == pytest.approx(0, abs=1e-5)  # the policy still is the frozen model


def test_the_divergence_is_that_of_the_two_tables():
    task = work()
    policy, frozen = Tables(), Tables(sharpness=0.5)
    task.policy, task.frozen = model(policy), model(frozen)
    tokens = roll_out(task.policy, task.frozen, [ASKED[0]], 2, 2, seed=0)
    real = tokens.motion_slots
    look = task.estimator.passes(real, torch.zeros(2, dtype=torch.long), np.random.default_rng(0))
    p, q = policy.codes[0, :6].log_softmax(-1), frozen.codes[0, :6].log_softmax(-1)
    want = (p.exp() * (p - q)).sum(-1).mean()
    assert float(task.ask(tokens, look).kl) == pytest.approx(float(want), rel=1e-4)


def test_tied_groups_teach_nothing(monkeypatch):
    def flat(judge, codec, texts, motions, options, seed):
        zero = torch.zeros(len(motions))
        return Rewards(zero, zero, zero, zero)

    monkeypatch.setattr(policy_gradient, "rewards", flat)
    task = work()
    row = task.loss(np.random.default_rng(0), 0)
    row["loss"].backward()
    assert float(row["tied"]) == 1
    assert all(p.grad is None or not p.grad.any() for p in task.policy.parameters())


def test_inner_steps_learn_from_the_same_motions_and_a_resumed_run_finds_them(count_threes, tmp_path):
    task = work(tmp_path, inner=3)
    rows = [task.loss(np.random.default_rng(step), step) for step in range(4)]
    assert task.held is not None
    tokens = task.held[1].tokens
    assert len({float(r["reward"]) for r in rows[:3]}) == 1
    other = work(tmp_path, inner=3)
    other.policy.load_state_dict(task.policy.state_dict())
    resumed = other.loss(
        np.random.default_rng(99), 4
    )  # inside the second group of three: from the file, not sampled anew
    assert other.held is not None
    assert torch.equal(other.held[1].tokens.codes, tokens.codes)
    # Nothing was learnt in between, so the policy is the one that sampled: every ratio is 1.
    gain = other.held[1].advantages
    assert float(resumed["policy"].detach()) == pytest.approx(float(-gain.mean()), abs=1e-5)


def test_spread_is_the_share_of_codes_in_which_motions_of_a_group_differ():
    codes = torch.tensor([[1, 2], [1, 3], [1, 2], [5, 5], [5, 5], [5, 5]])
    motions = [c[:, None].expand(-1, 3) for c in codes]
    assert spread(pack([[7]] * 6, motions, levels=3), 3) == pytest.approx((2 / 3 * 0.5 + 0) / 2)


# ---- rewards and prompts


def test_rewards_are_what_the_judge_reads_less_what_the_body_does_wrong():
    pipeline = debug_pipeline()
    motions = [torch.randint(0, 16, (8, 3), generator=torch.Generator().manual_seed(i)) for i in range(3)]
    texts = [(110, 111)] * 3
    free = RewardOptions(skate=0, jerk=0, floating=0)
    bare = rewards(pipeline.model, pipeline.codec, texts, motions, free, 0)
    assert torch.equal(bare.total, bare.agreement)
    assert bool((bare.agreement < 0).all())
    hard = replace(free, skate=1.0, skate_limit=1e-9, jerk=2.0, jerk_limit=1e-9, floating=4.0, floating_limit=1e-9)
    lost = rewards(pipeline.model, pipeline.codec, texts, motions, hard, 0)
    assert lost.penalty.tolist() == pytest.approx([7.0 if s > 0 else 6.0 for s in lost.skate_mps.tolist()])
    assert torch.allclose(lost.total, bare.agreement - lost.penalty)


def sentence_clip(text: str, split: str = "train", frames: int = 40) -> Clip:
    return Clip(text, np.zeros((frames, 22, 3), np.float32), 20.0, (Caption(text),), split)


def test_sentences_of_tests_are_left_out_and_every_other_counts_once():
    wordpiece = Wordpiece.basic()
    found = [
        sentence_clip("a walk"),
        sentence_clip("a walk", frames=60),
        sentence_clip("A man  bows!"),
        sentence_clip("runs"),
    ]
    made, shares = prompts(found, wordpiece, 49, 4, 30, forbidden=["a man bows"])
    assert [p.ids for p in made] == [tuple(wordpiece.encode(t)) for t in ("a walk", "runs")]
    assert [p.steps for p in made] == [12, 10]
    assert shares.tolist() == [0.5, 0.5]
    with pytest.raises(RequestError, match="val split"):
        prompts([sentence_clip("a walk", "val")], wordpiece, 49, 4, 30)


def test_files_of_prompts_that_are_none_are_refused(tmp_path):
    bad = tmp_path / "p.jsonl"
    bad.write_text('{"text": "a walk", "seconds": 2, "checks": []}\n{"text": "x"}\n')
    with pytest.raises(FormatError, match="line 2"):
        read_prompts(bad)
    bad.write_text(bad.read_text().replace('{"text": "x"}', '{"text": "x", "seconds": 1, "checks": []}'))
    assert [row["text"] for row in read_prompts(bad)] == ["a walk", "x"]


def test_judges_notice_what_falls():
    judges = Judges([], [], None, JudgesOptions(obedience_fall=0.05, precision_fall=0.1, spread_share=0.8))
    judges.first = {"obedience": 0.8, "r_precision": 0.5, "multimodality": 2.0}
    assert judges.fallen({"obedience": 0.76, "r_precision": 0.41, "multimodality": 1.7}) is None
    assert "obedience" in str(judges.fallen({"obedience": 0.74}))
    assert "r_precision" in str(judges.fallen({"obedience": 0.9, "r_precision": 0.39}))
    assert "multimodality" in str(judges.fallen({"multimodality": 1.5}))


@pytest.mark.parametrize(
    ("bad", "words"), [({"estimator": "magic"}, "estimator"), ({"group": 1}, "groups"), ({"kl": -1.0}, "kl")]
)
def test_impossible_alignments_are_refused(bad, words):
    with pytest.raises(RequestError, match=words):
        AlignLoss(**bad)

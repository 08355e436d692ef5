"""Strategies that take back what was written, adaptive steps and guidance, against tables whose answer is known."""

import pytest
import torch

from dimo.diffusion.guidance import guide
from dimo.diffusion.options import STRATEGIES
from dimo.diffusion.sample import Drawn, Guess, Places, SampleOptions, sample
from dimo.diffusion.schedule import SCHEDULES, masked_after
from dimo.diffusion.strategies import REMASK_SHARE, hold_back, left_open, looks_back, overturned, reopened
from dimo.errors import RequestError
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD


class Scripted:
    """One row of motion with one level: call number n guesses codes[n] (the last one from then on).

    Each guess is `sure` and finds the written place i believable by held[i].
    """

    def __init__(self, codes, sure, held=None):
        self.codes, self.sure, self.held, self.asked = codes, torch.tensor([sure]), held, []

    def __call__(self, tokens, draw, doubted=None):
        values = torch.tensor([self.codes[min(len(self.asked), len(self.codes) - 1)]])
        self.asked.append(None if doubted is None else doubted.motion[0].tolist())
        nothing = torch.zeros(tokens.ids.shape)
        held = None if self.held is None else Places(nothing, torch.tensor([self.held]))
        return Guess(
            Drawn(tokens.ids, nothing, nothing, nothing),
            Drawn(values, self.sure, self.sure, -self.sure),
            held,
        )


def masked(length, given=()):
    """A row of `length` stacks of one level, of which those in given hold the code 99."""
    tokens = pack([[5]], [torch.full((length, 1), 99)], levels=1, motion_known=False)
    for i in given:
        tokens.known_levels[0, i] = 1
    return tokens


def run(tokens, table, **options):
    return list(sample(tokens, table, SampleOptions(**{"schedule": "linear", "seed": 0, **options})))


def codes(step):
    return step.tokens.codes[0, :, 0].tolist()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("adaptive", [None, 0.1, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_given_places_are_never_touched_whatever_the_model_says(strategy, adaptive, seed):
    generator = torch.Generator().manual_seed(seed)
    table = Scripted(
        torch.randint(0, 9, (8, 12), generator=generator).tolist(),
        torch.rand(12, generator=generator).tolist(),
        [0.0] * 12,  # it doubts everything
    )
    steps = run(masked(12, given=(0, 5, 11)), table, strategy=strategy, steps=8, adaptive=adaptive)
    for step in steps:
        assert [codes(step)[i] for i in (0, 5, 11)] == [99, 99, 99]
        assert step.tokens.known_levels[0, [0, 5, 11]].tolist() == [1, 1, 1]
        assert step.motion_confidence[0, [0, 5, 11]].isnan().all()
    assert (steps[-1].tokens.known_levels == 1).all()
    assert 99 not in [c for i, c in enumerate(codes(steps[-1])) if i not in (0, 5, 11)]
    assert all(a is None or not any(a[i] for i in (0, 5, 11)) for a in table.asked)


def test_in_order_fills_the_first_places_however_sure_others_are():
    table = Scripted([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15]], [0.1, 0.2, 0.9, 0.9, 0.9])
    steps = run(masked(5, given=(1,)), table, strategy="in_order", steps=4)
    assert codes(steps[-1]) == [1, 99, 8, 14, 15]
    assert [s.tokens.known_levels[0].tolist().index(0) for s in steps[:3]] == [2, 3, 4]


def test_write_back_replaces_what_is_doubted_and_keeps_what_is_not():
    # Four rounds write places 0, 1, 2, 3 in turn. From the second call on everything is guessed to be 8.
    table = Scripted([[7] * 4, [8] * 4], [0.9, 0.8, 0.7, 0.6], [0.1, 0.1, 0.1, 0.1])
    assert [codes(s)[:2] for s in run(masked(4), table, strategy="write_back", steps=4)][:2] == [[7, 99], [8, 8]]
    table = Scripted([[7] * 4, [8] * 4], [0.9, 0.8, 0.7, 0.6], [0.6, 0.1, 0.1, 0.1])
    assert codes(run(masked(4), table, strategy="write_back", steps=4)[-1]) == [7, 8, 8, 8]
    table = Scripted([[7] * 4, [8] * 4], [0.9, 0.8, 0.7, 0.6], [0.1] * 4)
    assert codes(run(masked(4), table, strategy="confidence", steps=4)[-1]) == [7, 8, 8, 8]


def test_remask_opens_the_least_believed_and_follows_the_schedule():
    length, steps = 20, 10
    held = [0.9] * length
    held[0] = 0.0  # written first, then doubted
    table = Scripted([[7] * length, [8] * length], [1 - i / 100 for i in range(length)], held)
    states = run(masked(length), table, strategy="remask", steps=steps)
    for index, state in enumerate(states):
        assert int((state.tokens.known_levels == 0).sum()) == masked_after(index, steps, length, "linear")
    assert states[0].tokens.known_levels[0, 0] == 1
    opened = [s.index for s in states if s.tokens.known_levels[0, 0] == 0]
    assert opened
    assert codes(states[-1])[0] == 8
    assert (states[-1].tokens.known_levels == 1).all()


def test_reopened_counts_a_share_within_the_room():
    held, written = torch.tensor([[0.5, 0.1, 0.3, 0.2] * 5]), torch.ones(1, 20, dtype=torch.bool)
    most = round(REMASK_SHARE * 20)
    assert torch.nonzero(reopened(held, written, [20])[0])[:, 0].tolist() == [1, 5, 9][:most]
    assert reopened(held, written, [1]).sum() == 1
    assert reopened(held, written, [0]).sum() == 0


def test_overturned_needs_a_difference_and_twice_the_probability():
    p = torch.tensor([0.4, 0.4, 0.4, 0.4])
    new = Drawn(torch.zeros(4), p, p, p)
    written = torch.tensor([True, True, True, False])
    differs = torch.tensor([True, False, True, True])
    assert overturned(new, differs, torch.tensor([0.1, 0.1, 0.3, 0.1]), written).tolist() == [True, False, False, False]


def test_only_the_revising_strategies_look_back():
    for strategy in STRATEGIES:
        rounds = [i for i in range(8) if looks_back(i, SampleOptions(steps=8, strategy=strategy))]
        assert rounds == {"write_back": [2, 4, 6], "remask": [1, 2, 3, 4, 5, 6]}.get(strategy, [])
        assert not looks_back(0, SampleOptions(steps=1, strategy=strategy))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 3, 10, 30])
def test_a_model_that_is_sure_of_all_is_called_once(schedule, steps):
    table = Scripted([[3] * 12], [0.95] * 12)
    (only,) = run(masked(12), table, adaptive=0.9, steps=steps, schedule=schedule)
    assert codes(only) == [3] * 12
    assert (only.index, len(table.asked)) == (0, 1)


@pytest.mark.parametrize("steps", [1, 4, 10])
def test_a_model_that_is_sure_of_nothing_takes_the_steps_of_the_schedule(steps):
    plain, adaptive = (
        run(masked(12), Scripted([[3] * 12], [i / 100 for i in range(12)]), adaptive=a, steps=steps)
        for a in (None, 0.9)
    )
    assert len(plain) == len(adaptive) == steps
    for one, other in zip(plain, adaptive, strict=True):
        assert torch.equal(one.tokens.known_levels, other.tokens.known_levels)


def test_adaptive_goes_on_from_where_the_schedule_would_be():
    # 8 places, 8 rounds: one a round. 4 are sure at once, so 4 of the rounds remain.
    table = Scripted([[3] * 8], [0.95] * 4 + [0.4, 0.3, 0.2, 0.1])
    states = run(masked(8), table, adaptive=0.9, steps=8)
    assert [int((s.tokens.known_levels == 0).sum()) for s in states] == [4, 3, 2, 1, 0]
    assert left_open(1, [8], torch.arange(8)[None] < 4, SampleOptions(steps=8, schedule="linear", adaptive=0.9)) == [3]
    assert left_open(1, [8], torch.arange(8)[None] < 4, SampleOptions(steps=8, schedule="linear")) == [4]


def test_an_end_of_text_is_not_kept_for_being_sure():
    score, pads = torch.tensor([[0.9, 0.5]]), torch.tensor([[True, False]])
    assert hold_back(score, pads, SampleOptions(pad_factor=0.3)).tolist() == [[pytest.approx(0.27), 0.5]]
    assert torch.equal(hold_back(score, pads, SampleOptions(strategy="margin")), score)
    tokens = pack([[]], [torch.zeros(1, 1, dtype=torch.long)], levels=1, text_known=False, text_slots=3)

    def predict(tokens, draw, doubted=None):
        ids, p = torch.tensor([[7, 8, PAD]]), torch.tensor([[0.95, 0.4, 0.99]])
        nothing = torch.zeros(1, 1)
        return Guess(Drawn(ids, p, p, -p), Drawn(tokens.codes[..., 0], nothing, nothing, nothing))

    first = run(tokens, predict, adaptive=0.9, steps=3)[0]
    assert first.tokens.known_text[0].tolist() == [True, False, False]


@pytest.mark.parametrize("on", ["logits", "probabilities"])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_guidance_of_one_and_zero_are_the_two_models_on_either_scale(on, scale):
    c, u = torch.randn(4, 9), torch.randn(4, 9)
    want = (c if scale else u).softmax(-1)
    assert torch.allclose(guide(c, u, scale, on).softmax(-1), want, atol=1e-6)


def test_guidance_on_probabilities_by_hand():
    c, u = torch.tensor([0.6, 0.3, 0.1]).log(), torch.tensor([0.4, 0.2, 0.4]).log()
    # 0.4 + 2 x 0.2, 0.2 + 2 x 0.1, 0.4 - 2 x 0.3 cut off: 0.8, 0.4, 0 over 1.2
    assert guide(c, u, 2.0, "probabilities").softmax(-1).tolist() == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-6)
    # The same on logits: squares of c over u.
    assert guide(c, u, 2.0).softmax(-1).tolist() == pytest.approx([0.9 / 1.375, 0.45 / 1.375, 0.025 / 1.375])


@pytest.mark.parametrize(
    "bad", [{"adaptive": 0.0}, {"adaptive": 1.5}, {"adaptive": float("nan")}, {"guidance_on": "both"}, {"noise": -1}]
)
def test_impossible_options_are_refused(bad):
    with pytest.raises(RequestError, match=next(iter(bad))):
        SampleOptions(**bad)

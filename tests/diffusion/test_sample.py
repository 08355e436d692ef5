"""The sampler against tables whose right answer is known, without any network."""

import pytest
import torch

from dimo.diffusion.guidance import guide
from dimo.diffusion.sample import (
    STRATEGIES,
    Drawn,
    Guess,
    Places,
    SampleOptions,
    draw_from,
    generators_of,
    keep_best,
    sample,
)
from dimo.diffusion.schedule import mask_ratio, masked_after
from dimo.diffusion.strategies import rank
from dimo.errors import RequestError
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD


class Table:
    """Predicts fixed codes and words, each place with its own fixed confidence."""

    def __init__(self, stacks, sure, ids=None, ids_sure=None):
        self.stacks, self.sure, self.ids, self.ids_sure, self.seen = stacks, sure, ids, ids_sure, []

    def __call__(self, tokens, draw, doubted=None):
        self.seen.append(tokens)
        ids = self.ids if self.ids is not None else torch.zeros_like(tokens.ids)
        ids_sure = self.ids_sure if self.ids_sure is not None else torch.zeros(tokens.ids.shape)
        return Guess(
            Drawn(ids, ids_sure, ids_sure, -ids_sure), Drawn(self.stacks[..., 0], self.sure, self.sure, -self.sure)
        )

    def upper(self, tokens, draw):
        """All levels, where they are not known."""
        assert (tokens.known_levels[tokens.motion_slots] > 0).all()
        known = torch.arange(tokens.levels) < tokens.known_levels.unsqueeze(-1)
        return torch.where(known | ~tokens.motion_slots.unsqueeze(-1), tokens.codes, self.stacks)


def motion_case(length=8, levels=3):
    torch.manual_seed(0)
    stacks = torch.randint(0, 9, (1, length, levels))
    sure = torch.rand(1, length)
    tokens = pack([[5, 6]], [torch.zeros(length, levels, dtype=torch.long)], levels=levels, motion_known=False)
    return tokens, Table(stacks, sure)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("steps", [1, 3, 8, 20])
def test_everything_is_filled_with_the_predicted_values(strategy, steps):
    tokens, table = motion_case()
    last = list(sample(tokens, table, SampleOptions(steps=steps, strategy=strategy, seed=0)))[-1].tokens
    assert torch.equal(last.codes, table.stacks)
    assert (last.known_levels == 3).all()
    assert torch.equal(last.ids, tokens.ids)


def test_the_surest_come_first():
    tokens, table = motion_case()
    order = []
    for step in sample(tokens, table, SampleOptions(steps=8, schedule="linear", seed=0)):
        order += torch.nonzero(~step.motion_confidence[0].isnan())[:, 0].tolist()
    assert order == table.sure[0].argsort(descending=True).tolist()


def test_given_stacks_are_never_touched_and_partly_given_ones_keep_their_levels():
    tokens, table = motion_case()
    codes = torch.full_like(tokens.codes, 99)
    known = torch.tensor([[3, 0, 1, 0, 2, 0, 0, 3]])
    tokens = type(tokens)(tokens.ids, tokens.known_text, tokens.text_slots, codes, known, tokens.motion_slots)
    last = list(sample(tokens, table, SampleOptions(steps=4, seed=0)))[-1].tokens
    given = torch.arange(3) < known.unsqueeze(-1)
    assert (last.codes[given] == 99).all()
    assert torch.equal(last.codes[~given], table.stacks[~given])


def test_levels_above_the_base_are_drawn_once_when_all_base_codes_are_known():
    tokens, table = motion_case()
    steps = list(sample(tokens, table, SampleOptions(steps=4, seed=0)))
    for step in steps[:-1]:
        written = ~step.tokens.known_levels[0].eq(0)
        assert (step.tokens.known_levels[0, written] == 1).all()
        assert torch.equal(step.tokens.codes[0, written, 0], table.stacks[0, written, 0])
        assert not (step.tokens.codes[0, ~written] == table.stacks[0, ~written]).all()
    assert torch.equal(steps[-1].tokens.codes, table.stacks)


def test_a_sequence_that_is_done_is_left_alone_while_others_go_on():
    """Re-masking judges only sequences that lack something: beside others as alone."""
    tokens = pack([[1], [1]], [torch.zeros(n, 1, dtype=torch.long) for n in (1, 9)], levels=1, motion_known=False)
    doubted = []

    class Doubtful(Table):
        def __call__(self, tokens, draw, doubts=None):
            doubted.append(None if doubts is None else doubts.motion[0].any().item())
            guess = super().__call__(tokens, draw)
            return Guess(guess.ids, guess.base, Places(torch.zeros(tokens.ids.shape), torch.zeros(2, 9)))

    table = Doubtful(torch.full((2, 9, 1), 3), torch.rand(2, 9))
    list(sample(tokens, table, SampleOptions(steps=6, strategy="remask", seed=0)))
    assert True not in doubted
    assert False in doubted


def test_padding_is_never_written():
    tokens = pack(
        [[1], [1]],
        [torch.zeros(3, 2, dtype=torch.long), torch.zeros(6, 2, dtype=torch.long)],
        levels=2,
        motion_known=False,
    )
    table = Table(torch.full((2, 6, 2), 7), torch.rand(2, 6))
    last = list(sample(tokens, table, SampleOptions(steps=3, seed=0)))[-1].tokens
    assert (last.codes[0, 3:] == 0).all()
    assert (last.codes[1] == 7).all()
    assert (last.known_levels[0] == torch.tensor([2, 2, 2, 0, 0, 0])).all()


def text_case(ids, sure, **options):
    tokens = pack([[]], [torch.zeros(2, 1, dtype=torch.long)], levels=1, text_known=False, text_slots=len(ids))
    table = Table(tokens.codes, torch.ones(1, 2), torch.tensor([ids]), torch.tensor([sure]))
    steps = list(sample(tokens, table, SampleOptions(schedule="linear", seed=0, **options)))
    return [step.tokens.known_text[0].tolist() for step in steps], steps[-1].tokens.ids[0].tolist()


def test_pad_is_held_back_by_its_factor():
    known, _ = text_case([7, 8, PAD, PAD], [0.5, 0.6, 0.9, 0.8], steps=2, pad_factor=0.3)
    assert known[0] == [True, True, False, False]
    known, _ = text_case([7, 8, PAD, PAD], [0.5, 0.6, 0.9, 0.8], steps=2, pad_factor=1.0)
    assert known[0] == [False, False, True, True]


def test_pad_closes_a_text_and_the_rounds_go_to_the_words_before_it():
    known, ids = text_case([7, 8, 9, PAD, 5, 6], [0.1, 0.3, 0.2, 0.9, 0.05, 0.04], steps=6, pad_factor=1.0)
    assert known == [
        [False, False, False, True, True, True],
        [False, True, False, True, True, True],
        [False, True, True, True, True, True],
        [True, True, True, True, True, True],
    ]
    assert ids == [7, 8, 9, PAD, PAD, PAD]


def test_a_pad_before_a_word_closes_nothing():
    known, ids = text_case([7, PAD, 9, 5], [0.1, 0.8, 0.9, 0.2], steps=2, pad_factor=1.0)
    assert known[0] == [False, True, True, False]
    assert ids == [7, PAD, 9, 5]


def test_nothing_unknown_means_no_step():
    tokens = pack([[1]], [torch.zeros(2, 1, dtype=torch.long)], levels=1)
    assert list(sample(tokens, Table(tokens.codes, torch.ones(1, 2)), SampleOptions())) == []


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize(("steps", "total"), [(1, 5), (10, 49), (30, 7), (7, 7), (3, 0)])
def test_masked_after_falls_to_zero_and_always_moves(schedule, steps, total):
    left = [masked_after(i, steps, total, schedule) for i in range(steps)]
    assert left[-1] == 0
    for before, after in zip([total, *left[:-1]], left, strict=True):
        assert after < before or before == after == 0


def test_mask_ratio_ends():
    assert mask_ratio(0, "cosine") == mask_ratio(0, "linear") == 1
    assert mask_ratio(1, "cosine") == pytest.approx(0, abs=1e-12)
    assert mask_ratio(2 / 3, "cosine") == pytest.approx(0.5)


def test_draw_follows_the_distribution_and_top_k():
    logits, at = torch.log(torch.tensor([0.6, 0.3, 0.1])).expand(20000, 3), torch.ones(1, 20000, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    drawn = draw_from(logits, at, SampleOptions(temperature=1.0, top_k=0), [generator])
    shares = torch.bincount(drawn.values[0], minlength=3) / 20000
    assert shares.tolist() == pytest.approx([0.6, 0.3, 0.1], abs=0.015)
    assert drawn.probability[drawn.values == 1][0].item() == pytest.approx(0.3)
    assert drawn.margin[0, 0].item() == pytest.approx(0.3)
    two = draw_from(logits, at, SampleOptions(temperature=1.0, top_k=2), [generator]).values
    assert torch.bincount(two[0]).tolist() == pytest.approx([20000 * 2 / 3, 20000 / 3], rel=0.03)
    assert (draw_from(logits, at, SampleOptions(temperature=0.0, top_k=0), [generator]).values == 0).all()


def test_a_row_draws_the_same_beside_any_others():
    options = SampleOptions(strategy="gumbel")
    at = torch.tensor([[True, False, True, True], [False, True, False, True]])
    logits = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    both = draw_from(logits, at, options, generators_of([3, 4]))
    alone = draw_from(logits[3:], at[1:, :], options, generators_of([4]))
    assert torch.equal(both.values[1], alone.values[0])
    assert torch.equal(both.probability[1], alone.probability[0])
    assert (both.values[~at] == 0).all()
    noise = rank(both, options, 0.5, at, generators_of([7, 8]))[1][at[1]]
    assert torch.equal(noise, rank(alone, options, 0.5, at[1:], generators_of([8]))[0][at[1]])


def test_keep_best_counts_per_row():
    score = torch.tensor([[0.1, 0.9, 0.5], [0.2, 0.1, 0.3]])
    open_ = torch.tensor([[True, True, True], [True, False, True]])
    assert keep_best(score, open_, [1, 1]).tolist() == [[False, True, True], [False, False, True]]


def test_guidance_form():
    c, u = torch.tensor([2.0]), torch.tensor([1.0])
    assert [guide(c, u, s).item() for s in (0, 1, 3)] == [1, 2, 4]


def test_a_seed_repeats_and_seeds_differ():
    logits = torch.zeros(1, 8, 16)

    class Uniform:
        def __call__(self, tokens, draw):
            drawn = draw(logits[0], tokens.motion_slots)
            nothing = torch.zeros(tokens.ids.shape)
            return Guess(
                Drawn(tokens.ids, nothing, nothing, nothing),
                drawn,
            )

    tokens = pack([[1]], [torch.zeros(8, 1, dtype=torch.long)], levels=1, motion_known=False)

    def run(seed):
        return list(sample(tokens, Uniform(), SampleOptions(steps=3, seed=seed)))[-1].tokens.codes

    assert torch.equal(run(5), run(5))
    assert not torch.equal(run(5), run(6))


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 0},
        {"temperature": -1},
        {"top_k": -1},
        {"guidance": -1},
        {"strategy": "best"},
        {"schedule": "step"},
        {"pad_factor": 2},
    ],
)
def test_impossible_options_are_refused(bad):
    with pytest.raises(RequestError, match=next(iter(bad)).split("_")[0]):
        SampleOptions(**bad)

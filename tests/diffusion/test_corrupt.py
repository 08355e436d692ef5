"""What training hides, against the rules that the masks follow."""

import numpy as np
import pytest
import torch

from dimo.diffusion.corrupt import choose_places, mask_motion, mask_text, within_spans
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD
from dimo.text.confusions import CONFUSIONS, confusion_ids


def batch(lengths=(12, 5, 9, 1), levels=3, repeat=40):
    torch.manual_seed(1)
    motions = [torch.randint(0, 16, (n, levels)) for n in lengths] * repeat
    return pack([[7, 8, 9]] * len(motions), motions, levels=levels)


def test_masks_fall_on_real_places_and_never_on_none():
    tokens = batch()
    hidden = choose_places(tokens.motion_slots, np.random.default_rng(0), "cosine")
    assert not (hidden & ~tokens.motion_slots).any()
    assert (hidden.sum(1) >= 1).all()


RATIO = {"cosine": lambda u: np.cos(np.pi * u / 2), "linear": lambda u: 1 - u}


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_number_of_masks_follows_the_schedule_over_each_motions_own_length(schedule):
    # Chang et al. 2022, section 3.1: u uniform, the ratio a function of it, the number ratio times the length.
    u = (np.arange(200_000) + 0.5) / 200_000
    tokens = batch(lengths=(1, 2, 5, 12, 40), repeat=800)
    hidden = choose_places(tokens.motion_slots, np.random.default_rng(0), schedule)
    assert not (hidden & ~tokens.motion_slots).any()
    lengths, counts = tokens.motion_slots.sum(1).numpy(), hidden.sum(1).numpy()
    for n in (1, 2, 5, 12, 40):
        want = np.bincount(np.maximum(1, np.round(RATIO[schedule](u) * n)).astype(int), minlength=n + 1) / len(u)
        found = np.bincount(counts[lengths == n], minlength=n + 1) / 800
        assert np.abs(want.cumsum() - found.cumsum()).max() < 0.06  # Kolmogorov-Smirnov, one in 200 is beyond 0.061


def test_masks_fall_on_all_places_alike():
    tokens = batch(lengths=(12,), repeat=3000)
    share = choose_places(tokens.motion_slots, np.random.default_rng(0), "linear").float().mean(0)
    assert (share - share.mean()).abs().max() < 0.04


def test_spans_are_one_stretch_and_leave_something_known():
    tokens = batch()
    spans = within_spans(tokens.motion_slots, np.random.default_rng(0), 1.0).numpy()
    lengths = tokens.motion_slots.sum(1).tolist()
    kinds = set()
    for row, n in zip(spans, lengths, strict=True):
        if n == 1:
            assert row.sum() == 1
            continue
        at = np.flatnonzero(row)
        assert 1 <= len(at) < n
        assert at[-1] - at[0] + 1 == len(at)
        assert at[-1] < n
        kinds.add((at[0] == 0, at[-1] == n - 1))
    assert kinds == {(True, False), (False, True), (False, False)}
    assert torch.equal(within_spans(tokens.motion_slots, np.random.default_rng(0), 0.0), tokens.motion_slots)


def test_outside_of_a_span_everything_stays_known_and_true():
    tokens = batch(lengths=(12,), repeat=60)
    masked, places = mask_motion(tokens, np.random.default_rng(3), spans=1.0, partial=0.5, wrong=0.5, codes=16)
    changed = (masked.known_levels < 3) | (masked.codes != tokens.codes).any(-1) | places
    for row in changed.numpy():
        at = np.flatnonzero(row)
        assert at[0] > 0 or at[-1] < 11  # one side at least is whole
    assert (masked.known_levels[places & (masked.codes == tokens.codes).all(-1)] == 0).all()


def test_half_known_stacks_keep_their_lower_levels():
    tokens = batch(lengths=(12,), repeat=60)
    masked, places = mask_motion(tokens, np.random.default_rng(0), partial=1.0, wrong=0.0)
    seen = masked.known_levels[~places]
    assert set(seen.tolist()) == {1, 2, 3}
    assert torch.equal(masked.codes, tokens.codes)


def test_wrong_words_are_supervised_and_come_from_the_confusions():
    tokens = pack([[7, 8, 9, 30]] * 400, [torch.zeros(1, 1, dtype=torch.long)] * 400, levels=1, text_slots=6)
    masked, places = mask_text(
        tokens, np.random.default_rng(0), wrong=0.2, words=np.array([50, 51]), confusions={7: (8, 9)}
    )
    false = masked.ids != tokens.ids
    assert (places & false).sum() == false.sum()
    assert not false[tokens.ids == PAD].any()
    assert masked.known_text[false].all()
    first, second = masked.ids[:, 0][false[:, 0]], masked.ids[:, 1][false[:, 1]]
    assert set(first.tolist()) == {8, 9, 50, 51}
    assert set(second.tolist()) == {50, 51}
    share = false[:, 1].sum() / masked.known_text[:, 1].sum()
    assert share == pytest.approx(0.2, abs=0.08)
    assert false[:, 0].sum() > 1.4 * false[:, 1].sum()  # words that have an opposite are exchanged twice as often


def test_beginnings_show_what_stands_before_a_place_and_learn_that_place_alone():
    # Word counts 4, 1 and as many as there are places: the first two may end, at their first [PAD], the last one cannot.
    texts = [[7, 8, 9, 30], [7], [7, 8, 9, 30, 31, 32]] * 400
    tokens = pack(texts, [torch.zeros(1, 1, dtype=torch.long)] * 1200, levels=1, text_slots=6)
    masked, places = mask_text(tokens, np.random.default_rng(0), beginnings=1.0)
    assert torch.equal(masked.ids, tokens.ids)
    assert places.sum(1).tolist() == [1] * 1200
    at = places.int().argmax(1)
    assert torch.equal(masked.known_text, torch.arange(6) < at[:, None])
    for text, choices in enumerate((5, 2, 6)):
        counts = torch.bincount(at[text::3], minlength=6)[:choices]
        assert counts.sum() == 400
        assert counts.min() > 400 / choices * 0.7
    masked, places = mask_text(
        tokens, np.random.default_rng(0), beginnings=1.0, wrong=0.3, words=np.array([50, 51]), confusions={}
    )
    false = masked.ids != tokens.ids
    assert false.any()
    assert masked.known_text[false].all()
    assert (places.sum(1) == 1 + false.sum(1)).all()


def test_beginnings_come_in_their_share():
    tokens = pack([[7, 8, 9, 30]] * 1000, [torch.zeros(1, 1, dtype=torch.long)] * 1000, levels=1, text_slots=6)
    for share in (0.0, 0.3):
        masked, places = mask_text(tokens, np.random.default_rng(0), beginnings=share)
        more = (~masked.known_text & ~places).any(1)  # hidden and not learnt: so are beginnings alone
        assert more.float().mean() == pytest.approx(share, abs=0.05)
        assert torch.equal(~masked.known_text & ~more[:, None], places & ~more[:, None])


def test_without_wrong_words_text_is_only_hidden():
    tokens = batch()
    masked, places = mask_text(tokens, np.random.default_rng(0))
    assert torch.equal(masked.ids, tokens.ids)
    assert torch.equal(masked.known_text, tokens.known_text & ~places)


def test_confusions_are_mutual_and_never_the_word_itself():
    vocabulary = {w: i for i, w in enumerate(dict.fromkeys(w for row in CONFUSIONS for w in row if w != "twice"))}
    found = confusion_ids(vocabulary)
    for i, others in found.items():
        assert i not in others
        assert all(i in found[j] for j in others)
    assert vocabulary["once"] not in found  # its only opposite is not in this vocabulary

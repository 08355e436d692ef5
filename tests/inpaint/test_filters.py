"""What is done to logits of words before one is drawn."""

import torch

from dimo.inpaint.filters import SOONER, as_captions_go_on, ends_sooner, no_phrase_twice
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD
from dimo.text.phrases import Phrases

VOCABULARY = 40


def at_the_end(texts, slots=9):
    """Tokens of texts with open places behind them, and the first open place of each."""
    tokens = pack(
        [[]] * len(texts),
        [torch.zeros(2, 1, dtype=torch.long)] * len(texts),
        levels=1,
        text_known=False,
        text_slots=slots,
    )
    first = int(tokens.text_slots[0].int().argmax())
    at = torch.zeros_like(tokens.text_slots)
    for row, text in enumerate(texts):
        tokens.ids[row, first : first + len(text)] = torch.tensor(text)
        tokens.known_text[row, first : first + len(text)] = True
        at[row, first + len(text)] = True
    return tokens, at


def allowed(logits):
    return [row.isfinite().nonzero()[:, 0].tolist() for row in logits]


def test_three_pieces_are_not_said_twice():
    tokens, at = at_the_end([[1, 2, 3, 1, 2], [1, 2, 3, 2], [1, 2, 1, 2, 1, 2]])
    left = allowed(no_phrase_twice(torch.zeros(3, 5), at, tokens))
    assert left == [[0, 1, 2, 4], [0, 1, 2, 3, 4], [0, 2, 3, 4]]


def test_a_caption_goes_on_as_one_did_and_anyhow_where_that_is_forbidden():
    keep = as_captions_go_on(Phrases.of([(1, 2, 3), (1, 2, 4), (1, 2, 3, 5)]))
    tokens, at = at_the_end([[1, 2], [1, 2, 3], [9, 9, 9], []])
    logits = torch.arange(VOCABULARY).float().repeat(4, 1)
    kept = keep(logits.clone(), at, tokens)
    probability = kept.softmax(-1)
    assert [p.nonzero()[:, 0].tolist() for p in probability[:2]] == [[3, 4], [PAD, 5]]
    assert torch.equal(kept[2], logits[2])  # nobody said how that goes on
    assert probability[3].argmax() == 1
    kept[0, [3, 4]] = -torch.inf
    assert kept[0].argmax() == VOCABULARY - 1


def test_an_end_is_as_much_readier_as_it_is_said_to_be():
    tokens, at = at_the_end([[1, 2], [3]])
    before = torch.randn(2, VOCABULARY, generator=torch.Generator().manual_seed(1))
    after = ends_sooner(before.clone(), at, tokens)
    others = torch.arange(VOCABULARY) != PAD
    assert torch.allclose((after - before)[:, PAD], torch.tensor(SOONER))
    assert torch.equal(after[:, others], before[:, others])


def test_what_is_not_known_yet_rules_nothing_out():
    keep = as_captions_go_on(Phrases.of([(1, 2, 3)]))
    tokens, at = at_the_end([[1, 2]])
    tokens.known_text[0, tokens.text_slots[0].int().argmax()] = False
    assert torch.equal(keep(torch.zeros(1, VOCABULARY), at, tokens), torch.zeros(1, VOCABULARY))

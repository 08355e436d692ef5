"""Caption metrics against hand-computed cases and the COCO caption evaluation."""

import math
from itertools import product

import numpy as np
import pytest

from dimo.errors import RequestError
from dimo.metrics import caption_scores as tm

SENTENCES = [
    "a person walks forward and then turns to the left",
    "the person walks forward slowly",
    "a man waves with the right hand",
    "someone waves the right hand twice",
    "a person jumps",
    "a person jumps up and down and up and down and up",
    "walks",
    "the the the the the the the",
    "a figure bends down to pick something up from the floor with both hands",
]


def split(*texts):
    return [t.split() for t in texts]


def corpus(seed, size=12):
    rng = np.random.default_rng(seed)
    guesses = [SENTENCES[i].split() for i in rng.integers(len(SENTENCES), size=size)]
    references = [
        [SENTENCES[i].split() for i in rng.integers(len(SENTENCES), size=rng.integers(1, 5))] for _ in range(size)
    ]
    return guesses, references


def coco(scorer, guesses, references):
    """The number of a pycocoevalcap class."""
    module = pytest.importorskip(f"pycocoevalcap.{scorer.lower()}.{scorer.lower()}")
    theirs = {i: [" ".join(r) for r in group] for i, group in enumerate(references)}
    mine = {i: [" ".join(g)] for i, g in enumerate(guesses)}
    made = getattr(module, scorer)()
    if scorer == "Bleu":
        return made.compute_score(theirs, mine, verbose=0)[0]
    return made.compute_score(theirs, mine)[0]


# ---- the COCO code as oracle


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_the_coco_evaluation(seed):
    guesses, references = corpus(seed)
    np.testing.assert_allclose(tm.bleu(guesses, references), coco("Bleu", guesses, references), rtol=1e-9)
    assert tm.rouge_l(guesses, references) == pytest.approx(coco("Rouge", guesses, references), rel=1e-12)
    assert tm.cider(guesses, references) == pytest.approx(coco("Cider", guesses, references), rel=1e-9)


def test_equal_to_the_coco_evaluation_on_words_at_random():
    rng = np.random.default_rng(7)

    def draw():
        return [f"w{i}" for i in rng.zipf(1.5, size=rng.integers(1, 12)) % 9]

    guesses, references = [draw() for _ in range(60)], [[draw(), draw(), draw()] for _ in range(60)]
    np.testing.assert_allclose(tm.bleu(guesses, references), coco("Bleu", guesses, references), rtol=1e-9)
    assert tm.rouge_l(guesses, references) == pytest.approx(coco("Rouge", guesses, references), rel=1e-12)
    assert tm.cider(guesses, references) == pytest.approx(coco("Cider", guesses, references), rel=1e-9)


# ---- by hand


def test_bleu_clips_counts():
    # Papineni et al. 2002, section 2.1: "the" occurs at most twice in a reference, so 2 of 7.
    guess = split("the the the the the the the")
    references = [split("the cat is on the mat", "there is a cat on the mat")]
    assert tm.bleu(guess, references)[0] == pytest.approx(2 / 7, rel=1e-6)


def test_bleu_by_hand():
    # 1-grams 3/4, 2-grams 2/3 (a b, b c), 3-grams 1/2, 4-grams 0; equal lengths.
    scores = tm.bleu(split("a b c x"), [split("a b c d")])
    assert scores[0] == pytest.approx(3 / 4, rel=1e-6)
    assert scores[1] == pytest.approx(math.sqrt(3 / 4 * 2 / 3), rel=1e-6)
    assert scores[2] == pytest.approx((3 / 4 * 2 / 3 * 1 / 2) ** (1 / 3), rel=1e-6)
    assert scores[3] < 1e-3


def test_bleu_brevity():
    # c = 2, nearest references 4: exp(1 - 4/2); with references of 1 and 3 words the shorter of the equally near counts.
    assert tm.bleu(split("a b"), [split("a b c d")])[1] == pytest.approx(math.exp(-1), rel=1e-6)
    assert tm.bleu(split("a b"), [split("a", "a b c")])[0] == pytest.approx(1, rel=1e-6)


def naive_common(a, b):
    best = 0
    for keep in product([0, 1], repeat=len(a)):
        part = [w for w, k in zip(a, keep, strict=True) if k]
        rest = iter(b)
        if all(w in rest for w in part):
            best = max(best, len(part))
    return best


def test_longest_common_subsequence_equals_the_naive_one():
    rng = np.random.default_rng(3)
    for _ in range(30):
        a, b = ([str(x) for x in rng.integers(0, 4, rng.integers(0, 8))] for _ in range(2))
        assert tm.longest_common(a, b) == naive_common(a, b)


def test_rouge_by_hand():
    # Common "a c d" of 4 and 5 words: P 3/4, R 3/5.
    p, r, w = 3 / 4, 3 / 5, 1.44
    assert tm.rouge_l(split("a x c d"), [split("a b c e d")]) == pytest.approx((1 + w) * p * r / (r + w * p))
    assert tm.rouge_l(split("x y"), [split("a b")]) == 0
    assert tm.rouge_l([[]], [split("a b")]) == 0


def test_cider_by_hand():
    # Two clips, no word in common: every n-gram has idf log 2, so an exact copy of 4 words has cosine 1 for n = 1..4.
    references = [split("a b c d"), split("e f g h")]
    assert tm.cider(split("a b c d", "x y z w"), references) == pytest.approx(5)
    # One word of four wrong: cosines 3/4, 2/3 , 1/2, 0.
    guesses = split("a b c x", "e f g h")
    assert tm.cider(guesses, references) == pytest.approx(5 * (1 + (3 / 4 + 2 / 3 + 1 / 2) / 4))
    # Words that every clip's references hold have no weight, and a corpus of one clip holds only such.
    assert tm.cider(split("a b c d"), [split("a b c d")]) == 0
    # Length: 4 more words, all unknown: penalty exp(-16 / 72) and the guess's norm grown.
    want = math.exp(-16 / 72) * np.mean([math.sqrt(k / (k + 4)) for k in (4, 3, 2, 1)])
    assert tm.cider(split("a b c d p q r s", "e f g h"), references) == pytest.approx(5 * (1 + want))


@pytest.mark.parametrize("metric", [tm.bleu, tm.rouge_l, tm.cider])
def test_captions_and_references_must_fit(metric):
    with pytest.raises(RequestError, match="1 captions"):
        metric(split("a"), [])
    with pytest.raises(RequestError, match="clip 1"):
        metric(split("a", "b"), [split("a"), []])
    with pytest.raises(RequestError):
        metric([], [])


# ---- the two protocols


def test_raw_and_lemmatised_forms():
    text = "The person's left-handed man WALKS, waving 2 hands; he left."
    assert tm.raw(text) == "the persons left handed man walks waving 2 hands he left".split()
    assert tm.lemmatised("a man walks forward, waving both hands") == "a man walk forward wave both hand".split()
    assert tm.lemmatised("A man walks, raises both hands") == ["a", "man", "walk", "raise", "both", "hand"]
    assert tm.lemmatised("a person turns left") == ["a", "person", "turn", "left"]
    assert tm.lemmatised("side-steps 3 times") == tm.lemmatised("sidesteps times")


def test_three_references():
    a, b, c, d = split("a", "b", "c", "d")
    assert tm.three([a]) == [a, a, a]
    assert tm.three([a, b]) == [a, b, a]
    assert tm.three([a, b, c, d]) == [a, b, c]
    with pytest.raises(RequestError):
        tm.three([])


def test_the_protocol_changes_the_score_and_is_named():
    guesses = ["a person turns left", "the man walks"]
    references = [["a person turn left"], ["the man walk"]]
    raw, base = (tm.score_captions(guesses, references, p) for p in ("raw", "lemmatised"))
    assert base.bleu[0] == pytest.approx(1, rel=1e-6)
    assert raw.bleu[0] < 0.8
    assert "raw" in raw.protocol
    assert "lemmatised" in base.protocol
    assert "three" in base.protocol
    with pytest.raises(RequestError, match="raw, lemmatised"):
        tm.score_captions(guesses, references, "other")  # type: ignore[arg-type]


# ---- BERTScore


def letters(texts):
    """An encoder of one axis a word's first letter: cosine 1 for words that begin alike, else 0."""
    return [np.eye(26)[[ord(w[0]) - 97 for w in t.split()]].reshape(-1, 26) for t in texts]


def test_bert_score_by_hand():
    # Guess "a b c": a and b are matched (P 2/3); reference "a b": both matched (R 1).
    found = tm.bert_score(["a b c"], [["a b"]], letters, "letters")
    assert (found.precision, found.recall, found.f1) == (pytest.approx(2 / 3), pytest.approx(1), pytest.approx(0.8))
    assert "not comparable" in found.encoder
    assert "letters" in found.encoder


def test_bert_score_takes_the_best_reference_and_any_length_of_state():
    found = tm.bert_score(["a b", "z"], [["c d", "bob ann"], ["z"]], lambda t: [3 * s for s in letters(t)], "x")
    assert found.f1 == pytest.approx(1)
    assert tm.bert_score([""], [["a"]], letters, "x").f1 == 0
    assert tm.bert_score(["b"], [["a"]], letters, "x").f1 == 0

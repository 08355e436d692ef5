"""Batches: nominal shares, little padding, and nothing that depends on where in a batch a clip stands."""

import numpy as np
import pytest
import torch

from dimo.errors import RequestError
from dimo.learn.batches import CELLS, STRIDE, Example, ModelData


def collection(seed: int = 0, count: int = 3000) -> ModelData:
    """Clips of 2 to 49 steps, short ones many and long ones few, with weights that have nothing to do with the length."""
    generator = np.random.default_rng(seed)
    lengths = np.clip(generator.gamma(3.0, 7.0, count).astype(int) + 2, 2, 49)
    weights = generator.choice([1.0, 3.0, 0.2], count)
    captions = [
        tuple(tuple(range(5, 5 + n)) for n in generator.integers(3, 31, generator.integers(1, 4))) for _ in range(count)
    ]
    return ModelData(
        [Example(torch.zeros(n, 1, dtype=torch.long), c, w) for n, c, w in zip(lengths, captions, weights, strict=True)]
    )


def shares(data: ModelData, drawn: np.ndarray, edges: list[int]) -> np.ndarray:
    """Drawn over nominal share of the clips of edges[i] to edges[i + 1] - 1 steps."""
    found = np.histogram(drawn, edges)[0] / len(drawn)
    return found / np.histogram(data.lengths, edges, weights=data.share)[0]


@pytest.mark.parametrize("text_varies", [True, False])
def test_clips_of_any_length_keep_their_share_over_ten_thousand_draws(text_varies):
    data, generator = collection(), np.random.default_rng(1)
    size, drawn = 24, []
    while len(drawn) * size < 10_000:
        _, codes = data.batch(size, generator, len(drawn), text_varies=text_varies)
        drawn.append([len(c) for c in codes])
    found = shares(data, np.concatenate(drawn), [2, 9, 13, 17, 21, 25, 30, 36, 50])
    np.testing.assert_allclose(found, 1, atol=0.1)


def test_every_single_length_keeps_its_share_over_ten_thousand_batches():
    data, generator = collection(), np.random.default_rng(2)
    drawn = np.concatenate([[len(c) for c in data.batch(12, generator, turn)[1]] for turn in range(10_000)])
    nominal = np.bincount(data.lengths, data.share, 50)
    common = [n for n in range(2, 50) if nominal[n] > 0.004]
    assert {2, 40} & set(common)
    assert len(common) > 35
    found = np.bincount(drawn, minlength=50)[common] / len(drawn) / nominal[common]
    np.testing.assert_allclose(found, 1, atol=0.1)


def test_captions_of_any_length_keep_their_share():
    data, generator = collection(), np.random.default_rng(3)
    nominal = np.zeros(31)
    for example, share in zip(data.examples, data.share, strict=True):
        for caption in example.captions:
            nominal[len(caption)] += share / len(example.captions)
    drawn = np.concatenate([[len(t) for t in data.batch(12, generator, turn)[0]] for turn in range(6000)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=31)[3:] / len(drawn) / nominal[3:], 1, atol=0.1)


def padding(rows: list[list[int]]) -> float:
    """Share of the places that are padding when each batch is as long as its longest sequence."""
    return 1 - sum(map(sum, rows)) / sum(len(row) * max(row) for row in rows)


def test_batches_hold_little_padding():
    data, generator = collection(), np.random.default_rng(4)
    whole, motion, alone = [], [], []
    for turn in range(4 * CELLS):
        texts, codes = data.batch(24, generator, turn)
        whole.append([len(t) + len(c) for t, c in zip(texts, codes, strict=True)])
        motion.append([len(c) for c in codes])
        alone.append([len(c) for c in data.batch(24, generator, turn, text_varies=False)[1]])
    assert padding(whole) < 0.08  # of clips drawn at random it is 0.42
    assert padding(motion) < 0.3  # and 0.52 of motions
    assert padding(alone) < 0.08


@pytest.mark.parametrize("size", [1, 2, 5, 24])
def test_a_batch_has_its_size_and_pairs_stay_together(size):
    data = ModelData([Example(torch.full((n, 1), n), ((n, n), (n, n, n))) for n in range(1, 50)])
    for turn in range(50):
        texts, codes = data.batch(size, np.random.default_rng(turn), turn)
        assert len(texts) == len(codes) == size
        assert [t[0] for t in texts] == [len(c) for c in codes] == [int(c[0]) for c in codes]


def test_cells_all_have_their_turn_and_rows_come_in_random_order():
    assert len({turn * STRIDE % CELLS for turn in range(CELLS)}) == CELLS
    data, generator = collection(), np.random.default_rng(5)
    texts, codes = [], []
    for turn in range(200):
        texts.append([len(t) for t in data.batch(24, generator, turn)[0]])
        codes.append([len(c) for c in data.batch(24, generator, turn, text_varies=False)[1]])
    for lengths in (np.array(texts), np.array(codes)):
        assert abs((lengths[:, :8] - lengths.mean(1, keepdims=True)).mean()) < 0.2


def test_texts_are_said_in_other_words_in_the_share_that_is_asked_for_and_stay_with_their_motion():
    asked = []

    def reword(text: str, generator: np.random.Generator) -> tuple[int, ...]:
        asked.append(text)
        return (int(text), 999)

    examples = [Example(torch.full((5, 1), n), ((n,), (n + 500,)), texts=(f"{n}", f"{n + 500}")) for n in range(40)]
    data, said = ModelData(examples, reword=reword), 0
    for turn in range(100):
        texts, codes = data.batch(24, np.random.default_rng(turn), turn, reworded=0.3)
        assert [t[0] % 500 for t in texts] == [int(c[0]) for c in codes]
        said += sum(len(t) == 2 for t in texts)
    assert said == len(asked)
    assert abs(said / 2400 - 0.3) < 0.04  # four deviations of 0.0094
    assert any(int(text) >= 500 for text in asked)


def test_nothing_is_drawn_for_rewording_where_it_has_no_share():
    data = collection()
    first, again = (data.batch(9, np.random.default_rng(7), 3, **more) for more in ({}, {"reworded": 0.0}))
    assert first[0] == again[0]
    with pytest.raises(RequestError, match="captions as words"):
        data.batch(9, np.random.default_rng(7), 3, reworded=1.0)


def test_the_same_generator_and_turn_give_the_same_batch():
    data = collection()
    first, again, other = (data.batch(9, np.random.default_rng(7), turn) for turn in (3, 3, 4))
    assert first[0] == again[0]
    assert [len(c) for c in first[1]] == [len(c) for c in again[1]]
    assert first[0] != other[0]


def test_a_motion_and_the_same_begun_later_are_drawn_alike():
    codes = torch.zeros(5, 1, dtype=torch.long)
    data = ModelData([Example(codes, ((5,),), shifted=(codes + 1, codes[:4] + 2)), Example(codes + 3, ((6,),))])
    drawn = np.zeros(4)
    for turn in range(200):
        texts, motions = data.batch(10, np.random.default_rng(turn), turn)
        for text, motion in zip(texts, motions, strict=True):
            drawn[int(motion[0, 0])] += 1
            assert (text == (6,)) == (int(motion[0, 0]) == 3)
    np.testing.assert_allclose(drawn / drawn.sum(), [1 / 6, 1 / 6, 1 / 6, 1 / 2], atol=0.03)

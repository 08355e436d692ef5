"""Motions by what was said of them."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dimo.errors import WeightsError
from dimo.memory.recall import ALIKE, UNLIKE, Recall, sides, stems


def codes(length: int, value: int) -> torch.Tensor:
    return torch.full((length, 3), value)


@pytest.fixture
def recall() -> Recall:
    return Recall.of(
        [codes(4, 1), codes(9, 2), codes(5, 3)],
        [
            ["a person claps their hands", "someone is clapping"],
            ["a man walks forward", "the man walks"],
            ["a woman walks backward and claps"],
        ],
    )


def test_words_are_compared_by_their_stems_and_people_are_not_compared():
    assert stems("A person claps their hands, then he is clapping his hand") == ["clap", "hand"]
    assert stems("someone kicked") == stems("they kick") == ["kick"]
    assert stems("he turns left") != stems("he turns right")
    assert stems("the man") == []


def test_likeness_is_the_cosine_of_weighted_words(recall):
    found = {r.clip: r for r in recall.nearest("somebody walks backward", 9)}
    # Stems: clap and walk are said of two motions of three, hand, forward and backward of one each.
    two, one = math.log(3 / 2) + 0.1, math.log(3) + 0.1
    asked = math.hypot(two, one)
    assert found[2].likeness == pytest.approx(asked**2 / (asked * math.sqrt(2 * two**2 + one**2)))
    assert found[1].likeness == pytest.approx(two**2 / (asked * two))  # "the man walks" is its nearest caption
    assert found[1].caption == "the man walks"
    assert 0 not in found  # nothing is shared
    assert [r.clip for r in recall.nearest("somebody walks backward", 9)] == [2, 1]
    assert recall.nearest("someone claps", 1)[0].likeness == pytest.approx(1.0)


def test_a_word_that_nobody_said_makes_all_captions_less_alike(recall):
    known, unknown = recall.nearest("claps", 1)[0].likeness, recall.nearest("claps majestically", 1)[0].likeness
    assert known == pytest.approx(1.0)
    two, one = math.log(3 / 2) + 0.1, math.log(3) + 0.1
    assert unknown == pytest.approx(two / math.hypot(two, one))
    assert recall.nearest("zxqw", 9) == []


def test_who_does_something_is_not_shown_somebody_to_whom_it_is_done():
    recall = Recall.of([codes(4, 1), codes(5, 2)], [["a person is knocked down"], ["someone knocks on a box"]])
    assert [r.clip for r in recall.nearest("a person knocks on a door", 9)] == [1]
    assert [r.clip for r in recall.nearest("a person gets knocked down", 9)] == [0]


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_longer_motion_votes_from_its_beginning_or_with_its_end():
    long = torch.arange(9)[:, None].expand(-1, 3)
    recall = Recall.of([long, codes(3, 15)], [["a man walks"], ["he claps"]])
    open_ = torch.zeros(12, dtype=torch.bool)
    open_[2:10] = True
    rows = {tuple(recall.votes("someone walks", open_, draw(seed)).codes[0, :, 0].tolist()) for seed in range(20)}
    out = (-1, -1)
    assert rows == {(*out, *range(8), *out), (*out, *range(1, 9), *out)}
    near = recall.votes("someone walks", open_, draw(0))
    assert near.share == pytest.approx((8 / 9 - UNLIKE) / (ALIKE - UNLIKE))  # so much of it is shown
    assert torch.equal(near.ours, open_)
    assert recall.votes("someone walks", open_[:6], draw(0)) is None  # 4 / 9 of it says little of the sentence


def test_a_shorter_motion_votes_anywhere_in_the_stretch(recall):
    open_ = torch.ones(6, dtype=torch.bool)
    rows = {tuple(recall.votes("someone claps", open_, draw(seed)).codes[0, :, 0].tolist()) for seed in range(60)}
    assert rows == {(1,) * 4 + (-1,) * 2, (-1,) + (1,) * 4 + (-1,), (-1,) * 2 + (1,) * 4}


def test_those_that_are_as_like_have_their_turns():
    recall = Recall.of(
        [codes(4, 1), codes(4, 2), codes(4, 3)], [["a person claps"], ["he claps"], ["she claps and spins, kicks"]]
    )
    drawn = [
        int(recall.votes("someone claps", torch.ones(4, dtype=torch.bool), draw(i)).codes[0, 0, 0]) for i in range(400)
    ]
    counts = np.bincount(drawn, minlength=4)
    assert counts[3] == 0  # far less like than the others
    assert abs(counts[1] - 200) < 50


def test_the_less_alike_the_less_is_its_say_and_nothing_below_a_bound(recall):
    open_ = torch.ones(5, dtype=torch.bool)
    (first, *_) = recall.nearest("walks and claps", 5)
    assert UNLIKE < first.likeness < ALIKE
    near = recall.votes("walks and claps", open_, draw(0))
    assert near is not None
    assert near.share == pytest.approx((first.likeness - UNLIKE) / (ALIKE - UNLIKE))
    assert recall.nearest("claps majestically", 1)[0].likeness <= UNLIKE
    assert recall.votes("claps majestically", open_, draw(0)) is None
    assert recall.votes("zxqw", open_, draw(0)) is None


def test_a_file_gives_the_same_answers(recall, tmp_path):
    save_file(recall.state(), tmp_path / "recall.safetensors")
    again = Recall.from_file(tmp_path / "recall.safetensors", 3, 16)
    for text in ("someone claps", "walks backward", "zxqw"):
        assert again.nearest(text, 9) == recall.nearest(text, 9)
    assert torch.equal(again.codes, recall.codes)
    assert again.captions == recall.captions


@pytest.mark.parametrize(
    "change",
    [
        {"codes": torch.full((18, 3), 16, dtype=torch.int16)},
        {"codes": torch.zeros(18, 2, dtype=torch.int16)},
        {"lengths": torch.tensor([4, 9, 4], dtype=torch.int32)},
        {"counts": torch.tensor([2, 2, 2], dtype=torch.int32)},
        {"words": torch.full((13,), 99, dtype=torch.int32)},
        {"vocabulary": None},
    ],
)
def test_a_file_that_is_not_whole_is_refused(recall, tmp_path, change):
    state = {k: v for k, v in {**recall.state(), **change}.items() if v is not None}
    save_file(state, tmp_path / "recall.safetensors")
    with pytest.raises(WeightsError, match=r"recall\.safetensors"):
        Recall.from_file(tmp_path / "recall.safetensors", 3, 16)


def test_nothing_is_like_a_sentence_where_captions_are_empty():
    empty = Recall.of([codes(3, 0)], [["the man"]])
    assert empty.nearest("walks", 9) == []
    assert np.isfinite([r.likeness for r in empty.nearest("the man", 9)]).all()


def test_a_sentence_that_names_a_side_asks_only_motions_of_that_side():
    recall = Recall.of(
        [codes(4, 1), codes(4, 2), codes(4, 3), codes(4, 4)],
        [
            ["a person kicks with the right leg"],
            ["a person kicks with the left leg"],
            ["a person kicks with the leg"],
            ["a person kicks with the left leg, then the right leg"],
        ],
    )
    open_ = torch.ones(4, dtype=torch.bool)

    def asked(text: str) -> set[int]:
        found = (recall.votes(text, open_, draw(seed)) for seed in range(30))
        return {int(near.codes[0, 0, 0]) for near in found if near is not None}

    assert asked("someone kicks with the left leg") == {2}
    assert asked("someone kicks with the right leg") == {1}
    assert asked("someone kicks with the leg") == {3}  # what is most like it
    assert asked("someone kicks with the left leg, then the right leg") == {4}


def test_sides_are_words_of_their_own():
    assert sides("Turns left and looks RIGHTWARDS") == {"left", "right"}
    assert sides("a bright, leftover light") == frozenset()

"""Captions by what they mean: sentences in words that no caption has."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.memory.meaning import Meanings, phrase
from dimo.memory.recall import ALIKE, ALIKE_MEANT, UNLIKE, UNLIKE_MEANT, Recall
from dimo.model.sentence import SentenceEncoder


class Encoder:
    """Vectors of sentences that were agreed on: as many degrees on a circle as the table says."""

    def __init__(self, **degrees: float):
        self.degrees, self.asked = {k.replace("_", " "): v for k, v in degrees.items()}, []

    def embed(self, texts):
        self.asked += texts
        angles = np.deg2rad([self.degrees[text] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def codes(value: int) -> torch.Tensor:
    return torch.full((4, 3), value)


def test_who_moves_has_one_word():
    captions = ["the man walks", "someone walks", "this person walks", "a figure walks", "he walks", "person walks"]
    assert {phrase(c) for c in captions} == {"a person walks"}
    assert phrase("a manly person walks") == "a manly person walks"
    assert phrase("walks like a person") == "walks like a person"


def test_likeness_is_the_cosine_and_each_phrase_is_embedded_once():
    encoder = Encoder(a_person_walks=0, a_person_claps=90, a_person_strolls=60)
    meanings = Meanings.of(["someone walks", "a man claps", "the person walks"], encoder)
    assert encoder.asked == ["a person walks", "a person claps"]
    found = meanings.likeness("a person strolls")
    np.testing.assert_allclose(found, [0.5, np.sqrt(3) / 2, 0.5], atol=0.01)  # vectors are kept as 8 bits
    assert meanings.likeness("a person strolls") is found  # remembered
    assert encoder.asked[2:] == ["a person strolls"]


SAID = [["a person walks", "the man walks"], ["a person claps"], ["a person kicks with the left leg"]]


def recall(**degrees: float) -> tuple[Recall, Encoder]:
    known = {"a_person_walks": 0, "a_person_claps": 90, "a_person_kicks_with_the_left_leg": 180}
    encoder = Encoder(**known, **degrees)
    return Recall.of([codes(1), codes(2), codes(3)], SAID, encoder), encoder


def test_a_familiar_sentence_is_compared_by_its_words_alone():
    found, encoder = recall()
    asked = len(encoder.asked)
    assert found.nearest("someone claps", 1)[0].likeness == pytest.approx(1.0)
    assert found.meant("someone claps") == "someone claps"
    assert len(encoder.asked) == asked


def test_a_sentence_in_other_words_is_taken_as_the_caption_that_means_the_same():
    found, _ = recall(a_person_claps_to_the_band=80, a_person_claps_to_the_king=200)
    # By words both are 0.71 like it; by meaning 0.98 and -0.34.
    assert found.meant("a man claps to the band") == "a person claps"
    assert found.meant("a man claps to the king") == "a man claps to the king"


def test_half_of_the_likeness_is_by_words_and_half_by_meaning():
    found, _ = recall(a_person_claps_loudly=60)
    by_words = Recall.of([codes(1), codes(2), codes(3)], SAID).nearest("a person claps loudly", 1)[0].likeness
    mixed = (by_words + np.cos(np.deg2rad(30))) / 2
    share = (mixed - UNLIKE_MEANT) / (ALIKE_MEANT - UNLIKE_MEANT)
    (near, *_) = found.nearest("a person claps loudly", 3)
    assert near.caption == "a person claps"
    assert near.likeness == pytest.approx(UNLIKE + share * (ALIKE - UNLIKE), abs=0.01)


def test_captions_in_which_something_else_is_done_are_less_alike():
    found, _ = recall(a_person_claps_in_a_walk=40, a_person_dozes_in_a_walk=40)
    # By words both captions are as like; by meaning the one that walks is nearer, but nobody claps in it.
    assert [one.caption for one in found.nearest("a person claps in a walk", 2)] == ["a person claps", "a person walks"]
    assert found.nearest("a person dozes in a walk", 1)[0].caption == "a person walks"  # no caption says dozes


def test_a_side_is_never_another():
    found, _ = recall(a_person_kicks_hard_with_the_right_leg=180, a_person_kicks_hard_with_the_left_leg=180)
    assert found.meant("a person kicks hard with the left leg") in (SAID[2][0], "a person kicks hard with the left leg")
    assert found.meant("a person kicks hard with the right leg") == "a person kicks hard with the right leg"


def test_a_file_gives_the_same_answers(tmp_path):
    found, encoder = recall(a_person_claps_to_the_band=80)
    path = tmp_path / "recall.safetensors"
    save_file(found.state(), path)
    again = Recall.from_file(path, 3, 16, lambda: encoder)
    assert again.meant("a man claps to the band") == "a person claps"
    assert again.nearest("a man claps to the band", 3) == found.nearest("a man claps to the band", 3)
    plain = Recall.from_file(path, 3, 16)  # nobody has the encoder
    assert plain.meant("a man claps to the band") == "a man claps to the band"
    (near,) = plain.nearest("a man claps to the band", 3)
    assert near.likeness == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(
    "change",
    [
        {"phrases": None},
        {"phrases": torch.tensor([0, 0, 1], dtype=torch.int32)},
        {"phrases": torch.tensor([0, 0, 1, 3], dtype=torch.int32)},
        {"phrase_vectors": torch.zeros(3, 2)},
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, change):
    state = {k: v for k, v in {**recall()[0].state(), **change}.items() if v is not None}
    save_file(state, tmp_path / "recall.safetensors")
    with pytest.raises(WeightsError, match=r"recall\.safetensors"):
        Recall.from_file(tmp_path / "recall.safetensors", 3, 16)


def test_the_encoder_that_ships_knows_that_strolling_is_walking():
    encoder = SentenceEncoder.of_weights(checkpoint.shipped_folder())
    assert encoder is not None
    meanings = Meanings.of(["someone walks ahead", "a man drinks water", "the person sits down"], encoder)
    assert int(np.argmax(meanings.likeness("she strolls onward"))) == 0
    assert int(np.argmax(meanings.likeness("he sips from a bottle"))) == 1
    assert int(np.argmax(meanings.likeness("he takes a seat"))) == 2

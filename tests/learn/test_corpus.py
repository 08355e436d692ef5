from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dimo.codec.codec import Codec, CodecConfig
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.errors import RequestError
from dimo.learn import corpus
from dimo.learn.batches import Example, ModelData
from dimo.learn.captioned import CaptionedClips, CaptionedOptions
from dimo.learn.draws import draw_weights
from dimo.learn.recipe import DataOptions
from dimo.text.wordpiece import Wordpiece


def clip(name: str, frames: int, label: str = "walk", composite: bool = False) -> Clip:
    rng = np.random.default_rng(len(name) + frames)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05] + rng.normal(0, 0.05, (22, 3))
    joints = rest + np.arange(frames)[:, None, None] * [0, 0, 0.02]
    return Clip(name, joints.astype(np.float32), 20.0, (Caption("a walk"),), "train", label=label, composite=composite)


@pytest.fixture
def codec() -> Codec:
    torch.manual_seed(0)
    made = Codec(CodecConfig(width=16, dim=8, levels=2, codes=16))
    torch.nn.init.normal_(made.quantizer.codebooks)
    return made


def test_cached_codes_are_those_of_the_codec_and_serve_a_second_run(codec, tmp_path, monkeypatch):
    clips, cache = [clip("a", 30), clip("bb", 41)], tmp_path / "out" / "codes.safetensors"
    plain = corpus.code_clips(codec, clips, 9)
    assert [c.shape for c in plain] == [(8, 2), (9, 2)]
    first = corpus.code_clips(codec, clips, 9, cache)
    monkeypatch.setattr(corpus, "feature_clips", lambda found: pytest.fail("the cache was not used"))
    second = corpus.code_clips(codec, clips, 9, cache)
    for a, b, c in zip(plain, first, second, strict=True):
        assert torch.equal(a, b.long())
        assert torch.equal(a, c.long())
        assert b.dtype == c.dtype == torch.int16


def test_a_cache_of_other_clips_or_another_codec_is_not_used(codec, tmp_path):
    cache = tmp_path / "codes.safetensors"
    clips = [clip("a", 30), clip("bb", 41)]
    corpus.code_clips(codec, clips, 9, cache)
    assert len(corpus.code_clips(codec, clips[:1], 9, cache)) == 1
    before = corpus.code_clips(codec, clips, 9, cache)
    codec.quantizer.codebooks.copy_(codec.quantizer.codebooks.flip(1))
    after = corpus.code_clips(codec, clips, 9, cache)
    assert all(torch.equal(15 - a[:, 0], b[:, 0]) for a, b in zip(before, after, strict=True))


def resident(path: Path) -> tuple[int, int]:
    """Of a file that this process has mapped: bytes in memory, and bytes of them that are its own and nobody else's."""
    rows: dict[str, int] = {}
    here = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()
        if "-" in head[0] and not head[0].endswith(":"):
            here = line.endswith(str(path))
        elif here and head[0] in ("Rss:", "Anonymous:"):
            rows[head[0]] = rows.get(head[0], 0) + 1024 * int(head[1])
    return rows["Rss:"], rows["Anonymous:"]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="asks Linux what is in memory")
def test_of_a_cache_only_the_clips_that_are_drawn_are_read(tmp_path):
    cache, each = tmp_path / "codes.safetensors", 100_000
    flat = torch.arange(100 * each, dtype=torch.int32).remainder(512).to(torch.int16).view(-1, 2)
    # As caches always were: codes one after the other, and how long each clip is.
    save_file({"codes": flat, "lengths": torch.full((100,), each // 2)}, cache, metadata={"key": "k"})
    found = corpus._mapped(cache, "k")
    assert found is not None
    assert corpus._mapped(cache, "another") is None
    data = ModelData([Example(codes, ((5,),), weight=float(i == 70)) for i, codes in enumerate(found)])
    before, _ = resident(cache)
    _, motions = data.batch(3, np.random.default_rng(0), 0)
    after, own = resident(cache)
    assert before < 2 * each  # of 100 times as much; one clip takes 2 * each bytes
    assert 2 * each <= after < 25 * 2 * each  # the clip that all three are, in pages of up to 2 MB
    assert own == 0  # pages of the file, which other processes share
    want = (torch.arange(70 * each, 71 * each) % 512).view(-1, 2)
    assert all(torch.equal(m, want) for m in motions)
    assert motions[0].dtype == torch.long


def test_motion_is_left_out_where_the_codes_are_known(codec, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    made = [clip("a", 30), clip("bb", 41)]
    shards.write(tmp_path / "train.parquet", made)
    options = DataOptions(shifts=True)
    read = lambda **more: corpus.coded(codec, tmp_path, "train", options, 9, tmp_path / "out", **more)  # noqa: E731
    lights, clips = [], corpus.clips
    monkeypatch.setattr(
        corpus, "clips", lambda *given, light=False: [lights.append(light), clips(*given, light=light)][1]
    )
    first = read()
    with monkeypatch.context() as patch:
        patch.setattr(corpus, "feature_clips", lambda found: pytest.fail("the cache was not used"))
        again, whole = read(), read(motion=True)
    want = [codec.encode(torch.from_numpy(f)[None])[0, :9] for f in corpus.feature_clips(made)]
    for found in (first, again, whole):
        assert all(torch.equal(a.long(), b) for a, b in zip(found.codes, want, strict=True))
        assert [len(s) for s in found.shifted] == [3, 3]
        assert [len(c.joints) for c in found.clips] == [30, 41]
        np.testing.assert_array_equal(draw_weights(found.clips, options), draw_weights(made, options))
    assert lights == [False, True, False]
    for found in (first, again):
        assert all(c.joints.strides[0] == 0 for c in found.clips)  # one frame in memory
    for c, d in zip(whole.clips, made, strict=True):
        np.testing.assert_array_equal(c.joints, d.joints)
    # Half a cache is none; other clips are other codes.
    path = tmp_path / "out" / "codes-train.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert all(torch.equal(a.long(), b) for a, b in zip(read().codes, want, strict=True))
    shards.write(tmp_path / "train.parquet", made[1:])
    assert len(read().codes) == 1


def test_codes_at_offsets_are_those_of_the_clip_begun_later(codec):
    clips = [clip("a", 30), clip("bb", 41)]
    sequences, origins, offsets = corpus.codes_at_offsets(codec, clips)
    assert origins == [0, 0, 0, 0, 1, 1, 1, 1]
    assert offsets == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [len(s) for s in sequences] == [7, 7, 7, 6, 10, 10, 9, 9]  # whole steps of 4 frames of 30 and 41
    features = corpus.feature_clips(clips)[1]
    assert torch.equal(sequences[6], codec.encode(torch.from_numpy(features[2:38])[None])[0])


def test_shifted_codes_are_those_of_plain_clips_begun_later(codec, tmp_path, monkeypatch):
    clips, cache = [clip("a", 30), clip("bb", 41, composite=True), clip("c", 9)], tmp_path / "codes.safetensors"
    shifted = corpus.shifted_codes(codec, clips, 6, cache)
    shifted = [tuple(c.long() for c in s) for s in shifted]
    assert [len(s) for s in shifted] == [3, 0, 1]  # of 9 frames 8 are the fewest that make a clip
    features = corpus.feature_clips(clips)
    for late, codes in enumerate(shifted[0], start=1):
        assert torch.equal(codes, codec.encode(torch.from_numpy(features[0][late:])[None])[0][:6])
    assert torch.equal(shifted[2][0], codec.encode(torch.from_numpy(features[2][1:])[None])[0])
    monkeypatch.setattr(corpus, "feature_clips", lambda found: pytest.fail("the cache was not used"))
    again = corpus.shifted_codes(codec, clips, 6, cache)
    assert all(
        torch.equal(a, b.long()) for old, new in zip(shifted, again, strict=True) for a, b in zip(old, new, strict=True)
    )


def test_sentences_of_the_training_side_are_encoded_as_often_as_written(tmp_path):
    rows = [("a walk", "train"), ("a bow", "test"), ("a walk", "train"), ("runs", "train")]
    lines = [f'{{"text": "{text}", "split": "{split}", "collection": "pack"}}\n' for text, split in rows]
    (tmp_path / "texts.jsonl").write_text("".join(lines))
    wordpiece = Wordpiece.basic()
    walk, runs = (tuple(wordpiece.encode(t)) for t in ("a walk", "runs"))
    assert corpus.sentence_ids(tmp_path, wordpiece) == [walk, walk, runs]
    (tmp_path / "texts.jsonl").write_text("".join(lines) + lines[3].replace("pack", "humanml3d"))
    assert corpus.sentence_ids(tmp_path, wordpiece, ("humanml3d",)) == [runs]


def test_many_clips_are_encoded_in_several_processes_alike(monkeypatch):
    clips = [clip("a", 30), clip("bb", 41)]
    here = corpus.feature_clips(clips)
    monkeypatch.setattr(corpus, "MANY", 1)
    for a, b in zip(here, corpus.feature_clips(clips), strict=True):
        assert np.array_equal(a, b)


def test_labels_are_balanced_and_composites_get_their_share():
    clips = [clip("a", 20, "walk")] * 9 + [clip("b", 20, "bow")] + [clip("c", 20, "x", composite=True)] * 5
    codes = [torch.zeros(5, 2, dtype=torch.long)] * len(clips)
    options = DataOptions(label_exponent=0.5, composite_share=0.4)
    weights = [e.weight for e in corpus.examples(clips, codes, Wordpiece.basic(), 64, options)]
    assert sum(weights) == pytest.approx(1)
    assert sum(weights[10:]) == pytest.approx(0.4)
    assert sum(weights[:9]) / weights[9] == pytest.approx(3)  # 9^0.5 against 1^0.5


def test_evaluators_draw_clips_by_the_same_weights(tmp_path):
    clips = [clip(f"a{i}", 20, "walk") for i in range(4)] + [clip("b", 21, "bow"), clip("c", 22, "x", composite=True)]
    pytest.importorskip("pyarrow")
    shards.write(tmp_path / "train.parquet", clips)
    held = CaptionedClips.read(tmp_path, "train", CaptionedOptions(label_exponent=0.5, composite_share=0.4))
    np.testing.assert_allclose(held.share, [*[0.6 * 0.5 / 3 / 0.5 / 2] * 4, 0.6 / 3, 0.4])


@pytest.mark.parametrize(
    ("source", "admitted"),
    [
        ("CMU", True),
        ("CMU (BVH conversion) + CMU", True),
        ("Bandai-Namco-Research-Motiondataset-2", False),
        ("CMU + Bandai-Namco-Research-Motiondataset-2", False),
        ("Bandai-Namco-Research-Motiondataset-1 + CMU", False),
        ("Cat Prisbrey, CMU", False),
    ],
)
def test_a_composite_is_admitted_only_with_all_its_sources(source, admitted):
    assert corpus.admitted(source, ("CMU",)) == admitted
    assert corpus.admitted(source, ())


def test_written_captions_come_first_and_can_be_drawn_alone():
    captions = (Caption("moves ahead", "derived"), Caption("a walk", "written"))
    found = [replace(clip("a", 20), captions=captions), replace(clip("b", 20), captions=captions[:1])]
    wordpiece = Wordpiece.basic()
    codes = [torch.zeros(5, 2, dtype=torch.long), torch.ones(5, 2, dtype=torch.long)]
    data = ModelData(corpus.examples(found, codes, wordpiece, 16, DataOptions()))
    texts, motions = data.written.batch(8, np.random.default_rng(0), 0)
    assert {tuple(t) for t in texts} == {tuple(wordpiece.encode("a walk"))}
    assert all(torch.equal(m, codes[0]) for m in motions)
    # One batch holds captions of like length; several hold all.
    drawn = {tuple(t) for step in range(24) for t in data.batch(8, np.random.default_rng([0, step]), step)[0]}
    assert drawn == {tuple(wordpiece.encode(c.text)) for c in captions}
    alone = ModelData(data.examples[1:])
    assert alone.written is alone


def test_examples_hold_their_captions_as_words_in_the_order_of_their_ids():
    captions = (Caption("A man Moves ahead", "derived"), Caption("", "derived"), Caption("a man walks", "written"))
    wordpiece, codes = Wordpiece.basic(), [torch.zeros(5, 2, dtype=torch.long)]
    (example,) = corpus.examples([replace(clip("a", 20), captions=captions)], codes, wordpiece, 16, DataOptions())
    assert example.texts == ("a man walks", "a man moves ahead")
    assert example.written == 1
    assert [tuple(wordpiece.encode(t)) for t in example.texts] == list(example.captions)
    said = corpus.rewording(wordpiece, 4)
    found = {said("a man walks", np.random.default_rng(n)) for n in range(20)}
    assert len(found) > 5
    assert max(map(len, found)) == 4


def test_several_folders_are_as_one_or_have_shares(tmp_path):
    a, b, empty = (tmp_path / name for name in ("a", "b", "empty"))
    for folder, names in ((a, ("x", "yy", "zzz")), (b, ("x",))):
        folder.mkdir()
        shards.write(folder / "s.parquet", [clip(n, 30) for n in names])
    empty.mkdir()
    shards.write(empty / "s.parquet", [replace(clip("x", 30), split="val")])
    options = DataOptions(composite_share=0.0)
    (alone,) = (corpus.clips(b, "train", options),)
    assert corpus.clips([(b, 0.0)], "train", options)[0].id == alone[0].id
    as_one = corpus.clips([(a, 0.0), (b, 0.0)], "train", options)
    assert [c.id for c in as_one] == ["x", "yy", "zzz", "x"]
    assert draw_weights(as_one, options) == pytest.approx([0.25] * 4)
    mixed = corpus.clips([(a, 1.0), (b, 0.5)], "train", options)
    assert draw_weights(mixed, options) == pytest.approx([2 / 9] * 3 + [1 / 3])
    with pytest.raises(RequestError, match="every one of several data folders a weight above 0, or none"):
        corpus.clips([(a, 1.0), (b, 0.0)], "train", options)
    with pytest.raises(RequestError, match="named twice"):
        corpus.clips([(a, 1.0), (tmp_path / "b" / ".." / "a", 1.0)], "train", options)
    with pytest.raises(RequestError, match="empty: no clips of the split 'train'"):
        corpus.clips([(a, 1.0), (empty, 1.0)], "train", options)
    assert [c.id for c in corpus.clips([(a, 1.0), (empty, 1.0)], "val", options)] == ["x"]
    with pytest.raises(RequestError, match="no clips of the split 'test'"):
        corpus.clips([(a, 1.0), (empty, 1.0)], "test", options)

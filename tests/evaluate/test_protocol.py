"""The evaluation's protocol on clips and encoders whose numbers are known."""

import json

import numpy as np
import pytest

from dimo import RequestError, preset
from dimo.data.records import Caption, Clip
from dimo.errors import FormatError
from dimo.evaluate import protocol, published, report, text_protocol
from dimo.evaluate.cache import Store
from dimo.evaluate.protocol import Plan, Request, draw, entry, fit, nearest, run_rows, summarise
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluators.encoder import word_vectors

BODY = preset("humanml3d")
REST = np.zeros((22, 3))
for _j, _p in enumerate(BODY.parents):
    REST[_j] = BODY.offsets[_j] + (REST[_p] if _p >= 0 else [0, 0.92, 0])


def clip(number: int, frames: int = 40, texts=("a person walks forward",), label="walk") -> Clip:
    """A standing body carried forward at number / 10 m/s."""
    joints = np.repeat(REST[None], frames, axis=0)
    joints[..., 2] += np.arange(frames)[:, None] * number / 200
    return Clip(f"c{number}", joints, 20.0, tuple(Caption(t) for t in texts), "test", label=label)


class Twin:
    """An encoder that gives text "... N" and a motion of speed N / 10 m/s the same point."""

    name, label, comparable, feature_mode = "twin", "not comparable", False, "exact"

    def embed_texts(self, captions):
        return np.array([[float(c.split()[-1]), 0.0] for c in captions])

    def embed_motions(self, features):
        return np.array([[f[:, 2].mean() * 200, 0.0] for f in features])


def numbered(count: int) -> list[Clip]:
    return [clip(n, texts=(f"speed {n}",), label=f"l{n}") for n in range(count)]


def test_a_draw_takes_whole_batches_and_repeats_itself():
    clips = numbered(70)
    requests = draw(clips, Plan(seed=3), 1)
    assert len(requests) == 64
    assert len({r.clip.id for r in requests}) == 64
    assert all(r.frames in (36, 40) for r in requests)
    again = draw(clips, Plan(seed=3), 1)
    assert [(r.clip.id, r.start, r.seed) for r in requests] == [(r.clip.id, r.start, r.seed) for r in again]
    assert [r.clip.id for r in draw(clips, Plan(seed=3), 2)] != [r.clip.id for r in requests]
    assert len(draw(clips[:5], Plan(), 0)) == 5  # less than one batch is taken whole
    assert all(r.frames == 40 for r in draw(clips, Plan(crop=False), 0))


def test_real_is_perfect_and_shuffling_ruins_it():
    found = run_rows({"real": protocol.real, "shuffled": protocol.shuffled}, numbered(64), Twin(), Plan(repeats=2))
    real, shuffled = summarise(found["real"]), summarise(found["shuffled"])
    assert real["r1"]["mean"] == 1.0
    assert real["same_action"]["mean"] == 1.0
    assert real["mm_dist"]["mean"] == pytest.approx(0, abs=0.02)
    assert real["fid"]["mean"] == pytest.approx(0, abs=1e-3)
    assert shuffled["r1"]["mean"] < 0.1
    assert shuffled["fid"]["mean"] == pytest.approx(0, abs=1e-3)  # the same motions: only retrieval can tell
    assert real["foot_skate_mps"]["clips"] == 64
    assert len(real["r1"]["values"]) == 2


def test_the_real_row_may_bring_its_own_features():
    rows = {"real": protocol.real, "other": protocol.real}
    own = lambda r: np.full((r.frames, 263), 1 / 200)  # noqa: E731
    found = run_rows(rows, numbered(32), Twin(), Plan(repeats=1), truth_features=own)
    assert summarise(found["real"])["diversity"]["mean"] == pytest.approx(0, abs=1e-9)
    assert summarise(found["other"])["diversity"]["mean"] > 1


def test_rows_without_an_encoder_have_bodies_only():
    found = summarise(run_rows({"real": protocol.real}, numbered(8), None, Plan(repeats=1))["real"])
    assert "fid" not in found
    assert found["bone_drift"]["mean"] == pytest.approx(0, abs=1e-9)
    assert found["bone_drift"]["half_width"] is None


def test_all_rows_answer_the_same_requests():
    seen = {}
    run_rows(
        {"a": protocol.real, "b": protocol.real},
        numbered(40),
        None,
        Plan(repeats=2),
        keep=lambda name, repeat, requests, _: seen.setdefault((name, repeat), [r.seed for r in requests]),
    )
    assert seen["a", 0] == seen["b", 0] != seen["a", 1]


def test_intervals_are_of_repeats_and_errors_of_clips():
    cell = entry([1.0, 3.0], np.array([0.0, 2.0, 4.0]))
    assert cell["mean"] == 2.0
    assert cell["half_width"] == pytest.approx(1.96 * 1.0 / np.sqrt(2))
    assert cell["clip_error"] == pytest.approx(2.0 / np.sqrt(3))


def test_the_nearest_training_clip_is_the_one_that_says_the_same():
    train = [clip(5), clip(9)]
    row = nearest(train, ["a person jumps high", "somebody walks"], [1, 0], word_vectors)
    (made,) = row([Request(clip(1), "somebody walks slowly", REST[None].repeat(24, 0), 0, 0)])
    assert np.allclose(made, train[0].joints[:24])


def test_fit_cuts_but_never_invents():
    assert len(fit(np.zeros((40, 22, 3)), 24)) == 24
    assert len(fit(np.zeros((10, 22, 3)), 24)) == 10


@pytest.mark.parametrize("options", [{"repeats": 0}, {"lengths": "long"}])
def test_a_plan_names_what_is_wrong(options):
    with pytest.raises(RequestError, match="must be"):
        Plan(**options)


def test_text_rows():
    clips = [clip(n, texts=(f"a person walks {n}", f"someone walks ahead {n}"), label="walk") for n in range(32)]
    said = {"echo": [c.captions[0].text for c in clips], "wrong": ["a person bows 99"] * 32}
    found = text_protocol.run_texts(said, clips, Twin(), Plan(repeats=2))
    assert list(found) == ["real", "shuffled", "echo", "wrong"]
    assert found["echo"]["bleu4_raw"]["mean"] == pytest.approx(100)
    assert found["echo"]["r1"]["mean"] == 1.0
    assert found["echo"]["action"]["mean"] == 1.0
    assert found["wrong"]["action"]["mean"] == 0.0
    assert found["real"]["bleu4_raw"]["mean"] < 100  # one caption against the others
    assert found["shuffled"]["r1"]["mean"] < 0.2
    table = text_protocol.confusion(said["wrong"], clips)
    at = {n: i for i, n in enumerate(table["names"])}
    assert table["counts"][at["walk"]][at["bow"]] == 32


def test_checks_per_check_and_per_action():
    clips = [clip(10, frames=80), clip(0, frames=80)]  # 1 m/s ahead, and still
    requests = draw(clips, Plan(crop=False), 0)
    table = protocol.check_table(protocol.real(requests), requests)
    assert table["by_check"]["travel forward"] == {"share": 0.5, "clips": 2}
    assert table["by_action"]["walk"] == {"share": 0.5, "clips": 2}


def test_the_store_makes_nothing_twice(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return [np.full((2, 3), 0.5), np.zeros((4, 3))]

    first = Store(tmp_path, {"a": 1}).arrays("x/1", make)
    again = Store(tmp_path, {"a": 1}).arrays("x/1", make)
    assert len(calls) == 1
    assert [a.tolist() for a in first] == [a.tolist() for a in again]
    Store(tmp_path, {"a": 2}).arrays("x/1", make)
    assert len(calls) == 2
    path = next(tmp_path.rglob("1.npz"))
    path.write_bytes(b"cut")
    Store(tmp_path, {"a": 1}).arrays("x/1", make)
    assert Store(tmp_path, {"a": 1}).texts("t", lambda: ["a", "b"]) == ["a", "b"]
    assert Store(tmp_path, {"a": 1}).texts("t", lambda: ["c"]) == ["a", "b"]


def test_a_published_real_row_passes_and_another_does_not():
    row = published.rows("HumanML3D", "t2m")["Real"]
    assert row["r1"] == {"mean": 0.511, "half_width": 0.003}
    assert published.mismatch(row, "HumanML3D") is None
    off = {**row, "fid": {"mean": 0.0}, "r1": {"mean": 0.48, "half_width": 0.003}}
    assert "0.480" in published.mismatch(off, "HumanML3D")
    assert "lacks r2" in published.mismatch({"r1": row["r1"]}, "HumanML3D")
    assert set(published.sources()) >= {s for r in published.read()["HumanML3D"]["t2m"].values() for s in r["source"]}


def test_reports_are_read_back_and_become_tables(tmp_path):
    row = {"fid": entry([0.1, 0.2]), "checks": entry([0.5], np.array([0.0, 1.0]))}
    data = {"encoder": {"label": "ours"}, "tasks": {"t2m": {"rows": {"real": row, "model": row}}}, "notes": ["careful"]}
    report.save(data, tmp_path / "report.json")
    again = report.load(tmp_path)
    assert again["tasks"] == data["tasks"]
    first, second = report.tables(again)
    assert first.note == "ours"
    assert first.rows[0] == ("real", "0.150 ± 0.069")
    assert second.head == ("row", "checks %")
    assert second.rows[1] == ("model", "50.0")
    assert "| model | 0.150 ± 0.069 |" in report.markdown(again)
    assert "R@1" not in report.terminal(first)


@pytest.mark.parametrize("content", ["[1]", '{"format": "x"}', "{", json.dumps({"format": report.FORMAT, "tasks": {}})])
def test_other_files_are_no_reports(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(FormatError, match=r"report\.json"):
        report.load(tmp_path)


def test_samples_are_read_back(tmp_path):
    motion = np.random.default_rng(0).normal(size=(5, 22, 3)).astype(np.float32)
    Samples((Sample("a", "walks", motion, None, "a man walks", "walk"),), 7).save(tmp_path)
    again = Samples.load(tmp_path)
    assert (again.seed, again.items[0].text, again.items[0].made) == (7, "walks", None)
    assert np.array_equal(again.items[0].truth, motion)
    (tmp_path / "samples.npz").write_bytes(b"cut")
    with pytest.raises(FormatError, match="samples"):
        Samples.load(tmp_path)

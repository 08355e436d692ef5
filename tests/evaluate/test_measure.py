"""Numbers of rows on clips and an evaluator that give known ones."""

import numpy as np
import pytest

from dimo.evaluate.measure import check_table, run_rows, summarise
from dimo.evaluate.protocol import Plan, draw
from dimo.evaluate.report import Share
from dimo.evaluate.rows import real, shuffled


def cells(rows, clips, evaluator, plan, **options):
    return {n: summarise(a.outcomes) for n, a in run_rows(rows, clips, evaluator, plan, **options).items()}


def test_real_is_perfect_and_shuffling_ruins_it(numbered, twin):
    found = cells({"real": real, "shuffled": shuffled}, numbered(64), twin, Plan(repeats=2))
    assert found["real"]["r1"].mean == 1.0
    assert found["real"]["same_action"].mean == 1.0
    assert found["real"]["mm_dist"].mean == pytest.approx(0, abs=0.02)
    assert found["real"]["fid"].mean == pytest.approx(0, abs=1e-3)
    assert found["shuffled"]["r1"].mean < 0.1
    assert found["shuffled"]["fid"].mean == pytest.approx(0, abs=1e-3)  # the same motions: only retrieval can tell
    assert found["real"]["foot_skate_mps"].clips == 64
    assert len(found["real"]["r1"].values) == 2


def test_the_real_row_may_bring_its_own_features(numbered, twin):
    twin.true_features = lambda clip, joints, start: np.full((len(joints), 263), 1 / 200)
    found = cells({"real": real, "other": real}, numbered(32), twin, Plan(repeats=1))
    assert found["real"]["diversity"].mean == pytest.approx(0, abs=1e-9)
    assert found["other"]["diversity"].mean > 1


def test_rows_without_an_evaluator_have_bodies_only(numbered):
    found = cells({"real": real}, numbered(8), None, Plan(repeats=1))["real"]
    assert "fid" not in found
    assert found["bone_drift"].mean == pytest.approx(0, abs=1e-9)
    assert found["bone_drift"].half_width is None


def test_without_bodies_only_embeddings_speak(numbered, twin):
    assert set(cells({"real": real}, numbered(8), twin, Plan(repeats=1), body=False)["real"]) == {"fid", "diversity"}


def test_fid_needs_a_reference(numbered, twin):
    assert "fid" not in cells({"real": real}, numbered(8), twin, Plan(repeats=1), reference=[])["real"]
    far = cells({"real": real}, numbered(8), twin, Plan(repeats=1), reference=numbered(40)[32:])["real"]["fid"].mean
    assert far == pytest.approx(32**2, rel=0.01)  # the same spread, 32 further


def test_all_rows_answer_the_same_trials(numbered):
    seen = {"a": [], "b": []}

    def row(name):
        return lambda trials: (seen[name].append([t.seed for t in trials]), real(trials))[1]

    ticks = []
    answers = run_rows({n: row(n) for n in seen}, numbered(40), None, Plan(repeats=2), tick=ticks.append)
    assert seen["a"] == seen["b"]
    assert seen["a"][0] != seen["a"][1]
    assert ticks == ["a", "b", "a", "b"]
    assert [t.seed for t in answers["b"].trials] == seen["b"][0]  # those of the first repeat are kept
    assert len(answers["b"].motions) == 32


def test_checks_per_check_and_per_action(clip):
    trials = draw([clip(10, frames=80), clip(0, frames=80)], Plan(crop=False), 0)  # 1 m/s ahead, and still
    table = check_table(real(trials), trials)
    assert table["by_check"]["travel forward"] == Share(0.5, 2)
    assert table["by_action"]["walk"] == Share(0.5, 2)


def test_features_reach_an_evaluator_as_they_are(numbered, twin):
    """The field's protocol: what a row gives is not encoded again."""

    def row(trials):
        speeds = [float(t.caption.split()[-1]) / 200 for t in trials]
        return [np.full((t.frames, 263), s) for t, s in zip(trials, speeds, strict=True)]

    answers = run_rows({"model": row}, numbered(32), twin, Plan(repeats=1))["model"]
    assert answers.outcomes[0].whole["r1"] == 1.0
    (still,) = (m for m, t in zip(answers.motions, answers.trials, strict=True) if t.caption == "speed 0")
    assert np.allclose(still, 0)  # bodies are measured on the positions that the features decode to
    assert {m.shape[1:] for m in answers.motions} == {(22, 3)}

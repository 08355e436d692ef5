"""/v1/captions, /v1/corrections, /v1/scores and /v1/search: the answers of the model's own methods."""

import pytest
from fastapi.testclient import TestClient

from dimo.formats.motion_json import to_json
from dimo.serve.app import create_app
from dimo.serve.service import DOUBT, Service
from dimo.tasks.caption import Caption
from dimo.tasks.score import Score

TEXT = "a person walks forward"


def test_a_caption_is_what_the_model_says(client, model, made, monkeypatch):
    asked = []

    def caption(motions, *, samples, seed):
        asked.append((list(motions), samples, seed))
        return [Caption("someone bows", -0.5, (Caption("someone waves", -1.5),))] * len(motions)

    monkeypatch.setattr(model, "caption", caption)
    told = client.post("/v1/captions", json={"motion": to_json(made), "samples": 4, "seed": 3}).json()
    assert asked == [([made], 4, 3)]
    assert (told["text"], told["score"], told["seed"]) == ("someone bows", -0.5, 3)
    assert told["others"] == [{"text": "someone waves", "score": -1.5}]
    assert told["weights"] == model.fingerprint()


def test_a_model_without_words_has_no_score(client, made):
    told = client.post("/v1/captions", json={"motion": to_json(made)}).json()  # random weights say nothing
    assert (told["text"], told["score"]) == ("", None)


def test_a_correction_is_what_the_model_says(client, model, made):
    told = client.post("/v1/corrections", json={"motion": to_json(made), "text": TEXT}).json()
    expected = model.correct(TEXT, made)
    assert (told["text"], told["changed"], told["original"]) == (expected.text, expected.changed, TEXT)
    assert len(told["changes"]) == len(expected.changes)


def test_scores_and_doubt(model, made, monkeypatch):
    """A sentence is doubted when the model finds its own caption of the motion much more probable."""
    with TestClient(create_app(Service(model)), base_url="http://localhost") as client:
        for gap, doubtful in ((DOUBT - 0.1, False), (DOUBT + 0.1, True)):
            monkeypatch.setattr(model, "score", lambda text, motion, gap=gap: Score(-1 - gap, -2.0, 0.5, 0.4))
            monkeypatch.setattr(model, "caption", lambda motion: [Caption("a person bows", -1.0)])
            told = client.post("/v1/scores", json={"motion": to_json(made), "text": TEXT}).json()
            assert told["doubtful"] is doubtful
            assert told["caption"]["text"] == "a person bows"
            assert told["score"]["rank"] == pytest.approx(0.4 + 0.25 * 0.5)


def test_search_names_the_files_of_the_library_and_no_others(model, made, tmp_path):
    library = tmp_path / "library"
    (library / "deep").mkdir(parents=True)
    made.save(library / "deep" / "walk.npz")
    made.mirror().save(library / "mirrored.bvh")
    (library / "broken.bvh").write_text("nothing")
    made.save(tmp_path / "outside.npz")
    service = Service(model, library=library)
    with TestClient(create_app(service), base_url="http://localhost") as client:
        told = client.post("/v1/search", json={"text": TEXT, "limit": 10}).json()
        one = client.post("/v1/search", json={"text": TEXT, "limit": 1}).json()
    assert {found["file"] for found in told["found"]} == {"deep/walk.npz", "mirrored.bvh"}
    assert (told["searched"], told["unreadable"]) == (2, 1)
    ranks = [found["score"]["rank"] for found in told["found"]]
    assert ranks == sorted(ranks, reverse=True)
    assert one["found"] == told["found"][:1]


def test_without_a_library_there_is_nothing_to_search(client):
    answer = client.post("/v1/search", json={"text": TEXT})
    assert answer.status_code == 404
    assert "dimo serve --library FOLDER" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["captions", "corrections", "scores", "conversions"])
def test_words_need_a_motion(client, path):
    body = {} if path in ("captions", "conversions") else {"text": TEXT}
    answer = client.post(f"/v1/{path}", json=body)
    assert answer.status_code == 422
    assert "there is no motion" in answer.json()["detail"]

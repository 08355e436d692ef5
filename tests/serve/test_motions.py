"""/v1/motions and /v1/edits: what the model makes by its own methods, in every format, and what cannot be made."""

import io
import json
import zipfile

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.formats.motion_json import from_json, to_json
from dimo.serve.schemas import BODIES

TEXT = "a person walks forward"
SHORT = {"text": TEXT, "seconds": 2, "seed": 1}


def post(client, path, **body):
    return client.post(f"/v1/{path}", json=body)


def motions_of(answer):
    assert answer.status_code == 200, answer.text
    return [from_json(m, "motion", 10**6) for m in answer.json()["motions"]]


def detail(answer, status=422):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail"}
    assert told["status"] == status
    return told["detail"]


def saved(data, suffix, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(data)
    return Motion.load(path)


def test_json_holds_the_motion_to_the_bit(client, model, made):
    answer = post(client, "motions", **SHORT)
    assert motions_of(answer) == [made]
    told = answer.json()
    assert (told["seed"], told["weights"]) == (1, model.fingerprint())
    assert answer.headers["dimo-seed"] == "1"
    assert answer.headers["dimo-weights"] == model.fingerprint()


def test_a_seed_that_was_drawn_is_told_and_repeats(client):
    first = post(client, "motions", text=TEXT, seconds=1)
    again = post(client, "motions", text=TEXT, seconds=1, seed=first.json()["seed"])
    other = post(client, "motions", text=TEXT, seconds=1)
    assert motions_of(first) == motions_of(again)
    assert motions_of(first) != motions_of(other)


def test_parts_are_what_compose_makes(client, model):
    parts = [{"text": TEXT, "seconds": 2}, {"text": "a person bows", "seconds": 1}]
    answer = post(client, "motions", parts=parts, seed=3)
    assert motions_of(answer) == model.compose([(p["text"], p["seconds"]) for p in parts], seed=3)


def test_no_text_is_any_motion(client, model):
    assert motions_of(post(client, "motions", seconds=2, seed=3)) == model.sample(2, seed=3)


def test_the_best_of_several_are_those_that_the_model_keeps(client, model):
    answer = post(client, "motions", **SHORT, samples=2, best=3)
    assert motions_of(answer) == model.generate(TEXT, seconds=2, seed=1, samples=2, best=3)
    assert motions_of(answer) != model.generate(TEXT, seconds=2, seed=1, samples=2)


def test_options_reach_the_model(client, model):
    answer = post(client, "motions", **SHORT, options={"steps": 3, "guidance": 1, "temperature": 0.5}, footlock=False)
    expected = model.generate(TEXT, seconds=2, seed=1, steps=3, guidance=1, temperature=0.5, footlock=False)
    assert motions_of(answer) == expected


@pytest.mark.parametrize("kind", ["glb", "bvh", "npz", "npy"])
def test_files_are_what_save_writes(client, made, kind, tmp_path):
    answer = post(client, "motions", **SHORT, format=kind)
    assert f'filename="a_person_walks_forward.{kind}"' in answer.headers["content-disposition"]
    there = saved(answer.content, f".{kind}", tmp_path)
    made.save(tmp_path / f"own.{kind}")
    assert there == Motion.load(tmp_path / f"own.{kind}")
    assert answer.headers["dimo-seed"] == "1"


def test_pictures_too(client):
    answer = post(client, "motions", text=TEXT, seconds=0.5, format="gif")
    assert answer.content[:6] == b"GIF89a"
    assert answer.headers["content-type"] == "image/gif"


def test_several_files_are_a_zip_that_names_the_seed(client, tmp_path):
    answer = post(client, "motions", **SHORT, samples=2, format=["bvh", "npz"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = sorted(archive.namelist())
        told = json.loads(archive.read("dimo.json"))
        second = saved(archive.read("a_person_walks_forward_2.npz"), ".npz", tmp_path)
    stem = "a_person_walks_forward"
    assert names == [f"{stem}_1.bvh", f"{stem}_1.npz", f"{stem}_2.bvh", f"{stem}_2.npz", "dimo.json"]
    assert told["seed"] == 1
    assert second == motions_of(post(client, "motions", **SHORT, samples=2))[1]


def test_rate_and_body_of_the_answer(client, made):
    (motion,) = motions_of(post(client, "motions", **SHORT, fps=30, skeleton="kit"))
    assert motion.fps == 30
    assert motion.skeleton == preset("kit")
    assert motion.seconds == pytest.approx(made.seconds, abs=0.05)


def test_contacts_are_frames_of_standing_feet(client):
    # A body that stands still for a second has both feet down from the first frame to the last.
    body = preset("humanml3d")
    rotations = np.zeros((20, 22, 4))
    rotations[..., 0] = 1
    still = Motion(body, 20, np.tile([0, 0.95, 0], (20, 1)), rotations)
    told = to_json(still)["contacts"]
    assert told == {"left": [[0, 20]], "right": [[0, 20]]}


def test_kept_frames_come_back_bit_for_bit_from_json_and_from_a_file(client, made, model, tmp_path):
    expected = model.edit(made, (0.5, 1), text="a person bows", seed=2)
    asked = {"replace": [[0.5, 1]], "text": "a person bows", "seed": 2}
    answer = post(client, "edits", motion=to_json(made), **asked)
    assert motions_of(answer) == expected
    (motion,) = motions_of(answer)
    assert motion[:10] == made[:10]
    assert motion[20:] == made[20:]
    path = made.save(tmp_path / "clip.npz")
    form = {"motion": ("my clip.npz", path.read_bytes())}
    sent = client.post("/v1/edits", files=form, data={"request": json.dumps(asked)})
    assert motions_of(sent) == expected


def test_all_ways_to_edit(client, made, model):
    motion = to_json(made)
    other = model.generate("a person bows", seconds=1, seed=5)[0]
    ways = [
        ({"keep": [[0, 10]], "unit": "frames", "seconds": 3}, model.complete(made, (0, 0.5), seconds=3, seed=4)),
        ({"extend": 1.5}, model.predict(made, 1.5, seed=4)),
        ({"vary": 0.5, "samples": 2}, model.vary(made, 0.5, seed=4, samples=2)),
        (
            {"other": to_json(other), "inbetween": {"seconds": 1, "place": "follow"}},
            model.inbetween(made, other, 1, place="follow", seed=4),
        ),
    ]
    for asked, expected in ways:
        assert motions_of(post(client, "edits", motion=motion, seed=4, **asked)) == expected, asked


def test_conversions_keep_the_motion(client, made, tmp_path):
    path = made.save(tmp_path / "clip.npz")
    answer = client.post("/v1/conversions", files={"motion": ("clip.npz", path.read_bytes())})
    assert motions_of(answer) == [made]
    bvh = post(client, "conversions", motion=to_json(made), format="bvh", fps=40)
    assert saved(bvh.content, ".bvh", tmp_path).fps == pytest.approx(40)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"text": "  "}, "the text is empty"),
        ({"text": "le chien marche dans la rue avec une grande joie"}, "does not look like English"),
        ({"text": TEXT, "secnds": 2}, "there is no option 'secnds'"),
        ({"text": TEXT, "seconds": -1}, "seconds must be more than 0"),
        ({"text": TEXT, "seconds": 500}, "at most 120 seconds long, not 500"),
        ({"text": TEXT, "samples": 0}, "samples must be from 1 to 16, not 0"),
        ({"text": TEXT, "samples": "many"}, "samples: "),
        ({"text": TEXT, "seed": -1}, "seed must be from 0"),
        ({"text": TEXT, "options": {"steps": 0}}, "steps must be from 1 to 1000, not 0"),
        ({"text": TEXT, "format": "doc"}, "there is no format 'doc'"),
        ({"text": TEXT, "format": []}, "name from 1 to 16 formats"),
        ({"text": TEXT, "fps": 0}, "fps must be from 1 to 240"),
        ({"text": TEXT, "skeleton": "horse"}, "no skeleton preset 'horse'"),
        ({"text": TEXT, "parts": []}, "leave out text and seconds"),
        ({"parts": []}, "1 to 64 parts, not 0"),
        ({"parts": [{"seconds": 1}, {}]}, "without a text there must be seconds"),
        ({}, "without a text there must be seconds"),
        ({"text": TEXT, "best": 0}, "best must be from 1"),
        ({"text": TEXT, "best": 33, "samples": 2}, "best times samples is at most 64, not 66"),
        ({"seconds": 1, "best": 2}, "best compares motions with a text"),
        ({"text": "walk " * 500}, "at most 2000 characters, not 2500"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_sentence(client, body, words):
    assert words in detail(post(client, "motions", **body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one of replace, keep, extend, vary, inbetween says what to do, not none"),
        ({"extend": 1, "vary": 0.3}, "not extend, vary"),
        ({"replace": [[1, 9]]}, "replace 1:9 does not lie within the motion of 2 seconds"),
        ({"replace": []}, "replace names no span"),
        ({"replace": [[1]]}, "replace.0.1: field required"),
        ({"keep": []}, "keep names no span"),
        ({"vary": 2}, "the share to vary must be from 0 to 1"),
        ({"extend": 200}, "at most 120 seconds long"),
        ({"extend": 1, "seconds": 2}, "seconds goes with keep only"),
        ({"extend": 1, "memory": 7}, "memory must be from 0"),
        ({"inbetween": {}}, "inbetween needs it"),
        ({"inbetween": {"place": "there"}}, "inbetween.place: input should be 'as_is' or 'follow'"),
        ({"inbetween": {}, "other": 1}, "other: a motion is an object"),
    ],
)
def test_edits_that_cannot_be_made(client, made, body, words):
    assert words in detail(post(client, "edits", motion=to_json(made), **body))
    assert "there is no motion to edit" in detail(post(client, "edits", extend=1))


def test_limits_of_a_server(small, made):
    assert "samples must be from 1 to 2" in detail(post(small, "motions", text=TEXT, samples=3))
    assert "at most 5 seconds long, not 6" in detail(post(small, "motions", text=TEXT, seconds=6))
    assert "at most 60 characters" in detail(post(small, "motions", text=TEXT * 3))
    assert "larger than the 300,000 bytes" in detail(post(small, "motions", text="a" * 400_000), 413)
    long = made.resample(5)
    long = {**to_json(long), "fps": 1}
    assert "is 10 s of 10 frames; up to 5 s" in detail(post(small, "edits", motion=long, extend=1))


def test_examples_of_the_reference_can_be_asked(client, made):
    motion = to_json(made)
    for model in BODIES:
        assert model.examples, model
        for name, example in model.examples.items():
            body = {key: motion if value == "..." else value for key, value in example.items()}
            answer = client.post(f"/v1/{model.__name__.lower()}", json=body)
            wanted = 404 if model.__name__ == "Search" else 200  # this server has no library
            assert answer.status_code == wanted, (name, answer.text[:300])

"""Rounds as they happen: the events lead to the motion that /v1/motions makes, and end when nobody reads."""

import asyncio
import json
import threading

import pytest

from dimo.formats.motion_json import from_json
from dimo.serve.limits import Limits
from dimo.serve.rounds import start
from dimo.serve.schemas import Motions
from dimo.serve.service import Service

ASKED = {"text": "a person walks forward", "seconds": 2, "seed": 1, "options": {"steps": 4}}


def events_of(text):
    """Server-sent events as (name, data)."""
    found = []
    for block in text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_rounds_lead_to_what_motions_answers(client, model):
    answer = client.post("/v1/motions/rounds", json=ASKED)
    assert answer.headers["content-type"].startswith("text/event-stream")
    (first, begin), *rounds, (last, end) = events_of(answer.text)
    assert (first, last) == ("begin", "end")
    assert begin == {"seed": 1, "weights": model.fingerprint(), "rounds": 4, "steps": 10, "frames_per_step": 4}
    assert [name for name, _ in rounds] == ["round"] * 5
    assert [data["round"] for _, data in rounds] == [0, 1, 2, 3, 4]
    trace = model.trace(ASKED["text"], seconds=2, seed=1, steps=4)
    assert [data["written"] for _, data in rounds] == trace.written.tolist()
    assert [from_json(data["motion"], "", 1000) for _, data in rounds] == list(trace.motions)
    assert end == client.post("/v1/motions", json=ASKED).json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 30}, "over at most 9.8 seconds"),
        ({"samples": 2}, "rounds are told of one motion"),
        ({"best": 2}, "rounds are told of one motion"),
        ({"format": "glb"}, "rounds are told of one motion"),
        ({"options": {"steps": 0}}, "steps must be from 1"),
    ],
)
def test_what_has_no_rounds_is_told_before_they_begin(client, change, words):
    answer = client.post("/v1/motions/rounds", json={**ASKED, **change})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_rounds_end_when_the_reader_leaves(model, monkeypatch):
    decoded, left, plain = [], threading.Event(), model.pipeline.to_motion

    def held(*args, **options):
        decoded.append(args)
        assert len(decoded) < 2 or left.wait(20)
        return plain(*args, **options)

    monkeypatch.setattr(model.pipeline, "to_motion", held)
    service = Service(model, Limits())
    service.worker.start()
    asked = Motions(**{**ASKED, "options": {"steps": 10}})

    async def leave():
        events = start(service, asked, service.plan(asked), 1)
        async for text in events:
            if text.startswith("event: round"):
                break
        await events.aclose()
        left.set()
        await asyncio.to_thread(service.worker.stop)  # waits for the job, while events still could be sent

    asyncio.run(leave())
    assert service.worker.done == 1
    assert len(decoded) == 2  # noise, the round that was in the making, and none of the nine behind it


def test_a_fault_in_the_middle_is_an_event(model, monkeypatch):
    service = Service(model)
    service.worker.start()
    asked = Motions(**ASKED)
    plain = model.pipeline.to_motion

    def broken(codes, name):
        if (codes < 0).any():  # a state after noise
            raise ZeroDivisionError
        return plain(codes, name)

    monkeypatch.setattr(model.pipeline, "to_motion", broken)

    async def read():
        return [text async for text in start(service, asked, service.plan(asked), 1)]

    texts = asyncio.run(read())
    service.worker.stop()
    *before, (name, problem) = events_of("".join(texts))
    assert [name for name, _ in before] == ["begin", "round"]
    assert (name, problem["status"]) == ("error", 500)
    assert "ZeroDivision" not in problem["detail"]

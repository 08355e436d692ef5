"""Waiting for answers: batches over HTTP, a full queue, clients that leave, answers that take too long, faults inside."""

import asyncio
import threading

import pytest
from fastapi.testclient import TestClient

from dimo.serve.app import create_app
from dimo.serve.limits import Limits
from dimo.serve.problems import Problem
from dimo.serve.service import Service
from dimo.serve.worker import Job

BODY = {"text": "a person walks forward", "seconds": 1}


@pytest.fixture
def gate():
    """A job that holds the worker, and the event that lets it go."""
    opened = threading.Event()
    yield Job([0], lambda items: [opened.wait(10)] and items), opened
    opened.set()


def test_those_who_wait_together_are_drawn_together(model, gate):
    job, opened = gate
    service = Service(model)
    with TestClient(create_app(service), base_url="http://localhost") as client:
        alone = [client.post("/v1/motions", json={**BODY, "seed": i}).json() for i in range(3)]
        before = service.worker.batches
        service.worker.submit(job)
        together = {}

        def ask(i):
            together[i] = client.post("/v1/motions", json={**BODY, "seed": i}).json()

        threads = [threading.Thread(target=ask, args=[i]) for i in range(3)]
        for thread in threads:
            thread.start()
        while service.worker.waiting < 3:
            threading.Event().wait(0.01)
        opened.set()
        for thread in threads:
            thread.join(10)
        assert [together[i] for i in range(3)] == alone  # nobody sees who else was there
        assert service.worker.batches - before == 2  # the gate's and one


def test_a_full_queue_sends_away_with_a_time_to_come_back(model, gate):
    job, opened = gate
    service = Service(model, Limits(jobs=1))
    with TestClient(create_app(service), base_url="http://localhost") as client:
        client.get("/opening.json")
        while service.worker.waiting:  # for the motion that the page opens with, and its caption
            threading.Event().wait(0.01)
        service.worker.submit(job)
        while service.worker.waiting:
            threading.Event().wait(0.01)
        service.worker.submit(Job([0], list))
        answer = client.post("/v1/motions", json=BODY)
        opened.set()
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert "try again" in answer.json()["detail"]
        assert client.get("/v1/health").status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(model, gate):
    job, opened = gate
    service = Service(model, Limits(wait=0.1))
    with TestClient(create_app(service), base_url="http://localhost") as client:
        service.worker.submit(job)
        answer = client.post("/v1/motions", json=BODY)
        assert answer.status_code == 503
        assert "took too long" in answer.json()["detail"]
        opened.set()


class Leaving:
    """A client that is gone."""

    async def is_disconnected(self):
        return True


def test_a_client_that_leaves_takes_its_job_along(model, gate):
    job, opened = gate
    service = Service(model)
    service.worker.start()
    service.worker.submit(job)
    calls = []
    left = Job([1], lambda items: calls.append(items) or items)
    with pytest.raises(Problem, match="the client has left"):
        asyncio.run(service.result(left, Leaving()))
    opened.set()
    service.worker.stop()
    assert left.gone.is_set()
    assert calls == []


def test_a_fault_inside_is_a_problem_without_its_secrets(model, monkeypatch):
    def broken(*_args, **_options):
        raise ZeroDivisionError("secret")

    service = Service(model)
    monkeypatch.setattr(model.pipeline, "make", broken)
    with TestClient(create_app(service), base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.post("/v1/motions", json=BODY)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_health_and_models_tell_what_there_is(client, model):
    health = client.get("/v1/health").json()
    assert health["status"] == "ok"
    told = client.get("/v1/models").json()
    (one,) = told["models"]
    assert one["weights"] == told["weights"] == health["weights"] == model.fingerprint()
    assert one["seconds_at_once"] == model.pipeline.longest
    assert one["defaults"]["steps"] == 10
    assert {"json", "glb", "bvh", "npz"} <= set(told["files"]["written"])
    assert told["limits"]["seconds"] == Limits().seconds


def test_addresses_that_are_none_are_problems(client):
    for method, path, status in (("GET", "/v2/nothing", 404), ("GET", "/v1/motions", 405), ("POST", "/v1/health", 405)):
        answer = client.request(method, path)
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_describes_every_address_with_examples(client):
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method == "post" and path.startswith("/v1"):
                (schema, *_) = told["requestBody"]["content"].values()
                name = schema["schema"]["$ref"].rpartition("/")[2]
                assert name in document["components"]["schemas"]
                assert schema["examples"]
                assert "application/problem+json" in told["responses"]["422"]["content"]

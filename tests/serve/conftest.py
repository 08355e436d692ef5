"""A server in this process, with a tiny model of random weights."""

import pytest
from fastapi.testclient import TestClient

from dimo import DiMo
from dimo.serve.app import create_app
from dimo.serve.limits import Limits
from dimo.serve.service import Service


@pytest.fixture(scope="session")
def model():
    return DiMo.debug()


@pytest.fixture(scope="session")
def client(model):
    with TestClient(create_app(Service(model)), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def small(model):
    """A server that allows little."""
    limits = Limits(body_bytes=300_000, unpacked_bytes=10_000, seconds=5, samples=2, text=60, parts=2)
    with TestClient(create_app(Service(model, limits)), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def made(model):
    """Two seconds of "a person walks forward", of seed 1."""
    return model.generate("a person walks forward", seconds=2, seed=1)[0]

"""Who may ask: names, tokens, origins, sizes and patience."""

import asyncio
import json

import pytest
from fastapi.testclient import TestClient

from dimo.errors import RequestError
from dimo.serve.app import create_app
from dimo.serve.guard import Access, Guard
from dimo.serve.limits import Limits
from dimo.serve.run import access_of, address_of, bind
from dimo.serve.service import Service

HEALTH, MODELS = "/v1/health", "/v1/models"


def client_of(model, access=None, base="http://localhost"):
    return TestClient(create_app(Service(model), access), base_url=base)


@pytest.mark.parametrize("name", ["localhost", "localhost:8000", "127.0.0.1:80", "[::1]:8000", "[::1]"])
def test_this_machine_may_ask_by_its_names(client, name):
    assert client.get(HEALTH, headers={"host": name}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "evil.example:8000", "", "a/b", "["])
def test_other_names_that_lead_here_are_refused(client, name):
    answer = client.get(HEALTH, headers={"host": name})
    assert answer.status_code == 421
    assert "does not answer to the name" in answer.json()["detail"]


def test_pages_of_other_sites_may_not_ask(client):
    assert client.get(MODELS, headers={"origin": "http://localhost"}).status_code == 200
    for origin in ("https://evil.example", "http://localhost:9", "null"):
        answer = client.get(MODELS, headers={"origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_sites_that_are_let_in_may(model):
    with client_of(model, Access(origins=("https://good.example",))) as client:
        answer = client.get(MODELS, headers={"origin": "https://good.example"})
        assert answer.headers["access-control-allow-origin"] == "https://good.example"
        asked = {"origin": "https://good.example", "access-control-request-method": "POST"}
        assert client.options("/v1/motions", headers=asked).status_code == 200
        assert client.get(MODELS, headers={"origin": "https://evil.example"}).status_code == 403


def test_a_token_is_wanted_and_the_page_gets_it_as_a_cookie(model):
    access = Access((), "s3cret")
    with client_of(model, access, "http://studio.example") as client:
        assert client.get(HEALTH).status_code == 200  # who watches over servers has none
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cre"}, {"cookie": "dimo-token=x"}):
            answer = client.get(MODELS, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get(MODELS, headers={"authorization": "Bearer s3cret"}).status_code == 200
        assert client.get(f"{MODELS}?token=s3cret").status_code == 401  # only in the page's own address
        page = client.get("/?token=s3cret")
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert client.get(MODELS).status_code == 200  # the client kept the cookie


def test_other_hosts_always_get_a_token():
    assert access_of("127.0.0.1", None, []).token is None
    drawn = {access_of("0.0.0.0", None, []).token for _ in range(3)}
    assert len(drawn) == 3
    assert None not in drawn
    assert access_of("0.0.0.0", "mine", []).token == "mine"
    assert access_of("0.0.0.0", None, []).hosts == ()


def test_a_port_that_is_taken_is_told():
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken, Access(token="t")) == f"http://127.0.0.1:{port}/?token=t"
        taken.listen()
        with pytest.raises(RequestError, match=f"port {port} of 127.0.0.1 cannot be had"):
            bind("127.0.0.1", port)
    with pytest.raises(RequestError, match="--port is a number"):
        bind("127.0.0.1", 70000)
    with pytest.raises(RequestError, match="no such address"):
        bind("no-such-host.invalid", 0)


def asked(app, messages, headers=(), patience=5.0):
    """Status and problem of a request whose body comes as these messages; a message of None never comes."""
    sent, waiting = [], list(messages)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/motions",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
    }

    async def receive():
        if not waiting or waiting[0] is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    async def send(message):
        sent.append(message)

    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return sent[0]["status"], json.loads(body)["detail"]


def test_bodies_that_are_too_large_or_too_slow_are_stopped_while_they_come(model):
    limits = Limits(body_bytes=1000, patience=0.2)
    app = create_app(Service(model, limits))
    status, detail = asked(app, [b"x" * 400] * 100)
    assert (status, "1,000 bytes" in detail) == (413, True)
    status, detail = asked(app, [], [(b"content-length", b"2000")])
    assert (status, "1,000 bytes" in detail) == (413, True)
    status, detail = asked(app, [], [(b"content-length", b"-5")])
    assert status == 400
    status, detail = asked(app, [b"{", None])
    assert (status, "for 0.2 seconds" in detail) == (408, True)


def test_the_guard_lets_other_kinds_of_scope_pass():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(Guard(app, Access(), Limits())({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]

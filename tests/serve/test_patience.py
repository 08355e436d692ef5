"""Over a real socket: heads that do not end, bodies that go on, and connections that are used again."""

import socket
import threading
import time

import pytest
import uvicorn

from dimo.serve.patience import protocol
from dimo.serve.run import bind

SECONDS = 0.4
HEAD = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n"


async def app(scope, receive, send):
    """Answers when the whole body is there."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port():
    bound = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="error", lifespan="off", http=protocol(SECONDS), timeout_keep_alive=30)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    bound.close()


@pytest.mark.parametrize("sent", [b"", b"POST / HT", HEAD[:-2]], ids=["nothing", "a line", "a head"])
def test_a_head_without_an_end_is_not_waited_for(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        one.sendall(sent)
        assert one.recv(100) == b""  # closed


def drip(connection, data):
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def test_dripping_bytes_do_not_help(port):
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as one,
        pytest.raises(OSError, match=r"roken pipe|eset by peer"),
    ):
        drip(one, HEAD[:-2] + b"x: " + b"y" * 10_000)


def test_a_slow_body_and_a_second_request_are_answered(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        for _ in range(2):
            one.sendall(HEAD + b"a")
            time.sleep(1.5 * SECONDS)  # the head is whole, so the body's patience counts
            one.sendall(b"b")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += one.recv(1000)
        one.sendall(HEAD[:-2])
        assert one.recv(100) == b""

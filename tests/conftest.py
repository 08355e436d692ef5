"""Tests run on the CPU, whatever the machine has; tests/device is about other devices."""

import os
import threading
import time
from contextlib import contextmanager

import pytest

os.environ["DIMO_DEVICE"] = "cpu"


@pytest.fixture(scope="session")
def serving():
    """A context in which an app is served on a free port of this machine; its value is the address."""

    @contextmanager
    def served(app, log_level: str = "error"):
        import uvicorn

        from dimo.serve.run import bind

        bound = bind("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_level=log_level))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)
        bound.close()

    return served

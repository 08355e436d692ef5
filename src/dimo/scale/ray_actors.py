"""Actors of Ray, on this machine or on a cluster (Moritz et al., "Ray", OSDI 2018), as places for shards.

Ray would restart an actor and call it again by itself, but says neither which call a process died of, nor gives up a call that
kills every process; so it is told to do neither, and shards are tried again as those of a pool are. On a cluster every machine
needs the same dimo, and the same folders under the same names.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from dimo.errors import RequestError
from dimo.scale.executor import Start
from dimo.scale.places import Work, spread

LOCAL = "local"
"""The address of a Ray that is started here, and ends with the map."""
ANSWER_SECONDS = 10
"""How long an address may take to answer at all; Ray itself asks for two minutes, and then ends the process."""


class RayActors:
    """Up to `workers` actors, each with a processor core of its own, and with a GPU of its own if they are to have one.

    To be used in a with statement, which connects. ModuleNotFoundError without Ray, RequestError where the address does not
    answer, or no machine there has a GPU.
    """

    def __init__(self, workers: int, address: str = LOCAL, *, gpu: bool = False):
        if workers < 1:
            raise RequestError(f"the number of workers must be 1 or more, not {workers}")
        self.workers, self.address, self.gpu = workers, address, gpu
        self.ray: Any = None

    def __enter__(self) -> RayActors:
        ray = self.ray = import_module("ray")
        quiet = {"logging_level": logging.CRITICAL, "log_to_driver": False}
        if self.address == LOCAL:
            # Cores are what Ray counts, not what it binds to: as many as there are actors, that all may run.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            self._init(address=LOCAL, num_cpus=self.workers, include_dashboard=False, **quiet)
        else:
            _knock(self.address)
            self._init(address=self.address, **quiet)
        if self.gpu and not ray.cluster_resources().get("GPU"):
            ray.shutdown()
            raise RequestError(f"--ray {self.address}: no machine there has a GPU; --device cpu runs on any")
        return self

    def __exit__(self, *error: object) -> None:
        self.ray.shutdown()

    def map(self, start: Start, shards: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As Executor.map; RequestError where actors die before any of them has done a shard."""
        kind = self.ray.remote(num_cpus=1, num_gpus=int(self.gpu), max_restarts=0, max_task_retries=0)(_Actor)
        begin = self.ray.put(pickle.dumps(start))
        return spread(shards, self.workers, lambda: _Place(self.ray, kind.remote(begin, os.getcwd())), self._ready)

    def _init(self, **how: Any) -> None:
        try:
            self.ray.init(**how)
        except Exception as error:  # of Ray, of the network, or a plain Exception for a machine that is too slow
            raise RequestError(f"--ray {self.address}: Ray does not answer ({_first(str(error))})") from None

    def _ready(self, places: Sequence[_Place]) -> list[_Place]:
        refs = [place.ref for place in places]
        self.ray.wait(refs, num_returns=1, fetch_local=False)
        there = set(self.ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)[0])
        return [place for place in places if place.ref in there]


def _knock(address: str) -> None:
    """RequestError where nothing listens at HOST:PORT or ray://HOST:PORT; "auto" is the Ray that runs on this machine."""
    if address == "auto":
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        place = parts.hostname, parts.port
    except ValueError:  # a port that is no number
        place = None, None
    if not all(place):
        raise RequestError(f"--ray {address}: no address; give HOST:PORT of a cluster's head, auto, or {LOCAL}")
    try:
        socket.create_connection(place, ANSWER_SECONDS).close()  # type: ignore[arg-type]
    except OSError as error:
        raise RequestError(f"--ray {address}: nothing answers there ({_first(str(error))})") from None


def _first(text: str) -> str:
    """Of what Ray says, which may fill a page, the first sentence."""
    return text.strip().split("\n")[0].split(". ")[0].rstrip(".")


class _Place:
    """An actor and the answer that it owes."""

    def __init__(self, ray: Any, actor: Any):
        self.ray, self.actor = ray, actor
        self.shard, self.ref, self.error = -1, None, ""

    def send(self, shard: Any) -> None:
        self.ref = self.actor.work.remote(shard)

    def answer(self) -> bytes | None:
        try:
            return self.ray.get(self.ref)
        except self.ray.exceptions.RayError as error:  # the actor, its machine, or its answer on the way here
            self.error = _cause(error)
            self.kill()  # if only the way to it is lost, it is not to go on
            return None

    def why(self) -> str:
        return self.error

    def close(self) -> None:
        self.kill()

    def kill(self) -> None:
        self.ray.kill(self.actor)


def _cause(error: Exception) -> str:
    """Why an actor is lost: the sentence after Ray's description of the actor, or the end of the traceback of its making."""
    lines = [line for line in str(error).split("\n") if line.strip()] or [type(error).__name__]
    if getattr(error, "actor_init_failed", False):
        return lines[-1]
    told = _first(next((line for line in lines[1:] if not line.startswith("\t")), lines[0]))
    return told[:1].lower() + told[1:]


class _Actor:
    """What Ray makes in a process of its own."""

    def __init__(self, start: bytes, folder: str):
        with suppress(OSError):  # relative paths are those of the one who asks
            os.chdir(folder)
        self.begin = start
        self.does = Work(lambda: pickle.loads(start)())  # by ourselves

    def work(self, shard: Any) -> bytes:
        return self.does(shard)

"""--ray without Ray, and with addresses at which it is not: one sentence before anything is loaded or made."""

import socket
import sys
from types import ModuleType, SimpleNamespace

import pytest

from dimo.cli.main import main
from dimo.errors import RequestError
from dimo.scale.ray_actors import RayActors, _cause


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("1s a person walks\n")
    return path


def refused(argv: list[str], capsys) -> str:
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    return line.removeprefix("dimo: error: ")


def test_a_machine_without_ray_says_how_to_get_it(prompts, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)  # an import of it fails as of a package that is not there
    out = tmp_path / "made"
    said = refused(["batch", str(prompts), "-o", str(out), "--ray"], capsys)
    assert said == "this needs the package ray: pip install 'dimo[scale]'"
    assert not out.exists()
    assert refused(["prepare", str(tmp_path), str(out), "--ray", "auto"], capsys) == said


def test_a_layout_that_one_machine_writes(tmp_path, capsys):
    argv = ["prepare", str(tmp_path), str(tmp_path / "out"), "--layout", "humanml3d", "--ray"]
    assert refused(argv, capsys) == "--layout humanml3d is written by one machine; leave out --ray"


@pytest.fixture
def ray(monkeypatch):
    """Of Ray its init alone, which tells what it was called with, or raises what is put into `wrong`."""
    module: ModuleType = ModuleType("ray")
    told = SimpleNamespace(inits=[], wrong=None, downs=0, resources={"CPU": 2.0})

    def init(**how):
        told.inits.append(how)
        if told.wrong is not None:
            raise told.wrong

    def shutdown():
        told.downs += 1

    module.init, module.shutdown = init, shutdown  # type: ignore[attr-defined]
    module.cluster_resources = lambda: told.resources  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", module)
    return told


def test_an_address_where_nothing_listens(ray, prompts, tmp_path, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nothing listens there
        for address in (f"127.0.0.1:{free.getsockname()[1]}", f"ray://127.0.0.1:{free.getsockname()[1]}"):
            said = refused(["batch", str(prompts), "-o", str(tmp_path / "made"), "--ray", address], capsys)
            assert said.startswith(f"--ray {address}: nothing answers there (")
    assert ray.inits == []  # Ray itself would ask for two minutes, and then end the process
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("address", ["nonsense", "localhost", "a:b:c", "10.0.0.1:port", "ray://"])
def test_what_is_no_address(ray, address):
    with pytest.raises(RequestError, match=f"--ray {address}: no address; give HOST:PORT"), RayActors(1, address):
        pass
    assert ray.inits == []


def test_what_ray_says_is_one_sentence(ray):
    ray.wrong = ConnectionError("Could not find any running Ray instance. Please specify\nthe one to connect to")
    with (
        pytest.raises(
            RequestError, match=r"--ray auto: Ray does not answer \(Could not find any running Ray instance\)$"
        ),
        RayActors(1, "auto"),
    ):
        pass


def test_gpus_that_are_not_there(ray):
    with pytest.raises(RequestError, match="--ray auto: no machine there has a GPU"), RayActors(1, "auto", gpu=True):
        pass
    assert ray.downs == 1
    ray.resources = {"CPU": 2.0, "GPU": 1.0}
    with RayActors(1, "auto", gpu=True):
        assert ray.downs == 1
    assert ray.downs == 2


def test_a_local_ray_has_room_for_every_actor(ray):
    with RayActors(3):
        pass
    (how,) = ray.inits
    assert (how["address"], how["num_cpus"]) == ("local", 3)


class Died(Exception):
    """As Ray describes an actor that is lost."""

    def __init__(self, text: str, init: bool):
        super().__init__(text)
        self.actor_init_failed = init


@pytest.mark.parametrize(
    ("text", "init", "told"),
    [
        (
            "The actor died unexpectedly before finishing this task.\n\tclass_name: _Actor\n\tpid: 7\n"
            "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR",
            False,
            "the actor is dead because its worker process has died",
        ),
        (
            "The actor died because of an error raised in its creation task, ray::_Actor.__init__()\n  File x\n"
            "ModuleNotFoundError: No module named 'dimo'",
            True,
            "ModuleNotFoundError: No module named 'dimo'",
        ),
        (
            "The actor died unexpectedly before finishing this task.",
            False,
            "the actor died unexpectedly before finishing this task",
        ),
        ("", False, "died"),
    ],
)
def test_why_an_actor_is_lost(text, init, told):
    assert _cause(Died(text, init)) == told

"""Shards over real actors of Ray on this machine; run by make integ, which installs Ray."""

import gc
import json
import os
from pathlib import Path

import pytest
from faulty import Square

from dimo import DiMo
from dimo.cli.main import main
from dimo.errors import FormatError, RequestError
from dimo.scale.executor import Lost
from dimo.scale.ray_actors import LOCAL, RayActors

pytestmark = [
    pytest.mark.integ,
    # Ray does not wait for the processes that it ends.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

ADDRESS = os.environ.get("DIMO_RAY", LOCAL)
"""Of a Ray that runs already, where one is to be taken; its processes must find this folder's modules."""


@pytest.fixture(autouse=True)
def found(monkeypatch):
    pytest.importorskip("ray", reason="pip install 'dimo[scale]'")
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH")))))
    yield
    gc.collect()  # while the warning is ignored


def test_actors_do_what_a_pool_does(tmp_path):
    """Every result, workers that start once, what is raised, and what dies: as tests/scale/test_pool.py has it."""
    with RayActors(1, ADDRESS) as actors:
        results = dict(actors.map(Square(tmp_path), [1, 2, "kill", 3, "kill once"]))
        assert [results[i][0] for i in (0, 1, 3)] == [1, 4, 9]
        assert results[4] == "kill once"
        assert results[2] == Lost("the actor is dead because its worker process has died")
        assert results[0][1] == results[1][1] != os.getpid()  # one process
        # The first died of "kill", the next of "kill once", the third of "kill" again; the last did "kill once".
        assert len(list(tmp_path.glob("started-*"))) == 4
        with pytest.raises(FormatError, match="here, line 3: is not a shard"):
            list(actors.map(Square(tmp_path), ["raise"]))
        with pytest.raises(RuntimeError, match="Unsendable"):
            list(actors.map(Square(tmp_path), ["raise what cannot be sent"]))
        with pytest.raises(RequestError, match="3 processes died before one had done its first part"):
            list(actors.map(Square(tmp_path), ["kill"] * 4))
        assert list(actors.map(Square(tmp_path), [])) == []


def test_a_batch_of_actors_is_that_of_this_process(tmp_path, capsys, monkeypatch):
    """Relative paths too, which the actors have to find."""
    monkeypatch.chdir(tmp_path)
    DiMo.debug().save_pretrained(tmp_path / "tiny")
    Path("prompts.txt").write_text("".join(f"1s a person walks {n} steps\n" for n in range(6)))
    argv = ["batch", "prompts.txt", "--model", "tiny", "--steps", "2", "--size", "2"]
    assert main([*argv, "-o", "there", "--ray", ADDRESS]) == 0
    assert main([*argv, "-o", "here"]) == 0
    assert capsys.readouterr().out == "there: 6 motions made\nhere: 6 motions made\n"
    there, here = ({p.name: p.read_bytes() for p in Path(name).iterdir()} for name in ("there", "here"))
    assert there == here
    assert len([json.loads(line) for line in there["index.jsonl"].splitlines()]) == 6

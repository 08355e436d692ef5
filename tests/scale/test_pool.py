"""Shards over processes: every result, what is raised, and what a process that dies takes with it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faulty import Square

from dimo.errors import FormatError, RequestError
from dimo.scale.executor import Here, Lost
from dimo.scale.pool import Pool


def results(executor, folder, shards):
    return dict(executor.map(Square(folder), shards))


def test_all_shards_are_done_by_workers_that_start_once(tmp_path):
    found = results(Pool(2), tmp_path, range(20))
    assert [found[i][0] for i in range(20)] == [i**2 for i in range(20)]
    workers = {pid for _, pid in found.values()}
    assert os.getpid() not in workers
    assert len(list(tmp_path.glob("started-*"))) == len(workers) == 2


def test_no_more_workers_than_shards_start(tmp_path):
    assert results(Pool(4), tmp_path, []) == {}
    assert results(Pool(4), tmp_path, [3])[0][0] == 9
    assert len(list(tmp_path.glob("started-*"))) == 1


def test_here_is_this_process(tmp_path):
    assert results(Here(), tmp_path, [2, 3]) == {0: (4, os.getpid()), 1: (9, os.getpid())}
    assert len(list(tmp_path.glob("started-*"))) == 1
    assert results(Here(), tmp_path / "none", []) == {}  # nothing to do: no worker is made


def test_a_shard_that_kills_its_process_is_lost_and_no_other(tmp_path):
    found = results(Pool(1), tmp_path, [1, "kill", 2, 3])
    assert [found[i][0] for i in (0, 2, 3)] == [1, 4, 9]
    assert found[1] == Lost("the process was ended by signal 9 (SIGKILL), as the system does when memory runs out")
    assert len(list(tmp_path.glob("started-*"))) == 2  # one died of it, and so did the next, at the end


def test_a_process_that_dies_once_loses_nothing(tmp_path):
    assert [results(Pool(1), tmp_path, [1, "kill once"])[i] for i in (1,)] == ["kill once"]


def test_processes_that_die_at_the_start_are_not_made_for_ever(tmp_path):
    with pytest.raises(RequestError, match="3 processes died before one had done its first part"):
        results(Pool(1), tmp_path, ["kill"] * 5)
    assert len(list(tmp_path.glob("started-*"))) == 3


@pytest.mark.parametrize(
    ("shard", "kind", "words"),
    [
        ("raise", FormatError, "here, line 3: is not a shard"),
        ("full", OSError, "No space left"),
        ("raise what cannot be sent", RuntimeError, "Unsendable"),
    ],
)
def test_what_a_worker_raises_ends_the_map(tmp_path, shard, kind, words):
    with pytest.raises(kind, match=words):
        results(Pool(2), tmp_path, ["a", shard, *"bcdefghij"])
    gone(tmp_path)


def gone(folder: Path, seconds: float = 20) -> None:
    """Wait until no process that started in a folder lives."""
    end = time.monotonic() + seconds
    pids = [int(p.name.partition("-")[2]) for p in folder.glob("started-*")]
    while alive := [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _zombie(pid)]:
        assert time.monotonic() < end, alive
        time.sleep(0.05)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_number_of_workers_that_is_none():
    with pytest.raises(RequestError, match="1 or more, not 0"):
        Pool(0)


ORPHANS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from faulty import Square
from dimo.scale.pool import Pool
if __name__ == "__main__":
    for _ in Pool(2).map(Square(Path(sys.argv[2])), ["word"] * 1000):
        print("done", flush=True)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_parent_that_is_killed_leaves_no_process_behind(tmp_path):
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    command = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "done\n"
        parent.kill()
    assert list(tmp_path.glob("started-*"))
    gone(tmp_path)

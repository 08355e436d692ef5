"""The queue: what waits together is one batch, in order, bounded; what nobody waits for is not run."""

import threading
from concurrent.futures import CancelledError

import pytest

from dimo.serve.worker import MOST_ITEMS, Job, QueueFull, Stopping, Worker


class Gate:
    """A job that holds the worker until it is opened, so that others have to wait."""

    def __init__(self, worker):
        self.entered, self.opened = threading.Event(), threading.Event()
        worker.submit(Job([0], self.run))
        assert self.entered.wait(5)

    def run(self, items):
        self.entered.set()
        assert self.opened.wait(5)
        return items


@pytest.fixture
def worker():
    worker = Worker(most_waiting=8)
    worker.start()
    yield worker
    worker.stop()


def doubled(calls):
    def run(items):
        calls.append(list(items))
        return [2 * i for i in items]

    return run


def test_jobs_that_wait_with_one_key_are_one_call_and_each_gets_its_own(worker):
    calls, gate = [], Gate(worker)
    run = doubled(calls)
    jobs = [worker.submit(Job(items, run, "k")) for items in ([1, 2], [3], [4, 5, 6])]
    gate.opened.set()
    assert [job.future.result(5) for job in jobs] == [[2, 4], [6], [8, 10, 12]]
    assert calls == [[1, 2, 3, 4, 5, 6]]
    assert worker.batches <= 2


def test_other_keys_and_none_stay_apart_and_in_order(worker):
    calls, gate = [], Gate(worker)
    run = doubled(calls)
    jobs = [worker.submit(Job([i], run, key)) for i, key in enumerate(["a", "b", "a", None, None])]
    gate.opened.set()
    assert [job.future.result(5) for job in jobs] == [[0], [2], [4], [6], [8]]
    assert calls == [[0, 2], [1], [3], [4]]


def test_a_batch_has_an_end(worker):
    calls, gate = [], Gate(worker)
    run = doubled(calls)
    jobs = [worker.submit(Job([0] * (MOST_ITEMS // 2), run, "k")) for _ in range(3)]
    gate.opened.set()
    for job in jobs:
        job.future.result(5)
    assert [len(c) for c in calls] == [MOST_ITEMS, MOST_ITEMS // 2]


def test_one_that_fails_does_not_spoil_the_others(worker):
    def run(items):
        return [1 / i for i in items]

    gate = Gate(worker)
    jobs = [worker.submit(Job([i], run, "k")) for i in (1, 0, 4)]
    gate.opened.set()
    assert jobs[0].future.result(5) == [1.0]
    assert jobs[2].future.result(5) == [0.25]
    with pytest.raises(ZeroDivisionError):
        jobs[1].future.result(5)


def test_a_cancelled_job_is_never_run_and_frees_its_place(worker):
    calls, gate = [], Gate(worker)
    run = doubled(calls)
    jobs = [worker.submit(Job([i], run)) for i in range(8)]
    with pytest.raises(QueueFull) as full:
        worker.submit(Job([9], run))
    assert full.value.args[0] >= 1
    jobs[3].cancel()
    late = worker.submit(Job([9], run))
    gate.opened.set()
    assert late.future.result(5) == [18]
    assert jobs[3].gone.is_set()
    with pytest.raises(CancelledError):
        jobs[3].future.result(5)
    assert [3] not in calls
    assert len(calls) == 8


def test_stop_finishes_what_was_taken_and_takes_no_more():
    worker = Worker(8)
    worker.start()
    gate, calls = Gate(worker), []
    job = worker.submit(Job([1], doubled(calls)))
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    gate.opened.set()
    stopper.join(5)
    assert job.future.result(0) == [2]
    with pytest.raises(Stopping):
        worker.submit(Job([1], doubled(calls)))

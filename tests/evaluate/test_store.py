"""What was made is not made again."""

import numpy as np

from dimo.evaluate.store import Store


def test_the_store_makes_nothing_twice(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return [np.full((2, 3), 0.5), np.zeros((4, 3))]

    first = Store(tmp_path, {"a": 1}).arrays("x/1", make)
    again = Store(tmp_path, {"a": 1}).arrays("x/1", make)
    assert len(calls) == 1
    assert [a.tolist() for a in first] == [a.tolist() for a in again]
    Store(tmp_path, {"a": 2}).arrays("x/1", make)
    assert len(calls) == 2
    path = next(tmp_path.rglob("1.npz"))
    path.write_bytes(b"cut")
    Store(tmp_path, {"a": 1}).arrays("x/1", make)
    assert Store(tmp_path, {"a": 1}).texts("t", lambda: ["a", "b"]) == ["a", "b"]
    assert Store(tmp_path, {"a": 1}).texts("t", lambda: ["c"]) == ["a", "b"]

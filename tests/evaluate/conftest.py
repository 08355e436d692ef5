"""Clips and an evaluator whose numbers are known."""

import numpy as np
import pytest

from dimo import preset
from dimo.data.records import Caption, Clip
from dimo.evaluators.evaluator import Evaluator

BODY = preset("humanml3d")
REST = np.zeros((22, 3))
for _j, _p in enumerate(BODY.parents):
    REST[_j] = BODY.offsets[_j] + (REST[_p] if _p >= 0 else [0, 0.92, 0])


@pytest.fixture
def rest():
    """The standing body's positions (22, 3)."""
    return REST


@pytest.fixture
def clip():
    """A function that makes a standing body carried forward at number / 10 m/s."""

    def make(number: int, frames: int = 40, texts=("a person walks forward",), label="walk", split="test") -> Clip:
        joints = np.repeat(REST[None], frames, axis=0)
        joints[..., 2] += np.arange(frames)[:, None] * number / 200
        return Clip(f"c{number}", joints, 20.0, tuple(Caption(t) for t in texts), split, label=label)

    return make


@pytest.fixture
def numbered(clip):
    """A function that makes clips of which each caption names the speed."""
    return lambda count: [clip(n, texts=(f"speed {n}",), label=f"l{n}") for n in range(count)]


class Twin(Evaluator):
    """Gives a text "... N" and a motion of speed N / 10 m/s the same point, and texts without a number -1."""

    name, label = "twin", "not comparable"

    def embed_texts(self, captions):
        numbers = [(c.split() or [""])[-1] for c in captions]
        return np.array([[float(n) if n.isdigit() else -1.0, 0.0] for n in numbers])

    def features(self, joints):
        """The speed ahead alone, in the place that it has in HumanML3D features: the others take most of a test's time."""
        ahead = np.diff(joints[:, 0, 2], append=2 * joints[-1, 0, 2] - joints[-2, 0, 2])
        return ahead[:, None] * [0, 0, 1]

    def embed_motions(self, features):
        return np.array([[f[:, 2].mean() * 200, 0.0] for f in features])


@pytest.fixture
def twin():
    return Twin()


@pytest.fixture
def tables_of():
    """A function that makes a report of rows of cells: task, row, metric."""
    from dimo.evaluate.report import Report, Task

    return lambda **tasks: Report(tasks={name: Task(rows) for name, rows in tasks.items()})

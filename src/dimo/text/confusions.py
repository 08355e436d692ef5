"""Words that captions of motion are wrong about: each stands in one place with the others of its row.

Used to teach the model to doubt a caption (learn.joint) and to test whether it does (benchmarks).
"""

from __future__ import annotations

from collections import defaultdict

CONFUSIONS: tuple[tuple[str, ...], ...] = (
    ("left", "right"),
    ("forward", "backward"),
    ("forwards", "backwards"),
    ("ahead", "back"),
    ("walks", "runs", "jumps", "dances"),
    ("walking", "running", "jumping", "dancing"),
    ("walk", "run", "jump", "dance"),
    ("waves", "raises", "lowers"),
    ("waving", "raising", "lowering"),
    ("one", "both", "two"),
    ("hand", "foot", "arm", "leg"),
    ("hands", "feet", "arms", "legs"),
    ("slowly", "quickly"),
    ("slow", "fast"),
    ("up", "down"),
    ("once", "twice"),
    ("clockwise", "counterclockwise"),
)


def confusion_ids(vocabulary: dict[str, int]) -> dict[int, tuple[int, ...]]:
    """For the id of each of these words that is one piece of the vocabulary, the ids of the others of its rows."""
    out: dict[int, tuple[int, ...]] = defaultdict(tuple)
    for row in CONFUSIONS:
        ids = [vocabulary[w] for w in row if w in vocabulary]
        for i in ids:
            out[i] += tuple(j for j in ids if j != i)
    return {i: others for i, others in out.items() if others}

"""The task m2t: whole clips, pools of 32 in which motions compete for texts, two forms of references.

As in the public code of TM2T (Guo et al. 2022): rows of the pools are motions and columns texts, clips are not cropped, one
caption a clip. Captions of a system do not change from repeat to repeat; pools and the caption that stands for a clip in the
real row do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dimo.data.records import Clip
from dimo.evaluate.measure import REAL, Outcome, retrieval, summarise
from dimo.evaluate.protocol import Plan
from dimo.evaluate.report import Cell, Confusion
from dimo.evaluators.evaluator import Evaluator
from dimo.metrics import captions

NOTE = "raw: words as written; lem.: TM2T's lemmatised form, by dimo's tagger; the two do not compare"


def measure(
    said: Mapping[str, Sequence[str]], clips: Sequence[Clip], evaluator: Evaluator | None, plan: Plan
) -> dict[str, dict[str, Cell]]:
    """Cells of every row: said[name][i] is what it says of clips[i]. Rows "real" and "shuffled" are added in front.

    "real": one caption of a clip against its other ones (clips with one caption are left out of its scores); "shuffled": a
    caption of another clip.
    """
    references = [[c.text for c in clip.captions] for clip in clips]
    labels = [clip.label for clip in clips]
    states = None if evaluator is None else evaluator.states
    motions = None if evaluator is None else evaluator.embed_joints([np.asarray(c.joints, float) for c in clips])
    embedded = {} if evaluator is None else {n: evaluator.embed_texts(list(t)) for n, t in said.items()}
    scored = {n: captions.score(list(t), references, labels, states) for n, t in said.items()}
    outcomes: dict[str, list[Outcome]] = {REAL: [], "shuffled": [], **{n: [] for n in said}}
    for repeat in range(plan.repeats):
        generator = np.random.default_rng([plan.seed, repeat, 2])
        pick = [int(generator.integers(len(group))) for group in references]
        order = generator.permutation(len(clips))
        own = [group[p] for group, p in zip(references, pick, strict=True)]
        moved = [own[order[(k + 1) % len(order)]] for k in np.argsort(order)]
        rest = [group[:p] + group[p + 1 :] for group, p in zip(references, pick, strict=True)]
        has = [i for i, group in enumerate(rest) if group]
        several = repeat == 0 or states is None  # BERTScore of the real row once: it costs as much as all the rest
        for name, texts in ((REAL, own), ("shuffled", moved)):
            groups = rest if name == REAL else references
            use = has if name == REAL else list(range(len(clips)))
            whole, each = (
                captions.score(
                    [texts[i] for i in use],
                    [groups[i] for i in use],
                    [labels[i] for i in use],
                    states if several else None,
                )
                if use
                else ({}, {})
            )
            vectors = None if evaluator is None else evaluator.embed_texts(texts)
            outcomes[name].append(Outcome({**_found(motions, vectors, order, plan), **whole}, each))
        for name in said:
            whole, each = scored[name]
            outcomes[name].append(Outcome({**_found(motions, embedded.get(name), order, plan), **whole}, each))
    return {name: summarise(found) for name, found in outcomes.items()}


def _found(motions: np.ndarray | None, texts: np.ndarray | None, order: np.ndarray, plan: Plan) -> dict[str, float]:
    return {} if motions is None or texts is None else retrieval(motions[order], texts[order], plan.batch)


def confusion(said: Sequence[str], clips: Sequence[Clip]) -> Confusion:
    """The action of each clip's label (or first caption) against the one that its caption names."""
    truth = [captions.action_of(c.label or c.captions[0].text) for c in clips]
    found = captions.confusion(truth, [captions.action_of(t) for t in said])
    return Confusion(tuple(found["names"]), tuple(map(tuple, found["counts"])))

"""The protocol of a motion-to-text table: whole clips, pools of 32 in which motions compete for texts, two reference forms.

Method 6.6: rows of the pools are motions and columns texts, clips are not cropped, one caption a clip. Captions of a system do
not change from repeat to repeat; pools and the caption that stands for a clip in the real row do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dimo.data.records import Clip
from dimo.evaluate.protocol import Encoder, Outcome, Plan, embed_motions, summarise
from dimo.metrics import captions
from dimo.metrics import motion as metrics
from dimo.metrics import text as text_metrics

REAL = "real"


def run_texts(
    said: Mapping[str, Sequence[str]],
    clips: Sequence[Clip],
    encoder: Encoder | None,
    plan: Plan,
    states: tuple[str, text_metrics.Encode] | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Cells of every row: said[name][i] is what it says of clips[i]. Rows "real" and "shuffled" are added in front.

    "real": one caption of a clip against its other ones (clips with one caption are left out of its scores); "shuffled": a
    caption of another clip.
    """
    references = [[c.text for c in clip.captions] for clip in clips]
    labels = [clip.label for clip in clips]
    motions = None if encoder is None else embed_motions(encoder, [np.asarray(c.joints, float) for c in clips])
    embedded = {n: encoder.embed_texts(list(t)) for n, t in said.items()} if encoder is not None else {}
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
            vectors = None if encoder is None else encoder.embed_texts(texts)
            outcomes[name].append(Outcome({**_retrieval(motions, vectors, order, plan), **whole}, each))
        for name in said:
            whole, each = scored[name]
            outcomes[name].append(Outcome({**_retrieval(motions, embedded.get(name), order, plan), **whole}, each))
    return {name: summarise(found) for name, found in outcomes.items()}


def _retrieval(motions: np.ndarray | None, texts: np.ndarray | None, order: np.ndarray, plan: Plan) -> dict[str, float]:
    if motions is None or texts is None or len(order) < plan.batch:
        return {}
    rows, columns = motions[order], texts[order]
    top = metrics.r_precision(rows, columns, pool=plan.batch)
    return {f"r{k + 1}": float(v) for k, v in enumerate(top)} | {
        "mm_dist": metrics.matching_distance(rows, columns, plan.batch)
    }


def confusion(said: Sequence[str], clips: Sequence[Clip]) -> dict[str, Any]:
    """The action of each clip's label (or first caption) against the one that its caption names."""
    truth = [captions.action_of(c.label or c.captions[0].text) for c in clips]
    return captions.confusion(truth, [captions.action_of(t) for t in said])

"""What captions say: which action, which side, and the table of what was said for what was shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from dimo.metrics import caption_scores

ACTIONS: tuple[tuple[str, str], ...] = (
    ("dance", r"danc\w*|salsa|lambada|charleston|pirouette"),
    ("climb", r"climb\w*|clamber\w*|playground|jungle gym"),
    ("wave", r"wav(?:e|es|ing)|goodbye|bye|byebye"),
    ("bow", r"bow(?:s|ing)?|bends? (?:at the waist|forward)"),
    ("kick", r"kick\w*"),
    ("punch", r"punch\w*|box(?:es|ing)"),
    ("jump", r"jump\w*|leap\w*|hops?|hopping"),
    (
        "raise",
        r"rais\w*|lift\w*|puts? up|holds? up|reach\w*|stretch\w*|(?:hands?|arms?) (?:up|high|overhead)|"
        r"throws? (?:his|her|their|both|the)",
    ),
    (
        "turn",
        r"turn\w*|corner\w*|curv\w*|veer\w*|(?:change|switch)\w* direction|heads (?:left|right)|bends? (?:left|right)",
    ),
    ("walk back", r"(?:walk|step|mov|go)\w* (?:\w+ ){0,2}(?:back|backward|backwards)|back"),
    ("run", r"run\w*|jog\w*|sprint\w*|dash\w*|rush\w*"),
    (
        "walk",
        r"walk\w*|stroll\w*|steps?|strid\w*|pac(?:e|es|ing)|trudg\w*|shuffl\w*|march\w*|strut\w*|amble\w*|goes|moves|advanc\w*|heads",
    ),
    ("stand", r"stand\w*|still|motionless"),
)
"""Actions in the order in which a text is asked for them, and the words that name them."""
SIDED = ("wave", "raise", "turn", "kick", "punch")
SIDES = ("left", "right", "both")
OTHER = "other"


def action_of(text: str) -> str:
    """The first action of ACTIONS that a sentence or label names, with its side where it has one; "other" otherwise."""
    words = " ".join(re.findall(r"[a-z]+", text.lower()))
    for name, pattern in ACTIONS:
        if re.search(rf"\b(?:{pattern})\b", words):
            return f"{name} {side}" if name in SIDED and (side := side_of(words)) else name
    return OTHER


def side_of(text: str) -> str:
    """left, right, both, or empty where a text names no side or two."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    sides = words & {"left", "right"}
    if len(sides) == 1:
        return sides.pop()
    return "both" if not sides and words & {"both", "two", "hands", "arms"} else ""


def named(shown: str, caption: str) -> tuple[bool | None, bool | None]:
    """Whether a caption names the action of what is shown (a label, or a true sentence), and its side.

    The action of each is the first of ACTIONS that it names, so for a walk "walks" counts and "walks and waves" does not; ways
    of walking are not told apart. None where what is shown has no action, or no side, that could be named.
    """
    truth, said = action_of(shown).split(), action_of(caption).split()
    return (
        None if truth == [OTHER] else truth[0] == said[0],
        truth[-1] == side_of(caption) if truth[-1] in SIDES else None,
    )


def doubled(caption: str) -> bool:
    """Whether a caption says a word twice in a row: it is broken then, whatever it names."""
    return bool(re.search(r"\b(\w+) \1\b", caption))


def confusion(truth: Sequence[str], said: Sequence[str], most: int = 18) -> dict[str, Any]:
    """Counts (rows: shown, columns: said) of actions, the most frequent ones by name and the rest as "other"."""
    counts = Counter(truth)
    names = [n for n, _ in counts.most_common(most) if n != OTHER]
    names += [n for n, _ in Counter(said).most_common() if n not in names and n != OTHER][: max(0, most - len(names))]
    names = [*sorted(names), OTHER]
    at = {n: i for i, n in enumerate(names)}
    table = np.zeros((len(names), len(names)), int)
    for a, b in zip(truth, said, strict=True):
        table[at.get(a, len(names) - 1), at.get(b, len(names) - 1)] += 1
    return {"names": names, "counts": table.tolist()}


def score(
    guesses: Sequence[str],
    references: Sequence[Sequence[str]],
    labels: Sequence[str],
    states: tuple[str, caption_scores.Encode] | None = None,
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Numbers of the set, in percent where the field prints percent, and per caption: action and side named, words doubled.

    The action of a clip is that of its label, or where it has none of its first reference. states: name and function of the
    encoder for BERTScore.
    """
    whole: dict[str, float] = {}
    for short, protocol in (("raw", "raw"), ("lem", "lemmatised")):
        found = caption_scores.score_captions(guesses, references, protocol)  # type: ignore[arg-type]
        whole |= {
            f"bleu1_{short}": 100 * found.bleu[0],
            f"bleu4_{short}": 100 * found.bleu[3],
            f"rouge_l_{short}": 100 * found.rouge_l,
            f"cider_{short}": 100 * found.cider,
        }
    if states is not None:
        whole["bert_f1"] = 100 * caption_scores.bert_score(guesses, references, states[1], states[0]).f1
    found = [named(label or group[0], guess) for label, group, guess in zip(labels, references, guesses, strict=True)]
    action, side = (
        np.array([np.nan if v is None else float(v) for v in column]) for column in zip(*found, strict=True)
    )
    return whole, {"action": action, "side": side, "doubled_words": np.array([float(doubled(g)) for g in guesses])}

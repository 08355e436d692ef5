"""Which instruction checks a sentence or a label asks for: the few facts that words state beyond doubt.

A fact is a name and the checks that a motion with it fulfils, with thresholds that at least 95 % of real clips whose label
carries the fact pass (benchmarks/checks.json). Words that no fact covers ask for nothing: silent rather than wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

SLOW = (
    r"\b(elderly|old|aged|age|frailty|frail|tired|tiredly|exhausted|exhaustedly|worn|weary|wearily|granny|grandpa|"
    r"slow|slowly|trudg\w*|shuffl\w*)\b"
)
BRISK = r"\b(active|actively|briskly|brisk|energetically|energetic|fast|quickly)\b"
GENTLE = r"\b(feminine|femininely|gracefully|grace|daintily|dainty|gently|politely|shyly)\b"
_SIDE = r"(?P<side>left|right)"
_HAND = r"(?:hand|arm)"


@dataclass(frozen=True)
class Fact:
    """What a text states, and checks that hold together for a motion in which it is so."""

    name: str
    checks: tuple[dict[str, Any], ...]


def facts_of(text: str, style: str = "") -> tuple[Fact, ...]:
    """The facts of a sentence, or of a label such as "walk-turn-left".

    style: what is known of the manner beyond the words; it only makes facts milder (an elderly run is slow), never adds one.
    A text that joins actions ("and then", "while waving", "before", "after", a list with commas) states nothing here: its
    parts may take turns.
    """
    words = " ".join(re.findall(r"[a-z]+", text.lower()))
    if re.search(
        r"\b(then|before|after|afterwards|without|not|no|never|stops?|instead|while (?!completely|worn))\b", words
    ):
        return ()
    if text.count(",") > 1:
        return ()
    manner = f"{words} {style.lower()}"
    return (*_way(words, manner), *_hands(words, manner), *_body(words))


def checks_of(text: str, style: str = "") -> list[dict[str, Any]]:
    """All checks of a text's facts, or none."""
    return [check for fact in facts_of(text, style) for check in fact.checks]


def _way(words: str, manner: str) -> list[Fact]:
    if re.search(r"\b(runs?|running|jogs?|jogging|sprints?|sprinting|dash|dashes|dashing)\b(?! ?way)", words):
        if re.search(r"\bwalk", words):
            return []  # now one, now the other
        # An old actor's run is slower than an active one's walk: 75th percentiles from 1.27 m/s on.
        least = 1.2 if re.search(SLOW, manner) else 1.6
        name = "run, old or tired" if least == 1.2 else "run"
        return [Fact(name, (_forward(), {"check": "speed", "min_mps": least}))] if _ahead(words) else []
    if not re.search(r"\b(walks?|walking|strolls?|strolling|strides?|striding)\b", words):
        return []
    if re.search(r"\b(back|backward|backwards|reverse)\b", words):
        turns = re.search(r"\b(forward|and|circle|turns?)\b", words)
        return [] if turns else [Fact("walk back", ({"check": "travel", "direction": "backward"},))]
    turn = re.search(
        rf"\bturn(?:s|ing)? (?:to the |to their |to his |to her )?{_SIDE}\b|\b{_SIDE.replace('side', 'other')} turn\b",
        words,
    )
    if turn:
        side = turn["side"] or turn["other"]
        return [Fact(f"walk, turn {side}", (_forward(), {"check": "turn", "side": side, "min_deg": 30}))]
    drift = re.search(rf"^walk {_SIDE}\b|diagonally (?:to the )?{_SIDE.replace('side', 'other')}\b", words)
    if drift:
        side = drift["side"] or drift["other"]
        return [Fact(f"walk, drift {side}", ({"check": "side_step", "side": side},))]
    if not _ahead(words) or re.search(
        r"\b(turns?|turning|veer|veers|corner|circle|curve|curves|around|direction)\b", words
    ):
        return []
    facts = [Fact("walk", (_forward(),))]
    if re.search(SLOW, words):
        facts.append(Fact("walk, slow", ({"check": "speed", "max_mps": 1.4},)))
    elif re.search(BRISK, words) and not re.search(SLOW, manner):
        facts.append(Fact("walk, brisk", ({"check": "speed", "min_mps": 1.2},)))
    return facts


def _ahead(words: str) -> bool:
    return not re.search(r"\b(left|right|back|backward|backwards|sideways|place|spot|zombie|terrain|dribble)\b", words)


def _forward() -> dict[str, Any]:
    return {"check": "travel", "direction": "forward"}


def _hands(words: str, manner: str) -> list[Fact]:
    raised = r"(?:raises?|raising|lifts?|lifting|raise up|raises up|puts? up|holds? up)"
    waved = r"(?:waves?|waving)"
    for verb, check, name in ((raised, "raise_hand", "raise"), (waved, "wave", "wave")):
        if not re.search(rf"\b{verb}\b", words):
            continue
        both = re.search(r"\b(both|two) (hands|arms)\b", words)
        one = re.search(rf"\b{_SIDE} {_HAND}\b", words)
        sides = set(re.findall(r"\b(left|right)\b", words))
        if both and not sides:
            return _hand(name, check, "both", manner)
        if one and len(sides) == 1 and not both:
            return _hand(name, check, one["side"], manner)
    return []


def _hand(name: str, check: str, side: str, manner: str) -> list[Fact]:
    hand = f"{name} both hands" if side == "both" else f"{name} {side} hand"
    facts = [Fact(hand, ({"check": check, "side": side},))]
    if check == "wave" and not re.search(GENTLE, manner):
        # Half of all raised hands pass wave and none passes waving, but a gentle wave moves less than the wrist shows.
        facts.append(Fact(f"{hand}, not only raised", ({"check": "waving", "side": side},)))
    return facts


_LOW = {"check": "low", "share": 0.22, "seconds": 0.2}
_ACTIONS: tuple[tuple[str, str, tuple[dict[str, Any], ...]], ...] = (
    ("bow", r"\b(bow|bows|bowing)\b", ({"check": "bow", "deg": 25},)),
    ("punch", r"\b(punch|punches|punching)\b", ({"check": "punch", "side": "any"},)),
    ("sit", r"\b(sits|sit|sitting) down\b|\btakes? a seat\b|\bsit to stand\b", ({"check": "low"},)),
    ("squat", r"\b(squat|squats|squatting)\b|\bdeep knee bend", (_LOW,)),
    (
        "lunge",
        r"\binline lunge\b|\b(does|do|doing) (a|one) lunge\b",
        ({"check": "low", "share": 0.18, "seconds": 0.2},),
    ),
    ("lie down", r"\b(lies?|lying|lays) down\b", ({"check": "lie"},)),
    (
        "fall down",
        r"\b(falls?|falling) (down|over|to the (floor|ground)|(for|back)wards?)\b|\bknocked out\b",
        ({"check": "fall"},),
    ),
    (
        "reach the floor",
        r"\b(puts?|picks?|places?|sets?) (up |down )?(something|an object|a box|it) (up |down )?(on|from|off) the (floor|ground)\b",
        ({"check": "reach_floor"},),
    ),
    (
        "throw",
        r"\bthrows? (a|an|the) (ball|baseball|object|rock|stone)\b|\bthrows? (something|left|right)\b",
        ({"check": "throw"},),
    ),
    ("cartwheel", r"\b(cartwheels?|handstand)\b", ({"check": "inverted"},)),
    ("push-up", r"\bpush ?ups?\b", ({"check": "pushup"},)),
    ("crawl", r"\b(crawl|crawls|crawling)\b", ({"check": "crawl"},)),
    ("clap", r"\b(clap|claps|clapping)\b", ({"check": "clap"},)),
    ("walk in a circle", r"\b(walks?|walking|jogs?|runs?)( around)? (in a |a full )?circle\b", ({"check": "circle"},)),
)
"""Name, words and checks of what the whole body does."""


def _body(words: str) -> list[Fact]:
    out = [Fact(name, checks) for name, pattern, checks in _ACTIONS if re.search(pattern, words)]
    if re.search(r"\b(high|tall|stools?)\b", words):
        out = [fact for fact in out if fact.name != "sit"]  # nobody goes low for a bar stool
    kick = re.search(rf"\bkick(?:s|ing)?\b.*\b(?:with|using) (?:the |his |her |their )?{_SIDE} (?:leg|foot)\b", words)
    if kick and "ball" not in words.split():  # a ball on the ground is kicked low
        out.append(Fact(f"kick with the {kick['side']} leg", ({"check": "kick", "side": kick["side"]},)))
    if re.search(r"\b(jump|jumps|jumping|leap|leaps|hops?)\b", words) and not re.search(
        r"\b(rope|jacks?|down|over|try\w*|grab)\b", words
    ):
        ahead = re.search(r"\b(jumps?|leaps?|hops?) (forwards?|ahead)\b|\bforward jump\b", words)
        out.append(Fact("jump forward", ({"check": "leap_forward"},)) if ahead else Fact("jump", ({"check": "leap"},)))
    return [*out, *_counts(words)]


def _counts(words: str) -> list[Fact]:
    """How often: said of jumps, squats, claps and bows, which can be counted."""
    numbers = {"once": 1, "twice": 2, "two": 2, "three": 3, "four": 4, "five": 5}
    verbs = {"jump": r"jumps?|jumping", "squat": r"squats?", "clap": r"claps?", "bow": r"bows?"}
    out = []
    for of, verb in verbs.items():
        told = re.search(rf"\b(?:{verb})\b(?: \w+)? (?:(once|twice)|(two|three|four|five) times)\b", words)
        told = told or re.search(rf"\bdo(?:es|ing)? ()(two|three|four|five) (?:{verb})\b", words)
        if told:
            count = numbers[told[1] or told[2]]
            out.append(Fact(f"{of} {count} times", ({"check": "repeat", "of": of, "count": count},)))
    return out

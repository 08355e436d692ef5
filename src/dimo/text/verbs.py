"""Forms of the verbs of motion, and the verbs of a sentence's clauses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

VERBS = (
    "act advance aim alternate amble answer appear applaud approach ascend attack avoid balance bang beat beckon "
    "beg begin bend block blow bounce bow box bring brush carry cartwheel cast catch change chat check cheer chop circle clap "
    "clasp clean climb close collapse come conduct continue cough cover crash crawl creep cross crouch cry dance dash "
    "descend die dig do dodge drag draw dribble drink drive drop duck eat exercise extend fall fight flap flex flip "
    "fold gather gesture get give glance go grab grasp greet hammer hang haul hide hit hobble hold hop hug hurl hurry "
    "imitate jab jog juggle jump keep kick kneel knock land laugh lay lean leap leave lie lift limp listen look lower "
    "lunge make march mime mix move nod open pace paint pantomime parry pat pause peek perform pet pick pitch pivot place "
    "play plod point pose practice practise pray press pretend propose pull pump punch push put raise reach read relax "
    "release remain rest rise rotate rub run salute saunter scramble scratch scrub serve set shade shake shift shiver "
    "shoot shove show shrug shuffle sidestep sigh signal simulate sing sit skip slap slide slip slouch sneak sneeze "
    "spin sprint squat stagger stand start stay step stir stomp stoop stop straighten stretch stride strike stroll "
    "struggle strut stumble surrender swat sway sweep swim swing take talk tap think throw tilt tiptoe toss touch tremble "
    "trip trot trudge tumble turn twirl twist type use vomit waddle wait walk wander warm wash wave wiggle wipe "
    "wobble write yawn"
).split()
_THIRD = {"be": "is", "do": "does", "go": "goes", "have": "has"}
# fmt: off
_PAST = {
    "be": "was",
    "beat": "beat", "begin": "began", "bend": "bent", "blow": "blew", "bring": "brought", "catch": "caught", "come": "came",
    "creep": "crept", "dig": "dug", "do": "did", "draw": "drew", "drink": "drank", "drive": "drove", "eat": "ate",
    "fall": "fell", "fight": "fought", "get": "got", "give": "gave", "go": "went", "hang": "hung", "hit": "hit",
    "hold": "held", "keep": "kept", "kneel": "knelt", "lay": "laid", "leave": "left", "lie": "lay", "make": "made",
    "put": "put", "rise": "rose", "run": "ran", "shake": "shook", "shoot": "shot", "sing": "sang", "sit": "sat",
    "slide": "slid", "sneak": "sneaked", "spin": "spun", "stand": "stood", "stride": "strode", "strike": "struck",
    "sweep": "swept", "swim": "swam", "swing": "swung", "take": "took", "throw": "threw", "write": "wrote",
    "arise": "arose", "bear": "bore", "bid": "bid", "burst": "burst", "bust": "bust", "cast": "cast", "fling": "flung",
    "freeze": "froze", "have": "had", "let": "let", "lose": "lost", "pay": "paid", "say": "said", "sink": "sank",
    "slink": "slunk", "sling": "slung", "spread": "spread", "spring": "sprang", "steal": "stole", "stick": "stuck",
    "set": "set", "hide": "hid", "tear": "tore", "thrust": "thrust", "tread": "trod", "weave": "wove", "weep": "wept",
}
# fmt: on
_DOUBLES = re.compile(r"(?:^|[^aeiou]|qu)[aeiou][^aeiouwxy]$")
"""A short word's last consonant doubles before -ing and -ed where one vowel stands before it: stop, hop, squat."""
_NOT_DOUBLED = frozenset(
    (
        "answer beckon caper clamber clobber cover cower deliver deposit favor gallop gather hammer hasten hunker "
        "chatter enter flutter hover linger limber loosen lower offer open pivot ponder quiver saunter scamper shiver "
        "shudder signal slither stagger straighten suffer surrender teeter totter wallop wander whisper"
    ).split()
)
ENDS = ",;."
"""What may stand behind a word."""
LEADING = frozenset(("first", "then", "also", "just"))
"""What may stand before a clause's verb, beside words in -ly."""
_JOINS = frozenset(("and", "then"))


def ending(word: str) -> str:
    """What stands behind a word: a comma, a full stop, or nothing."""
    return word[len(word.rstrip(ENDS)) :]


def third_person(verb: str) -> str:
    """The form after he or she: walks, reaches, carries."""
    if verb in _THIRD:
        return _THIRD[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def gerund(verb: str) -> str:
    """The form in -ing: walking, sitting, waving, lying."""
    if verb == "be":
        return "being"
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return verb + _doubled(verb) + "ing"


def past(verb: str) -> str:
    """The form of what is over: walked, sat, carried."""
    if verb in _PAST:
        return _PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if re.search(r"[^aeiou]y$", verb) else verb + _doubled(verb) + "ed"


def _doubled(verb: str) -> str:
    return verb[-1] if _DOUBLES.search(verb) and verb not in _NOT_DOUBLED else ""


THIRDS = {third_person(v): v for v in VERBS}
GERUNDS = {gerund(v): v for v in VERBS}
BASES = {v: v for v in VERBS}
PASTS = {form: v for v in VERBS if (form := past(v)) not in (*BASES, "left", "saw")} | {
    "leapt": "leap",
    "leant": "lean",
}
"""Forms to verbs. Forms of the past that mean something else too ("left", "put") are not among them."""


@dataclass(frozen=True)
class Clauses:
    """The words of a sentence behind its subject, and for the places of its clauses' verbs their base forms."""

    words: tuple[str, ...]
    verbs: dict[int, str]

    def said(self, form: Callable[[str], str]) -> str:
        """The words with the verbs in a form; what stands behind a verb, such as a comma, stays there."""
        words = list(self.words)
        for i, verb in self.verbs.items():
            words[i] = form(verb) + ending(words[i])
        return " ".join(words)


def leads(word: str) -> bool:
    """Whether a word, without what stands behind it, may stand before a clause's verb: slowly, then."""
    return word in LEADING or word.endswith("ly")


def clauses(words: Sequence[str], tables: Sequence[Mapping[str, str]]) -> Clauses | None:
    """The verbs that begin clauses, all in the form of the first one; None where the words do not begin with a verb known here.

    tables: forms to verbs; the first one that holds the first verb is that of the sentence. Clauses begin at the beginning and
    behind "and", "then" and commas: "walks forward, turns and waves" has three, "waves the arms and legs" one.
    """
    forms: Mapping[str, str] = {}
    verbs: dict[int, str] = {}
    ready = True
    for i, word in enumerate(words):
        plain = word.rstrip(ENDS)
        if ready and not verbs:
            forms = next((table for table in tables if plain in table), {})
        if ready and plain in forms:
            verbs[i] = forms[plain]
            ready = False
        elif ready and not leads(plain):
            if not verbs:
                return None
            ready = False
        ready = ready or plain in _JOINS or word != plain
    return Clauses(tuple(words), verbs) if verbs else None

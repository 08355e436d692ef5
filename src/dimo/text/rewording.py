"""Sentences in other words: another subject, another name for what is done, another mood, a frame around them, and what people
add that says nothing of motion.

Captions speak of "a person" in the third person. Who asks for motion writes "she is waving", "wave", "make the knight wave" or
"a farmer waves at the station": the same motion. Only what the model is asked is said in other words, never what it is to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimo.text.synonyms import otherwise
from dimo.text.verbs import GERUNDS, THIRDS, Clauses, clauses, gerund, third_person

# ---- words


@dataclass(frozen=True)
class Words:
    """Who moves, and what is added that changes nothing."""

    people: Sequence[str]
    men: Sequence[str]
    women: Sequence[str]
    additions: Sequence[str]


WORDS = Words(
    people=(
        *("a person", "the person", "someone", "somebody", "a human", "the figure", "the subject", "the character"),
        *("my character", "our character", "the avatar", "an npc", "the npc", "the hero", "our hero", "the villain"),
        *("an actor", "the actor", "the performer", "a worker", "a farmer", "a nurse", "a teacher", "the teacher"),
        *("a student", "a knight", "the knight", "a warrior", "a wizard", "a pirate", "a police officer", "a cowboy"),
        *("a singer", "a chef", "the chef", "a villager", "an astronaut", "a doctor", "the doctor", "a builder"),
        *("a shopkeeper", "a hunter", "a scientist", "a pilot", "a referee", "a coach", "a merchant", "an enemy"),
        *("a friend", "my friend", "a stranger", "a customer", "the customer", "a hiker", "a visitor", "a clerk"),
        *("an archer", "a viking", "an elf", "a detective", "a spy", "a teenager", "an adult", "an employee"),
        *("a cyclist", "a driver", "a swimmer", "a skater", "the leader", "the artist", "a prisoner", "a mechanic"),
        *("alex", "sam", "robin", "charlie", "the model", "the user", "the mannequin", "a young person"),
    ),
    men=(
        *(
            "he",
            "he",
            "he",
            "he",
            "a man",
            "the man",
            "a guy",
            "the guy",
            "this guy",
            "a boy",
            "the boy",
            "a young man",
        ),
        *("a gentleman", "the king", "a prince", "my brother", "john", "tom", "david", "a monk", "a businessman"),
        *("his father", "an uncle", "the old king", "a tall man", "a bearded man"),
    ),
    women=(
        *("she", "she", "she", "she", "a woman", "the woman", "a young woman", "the queen", "my mother", "anna"),
        *("maria", "emma", "a businesswoman", "a witch", "an actress", "the actress", "a schoolgirl", "her aunt"),
        *("a tall woman", "the bride"),
    ),
    additions=(
        *("in the street", "in the park", "in a room", "in the kitchen", "at home", "at the office", "at school"),
        *("on a stage", "outside", "in the garden", "in front of a house", "by the door", "near the window"),
        *("at the station", "on the beach", "in the forest", "at a party", "next to a car", "in the rain"),
        *("on a sunny day", "at night", "in the morning", "before lunch", "after work", "for a while"),
        *("for the camera", "for fun", "out of habit", "when the bell rings", "as the music plays", "this time"),
        *("to impress a friend", "to pass the time", "while others watch", "in a large hall", "on the sidewalk"),
        *("at the gym", "during practice", "in the middle of the room", "with confidence", "on the grass"),
        *("as part of a game", "in a video game", "like in a film", "in the background", "for the director"),
        *("with nobody around", "in the yard", "on the platform", "as if nobody was watching", "please"),
    ),
)
_REFLEXIVES = {"their": "themselves", "his": "himself", "her": "herself", "your": "yourself"}
THEY = 0.06
"""Share of the sentences about one person that say "they"."""
RENAMED = 0.4
"""Share of what is done, where it has another name (text/synonyms.py), that is called by it."""

# ---- sentences

_SUBJECT = re.compile(
    r"^(?:(?:(?:a|the|this) )?(?:person|man|woman|figure|human|subject|individual|character|guy|sim)"
    r"|someone|somebody|he|she)(?: (?:is|was))? (?=\w)(?!who\b|that\b|in\b|with\b|on\b|and\b|is\b|was\b|has\b|had\b)"
)
_AGAIN = re.compile(r"\b(?:he|she|they)\b")
_POSSESSIVE = re.compile(r"\b(?:his|her|their)\b(?=\s+(?!(?:and|while|then|with|in|on|at|to)\b))")
_REFLEXIVE = re.compile(r"\b(?:himself|herself|themselves|themself)\b")
SHORT = 14
"""Words to which something may be added: a long sentence has enough to say."""


def parse(text: str) -> Clauses | None:
    """A caption in plain form (text.normalise) by its verbs; None where it is not about one person, or has no verb known here."""
    subject = _SUBJECT.match(text)
    return clauses(text[subject.end() :].split(), (THIRDS, GERUNDS)) if subject else None


def reword(text: str, generator: np.random.Generator, words: Words = WORDS, renamed: float = RENAMED) -> str:
    """The sentence said in other words; as it is where it has no form that is known here, or perhaps with something added.

    renamed: share of what is done, where it has another name, that is called by it.
    """
    before, comma, rest = text.partition(", ")
    found = parse(text)
    led = found is None and bool(comma) and not _SUBJECT.match(before)  # "slowly, a person walks"
    found = parse(rest) if led else found
    # Where somebody is spoken of again ("and then he"), the subject stays what it is.
    if found is None or _AGAIN.search(" ".join(found.words)):
        return _added(text, generator, words)
    found = otherwise(found, generator, renamed)
    kind = int(generator.choice(3, p=(0.5, 0.25, 0.25)))
    people = (words.people, words.men, words.women)[kind]
    subject, whose = people[int(generator.integers(len(people)))], ("their", "his", "her")[kind]
    if led:
        return f"{before}, {_of(f'{subject} {found.said(third_person)}', whose)}"
    if generator.random() < THEY:
        subject, whose = "they", "their"
    return _added(_of(*_in_mood(found, subject, whose, generator)), generator, words)


def _of(said: str, whose: str) -> str:
    """The sentence with possessives and reflexives of whoever it is about."""
    return _REFLEXIVE.sub(_REFLEXIVES[whose], _POSSESSIVE.sub(whose, said))


def _in_mood(found: Clauses, subject: str, whose: str, generator: np.random.Generator) -> tuple[str, str]:
    """The sentence told, asked for or ordered, and whose body it speaks of."""
    base, doing = found.said(lambda verb: verb), found.said(gerund)
    plural = subject == "they"
    whom = {"he": "him", "she": "her", "they": "them"}.get(subject, subject)
    mood = generator.random()
    if mood < 0.5:
        return f"{subject} {base if plural else found.said(third_person)}", whose
    if mood < 0.65:
        return f"{subject} {'are' if plural else 'is'} {doing}", whose
    if mood < 0.82:
        return (doing if mood > 0.75 or whom != subject else f"{subject} {doing}"), whose
    if mood < 0.92:
        return base, "your" if generator.random() < 0.5 else whose
    frames = (
        *(f"make {whom} {base}", f"let {whom} {base}", f"show {whom} {doing}", f"animate {whom} {doing}"),
        *(f"i want {whom} to {base}", f"{subject} should {base}", f"i see {whom} {doing}"),
        *(f"an animation of {whom} {doing}", f"a clip of {whom} {doing}"),
    )
    return frames[int(generator.integers(len(frames)))], whose


def _added(text: str, generator: np.random.Generator, words: Words) -> str:
    if len(text.split()) > SHORT or generator.random() > 0.3:
        return text
    addition = words.additions[int(generator.integers(len(words.additions)))]
    return f"{addition}, {text}" if generator.random() < 0.15 else f"{text} {addition}"

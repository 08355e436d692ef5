"""Parts of speech and base forms of the words of motion captions, by word lists and endings."""

from __future__ import annotations

import re

_CLOSED = {
    "DET": "a an the his her their its this that these those another each some any no both all",
    "PRON": "he she it they him them someone somebody himself herself themselves itself who one i you",
    "ADP": (
        "in on at to from with by of for into over around up down across through towards toward behind above "
        "below after before like as while out off"
    ),
    "AUX": "is are was were be been being has have had does do did can could will would may might must",
    "NUM": "one two three four five six seven eight nine ten",
    "ADV": (
        "forward forwards backward backwards ahead straight then slowly quickly again once twice sideways "
        "back away first very briskly fast together afterwards"
    ),
    "ADJ": (
        "left right old young slow fast happy angry tired big small normal straight exhausted both several "
        "few high low"
    ),
    "NOUN": (
        "person man woman figure human hand hands arm arms leg legs foot feet head body side circle step "
        "steps direction way pace corner turn bow wave line degrees times air knees"
    ),
}  # fmt: skip
_TAGS = {word: tag for tag, words in reversed(_CLOSED.items()) for word in words.split()}


def tag(word: str, previous: str) -> str:
    """Universal part of speech of a lower-case word by word lists and endings.

    HumanML3D used spaCy; this small tagger is right for the closed classes and for most of what motion captions hold.
    After a subject, a word in -s or a bare verb is a verb; after a determiner it is a noun.
    """
    if previous in ("DET", "ADJ", "NUM") and word not in _TAGS:
        return "NOUN"
    if word in _TAGS:
        return _TAGS[word]
    if word.endswith("ly"):
        return "ADV"
    if word.endswith(("s", "ing", "ed")) and previous in ("NOUN", "PRON", "ADV", "VERB", "AUX", "CCONJ", ""):
        return "VERB"
    if word in ("and", "or", "but"):
        return "CCONJ"
    return "NOUN" if previous in ("ADP", "VERB") else "VERB"


_SILENT_E = re.compile(r"(v|c|z|[auc]is|os|us|at|ak|rid|lid|uid|ik|ok|yp|op|[bcdfgkptz]l)$")
"""Ends of stems that lost an e before -ing: wav(e), danc(e), rais(e), rotat(e), tak(e), strid(e), juggl(e)."""
_NO_E = frozenset("look cook hook eat beat treat float repeat lean jump hop stop skip clap step drop".split())


def lemma(word: str, part: str) -> str:
    """Base form of a regular noun or verb; "left" stays, as in the public preparation."""
    if part not in ("NOUN", "VERB") or word == "left" or len(word) < 4:
        return word
    if part == "VERB" and word.endswith("ing"):
        stem = word[:-3]
        if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "ls":
            return stem[:-1]
        return stem + "e" if _SILENT_E.search(stem) and stem not in _NO_E else stem
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word

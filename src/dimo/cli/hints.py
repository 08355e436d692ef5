"""What a user may have meant: close words for verbs, flags and choices, and quotes around a sentence."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches

SENTENCES = ("generate", "correct", "search")
"""Verbs that take a sentence as an argument."""


def closest(word: str, choices: Sequence[str]) -> str:
    """ "; did you mean 'generate'?" for a word that is nearly one of the choices, else nothing."""
    found = get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def of_choice(message: str) -> str:
    """A complaint of argparse about a choice, with the close one instead of all of many."""
    found = re.fullmatch(r"(argument .*: invalid choice: )('[^']*') \(choose from (.*)\)", message)
    if not found:
        return message
    choices = re.findall(r"[\w.-]+", found[3])
    hint = closest(found[2].strip("'"), choices)
    return f"{found[1]}{found[2]}{hint or f' (choose from {found[3]})'}"


def of_extra(extra: Sequence[str], args: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """What is said about arguments that a verb's parser does not know."""
    message = f"unrecognized arguments: {' '.join(extra)}"
    first = extra[0]
    if first.startswith("-"):
        flag, _, _ = first.partition("=")
        return message + closest(flag, sorted(set(re.findall(r"--[\w-]+", parser.format_usage()))))
    words = [w for w in extra if not w.startswith("-")]
    if getattr(args, "text", None) and (args.verb in SENTENCES or words):
        before = [args.text]
        if args.verb == "search":  # TEXT FOLDER: the folder is what came last
            before, words = [args.text, str(args.folder)], words[:-1]
        sentence = " ".join([*before, *words])
        return f'{message}; a sentence needs quotes: "{sentence}"'
    return message

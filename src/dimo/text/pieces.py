"""The vocabulary of a BERT or ALBERT checkpoint folder as word pieces in the order of their ids.

ALBERT comes with a SentencePiece vocabulary. Its pieces are used as word pieces, those that begin a word ("▁walk") as
"walk" and those inside a word ("ing") as "##ing". WordPiece takes the longest piece first where SentencePiece takes the
likeliest split, so long words may fall into other parts than in the checkpoint's own training; common words are one piece.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dimo.errors import WeightsError

WORD_BEGINS = "▁"  # U+2581, SentencePiece's mark of the space before a word
SPECIALS = {"<pad>": "[PAD]", "<unk>": "[UNK]"}
"""ALBERT's names of pieces that BERT has too. Both call the others [CLS], [SEP] and [MASK]."""


def read_pieces(folder: Path) -> list[str]:
    """Pieces of vocab.txt, else of tokenizer.json; WeightsError where there is neither, or none of these two kinds."""
    path = folder / "vocab.txt"
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise WeightsError(f"{path}: the vocabulary cannot be read ({error})") from None
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise WeightsError(f"{folder}: needs vocab.txt or tokenizer.json beside the weights")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        kind, vocabulary = facts["model"].get("type"), facts["model"]["vocab"]
        if kind == "WordPiece":
            return in_order(vocabulary)
        if kind == "Unigram":
            return as_word_pieces([str(piece) for piece, _ in vocabulary])
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: not a tokenizer that can be read ({error!r})") from None
    raise WeightsError(f"{path}: holds a tokenizer of type {kind!r}; WordPiece and Unigram are read")


def in_order(vocabulary: Mapping[str, int]) -> list[str]:
    """Pieces by id; ids that no piece has get a name that no text holds."""
    named = {int(i): piece for piece, i in vocabulary.items()}
    return [named.get(i, f"[unused{i}]") for i in range(max(named, default=-1) + 1)]


def as_word_pieces(pieces: Sequence[str]) -> list[str]:
    """SentencePiece's pieces as WordPiece writes them, each name once."""
    out: list[str] = []
    seen: set[str] = set()
    for i, piece in enumerate(pieces):
        if piece in SPECIALS or (piece.startswith("[") and piece.endswith("]")):
            name = SPECIALS.get(piece, piece)
        elif piece.startswith(WORD_BEGINS):
            name = piece[1:]
        else:
            name = f"##{piece}"
        if name in ("", "##") or name in seen:
            name = f"[unused{i}]"
        seen.add(name)
        out.append(name)
    return out


def places_for(pieces: Sequence[str], wanted: Mapping[str, int]) -> list[int]:
    """An order of the ids, a few of them exchanged, in which each wanted piece has the wanted id.

    Entry i says which old id comes to stand at i. WeightsError where a wanted piece, or room for it, is missing.
    """
    order = list(range(len(pieces)))
    at = {piece: i for i, piece in enumerate(pieces)}
    missing = [w for w in wanted if w not in at]
    if missing or len(pieces) <= max(wanted.values(), default=-1):
        raise WeightsError(
            f"the vocabulary lacks {', '.join(missing)}"
            if missing
            else f"the vocabulary has {len(pieces)} pieces; more than {max(wanted.values())} are needed"
        )
    for piece, place in wanted.items():
        here = order.index(at[piece])
        order[here], order[place] = order[place], order[here]
    return order

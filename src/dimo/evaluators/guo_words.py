"""What the evaluator of Guo et al. reads of a text: 20 words as vectors with their parts of speech."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dimo.data import layout
from dimo.errors import FormatError, ShapeError
from dimo.formats.files import read_text

LONGEST = 20
"""Words that are read; a longer caption is cut."""
PLACES = LONGEST + 2  # with sos and eos
PARTS = "VERB NOUN DET ADP NUM AUX PRON ADJ ADV Loc_VIP Body_VIP Obj_VIP Act_VIP Desc_VIP OTHER".split()
_VIP = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": (
        "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise wash stand "
        "kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb"
    ),
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
VIP = {word: part for part, words in _VIP.items() for word in words.split()}
"""Words with a class of their own, whatever their part of speech."""
WORD_LIMIT_BYTES = 64 * 2**20
UNKNOWN = "unk"


def tokens(caption: str) -> list[str]:
    """`word/POS` of a caption without published tags, by dimo's tagger: spaCy, which made the published ones, may differ
    in some tags, so take the tokens of a data set's text files where there are any."""
    return layout.text_line(caption).split("#")[1].split()


class WordVectors:
    """Vectors (V, E) and the row of each word; `unk` stands for all others."""

    def __init__(self, vectors: np.ndarray, rows: dict[str, int]):
        vectors = np.asarray(vectors, np.float32)
        if vectors.ndim != 2:
            raise ShapeError(f"word vectors must have shape (V, E), not {vectors.shape}")
        if UNKNOWN not in rows:
            raise FormatError(f"the word list lacks {UNKNOWN!r}, which stands for words that are not in it")
        wrong = [w for w, i in rows.items() if not 0 <= i < len(vectors)]
        if wrong:
            raise FormatError(f"the word {wrong[0]!r} is in row {rows[wrong[0]]}, and there are {len(vectors)} vectors")
        self.vectors, self.rows = vectors, rows

    @staticmethod
    def from_folder(folder: Path, prefix: str = "our_vab") -> WordVectors:
        """The published GloVe excerpt: PREFIX_data.npy, and PREFIX.json (word to row) or PREFIX_words.txt (a word a line).

        The published word lists are pickles, which can run code and are never opened here; the error says how to convert.
        """
        path = folder / f"{prefix}_data.npy"
        try:
            vectors = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(f"not a readable array of word vectors ({error})", path=path) from None
        for words in (folder / f"{prefix}.json", folder / f"{prefix}_words.txt"):
            if words.is_file():
                return WordVectors(vectors, read_words(words))
        raise FormatError(
            f'holds no {prefix}.json; where you trust the published pickle, make one with python -c "import json, pickle; '
            f"json.dump(pickle.load(open('{prefix}_idx.pkl', 'rb')), open('{prefix}.json', 'w'))\"",
            path=folder,
        )

    def encode(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
        """Vectors (22, E), one-hot parts (22, 15) and the length of `word/POS` tokens, sos and eos counted, padding not."""
        framed = ["sos/OTHER", *words[:LONGEST], "eos/OTHER"]
        padded = framed + [f"{UNKNOWN}/OTHER"] * (PLACES - len(framed))
        rows, parts = np.empty(PLACES, int), np.zeros((PLACES, len(PARTS)), np.float32)
        for i, token in enumerate(padded):
            word, _, part = token.rpartition("/")
            known = word in self.rows
            part = VIP.get(word, part) if known else "OTHER"
            rows[i] = self.rows[word if known else UNKNOWN]
            parts[i, PARTS.index(part if part in PARTS else "OTHER")] = 1
        return self.vectors[rows], parts, len(framed)


def read_words(path: Path) -> dict[str, int]:
    """Word to row from a .json (an object, or a list in the order of the rows) or a text file of one word a line."""
    text = read_text(path, WORD_LIMIT_BYTES)
    if path.suffix != ".json":
        return {word.strip(): i for i, word in enumerate(text.splitlines())}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not valid JSON ({error})", path=path) from None
    if isinstance(data, list) and all(isinstance(w, str) for w in data):
        return {word: i for i, word in enumerate(data)}
    if isinstance(data, dict) and all(type(i) is int for i in data.values()):
        return data
    raise FormatError("must hold a list of words, or an object of word to row number", path=path)

"""Text to word-piece ids and back, with BERT's uncased rules (Devlin et al. 2019), by the `tokenizers` library."""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import Tokenizer, decoders
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from dimo.errors import WeightsError
from dimo.text.language import looks_foreign

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
UNKNOWN_LIMIT = 0.3
"""Share of unknown or single-letter pieces above which a text is taken to be not English."""


class Wordpiece:
    """A vocabulary and its tokenizer; ids are without [CLS] and [SEP]."""

    def __init__(self, vocabulary: dict[str, int]):
        missing = [s for s in SPECIALS if s not in vocabulary]
        if missing:
            raise WeightsError(f"the vocabulary lacks {', '.join(missing)}")
        self.vocabulary = vocabulary
        self._tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
        self._tokenizer.normalizer = BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = BertPreTokenizer()
        self._tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
        self._special_ids = {vocabulary[s] for s in SPECIALS}

    @staticmethod
    def from_file(path: str | Path) -> Wordpiece:
        """Read a vocab.txt: one piece a line, the line number from 0 is its id."""
        try:
            pieces = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise WeightsError(f"{path}: the vocabulary cannot be read ({error})") from None
        try:
            return Wordpiece({piece: i for i, piece in enumerate(pieces)})
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from None

    @staticmethod
    def basic() -> Wordpiece:
        """Letters, digits and punctuation with the specials at BERT's places, for models that are not trained."""
        vocabulary = {f"[unused{i}]": i for i in range(104)}
        for name, i in zip(SPECIALS, (0, 100, 101, 102, 103), strict=True):
            vocabulary = {k: v for k, v in vocabulary.items() if v != i} | {name: i}
        letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'-"
        for piece in [*letters, *(f"##{c}" for c in letters)]:
            vocabulary[piece] = 104 + len([v for v in vocabulary.values() if v >= 104])
        return Wordpiece(vocabulary)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def vocab_text(self) -> str:
        """The contents of vocab.txt."""
        return "".join(f"{piece}\n" for piece in sorted(self.vocabulary, key=self.vocabulary.__getitem__))

    def encode(self, text: str) -> list[int]:
        """Ids of a text's pieces."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """Plain text of ids; specials are left out, and spaces around punctuation and hyphens put right."""
        text = self._tokenizer.decode([i for i in ids if i not in self._special_ids])
        return re.sub(r"\s*-\s*", "-", text).strip()

    def unsupported(self, text: str, longest: int) -> str | None:
        """Why a text cannot be used, as a sentence, or None: empty, longer than `longest` pieces, or not English."""
        if not text.strip():
            return "the text is empty; describe a motion in English, as in 'a person walks forward'"
        if len(text) > 200 * longest:
            return f"the text has {len(text)} characters; at most {longest} word pieces (about {longest * 4} letters) are read"
        letters = [c for c in text if c.isalpha()]
        if not letters:
            return f"the text {text.strip()[:40]!r} has no words; describe a motion in English"
        pieces = self._tokenizer.encode(text, add_special_tokens=False)
        if len(pieces.ids) > longest:
            return f"the text has {len(pieces.ids)} word pieces; at most {longest} are read, so shorten it or split it into parts"
        foreign = sum(not c.isascii() for c in letters) / len(letters)
        unknown = sum(i == self.vocabulary["[UNK]"] for i in pieces.ids) / len(pieces.ids)
        if max(foreign, unknown) > UNKNOWN_LIMIT or looks_foreign(text):
            return f"the text {text.strip()[:40]!r} does not look like English, the only language that the model knows"
        return None

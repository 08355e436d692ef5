"""The ids that mean something to the model: BERT's specials, in every uncased BERT vocabulary at the same places."""

from __future__ import annotations

PAD, UNK, CLS, SEP, MASK = 0, 100, 101, 102, 103
"""[PAD] [UNK] [CLS] [SEP] [MASK] of bert-base-uncased's vocabulary, which MiniLM shares."""

NEVER_WRITTEN = (UNK, CLS, SEP, MASK)
"""Ids that a caption may not contain; [PAD] may be predicted and ends it."""

WORD_PIECES = 30522
"""Size of that vocabulary."""

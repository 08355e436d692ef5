"""Which split a recording falls into where its collection names none."""

from __future__ import annotations

import hashlib


def split_of(recording: str, shares: tuple[float, float]) -> str:
    """train, val or test by a hash of the recording, so that parts of one take never fall into two splits."""
    at = int(hashlib.sha256(recording.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if at < shares[0] else "val" if at < sum(shares) else "test"

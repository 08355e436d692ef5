"""The published evaluator on a published collection: it reads the collection's own tokens and features where there are files.

Captions tagged anew, or features encoded again from positions, would move its embeddings a little, and the real row would
not be the published one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dimo.data.sources import humanml3d
from dimo.errors import RequestError
from dimo.evaluators.evaluator import Evaluator
from dimo.evaluators.guo import GuoEvaluator

FEATURES = 263
"""Columns of HumanML3D."""


class OnHumanML3D(Evaluator):
    """An evaluator that takes the tokens of captions, and the features of true crops, from a HumanML3D directory."""

    comparable = True

    def __init__(self, evaluator: GuoEvaluator, folder: Path):
        self.evaluator, self.folder = evaluator, folder
        self.tokens = humanml3d.published_tokens(folder)
        self.name, self.label, self.sha256 = evaluator.name, evaluator.label, evaluator.sha256
        self.feature_mode, self.columns = evaluator.feature_mode, evaluator.columns

    def to(self, device: torch.device) -> OnHumanML3D:
        self.evaluator.to(device)
        return self

    def embed_texts(self, captions: Sequence[str]) -> np.ndarray:
        return self.evaluator.embed_texts([self.tokens.get(c, c) for c in captions])

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        return self.evaluator.embed_motions(features)

    def true_features(self, clip: str, joints: np.ndarray, start: int) -> np.ndarray:
        path = self.folder / "new_joint_vecs" / f"{clip}.npy"
        if not path.is_file():  # a tagged part of a clip
            return self.features(joints)
        return np.load(path, allow_pickle=False)[start : start + len(joints)].astype(np.float32)


def on_collection(evaluator: Evaluator, folder: Path) -> Evaluator:
    """The published evaluator with the files of a HumanML3D directory; any other evaluator or folder as it is.

    RequestError for KIT-ML's published evaluator, whose features are in a unit of their own.
    """
    if not isinstance(evaluator, GuoEvaluator) or not evaluator.comparable or not humanml3d.is_humanml3d(folder):
        return evaluator
    if evaluator.networks.features != FEATURES:
        raise RequestError(
            "the published evaluator of KIT-ML reads lengths in its own unit, and motions are in metres here; "
            "dimo train evaluator makes one for them"
        )
    return OnHumanML3D(evaluator, folder)

"""dimo: one masked model between words and human motion.

    import dimo

    model = dimo.DiMo.from_pretrained()
    motion = model.generate("a person walks forward", seconds=4, seed=0)[0]
    motion.save("walk.glb")
    print(model.caption(motion)[0].text)

Bodies and files need numpy only: torch is imported when DiMo or SampleOptions is first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dimo.formats  # gives Motion.load its readers
from dimo.body.motion import FILE_FUNCTIONS, Motion
from dimo.body.skeleton import Skeleton, preset, preset_names
from dimo.errors import DimoError, FormatError, RequestError, ShapeError, WeightsError
from dimo.view import SUFFIXES

if TYPE_CHECKING:
    from dimo.api import DiMo
    from dimo.diffusion.sample import SampleOptions

__version__ = "0.1.0"

__all__ = [
    "DiMo",
    "DimoError",
    "FormatError",
    "Motion",
    "RequestError",
    "SampleOptions",
    "ShapeError",
    "Skeleton",
    "WeightsError",
    "__version__",
    "preset",
    "preset_names",
]

_NEED_TORCH = {"DiMo": "dimo.api", "SampleOptions": "dimo.diffusion.sample"}


def __getattr__(name: str) -> Any:
    if name in _NEED_TORCH:
        return getattr(import_module(_NEED_TORCH[name]), name)
    raise AttributeError(f"module 'dimo' has no attribute {name!r}")


def _save(motion: Motion, path: str | Path, **options: Any) -> Path:
    if Path(path).suffix.lower() not in SUFFIXES:
        return dimo.formats.save(motion, path, **options)
    from dimo.view import video

    return video.save(motion, path, **options)


def _show(motion: Motion) -> Path:
    from dimo.view import alone

    return alone.show(motion)


def _framed(motion: Motion) -> str:
    from dimo.view import alone

    return alone.framed(motion)


FILE_FUNCTIONS.update(save=_save, show=_show, framed=_framed)


def __dir__() -> list[str]:
    return sorted(__all__)

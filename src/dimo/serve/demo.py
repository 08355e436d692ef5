"""The page without a server: its files, and motions recorded with their rounds, for any host that serves files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from dimo.api import DiMo
from dimo.errors import RequestError
from dimo.formats.motion_json import to_json
from dimo.serve import rounds, site
from dimo.serve.routes import about
from dimo.serve.schemas import Motions
from dimo.serve.service import Service
from dimo.tasks.trace import states
from dimo.view.alone import figure_of

DIGITS = 5
"""Of the numbers of a recording: a hundredth of a millimetre."""

RECORDED = (
    {"text": str(site.OPENING.text), "seconds": site.OPENING.seconds, "seed": site.OPENING.seed},
    {"text": "a person walks in a circle to the left", "seconds": 5, "seed": 1},
    {"text": "someone bows deeply", "seconds": 3, "seed": 1},
    {"text": "a person runs forward", "seconds": 3, "seed": 1},
    {"text": "a person raises both hands", "seconds": 3, "seed": 1},
)


def write(folder: Path, weights: Path | None = None, device: str = "auto") -> Path:
    """Write the demo into a folder that is new, empty, or an older demo; RequestError for any other."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "demo.json").is_file():
        raise RequestError(f"{folder}: holds something else than a demo; name a new folder")
    service = Service(DiMo.from_pretrained(weights, device=device))
    motions = [record(service, Motions.model_validate(asked)) for asked in RECORDED]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(site.FOLDER, folder / "page", dirs_exist_ok=True)
    (folder / "page" / "index.html").unlink()
    page = (site.FOLDER / "index.html").read_text(encoding="utf-8")
    (folder / "index.html").write_text(page.replace("<html ", '<html data-demo="yes" ', 1), encoding="utf-8")
    (folder / "figure.glb").write_bytes(figure_of(service.model.codec.skeleton))
    _write(folder / "opening.json", motions[0]["answer"])
    _write(folder / "demo.json", {"models": about(service), "motions": motions})
    return folder


def record(service: Service, asked: Motions) -> dict[str, Any]:
    """A motion as /v1/motions/rounds tells it, with the model's caption of it."""
    pipeline, options = service.model.pipeline, asked.options.sample_options()
    planned = replace(service.plan(asked), seed=asked.seed)
    passed = list(states(pipeline, pipeline.rounds(planned, options), planned.name, planned.frames))
    (motion,) = pipeline.make([planned], options)
    said = service.model.caption(motion)[0].text
    answer = {**service.told(asked, planned, asked.seed), "motions": [to_json(motion)], "said": said}
    events = [["begin", rounds.begin(service, planned, asked.seed, options.steps)]]
    events += [["round", rounds.told(state)] for state in passed]
    return {"text": asked.text, "answer": answer, "events": events}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(_rounded(content), separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value

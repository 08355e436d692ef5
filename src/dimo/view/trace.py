"""How a motion condenses out of noise, as one HTML page that needs nothing else, or as a GIF.

Both show the figure of each round and a strip of its stacks, coloured by the round in which they were written, as high as
the model was sure of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dimo.errors import RequestError
from dimo.formats.files import write_atomically
from dimo.tasks.trace import Trace
from dimo.view.draw import (
    BACKGROUND,
    GREY,
    OVERSAMPLE,
    Camera,
    draw_ground,
    draw_pose,
    grounded,
    limb_radius,
    side_colours,
)
from dimo.view.sheet import INK

SUFFIXES = (".html", ".gif")
ROUNDS_PER_SECOND = 1.6
OPEN = (212, 214, 219)
VIRIDIS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)
PICTURES = 12  # of the GIF per round; the last round is shown whole
GIF_FPS = 20.0
LETTERS = 52  # of the sentence that fit above the figure


def save(trace: Trace, path: str | Path, *, size: int = 360) -> Path:
    """Write a trace by suffix, .html or .gif (size: pixels of its side); RequestError for others."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"{path}: a trace is written as {' or '.join(SUFFIXES)}, not as {suffix!r}")
    with write_atomically(path) as temporary:
        if suffix == ".html":
            temporary.write_text(page(trace), encoding="utf-8")
        else:
            images = [Image.fromarray(f).quantize(64, method=Image.Quantize.FASTOCTREE) for f in pictures(trace, size)]
            images[0].save(
                temporary, "GIF", save_all=True, append_images=images[1:], duration=round(1000 / GIF_FPS), loop=0
            )
    return path


def page(trace: Trace) -> str:
    """The HTML page: positions in millimetres and the strip as JSON inside it, drawn by its own script."""
    template = resources.files("dimo.view").joinpath("trace.html").read_text(encoding="utf-8")
    skeleton = trace.motions[0].skeleton
    colours, names = side_colours(skeleton), [n.lower() for n in skeleton.names]
    bones = [
        {"from": p, "to": j, "radius": round(limb_radius(skeleton, j), 4), "colour": f"rgb{colours[j]}"}
        for j, p in enumerate(skeleton.parents)
        if p >= 0 and skeleton.lengths[j] > 1e-3
    ]
    data = {
        "text": trace.text,
        "fps": trace.motions[0].fps,
        "stride": trace.frames_per_step,
        "roundsPerSecond": ROUNDS_PER_SECOND,
        "parents": list(skeleton.parents),
        "head": names.index("head") if "head" in names else -1,
        "bones": bones,
        "states": [(grounded(m) * 1000).round().astype(int).ravel().tolist() for m in trace.motions],
        "written": trace.written.tolist(),
        "confidence": np.nan_to_num(trace.confidence).round(3).tolist(),
    }
    # "</script>" inside a sentence would end the element; JSON allows the slash to be escaped.
    return template.replace("/*DATA*/", json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def colour_of(written: int, rounds: int) -> tuple[int, ...]:
    """Colour of a stack that was written in round 1 to `rounds`, violet to yellow; grey where it is open (0)."""
    if written == 0:
        return OPEN
    at = 4 * (written - 1) / (rounds - 1) if rounds > 1 else 4.0
    low = min(3, int(at))
    return tuple(int(c) for c in (VIRIDIS[low] + (VIRIDIS[low + 1] - VIRIDIS[low]) * (at - low)).round())


def pictures(trace: Trace, size: int = 360) -> Iterator[np.ndarray]:
    """RGB pictures (size * 1.2, size, 3) uint8: for each state PICTURES moments of the clip, the last state in full."""
    below = round(0.2 * size)
    for state, motion in enumerate(trace.motions):
        joints = grounded(motion)
        last = state == trace.rounds
        count = max(2, round(motion.seconds * GIF_FPS)) if last else PICTURES
        for frame in np.linspace(0, len(motion) - 1, count).round().astype(int):
            wide = (size * OVERSAMPLE, size * OVERSAMPLE)
            image = Image.new("RGB", (wide[0], wide[1] + below * OVERSAMPLE), BACKGROUND)
            body = Image.new("RGB", wide, BACKGROUND)
            picture = ImageDraw.Draw(body)
            camera = Camera(np.array([joints[frame, 0, 0], 0.9, joints[frame, 0, 2]]), 2.5)
            draw_ground(picture, camera, wide)
            draw_pose(picture, joints[frame], motion.skeleton, camera, wide)
            label = f"{trace.text[:44]}   round {state} of {trace.rounds}"
            picture.text(
                (8 * OVERSAMPLE, 6 * OVERSAMPLE), label, fill=INK, font=ImageFont.load_default(13 * OVERSAMPLE)
            )
            image.paste(body, (0, 0))
            _strip(image, trace, state, int(frame), wide[1])
            yield np.asarray(image.resize((size, size + below), Image.Resampling.BOX))


def _strip(image: Image.Image, trace: Trace, state: int, frame: int, top: int) -> None:
    """The stacks of a state as bars below the figure, with a mark under the present one."""
    picture = ImageDraw.Draw(image)
    length = trace.written.shape[1]
    left, width, bottom = 8 * OVERSAMPLE, (image.width - 16 * OVERSAMPLE) / length, image.height - 10 * OVERSAMPLE
    for i, (round_, sure) in enumerate(zip(trace.written[state], trace.confidence[state], strict=True)):
        tall = (bottom - top) * (0.15 + 0.85 * sure if round_ else 0.15)
        x = left + i * width
        box = [x + OVERSAMPLE, bottom - tall, x + max(width - OVERSAMPLE, OVERSAMPLE), bottom]
        picture.rectangle(box, fill=colour_of(int(round_), trace.rounds))
    x = left + (frame + 0.5) / trace.frames_per_step * width
    picture.rectangle([x - 2, bottom + 2 * OVERSAMPLE, x + 2, bottom + 7 * OVERSAMPLE], fill=GREY)

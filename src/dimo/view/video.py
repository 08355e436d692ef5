"""Motions as PNG sheets, GIF and MP4 files, and as pages that play them."""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from dimo.body.motion import Motion
from dimo.errors import RequestError
from dimo.formats.files import write_atomically
from dimo.view import SUFFIXES, alone
from dimo.view.draw import frames
from dimo.view.sheet import sheet

GIF_FPS = 20.0  # players round shorter delays up


def save(motion: Motion, path: str | Path, *, caption: str | None = None, size: int = 480, poses: int = 8) -> Path:
    """Write a contact sheet (.png), an animation (.gif), a film (.mp4), or a page that plays by itself (.html).

    RequestError for other suffixes. caption and poses are for sheets, size for sheets and films.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(
            f"{path}: the suffix {suffix!r} names no picture that is written; there are {', '.join(SUFFIXES)}"
        )
    if not 64 <= size <= 2048 or not 2 <= poses <= 32:
        raise RequestError(f"size must be from 64 to 2048 pixels and poses from 2 to 32, not {size} and {poses}")
    encoder = find_ffmpeg() if suffix == ".mp4" else ""
    with write_atomically(path) as temporary:
        if suffix == ".png":
            sheet(motion, caption, poses=poses, height=size // 2).save(temporary, "PNG")
        elif suffix == ".gif":
            temporary.write_bytes(gif(motion.resample(GIF_FPS), size))
        elif suffix == ".html":
            alone.save(motion, temporary)
        else:
            _mp4(frames(motion, size - size % 2), temporary, motion.fps, size - size % 2, encoder)
    return path


def gif(motion: Motion, size: int) -> bytes:
    """An endless GIF at the motion's own rate."""
    images = [Image.fromarray(f).quantize(64, method=Image.Quantize.FASTOCTREE) for f in frames(motion, size)]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=round(1000 / motion.fps), loop=0)
    return out.getvalue()


def find_ffmpeg() -> str:
    """A system ffmpeg, else the one in imageio-ffmpeg; RequestError names the way out when there is none."""
    if found := shutil.which("ffmpeg"):
        return found
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    raise RequestError("MP4 needs ffmpeg: install it, or pip install 'dimo[render]', or write a .gif instead")


def _mp4(pictures: Iterable[np.ndarray], path: Path, fps: float, size: int, encoder: str) -> None:
    command = [
        encoder,
        "-y",
        "-loglevel",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{size}x{size}",
        "-r",
        f"{fps:g}",
    ]
    command += ["-i", "-", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-f", "mp4", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            for picture in pictures:
                process.stdin.write(picture.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # the encoder's own message says why
        assert process.stderr is not None
        message = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise RequestError(f"ffmpeg could not write the film: {(message.splitlines() or ['no reason given'])[-1]}")

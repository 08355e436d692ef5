"""A curve as inline SVG: one quantity against another, with its intervals, for pages without a network."""

from __future__ import annotations

import html
from collections.abc import Sequence

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 26, 34


def curve(
    title: str,
    across: str,
    xs: Sequence[float],
    ys: Sequence[float],
    widths: Sequence[float | None] = (),
    reference: float | None = None,
) -> str:
    """An <svg> of points joined by a line, an interval at each, and a dashed line at `reference` (the real row).

    The points stand at even distances in the order of xs: steps of 1, 2, 5, 10 and 20 are read best so.
    """
    half = [w or 0.0 for w in widths] or [0.0] * len(ys)
    values = [y + s * w for y, w in zip(ys, half, strict=True) for s in (-1, 1)]
    values += [] if reference is None else [reference]
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or max(abs(high), 1.0) * 0.05
    low, high = low - pad, high + pad

    def x(i: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (0.5 if len(xs) == 1 else i / (len(xs) - 1))

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [f'<text x="{LEFT}" y="15" class="title">{html.escape(title)}</text>']
    for value in (low + pad, (low + high) / 2, high - pad):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    if reference is not None:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(reference):.1f}" y2="{y(reference):.1f}" class="real"/>'
        )
    points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(ys))
    parts.append(f'<polyline points="{points}" class="curve"/>')
    for i, (name, value, width) in enumerate(zip(xs, ys, half, strict=True)):
        if width:
            parts.append(
                f'<line x1="{x(i):.1f}" x2="{x(i):.1f}" y1="{y(value - width):.1f}" y2="{y(value + width):.1f}" class="bar"/>'
            )
        parts.append(f'<circle cx="{x(i):.1f}" cy="{y(value):.1f}" r="3.2" class="dot"/>')
        parts.append(f'<text x="{x(i):.1f}" y="{HEIGHT - 18}" text-anchor="middle">{name:g}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html.escape(across)}</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(parts)}</svg>'

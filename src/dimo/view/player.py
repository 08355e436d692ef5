"""Animated stick figures for a page without a network: motions as text in it, and the script that draws them on canvases.

A page holds the script once, a JSON of packed motions once, and <canvas data-motion="KEY"> wherever one is shown. Nothing
moves before it is in view, and a click stops it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import numpy as np

from dimo.body.skeleton import preset
from dimo.view.draw import limb_radius, side_colours

MILLIMETRES = 1000.0


def pack(joints: np.ndarray) -> str:
    """Positions (F, 22, 3), centred over their path and put on the floor, as base64 of int16 millimetres."""
    joints = np.asarray(joints, float)
    middle = (joints[:, 0].min(0) + joints[:, 0].max(0)) / 2
    placed = joints - [middle[0], float(np.percentile(joints[..., 1].min(1), 5)), middle[2]]
    return base64.b64encode(np.clip(placed * MILLIMETRES, -32767, 32767).round().astype("<i2").tobytes()).decode()


def script(motions: Mapping[str, np.ndarray], fps: float) -> str:
    """Two <script> elements: the motions, and what plays them."""
    body = preset("humanml3d")
    data = {
        "fps": fps,
        "joints": len(body),
        "bones": [[p, j, round(2 * MILLIMETRES * limb_radius(body, j))] for j, p in enumerate(body.parents) if p >= 0],
        "colours": [f"rgb{c}" for c in side_colours(body)],
        "motions": {k: pack(v) for k, v in motions.items()},
    }
    # "</" would end the element, whatever stands in a text.
    text = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json" id="motions">{text}</script>\n<script>{PLAYER}</script>'


PLAYER = """
(() => {
  const data = JSON.parse(document.getElementById('motions').textContent);
  const unpack = text => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    return new Int16Array(bytes.buffer);
  };
  const cache = {};
  const get = key => cache[key] || (cache[key] = unpack(data.motions[key]));
  const yaw = 0.6, tilt = 0.28;
  const cy = Math.cos(yaw), sy = Math.sin(yaw), ct = Math.cos(tilt), st = Math.sin(tilt);
  const project = (x, y, z) => [x * cy - z * sy, y * ct - (x * sy + z * cy) * st];
  const follow = (values, frame) => {  // the pelvis, smoothed, so that the picture does not shake with every step
    const frames = values.length / (3 * data.joints), half = Math.round(data.fps / 2);
    let x = 0, z = 0, count = 0;
    for (let f = Math.max(0, frame - half); f <= Math.min(frames - 1, frame + half); f++, count++) {
      x += values[3 * data.joints * f]; z += values[3 * data.joints * f + 2];
    }
    return [x / count, z / count];
  };
  const draw = (canvas, values, frame) => {
    const g = canvas.getContext('2d'), w = canvas.width, h = canvas.height, scale = h / 2450, [cx, cz] = follow(values, frame);
    const at = (x, y, z) => {
      const p = project(x - cx, y, z - cz);
      return [w / 2 + p[0] * scale, h * 0.88 - p[1] * scale];
    };
    g.fillStyle = '#fafafa'; g.fillRect(0, 0, w, h);
    g.strokeStyle = '#e2e4e8'; g.lineWidth = 1;
    const x0 = Math.round(cx / 500) * 500, z0 = Math.round(cz / 500) * 500, edge = 3000;
    for (let i = -edge; i <= edge; i += 500) {
      g.beginPath();
      g.moveTo(...at(x0 + i, 0, z0 - edge)); g.lineTo(...at(x0 + i, 0, z0 + edge));
      g.moveTo(...at(x0 - edge, 0, z0 + i)); g.lineTo(...at(x0 + edge, 0, z0 + i));
      g.stroke();
    }
    const base = frame * data.joints * 3, joint = j => values.subarray(base + 3 * j, base + 3 * j + 3);
    g.lineCap = 'round';
    for (const flat of [true, false]) {
      for (const [p, j, wide] of data.bones) {
        const a = joint(p), b = joint(j);
        g.strokeStyle = flat ? '#d3d5da' : data.colours[j];
        g.lineWidth = Math.max(2, wide * scale);
        g.beginPath(); g.moveTo(...at(a[0], flat ? 0 : a[1], a[2])); g.lineTo(...at(b[0], flat ? 0 : b[1], b[2])); g.stroke();
      }
    }
    const head = joint(15), centre = at(head[0], head[1] + 60, head[2]);
    g.fillStyle = '#787a80'; g.beginPath(); g.arc(...centre, 100 * scale, 0, 7); g.fill();
  };
  const start = canvas => {
    let values, frames, shown = -1, running = false, stopped = false, began = 0, key = null;
    const load = () => {
      key = canvas.dataset.motion; values = get(key);
      frames = values.length / (3 * data.joints); began = performance.now();
      draw(canvas, values, shown = 0);
    };
    const tick = now => {
      if (!running || stopped) return;
      if (canvas.dataset.motion !== key) load();
      const pause = data.fps * 0.5, i = Math.floor(Math.max(0, now - began) / 1000 * data.fps) % (frames + pause);
      const frame = Math.min(frames - 1, Math.floor(i));
      if (frame !== shown) draw(canvas, values, shown = frame);
      requestAnimationFrame(tick);
    };
    new IntersectionObserver(entries => {
      const visible = entries[entries.length - 1].isIntersecting;
      if (visible && !running) { running = true; if (canvas.dataset.motion) { load(); requestAnimationFrame(tick); } }
      if (!visible) running = false;
    }).observe(canvas);
    canvas.addEventListener('click', () => { stopped = !stopped; if (!stopped) requestAnimationFrame(tick); });
  };
  document.querySelectorAll('canvas[data-motion]').forEach(start);
})();
"""

"""study.html: blind pairs, one at a time, in one file that works without a network and sends nothing anywhere.

Answers stay in the browser until the person downloads them as a file. The page does not hold which side is whose.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

import numpy as np

from dimo.evaluate.study import Question
from dimo.view import player

STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; color: #26282d; max-width: 900px; margin: 2em auto;
  padding: 0 1em; text-align: center }
.pair { display: flex; gap: 1em; justify-content: center }
.side { flex: 1; border: 2px solid #e4e6ea; border-radius: 10px; padding: 1em }
canvas { background: #fafafa; width: 100%; height: auto }
button { font: inherit; padding: .5em 1.4em; margin: .5em; cursor: pointer }
#text { font-size: 1.25em; font-weight: 600; min-height: 2em } #count { color: #6b6e76 }
"""
ASK = {
    "motion": "Which motion fits the sentence better?",
    "caption": "Which sentence describes the motion better?",
}


def page(questions: Sequence[Question], study: str, fps: float = 20.0) -> str:
    """The whole page as text; `study` is the name that its answers carry."""
    motions: dict[str, np.ndarray] = {}
    rows = []
    for i, q in enumerate(questions):
        row = {"id": q.id, "text": q.text if q.kind == "motion" else ""}
        for side, value in (("left", q.left), ("right", q.right)):
            if q.kind == "motion":
                motions[f"{side[0]}{i}"] = value
                row[side] = f"{side[0]}{i}"
            else:
                row[side] = value
        if q.motion is not None:
            motions[f"t{i}"] = q.motion
            row["motion"] = f"t{i}"
        rows.append(row)
    kind = questions[0].kind
    data = json.dumps({"study": study, "kind": kind, "questions": rows}).replace("</", "<\\/")
    first = next(iter(motions), "")
    panel = f'<canvas width="380" height="340" data-motion="{first}"></canvas>' if kind == "motion" else "<p></p>"
    shown = "" if kind == "motion" else f'<canvas id="shown" width="460" height="380" data-motion="{first}"></canvas>'
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Study</title>
<style>{STYLE}</style></head><body>
<h1>{html.escape(ASK[kind])}</h1><p id="count"></p><p id="text"></p>{shown}
<div class="pair"><div class="side" id="left">{panel}</div><div class="side" id="right">{panel}</div></div>
<p><button data-answer="left">Left</button><button data-answer="same">No difference</button>
<button data-answer="right">Right</button></p>
<p><button id="back">Back</button><button id="save">Download my answers</button></p>
<script type="application/json" id="study">{data}</script>
{player.script(motions, fps)}
<script>{SCRIPT}</script></body></html>
"""


SCRIPT = """
(() => {
  const study = JSON.parse(document.getElementById('study').textContent);
  const person = Math.random().toString(36).slice(2, 12), answers = {};
  let at = 0;
  const $ = id => document.getElementById(id);
  const show = () => {
    const done = at >= study.questions.length, q = study.questions[Math.min(at, study.questions.length - 1)];
    $('count').textContent = done ? 'Thank you. Please download your answers.' : `${at + 1} of ${study.questions.length}`;
    $('text').textContent = q.text;
    for (const side of ['left', 'right']) {
      if (study.kind === 'motion') $(side).querySelector('canvas').dataset.motion = q[side];
      else $(side).querySelector('p').textContent = q[side];
    }
    if ($('shown') && q.motion) $('shown').dataset.motion = q.motion;
  };
  document.querySelectorAll('button[data-answer]').forEach(b => b.addEventListener('click', () => {
    if (at < study.questions.length) { answers[study.questions[at].id] = b.dataset.answer; at += 1; show(); }
  }));
  $('back').addEventListener('click', () => { at = Math.max(0, at - 1); show(); });
  $('save').addEventListener('click', () => {
    const file = {format: 'dimo-study-answers', study: study.study, person, answers};
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file)], {type: 'application/json'}));
    link.download = `answers-${person}.json`;
    link.click();
  });
  show();
})();
"""

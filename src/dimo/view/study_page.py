"""study.html: blind pairs, one screen each, in one file that works without a network and sends nothing anywhere by itself.

Made for a phone held upright. Answers stay in the browser, also when the page is closed, until the person sends them as a file. The
page does not hold which side is whose, nor which screens are checks.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

import numpy as np

from dimo.evaluate.study import ASKED, Question
from dimo.view import player

WORDS = {
    "follows": "Which one does what the sentence says?",
    "natural": "Which one moves more naturally?",
    "describes": "Which sentence describes the motion better?",
}
BUTTONS = (("left", "A"), ("same", "Same"), ("right", "B"))
"""Not left and right, which sentences speak of."""
ABOUT = {
    "motion": "Each screen shows a sentence and two moving figures, A and B, with their left side in blue "
    "and their right one in red. Answer both questions by what you see; there is no time limit.",
    "caption": "Each screen shows a moving figure and two sentences, A and B. Choose by what you see; there is no time limit.",
}

STYLE = """
* { box-sizing: border-box }
body { font: 17px/1.4 system-ui, sans-serif; color: #26282d; background: #fff; max-width: 720px; margin: 0 auto;
  padding: 12px 12px 32px; text-align: center }
h1 { font-size: 1.4em; margin: 1em 0 .5em } p { margin: .5em 0 } [hidden] { display: none !important }
.bar { height: 6px; border-radius: 3px; background: #e4e6ea; overflow: hidden }
.bar i { display: block; height: 100%; width: 0; background: #3565a8; transition: width .2s }
.small { color: #5d616a; font-size: .85em }
#text { font-size: 1.15em; font-weight: 600; min-height: 2.8em; display: flex; align-items: center; justify-content: center }
.pair { display: flex; gap: 8px } .side { flex: 1 1 0; min-width: 0 }
.side b { font-size: .85em; color: #5d616a } .side p { border: 1px solid #e4e6ea; border-radius: 10px; padding: .8em .6em }
canvas { background: #fafafa; border: 1px solid #e4e6ea; border-radius: 10px; width: 100%; height: auto; display: block }
#shown { max-width: 380px; margin: 0 auto }
.ask { margin: 14px 0 4px } .three { display: flex; gap: 8px }
button { font: inherit; min-height: 48px; padding: .4em 1em; border: 1px solid #b9bdc6; border-radius: 10px; background: #fff;
  color: inherit; cursor: pointer; touch-action: manipulation }
.three button { flex: 1 1 0 } button[aria-pressed=true] { background: #3565a8; border-color: #3565a8; color: #fff }
button.main { background: #3565a8; border-color: #3565a8; color: #fff; font-weight: 600; min-width: 60% }
button.plain { border: 0; text-decoration: underline; min-height: 44px; font-size: .9em }
button:focus-visible { outline: 3px solid #93b4e4; outline-offset: 2px }
textarea { width: 100%; height: 7em; font: 12px ui-monospace, monospace }
"""


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
    data = json.dumps({"study": study, "kind": kind, "asked": ASKED[kind], "questions": rows}).replace("</", "<\\/")
    minutes = max(1, round(len(questions) / 4))
    first = next(iter(motions), "")
    panel = f'<canvas width="330" height="400" data-motion="{first}"></canvas>' if kind == "motion" else "<p></p>"
    shown = "" if kind == "motion" else f'<canvas id="shown" width="460" height="380" data-motion="{first}"></canvas>'
    asks = "".join(_ask(name) for name in ASKED[kind])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which motion is better?</title><style>{STYLE}</style></head><body>
<section id="begin"><h1>Which motion is better?</h1><p>{html.escape(ABOUT[kind])}</p>
<p>{len(questions)} screens, about {minutes} minutes. Nothing is sent before you send it, and nothing is asked about you.</p>
<p><button class="main" id="go">Begin</button></p></section>
<section id="ask" hidden><div class="bar"><i id="done"></i></div><p class="small" id="count"></p><p id="text"></p>{shown}
<div class="pair"><div class="side" id="left"><b>A</b>{panel}</div><div class="side" id="right"><b>B</b>{panel}</div></div>
{asks}<p><button class="plain" id="back">Back</button></p></section>
<section id="end" hidden><h1>Thank you</h1><p>Please send your answers to the person who asked you: by the button, or as text.</p>
<p><button class="main" id="save">Send my answers</button></p>
<p><button class="plain" id="copy">Copy them as text</button> <button class="plain" id="again">Back</button></p>
<textarea id="plain" readonly aria-label="Your answers as text" hidden></textarea></section>
<script type="application/json" id="study">{data}</script>
{player.script(motions, fps)}
<script>{SCRIPT}</script></body></html>
"""


def _ask(name: str) -> str:
    """A question with its three buttons."""
    buttons = "".join(
        f'<button data-ask="{name}" data-answer="{value}" aria-pressed="false">{label}</button>'
        for value, label in BUTTONS
    )
    words = f'<p class="ask" id="ask-{name}">{html.escape(WORDS[name])}</p>'
    return f'{words}<div class="three" role="group" aria-labelledby="ask-{name}">{buttons}</div>\n'


SCRIPT = """
(() => {
  const study = JSON.parse(document.getElementById('study').textContent), all = study.questions, name = 'dimo-' + study.study;
  const $ = id => document.getElementById(id);
  let state = {person: Math.random().toString(36).slice(2, 12), answers: {}, at: -1, seconds: 0}, since = 0, waiting = 0;
  try { state = JSON.parse(localStorage.getItem(name)) || state; } catch { /* a page from a file may have no storage */ }
  const keep = () => { try { localStorage.setItem(name, JSON.stringify(state)); } catch { /* as above */ } };
  const given = () => state.answers[all[state.at].id] || {};
  const show = () => {
    const asking = state.at >= 0 && state.at < all.length;
    $('begin').hidden = state.at >= 0; $('ask').hidden = !asking; $('end').hidden = state.at < all.length;
    if (!asking) return;
    const q = all[state.at];
    $('count').textContent = `${state.at + 1} of ${all.length}`;
    $('done').style.width = `${100 * state.at / all.length}%`;
    $('text').textContent = q.text; $('text').hidden = !q.text;
    for (const side of ['left', 'right']) {
      if (study.kind === 'motion') $(side).querySelector('canvas').dataset.motion = q[side];
      else $(side).querySelector('p').textContent = q[side];
    }
    if ($('shown') && q.motion) $('shown').dataset.motion = q.motion;
    for (const b of document.querySelectorAll('button[data-ask]')) {
      b.setAttribute('aria-pressed', String(given()[b.dataset.ask] === b.dataset.answer));
    }
    since = performance.now(); scrollTo(0, 0);
  };
  const go = to => {
    clearTimeout(waiting); waiting = 0;
    // Long pauses are not spent on the study.
    if (state.at >= 0 && state.at < all.length) state.seconds += Math.min(60, (performance.now() - since) / 1000);
    state.at = Math.max(0, Math.min(all.length, to)); keep(); show();
  };
  document.querySelectorAll('button[data-ask]').forEach(b => b.addEventListener('click', () => {
    if (waiting) return;
    state.answers[all[state.at].id] = {...given(), [b.dataset.ask]: b.dataset.answer};
    for (const other of b.parentElement.children) other.setAttribute('aria-pressed', String(other === b));
    keep();
    if (study.asked.every(ask => given()[ask])) waiting = setTimeout(() => go(state.at + 1), 350);
  }));
  const text = () => JSON.stringify({format: 'dimo-study-answers', study: study.study, person: state.person,
    seconds: Math.round(state.seconds), answers: state.answers});
  $('go').addEventListener('click', () => go(0));
  $('back').addEventListener('click', () => go(state.at - 1));
  $('again').addEventListener('click', () => go(all.length - 1));
  $('copy').addEventListener('click', () => {
    const box = $('plain'); box.hidden = false; box.value = text(); box.select();
    navigator.clipboard?.writeText(box.value).catch(() => {});
  });
  $('save').addEventListener('click', async () => {
    const file = new File([text()], `answers-${state.person}.txt`, {type: 'text/plain'});
    // Browsers share text files, but no JSON.
    if (navigator.canShare?.({files: [file]})) {
      try { return await navigator.share({files: [file]}); } catch (error) { if (error.name === 'AbortError') return; }
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file); link.download = file.name; link.click();
  });
  show();
})();
"""

// The lanes under the picture: a ruler, prompt boxes, feet that stand, tokens; a playhead over them, and a stretch selected.

import { clock, element } from "./dom.js";
import { spans } from "./parts.js";
import { PromptBoxes } from "./boxes.js";

const STEPS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30];

export class Timeline {
  constructor(root, work, player) {
    Object.assign(this, { root, work, player });
    this.seconds = 1;
    this.ruler = element("div", { className: "lane ruler" });
    this.boxes = new PromptBoxes(work, () => this.width());
    this.feet = element("div", { className: "lane feet", title: "When each foot stands: left above, right below" });
    this.codes = element("div", { className: "lane codes", title: "Tokens of the motion: brighter is surer" });
    this.head = element("div", { className: "playhead" });
    this.stretch = element("div", { className: "stretch", hidden: true });
    root.append(this.ruler, this.boxes.root, this.feet, this.codes, this.stretch, this.head);
    for (const lane of [this.ruler, this.feet, this.codes]) lane.addEventListener("pointerdown", (event) => this.press(event));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  width() {
    return this.root.clientWidth / this.seconds; // pixels a second
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * this.seconds;
  }

  /** A click goes there; a drag selects. */
  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const from = this.at(event), x = event.clientX;
    let dragged = false;
    const move = (moved) => {
      dragged ||= Math.abs(moved.clientX - x) > 4;
      if (dragged) this.work.select(from, this.at(moved));
    };
    const up = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", up);
      if (!dragged) {
        this.work.select(0, 0);
        this.player.seek(from);
      }
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", up);
  }

  show(document) {
    this.document = document;
    this.seconds = document.clip.seconds;
    this.boxes.show(document);
    this.draw();
  }

  draw() {
    if (!this.document) return;
    const { clip } = this.document, share = (frame) => `${(100 * frame) / clip.frames}%`;
    const step = STEPS.find((s) => s * this.width() > 70) || 60;
    const marks = [];
    for (let i = 0; i * step < this.seconds - 0.01; i++) {
      const text = `${+(i * step).toFixed(2)}${i ? "" : " s"}`;
      marks.push(element("span", { textContent: text, style: `left:${(100 * i * step) / this.seconds}%` }));
    }
    this.ruler.replaceChildren(...marks);
    const bars = ["left", "right"].flatMap((side) =>
      clip.contacts[side].map(([a, b]) => element("i", { className: side, style: `left:${share(a)};width:${share(b - a)}` })),
    );
    this.feet.replaceChildren(...bars);
  }

  tick(time) {
    this.head.style.left = `${(100 * Math.min(time, this.seconds)) / this.seconds}%`;
  }

  select(stretch) {
    this.stretch.hidden = !stretch;
    if (!stretch) return;
    const [a, b] = stretch;
    this.stretch.style.left = `${(100 * a) / this.seconds}%`;
    this.stretch.style.width = `${(100 * (b - a)) / this.seconds}%`;
    this.stretch.dataset.text = `${clock(a)} to ${clock(b)} s`;
  }

  /** Tokens of a round: written (the round of each step, 0 where open) and confidence. */
  tokens(written, confidence, frames) {
    const inside = Math.min(1, (written.length * frames) / (this.document?.clip.frames || 1));
    this.codes.style.setProperty("--share", inside > 0.97 ? 1 : inside);
    while (this.codes.children.length > written.length) this.codes.lastChild.remove();
    while (this.codes.children.length < written.length) this.codes.append(element("b"));
    written.forEach((round, i) => {
      const cell = this.codes.children[i];
      cell.className = round ? "known" : "open";
      cell.style.setProperty("--sure", round ? Math.min(1, 0.25 + (confidence[i] ?? 0.5)) : 0);
      cell.title = round ? `token ${i + 1}: round ${round}, ${Math.round(100 * (confidence[i] ?? 0))} % sure` : `token ${i + 1}: open`;
    });
  }

  clearTokens() {
    this.codes.replaceChildren();
  }

  /** The part that is said at a time. */
  partAt(time) {
    const places = spans(this.document.parts);
    return Math.max(0, places.findIndex(([a, b]) => time >= a && time < b));
  }
}

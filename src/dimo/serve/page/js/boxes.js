// Prompt boxes in a row: dragged at their edges for length, at their middle for order, edited by a double click.

import { clock, element } from "./dom.js";

const SHORTEST = 0.5, LONGEST = 60;

export class PromptBoxes {
  /** width(): pixels of a second. */
  constructor(work, width) {
    Object.assign(this, { work, width });
    this.root = element("div", { className: "lane boxes", role: "list", "aria-label": "Prompts of the motion, in their order" });
    this.editing = false;
  }

  show(document) {
    this.document = document;
    this.draw(document.parts);
  }

  draw(parts) {
    const all = parts.reduce((sum, part) => sum + part.seconds, 0);
    const focused = this.root.contains(globalThis.document.activeElement) ? this.focus : -1;
    this.root.replaceChildren(...parts.map((part, i) => this.box(part, i, parts, all)));
    if (focused >= 0) this.root.children[Math.min(focused, parts.length - 1)]?.focus();
  }

  box(part, i, parts, all) {
    const said = part.text || "anything";
    const box = element(
      "div",
      {
        className: `box${part.text ? "" : " free"}${part.made ? " made" : ""}`,
        role: "listitem",
        tabIndex: 0,
        style: `flex-basis:${(100 * part.seconds) / all}%`,
        title: `${said}\n${clock(part.seconds)} s. Double-click or Enter to edit, Delete to remove, Alt+arrows to move, + and - for length`,
        "aria-label": `Part ${i + 1} of ${parts.length}: ${said}, ${clock(part.seconds)} seconds`,
      },
      element("span", { className: "text", textContent: said }),
      element("span", { className: "length", textContent: `${part.seconds.toFixed(1)} s` }),
    );
    if (this.mayResize(i)) {
      const edge = element("span", { className: "edge" });
      edge.addEventListener("pointerdown", (event) => this.resize(event, i));
      box.append(edge);
    }
    if (parts.length > 1) {
      const remove = element("button", { type: "button", className: "remove", tabIndex: -1, textContent: "×", title: "Remove (Delete)", "aria-label": `Remove part ${i + 1}` });
      remove.addEventListener("pointerdown", (event) => event.stopPropagation());
      remove.addEventListener("click", () => this.remove(i));
      box.append(remove);
    }
    box.addEventListener("focus", () => (this.focus = i));
    box.addEventListener("dblclick", () => this.edit(box, i));
    box.addEventListener("keydown", (event) => this.key(event, box, i));
    box.addEventListener("pointerdown", (event) => this.drag(event, box, i));
    return box;
  }

  // A motion that was edited, or read, is no longer what its row would make: of its boxes only the last may change in length.
  mayResize(i) {
    return this.document.whole || i === this.document.parts.length - 1;
  }

  /** The row changes: the motion is made by it, from the same seed. */
  remake(parts) {
    return this.work.make(parts.map(({ text, seconds }) => ({ text, seconds })), { seed: this.document.seed ?? undefined });
  }

  key(event, box, i) {
    if (event.target !== box) return;
    const step = { "+": 0.5, "=": 0.5, "-": -0.5 }[event.key];
    if (event.key === "Enter" || event.key === "F2") this.edit(box, i);
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(i);
    else if (event.altKey && event.key === "ArrowLeft") this.move(i, i - 1);
    else if (event.altKey && event.key === "ArrowRight") this.move(i, i + 1);
    else if (step && this.mayResize(i)) this.lengthen(i, this.document.parts[i].seconds + step);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  edit(box, i) {
    const part = this.document.parts[i];
    const field = element("input", { value: part.text || "", maxLength: 300, "aria-label": `What happens in part ${i + 1}` });
    box.replaceChildren(field);
    field.focus();
    field.select();
    let done = false;
    const end = (keep) => {
      if (done) return;
      done = true;
      const text = field.value.trim();
      this.draw(this.document.parts);
      if (keep && text && text !== part.text) this.rewrite(i, text);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    field.addEventListener("pointerdown", (event) => event.stopPropagation());
  }

  rewrite(i, text) {
    const { parts, whole } = this.document;
    if (whole) return this.remake(parts.map((part, k) => (k === i ? { ...part, text } : part)));
    const from = parts.slice(0, i).reduce((sum, part) => sum + part.seconds, 0);
    return this.work.replace(from, from + parts[i].seconds, text);
  }

  lengthen(i, seconds) {
    const { parts, whole, clip } = this.document;
    const longer = Math.min(Math.max(Math.round(seconds * 10) / 10, SHORTEST), LONGEST);
    if (Math.abs(longer - parts[i].seconds) < 0.05) return this.draw(parts);
    if (whole) return this.remake(parts.map((part, k) => (k === i ? { ...part, seconds: longer } : part)));
    const more = longer - parts[i].seconds;
    return more > 0 ? this.work.extend(more, parts[i].text) : this.work.keepOnly(0, clip.seconds + more);
  }

  remove(i) {
    const { parts, whole, clip } = this.document;
    if (parts.length === 1) return this.work.tell("problem", "the last prompt stays; edit it instead");
    if (whole) return this.remake(parts.filter((_, k) => k !== i));
    const from = parts.slice(0, i).reduce((sum, part) => sum + part.seconds, 0), to = from + parts[i].seconds;
    if (i === parts.length - 1) return this.work.keepOnly(0, from);
    if (i === 0) return this.work.keepOnly(to, clip.seconds);
    return this.work.tell("problem", "a motion that was edited loses its first or last part only; make it from its prompts for others");
  }

  move(i, to) {
    const { parts, whole } = this.document;
    if (to < 0 || to >= parts.length || to === i) return null;
    if (!whole) return this.work.tell("problem", "parts of an edited or opened motion keep their order");
    const moved = [...parts];
    moved.splice(to, 0, ...moved.splice(i, 1));
    this.focus = to;
    return this.remake(moved);
  }

  resize(event, i) {
    event.preventDefault();
    event.stopPropagation();
    const { parts } = this.document, width = this.width(), x = event.clientX;
    const wanted = (moved) => Math.min(Math.max(parts[i].seconds + (moved.clientX - x) / width, SHORTEST), LONGEST);
    this.follow(
      (moved) => {
        const seconds = wanted(moved);
        // While it is dragged the row overflows; the lane squeezes it, and its numbers are true.
        this.draw(parts.map((part, k) => (k === i ? { ...part, seconds } : part)));
      },
      (moved) => this.lengthen(i, wanted(moved)),
    );
  }

  drag(event, box, i) {
    if (event.button !== 0 || event.target.tagName === "INPUT") return;
    const x = event.clientX, width = this.width();
    let far = false;
    this.follow(
      (moved) => {
        far ||= Math.abs(moved.clientX - x) > 6;
        if (far && this.document.whole) box.style.transform = `translateX(${moved.clientX - x}px)`;
      },
      (moved) => {
        box.style.transform = "";
        if (!far) return;
        const middle = this.document.parts.slice(0, i).reduce((s, p) => s + p.seconds, 0) + this.document.parts[i].seconds / 2;
        const goal = middle + (moved.clientX - x) / width;
        let at = 0, to = 0;
        for (const [k, part] of this.document.parts.entries()) {
          if (goal > at) to = k;
          at += part.seconds;
        }
        this.move(i, to);
      },
    );
  }

  follow(move, end) {
    const up = (event) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", up);
      end(event);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", up);
  }
}

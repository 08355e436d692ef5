// The unmasking of a motion, round by round: as it happens, and again afterwards by a slider.

import { Clip } from "./clip.js";
import { $ } from "./dom.js";

const PACE = 55; // milliseconds that a round is shown at least

export class Rounds {
  constructor(stage, timeline, player) {
    Object.assign(this, { stage, timeline, player });
    this.states = [];
    this.queue = Promise.resolve();
    this.slider = $("#round");
    this.slider.addEventListener("input", () => this.look(Number(this.slider.value)));
  }

  hear(what, data) {
    if (what === "begin") {
      this.forget();
      this.frames = data.frames_per_step;
      this.of = data.rounds;
      this.live = true;
      this.led = false; // to a document
      return;
    }
    const state = { ...data, clip: new Clip(data.motion) };
    this.states.push(state);
    this.queue = this.queue.then(() => this.pass(state));
  }

  /** A round as it comes: not faster than the eye. */
  async pass(state) {
    if (!this.states.includes(state)) return;
    this.put(state);
    $("#status").textContent = `round ${state.round} of ${this.of}`;
    await new Promise((done) => setTimeout(done, PACE));
  }

  put(state) {
    const [view] = this.stage.views;
    if (this.stage.views.length === 1 && view.figure?.key === state.clip.key) {
      view.set(state.clip);
      this.player.seconds = state.clip.seconds;
    }
    this.timeline.tokens(state.written, state.confidence, this.frames);
  }

  /** The document that the rounds led to, or another one, which has none. */
  async end(document) {
    if (!this.live) {
      if (this.document !== document) this.forget();
      return;
    }
    this.led = true;
    await this.queue;
    this.live = false;
    this.document = document;
    this.final = document.clip;
    const last = this.states.at(-1);
    $("#rounds").hidden = !last;
    if (!last) return;
    this.slider.max = last.round;
    this.slider.value = last.round;
    this.text(last.round);
  }

  /** Whether rounds have begun that lead to nothing any more: they were stopped, or failed. */
  get broken() {
    return this.live && !this.led;
  }

  look(round) {
    const state = this.states.find((s) => s.round === round);
    if (!state) return;
    this.put(state === this.states.at(-1) ? { ...state, clip: this.final } : state);
    this.text(round);
  }

  text(round) {
    const open = this.states.find((s) => s.round === round)?.written.filter((w) => !w).length ?? 0;
    $("#roundtext").textContent = round ? `${round} of ${this.states.at(-1).round}, ${open} tokens open` : "all tokens masked";
  }

  forget() {
    this.states = [];
    this.document = null;
    this.live = false;
    $("#rounds").hidden = true;
    this.timeline.clearTokens();
  }
}

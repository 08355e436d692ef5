// What can be done to the motion on the page. Each deed asks the server, then puts a new document into the history.
//
// A document is {clip, parts, seed, options, recipe, whole, title, warnings, notes}: a motion and the row of prompts over it. recipe
// lists the requests that make it from nothing, null where a file was part of it; whole: its parts and seed alone repeat it;
// warnings: a sentence for each prompt that the model hardly knows; notes: one for each that it takes as another.

import * as api from "./api.js";
import { Clip } from "./clip.js";
import { History } from "./history.js";
import { between, fitted, spliced, total } from "./parts.js";

const MOST_FILES = 4; // side by side
const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

export class Work {
  /** tell: heard(what, value) for "document", "busy", "stopped", "problem", "round", "versions", "said", "selection". */
  constructor(tell) {
    this.tell = tell;
    this.history = new History((document) => this.changed(document));
    this.options = {}; // of Advanced
    this.best = 1; // how many are drawn for one that is kept
    this.seed = null; // fixed by the user, or null
    this.selection = null;
    this.limits = { seconds: 120 };
    this.once = 9.8; // seconds that the model sees at once
    this.abort = null;
  }

  get document() {
    return this.history.now;
  }

  changed(document) {
    this.selection = null;
    this.tell("selection", null);
    this.tell("document", document);
    this.listen(document);
  }

  /** Run a deed: one at a time, a newer one ends the older; failures are told. */
  async busy(what, deed) {
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    this.tell("problem", null);
    this.tell("busy", what);
    try {
      return await deed(abort.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.tell("problem", error.message);
      return null;
    } finally {
      if (this.abort === abort) {
        this.abort = null;
        this.tell("busy", null);
      }
    }
  }

  stop() {
    if (!this.abort) return;
    this.tell("stopped", true);
    this.abort.abort();
  }

  // ---- from nothing

  /** The motion of a row of parts; seconds of null are the model's choice. */
  make(parts, { seed = this.seed ?? randomSeed() } = {}) {
    return this.busy("Making the motion", async (signal) => {
      const body = this.request(parts, seed);
      if (this.best > 1 && parts.length === 1 && parts[0].text) body.best = this.best;
      const alone = !body.best && parts.length === 1 && parts[0].text && (parts[0].seconds ?? 0) <= this.once;
      const heard = (name, data) => this.tell(name, data);
      const answer = await (alone ? api.rounds(body, heard, signal).catch((error) => this.instead(error, body, signal)) : api.postJson("v1/motions", body, { signal }));
      this.history.push(this.fresh(answer, body));
    });
  }

  /** A text whose likely length is over one window has no rounds, but can be made. */
  instead(error, body, signal) {
    if (!error.message.startsWith("the rounds of one text")) throw error;
    return api.postJson("v1/motions", body, { signal });
  }

  request(parts, seed) {
    const told = parts.map(({ text, seconds }) => ({ ...(text && { text }), ...(seconds && { seconds }) }));
    return { ...(told.length === 1 ? told[0] : { parts: told }), seed, options: this.options };
  }

  fresh(answer, body) {
    const clip = new Clip(answer.motions[0]);
    const parts = fitted(answer.parts, clip.seconds);
    return { clip, parts, seed: answer.seed, options: body.options, whole: true, recipe: [{ path: "v1/motions", body }], title: titleOf(parts), said: answer.said, warnings: answer.warnings, notes: answer.notes };
  }

  /** Four versions of the present row, or of a new one, for the eye to choose from. */
  versions(parts = this.document.parts) {
    return this.busy("Making four versions", async (signal) => {
      const bodies = [0, 1, 2, 3].map(() => this.request(parts, randomSeed()));
      const answers = await Promise.all(bodies.map((body) => api.postJson("v1/motions", body, { signal })));
      this.tell("versions", answers.map((answer, i) => this.fresh(answer, bodies[i])));
    });
  }

  /** Go on with one of several documents. */
  choose(document) {
    this.tell("versions", null);
    this.history.push(document);
  }

  // ---- from the present motion

  /** An edit of the present motion; parts: the row over the result, by its clip. */
  edit(what, body, parts) {
    const before = this.document, seed = this.seed ?? randomSeed();
    return this.busy(what, async (signal) => {
      const asked = { ...body, seed, options: this.options };
      const answer = await api.postJson("v1/edits", { ...asked, motion: before.clip.json }, { signal });
      this.history.push(this.edited(before, asked, answer, parts));
    });
  }

  edited(before, asked, answer, parts) {
    const clip = new Clip(answer.motions[0]), row = parts(clip);
    const recipe = before.recipe && !asked.other ? [...before.recipe, { path: "v1/edits", body: asked }] : null;
    const { seed, warnings, notes } = answer, { options } = asked;
    return { ...before, clip, parts: fitted(row, clip.seconds), seed, options, whole: false, recipe, title: titleOf(row), warnings, notes, said: null };
  }

  /** A stretch made anew, as a text says, or as it may come. */
  replace(from, to, text) {
    const { parts, clip } = this.document, step = 1 / clip.fps;
    if (from < step && to > clip.seconds - step) return this.make([{ text, seconds: clip.seconds }]);
    return this.edit("Making the stretch anew", { replace: [[from, to]], ...(text && { text }) }, () =>
      spliced(parts, from, to, [{ text: text || null, seconds: to - from, made: randomSeed() }]),
    );
  }

  /** A stretch frozen, everything else made anew. */
  freeze(from, to, text) {
    const { parts, clip } = this.document, rest = { text: text || null, made: randomSeed() };
    return this.edit("Making the rest anew", { keep: [[from, to]], ...(text && { text }) }, () =>
      [{ ...rest, seconds: from }, ...between(parts, from, to), { ...rest, seconds: clip.seconds - to }].filter((p) => p.seconds > 0.01),
    );
  }

  extend(seconds, text) {
    const { parts } = this.document;
    return this.edit("Going on", { extend: seconds, ...(text && { text }) }, () => [...parts, { text: text || null, seconds, made: randomSeed() }]);
  }

  /** Four near neighbours to choose from. */
  vary(share) {
    const before = this.document;
    return this.busy("Varying", async (signal) => {
      const bodies = [0, 1, 2, 3].map(() => ({ vary: share, seed: randomSeed(), options: this.options }));
      const ask = (body) => api.postJson("v1/edits", { ...body, motion: before.clip.json }, { signal });
      const answers = await Promise.all(bodies.map(ask));
      this.tell("versions", answers.map((answer, i) => this.edited(before, bodies[i], answer, () => before.parts)));
    });
  }

  /** The present motion, frames that lead over, and another clip. */
  lead(file, seconds) {
    const { parts } = this.document;
    return this.busy("Leading over", async (signal) => {
      const read = await api.postFile("v1/conversions", file, { signal });
      const other = new Clip(read.motions[0]);
      const row = (clip) => [...parts, { text: null, seconds }, { text: other.name, seconds: Math.max(0.1, clip.seconds - total(parts) - seconds) }];
      this.abort = null; // the edit is a deed of its own
      await this.edit("Leading over", { other: other.json, inbetween: { seconds, place: "follow" } }, row);
    });
  }

  /** A stretch cut out, without the server. */
  keepOnly(from, to) {
    const before = this.document, { fps, frames } = before.clip;
    const first = Math.round(from * fps), past = Math.min(Math.max(Math.round(to * fps), first + 2), frames);
    const clip = before.clip.cut(first, past);
    const recipe = before.recipe && [...before.recipe, { cut: [first, past] }];
    const parts = fitted(between(before.parts, from, to), clip.seconds);
    this.history.push({ ...before, clip, parts, whole: false, recipe, said: null });
  }

  // ---- files and words

  /** A motion file: it plays, and the model says what it sees. Several are shown side by side, to go on with one. */
  open(files) {
    if (files.length > MOST_FILES) return this.tell("problem", `${MOST_FILES} files at most are shown side by side, not ${files.length}`);
    return this.busy(`Reading ${files.map((file) => file.name).join(", ")}`, async (signal) => {
      const documents = await Promise.all(files.map((file) => this.read(file, signal)));
      if (documents.length > 1) this.tell("versions", documents);
      else this.history.push(documents[0]);
    });
  }

  async read(file, signal) {
    const read = await api.postFile("v1/conversions", file, { signal });
    const clip = new Clip(read.motions[0]);
    const said = await api.postJson("v1/captions", { motion: clip.json }, { signal }).catch((error) => {
      if (error.name === "AbortError") throw error;
      return null; // a body that cannot be read has no caption
    });
    const text = said?.text || null;
    return { clip, parts: [{ text, seconds: clip.seconds }], seed: null, options: {}, whole: false, recipe: null, title: file.name, said: text, warnings: [] };
  }

  /** What the model sees in the present motion. */
  async listen(document) {
    this.tell("said", document.said || null);
    if (document.said || api.DEMO) return;
    try {
      const { text } = await api.postJson("v1/captions", { motion: document.clip.json });
      if (this.document === document) this.tell("said", text);
    } catch {
      // A body that cannot be read has no caption; it plays all the same.
    }
  }

  correct(text) {
    return this.busy("Correcting the sentence", (signal) => api.postJson("v1/corrections", { motion: this.document.clip.json, text }, { signal }));
  }

  // ---- sessions

  /** Make what a recipe says, from nothing. */
  replay(recipe, parts) {
    return this.busy("Restoring the session", async (signal) => {
      let document = null;
      for (const step of recipe) {
        if (step.cut) {
          document = { ...document, clip: document.clip.cut(...step.cut), whole: false, recipe: [...document.recipe, step] };
        } else if (step.path === "v1/motions") {
          document = this.fresh(await api.postJson(step.path, step.body, { signal }), step.body);
        } else {
          const answer = await api.postJson("v1/edits", { ...step.body, motion: document.clip.json }, { signal });
          const row = document.parts;
          document = this.edited(document, step.body, answer, () => row);
        }
      }
      this.history.push({ ...document, parts: fitted(parts, document.clip.seconds), title: titleOf(parts) });
      return this.document;
    });
  }

  select(from, to) {
    const { clip } = this.document, step = 1 / clip.fps;
    const [a, b] = [Math.min(from, to), Math.max(from, to)].map((t) => Math.min(Math.max(Math.round(t * clip.fps) / clip.fps, 0), clip.seconds));
    this.selection = b - a >= step ? [a, b] : null;
    this.tell("selection", this.selection);
  }
}

const titleOf = (parts) => parts.map((part) => part.text || "anything").join(", then ");

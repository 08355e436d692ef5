// The page: puts the pieces together, and moves the picture.

import * as api from "./api.js";
import { Clip } from "./clip.js";
import { controls, showPlaying } from "./controls.js";
import { $, clock, element, store } from "./dom.js";
import { early } from "./figure.js";
import { keys } from "./keys.js";
import { Pace } from "./pace.js";
import { panel } from "./panel.js";
import { Player } from "./player.js";
import { Rounds } from "./rounds.js";
import { fromAddress, fromFile } from "./share.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { fitted } from "./parts.js";
import { Work } from "./work.js";

const EXAMPLES = [
  "a person walks forward and waves with the right hand",
  "a person walks in a circle to the left",
  "someone bows deeply",
  "a person runs forward",
  "a person raises both hands",
  "someone dances",
  "a person walks backwards slowly",
];

const player = new Player();
const work = new Work(heard);
const stage = begun(() => new Stage($("#canvas")));
early();
const pace = new Pace(stage);
const timeline = new Timeline($("#timeline"), work, player);
const rounds = new Rounds(stage, timeline, player);
globalThis.dimo = { work, player, stage, pace, frames: 0, shown: null }; // for the console, and for tests
let versions = null; // documents to choose from
let busySince = 0;
let tools = null; // the panel

/** The stage, or a word on why there is none. */
function begun(make) {
  try {
    return make();
  } catch (error) {
    problem("this browser draws no 3D pictures (WebGL is off or missing); the rest of dimo works from the command line");
    throw error;
  }
}

// ---- what the work tells

function heard(what, value) {
  if (what === "document") show(value);
  else if (what === "versions") offer(value);
  else if (what === "selection") selected(value);
  else if (what === "problem") problem(value);
  else if (what === "busy") busy(value);
  else if (what === "stopped") busySince = null;
  else if (what === "said") said(value);
  else if (what === "begin" || what === "round") rounds.hear(what, value);
}

async function show(document) {
  await rounds.end(document);
  if (work.document !== document) return;
  timeline.show(document);
  $("#title").textContent = document.title;
  $("#canvas").setAttribute("aria-label", `A figure: ${document.title}. Drag to turn around it, wheel to come closer.`);
  heardAs("#doubt", document.warnings);
  heardAs("#taken", document.notes);
  $("#seedtext").textContent = document.seed ?? "none: from a file";
  $("#undo").disabled = !work.history.past.length;
  $("#redo").disabled = !work.history.future.length;
  $("#correcttext").value = document.parts.length === 1 ? document.parts[0].text || "" : "";
  $("#corrected").hidden = true;
  globalThis.document.title = `${document.title} - dimo`;
  await present([document]);
  globalThis.dimo.shown = document;
}

async function present(documents) {
  try {
    await stage.show(documents.map((d) => d.clip));
  } catch (error) {
    problem(error.message);
    return;
  }
  stage.dark = dark();
  player.load(Math.max(...documents.map((d) => d.clip.seconds)));
  $("#scrub").max = player.seconds;
  if (!player.playing && !player.still) player.toggle(true);
}

function offer(documents) {
  versions = documents;
  globalThis.document.body.classList.toggle("choosing", Boolean(documents));
  $("#versions").hidden = !documents;
  if (!documents) return;
  rounds.forget();
  present(documents).then(placeVersions);
  $("#versions").replaceChildren(
    ...documents.map((d, i) => {
      const file = d.seed === null && !d.recipe ? d.title : null;
      const label = `${file ? `File ${i + 1}, ${file}` : `Version ${i + 1}, seed ${d.seed}`}: go on with it`;
      const button = element("button", { type: "button", "aria-label": label }, element("b", { textContent: file ? `${i + 1}  ${file}` : i + 1 }));
      button.addEventListener("click", () => work.choose(d));
      return button;
    }),
    none(),
  );
  placeVersions();
  $("#versions").firstChild.focus({ preventScroll: true });
}

function none() {
  const button = element("button", { type: "button", className: "none", textContent: "None of these", title: "Back to the motion that was there (Esc)" });
  button.addEventListener("click", dismiss);
  return button;
}

function placeVersions() {
  if (!versions) return;
  stage.layout().forEach(([x, y, w, h], i) => {
    const button = $("#versions").children[i], share = (v) => `${100 * v}%`;
    if (button) Object.assign(button.style, { left: share(x), top: share(y), width: share(w), height: share(h) });
  });
}

/** Back from the versions to the motion that was there. */
function dismiss() {
  if (!versions) return;
  heard("versions", null);
  show(work.document);
}

function selected(stretch) {
  timeline.select(stretch);
  $("#stretch").hidden = !stretch;
  if (stretch) $("#stretchtext").textContent = `${clock(stretch[0])} to ${clock(stretch[1])} s`;
}

function problem(sentence) {
  $("#status").textContent = sentence || "";
  $("#status").classList.toggle("problem", Boolean(sentence));
}

function busy(what) {
  $("#working").hidden = !what;
  $("#make").textContent = what ? "Stop" : "Make";
  if (what) {
    busySince = performance.now();
    $("#status").textContent = `${what} ...`;
    return;
  }
  if (!$("#status").classList.contains("problem")) {
    $("#status").textContent = busySince === null ? "stopped" : `done in ${((performance.now() - busySince) / 1000).toFixed(1)} s`;
  }
  if (!rounds.broken) return;
  rounds.forget();
  if (work.document) show(work.document); // not the half of another that the rounds left there
}

function said(text) {
  $("#said").hidden = !text;
  $("#said").textContent = text || "";
}

/** Sentences of the server on prompts that the model hardly knows, or takes as others. */
function heardAs(place, sentences = []) {
  $(place).hidden = !sentences.length;
  $(place).textContent = sentences.join(". ");
}

// ---- the prompt

const text = $("#text");
const seconds = () => {
  const value = Number.parseFloat($("#length").value.replace(",", "."));
  return Number.isFinite(value) ? value : null;
};
const asked = () => [{ text: text.value.trim() || null, seconds: seconds() ?? (text.value.trim() ? null : 4) }];

$("#prompt").addEventListener("submit", (event) => {
  event.preventDefault();
  work.make(asked());
});
$("#make").addEventListener("click", (event) => {
  // By the pointer, once: Enter in the prompt and a double click make the newer sentence instead.
  if (!work.abort || event.detail !== 1) return;
  event.preventDefault();
  work.stop();
});
$("#four").addEventListener("click", () => work.versions(asked()));
$("#add").addEventListener("click", () => {
  const { parts, whole, seed } = work.document, added = text.value.trim() || EXAMPLES[2];
  if (!whole) return work.extend(seconds() ?? 2, added);
  return work.make([...parts.map((p) => ({ text: p.text, seconds: p.seconds })), { text: added, seconds: seconds() }], { seed });
});

async function examples() {
  const texts = api.DEMO ? (await api.recordings()).map((m) => m.text) : EXAMPLES;
  $("#examples").replaceChildren(
    ...texts.map((example) => {
      const button = element("button", { type: "button", textContent: example });
      button.addEventListener("click", () => {
        text.value = example;
        work.make([{ text: example, seconds: null }]);
      });
      return button;
    }),
  );
}

// ---- files that are dropped or chosen

async function open(files) {
  const sessions = files.filter((file) => /\.json$/i.test(file.name));
  if (!sessions.length) return work.open(files);
  if (files.length > 1) return problem(`${sessions[0].name} is a session, which is opened alone`);
  try {
    const session = await fromFile(sessions[0]);
    problem(null);
    work.history.adopt(session.past, session.now, session.future);
  } catch (error) {
    return problem(error.message);
  }
  return adopted();
}

/** Fields as the document was made with, so that what is made next goes on from it. */
async function adopted() {
  const { parts } = work.document;
  text.value = (parts.length === 1 && parts[0].text) || "";
  await tools.adopt(work.document).catch(() => {}); // told already, when the server did not say what it has
}

/** The session of a link, also where it is put into the address of a page that is open. */
async function restore() {
  const session = fromAddress();
  if (!session || api.DEMO) return;
  if (await work.replay(session.recipe, session.parts)) await adopted();
}
addEventListener("hashchange", restore);

let inside = 0;
const drags = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!drags(event)) return;
  inside += 1;
  $("#drop").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (drags(event) && --inside <= 0) $("#drop").hidden = true;
});
addEventListener("dragover", (event) => drags(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!drags(event)) return;
  event.preventDefault();
  inside = 0;
  $("#drop").hidden = true;
  if (event.dataTransfer.files.length) open([...event.dataTransfer.files]);
});

// ---- time

player.listen((what) => {
  if (what === "playing") showPlaying(player);
  $("#scrub").value = player.time;
  $("#clock").textContent = clock(player.time);
  timeline.tick(player.time);
});
controls(player, () => stage);
showPlaying(player);
$("#home").addEventListener("click", () => stage.home());

let before = performance.now(), drawn = false;
function frame(now) {
  const passed = Math.min((now - before) / 1000, 0.1);
  pace.tick(now - before, Boolean(work.abort) || !work.document);
  before = now;
  player.tick(passed);
  stage.render(player.time, passed);
  globalThis.dimo.frames += 1;
  if (globalThis.dimo.shown && !drawn) {
    drawn = true;
    performance.mark("first-picture"); // what benchmarks/serve.py waits for
  }
  requestAnimationFrame(frame);
}

// ---- light and dark

const dark = () => globalThis.document.documentElement.dataset.theme !== "light";
function theme(name) {
  globalThis.document.documentElement.dataset.theme = name;
  stage.dark = dark();
}
theme(store("theme") || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
$("#theme").addEventListener("click", () => {
  theme(dark() ? "light" : "dark");
  store("theme", dark() ? "dark" : "light");
});
$("#help").addEventListener("click", () => $("#keys").showModal());
$("#undo").addEventListener("click", () => work.history.undo());
$("#redo").addEventListener("click", () => work.history.redo());
new ResizeObserver(placeVersions).observe($("#view"));

// ---- begin

async function begin() {
  requestAnimationFrame(frame);
  examples();
  tools = panel(work, { open, problem });
  keys(work, player, { dismiss, choose: (i) => versions?.[i] && work.choose(versions[i]) });
  try {
    const answer = await api.opening();
    const clip = new Clip(answer.motions[0]), parts = fitted(answer.parts, clip.seconds), seed = answer.seed;
    const body = { ...answer.parts[0], seed };
    const document = { clip, parts, seed, options: {}, whole: true, recipe: [{ path: "v1/motions", body }], title: parts[0].text, said: answer.said, warnings: answer.warnings, notes: answer.notes };
    text.value = parts[0].text;
    work.history.push(document);
  } catch (error) {
    problem(error.message);
  }
  await restore();
}
begin();

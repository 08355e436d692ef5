// The tools beside the picture: changing, words, files, and how to draw.

import * as api from "./api.js";
import { $, element, save } from "./dom.js";
import { link, toFile } from "./share.js";

const number = (id) => {
  const value = Number.parseFloat($(id).value.replace(",", "."));
  return Number.isFinite(value) ? value : null;
};

/** A form that does something instead of being sent. */
function on(id, deed) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    deed();
  });
}

export function panel(work, { open, problem }) {
  on("#extend", () => work.extend(number("#extendseconds") ?? 2, $("#extendtext").value.trim()));
  on("#vary", () => work.vary(Number($("#share").value)));
  $("#share").addEventListener("input", () => ($("#sharetext").textContent = `${Math.round(100 * $("#share").value)} %`));
  $("#joinfile").addEventListener("change", () => {
    const [file] = $("#joinfile").files;
    if (file) work.lead(file, number("#joinseconds") ?? 1.5);
    $("#joinfile").value = "";
  });
  stretch(work);
  on("#correct", async () => {
    const found = await work.correct($("#correcttext").value.trim());
    if (found) corrected(found);
  });
  $("#file").addEventListener("change", () => {
    const files = [...$("#file").files];
    if (files.length) open(files);
    $("#file").value = "";
  });
  on("#download", () => download(work));
  $("#copy").addEventListener("click", () => copy(work, problem));
  $("#savesession").addEventListener("click", () => save(toFile(work.history), `${nameOf(work)}.json`));
  const known = api.models().then((told) => advanced(work, told));
  known.catch((error) => problem(error.message));
  return { adopt: async (document) => (await known)(document) };
}

function stretch(work) {
  on("#stretch", () => work.replace(...work.selection, $("#stretchprompt").value.trim()));
  $("#freeze").addEventListener("click", () => work.freeze(...work.selection, $("#stretchprompt").value.trim()));
  $("#crop").addEventListener("click", () => work.keepOnly(...work.selection));
  $("#unselect").addEventListener("click", () => work.select(0, 0));
}

/** The sentence with what was exchanged struck and put in. */
function corrected({ original, changes, changed }) {
  const shown = [];
  let at = 0;
  for (const change of [...changes].sort((a, b) => a.start - b.start)) {
    shown.push(original.slice(at, change.start), element("del", { textContent: change.old }), " ", element("ins", { textContent: change.new }));
    at = change.end;
  }
  shown.push(original.slice(at));
  $("#corrected").hidden = false;
  $("#corrected").replaceChildren(...(changed ? shown : ["Nothing contradicts this sentence."]));
}

const nameOf = (work) => work.document.title.replace(/\.[a-z]+$/i, "").replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 60) || "motion";

function download(work) {
  const format = $("#format").value, fps = number("#fps"), skeleton = $("#skeleton").value;
  return work.busy(`Writing ${format.toUpperCase()}`, async (signal) => {
    const body = { motion: work.document.clip.json, format, ...(fps && { fps }), ...(skeleton && { skeleton }) };
    const answer = await api.post("v1/conversions", body, { signal });
    save(await answer.blob(), `${nameOf(work)}.${format}`);
  });
}

async function copy(work, problem) {
  const address = link(work.document);
  if (!address) return problem("a file was part of this session, which no link can hold; save the session instead");
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address);
    problem(null);
    $("#status").textContent = "the link is copied; it makes this session again";
  } catch {
    $("#status").textContent = "the link is in the address bar";
  }
  return null;
}

// Fields that change how the next motion is drawn; what is not given is the model's default, which they show.
const DRAWN = ["steps", "guidance", "temperature", "top_k"];

/** Have the fields work; gives a function that sets them to what a document was drawn with. */
function advanced(work, told) {
  const [model] = told.models;
  work.once = model.seconds_at_once;
  work.limits = told.limits;
  $("#skeleton").append(...told.skeletons.map((name) => element("option", { value: name, textContent: name })));
  for (const option of [...$("#format").options]) if (!told.files.written.includes(option.value)) option.remove();
  for (const kind of told.files.written.filter((k) => k === "vrma" || k === "usda" || k === "usd" || k === "fbx")) {
    $("#format").append(element("option", { value: kind, textContent: kind.toUpperCase() }));
  }
  for (const [id, values] of [["strategy", model.strategies], ["schedule", model.schedules]]) {
    $(`#${id}`).append(...values.map((v) => element("option", { value: v, textContent: v, selected: v === model.defaults[id] })));
  }
  for (const id of DRAWN) $(`#${id}`).placeholder = model.defaults[id];
  const read = () => {
    work.seed = number("#seed");
    work.best = number("#best") ?? 1;
    work.options = {};
    for (const id of DRAWN) if (number(`#${id}`) !== null) work.options[id] = number(`#${id}`);
    for (const id of ["strategy", "schedule"]) if ($(`#${id}`).value !== model.defaults[id]) work.options[id] = $(`#${id}`).value;
  };
  $("#advanced").addEventListener("input", read);
  return ({ options = {}, recipe }) => {
    for (const id of DRAWN) $(`#${id}`).value = options[id] ?? "";
    for (const id of ["strategy", "schedule"]) $(`#${id}`).value = options[id] ?? model.defaults[id];
    $("#best").value = recipe?.[0]?.body?.best ?? "";
    read();
  };
}

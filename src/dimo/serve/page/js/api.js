// The server's answers. Every failure is an Error whose message is the server's own sentence.

export const DEMO = document.documentElement.dataset.demo === "yes";

let recorded = null;

async function demo() {
  recorded ??= fetch("demo.json").then((r) => r.json());
  return recorded;
}

async function told(response) {
  if (response.ok) return response;
  let sentence = `the server answered ${response.status}`;
  try {
    sentence = (await response.json()).detail || sentence;
  } catch {
    // no problem document: a proxy's page, or nothing
  }
  throw Object.assign(new Error(sentence), { status: response.status, again: Number(response.headers.get("retry-after")) || 2 });
}

async function send(path, options) {
  if (DEMO) throw new Error("this page plays recorded motions; run dimo serve to make your own");
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; is dimo serve still running?");
  }
  return told(response);
}

/** POST a body of JSON; a full queue is asked again once, after the time it names. */
export async function post(path, body, { signal } = {}) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal };
  try {
    return await send(path, options);
  } catch (error) {
    if (error.status !== 429) throw error;
    await new Promise((done) => setTimeout(done, 1000 * Math.min(error.again, 30)));
    signal?.throwIfAborted();
    return send(path, options);
  }
}

export const postJson = async (path, body, options) => (await post(path, body, options)).json();

/** POST a file, and everything else as JSON beside it. */
export async function postFile(path, file, { body = {}, signal } = {}) {
  const form = new FormData();
  form.append("motion", file, file.name);
  form.append("request", JSON.stringify(body));
  return (await send(path, { method: "POST", body: form, signal })).json();
}

/** What the page opens with. */
export const opening = async () => (await told(await fetch("opening.json"))).json();

/** Recorded answers by text, where there is no server. */
export const recordings = async () => (DEMO ? (await demo()).motions : []);

export async function models() {
  if (DEMO) return (await demo()).models;
  return (await told(await fetch("v1/models"))).json();
}

/** The figure of a body: of the one that everything is made on, or by the server for the body of a file. */
export async function figureFile(clip, standard) {
  if (standard) return (await told(await fetch("figure.glb"))).arrayBuffer();
  return (await post("v1/conversions", { motion: clip.cut(0, 1).json, format: "glb" })).arrayBuffer();
}

/** The events of /v1/motions/rounds: hear(name, data) as they come; ends with the answer. */
export async function rounds(body, hear, signal) {
  if (DEMO) return recordedRounds(body, hear);
  const response = await post("v1/motions/rounds", body, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the server stopped in the middle of an answer");
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const [name, data] = block.split("\n");
      const event = [name.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
      if (event[0] === "error") throw new Error(event[1].detail);
      if (event[0] === "end") return event[1];
      hear(...event);
    }
  }
}

async function recordedRounds(body, hear) {
  const found = (await demo()).motions.find((m) => m.text === body.text);
  if (!found) throw new Error("this page plays recorded motions; choose one of the examples, or run dimo serve");
  for (const [name, data] of found.events) hear(name, data);
  return found.answer;
}

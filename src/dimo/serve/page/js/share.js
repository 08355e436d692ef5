// A session as a link, which makes it again by its recipe, and as a file, which holds its motion.

import { Clip } from "./clip.js";

const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const decode = (text) => new TextDecoder().decode(Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)));

/** The address that makes the document again, or null where a file was part of it. */
export function link({ recipe, parts }) {
  if (!recipe) return null;
  const row = parts.map(({ text, seconds, made }) => ({ text, seconds, made }));
  return `${location.origin}${location.pathname}#${encode(JSON.stringify({ recipe, parts: row }))}`;
}

/** The recipe and parts in the page's address, or null. */
export function fromAddress() {
  try {
    const { recipe, parts } = JSON.parse(decode(location.hash.slice(1)));
    return Array.isArray(recipe) && Array.isArray(parts) && recipe.length && parts.length ? { recipe, parts } : null;
  } catch {
    return null;
  }
}

const STEPS = 40; // of undo that a file keeps

const plain = ({ clip, ...rest }) => ({ ...rest, motion: clip.json });
const revived = ({ motion, ...rest }) => ({ ...rest, clip: new Clip(motion) });

/** A session as JSON, exact, with what undo and redo lead to. */
export function toFile({ past, now, future }) {
  const session = { format: "dimo-session", version: 1, ...plain(now), past: past.slice(-STEPS).map(plain), future: future.slice(-STEPS).map(plain) };
  return new Blob([JSON.stringify(session)], { type: "application/json" });
}

/** The session {past, now, future} in a file; an Error says what else it is. */
export async function fromFile(file) {
  let data = null;
  try {
    data = JSON.parse(await file.text());
  } catch {
    // told below
  }
  if (data?.format !== "dimo-session") throw new Error(`${file.name}: not a session of this page`);
  const { format, version, past = [], future = [], ...now } = data;
  if (version !== 1) throw new Error(`${file.name}: a session of version ${version}; this page reads version 1`);
  try {
    return { past: past.map(revived), now: revived(now), future: future.map(revived) };
  } catch {
    throw new Error(`${file.name}: a damaged session; save it again where it was made`);
  }
}

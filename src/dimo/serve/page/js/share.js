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

/** A document as JSON, exact. */
export function toFile(document) {
  const { clip, ...rest } = document;
  return new Blob([JSON.stringify({ format: "dimo-session", version: 1, ...rest, motion: clip.json })], { type: "application/json" });
}

/** The document in a file; an Error says what else it is. */
export async function fromFile(file) {
  let data = null;
  try {
    data = JSON.parse(await file.text());
  } catch {
    // told below
  }
  if (data?.format !== "dimo-session") throw new Error(`${file.name}: not a session of this page`);
  const { format, version, motion, ...rest } = data;
  if (version !== 1) throw new Error(`${file.name}: a session of version ${version}; this page reads version 1`);
  return { ...rest, clip: new Clip(motion) };
}

// The row of prompts over a motion: what happens for how long. Each function gives a new row and changes none.

/** Where each part begins and ends, in seconds. */
export function spans(parts) {
  let at = 0;
  return parts.map((part) => [at, (at += part.seconds)]);
}

export const total = (parts) => parts.reduce((sum, part) => sum + part.seconds, 0);

/** A row for a motion of so many seconds: parts keep their shares. */
export function fitted(parts, seconds) {
  const all = total(parts) || 1;
  return parts.map((part) => ({ ...part, seconds: (part.seconds * seconds) / all }));
}

/** The parts of a stretch of the row. */
export function between(parts, from, to) {
  const places = spans(parts);
  return parts
    .map((part, i) => ({ ...part, seconds: Math.min(places[i][1], to) - Math.max(places[i][0], from) }))
    .filter((part) => part.seconds > 1e-6);
}

/** The row with a stretch put in the place of another. */
export function spliced(parts, from, to, middle) {
  return joined([...between(parts, 0, from), ...middle, ...between(parts, to, Infinity)]);
}

/** Neighbours that say the same as one. */
function joined(parts) {
  const out = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last && last.text === part.text && last.made === part.made) out[out.length - 1] = { ...last, seconds: last.seconds + part.seconds };
    else out.push(part);
  }
  return out;
}

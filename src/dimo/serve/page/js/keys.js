// The keyboard: what has no field or button under the focus.

import { $ } from "./dom.js";

const CLICKS = { l: "#loop", f: "#follow", g: "#ghosts", c: "#feet", h: "#home", "?": "#help" };

export function keys(work, player, { dismiss, choose }) {
  addEventListener("keydown", (event) => {
    const where = event.target, command = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") {
      work.stop();
      work.select(0, 0);
      dismiss();
      if (where.matches?.("input")) where.blur();
      return;
    }
    if (where.matches?.("input:not([type=range]), select, textarea") || $("#keys").open) return;
    if (command && event.key.toLowerCase() === "z") event.shiftKey ? work.history.redo() : work.history.undo();
    else if (command && event.key.toLowerCase() === "y") work.history.redo();
    else if (command || event.altKey || !work.document) return;
    else if (event.key === " ") {
      if (where.matches?.("button, summary, .file") && where.id !== "play") return; // they have their own
      if (where.id === "play") return;
      player.toggle();
    } else if (!pressed(event, work, player, choose)) return;
    event.preventDefault();
  });
}

function pressed(event, work, player, choose) {
  const { fps } = work.document.clip, ahead = event.shiftKey ? Math.round(fps / 2) : 1;
  const slider = event.target.matches?.("input[type=range]") && event.target.id !== "scrub";
  if (slider && /^(Arrow|Home|End)/.test(event.key)) return false;
  if (event.key === "ArrowRight") player.step(ahead, fps);
  else if (event.key === "ArrowLeft") player.step(-ahead, fps);
  else if (event.key === "Home") player.seek(0);
  else if (event.key === "End") player.seek(player.seconds);
  else if (event.key === "ArrowUp") faster(1);
  else if (event.key === "ArrowDown") faster(-1);
  else if (event.key === "[") work.select(player.time, work.selection?.[1] ?? player.seconds);
  else if (event.key === "]") work.select(work.selection?.[0] ?? 0, player.time);
  else if (event.key === "/") $("#text").focus();
  else if (/^[1-4]$/.test(event.key)) choose(Number(event.key) - 1);
  else if (CLICKS[event.key.toLowerCase()]) $(CLICKS[event.key.toLowerCase()]).click();
  else return false;
  return true;
}

function faster(step) {
  const speed = $("#speed");
  speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + step, 0), speed.options.length - 1);
  speed.dispatchEvent(new Event("change"));
}

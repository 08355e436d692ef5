// The controls below the figure: of the page, and of a motion that plays alone (view/motion.js).

import { $ } from "./dom.js";

/** Have them work. stage: gives the stage of the moment, which may be another one later. */
export function controls(player, stage) {
  $("#play").addEventListener("click", () => player.toggle());
  $("#scrub").addEventListener("input", () => player.seek(Number($("#scrub").value)));
  $("#speed").addEventListener("change", () => (player.speed = Number($("#speed").value)));
  toggle("#loop", (on) => (player.loop = on));
  toggle("#follow", (on) => (stage().shown.follow = on));
  toggle("#ghosts", (on) => stage().showGhosts(on));
  toggle("#feet", (on) => (stage().shown.feet = on));
}

function toggle(id, change) {
  const button = $(id);
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    change(on);
  });
}

/** Have the button say what it does next. */
export function showPlaying(player) {
  $("#play").textContent = player.playing ? "❚❚" : "▶";
  $("#play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
}

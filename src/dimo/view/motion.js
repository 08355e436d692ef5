// One motion that plays by itself, in a page that has everything inside. Nothing is drawn while nobody sees it.

import { Clip } from "./clip.js";
import { controls, showPlaying } from "./controls.js";
import { $, clock } from "./dom.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";

const { motion } = globalThis.dimo.given;
const clip = new Clip(motion), player = new Player();
let stage = null, seen = false, before = 0;

$("#title").textContent = clip.name.replaceAll("_", " ");
$("#scrub").max = clip.seconds;
player.load(clip.seconds);

/** A new stage; also after the browser took an old one's context away, as it does where many pictures are on one page. */
async function build() {
  const old = $("#canvas"), canvas = old.cloneNode(false);
  old.replaceWith(canvas);
  const shown = stage?.shown;
  stage = new Stage(canvas);
  Object.assign(stage.shown, shown);
  // The wheel scrolls the page around this one until the picture is taken hold of.
  stage.controls.enableZoom = globalThis.parent === globalThis;
  canvas.addEventListener("pointerdown", () => (stage.controls.enableZoom = true));
  canvas.addEventListener("blur", () => (stage.controls.enableZoom = globalThis.parent === globalThis));
  await stage.show([clip]);
  stage.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  Object.assign(globalThis.dimo, { stage, player, frames: 0 });
}

async function frame(now) {
  if (!seen) return;
  const passed = Math.min((now - before) / 1000, 0.1);
  before = now;
  if (stage.renderer.getContext().isContextLost()) await build();
  player.tick(passed);
  stage.render(player.time, passed);
  globalThis.dimo.frames += 1;
  requestAnimationFrame(frame);
}

player.listen(() => {
  showPlaying(player);
  $("#scrub").value = player.time;
  $("#clock").textContent = `${clock(player.time)} s`;
});
controls(player, () => stage);
showPlaying(player);

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select")) return;
  if (event.key === " " && !event.target.matches?.("button")) player.toggle();
  else if (event.key === "ArrowRight") player.step(1, clip.fps);
  else if (event.key === "ArrowLeft") player.step(-1, clip.fps);
  else return;
  event.preventDefault();
});

await build();
new IntersectionObserver((entries) => {
  const visible = entries.at(-1).isIntersecting;
  if (visible && !seen) {
    before = performance.now();
    requestAnimationFrame(frame);
  }
  seen = visible;
}).observe($("#view"));

// Time: playing, stopping, speed, loop. Knows no picture; tells its listeners.

export class Player {
  constructor() {
    this.time = 0;
    this.seconds = 1;
    this.speed = 1;
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.still = !this.playing; // nothing moves before somebody asks for it
    this.loop = true;
    this.listeners = [];
  }

  listen(heard) {
    this.listeners.push(heard);
  }

  tell(what) {
    for (const heard of this.listeners) heard(what);
  }

  /** A clip of so many seconds; from its start, or from the same place where that still is. */
  load(seconds, keep = false) {
    this.seconds = seconds;
    this.time = keep ? Math.min(this.time, seconds) : 0;
    this.tell("load");
  }

  tick(passed) {
    if (!this.playing) return;
    this.time += passed * this.speed;
    if (this.time >= this.seconds) {
      if (this.loop) this.time = this.seconds > 0 ? this.time % this.seconds : 0;
      else this.stopAt(this.seconds);
    }
    this.tell("time");
  }

  stopAt(time) {
    this.time = time;
    this.playing = false;
    this.tell("playing");
  }

  toggle(on = !this.playing) {
    this.still = false;
    if (on && !this.loop && this.time >= this.seconds) this.time = 0;
    this.playing = on;
    this.tell("playing");
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.seconds);
    this.tell("time");
  }

  /** A step of so many frames, standing still. */
  step(frames, fps) {
    if (this.playing) this.toggle(false);
    this.seek((Math.round(this.time * fps) + frames) / fps);
  }
}

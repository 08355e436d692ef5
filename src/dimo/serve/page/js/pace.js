// Sharpness follows the machine: where pictures take too long, they are drawn with fewer pixels.

const SLOW = 1000 / 45; // milliseconds of a picture over which there are fewer
const LESS = 0.8;
const LEAST = 0.75; // of the pixels of a plain screen, each way
const MEASURED = 24; // pictures, of which the median counts

export class Pace {
  constructor(stage) {
    this.stage = stage;
    this.times = [];
    this.scale = 1;
    this.fixed = false;
    addEventListener("resize", () => this.set(1));
  }

  /** A picture took so many milliseconds; busy: something else had the machine meanwhile. */
  tick(took, busy) {
    if (busy || this.fixed || took > 1000) {
      this.times = [];
      return;
    }
    if (this.times.push(took) < MEASURED) return;
    const median = this.times.sort((a, b) => a - b)[MEASURED / 2];
    this.times = [];
    const least = Math.min(1, LEAST / Math.min(devicePixelRatio, 2));
    if (median > SLOW && this.scale > least) this.set(Math.max(least, this.scale * LESS));
  }

  set(scale) {
    if (this.fixed) return;
    this.times = [];
    this.scale = scale;
    this.stage.sharpness = scale;
    this.stage.resize();
  }

  /** All pixels from now on, however long it takes: for pictures that are kept. */
  fix() {
    this.set(1);
    this.fixed = true;
  }
}

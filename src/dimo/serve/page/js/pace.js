// Sharpness follows the machine: large windows begin with fewer pixels, quick machines get all, slow ones keep fewer.

const SLOW = 1000 / 45; // milliseconds of a picture over which there are fewer
const SWIFT = 1000 / 55; // and under which there are more, until once they were too many
const LESS = 0.8;
const LEAST = 0.75; // of the pixels of a plain screen, each way
const FIRST = 1920 * 1080; // pixels that a window begins with at most
const MEASURED = 24; // pictures, of which the median counts

export class Pace {
  constructor(stage) {
    this.stage = stage;
    this.fixed = false;
    addEventListener("resize", () => this.begin());
    this.begin();
  }

  /** What a window begins with, whose machine is not known yet. */
  begin() {
    const ratio = Math.min(devicePixelRatio, 2), pixels = innerWidth * innerHeight * ratio * ratio;
    this.rising = true;
    this.set(Math.min(1, Math.sqrt(FIRST / pixels)));
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
    if (median < SWIFT && this.rising && this.scale < 1) this.set(Math.min(1, this.scale / LESS));
    if (median > SLOW) {
      this.rising = false;
      if (this.scale > least) this.set(Math.max(least, this.scale * LESS));
    }
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

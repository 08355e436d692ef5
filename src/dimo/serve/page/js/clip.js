// A motion for playing: what the server's JSON holds, as typed arrays, and poses between frames.

/** Time in seconds to the frames around it and the share of the second. */
function between(clip, time) {
  const at = Math.min(Math.max(time, 0) * clip.fps, clip.frames - 1);
  const low = Math.min(Math.floor(at), clip.frames - 1);
  return [low, Math.min(low + 1, clip.frames - 1), at - low];
}

export class Clip {
  /** json: a motion as answers hold it. It is kept as it is, so that what goes back is exact. */
  constructor(json) {
    this.json = json;
    this.fps = json.fps;
    this.frames = json.root.length;
    this.seconds = this.frames / this.fps;
    this.name = json.name;
    this.joints = json.skeleton.joints;
    this.key = JSON.stringify(this.joints);
    this.root = new Float32Array(json.root.flat());
    this.rotations = new Float32Array(json.rotations.flat(2)); // w first
    this.contacts = json.contacts || { left: [], right: [] };
  }

  /** The place of the root at a time. */
  rootAt(time, out = [0, 0, 0]) {
    const [a, b, t] = between(this, time);
    for (let i = 0; i < 3; i++) out[i] = this.root[3 * a + i] * (1 - t) + this.root[3 * b + i] * t;
    return out;
  }

  /** Put the bones of a figure where the motion has them at a time: quaternions by normalised interpolation. */
  pose(bones, time) {
    const [a, b, t] = between(this, time), count = this.joints.length, q = this.rotations;
    const [x, y, z] = this.rootAt(time);
    bones[0].position.set(x, y, z);
    for (let j = 0; j < count; j++) {
      const i = 4 * (a * count + j), k = 4 * (b * count + j);
      const dot = q[i] * q[k] + q[i + 1] * q[k + 1] + q[i + 2] * q[k + 2] + q[i + 3] * q[k + 3];
      const u = 1 - t, v = dot < 0 ? -t : t;
      bones[j].quaternion
        .set(q[i + 1] * u + q[k + 1] * v, q[i + 2] * u + q[k + 2] * v, q[i + 3] * u + q[k + 3] * v, q[i] * u + q[k] * v)
        .normalize();
    }
  }

  /** Whether a foot stands at a time. */
  stands(side, time) {
    const frame = Math.min(Math.floor(time * this.fps), this.frames - 1);
    return this.contacts[side].some(([first, past]) => frame >= first && frame < past);
  }

  /** The joint of a foot, by its name; -1 where no name says so. */
  foot(side) {
    const names = this.joints.map((j) => j.name.toLowerCase());
    const ours = (n) => n.includes(side) || new RegExp(`(^|[_.:])${side[0]}([_.]|(?=[a-z]*(foot|toe)))`).test(n);
    for (const part of ["toe", "foot", "ankle"]) {
      const found = names.findIndex((n) => ours(n) && n.includes(part) && !n.endsWith("_end"));
      if (found >= 0) return found;
    }
    return -1;
  }

  /** The frames from first to the last but one, as a motion of its own. */
  cut(first, past) {
    const clamp = ([a, b]) => [Math.max(a, first) - first, Math.min(b, past) - first];
    const contacts = {};
    for (const side of ["left", "right"]) contacts[side] = this.contacts[side].map(clamp).filter(([a, b]) => a < b);
    return new Clip({
      ...this.json,
      root: this.json.root.slice(first, past),
      rotations: this.json.rotations.slice(first, past),
      seconds: (past - first) / this.fps,
      contacts,
    });
  }
}

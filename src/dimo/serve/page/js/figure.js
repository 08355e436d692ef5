// Bodies: the mannequin of a skeleton, loaded once, and as many copies as there are places to stand.

import { cloneSkinned, Color, GLTFLoader, Mesh, MeshBasicMaterial, MeshStandardMaterial, CircleGeometry, RingGeometry, Group } from "../vendor/three.js";
import { figureFile } from "./api.js";

const loaded = new Map();
const first = { key: null, model: null };

/** Load the body that the server makes motions on, before a motion has come that says which one that is. */
export function early() {
  first.model ??= figureFile(null, true).then(parsed);
  first.model.catch(() => (first.model = null));
  return first.model;
}

/** The first body that is asked for is the one that the server makes motions on. */
async function modelOf(clip) {
  first.key ??= clip.key;
  if (!loaded.has(clip.key)) {
    const model = clip.key === first.key ? early() : figureFile(clip, false).then(parsed);
    loaded.set(clip.key, model);
    model.catch(() => loaded.delete(clip.key));
  }
  return loaded.get(clip.key);
}

async function parsed(data) {
  const { scene } = await new GLTFLoader().parseAsync(data, "");
  // The mannequin's colours are meant as they are seen; the file's are those of light.
  const colours = skinOf(scene).geometry.getAttribute("color").array;
  for (let i = 0; i < colours.length; i++) colours[i] = Math.pow(colours[i], 2.2);
  return scene;
}

function skinOf(scene) {
  let skin = null;
  scene.traverse((node) => {
    if (node.isSkinnedMesh) skin = node;
  });
  return skin;
}

/** A copy of the body of a clip, with bones in the order of its joints. */
export async function figureFor(clip, { ghost = false } = {}) {
  const scene = cloneSkinned(await modelOf(clip));
  const skin = skinOf(scene);
  skin.frustumCulled = false; // its bounds are those of the pose at rest
  skin.castShadow = !ghost;
  skin.material = ghost
    ? new MeshBasicMaterial({ color: 0x8aa4ff, transparent: true, opacity: 0.2 })
    : new MeshStandardMaterial({ vertexColors: true, roughness: 0.5, metalness: 0.05, transparent: true });
  // The figure is drawn last, over ghosts in front of it; hence "transparent", which it is not.
  skin.renderOrder = ghost ? 1 : 2;
  if (!ghost) skin.onBeforeRender = (renderer) => renderer.clearDepth();
  return { scene, bones: skin.skeleton.bones, material: skin.material, key: clip.key };
}

/** Marks under the feet of a figure: a disc where a foot stands. */
export class Feet {
  constructor() {
    this.group = new Group();
    this.discs = {};
    for (const [side, colour] of [["left", 0x4c7dff], ["right", 0xff6a5c]]) {
      const disc = new Group();
      const flat = (geometry, opacity) =>
        new Mesh(geometry, new MeshBasicMaterial({ color: new Color(colour), transparent: true, opacity, depthWrite: false }));
      disc.add(flat(new CircleGeometry(0.085, 32), 0.35), flat(new RingGeometry(0.085, 0.1, 32), 0.9));
      disc.rotation.x = -Math.PI / 2;
      this.discs[side] = disc;
      this.group.add(disc);
    }
  }

  show(clip, bones, time, floor) {
    for (const side of ["left", "right"]) {
      const joint = clip.foot(side), disc = this.discs[side];
      disc.visible = joint >= 0 && clip.stands(side, time);
      if (!disc.visible) continue;
      bones[joint].getWorldPosition(disc.position);
      disc.position.y = floor + 0.006;
    }
  }
}

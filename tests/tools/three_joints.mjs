// Where three.js puts the joints of files: node three_joints.mjs THREE REQUESTS, three.js' folder and a JSON file of
// [{file, times in seconds}]. Prints a JSON list of {joint: [x, y, z] in the world} per time, for each request.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, requests] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(folder, path)));
const { AnimationMixer, Vector3 } = await load("build/three.module.js");
const { GLTFLoader } = await load("examples/jsm/loaders/GLTFLoader.js");
const { BVHLoader } = await load("examples/jsm/loaders/BVHLoader.js");

async function opened(file) {
  const bytes = readFileSync(file);
  if (file.endsWith(".bvh")) {
    const { skeleton, clip } = new BVHLoader().parse(bytes.toString("utf8"));
    return { root: skeleton.bones[0], bones: skeleton.bones, clip };
  }
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const gltf = await new GLTFLoader().parseAsync(buffer, "");
  const bones = [];
  gltf.scene.traverse((node) => node.isBone && bones.push(node));
  return { root: gltf.scene, bones, clip: gltf.animations[0] };
}

const out = [];
for (const { file, times } of JSON.parse(readFileSync(requests, "utf8"))) {
  const { root, bones, clip } = await opened(file);
  const mixer = new AnimationMixer(root);
  mixer.clipAction(clip).play();
  out.push(
    times.map((time) => {
      mixer.setTime(time);
      root.updateWorldMatrix(true, true);
      return Object.fromEntries(bones.map((bone) => [bone.name, bone.getWorldPosition(new Vector3()).toArray()]));
    }),
  );
}
console.log(JSON.stringify(out));

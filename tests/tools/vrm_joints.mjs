// Where three-vrm puts the bones of an avatar that a VRM animation moves: node vrm_joints.mjs MODULES REQUEST, the folder of npm
// packages and a JSON file of {avatar, animation, times in seconds}. Prints a JSON list of {bone: [x, y, z] in the world} per time.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

globalThis.self ??= globalThis;
globalThis.ProgressEvent ??= class {};
const [folder, request] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(folder, path)));
const { AnimationMixer, Vector3 } = await load("three/build/three.module.js");
const { GLTFLoader } = await load("three/examples/jsm/loaders/GLTFLoader.js");
const { VRMLoaderPlugin } = await load("@pixiv/three-vrm/lib/three-vrm.module.js");
const { VRMAnimationLoaderPlugin, createVRMAnimationClip } = await load("@pixiv/three-vrm-animation/lib/three-vrm-animation.module.js");

async function opened(file, Plugin) {
  const loader = new GLTFLoader().register((parser) => new Plugin(parser));
  const bytes = readFileSync(file);
  return (await loader.parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), "")).userData;
}

const { avatar, animation, times } = JSON.parse(readFileSync(request, "utf8"));
const { vrm } = await opened(avatar, VRMLoaderPlugin);
const { vrmAnimations } = await opened(animation, VRMAnimationLoaderPlugin);
const mixer = new AnimationMixer(vrm.scene);
mixer.clipAction(createVRMAnimationClip(vrmAnimations[0], vrm)).play();
const bones = Object.keys(vrm.humanoid.humanBones);
const out = times.map((time) => {
  mixer.setTime(time);
  vrm.update(0);
  vrm.scene.updateWorldMatrix(true, true);
  return Object.fromEntries(bones.map((b) => [b, vrm.humanoid.getRawBoneNode(b).getWorldPosition(new Vector3()).toArray()]));
});
console.log(JSON.stringify(out));

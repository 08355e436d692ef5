// Runs the Khronos glTF validator on GLB files and prints one JSON line per file; exit code 1 on any error or warning.
//
//   npm install gltf-validator@2.0.0-dev.3.10      (in this folder's parents, or name its folder in NODE_MODULES)
//   node benchmarks/validate_glb.mjs out/demo.glb ...

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node validate_glb.mjs FILE.glb ...");
  process.exit(2);
}

const place = process.env.NODE_MODULES ? join(process.env.NODE_MODULES, "x.js") : import.meta.url;
const validator = createRequire(place)("gltf-validator");

let faults = 0;
for (const file of files) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { uri: file });
  const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
  console.log(JSON.stringify({ file, numErrors, numWarnings, numInfos, numHints, messages, info: report.info }));
  faults += numErrors + numWarnings;
}
process.exit(faults ? 1 : 0);

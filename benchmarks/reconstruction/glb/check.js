// Validates a GLB file with Khronos' validator and opens it in Chromium with three.js.
//
//   cd benchmarks/reconstruction/glb && npm install
//   node check.js head.glb screenshot.png [chromium]
//
// The screenshot shows the file as it opens, at rest, with `mouthSmile*` and with `jawOpen` at 1.
// Exit code 1: the validator found an error, or three.js did not find the morph targets.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const validator = require("gltf-validator");
const [file, picture, browserPath = "/usr/bin/chromium"] = process.argv.slice(2);
const bytes = readFileSync(file);

const report = await validator.validateBytes(new Uint8Array(bytes), { maxIssues: 20 });
const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
console.log(JSON.stringify({
  validator: report.validatorVersion, numErrors, numWarnings, numInfos, numHints,
  triangles: report.info.totalTriangleCount, vertices: report.info.totalVertexCount,
}));
for (const message of messages) console.log(JSON.stringify(message));

const page_html = `<!doctype html><body style="margin:0;background:#222"><script type="importmap">
{"imports":{"three":"/three/build/three.module.js","three/addons/":"/three/examples/jsm/"}}</script>
<script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
renderer.setSize(1280, 420); renderer.setScissorTest(true);
document.body.appendChild(renderer.domElement);
const scene = new THREE.Scene(); scene.background = new THREE.Color(0x444444);
scene.add(new THREE.HemisphereLight(0xffffff, 0x998877, 1.6));
const key = new THREE.DirectionalLight(0xffffff, 1.6); key.position.set(0.5, 0.6, 1); scene.add(key);
const camera = new THREE.PerspectiveCamera(22, 320 / 420, 0.01, 10);
camera.position.set(0, 0.02, 0.85); camera.lookAt(0, 0, 0.05);
new GLTFLoader().load("/head.glb", (gltf) => {
  scene.add(gltf.scene);
  let mesh; gltf.scene.traverse((node) => { if (node.isMesh) mesh = node; });
  const names = mesh.morphTargetDictionary, weights = mesh.morphTargetInfluences;
  const opened = weights.slice(), shots = [opened, "rest", "mouthSmile", "jawOpen"];
  shots.forEach((shot, k) => {
    weights.forEach((_, n) => { weights[n] = shot === opened ? opened[n] : 0; });
    for (const name in names) if (typeof shot === "string" && name.startsWith(shot)) weights[names[name]] = 1;
    renderer.setViewport(320 * k, 0, 320, 420); renderer.setScissor(320 * k, 0, 320, 420);
    renderer.render(scene, camera);
  });
  window.result = { targets: Object.keys(names).length, first: Object.keys(names)[0],
    textured: !!mesh.material.map, points: mesh.geometry.attributes.position.count };
}, undefined, (error) => { window.result = { error: String(error) }; });
</script>`;
const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/") return response.setHeader("content-type", "text/html").end(page_html);
  if (path === "/head.glb") return response.end(bytes);
  try {
    if (extname(path) === ".js") response.setHeader("content-type", "text/javascript");
    response.end(readFileSync(join(import.meta.dirname, "node_modules", path)));
  } catch { response.statusCode = 404; response.end(); }
}).listen(0);
const browser = await chromium.launch({
  executablePath: browserPath, args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 420 } });
page.on("console", (message) => console.log("browser:", message.text()));
await page.goto(`http://localhost:${server.address().port}/`);
await page.waitForFunction("window.result", null, { timeout: 120000 });
const result = await page.evaluate("window.result");
console.log(JSON.stringify(result));
await page.screenshot({ path: picture });
await browser.close(); server.close();
process.exit(numErrors === 0 && result.targets === 79 && result.textured ? 0 : 1);

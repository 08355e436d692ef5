// The picture: one camera, and one view or four side by side, each a figure on its own ground.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DirectionalLight,
  HemisphereLight,
  Line,
  LineBasicMaterial,
  Mesh,
  OrbitControls,
  PCFShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  Scene,
  ShaderMaterial,
  ShadowMaterial,
  Vector3,
  WebGLRenderer,
} from "../vendor/three.js";
import { Feet, figureFor } from "./figure.js";

const GRID = {
  vertex: `varying vec3 place; void main() { vec4 world = modelMatrix * vec4(position, 1.0); place = world.xyz;
    gl_Position = projectionMatrix * viewMatrix * world; }`,
  // Lines a metre apart, thin at any distance, that fade away from the figure.
  fragment: `varying vec3 place; uniform vec3 colour; uniform vec2 centre;
    float lines(vec2 p) { vec2 w = fwidth(p), d = abs(fract(p - 0.5) - 0.5); vec2 l = 1.0 - smoothstep(w * 0.3, w * 1.2, d); return max(l.x, l.y); }
    void main() { float near = 1.0 - smoothstep(2.0, 9.0, distance(place.xz, centre));
      gl_FragColor = vec4(colour, near * (0.10 * lines(place.xz * 2.0) + 0.34 * lines(place.xz))); }`,
};

const GHOSTS = 6;

/** One figure, its ground and its light. */
class View {
  constructor() {
    this.scene = new Scene();
    this.sun = new DirectionalLight(0xfff4e8, 2.9);
    this.rim = new DirectionalLight(0xbcd0ff, 0.9);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    Object.assign(this.sun.shadow.camera, { left: -2.2, right: 2.2, top: 2.2, bottom: -2.2, near: 0.5, far: 12 });
    this.sun.shadow.bias = -0.0006;
    this.sun.shadow.normalBias = 0.02;
    this.grid = new Mesh(
      new PlaneGeometry(60, 60),
      new ShaderMaterial({
        uniforms: { colour: { value: new Color(0x8894a8) }, centre: { value: new Float32Array(2) } },
        vertexShader: GRID.vertex,
        fragmentShader: GRID.fragment,
        transparent: true,
        depthWrite: false,
      }),
    );
    this.shade = new Mesh(new PlaneGeometry(60, 60), new ShadowMaterial({ opacity: 0.28, depthWrite: false }));
    this.shade.receiveShadow = true;
    for (const plane of [this.grid, this.shade]) plane.rotation.x = -Math.PI / 2;
    this.path = new Line(new BufferGeometry(), new LineBasicMaterial({ color: 0x8aa4ff, transparent: true, opacity: 0.7 }));
    this.path.frustumCulled = false;
    this.feet = new Feet();
    this.scene.add(new HemisphereLight(0xe6ecff, 0x70737e, 1.5), this.rim);
    this.scene.add(this.sun, this.sun.target, this.grid, this.shade, this.path, this.feet.group);
    this.figure = null;
    this.ghosts = [];
    this.clip = null;
    this.centre = new Vector3();
  }

  /** Show a clip; the same body stays, another one is loaded. ghosts: the clip's, or none. */
  async load(clip) {
    const figure = this.figure?.key === clip.key ? this.figure : await figureFor(clip);
    if (figure !== this.figure) {
      for (const old of [this.figure, ...this.ghosts]) if (old) this.scene.remove(old.scene);
      this.ghosts = [];
      this.figure = figure;
      this.scene.add(figure.scene);
    }
    this.set(clip);
  }

  /** A clip on the body that stands there already. */
  set(clip) {
    this.clip = clip;
    this.floor = 0;
    const places = new Float32Array(clip.root);
    for (let i = 1; i < places.length; i += 3) places[i] = 0.012;
    this.path.geometry.dispose();
    this.path.geometry = new BufferGeometry();
    this.path.geometry.setAttribute("position", new BufferAttribute(places, 3));
  }

  async addGhosts() {
    while (this.ghosts.length < GHOSTS && this.clip) {
      const ghost = await figureFor(this.clip, { ghost: true });
      if (this.ghosts.length >= GHOSTS || ghost.key !== this.figure.key) return;
      this.ghosts.push(ghost);
      this.scene.add(ghost.scene);
    }
  }

  pose(time, shown) {
    if (!this.clip) return;
    this.clip.pose(this.figure.bones, time);
    const [x, , z] = this.clip.rootAt(time);
    this.centre.set(x, 0, z);
    this.figure.scene.updateMatrixWorld(true);
    this.feet.group.visible = shown.feet;
    if (shown.feet) this.feet.show(this.clip, this.figure.bones, time, this.floor);
    this.path.visible = shown.ghosts;
    this.ghosts.forEach((ghost, i) => {
      const at = (this.clip.seconds * i) / (GHOSTS - 1), away = Math.min(Math.abs(at - time) / 0.5, 1);
      ghost.scene.visible = shown.ghosts && away > 0.3; // none where the figure itself is
      ghost.material.opacity = 0.2 * away;
      if (ghost.scene.visible) this.clip.pose(ghost.bones, at);
    });
    this.sun.position.set(x + 1.6, 4.2, z + 2.4);
    this.sun.target.position.set(x, 0.6, z);
    this.rim.position.set(x - 3, 2.5, z - 3);
    this.rim.target = this.sun.target;
    this.grid.material.uniforms.centre.value.set([x, z]);
  }
}

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, powerPreference: "high-performance" });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.autoClear = false;
    this.camera = new PerspectiveCamera(32, 1, 0.05, 120);
    this.controls = new OrbitControls(this.camera, canvas);
    Object.assign(this.controls, { enableDamping: true, minDistance: 1.2, maxDistance: 18, maxPolarAngle: 1.54 });
    this.views = [new View()];
    this.shown = { ghosts: false, feet: true, follow: true };
    this.sharpness = 1; // share of the screen's pixels, each way
    this.home();
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
    // The ground's shaders are made while the motion and its figure are still on their way.
    this.renderer.compile(this.views[0].scene, this.camera);
  }

  home() {
    // Without damping an update spends what is left of the last drag.
    this.controls.enableDamping = false;
    this.controls.update();
    this.controls.enableDamping = true;
    this.controls.target.set(0, 0.74, 0);
    this.camera.position.set(2.6, 1.6, 4.5);
    this.controls.update();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2) * this.sharpness);
    this.renderer.setSize(width, height, false);
  }

  /** Show clips side by side, as many views as clips. */
  async show(clips) {
    while (this.views.length < clips.length) this.views.push(new View());
    await Promise.all(clips.map((clip, i) => this.views[i].load(clip)));
    this.views.length = clips.length;
    if (this.shown.ghosts) this.showGhosts(true);
  }

  showGhosts(on) {
    this.shown.ghosts = on;
    if (on) for (const view of this.views) view.addGhosts();
  }

  set dark(dark) {
    for (const view of this.views) view.grid.material.uniforms.colour.value.set(dark ? 0xb4bfd6 : 0x6d7585);
  }

  /** Where the views lie: rectangles in shares of the canvas, from its top left. */
  layout() {
    const n = this.views.length;
    if (n === 1) return [[0, 0, 1, 1]];
    const wide = this.canvas.clientWidth > 1.6 * this.canvas.clientHeight;
    const columns = wide ? n : 2, rows = Math.ceil(n / columns);
    return this.views.map((_, i) => [(i % columns) / columns, Math.floor(i / columns) / rows, 1 / columns, 1 / rows]);
  }

  render(time, passed) {
    this.controls.update();
    const { renderer, camera } = this, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const offset = camera.position.clone().sub(this.controls.target), kept = camera.position.clone();
    renderer.setScissorTest(false);
    renderer.clear();
    renderer.setScissorTest(true);
    this.layout().forEach(([x, y, w, h], i) => {
      const view = this.views[i];
      if (!view.clip) return;
      view.pose(Math.min(time, view.clip.seconds), this.shown);
      const looked = (view.looked ??= view.centre.clone());
      const goal = this.shown.follow ? view.centre : (view.still ??= new Vector3());
      // Close to the figure by nine tenths in 0.4 s; at once where it jumped, as when a loop begins again.
      looked.lerp(goal, looked.distanceTo(goal) > 1.5 ? 1 : 1 - Math.pow(0.1, passed / 0.4));
      camera.aspect = (w * width) / (h * height);
      // A narrow view steps back, so that the figure stays whole.
      const back = Math.max(1, 0.6 / camera.aspect);
      const at = looked.clone().add(this.controls.target);
      camera.position.copy(at).addScaledVector(offset, back);
      camera.lookAt(at);
      // So does it down, from under the words over a tall view.
      const down = this.views.length === 1 && camera.aspect < 1.1 ? 0.07 * height : 0;
      camera.setViewOffset(w * width, h * height, 0, -down, w * width, h * height);
      camera.updateProjectionMatrix();
      const bottom = height - (y + h) * height;
      renderer.setViewport(x * width, bottom, w * width, h * height);
      renderer.setScissor(x * width, bottom, w * width, h * height);
      renderer.render(view.scene, camera);
    });
    camera.position.copy(kept);
    camera.lookAt(this.controls.target);
  }
}

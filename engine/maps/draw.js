// What is on the canvases: dots by WebGL (else by the plain canvas), and rings above them.

const dots = document.getElementById("dots"), marks = document.getElementById("marks");
const dark = matchMedia("(prefers-color-scheme: dark)");

// A point (x, y) of the map is drawn at (cx + x * scale, cy - y * scale), in CSS pixels.
const view = {zoom: 1, unit: 1, cx: 0, cy: 0, width: 0, height: 0, ratio: 1,
  get scale() { return this.unit * this.zoom; }};
const px = i => view.cx + at[2 * i] * view.scale;
const py = i => view.cy - at[2 * i + 1] * view.scale;
const radius = () =>
  Math.min(9, Math.min(5, Math.max(1.5, 140 / Math.sqrt(n))) * Math.sqrt(Math.max(1, view.zoom)));
const strength = () => Math.min(0.9, (n > 10000 ? 0.7 : 0.85) * Math.sqrt(Math.max(1, view.zoom)));
const FAINT = 0.55, DIM = 0.13;  // of the rest, against that of a group; of what is not lit

let order = new Uint32Array(n);  // drawn in this order: dimmed ones, the rest, the groups mixed
let colours = [];                // [red, green, blue] of each group
let groupOf = new Uint8Array(n);
let state = new Uint8Array(n);   // 0: dimmed, 1: lit, of the rest, 2: lit, of a group

// Mixed, so that no group hides another: 7919 is a prime, so that each track comes up once.
const mixed = Uint32Array.from({length: n}, (_, k) => n % 7919 ? k * 7919 % n : k);

function arrange(groups, of) {
  colours = groups.map(g => [1, 3, 5].map(k => parseInt(g.colour.slice(k, k + 2), 16)));
  groupOf = of;
  const full = groups.map(g => g.rest ? 1 : 2);
  for (let i = 0; i < n; i++) state[i] = lit[i] && full[of[i]];
  let k = 0;
  for (const layer of [0, 1, 2]) for (const i of mixed) if (state[i] === layer) order[k++] = i;
}

const VERTEX = `#version 300 es
in vec2 place; in vec4 paint; out vec4 colour;
uniform vec2 scale, shift; uniform float size;
void main() {
  gl_Position = vec4(place * scale + shift, 0, 1);
  gl_PointSize = size;
  colour = paint;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 colour; out vec4 result; uniform float size; uniform vec3 strengths;
void main() {
  float inside = clamp((0.5 - length(gl_PointCoord - 0.5)) * size, 0.0, 1.0);
  float a = inside * strengths[int(colour.a * 255.0 + 0.5)];
  result = vec4(colour.rgb * a, a);
}`;

function byWebGl(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "place");
  gl.bindAttribLocation(program, 1, "paint");
  gl.linkProgram(program);
  gl.useProgram(program);
  const uniform = name => gl.getUniformLocation(program, name);
  const [scale, shift, size, strengths] = ["scale", "shift", "size", "strengths"].map(uniform);
  const [places, paints, indices] = [0, 0, 0].map(() => gl.createBuffer());
  gl.bindBuffer(gl.ARRAY_BUFFER, places);
  gl.bufferData(gl.ARRAY_BUFFER, at, gl.STATIC_DRAW);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  gl.bindBuffer(gl.ARRAY_BUFFER, paints);
  gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
  gl.enableVertexAttribArray(0);
  gl.enableVertexAttribArray(1);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  return {
    arranged() {
      const paint = new Uint8Array(4 * n);
      for (let i = 0; i < n; i++) {
        paint.set(colours[groupOf[i]], 4 * i);
        paint[4 * i + 3] = state[i];
      }
      gl.bufferData(gl.ARRAY_BUFFER, paint, gl.DYNAMIC_DRAW);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    },
    draw() {
      gl.viewport(0, 0, dots.width, dots.height);
      gl.uniform2f(scale, 2 * view.scale / view.width, 2 * view.scale / view.height);
      gl.uniform2f(shift, 2 * view.cx / view.width - 1, 1 - 2 * view.cy / view.height);
      gl.uniform1f(size, 2 * radius() * view.ratio + 1);  // a pixel more, for the soft edge
      gl.uniform3f(strengths, DIM, FAINT * strength(), strength());
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.drawElements(gl.POINTS, n, gl.UNSIGNED_INT, 0);
    },
  };
}

function byCanvas(pen) {  // slower: used where the browser has no WebGL
  let runs = new Map();  // tracks of one state and colour, in the order of states
  return {
    arranged() {
      runs = new Map();
      for (const i of order) {
        const key = 256 * state[i] + groupOf[i];
        if (!runs.has(key)) runs.set(key, []);
        runs.get(key).push(i);
      }
    },
    draw() {
      const r = radius(), disc = r > 2;  // small ones are squares, which is quicker
      // Dots of one path do not add up where they overlap, so that many need not be fainter.
      const strengths = [DIM, FAINT * 0.85, 0.85];
      pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
      pen.clearRect(0, 0, view.width, view.height);
      for (const [key, members] of runs) {
        pen.globalAlpha = strengths[key >> 8];
        pen.fillStyle = `rgb(${colours[key % 256]})`;
        pen.beginPath();
        for (const i of members) {
          const x = px(i), y = py(i);
          if (x < -r || y < -r || x > view.width + r || y > view.height + r) continue;
          if (disc) { pen.moveTo(x + r, y); pen.arc(x, y, r, 0, 6.2832); }
          else pen.rect(x - r, y - r, 2 * r, 2 * r);
        }
        pen.fill();
      }
    },
  };
}

function newPainter() {
  const gl = dots.getContext("webgl2", {antialias: false});
  return gl ? byWebGl(gl) : byCanvas(dots.getContext("2d"));
}
let painter = newPainter();
dots.addEventListener("webglcontextlost", event => event.preventDefault());
dots.addEventListener("webglcontextrestored", () => { painter = newPainter(); rearranged(); });

const pen = marks.getContext("2d");
let over = -1, playing = -1, waiting = false;

function ring(i, r) {
  if (i < 0) return;
  for (const [width, colour] of [[5, "--page"], [2.5, "--ink"]]) {
    pen.beginPath();
    pen.arc(px(i), py(i), r, 0, 6.2832);
    pen.lineWidth = width;
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue(colour);
    pen.stroke();
  }
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    painter.draw();
    pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    ring(playing, radius() + 6);
    ring(over, radius() + 2.5);
  });
}

function rearranged() {
  painter.arranged();
  redraw();
}

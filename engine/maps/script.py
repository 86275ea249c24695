"""The script of the interactive map."""

SCRIPT = """
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const n = data.x.length, $ = id => document.getElementById(id);
const canvas = $("map"), pen = canvas.getContext("2d"), tip = $("tip"), search = $("search");
const dark = matchMedia("(prefers-color-scheme: dark)");
const texts = data.title.map((t, i) => (t + "\\n" + data.artist[i] + "\\n" + data.genre[i])
  .toLowerCase());
const byGroup = data.groups.map(() => []);
data.group.forEach((g, i) => byGroup[g].push(i));

// A point (x, y) of -1..1 is drawn at (cx + x * unit * zoom, cy - y * unit * zoom).
const view = {zoom: 1, cx: 0, cy: 0, unit: 1, width: 0, height: 0, moved: false};
const lit = new Uint8Array(n).fill(1);  // 1: shown in full, 0: dimmed
const chosen = new Set();               // groups chosen in the legend
let over = -1, playing = -1, waiting = false;

const px = i => view.cx + data.x[i] * view.unit * view.zoom;
const py = i => view.cy - data.y[i] * view.unit * view.zoom;
const radius = () => Math.min(9, (n > 3000 ? 2 : n > 600 ? 3 : 4.5) * Math.sqrt(view.zoom));

function reset() {
  const left = view.width > 700 ? 254 : 0;  // beside the panel, where there is room
  view.unit = Math.max(10, Math.min(view.width - left, view.height) / 2 - 30);
  view.zoom = 1;
  view.moved = false;
  view.cx = left + (view.width - left) / 2;
  view.cy = view.height / 2;
  redraw();
}

function resize() {
  const ratio = devicePixelRatio || 1;
  view.width = innerWidth;
  view.height = innerHeight;
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(view.height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (view.moved) redraw(); else reset();
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function dots(group, state, r) {  // one path a colour: fast with many thousands of points
  pen.beginPath();
  for (const i of byGroup[group]) {
    if (lit[i] !== state) continue;
    const x = px(i), y = py(i);
    if (x < -r || y < -r || x > view.width + r || y > view.height + r) continue;
    pen.moveTo(x + r, y);
    pen.arc(x, y, r, 0, 6.2832);
  }
  pen.fillStyle = data.groups[group].colour;
  pen.fill();
}

function ring(i, r) {
  if (i < 0) return;
  pen.beginPath();
  pen.arc(px(i), py(i), r, 0, 6.2832);
  pen.lineWidth = 2;
  pen.strokeStyle = dark.matches ? "#fff" : "#111";
  pen.stroke();
}

function draw() {
  const r = radius();
  pen.clearRect(0, 0, view.width, view.height);
  pen.globalAlpha = 0.1;
  for (let g = byGroup.length - 1; g >= 0; g--) dots(g, 0, r);
  pen.globalAlpha = 0.85;
  for (let g = byGroup.length - 1; g >= 0; g--) dots(g, 1, r);
  pen.globalAlpha = 1;
  ring(playing, r + 5);
  ring(over, r + 2);
}

function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(w => w);
  let shown = 0;
  for (let i = 0; i < n; i++) {
    const wanted = !chosen.size || chosen.has(data.group[i]);
    lit[i] = wanted && words.every(w => texts[i].includes(w)) ? 1 : 0;
    shown += lit[i];
  }
  $("count").textContent = (shown === n ? "" : shown.toLocaleString() + " of ")
    + n.toLocaleString() + " tracks";
  redraw();
}

function nearest(x, y) {
  const reach = radius() + 5;
  let best = -1, least = reach * reach;
  for (let i = 0; i < n; i++) {
    if (!lit[i]) continue;
    const dx = px(i) - x, dy = py(i) - y, d = dx * dx + dy * dy;
    if (d <= least) { least = d; best = i; }
  }
  return best;
}

function hover(x, y) {
  const i = nearest(x, y);
  canvas.classList.toggle("over", i >= 0 && data.url !== null);
  tip.hidden = i < 0;
  if (i >= 0) {
    const [title, artist, genre] = tip.children;
    title.textContent = data.title[i];
    artist.textContent = data.artist[i];
    genre.textContent = data.genre[i];
    tip.style.left = Math.min(x + 14, view.width - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(y + 14, view.height - tip.offsetHeight - 8) + "px";
  }
  if (i !== over) { over = i; redraw(); }
}

function play(i) {
  if (i < 0 || data.url === null) return;
  const [name, sound] = $("player").children;
  $("player").hidden = false;
  name.textContent = data.title[i] + (data.artist[i] ? " - " + data.artist[i] : "");
  sound.src = data.url[i];
  sound.play().catch(() => { name.textContent += " (cannot be played)"; });
  playing = i;
  redraw();
}

function zoomAt(x, y, factor) {
  const zoom = Math.min(400, Math.max(0.5, view.zoom * factor));
  view.cx = x + (view.cx - x) * zoom / view.zoom;
  view.cy = y + (view.cy - y) * zoom / view.zoom;
  view.zoom = zoom;
  view.moved = true;
  redraw();
}

const held = new Map();  // pointers that are down
let travelled = 0;
canvas.addEventListener("pointerdown", e => {
  canvas.setPointerCapture(e.pointerId);
  if (!held.size) travelled = 0;
  held.set(e.pointerId, {x: e.clientX, y: e.clientY});
});
canvas.addEventListener("pointermove", e => {
  const last = held.get(e.pointerId), x = e.clientX, y = e.clientY;
  if (!last) return hover(x, y);
  const other = [...held].filter(([id]) => id !== e.pointerId).map(([, p]) => p)[0];
  if (other) {  // two fingers: zoom about the one that rests
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    zoomAt(other.x, other.y, Math.hypot(x - other.x, y - other.y) / Math.max(1, before));
  } else {
    view.cx += x - last.x;
    view.cy += y - last.y;
    view.moved = true;
  }
  travelled += Math.abs(x - last.x) + Math.abs(y - last.y);
  held.set(e.pointerId, {x, y});
  canvas.classList.add("moving");
  tip.hidden = true;
  redraw();
});
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, e => {
  const clicked = kind === "pointerup" && held.size === 1 && travelled < 4;
  held.delete(e.pointerId);
  canvas.classList.remove("moving");
  if (clicked) { hover(e.clientX, e.clientY); play(over); }
});
canvas.addEventListener("pointerleave", () => { over = -1; tip.hidden = true; redraw(); });
canvas.addEventListener("dblclick", e => zoomAt(e.clientX, e.clientY, 2));
canvas.addEventListener("wheel", e => {
  e.preventDefault();
  const lines = e.deltaMode === 1 ? 16 : 1;
  zoomAt(e.clientX, e.clientY, Math.exp(-e.deltaY * lines * 0.0015));
  hover(e.clientX, e.clientY);
}, {passive: false});

data.groups.forEach((group, g) => {
  const button = document.createElement("button"), colour = document.createElement("i");
  const name = document.createElement("span"), size = document.createElement("small");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.title = name.textContent = group.name;
  colour.style.background = group.colour;
  size.textContent = group.size.toLocaleString();
  button.append(colour, name, size);
  button.addEventListener("click", () => {
    if (!chosen.delete(g)) chosen.add(g);
    button.setAttribute("aria-pressed", String(chosen.has(g)));
    filter();
  });
  $("legend").append(button);
});
search.addEventListener("input", filter);
$("reset").addEventListener("click", reset);
dark.addEventListener("change", redraw);
addEventListener("resize", resize);
filter();
resize();
})();
"""

// The panel, the pointer, the keys and the player.

const $ = id => document.getElementById(id);
const tip = $("tip"), search = $("search"), sound = $("sound");
const chosen = new Set();  // groups chosen in the legend
let colouring = data.colourings[0], moved = false;

// The view

const extent = [0.01, 0.01];  // how far the tracks reach from the middle, along x and y
at.forEach((v, k) => { extent[k % 2] = Math.max(extent[k % 2], Math.abs(v)); });

function room() {  // beside the panel, or on a narrow screen below it: left, top, width, height
  const {right, bottom} = $("panel").getBoundingClientRect();
  const [left, top] = view.width > 700 ? [right, 0] : [0, bottom];
  return [left, top, view.width - left, view.height - top];
}

function reset() {
  const [left, top, width, height] = room();
  view.unit = Math.max(10,
    Math.min((width / 2 - 30) / extent[0], (height / 2 - 30) / extent[1]));
  view.zoom = 1;
  view.cx = left + width / 2;
  view.cy = top + height / 2;
  moved = false;
  redraw();
}

function resize() {
  view.ratio = devicePixelRatio || 1;
  view.width = innerWidth;
  view.height = innerHeight;
  for (const canvas of [dots, marks]) {
    canvas.width = Math.round(view.width * view.ratio);
    canvas.height = Math.round(view.height * view.ratio);
  }
  if (moved) redraw(); else reset();
}

function pan(dx, dy) {
  view.cx += dx;
  view.cy += dy;
  moved = true;
  tip.hidden = true;
  redraw();
}

function zoomAt(x, y, factor) {
  const zoom = Math.min(200, Math.max(0.5, view.zoom * factor));
  pan((x - view.cx) * (1 - zoom / view.zoom), (y - view.cy) * (1 - zoom / view.zoom));
  view.zoom = zoom;
}

function bring(i) {  // into the middle, and near enough to see its surroundings
  zoomAt(view.cx, view.cy, Math.max(1, 6 / view.zoom));
  const [left, top, width, height] = room();
  pan(left + width / 2 - px(i), top + height / 2 - py(i));
}

// What is under the pointer, and the player

function hover(x, y) {
  const i = nearest((x - view.cx) / view.scale, (view.cy - y) / view.scale,
    (radius() + 5) / view.scale);
  marks.classList.toggle("over", i >= 0 && data.audio !== null);
  tip.hidden = i < 0;
  if (i >= 0) {
    const texts = [data.titles[i], artist(i), genre(i)];
    texts.forEach((text, k) => { tip.children[k].textContent = text; });
    tip.style.left = Math.min(x + 14, view.width - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(y + 14, view.height - tip.offsetHeight - 8) + "px";
  }
  mark(i);
}

function mark(i) {
  if (i !== over) { over = i; redraw(); }
}

function play(i) {
  if (i < 0) return;
  playing = i;
  redraw();
  $("player").hidden = false;
  $("playing").textContent = data.titles[i] + (artist(i) ? " – " + artist(i) : "");
  $("said").textContent = "";
  const url = address(i);
  sound.hidden = !url;
  if (!url) {
    sound.pause();
    $("said").textContent = "The catalogue names no sound file for this track.";
    return;
  }
  sound.src = url;
  sound.play().catch(error => {
    if (error.name === "NotAllowedError") $("said").textContent = "Press play to hear it.";
  });
}
sound.addEventListener("error", () => {
  $("said").textContent = "Cannot be played: missing, or of a kind that this browser does not play: "
    + sound.src;
});

// The panel

function filter() {
  tip.hidden = true;
  const found = light(search.value, chosen, colouring.of);
  const all = n.toLocaleString() + " tracks";
  $("count").textContent = found.length === n ? all : `${found.length.toLocaleString()} of ${all}`;
  $("found").hidden = !search.value.trim() || !found.length;
  $("found").replaceChildren(...($("found").hidden ? [] : found.slice(0, 8).map(hit)));
  for (const [g, button] of [...$("legend").children].entries()) {
    button.setAttribute("aria-pressed", String(chosen.has(g)));
  }
  arrange(colouring.groups, colouring.of);
  rearranged();
}

function hit(i) {
  const item = document.createElement("li"), button = document.createElement("button");
  const by = document.createElement("small");
  button.type = "button";
  by.textContent = artist(i);
  button.append(data.titles[i], by);
  button.addEventListener("click", () => { bring(i); play(i); });
  for (const kind of ["focus", "pointerenter"]) button.addEventListener(kind, () => mark(i));
  for (const kind of ["blur", "pointerleave"]) button.addEventListener(kind, () => mark(-1));
  item.append(button);
  return item;
}

function entry(group, g) {  // a click shows one group alone; with Shift or Ctrl, one more
  const button = document.createElement("button"), colour = document.createElement("i");
  const name = document.createElement("span"), size = document.createElement("small");
  button.type = "button";
  button.title = name.textContent = group.name;
  colour.style.background = group.colour;
  size.textContent = group.size.toLocaleString();
  button.append(colour, name, size);
  button.addEventListener("click", event => {
    const was = chosen.has(g), more = event.shiftKey || event.ctrlKey || event.metaKey;
    const alone = was && chosen.size === 1;
    if (!more) chosen.clear();
    if (more && was) chosen.delete(g); else if (!alone) chosen.add(g);
    filter();
  });
  return button;
}

function colourBy(next) {
  colouring = next;
  chosen.clear();
  $("legend").replaceChildren(...colouring.groups.map(entry));
  for (const button of $("colourings").children) {
    button.setAttribute("aria-pressed", String(button.textContent === colouring.by));
  }
  filter();
}

$("colourings").append(...data.colourings.map(each => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = each.by;
  button.addEventListener("click", () => colourBy(each));
  return button;
}));
search.addEventListener("input", filter);
$("reset").addEventListener("click", reset);

// Pointer and keys

const held = new Map();  // pointers that are down
let travelled = 0;
marks.addEventListener("pointerdown", e => {
  marks.setPointerCapture(e.pointerId);
  if (!held.size) travelled = 0;
  held.set(e.pointerId, {x: e.clientX, y: e.clientY});
});
marks.addEventListener("pointermove", e => {
  const last = held.get(e.pointerId), x = e.clientX, y = e.clientY;
  if (!last) return hover(x, y);
  const other = [...held].filter(([id]) => id !== e.pointerId).map(([, p]) => p)[0];
  if (other) {  // two fingers: zoom about the one that rests
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    zoomAt(other.x, other.y, Math.hypot(x - other.x, y - other.y) / Math.max(1, before));
  } else pan(x - last.x, y - last.y);
  travelled += Math.abs(x - last.x) + Math.abs(y - last.y);
  held.set(e.pointerId, {x, y});
  marks.classList.add("moving");
});
for (const kind of ["pointerup", "pointercancel"]) marks.addEventListener(kind, e => {
  const clicked = kind === "pointerup" && held.size === 1 && travelled < 4;
  held.delete(e.pointerId);
  marks.classList.remove("moving");
  if (clicked) { hover(e.clientX, e.clientY); play(over); }
});
marks.addEventListener("pointerleave", () => { tip.hidden = true; mark(-1); });
marks.addEventListener("dblclick", e => zoomAt(e.clientX, e.clientY, 2));
marks.addEventListener("wheel", e => {
  e.preventDefault();
  zoomAt(e.clientX, e.clientY, Math.exp(-e.deltaY * (e.deltaMode === 1 ? 16 : 1) * 0.0015));
  hover(e.clientX, e.clientY);
}, {passive: false});

const KEYS = {
  ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0),
  ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
  "+": () => zoomAt(view.width / 2, view.height / 2, 1.4),
  "=": () => zoomAt(view.width / 2, view.height / 2, 1.4),
  "-": () => zoomAt(view.width / 2, view.height / 2, 1 / 1.4),
  0: reset,
};
marks.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || !KEYS[e.key]) return;
  e.preventDefault();
  KEYS[e.key]();
});
addEventListener("keydown", e => {
  if (e.key === "/" && document.activeElement !== search) { e.preventDefault(); search.focus(); }
  if (e.key === "Escape") { search.value = ""; chosen.clear(); filter(); }
});
dark.addEventListener("change", redraw);
addEventListener("resize", resize);

colourBy(colouring);
resize();

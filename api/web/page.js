// The page of Segue: everything it shows comes from the HTTP API, and every text is set as text.

const byId = (id) => document.getElementById(id);
const listOf = { found: byId("found"), similar: byId("similar"), recommended: byId("recommended"), lookedUp: byId("looked-up") };
const audio = byId("audio");
const state = { track: null, user: null, next: null, queue: [], playing: null };

// --- the API ---------------------------------------------------------------------------------

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer. Is it running?");
  }
  const type = response.headers.get("Content-Type") ?? "";
  const body = type.includes("json") ? await response.json() : null;
  if (response.ok) return body;
  throw new Error(body?.detail ?? `The service answered ${response.status}.`);
}

const path = (...parts) => "/" + parts.map(encodeURIComponent).join("/");
const query = (values) => "?" + new URLSearchParams(values);

// Runs one task of a panel at a time: a newer one makes the answer of an older one void.
function panel(name) {
  const alertLine = byId(`${name}-alert`);
  const hint = byId(`${name}-hint`);
  let running = null;
  return {
    say(text) { hint.textContent = text; },
    warn(text) { alertLine.textContent = text; alertLine.hidden = !text; },
    async run(task) {
      running?.abort();
      const mine = running = new AbortController();
      this.warn("");
      try {
        await task(mine.signal, () => running === mine);
      } catch (error) {
        if (running === mine && error.name !== "AbortError") {
          this.say("");
          this.warn(error.message);
        }
      }
    },
  };
}

const panels = { find: panel("find"), similar: panel("similar"), user: panel("user"), upload: panel("upload") };

// --- elements --------------------------------------------------------------------------------

function element(tag, { text, name, label, onClick } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  if (label) made.setAttribute("aria-label", label);
  if (tag === "button") made.type = "button";
  if (onClick) made.addEventListener("click", onClick);
  made.append(...children);
  return made;
}

function drawing(viewBox, ...shapes) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(space, tag);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}

const titleOf = (track) => track.title ?? track.track_id;
const triangle = () => drawing("0 0 16 16", ["path", { d: "M3 1.5v13l11-6.5z" }]);

function row(track, { from, actions = [], why }) {
  const play = element("button", { name: "play", label: `Play ${titleOf(track)}`, onClick: () => start(track, { from }) }, triangle());
  const what = element("div", { name: "what" },
    element("span", { name: "title", text: titleOf(track) }),
    element("span", { name: "artist", text: track.artist ?? "Unknown artist" }));
  const acts = element("div", { name: "acts" }, ...actions.map(([text, label, onClick]) =>
    element("button", { text, label, onClick })));
  const line = element("li", {}, play, what, acts);
  line.dataset.track = track.track_id;
  if (why) line.append(why);
  return line;
}

const similarAction = (track) => ["Similar", `Tracks similar to ${titleOf(track)}`, () => showSimilar(track)];

function fill(list, tracks, options = () => ({ actions: [] })) {
  list.replaceChildren(...tracks.map((track) => row(track, options(track))));
  mark();
}

function mark() {
  for (const line of document.querySelectorAll(".tracks li")) {
    line.classList.toggle("current", line.dataset.track === state.playing?.track_id);
  }
}

const count = (n, one, many) => (n === 1 ? `1 ${one}` : `${n} ${many}`);

// --- find ------------------------------------------------------------------------------------

function find(more = false) {
  const q = byId("q").value.trim();
  return panels.find.run(async (signal, current) => {
    const values = { limit: 8, ...(q && { q }), ...(more && { after: state.next }) };
    const page = await ask("/v1/tracks" + query(values), { signal });
    if (!current()) return;
    const rows = page.items.map((track) => row(track, { actions: [similarAction(track)] }));
    if (more) listOf.found.append(...rows); else listOf.found.replaceChildren(...rows);
    state.next = page.next;
    byId("more").hidden = page.next === null;
    const shown = listOf.found.children.length;
    const all = page.next === null ? "" : " so far";
    panels.find.say(shown ? count(shown, "track", "tracks") + all : q ? `Nothing is called “${q}”.` : "The catalogue is empty.");
    mark();
  });
}

function debounced(task, wait) {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(task, wait); };
}

// --- where two tracks sound alike ------------------------------------------------------------

function clock(seconds) {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), String(whole % 60).padStart(2, "0")];
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

// A passage as a button that plays it; as text where there is no track, as of an uploaded file.
function passage(track, at) {
  const text = `${clock(at[0])}–${clock(at[1])}`;
  if (!track) return element("span", { name: "passage", text });
  return element("button", { name: "passage", text, label: `Play ${text} of ${titleOf(track)}`, onClick: () => start(track, { at }) });
}

// Of the pairs of passages that the answer names, the first: the others are less alike.
// No track: an uploaded file was asked about.
function where(track, item) {
  const best = item.segments?.[0];
  if (!best) return undefined;
  return element("div", { name: "why" }, passage(item, [best.item_from, best.item_to]), " sounds like ",
    passage(track, [best.from, best.to]), ` of ${track ? titleOf(track) : "your file"}`);
}

// --- similar ---------------------------------------------------------------------------------

function showSimilar(track) {
  state.track = track;
  byId("h-similar").scrollIntoView({ block: "nearest", behavior: "smooth" });
  return refreshSimilar();
}

function refreshSimilar() {
  const track = state.track;
  if (!track) return;
  const by = document.querySelector('input[name="by"]:checked').value;
  return panels.similar.run(async (signal, current) => {
    panels.similar.say(`Like ${titleOf(track)}`);
    listOf.similar.replaceChildren();
    const found = await ask(path("v1", "tracks", track.track_id, "similar") + query({ n: 8, by }), { signal });
    if (!current()) return;
    panels.similar.say(`Like ${titleOf(track)}${track.artist ? ` by ${track.artist}` : ""}`);
    fill(listOf.similar, found.items, (item) => ({ actions: [similarAction(item)], why: where(track, item) }));
  });
}

// --- a listener ------------------------------------------------------------------------------

function percent(share) { return `${Math.round(100 * share)}%`; }

function explanation(reasons) {
  if (!reasons) return undefined;
  const shares = [["sound", reasons.sound], ["behaviour", reasons.behaviour], ["popularity", reasons.popularity]];
  const told = shares.filter(([, share]) => share > 0).map(([name, share]) => `${percent(share)} ${name}`).join(", ");
  const text = [reasons.text, told && `${told}.`, reasons.rule && `Moved by ${reasons.rule.replace("_", " ")}.`];
  let x = 0;
  const bars = shares.map(([name, share]) => {
    const bar = ["rect", { x, y: 0, width: 100 * share, height: 4, class: name }];
    x += 100 * share;
    return bar;
  });
  const svg = drawing("0 0 100 4", ...bars);
  svg.setAttribute("preserveAspectRatio", "none");
  return element("div", { name: "why" }, ...(x ? [svg] : []), text.filter(Boolean).join(" "));
}

function recommend(user) {
  state.user = user;
  byId("user").value = user;
  return panels.user.run(async (signal, current) => {
    const url = path("v1", "users", user, "recommendations") + query({ n: 10, explain: true });
    const found = await ask(url, { signal });
    if (!current()) return;
    const why = found.fallback ? ` Nothing is known of this listener yet, so these are by ${found.fallback === "popular" ? "popularity" : found.fallback}.` : "";
    panels.user.say(`${count(found.items.length, "track", "tracks")} for ${user} (${found.cache === "hit" ? "from the cache" : "just computed"}).${why}`);
    state.queue = found.items;
    byId("legend").hidden = !found.items.some((item) => item.reasons);
    fill(listOf.recommended, found.items, (item) => ({
      from: user,
      why: explanation(item.reasons),
      actions: [
        ["Like", `Like ${titleOf(item)}`, () => tell(item, "like")],
        ["Hide", `Hide ${titleOf(item)} for good`, () => tell(item, "hide")],
        similarAction(item),
      ],
    }));
  });
}

// Report an event, then show the answer that takes it in.
async function tell(track, event, extra = {}) {
  const user = state.user;
  for (const button of listOf.recommended.querySelectorAll(".acts button")) button.disabled = true;
  const id = globalThis.crypto?.randomUUID?.();
  const body = { events: [{ user_id: user, track_id: track.track_id, event, ...(id && { event_id: id }), ...extra }] };
  try {
    await ask("/v1/events", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    await recommend(user);
  } catch (error) {
    panels.user.warn(error.message);
    for (const button of listOf.recommended.querySelectorAll(".acts button")) button.disabled = false;
  }
}

const chip = (user) => element("button", { text: user, label: `Recommend to ${user}`, onClick: () => {
  byId("h-user").scrollIntoView({ block: "nearest", behavior: "smooth" });
  recommend(user);
} });

async function suggestUsers() {
  const prefix = byId("user").value;
  try {
    const page = await ask("/v1/users" + query({ limit: 8, ...(prefix && { prefix }) }));
    byId("users").replaceChildren(...page.items.map(({ user_id: id }) => {
      const option = document.createElement("option");
      option.value = id;
      return option;
    }));
    if (!prefix) byId("user-chips").replaceChildren(...page.items.slice(0, 5).map((u) => chip(u.user_id)));
  } catch { /* only a suggestion */ }
}

// --- upload ----------------------------------------------------------------------------------

function lookUp(file) {
  return panels.upload.run(async (signal, current) => {
    panels.upload.say(`Listening to ${file.name} …`);
    listOf.lookedUp.replaceChildren();
    byId("likely").hidden = true;
    const form = new FormData();
    form.append("file", file);
    form.append("n", "8");
    const found = await ask("/v1/lookup", { method: "POST", body: form, signal });
    if (!current()) return;
    const same = found.duplicate_of === null ? null
      : await ask(path("v1", "tracks", found.duplicate_of), { signal });
    if (!current()) return;
    panels.upload.say(same ? `${file.name} is a recording that is here already: ${titleOf(same)}${same.artist ? ` by ${same.artist}` : ""}. It sounds like:`
      : `${file.name} sounds like:`);
    fill(listOf.lookedUp, found.items, (item) => ({ actions: [similarAction(item)], why: where(null, item) }));
    byId("listeners").replaceChildren(...found.listeners.map((l) => chip(l.user_id)));
    byId("likely").hidden = found.listeners.length === 0;
  });
}

// --- player ----------------------------------------------------------------------------------

function warnPlayer(text) {
  byId("player-alert").textContent = text;
  byId("player-alert").hidden = !text;
}

// Play a track: on behalf of the listener `from`, if any; the passage `at` only, if one is given.
function start(track, { from, at } = {}) {
  state.playing = { ...track, from };
  byId("player").hidden = false;
  byId("playing-title").textContent = titleOf(track);
  byId("playing-artist").textContent = track.artist ?? "Unknown artist";
  byId("skip").hidden = from === undefined;
  warnPlayer("");
  audio.src = path("v1", "tracks", track.track_id, "audio") + (at ? `#t=${at.join(",")}` : "");
  audio.play().catch(() => {});  // the error event says why
  mark();
}

async function goOn(event) {
  const { from, ...track } = state.playing;
  if (from === undefined || from !== state.user) return;
  const at = state.queue.findIndex((item) => item.track_id === track.track_id);
  const next = state.queue[at + 1] ?? state.queue[0];
  const heard = Number.isFinite(audio.currentTime) ? Math.round(1000 * audio.currentTime) : 0;
  if (next) start(next, { from });
  await tell(track, event, { played_ms: heard });
}

audio.addEventListener("error", () => { if (audio.src) warnPlayer("This track has no sound file that can be played."); });
audio.addEventListener("ended", () => goOn("listen"));
byId("skip").addEventListener("click", () => goOn("skip"));

// --- start -----------------------------------------------------------------------------------

byId("q").addEventListener("input", debounced(find, 200));
byId("more").addEventListener("click", () => find(true));
for (const radio of document.querySelectorAll('input[name="by"]')) radio.addEventListener("change", refreshSimilar);
byId("user").addEventListener("input", debounced(suggestUsers, 200));
byId("user-form").addEventListener("submit", (event) => { event.preventDefault(); recommend(byId("user").value); });
byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) lookUp(file);
  event.target.value = "";
});

const drop = byId("drop");
for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (e) => { e.preventDefault(); drop.classList.add("over"); });
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (e) => { e.preventDefault(); drop.classList.remove("over"); });
drop.addEventListener("drop", (event) => { const [file] = event.dataTransfer.files; if (file) lookUp(file); });

// The audio worker takes some seconds to start, and is started again when it ends.
async function showStatus() {
  try {
    const ready = await ask("/readyz");
    const names = { ok: "on", down: "starting", off: "off" };
    byId("status").textContent = `Bundle ${ready.bundle} · cache ${names[ready.cache]} · uploads ${names[ready.audio]}`;
    if (ready.audio === "down" || ready.cache === "down") setTimeout(showStatus, 3000);
  } catch (error) {
    byId("status").textContent = error.message;
  }
}

find();
suggestUsers();
showStatus();

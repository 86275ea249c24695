// The tracks, which of them are lit, and which is where. First of the three parts of the script.

const data = JSON.parse(document.getElementById("data").textContent);
const n = data.titles.length;

function bytes(base64) {
  return Uint8Array.from(atob(base64), c => c.charCodeAt(0));
}

const at = Float32Array.from(new Uint16Array(bytes(data.points).buffer), v => v / 32767.5 - 1);
const artistOf = new Uint32Array(bytes(data.artists.of).buffer);
const genreOf = new Uint32Array(bytes(data.genres.of).buffer);
const artist = i => data.artists.names[artistOf[i]];
const genre = i => data.genres.names[genreOf[i]];
for (const colouring of data.colourings) colouring.of = bytes(colouring.of);

function address(i) {
  const audio = data.audio, middle = audio && audio.middles[i];
  return middle === null ? null : audio.head + middle + audio.tail;
}

// A grid of square cells over -1..1; cell c holds sorted[first[c]] to sorted[first[c + 1] - 1].
const side = Math.max(1, Math.ceil(Math.sqrt(n) / 2));
const cell = v => Math.min(side - 1, Math.max(0, Math.floor((v + 1) / 2 * side)));
const first = new Uint32Array(side * side + 1), sorted = new Uint32Array(n);
{
  const of = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    of[i] = cell(at[2 * i + 1]) * side + cell(at[2 * i]);
    first[of[i] + 1]++;
  }
  for (let c = 0; c < side * side; c++) first[c + 1] += first[c];
  const next = first.slice();
  for (let i = 0; i < n; i++) sorted[next[of[i]]++] = i;
}

const lit = new Uint8Array(n).fill(1);  // 1: shown in full, 0: dimmed

function nearest(x, y, reach) {  // the lit track nearest to a place of the map, or -1
  let best = -1, least = reach * reach;
  for (let row = cell(y - reach); row <= cell(y + reach); row++) {
    const from = first[row * side + cell(x - reach)], to = first[row * side + cell(x + reach) + 1];
    for (let k = from; k < to; k++) {
      const i = sorted[k], dx = at[2 * i] - x, dy = at[2 * i + 1] - y, d = dx * dx + dy * dy;
      if (lit[i] && d <= least) { least = d; best = i; }
    }
  }
  return best;
}

const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
let texts = null;  // made at the first search

function light(query, groups, of) {  // lights what has every word and is of the groups, if any
  const words = plain(query).split(/\s+/).filter(word => word);
  if (words.length) texts ??= data.titles.map((t, i) => plain(`${t}\n${artist(i)}\n${genre(i)}`));
  const found = [];
  for (let i = 0; i < n; i++) {
    const wanted = !groups.size || groups.has(of[i]);
    lit[i] = wanted && words.every(word => texts[i].includes(word)) ? 1 : 0;
    if (lit[i]) found.push(i);
  }
  return found;
}

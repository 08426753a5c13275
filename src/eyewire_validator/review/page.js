"use strict";
const $ = (id) => document.getElementById(id);
const {items, queue, unit, parts} = JSON.parse($("queue").textContent);
const IDLE_MS = 10_000;
const SEED = [86, 180, 233], CANDIDATE = [230, 159, 0], NEIGHBOUR = [150, 150, 150];
const KEYS = {y: "yes", n: "no", u: "unsure", i: "irrelevant", l: "later", f: "flag"};
const WORDS = {yes: "belongs", no: "does not belong", unsure: "can’t tell",
  irrelevant: "irrelevant", later: "later", flag: "flagged"};
const AXES = ["z", "y", "x"];
// The two axes that a slice across each axis shows: down and to the right.
const SHOWN = [[1, 2], [0, 2], [0, 1]];

/* What is decided: a log in the browser's database, to which each tab only adds, so that
   none overwrites another. Of each item `stack` has the verdicts that undo takes back,
   `history` all. The browser's localStorage alone would not do: Chromium writes it
   seconds later, and on a busy machine now and then gives a page that is loaded anew one
   that forgets. But it has a copy: a Chromium that is killed while it writes may find its
   database damaged, and begin a new one. */
const records = new Map(), logged = new Map();
const COPY = `eyewire-review ${queue}`;
let unsaved = 0;
const opened = openLog();
opened.catch(() => {});

/* A browser that crashed a moment ago may still have it in use: so for two seconds. */
async function openLog(tries = 20) {
  try {
    return await new Promise((done, fail) => {
      const request = indexedDB.open("eyewire-review", 1);
      request.onupgradeneeded = () => request.result
        .createObjectStore("log", {autoIncrement: true}).createIndex("queue", "queue");
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
  } catch (error) {
    if (!tries || error.name !== "UnknownError") throw error;
    await new Promise((done) => setTimeout(done, 100));
    return openLog(tries - 1);
  }
}

async function inLog(mode, use) {
  const transaction = (await opened).transaction("log", mode);
  const request = use(transaction.objectStore("log"));
  return new Promise((done, fail) => {
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = () => fail(transaction.error);
  });
}

async function load() {
  let kept = [];
  try {
    kept = await inLog("readonly", (log) => log.index("queue").getAll(queue));
  } catch {
    warn("The browser’s storage cannot be read: what was decided before may be missing. Open the page anew.");
  }
  const lost = missingIn(kept);
  const inOrder = [...kept, ...lost].sort((one, other) => one.time.localeCompare(other.time));
  for (const {queue: _, item, id, ...made} of inOrder) note(item, id, made);
  if (lost.length) await restore().catch(() => {});
}

/* In one transaction: another load, or another tab, may do so at the same time. */
function restore() {
  return inLog("readwrite", (log) => {
    const request = log.index("queue").getAll(queue);
    request.onsuccess = () => {
      for (const entry of missingIn(request.result)) log.add({queue, ...entry});
    };
    return request;
  });
}

function missingIn(kept) {
  const known = new Set(kept.map(({id}) => id));
  return readCopy().filter(({id}) => !known.has(id));
}

function readCopy() {
  try {
    return JSON.parse(localStorage.getItem(COPY)) ?? [];
  } catch {
    return [];
  }
}

function writeCopy() {
  const entries = new Map([...readCopy().map((entry) => [entry.id, entry]), ...logged]);
  try {
    localStorage.setItem(COPY, JSON.stringify([...entries.values()]));
  } catch { /* The database has them. */ }
}

function note(item, id, made) {
  if (logged.has(id)) return;
  logged.set(id, {item, id, ...made});
  const record = recordOf(item) ?? {stack: [], history: []};
  record.history.push(made);
  if (made.verdict === "undone") record.stack.pop();
  else record.stack.push(made);
  records.set(item, record);
}

async function save(item, made) {
  const id = crypto.randomUUID();
  note(item, id, made);
  try {
    await inLog("readwrite", (log) => log.add({queue, item, id, ...made}));
    others?.postMessage(queue);
  } catch {
    unsaved++;
    warn("The browser’s storage is full or closed: this tab alone keeps "
      + `${unsaved} of the decisions. Export them before you close it.`);
  }
  writeCopy();
}

function warn(text) {
  $("alert").hidden = false;
  $("alert").textContent = text;
}

const recordOf = (item) => records.get(item);
const lastOf = (record) => record?.stack.at(-1);
const verdictOf = (item) => lastOf(recordOf(item.item))?.verdict;

function exported() {
  const lines = items.map((item) => {
    const record = recordOf(item.item), last = lastOf(record);
    if (!last) return "";
    const {why, ...known} = item;
    return JSON.stringify({...known, queue, ...last, history: record.history}) + "\n";
  });
  return lines.join("");
}

/* Time that is spent here: between two signs of life, at most IDLE_MS. */
let lastSign = performance.now(), activeMs = 0, spentMs = 0;

function signOfLife() {
  const now = performance.now();
  const passed = Math.min(now - lastSign, IDLE_MS);
  lastSign = now;
  if (!document.hidden) { activeMs += passed; spentMs += passed; }
}

/* The crop of a question: a sheet of slices, and its segments in runs. */
const crops = new Map();
const wholePage = new Promise((done) => addEventListener("DOMContentLoaded", done));

function cropOf(place) {
  if (!items[place]) return null;
  if (!crops.has(place)) crops.set(place, decode(place));
  return crops.get(place);
}

/* Where the crops are beside the page, a file of some of them is a script that calls
   `part`: it loads from a disk, which nothing else does. */
const loading = new Map(), arrived = new Map();

function part([of, number, found]) {
  if (of === queue) arrived.get(number)?.(found);
}

function loadPart(number) {
  return new Promise((done, fail) => {
    arrived.set(number, done);
    const script = document.createElement("script");
    script.src = `${parts[0]}/${number}.js`;
    // After its call: it is of another queue then.
    script.onload = script.onerror = () => fail(new Error(script.src));
    document.head.append(script);
  });
}

async function cropBeside(place) {
  const number = Math.floor(place / parts[1]);
  if (!loading.has(number)) loading.set(number, loadPart(number));
  try {
    return (await loading.get(number))[place % parts[1]];
  } catch (error) {
    loading.delete(number);
    crops.delete(place);
    warn(`Pictures are missing: put the folder ${parts[0]} that was made with this page beside it, and open it anew.`);
    throw error;
  }
}

async function cropInside(place) {
  if (!$(`crop-${place}`)) await wholePage;
  return JSON.parse($(`crop-${place}`).textContent);
}

async function decode(place) {
  const crop = await (parts ? cropBeside : cropInside)(place);
  const sheet = new Image();
  sheet.src = crop.sheet;
  await sheet.decode();
  const [depth, height, width] = crop.shape, columns = sheet.width / width;
  const canvas = Object.assign(document.createElement("canvas"), {width: sheet.width, height: sheet.height});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(sheet, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height).data;
  const grey = new Uint8Array(depth * height * width);
  let n = 0;
  for (let z = 0; z < depth; z++) for (let y = 0; y < height; y++) {
    const row = (Math.floor(z / columns) * height + y) * sheet.width + (z % columns) * width;
    for (let x = 0; x < width; x++) grey[n++] = pixels[4 * (row + x)];
  }
  return {...crop, grey, span: spanOf(grey), labels: labelsOf(crop.runs, grey.length), bodies: null};
}

/* The grey values that are shown as black and as white: nearly the darkest and the
   brightest that there are. */
function spanOf(grey) {
  const sorted = grey.slice().sort(), [low, high] = [0.002, 0.998].map((share) => sorted[Math.round(share * (grey.length - 1))]);
  return [low, Math.max(low + 1, high)];
}

function labelsOf(text, length) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const labels = new Uint8Array(length);
  let at = 0, value = 0, shift = 0;
  for (const byte of bytes) {
    value += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte & 128) continue;
    const end = at + Math.floor(value / 8);
    labels.fill(value % 8, at, end);
    at = end; value = 0; shift = 0;
  }
  return labels;
}

/* The question in view; no crop, and no decision, while it is not there yet. */
let place = 0, crop = null, at = [0, 0, 0], view = 0, contrast = 1;
let candidateShown = true, coloured = true, neighboursShown = true;
let turn = [0.5, 0.6];
const slices = [...document.querySelectorAll("figure[data-axis]")];

async function show(next) {
  place = Math.max(0, Math.min(items.length - 1, next));
  signOfLife();
  activeMs = 0;
  wait();
  const asked = place, found = await cropOf(place);
  if (asked !== place) return;
  crop = found;
  $("views").ariaBusy = "false";
  at = [...crop.contact];
  candidateShown = coloured = true;
  tell();
  clearSolid();
  draw();
  drawSolidSoon();
  for (const other of crops.keys()) if (Math.abs(other - place) > 5) crops.delete(other);
  for (const other of [place + 1, place + 2]) cropOf(other)?.catch(() => {});
}

function wait() {
  crop = null;
  $("views").ariaBusy = "true";
}

const percent = (p) => p > 0.99 ? "over 99 %" : p < 0.01 ? "under 1 %" : `${Math.round(100 * p)} %`;
function proposalOf(item) {
  // A checkpoint's threshold need not be a half.
  const besides = item.proposal === item.probability >= 0.5 ? "" : `; its threshold is ${item.proposal ? "lower" : "higher"}`;
  // What that probability meant where answers were known.
  const meant = item.validated === null ? "" : `; on validation, ${percent(item.validated)} did`;
  return `The model proposes “${item.proposal ? "belongs" : "does not belong"}” (probability that it belongs: ${percent(item.probability)}${meant}${besides}).`;
}

function tell() {
  const item = items[place], record = recordOf(item.item), verdict = lastOf(record)?.verdict;
  const hidden = item.blind && !record?.history.length;
  const colour = (name, text) => Object.assign(document.createElement("span"), {className: name, textContent: text});
  $("question").replaceChildren("Does the ", colour("candidate", "orange segment"),
    " belong to the ", colour("seed", "blue neuron"), "?");
  $("why").textContent = hidden ? "A blind check." : `${item.why} Saves about ${item.expected_edits.toFixed(2)} edits.`;
  $("belief").textContent = hidden ? "What the model proposes is shown after your verdict."
    : proposalOf(item);
  for (const button of document.querySelectorAll("[data-verdict]"))
    button.setAttribute("aria-pressed", button.dataset.verdict === verdict);
  $("note").value = lastOf(record)?.note ?? "";
  $("ids").replaceChildren(...["task", "cell", "seeds", "supervoxel", "voxels", "point_nm", "point", "split", "data", "checkpoint"]
    .filter((name) => item[name] !== null)
    .flatMap((name) => ["dt", "dd"].map((tag, n) => Object.assign(document.createElement(tag),
      {textContent: n ? [item[name]].flat().join(", ") : name.replace("_", ", ")}))));
  count();
}

function count() {
  const verdicts = items.map(verdictOf), decided = verdicts.filter((v) => v && v !== "later").length;
  const spent = items.map((item) => lastOf(recordOf(item.item))?.active_ms ?? 0).filter((ms) => ms > 0);
  const minutes = spent.reduce((sum, ms) => sum + ms, 0) / 60_000;
  const left = spent.length < 3 ? "" : ` · about ${Math.ceil(minutes / spent.length * (items.length - decided))} min left`;
  $("progress").max = items.length;
  $("progress").value = decided;
  $("counts").textContent = `Question ${place + 1} of ${items.length} · ${decided} decided · ${Math.round(spentMs / 60_000)} min active${left}`;
  $("undo").disabled = !latest();
}

/* Decisions. The next question comes when the last decision is kept. */
async function decide(verdict, text = $("note").value) {
  if (!crop) return;
  const item = items[place];
  signOfLife();
  wait();
  await save(item.item, {verdict, note: text, active_ms: Math.round(activeMs),
    reviewer: $("reviewer").value.trim(), time: new Date().toISOString()});
  $("status").textContent = `Question ${place + 1}: ${WORDS[verdict]}.${item.blind ? ` ${proposalOf(item)}` : ""}`;
  const next = nextOpen();
  if (next === null) $("status").textContent += " All are decided: export them.";
  show(next ?? place);
}

function nextOpen() {
  const from = (start, wanted) => items.findIndex((item, n) => n >= start && n !== place && wanted(verdictOf(item)));
  const found = [[place, (v) => !v], [0, (v) => !v], [place, (v) => v === "later"], [0, (v) => v === "later"]]
    .map(([start, wanted]) => from(start, wanted)).find((n) => n >= 0);
  return found ?? null;
}

function latest() {
  const made = items.map((item, n) => ({n, time: lastOf(recordOf(item.item))?.time ?? ""}));
  const last = made.reduce((one, other) => other.time >= one.time ? other : one, {time: ""});
  return last.time ? last : null;
}

async function undo() {
  const last = latest();
  if (!crop || !last) return;
  const {item} = items[last.n], {verdict} = lastOf(recordOf(item));
  wait();
  await save(item, {verdict: "undone", time: new Date().toISOString()});
  $("status").textContent = `Question ${last.n + 1}: “${WORDS[verdict]}” is undone.`;
  show(last.n);
}

function flag() {
  $("flag-reason").value = "";
  $("flag").returnValue = "";
  $("flag").showModal();
}

/* Drawing. */
function draw() {
  slices.forEach((figure, axis) => drawSlice(figure, axis));
  $("toggle").setAttribute("aria-pressed", candidateShown);
  $("colours").setAttribute("aria-pressed", coloured);
  $("neighbours").setAttribute("aria-pressed", neighboursShown);
  $("slice").max = crop.shape[view] - 1;
  $("slice").value = at[view];
}

function voxel(axis, down, right) {
  const where = [...at];
  [where[SHOWN[axis][0]], where[SHOWN[axis][1]]] = [down, right];
  return (where[0] * crop.shape[1] + where[1]) * crop.shape[2] + where[2];
}

function painted(rows, columns, colour) {
  const canvas = Object.assign(document.createElement("canvas"), {width: columns, height: rows});
  const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
  for (let n = 0; n < rows * columns; n++) pixels.data.set(colour(Math.floor(n / columns), n % columns), 4 * n);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function colourOf(label) {
  return label === 1 ? SEED : label === 2 && candidateShown ? CANDIDATE : null;
}

function drawSlice(figure, axis) {
  const [down, right] = SHOWN[axis], [rows, columns] = [crop.shape[down], crop.shape[right]];
  const canvas = figure.querySelector("canvas"), context = canvas.getContext("2d");
  const extent = (a) => crop.shape[a] * crop.edges[a];
  canvas.width = 576;
  canvas.height = Math.round(576 * extent(down) / extent(right));
  const [low, high] = crop.span;
  const grey = painted(rows, columns, (y, x) => {
    const value = 128 + contrast * (255 * (crop.grey[voxel(axis, y, x)] - low) / (high - low) - 128);
    return [value, value, value, 255];
  });
  context.drawImage(grey, 0, 0, canvas.width, canvas.height);
  // The views that are shown small get lines as thick.
  context.lineWidth = axis === view ? 3 : 6;
  if (coloured) drawMasks(context, canvas, rows, columns, (y, x) => crop.labels[voxel(axis, y, x)]);
  context.lineWidth = 1;
  drawCross(context, canvas, axis);
  if (axis === 0) drawBar(context, canvas, extent(right));
  figure.classList.toggle("active", axis === view);
  figure.querySelector("figcaption").textContent =
    `${axis + 1}: ${AXES[right]}${AXES[down]}, ${at[axis] + 1}/${crop.shape[axis]}`;
}

/* A tint, and a line around each: thinner than a voxel, as what one looks for lies under
   it. Where the crop ends, nothing ends: no line. */
function drawMasks(context, canvas, rows, columns, label) {
  const tint = painted(rows, columns, (y, x) => [...colourOf(label(y, x)) ?? [0, 0, 0], colourOf(label(y, x)) ? 56 : 0]);
  const [high, wide] = [canvas.height / rows, canvas.width / columns];
  const lines = {1: new Path2D(), 2: new Path2D()};
  // From the corner of a voxel, along an edge that it does not share with its like.
  const line = (one, other, y, x, dy, dx) => {
    if (one === other) return;
    for (const own of [one, other]) {
      lines[own]?.moveTo(x * wide, y * high);
      lines[own]?.lineTo((x + dx) * wide, (y + dy) * high);
    }
  };
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    if (y) line(label(y - 1, x), label(y, x), y, x, 0, 1);
    if (x) line(label(y, x - 1), label(y, x), y, x, 1, 0);
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(tint, 0, 0, canvas.width, canvas.height);
  for (const own of [1, 2]) {
    if (!colourOf(own)) continue;
    context.strokeStyle = `rgb(${colourOf(own).join(" ")})`;
    context.stroke(lines[own]);
  }
}

function drawCross(context, canvas, axis) {
  const [down, right] = SHOWN[axis];
  const y = (at[down] + 0.5) / crop.shape[down] * canvas.height, x = (at[right] + 0.5) / crop.shape[right] * canvas.width;
  const gap = 36;
  context.strokeStyle = "rgb(255 255 255 / .45)";
  context.beginPath();
  // Open around the point itself.
  for (const [from, to] of [[0, -gap], [gap, Infinity]]) {
    context.moveTo(x, from && y + from);
    context.lineTo(x, Math.min(canvas.height, y + to));
    context.moveTo(from && x + from, y);
    context.lineTo(Math.min(canvas.width, x + to), y);
  }
  context.stroke();
}

function drawBar(context, canvas, extent) {
  const most = extent / 3, power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((n) => n * power).find((n) => n <= most);
  const pixels = length / extent * canvas.width, [x, y] = [14, canvas.height - 16];
  context.fillStyle = "#000";
  context.fillRect(x - 2, y - 2, pixels + 4, 9);
  context.fillStyle = "#fff";
  context.fillRect(x, y, pixels, 5);
  context.font = "20px system-ui, sans-serif";
  context.strokeStyle = "#000";
  context.lineWidth = 4;
  context.strokeText(`${length} ${unit}`, x, y - 8);
  context.fillText(`${length} ${unit}`, x, y - 8);
}

/* Voxels of segments that show, with the direction that each faces; where the middle of
   seed and candidate is, and how far they reach. */
function bodiesOf() {
  const surface = surfaceOf();
  const ends = [0, 1, 2].map((a) => surface.filter(({own}) => own < 3).reduce(([least, most], {place}) =>
    [Math.min(least, place[a]), Math.max(most, place[a] + 1)], [Infinity, -Infinity]));
  return {surface, middle: ends.map(([least, most]) => (least + most - 1) / 2),
    reach: Math.hypot(...ends.map(([least, most], a) => (most - least) * crop.edges[a]))};
}

function surfaceOf() {
  const [depth, height, width] = crop.shape, found = [];
  let beyond;
  const label = (z, y, x) => z < 0 || y < 0 || x < 0 || z >= depth || y >= height || x >= width
    ? beyond : crop.labels[(z * height + y) * width + x];
  for (let z = 0; z < depth; z++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const own = label(z, y, x);
    if (!own) continue;
    // A neighbour that the crop cuts stays open there, or all that is seen is a box.
    beyond = own > 2 ? own : 0;
    const hidden = label(z - 1, y, x) === own && label(z + 1, y, x) === own && label(z, y - 1, x) === own
      && label(z, y + 1, x) === own && label(z, y, x - 1) === own && label(z, y, x + 1) === own;
    if (hidden) continue;
    const normal = [0, 0, 0];
    for (let dz = -1; dz <= 1; dz++) for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) {
      if (label(z + dz, y + dy, x + dx) === own) continue;
      normal[0] += dz; normal[1] += dy; normal[2] += dx;
    }
    const norm = Math.hypot(...normal) || 1;
    found.push({own, place: [z, y, x], normal: normal.map((n) => n / norm)});
  }
  return found;
}

function turned([z, y, x]) {
  const [tilt, spin] = turn;
  const [x1, z1] = [Math.cos(spin) * x + Math.sin(spin) * z, Math.cos(spin) * z - Math.sin(spin) * x];
  return [Math.cos(tilt) * z1 - Math.sin(tilt) * y, Math.cos(tilt) * y + Math.sin(tilt) * z1, x1];
}

/* Once the slices are painted: they are what a decision rests on. */
function drawSolidSoon() {
  requestAnimationFrame(() => setTimeout(() => crop && drawSolid()));
}

/* Nothing of the last question stays in view, and nothing on the page moves. */
function clearSolid() {
  const canvas = $("solid").querySelector("canvas");
  canvas.width = canvas.height = 384;
  return canvas;
}

/* Some bodies: how near they are in each pixel, and how bright. */
function project(isShown, size) {
  const near = new Float32Array(size * size).fill(-Infinity), light = new Float32Array(size * size);
  const {surface, middle, reach} = crop.bodies, scale = size / reach;
  const dot = Math.ceil(1.7 * scale * Math.max(...crop.edges));
  for (const {own, place, normal} of surface) {
    if (!isShown(own)) continue;
    const [depth, down, right] = turned(place.map((n, a) => (n - middle[a]) * crop.edges[a] * scale));
    const [facing, up, side] = turned(normal);
    // Neighbours are of glass: what is seen from the side shows.
    const bright = own > 2 ? 0.15 + 0.85 * (1 - Math.abs(facing)) ** 2 : 0.3 + 0.7 * Math.max(0, 0.8 * facing - 0.5 * up - 0.3 * side);
    const top = Math.round(size / 2 + down - dot / 2), left = Math.round(size / 2 + right - dot / 2);
    for (let y = Math.max(0, top); y < Math.min(size, top + dot); y++)
      for (let x = Math.max(0, left); x < Math.min(size, left + dot); x++) {
        if (depth <= near[y * size + x]) continue;
        near[y * size + x] = depth;
        light[y * size + x] = bright;
      }
  }
  return {near, light};
}

/* Through the seed, the candidate behind it still shows; neighbours are behind both. */
function drawSolid() {
  const canvas = clearSolid(), size = canvas.width;
  const context = canvas.getContext("2d"), pixels = context.createImageData(size, size);
  crop.bodies ??= bodiesOf();
  const [seed, candidate] = [1, 2].map((label) => project((own) => own === label && colourOf(own), size));
  const around = project((own) => own > 2 && neighboursShown, size);
  for (let n = 0; n < size * size; n++) {
    const hasSeed = seed.near[n] > -Infinity, hasCandidate = candidate.near[n] > -Infinity;
    if (!hasSeed && !hasCandidate) {
      if (around.near[n] > -Infinity) pixels.data.set([...NEIGHBOUR.map((c) => around.light[n] * c), 255], 4 * n);
      continue;
    }
    const share = !hasCandidate ? 0 : candidate.near[n] > seed.near[n] ? 1 : 0.5;
    const colour = SEED.map((c, a) => (1 - share) * seed.light[n] * (c + 30) + share * candidate.light[n] * (CANDIDATE[a] + 30));
    pixels.data.set([...colour, 255], 4 * n);
  }
  context.putImageData(pixels, 0, 0);
}

/* Hands. */
function move(axis, steps) {
  at[axis] = Math.max(0, Math.min(crop.shape[axis] - 1, at[axis] + steps));
  draw();
}

function spin(down, right) {
  turn = [Math.max(-1.5, Math.min(1.5, turn[0] + down)), turn[1] + right];
  drawSolid();
}

const acts = {
  j: () => show(place + 1), k: () => show(place - 1),
  ArrowRight: () => show(place + 1), ArrowLeft: () => show(place - 1),
  ArrowUp: () => move(view, -1), ArrowDown: () => move(view, 1),
  1: () => { view = 0; draw(); }, 2: () => { view = 1; draw(); }, 3: () => { view = 2; draw(); },
  c: () => { at = [...crop.contact]; draw(); },
  " ": () => { candidateShown = !candidateShown; draw(); drawSolid(); },
  h: () => { coloured = !coloured; draw(); },
  t: () => { neighboursShown = !neighboursShown; draw(); drawSolid(); },
  w: () => spin(-0.2, 0), s: () => spin(0.2, 0), a: () => spin(0, -0.2), d: () => spin(0, 0.2),
  "?": () => $("keys").showModal(), f: flag, z: undo,
};
// A key that is held acts again: not these.
const ONCE = new Set([...Object.keys(KEYS), "z", " ", "h", "t", "?"]);

addEventListener("keydown", (event) => {
  const {target, key} = event, lower = key.length === 1 ? key.toLowerCase() : key;
  const isButton = target.matches?.("button, summary"), isRange = target.type === "range";
  if (isButton && event.repeat && (key === "Enter" || key === " ")) event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.matches?.("input:not([type=range]), textarea, select")) {
    if (key === "Escape" || key === "Enter") target.blur();
    return;
  }
  if (!crop || (isButton && (key === " " || key === "Enter")) || (isRange && key.startsWith("Arrow"))) return;
  const turns = {ArrowUp: [-0.1, 0], ArrowDown: [0.1, 0], ArrowLeft: [0, -0.1], ArrowRight: [0, 0.1]};
  const act = target === $("solid").querySelector("canvas") && turns[key] ? () => spin(...turns[key])
    : acts[lower] ?? (KEYS[lower] && (() => decide(KEYS[lower])));
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || !ONCE.has(lower)) act();
});

slices.forEach((figure, axis) => {
  const canvas = figure.querySelector("canvas");
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (crop) move(axis, Math.sign(event.deltaY));
  }, {passive: false});
  canvas.addEventListener("click", (event) => {
    if (!crop) return;
    const box = canvas.getBoundingClientRect(), [down, right] = SHOWN[axis];
    view = axis;
    at[down] = Math.min(crop.shape[down] - 1, Math.floor((event.clientY - box.top) / box.height * crop.shape[down]));
    at[right] = Math.min(crop.shape[right] - 1, Math.floor((event.clientX - box.left) / box.width * crop.shape[right]));
    draw();
  });
});
$("solid").addEventListener("pointermove", (event) => {
  if (event.buttons && crop) spin(event.movementY / 100, event.movementX / 100);
});
for (const button of document.querySelectorAll("[data-verdict]"))
  button.addEventListener("click", () => crop && (button.dataset.verdict === "flag" ? flag() : decide(button.dataset.verdict)));
$("flag").addEventListener("close", () => {
  if ($("flag").returnValue === "flag") decide("flag", $("flag-reason").value);
});
$("help").addEventListener("click", acts["?"]);
$("toggle").addEventListener("click", () => crop && acts[" "]());
$("colours").addEventListener("click", () => crop && acts.h());
$("neighbours").addEventListener("click", () => crop && acts.t());
$("previous").addEventListener("click", acts.k);
$("next").addEventListener("click", acts.j);
$("undo").addEventListener("click", undo);
$("slice").addEventListener("input", (event) => crop && move(view, event.target.value - at[view]));
$("contrast").addEventListener("input", (event) => { contrast = Number(event.target.value); if (crop) draw(); });
$("reviewer").addEventListener("change", (event) => {
  try { localStorage.setItem("eyewire-review reviewer", event.target.value); } catch { /* asked again */ }
});
$("export").addEventListener("click", () => {
  const file = new Blob([exported()], {type: "application/jsonl"});
  const link = Object.assign(document.createElement("a"), {href: URL.createObjectURL(file), download: `decisions-${queue}.jsonl`});
  link.click();
  URL.revokeObjectURL(link.href);
});
for (const sign of ["keydown", "pointermove", "pointerdown", "wheel"]) addEventListener(sign, signOfLife, {passive: true, capture: true});
async function reload() {
  await load();
  if (crop) tell();
}
const others = globalThis.BroadcastChannel && new BroadcastChannel("eyewire-review");
others?.addEventListener("message", reload);
addEventListener("visibilitychange", reload);
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

try { $("reviewer").value = localStorage.getItem("eyewire-review reviewer") ?? ""; } catch { /* not kept here */ }
if (items.length) {
  // Most often it is the first question that is due: its crop comes while the log is read.
  cropOf(0).catch(() => {});
  load().then(() => show(Math.max(0, items.findIndex((item) => !verdictOf(item)))));
} else {
  $("question").textContent = "Nothing has to be decided.";
  for (const button of document.querySelectorAll("main button, #export")) button.disabled = true;
  $("views").hidden = true;
}

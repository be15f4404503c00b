// The drawing of the lanes. What is too dense to be seen call by call is drawn column by column, so that a frame never
// has more than a few thousand shapes: a column costs one binary search, however many calls are in it.
const GUTTER = 84, TOP = 42, BAND = 20, LANE_MIN = 17, LANE_MAX = 30;
const SHAPES_MAX = 6000, LABELS_MAX = 1200, POINTS_MAX = 500, LINES_MAX = 160, LETTER_MIN = 34;
const scene = document.getElementById("scene"), brush = scene.getContext("2d", { alpha: false });
const view = { axis: null, left: 0, right: 1, top: 0, anomaly: -1, pinned: -1, hovered: -1 };
const frame = { shapes: 0, labels: 0, exact: 0, columns: 0, points: 0, ms: 0, count: 0 };
const emphasis = { kind: null, calls: [], mask: null, hues: null, key: 0 };
let sequences = [];           // of each object its calls, as the certificate orders them
let size = { width: 0, height: 0, ratio: 1, lane: 24, letter: 6.6 };
let awaited = false;

function redraw() {
  if (awaited) return;
  awaited = true;
  requestAnimationFrame(() => { awaited = false; draw(); });
}

const xOf = at => GUTTER + (at - view.left) * (size.width - GUTTER) / (view.right - view.left);
const atX = x => view.left + (x - GUTTER) * (view.right - view.left) / (size.width - GUTTER);
const yOf = row => TOP + row * size.lane - view.top;
const rowOf = op => lanes.row[lanes.of[op]];

function fit() {
  const box = scene.getBoundingClientRect(), ratio = devicePixelRatio || 1;
  size = { ...size, width: Math.max(200, box.width), height: Math.max(80, box.height), ratio };
  scene.width = Math.round(size.width * ratio);
  scene.height = Math.round(size.height * ratio);
  brush.font = MONO;
  size.letter = brush.measureText("m").width;
  size.lane = Math.min(LANE_MAX, Math.max(LANE_MIN, Math.floor((size.height - TOP) / Math.max(1, lanes.count))));
  view.top = Math.max(0, Math.min(view.top, lanes.count * size.lane - (size.height - TOP)));
}

const MONO = '11px ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace';
const SANS = '11.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

function draw() {
  const began = performance.now();
  Object.assign(frame, { shapes: 0, labels: 0, exact: 0, columns: 0 });
  brush.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  brush.textBaseline = "middle";
  brush.fillStyle = ink.card;
  brush.fillRect(0, 0, size.width, size.height);
  const first = Math.max(0, Math.floor(view.top / size.lane));
  const last = Math.min(lanes.count, Math.ceil((view.top + size.height - TOP) / size.lane));
  brush.save();
  brush.beginPath();
  brush.rect(GUTTER, TOP, size.width - GUTTER, size.height - TOP);
  brush.clip();
  drawStripes(first, last);
  drawWindows();
  drawLanes(first, last);
  drawEmphasised();
  drawRing(view.hovered, 1.5);
  drawRing(view.pinned, 2.5);
  brush.restore();
  drawGutter(first, last);
  drawAxis();
  drawOverview();
  frame.ms = performance.now() - began;
  frame.count++;
}

function drawStripes(first, last) {
  brush.fillStyle = ink.stripe;
  for (let row = first; row < last; row++) if (row % 2 === 0) brush.fillRect(GUTTER, yOf(row), size.width, size.lane);
  if (lanes.raised && lanes.raised < lanes.count) {
    brush.fillStyle = ink.faint;
    brush.fillRect(GUTTER, yOf(lanes.raised) - 0.75, size.width, 1.5);
  }
}

const tintOf = window => ink["f" + window.kind % 6];

function drawWindows() {
  for (const window of meta.windows) {
    const from = xOf(view.axis.at(window)), until = xOf(Math.min(view.axis.until(window), view.axis.last));
    if (until < GUTTER || from > size.width) continue;
    brush.globalAlpha = Number(ink.band);
    brush.fillStyle = tintOf(window);
    brush.fillRect(Math.max(GUTTER, from), TOP, Math.max(1.5, Math.min(until, size.width) - Math.max(GUTTER, from)),
                   size.height);
    frame.shapes++;
  }
  brush.globalAlpha = 1;
}

function drawLanes(first, last) {
  const rows = Math.max(1, last - first), width = size.width - GUTTER;
  const most = Math.max(20, SHAPES_MAX / rows), pixels = Math.max(1, Math.ceil(2 * width * rows / SHAPES_MAX));
  const bars = [], labels = [], columns = [], tails = [], placed = [];
  for (let row = first; row < last; row++) {
    const lane = lanes.list[row], y = yOf(row);
    const [lo, hi] = within(lane, view.axis, view.left, view.right);
    if (lanes.mode === "process") addTail(tails, lane, lo, hi, y);
    if (hi - lo <= most && (hi - lo) * 3 <= width) addBars(bars, labels, placed, lane, lo, hi, y);
    else addColumns(columns, lane, lo, hi, y, pixels);
  }
  frame.points = placed.length <= POINTS_MAX ? placed.length : 0;
  paintColumns(columns);
  paintTails(tails);
  paintBars(bars);
  paintLabels(labels);
  if (frame.points) drawPoints(placed);
}

function addBars(bars, labels, placed, lane, lo, hi, y) {
  const { start, end } = view.axis, pad = size.lane > 20 ? 3 : 2, height = size.lane - 2 * pad;
  for (let i = lo; i < hi; i++) {
    const op = lane.calls[i];
    if (emphasis.mask?.[op]) continue;
    const x = xOf(start[op]), width = Math.max(2, xOf(end[op]) - x);
    const kind = column.outcome[op] === OK ? 0 : column.outcome[op] === FAIL ? 1 : 2;
    const far = emphasis.kind === "anomaly" && emphasis.key && column.key[op] !== emphasis.key;
    (bars[kind + (far ? 3 : 0)] ??= []).push(x, y + pad, width, height);
    frame.exact++;
    if (column.rank[op] && !emphasis.kind) placed.push(op);
    const from = Math.max(x, GUTTER), room = Math.min(x + width, size.width) - from;
    if (room >= LETTER_MIN && !far && labels.length < LABELS_MAX) labels.push([op, from, y + size.lane / 2, room, kind]);
  }
}

function addColumns(columns, lane, lo, hi, y, pixels) {
  const { start, end } = view.axis;
  let run = null;
  for (let i = lo; i < hi;) {
    const x = GUTTER + Math.floor((Math.max(xOf(start[lane.calls[i]]), GUTTER) - GUTTER) / pixels) * pixels;
    const until = atX(x + pixels), from = i;
    let step = 1;             // gallop, then search: most columns are short
    while (i + step < hi && start[lane.calls[i + step]] < until) step *= 2;
    i = search(i + (step >> 1) + (step > 1 ? 0 : 1), Math.min(hi, i + step), j => start[lane.calls[j]] >= until);
    const right = Math.max(x + pixels, Math.min(size.width, xOf(lane.reach[i - 1])));
    if (run && x <= run[0] + run[2] + 0.5) run[2] = Math.max(run[2], right - run[0]);
    else columns.push(run = [x, y, right - x, 0]);
    const failed = lane.failed[i] - lane.failed[from], unknown = lane.unknown[i] - lane.unknown[from];
    if (failed) columns.push([x, y, pixels, 1, failed / (i - from)]);
    if (unknown) columns.push([x, y, pixels, 2, unknown / (i - from)]);
    frame.columns++;
  }
}

function paintColumns(columns) {
  const pad = size.lane > 20 ? 3 : 2, height = size.lane - 2 * pad, dim = emphasis.kind;
  for (const kind of [0, 1, 2]) {
    brush.fillStyle = dim ? ink.dim : [ink.ok, ink.fail, ink.info][kind];
    brush.globalAlpha = dim ? (kind ? 0.7 : 0.45) : kind ? 1 : 0.62;
    for (const each of columns) {
      if (each[3] !== kind) continue;
      const tall = kind ? Math.max(2, height * each[4]) : height;
      brush.fillRect(each[0], each[1] + pad + (kind === 1 ? height - tall : 0), each[2], tall);
      frame.shapes++;
    }
  }
  brush.globalAlpha = 1;
}

// What is unknown may take effect at any time after: a thin line to the right.
function addTail(tails, lane, lo, hi, y) {
  if (lane.unknown[lo]) return void tails.push(GUTTER, y);
  if (lane.unknown[hi] === 0) return;
  const at = search(lo, hi, i => lane.unknown[i + 1] > 0), op = lane.calls[at];
  if (!emphasis.mask?.[op]) tails.push(Math.max(GUTTER, xOf(view.axis.end[op])), y);
}

function paintTails(tails) {
  brush.strokeStyle = emphasis.kind ? ink.dim : ink.info;
  brush.globalAlpha = 0.55;
  brush.setLineDash([3, 4]);
  brush.lineWidth = 1;
  brush.beginPath();
  for (let i = 0; i < tails.length; i += 2) {
    brush.moveTo(tails[i], tails[i + 1] + size.lane - 1.5);
    brush.lineTo(size.width, tails[i + 1] + size.lane - 1.5);
    frame.shapes++;
  }
  brush.stroke();
  brush.setLineDash([]);
  brush.globalAlpha = 1;
}

function paintBars(bars) {
  bars.forEach((list, number) => {
    const kind = number % 3, dim = emphasis.kind;
    const colour = dim ? ink.dim : [ink.ok, ink.fail, ink.info][kind];
    brush.globalAlpha = number >= 3 ? 0.35 : frame.points && !kind ? 0.3 : 1;
    brush.beginPath();
    for (let i = 0; i < list.length; i += 4) {
      const [x, y, width, height] = [list[i], list[i + 1], list[i + 2], list[i + 3]];
      if (width < 6) brush.rect(x, y, width, height);
      else if (kind) brush.roundRect(x + 0.75, y + 0.75, width - 1.5, height - 1.5, 3);
      else brush.roundRect(x, y, width, height, 3);
      frame.shapes++;
    }
    brush.fillStyle = kind ? ink.card : colour;
    brush.fill();
    if (!kind) return;
    brush.strokeStyle = colour;
    brush.lineWidth = 1.5;
    if (kind === 2) brush.setLineDash([4, 2.5]);
    brush.stroke();
    brush.setLineDash([]);
  });
  brush.globalAlpha = 1;
}

function paintLabels(labels) {
  brush.font = MONO;
  brush.textAlign = "left";
  for (const [op, x, y, room, kind] of labels) {
    brush.fillStyle = emphasis.kind ? ink.soft : kind || frame.points ? ink.ink : ink.on;
    const most = Math.floor((room - 8) / size.letter);
    if (most >= 3) brush.fillText(cut(what(op, most + 4), most), x + 5, y + 0.5);
    frame.labels++;
  }
}

function drawEmphasised() {
  if (!emphasis.kind) return;
  const { start, end } = view.axis, calls = emphasis.calls, dense = calls.length > 2000;
  const lo = calls.length > 20000 ? search(0, calls.length, i => start[calls[i]] >= view.left) : 0;
  const free = new Map(), taken = new Set(), labels = [];
  for (let i = lo; i < calls.length; i++) {
    const op = calls[i];
    if (start[op] > view.right) break;
    const open = column.outcome[op] >= INFO;
    if ((end[op] < view.left && !open) || !shown.mask[op]) continue;
    const row = rowOf(op), y = yOf(row);
    if (y + size.lane < TOP || y > size.height) continue;
    if (dense) {
      const spot = row * 4096 + Math.floor(xOf(start[op]) / 6);
      if (taken.has(spot)) continue;
      taken.add(spot);
    }
    labels.push([op, row, ...emphasise(op, y)]);
  }
  if (emphasis.kind === "anomaly" || calls.length < 400) for (const each of labels) label(free, ...each);
}

// Its bar; where it is, for its label.
function emphasise(op, y) {
  const left = xOf(view.axis.start[op]), right = xOf(view.axis.end[op]), width = Math.max(4, right - left);
  const x = width > 4 ? left : left - 1, height = size.lane - 4, hue = emphasis.hues?.get(op);
  const colours = hue ? [ink[hue.from.slice(2)], ink[hue.to.slice(2)]] : [ink.v1, ink.v1];
  const open = column.outcome[op] >= INFO, hollow = column.outcome[op] !== OK;
  if (open && emphasis.kind === "anomaly") {
    brush.fillStyle = colours[1];
    for (let at = Math.max(left, GUTTER); at < size.width; at += 9) brush.fillRect(at, y + size.lane / 2 - 1, 5, 2);
  }
  brush.beginPath();
  brush.roundRect(x, y + 2, width, height, Math.min(4, width / 2));
  brush.fillStyle = hollow ? ink.card : blend(colours, x, width);
  brush.fill();
  brush.strokeStyle = hollow ? colours[1] : ink.halo;
  brush.lineWidth = hollow ? 2 : 1;
  brush.stroke();
  frame.shapes++;
  return [x, y, width, hollow, colours];
}

function blend(colours, x, width) {
  if (colours[0] === colours[1]) return colours[0];
  const mixed = brush.createLinearGradient(x, 0, x + width, 0);
  mixed.addColorStop(0.35, colours[0]);
  mixed.addColorStop(0.65, colours[1]);
  return mixed;
}

// Inside the bar if there is room, else beside it, unless another label is there.
function label(free, op, row, x, y, width, hollow, colours) {
  const words = what(op, 24), wide = words.length * size.letter + 10, middle = y + size.lane / 2 + 0.5;
  const from = Math.max(x, GUTTER);
  brush.font = "600 " + MONO;
  brush.textAlign = "left";
  if (Math.min(x + width, size.width) - from >= wide) {
    brush.fillStyle = hollow ? ink.ink : ink.on;
    brush.fillText(words, from + 5, middle);
    free.set(row, x + width);
  } else {
    const right = x + width + 3, beside = right + wide <= size.width ? right : x - wide - 3;
    if (beside < (free.get(row) ?? -Infinity)) return;
    brush.globalAlpha = 0.88;
    brush.fillStyle = ink.card;
    brush.fillRect(beside, y + 3, wide, size.lane - 6);
    brush.globalAlpha = 1;
    brush.fillStyle = colours[1];
    brush.fillText(words, beside + 5, middle);
    free.set(row, Math.max(beside + wide, x + width));
  }
  frame.labels++;
}

function drawRing(op, width) {
  if (op < 0 || !shown.mask[op]) return;
  const x = xOf(view.axis.start[op]), wide = Math.max(4, xOf(view.axis.end[op]) - x);
  brush.strokeStyle = ink.ink;
  brush.lineWidth = width;
  brush.beginPath();
  brush.roundRect(x - 1.5, yOf(rowOf(op)) + 1.5, wide + 3, size.lane - 3, 4);
  brush.stroke();
}

// Where a certificate says that each call took effect, and the line that joins them in their order.
function pointOf(op) {
  const at = column.invoke[op] + column.anchor[op], share = column.fraction[op] / meta.fraction;
  if (view.axis.name === "order") return at + share;
  const from = lineTime(at), until = lineTime(at + 1);
  return until === null ? from : from + (until - from) * share;
}

let lineTimes = null;
function lineTime(position) {
  if (!lineTimes) {
    lineTimes = new Float64Array(meta.lines);
    for (let op = 0; op < N; op++) {
      lineTimes[column.invoke[op]] = axes.time.start[op];
      if (completes(op)) lineTimes[column.invoke[op] + column.complete[op]] = axes.time.end[op];
    }
    for (const event of meta.events) lineTimes[event.at] = event.time;
    for (let i = 1; i < lineTimes.length; i++) lineTimes[i] ||= lineTimes[i - 1];
  }
  return position < lineTimes.length ? lineTimes[position] : null;
}

// Only of calls that are drawn one by one, if they are few enough; each joined to the one before it in its object.
function drawPoints(placed) {
  const most = placed.length <= LINES_MAX, only = filter.key?.size === 1 ? 0 : 1;
  const colour = op => sequences.length > only ? ink["v" + (1 + column.object[op] % 7)] : ink.ink;
  brush.lineWidth = 1;
  brush.globalAlpha = 0.6;
  for (const op of most ? placed : []) {
    const order = sequences[column.object[op]], rank = column.rank[op];
    brush.strokeStyle = colour(op);
    brush.beginPath();
    for (const other of [order[rank - 2], order[rank]]) {
      if (other === undefined || !shown.mask[other] || (other === order[rank] && pointOf(other) < view.right)) continue;
      brush.moveTo(xOf(pointOf(other)), yOf(rowOf(other)) + size.lane / 2);
      brush.lineTo(xOf(pointOf(op)), yOf(rowOf(op)) + size.lane / 2);
    }
    brush.stroke();
  }
  brush.globalAlpha = 1;
  for (const op of placed) drawPoint(op, colour(op));
}

function drawPoint(op, colour) {
  const x = xOf(pointOf(op)), y = yOf(rowOf(op));
  brush.fillStyle = ink.halo;
  brush.fillRect(x - 2, y + 1, 4, size.lane - 2);
  brush.fillStyle = colour;
  brush.fillRect(x - 1, y + 1, 2, size.lane - 2);
  brush.beginPath();
  brush.arc(x, y + size.lane / 2, 3.5, 0, 7);
  brush.fill();
  brush.strokeStyle = ink.halo;
  brush.stroke();
  frame.shapes += 3;
}

function drawGutter(first, last) {
  brush.fillStyle = ink.card;
  brush.fillRect(0, 0, GUTTER, size.height);
  brush.font = SANS;
  brush.textAlign = "right";
  for (let row = first; row < last; row++) {
    const y = yOf(row) + size.lane / 2;
    if (y < TOP + 5) continue;
    brush.fillStyle = row < lanes.raised ? ink.ink : ink.soft;
    brush.fillText(cut(laneTitle(lanes.list[row]), 13), GUTTER - 10, y);
  }
  brush.fillStyle = ink.rule;
  brush.fillRect(GUTTER - 1, 0, 1, size.height);
}

// A thread's lane is named after the process that runs where one looks.
function laneTitle(lane) {
  if (lanes.mode !== "process") return lane.title;
  const [lo] = within(lane, view.axis, view.left, view.right);
  return processText(lane.calls[Math.min(lo, lane.size - 1)]);
}

function drawAxis() {
  brush.fillStyle = ink.card;
  brush.fillRect(0, 0, size.width, TOP);
  brush.font = SANS;
  brush.textAlign = "right";
  brush.fillStyle = ink.faint;
  brush.fillText({ process: "process", key: "key", compact: "" }[lanes.mode], GUTTER - 10, TOP - 10);
  brush.textAlign = "left";
  nameWindows();
  brush.textAlign = "center";
  for (const [at, words] of ticks(view.axis, view.left, view.right, (size.width - GUTTER) / 110)) {
    const x = xOf(at);
    if (x < GUTTER || x > size.width) continue;
    brush.fillStyle = ink.faint;
    brush.globalAlpha = 0.35;
    brush.fillRect(x, BAND, 1, size.height);
    brush.globalAlpha = 1;
    brush.fillStyle = ink.soft;
    const half = words.length * 3.2;
    brush.fillText(words, Math.min(Math.max(x, GUTTER + half), size.width - half), BAND / 2 + 1);
  }
  brush.fillStyle = ink.rule;
  brush.fillRect(0, TOP - 1, size.width, 1);
  for (const event of meta.events) {
    const x = xOf(view.axis.at(event));
    if (x < GUTTER || x > size.width) continue;
    brush.fillStyle = ink.faint;
    brush.fillRect(x - 0.5, TOP - 5, 1.5, 5);
  }
}

function nameWindows() {
  let free = GUTTER;
  for (const window of [...meta.windows].sort((a, b) => view.axis.at(a) - view.axis.at(b))) {
    const from = Math.max(GUTTER, xOf(view.axis.at(window)));
    const until = Math.min(size.width, xOf(Math.min(view.axis.until(window), view.axis.last)));
    if (until <= GUTTER || from >= size.width) continue;
    brush.globalAlpha = 2.2 * Number(ink.band);
    brush.fillStyle = tintOf(window);
    brush.fillRect(from, BAND, Math.max(1.5, until - from), TOP - BAND);
    brush.globalAlpha = 1;
    const at = Math.max(from, free) + 4, words = cut(window.name, Math.floor((until - at) / 6));
    if (words.length < 3) continue;
    brush.fillStyle = ink.ink;
    brush.fillText(words, at, (BAND + TOP) / 2);
    free = at + words.length * 6.2;
  }
}

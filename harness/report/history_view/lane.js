// Lanes: which calls are drawn below each other. In a lane they stand in order, and nearly always apart.
const LANES_PER_GROUP_MAX = 100;
const lanes = { list: [], of: null, mode: "process", count: 0 };
const filter = { fs: null, outcomes: null, key: null, process: null };   // sets of numbers; null lets all pass
const shown = { mask: null, count: 0 };
let threads = null;

function applyFilter() {
  shown.mask ??= new Uint8Array(N);
  shown.count = 0;
  const { fs, outcomes, key, process } = filter;
  for (let op = 0; op < N; op++) {
    const passes = (!outcomes || outcomes.has(column.outcome[op])) && (!fs || fs.has(column.f[op])) &&
      (!key || key.has(column.key[op])) && (!process || process.has(column.process[op]));
    shown.mask[op] = passes;
    shown.count += passes;
  }
}

// After a crash a client goes on under a new process number: both are one thread, and share a lane. Jepsen adds the
// number of threads to the old number; where that does not fit, the thread that has waited longest takes the new one.
function findThreads() {
  const first = new Map(), last = new Map();
  for (let op = 0; op < N; op++) {
    const process = column.process[op];
    if (!first.has(process)) first.set(process, op);
    last.set(process, op);
  }
  const crashes = [...last].filter(([, op]) => column.outcome[op] >= INFO).sort((a, b) => endOf(a[1]) - endOf(b[1]));
  const number = process => Number(text(column.process_names[process]));
  const before = [...first].filter(([, op]) => !crashes.length || op <= crashes[0][1]).map(([p]) => number(p));
  const width = 1 + before.reduce((a, b) => Math.max(a, b), 0);
  const thread = new Map(), waiting = new Map();
  let crash = 0;
  for (const [process, op] of [...first].sort((a, b) => a[1] - b[1])) {
    for (; crash < crashes.length && endOf(crashes[crash][1]) < column.invoke[op]; crash++)
      waiting.set(number(crashes[crash][0]), crashes[crash][0]);
    const old = waiting.has(number(process) - width) ? number(process) - width : waiting.keys().next().value;
    thread.set(process, old === undefined ? process : thread.get(waiting.get(old)));
    waiting.delete(old);
  }
  return thread;
}

const endOf = op => column.invoke[op] + column.complete[op];

function makeLanes(axis) {
  const groups = grouping();
  const order = axis.sorted;
  lanes.of ??= new Uint32Array(N);
  const made = [];
  for (let i = 0; i < N; i++) {
    const op = order ? order[i] : i;
    if (!shown.mask[op]) continue;
    const group = groups.of(op), at = axis.start[op];
    const subs = groups.subs.get(group) ?? groups.open(group);
    let lane = null;
    for (const each of subs) if (each.free <= at) { lane = each; break; }
    if (!lane) {
      if (subs.length >= (lanes.mode === "process" ? 1 : LANES_PER_GROUP_MAX)) lane = subs[subs.length - 1];
      else {
        lane = { group, sub: subs.length, free: 0, number: made.length, size: 0, first: op };
        made.push(lane);
        subs.push(lane);
      }
    }
    lane.free = Math.max(lane.free, axis.end[op]) + (axis.name === "order" ? 0.5 : 0);
    lane.size++;
    lanes.of[op] = lane.number;
  }
  fill(made, axis);
  made.sort((a, b) => groups.rank(a.group) - groups.rank(b.group) || a.sub - b.sub);
  for (const lane of made) lane.title = groups.title(lane);
  lanes.natural = lanes.list = made;
  lanes.count = made.length;
  placeLanes();
}

function grouping() {
  const subs = new Map();
  const open = group => { const list = []; subs.set(group, list); return list; };
  const common = { subs, open };
  if (lanes.mode === "key")
    return { ...common, of: op => column.key[op], rank: keyRank(),
             title: lane => lane.sub ? "" : column.key[lane.first] ? keyText(lane.first) : "no key" };
  if (lanes.mode === "compact") return { ...common, of: () => 0, rank: () => 0, title: () => "" };
  threads ??= findThreads();
  const names = new Map();
  const number = group => {
    if (!names.has(group)) names.set(group, Number(text(column.process_names[group])));
    return names.get(group);
  };
  return { ...common, of: op => threads.get(column.process[op]), rank: number, title: () => "" };
}

// From a key's number to its place by name: k2 before k10, and no key before all.
function keyRank() {
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const names = Array.from(column.key_names, (code, i) => [text(code), i + 1]).sort((a, b) => order(a[0], b[0]));
  const ranks = new Map(names.map(([, number], rank) => [number, rank + 1]));
  return group => ranks.get(group) ?? 0;
}

// Each lane's calls, the furthest end so far, and how many of them failed or are unknown, up to each.
function fill(made, axis) {
  for (const lane of made) {
    lane.calls = new Uint32Array(lane.size);
    lane.reach = new Float64Array(lane.size);
    lane.failed = new Uint32Array(lane.size + 1);
    lane.unknown = new Uint32Array(lane.size + 1);
    lane.size = 0;
  }
  for (let i = 0; i < N; i++) {
    const op = axis.sorted ? axis.sorted[i] : i;
    if (!shown.mask[op]) continue;
    const lane = made[lanes.of[op]], at = lane.size++;
    lane.calls[at] = op;
    lane.reach[at] = Math.max(axis.end[op], at ? lane.reach[at - 1] : -Infinity);
    lane.failed[at + 1] = lane.failed[at] + (column.outcome[op] === FAIL);
    lane.unknown[at + 1] = lane.unknown[at] + (column.outcome[op] >= INFO);
  }
}

// The rows from above: those of groups with emphasised calls first, if not all of them can be seen.
function placeLanes(calls = []) {
  const of = new Map(lanes.list.map(lane => [lane.number, lane.group]));
  const raised = new Set(calls.map(op => of.get(lanes.of[op])));
  const rows = [...lanes.natural].sort((a, b) => raised.has(b.group) - raised.has(a.group));
  lanes.raised = rows.filter(lane => raised.has(lane.group)).length;
  lanes.list = rows;
  lanes.row = new Uint32Array(rows.length);
  rows.forEach((lane, row) => { lanes.row[lane.number] = row; });
}

// The first place from lo on, before hi, at which a growing condition holds.
function search(lo, hi, holds) {
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (holds(middle)) hi = middle; else lo = middle + 1;
  }
  return lo;
}

// The part of a lane between two places of the axis, as [first, last + 1] in its calls.
function within(lane, axis, left, right) {
  const lo = search(0, lane.size, i => lane.reach[i] >= left);
  return [lo, search(lo, lane.size, i => axis.start[lane.calls[i]] > right)];
}

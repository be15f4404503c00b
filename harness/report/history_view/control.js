// Where one looks, and the hands: mouse, wheel, keys. Then everything is put together.
const KEYS = [["← →", "earlier, later"], ["↑ ↓", "other lanes"], ["+ −", "zoom"], ["0", "the whole history"],
  ["w", "zoom to the anomaly"], ["n p", "next, previous anomaly"], ["/", "search; Enter: next, Shift-Enter: previous"],
  ["[ ]", "previous, next operation of the pinned one's process"], ["l", "lanes: process, key, compact"],
  ["a", "axis: time, order"], ["d", "light or dark"], ["Esc", "close, clear"]];
const SIGNS = [["mark full", "--ok", "ok: it happened"], ["mark", "--fail", "fail: it certainly did not"],
  ["mark dashed", "--info", "info, or no answer: it may take effect any time later, or never"]];

function look(left, right) {
  const { low, high, closest } = view.axis, span = Math.min(high - low, Math.max(closest, right - left));
  const middle = (left + right) / 2;
  view.left = Math.max(low, Math.min(middle - span / 2, high - span));
  view.right = view.left + span;
  redraw();
}

const pan = share => look(view.left + share * (view.right - view.left), view.right + share * (view.right - view.left));

function zoom(factor, x = (GUTTER + size.width) / 2) {
  const at = atX(x), left = at - (at - view.left) * factor;
  const { low, high, closest } = view.axis, span = (view.right - view.left) * factor;
  if (span < closest && factor < 1) return;
  if (span > high - low) look(low, high); else look(left, left + span);
}

function scroll(pixels) {
  view.top = Math.max(0, Math.min(view.top + pixels, lanes.count * size.lane - (size.height - TOP)));
  redraw();
}

// Zoom to calls, and scroll to the first one's lane.
function goTo(calls, share = calls.length > 1 ? 0.78 : 0.16) {
  const { start, end, closest } = view.axis;
  let left = Infinity, right = -Infinity;
  for (const op of calls) { left = Math.min(left, start[op]); right = Math.max(right, end[op]); }
  if (!(left <= right)) return;
  const span = Math.max(closest * 2, (right - left) / share), middle = (left + right) / 2;
  look(middle - span / 2, middle + span / 2);
  scrollTo(calls);
}

function scrollTo(calls) {
  const rows = calls.filter(op => shown.mask[op]).map(rowOf), room = size.height - TOP;
  if (!rows.length) return;
  const top = Math.min(...rows) * size.lane;
  if (top < view.top || top + size.lane > view.top + room) view.top = top - room / 3;
  scroll(0);
}

// Move there without zooming, unless it would be too small to see.
function show(op) {
  const { start, end } = view.axis, span = view.right - view.left;
  if (xOf(end[op]) - xOf(start[op]) < 3 && end[op] > start[op]) return goTo([op]);
  if (start[op] < view.left || end[op] > view.right) look((start[op] + end[op] - span) / 2, (start[op] + end[op] + span) / 2);
  scrollTo([op]);
  redraw();
}

function refit() { fit(); density = null; redraw(); }

// Lanes anew: after filters, a change of axis or of what a lane is.
function relay() {
  makeLanes(view.axis);
  density = null;
  raise();
  refit();
}

// Lanes of the emphasised calls come first if not all lanes can be seen.
function raise() {
  const few = emphasis.calls.length <= 200 && emphasis.kind === "anomaly";
  const crowded = lanes.count * LANE_MIN > scene.getBoundingClientRect().height - TOP;
  placeLanes(few && crowded ? emphasis.calls.filter(op => shown.mask[op]) : []);
}

function setLanes(mode) {
  lanes.mode = mode;
  press("lanes", mode);
  view.top = 0;
  relay();
}

function setAxis(name) {
  const old = view.axis, share = at => (at - old.low) / (old.high - old.low);
  view.axis = axes[name];
  press("axis", name);
  const { low, high } = view.axis, seen = sample(old);
  const [left, right] = seen.length ? [Math.min(...seen.map(op => view.axis.start[op])),
    Math.max(...seen.map(op => view.axis.end[op]))] : [low + share(view.left) * (high - low), low + share(view.right) * (high - low)];
  const all = view.left <= old.low && view.right >= old.high;
  relay();
  if (all) look(low, high); else look(left, right);
}

// Some of the calls that are seen, the first and the last ones among them.
function sample(axis) {
  const seen = [];
  for (const lane of lanes.list.slice(0, 200)) {
    const [lo, hi] = within(lane, axis, view.left, view.right);
    if (hi > lo) seen.push(lane.calls[lo], lane.calls[hi - 1]);
  }
  return seen;
}

function emphasiseCurrent() {
  const anomaly = meta.anomalies[view.anomaly], searching = found.words !== "";
  const calls = searching ? found.calls : anomaly?.calls ?? [];
  const kind = searching ? "search" : calls.length ? "anomaly" : null;
  const mask = kind ? new Uint8Array(N) : null;
  for (const op of calls) mask[op] = 1;
  const sorted = [...calls].sort((a, b) => view.axis.start[a] - view.axis.start[b]);
  const keys = new Set(calls.slice(0, 1000).map(op => column.key[op]));
  const hues = kind === "anomaly" ? huesOf([...calls].sort((a, b) => a - b).slice(0, 5000)) : null;
  Object.assign(emphasis, { kind, calls: sorted, mask, hues, key: kind === "anomaly" && keys.size === 1 ? [...keys][0] : 0 });
  redraw();
}

function choose(number) {
  const count = meta.anomalies.length;
  if (!count) return;
  view.anomaly = (number + count) % count;
  const anomaly = meta.anomalies[view.anomaly];
  byId("anomalies").value = view.anomaly;
  tell(anomaly);
  const hues = showWitness(anomaly);
  emphasiseCurrent();
  if (hues && emphasis.kind === "anomaly") for (const [op, hue] of hues) emphasis.hues.set(op, hue);
  raise();
  refit();
  if (anomaly.calls.length) goTo(anomaly.calls);
}

// The call at a place of the canvas: an emphasised one first, else the nearest one within a few pixels; -1: none.
function callUnder(x, y) {
  const row = Math.floor((y - TOP + view.top) / size.lane);
  if (x < GUTTER || y < TOP || row < 0 || row >= lanes.count) return -1;
  const reach = 4 * (view.right - view.left) / (size.width - GUTTER), at = atX(x), { start, end } = view.axis;
  const lane = lanes.list[row], [lo, hi] = within(lane, view.axis, at - reach, at + reach);
  let best = -1, least = Infinity;
  for (let i = hi - 1; i >= Math.max(lo, hi - 50); i--) {
    const op = lane.calls[i], away = Math.max(start[op] - at, at - end[op], 0) - (emphasis.mask?.[op] ? reach : 0);
    if (away < least && away <= reach) { best = op; least = away; }
  }
  return best;
}

// What the background says at a place above the lanes.
function behind(x) {
  const at = atX(x), reach = 3 * (view.right - view.left) / (size.width - GUTTER), { axis } = view;
  return [...meta.events.filter(e => Math.abs(axis.at(e) - at) <= reach).map(e => e.text),
          ...meta.windows.filter(w => axis.at(w) <= at && axis.until(w) >= at).map(w => w.name)].slice(0, 12).join("; ");
}

let drag = null;

function listenToMouse() {
  scene.addEventListener("wheel", event => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      if (event.shiftKey) scroll(event.deltaY || event.deltaX);
      else pan(event.deltaX / (size.width - GUTTER));
    } else if (event.offsetX < GUTTER) scroll(event.deltaY);
    else zoom(1.0016 ** Math.max(-400, Math.min(400, event.deltaY)), event.offsetX);
  }, { passive: false });
  scene.addEventListener("pointerdown", event => {
    scene.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  scene.addEventListener("pointermove", event => {
    if (!drag) return point(event);
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    scene.classList.add("dragging");
    tip(-1);
    pan(-dx / (size.width - GUTTER));
    scroll(-dy);
  });
  scene.addEventListener("pointerup", event => {
    if (drag && !drag.moved) pin(callUnder(event.offsetX, event.offsetY));
    scene.classList.remove("dragging");
    drag = null;
  });
  scene.addEventListener("pointerleave", () => { hover(-1); tip(-1); });
  scene.addEventListener("dblclick", event => {
    const op = callUnder(event.offsetX, event.offsetY);
    if (op >= 0) goTo([op]);
  });
  const centre = event => {
    if (!event.buttons) return;
    const at = atWhole(event.offsetX), half = (view.right - view.left) / 2;
    look(at - half, at + half);
  };
  overview.addEventListener("pointerdown", event => { overview.setPointerCapture(event.pointerId); centre(event); });
  overview.addEventListener("pointermove", centre);
}

function point(event) {
  const op = callUnder(event.offsetX, event.offsetY);
  hover(op);
  tip(op, event, op < 0 && event.offsetY < TOP && event.offsetX > GUTTER ? behind(event.offsetX) : "");
}

const ACTIONS = {
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), ArrowUp: () => scroll(-3 * size.lane),
  ArrowDown: () => scroll(3 * size.lane), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6),
  0: () => look(view.axis.low, view.axis.high), n: () => choose(view.anomaly + 1), p: () => choose(view.anomaly - 1),
  w: () => meta.anomalies[view.anomaly] && goTo(meta.anomalies[view.anomaly].calls), "/": () => byId("search").select(),
  a: () => cycle(Object.keys(axes), view.axis.name, setAxis), d: theme, "?": help, Escape: leave,
  l: () => cycle([...byId("lanes").querySelectorAll("button")].map(each => each.dataset.value), lanes.mode, setLanes),
  "[": () => beside(-1), "]": () => beside(1),
};

const cycle = (values, current, choose) => choose(values[(values.indexOf(current) + 1) % values.length]);

function beside(direction) {
  const process = column.process[view.pinned];
  for (let op = view.pinned + direction; view.pinned >= 0 && op >= 0 && op < N; op += direction)
    if (column.process[op] === process) { pin(op); return show(op); }
}

function listenToKeys() {
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT)$/.test(event.target.tagName);
    if (typing && event.key === "Enter" && event.target.id === "search") step(event.shiftKey ? -1 : 1);
    if (typing && event.key === "Escape") { event.target.value = ""; event.target.dispatchEvent(new Event("input"));
                                            event.target.blur(); }
    if (typing || !ACTIONS[event.key]) return;
    event.preventDefault();
    ACTIONS[event.key]();
  });
}

function leave() {
  if (!byId("help").hidden) return void (byId("help").hidden = true);
  if (view.pinned >= 0) return pin(-1);
  if (found.words) { byId("search").value = ""; lookFor(""); }
}

function theme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  readInk();
  redraw();
}

function help() {
  const box = byId("help");
  box.hidden = !box.hidden;
  if (box.hidden || box.firstChild) return;
  const keys = document.createElement("dl"), signs = document.createElement("dl");
  for (const [key, words] of KEYS) {
    const name = made("dt");
    name.append(made("kbd", key));
    keys.append(name, made("dd", words));
  }
  for (const [mark, hue, words] of SIGNS) {
    const name = made("dt"), sign = made("span", "", mark);
    sign.style.setProperty("--hue", `var(${hue})`);
    name.append(sign);
    signs.append(name, made("dd", words));
  }
  box.append(made("h2", "Keys"), keys, made("h2", "Mouse"),
    made("p", "Wheel: zoom around the pointer. Shift-wheel: other lanes. Drag: move. Click: pin an operation and see " +
      "its neighbours. Double click: zoom to it."), made("h2", "Signs"), signs);
}

function readSequences() {
  if (!("rank" in column) || !column.rank.some(rank => rank)) return;
  for (let op = 0; op < N; op++)
    if (column.rank[op]) (sequences[column.object[op]] ??= [])[column.rank[op] - 1] = op;
  sequences = Array.from(sequences, list => list ?? []);
}

function introduce() {
  const all = meta.anomalies;
  byId("why").hidden = !all.length && !meta.because && !sequences.length;
  byId("picker").hidden = all.length < 2;
  all.slice(0, 500).forEach((anomaly, number) => {
    const option = made("option", `${number + 1} of ${meta.anomalies_in_all}: ${anomaly.type}`);
    option.value = number;
    byId("anomalies").append(option);
  });
  byId("to-witness").hidden = !all.some(anomaly => anomaly.calls.length);
  const words = sequences.length ? meta.because + " Zoomed in, a dot on each operation is the moment at which it can " +
    "have taken effect; lines join those of one object in their order." : meta.because;
  if (!all.length) byId("explanation").textContent = words;
}

async function open() {
  const notice = byId("notice");
  notice.hidden = false;
  await new Promise(done => setTimeout(done));
  await readData();
  makeAxes();
  readSequences();
  lanes.keyed = column.key.some(key => key);
  view.axis = axes.time && meta.monotonic ? axes.time : axes.order;
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.theme = "dark";
  readInk();
  notice.hidden = true;
  for (const id of ["bar", "stage"]) byId(id).hidden = false;
  document.querySelector(".zoom").hidden = false;
  if (axes.time && !meta.monotonic)
    Object.assign(notice, { hidden: false, textContent: "The times in this file go back now and then; what counts is " +
      "the order of its lines, so that is the axis." });
  introduce();
  makeBar();
  applyFilter();
  makeLanes(view.axis);
  [view.left, view.right] = [view.axis.low, view.axis.high];
  listen();
  refit();
  if (meta.anomalies.length) choose(0);
  document.body.dataset.ready = "true";
}

function listen() {
  listenToMouse();
  listenToKeys();
  new ResizeObserver(refit).observe(scene);
  const actions = { theme, "help-button": help, previous: ACTIONS.p, next: ACTIONS.n, "to-all": ACTIONS[0],
    in: ACTIONS["+"], out: ACTIONS["-"], "to-witness": ACTIONS.w };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  byId("anomalies").addEventListener("change", event => choose(Number(event.target.value)));
}

open().catch(error => {
  const notice = byId("notice");
  notice.hidden = false;
  notice.textContent = `The history could not be shown: ${error.message}`;
  throw error;
});

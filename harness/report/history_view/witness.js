// The anomaly by itself: its few operations in the order in which they began and ended, not to scale, so that what
// excludes what can be read from left to right however far apart they are in the history.
const PANEL_MAX = 40, ARROWS_MAX = 14, CONTEXT_MAX = 6;
const panel = document.getElementById("witness");
let bars = new Map();         // call -> its button

function showWitness(anomaly) {
  bars = new Map();
  panel.replaceChildren();
  const own = [...anomaly.calls].sort((a, b) => column.invoke[a] - column.invoke[b]).slice(0, PANEL_MAX);
  const others = contextOf(own, anomaly);
  const calls = [...own, ...others].sort((a, b) => column.invoke[a] - column.invoke[b]);
  panel.hidden = !calls.length;
  if (!calls.length) return note("");
  const hues = huesOf(calls);
  const { events, place } = columnsOf(calls), grid = made("div", "", "grid");
  grid.style.gridTemplateColumns = `auto repeat(${events}, minmax(18px, auto)) 8px`;
  const rows = new Map([...new Set(calls.map(processText))].sort(byNumber).map((name, row) => [name, row + 1]));
  for (const [name, row] of rows) grid.append(placed(made("div", "", "lane"), row, "1 / -1"),
                                              placed(made("div", `process ${name}`, "who"), row, "1"));
  for (const op of calls) grid.append(bar(op, rows.get(processText(op)), place(op), hues.get(op), others.includes(op)));
  grid.classList.toggle("cycle", anomaly.edges.length > 0);
  panel.append(grid);
  arrows(grid, anomaly.edges.length ? anomaly.edges : precedence(own));
  note(caption(anomaly, own, others));
  return hues;
}

const byNumber = (a, b) => Number(a) - Number(b) || (a < b ? -1 : 1);

function placed(element, row, columns) {
  element.style.gridRow = row;
  element.style.gridColumn = columns;
  return element;
}

// From a call to its grid columns: one between every two moments at which a call of these began or ended.
function columnsOf(calls) {
  const open = op => column.outcome[op] >= INFO;
  const moments = [...new Set(calls.flatMap(op => open(op) ? [column.invoke[op]] : [column.invoke[op], endOf(op)]))]
    .sort((a, b) => a - b);
  const number = new Map(moments.map((moment, i) => [moment, i + 2]));
  const last = moments.length + 2;
  return { events: moments.length,
           place: op => `${number.get(column.invoke[op])} / ${open(op) ? last : number.get(endOf(op))}` };
}

function bar(op, row, columns, hue, context) {
  const button = placed(made("button", "", "call"), row, columns);
  button.type = "button";
  button.dataset.call = op;
  button.classList.toggle("context", context || column.outcome[op] === FAIL);
  button.classList.toggle("open", column.outcome[op] >= INFO);
  button.style.setProperty("--hue", `var(${hue.to})`);
  if (hue.from !== hue.to && !context)
    button.style.background = `linear-gradient(90deg, var(${hue.from}) 35%, var(${hue.to}) 65%)`;
  const key = keyText(op) && meta.anomalies[view.anomaly].mixed ? `${cut(keyText(op), 16)}: ` : "";
  button.append(made("b", key + what(op, 40)), made("small", when(op)));
  button.addEventListener("click", () => { pin(op); goTo([op]); });
  button.addEventListener("pointerenter", event => { hover(op); tip(op, event); });
  button.addEventListener("pointerleave", () => { hover(-1); tip(-1); });
  bars.set(op, button);
  return button;
}

function when(op) {
  const parts = [`op ${column.invoke[op]}`];
  if (meta.timed) parts.push(`${seconds(column.began[op]).toFixed(3)} s`);
  if (column.outcome[op] >= INFO) parts.push("outcome unknown");
  else if (meta.timed && column.ended[op] > 0) parts.push(duration(column.ended[op]));
  return parts.join(" · ");
}

// Other calls that left the values which the witness saw: the reader asks where those came from.
function contextOf(own, anomaly) {
  const inside = new Set(own), keys = new Set(own.map(op => column.key[op]));
  anomaly.mixed = keys.size > 1;
  if (keys.size !== 1 || anomaly.edges.length || own.length > 24) return [];
  const [key] = keys, last = Math.max(...own.map(endOf));
  const values = new Set(own.flatMap(op => { const t = touched(op); return [t.saw, t.left]; })), code = new Map();
  values.delete(null);
  const leaves = op => {
    const argument = column.argument[op], f = column.f[op], id = argument * 65536 + f;
    if (!code.has(id)) code.set(id, values.has(touched(op).left));
    return code.get(id);
  };
  const found = [];
  for (let op = 0; op < N; op++)
    if (column.key[op] === key && column.argument[op] && column.outcome[op] !== FAIL && column.invoke[op] < last &&
        !inside.has(op) && !tells(op) && leaves(op)) found.push(op);
  return found.length <= CONTEXT_MAX ? found : nearest(found, own);
}

// Of many, those that began last before the witness's own calls did.
function nearest(found, own) {
  const chosen = new Set();
  for (const op of own) {
    const before = search(0, found.length, i => column.invoke[found[i]] > endOf(op));
    for (let i = before - 1; i >= 0 && i > before - 3 && chosen.size < CONTEXT_MAX; i--) chosen.add(found[i]);
  }
  return [...chosen];
}

// Which of these calls had completed before which began, without what follows from others.
function precedence(calls) {
  const before = (a, b) => column.outcome[a] < INFO && endOf(a) < column.invoke[b];
  const edges = [];
  for (const a of calls) for (const b of calls)
    if (before(a, b) && !calls.some(c => before(a, c) && before(c, b))) edges.push([a, b, ""]);
  return edges.length <= ARROWS_MAX ? edges : [];
}

const SVG = "http://www.w3.org/2000/svg";

function arrows(grid, edges) {
  const svg = document.createElementNS(SVG, "svg");
  grid.append(svg);
  const add = (tag, attributes, words = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = words;
    svg.append(element);
  };
  for (const [from, to, words] of edges) {
    const a = bars.get(from), b = bars.get(to);
    if (!a || !b) continue;
    const line = words ? around(a, b) : straight(a, b);
    add("path", { d: line.path });
    add("path", { d: line.head, class: "head" });
    if (words) add("text", { x: line.x, y: line.y + 4 }, words);
  }
}

const boxOf = element => ({ left: element.offsetLeft, top: element.offsetTop, right: element.offsetLeft +
  element.offsetWidth, bottom: element.offsetTop + element.offsetHeight, middle: element.offsetTop +
  element.offsetHeight / 2, centre: element.offsetLeft + element.offsetWidth / 2 });

// From the end of one to the beginning of the next.
function straight(one, other) {
  const a = boxOf(one), b = boxOf(other), bend = Math.max(9, (b.left - a.right) / 2);
  const path = Math.abs(a.middle - b.middle) < 2 ? `M${a.right} ${a.middle}H${b.left - 4}`
    : `M${a.right} ${a.middle}C${a.right + bend} ${a.middle} ${b.left - bend} ${b.middle} ${b.left - 4} ${b.middle}`;
  return { path, head: `M${b.left} ${b.middle}l-7 -4v8z`, x: 0, y: 0 };
}

// An edge of a cycle: out of one, along between the rows, and into the other. Those that go forward leave and arrive
// elsewhere than those that go back.
function around(one, other) {
  const a = boxOf(one), b = boxOf(other), forward = b.centre >= a.centre, same = Math.abs(b.middle - a.middle) < 3;
  const part = (box, share) => box.left + (box.right - box.left) * share;
  const x1 = part(a, forward ? 0.75 : 0.45), x2 = part(b, forward ? 0.25 : 0.55), right = x2 > x1 ? 1 : -1;
  const down = same ? !forward : b.middle > a.middle, sign = down ? 1 : -1;
  const y1 = down ? a.bottom : a.top, y2 = (down !== same) ? b.top : b.bottom, y = y1 + sign * (forward ? 11 : 21);
  const turn = Math.min(6, Math.abs(x2 - x1) / 2), arrive = y2 > y ? 1 : -1;
  const path = `M${x1} ${y1}V${y - sign * turn}Q${x1} ${y} ${x1 + right * turn} ${y}H${x2 - right * turn}` +
               `Q${x2} ${y} ${x2} ${y + arrive * turn}V${y2 - arrive * 5}`;
  return { path, head: `M${x2} ${y2}l-4 ${-8 * arrive}h8z`, x: (x1 + x2) / 2, y };
}

function caption(anomaly, own, others) {
  const parts = [];
  const rest = anomaly.calls.length - own.length;
  if (own.length > 1) parts.push("From left to right: the order in which these began and ended (not to scale).");
  if (anomaly.edges.length) parts.push("An arrow: it must come before the other, because of what its label says.");
  else if (own.length > 1) parts.push("An arrow: it had ended before the other began.");
  if (others.length) parts.push("Dashed: where these values come from; the contradiction does not need them.");
  if (anomaly.minimal) parts.push(`Without any one of these ${own.length} there is no contradiction.`);
  if (rest > 0) parts.push(`${rest.toLocaleString("en")} more of its operations are in the chart below only.`);
  return parts.join(" ");
}

function note(words) {
  const element = document.getElementById("witness-note");
  element.textContent = words;
  element.hidden = !words;
}

// The explanation, in which every operation that it names can be pointed at.
function tell(anomaly) {
  const place = document.getElementById("explanation");
  place.replaceChildren(made("span", anomaly.type, "type"));
  let from = 0;
  for (const found of anomaly.explanation.matchAll(/\bops? (\d+)(?: to \d+)?|\bT(\d+)\b/g)) {
    const op = callAt(Number(found[1] ?? found[2]), anomaly.calls);
    if (op < 0) continue;
    place.append(anomaly.explanation.slice(from, found.index));
    const button = made("button", found[0]);
    button.type = "button";
    button.addEventListener("click", () => { pin(op); goTo([op]); });
    button.addEventListener("pointerenter", () => hover(op));
    button.addEventListener("pointerleave", () => hover(-1));
    place.append(button);
    from = found.index + found[0].length;
  }
  place.append(anomaly.explanation.slice(from));
}

// The call that a position in the history belongs to, -1 if there is none.
function callAt(position, likely = []) {
  const holds = op => column.invoke[op] === position || (completes(op) && endOf(op) === position);
  const known = likely.find(holds);
  if (known !== undefined) return known;
  const last = search(0, N, op => column.invoke[op] > position) - 1;
  for (let op = last; op >= 0; op--) if (holds(op)) return op;
  return -1;
}

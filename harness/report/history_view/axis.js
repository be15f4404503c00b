// The two axes: time, and the order of the history's lines. A call's bar goes from start[op] to end[op] on each.
const axes = {};

function makeAxes() {
  axes.order = orderAxis();
  if (meta.timed && N) axes.time = timeAxis();
  for (const axis of Object.values(axes)) {
    const low = axis.low, high = Math.max(axis.high, low + axis.least), pad = (high - low) * 0.01;
    Object.assign(axis, { low: low - pad, high: high + pad, last: high });
    axis.sorted = sortedBy(axis.start);
  }
}

function orderAxis() {
  const start = Float64Array.from(column.invoke), end = new Float64Array(N);
  for (let op = 0; op < N; op++) end[op] = start[op] + column.complete[op];
  return { name: "order", start, end, low: 0, high: meta.lines, least: 1, closest: 2,
           at: place => place.start ?? place.at, until: place => place.stop ?? meta.lines };
}

function timeAxis() {
  const start = Float64Array.from(column.began), end = new Float64Array(N);
  let low = Infinity, high = -Infinity;
  for (let op = 0; op < N; op++) {
    end[op] = completes(op) ? start[op] + column.ended[op] : start[op];
    low = Math.min(low, start[op]);
    high = Math.max(high, end[op]);
  }
  return { name: "time", start, end, low, high, least: 1000 / meta.unit_ns, closest: 20,
           at: place => place.started ?? place.time, until: place => place.stopped || Infinity };
}

// The calls in order of their starts; null if that is the order in which they stand.
function sortedBy(start) {
  for (let op = 1; op < N; op++)
    if (start[op] < start[op - 1])
      return Uint32Array.from({ length: N }, (_, op) => op).sort((a, b) => start[a] - start[b] || a - b);
  return null;
}

const seconds = moment => ((moment - 1) * meta.unit_ns + meta.first_ns) / 1e9;

function niceStep(span, parts) {
  const rough = span / Math.max(1, parts), power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

// Ticks as [place on the axis, words].
function ticks(axis, left, right, parts) {
  const found = [];
  if (axis.name === "order") {
    const step = Math.max(1, niceStep(right - left, parts));
    for (let at = Math.max(0, Math.ceil(left / step) * step); at <= right; at += step)
      if (at <= meta.lines) found.push([at, Math.round(at).toLocaleString("en")]);
    return found;
  }
  const from = seconds(left), until = seconds(right), step = niceStep(until - from, parts);
  const digits = Math.min(9, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  for (let i = Math.ceil(from / step - 1e-9); i * step <= until; i++)
    found.push([(i * step * 1e9 - meta.first_ns) / meta.unit_ns + 1, (i * step + 0).toFixed(digits) + " s"]);
  return found;
}

// The strip at the bottom: the whole history, how many calls of which outcome, where the anomalies are, and what is seen.
const overview = document.getElementById("overview"), pen = overview.getContext("2d", { alpha: false });
const BIN = 2;
let density = null;

const xWhole = at => GUTTER + (at - view.axis.low) * (size.width - GUTTER) / (view.axis.high - view.axis.low);
const atWhole = x => view.axis.low + (x - GUTTER) * (view.axis.high - view.axis.low) / (size.width - GUTTER);

// How many calls begin in each bin, by outcome; counted anew when filters, axis or width change.
function countDensity() {
  const bins = Math.max(1, Math.floor((size.width - GUTTER) / BIN)), { low, high, start } = view.axis;
  const of = [new Uint32Array(bins), new Uint32Array(bins), new Uint32Array(bins)], scale = bins / (high - low);
  for (let op = 0; op < N; op++)
    if (shown.mask[op])
      of[Math.min(2, column.outcome[op])][Math.min(bins - 1, Math.floor((start[op] - low) * scale))]++;
  let most = 1;
  for (let bin = 0; bin < bins; bin++) most = Math.max(most, of[0][bin] + of[1][bin] + of[2][bin]);
  density = { bins, of, most };
}

function drawOverview() {
  const { ratio } = size, height = 61;
  if (overview.width !== Math.round(size.width * ratio)) {
    overview.width = Math.round(size.width * ratio);
    overview.height = Math.round(height * ratio);
    density = null;
  }
  if (!density) countDensity();
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = ink.card;
  pen.fillRect(0, 0, size.width, height);
  for (const window of meta.windows) {
    pen.globalAlpha = 1.6 * Number(ink.band);
    pen.fillStyle = tintOf(window);
    const from = xWhole(view.axis.at(window)), until = xWhole(Math.min(view.axis.until(window), view.axis.last));
    pen.fillRect(from, 0, Math.max(1.5, until - from), height);
  }
  pen.globalAlpha = 1;
  drawDensity(height);
  drawSeen(height);
  drawMarks();
  pen.fillStyle = ink.faint;
  pen.font = SANS;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText("overview", GUTTER - 10, height / 2);
}

function drawDensity(height) {
  const room = height - 16;
  for (let kind = 0; kind < 3; kind++) {
    pen.fillStyle = [ink.ok, ink.fail, ink.info][kind];
    pen.globalAlpha = emphasis.kind ? 0.4 : kind ? 0.95 : 0.6;
    pen.beginPath();
    for (let bin = 0; bin < density.bins; bin++) {
      const count = density.of[kind][bin];
      if (!count) continue;
      const below = kind === 0 ? 0 : density.of[0][bin] + (kind === 2 ? density.of[1][bin] : 0);
      const tall = Math.max(1, count / density.most * room);
      pen.rect(GUTTER + bin * BIN, height - below / density.most * room - tall, BIN, tall);
    }
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function drawSeen(height) {
  const from = xWhole(view.left), until = Math.max(from + 3, xWhole(view.right));
  pen.fillStyle = ink.card;
  pen.globalAlpha = 0.62;
  pen.fillRect(GUTTER, 0, Math.max(0, from - GUTTER), height);
  pen.fillRect(until, 0, size.width - until, height);
  pen.globalAlpha = 1;
  pen.strokeStyle = ink.ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(Math.max(GUTTER, from), 0.75, Math.min(size.width, until) - Math.max(GUTTER, from) - 0.75, height - 1.5);
}

// An arrowhead for each anomaly where its last call is, and ticks for the chosen one's calls.
function drawMarks() {
  const mark = (x, tall) => {
    pen.beginPath();
    pen.moveTo(x - tall * 0.55, 1);
    pen.lineTo(x + tall * 0.55, 1);
    pen.lineTo(x, 1 + tall);
    pen.fill();
  };
  pen.fillStyle = ink.bad;
  meta.anomalies.forEach((anomaly, number) => {
    if (!anomaly.calls.length || number === view.anomaly) return;
    pen.globalAlpha = 0.55;
    mark(xWhole(Math.max(...anomaly.calls.map(op => view.axis.start[op]))), 8);
  });
  pen.globalAlpha = 1;
  for (const op of emphasis.kind === "anomaly" ? emphasis.calls.slice(0, 500) : []) {
    const x = xWhole(view.axis.start[op]);
    pen.fillRect(x - 0.75, 0, 1.5, 61);
    mark(x, 10);
  }
}

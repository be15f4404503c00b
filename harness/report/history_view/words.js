// An operation in words, and the colours of values.
const HUES = ["--v0", "--v1", "--v2", "--v3", "--v4", "--v5", "--v6", "--v7"];
const ink = {};               // the style sheet's colours, for the canvases

function readInk() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "card", "ink", "soft", "faint", "rule", "grid", "stripe", "ok", "info", "fail", "dim", "on",
                      "halo", "bad", "null", "band", "f0", "f1", "f2", "f3", "f4", "f5", "v0", "v1", "v2", "v3", "v4",
                      "v5", "v6", "v7"]) ink[name] = style.getPropertyValue("--" + name).trim();
}

const cut = (words, most) => words.length <= most ? words : words.slice(0, Math.max(0, most - 1)) + "…";

// Nothing is said of a result that only repeats the argument.
function tells(op) {
  return column.outcome[op] === OK && (column.result[op] ? column.result[op] !== column.argument[op]
                                                         : column.argument[op] === 0);
}

// Transactions in fewer signs: ["r", "x", [1]] is r x=[1]. Null if it is none, or too long to be whole.
const transactions = new Map();
function transaction(code) {
  if (!transactions.has(code)) {
    const words = text(code), parts = words.startsWith("[[") ? parsed(words) : null;
    const is = Array.isArray(parts) && parts.every(part => Array.isArray(part) && part.length >= 2 &&
                                                           typeof part[0] === "string");
    const value = part => part.length < 3 ? "" : (part[0] === "r" ? "=" : " ") + (part[2] === null && part[0] === "r" ? "nil"
      : JSON.stringify(part[2]).replaceAll(",", " "));
    transactions.set(code, is ? parts.map(part => `${part[0]} ${String(part[1])}${value(part)}`).join(" · ") : null);
  }
  return transactions.get(code);
}

function what(op, most = 60) {
  const sign = column.outcome[op] === OK ? "" : column.outcome[op] === FAIL ? " ✗" : " ?";
  const whole = column.argument[op] ? transaction(tells(op) ? column.result[op] : column.argument[op]) : null;
  if (whole !== null) return cut(sign ? whole.replaceAll("=nil", "") : whole, 2 * most) + sign;
  const parts = [fText(op)];
  if (column.argument[op]) parts.push(cut(text(column.argument[op]), most));
  if (tells(op)) parts.push("→", cut(text(column.result[op]), most));
  return parts.join(" ") + sign;
}

// What a call saw of the object, and what it left there: texts, or null. Of lists and maps: nothing.
function touched(op) {
  const plain = words => /^[[{]/.test(words) ? null : words;
  const argument = column.argument[op] ? text(column.argument[op]) : null;
  if (/^(cas|compare)/.test(fText(op)) && argument !== null) {
    const pair = parsed(argument);
    if (Array.isArray(pair) && pair.length === 2) return { saw: plain(JSON.stringify(pair[0])),
                                                           left: plain(JSON.stringify(pair[1])) };
  }
  if (tells(op)) return { saw: plain(text(column.result[op])), left: null };
  return { saw: null, left: argument === null ? null : plain(argument) };
}

function parsed(words) {
  if (words.length > 1000) return null;
  try { return JSON.parse(words); } catch { return null; }
}

// A colour for each value that these calls touch, in order; grey for null and for what comes after the last colour.
function huesOf(calls) {
  const hues = new Map([["null", "--null"]]), values = calls.map(touched);
  for (const { saw, left } of values)
    for (const value of [saw, left])
      if (value !== null && !hues.has(value)) hues.set(value, HUES[hues.size - 1] ?? "--null");
  const other = hues.size > 1 ? "--null" : "--v0";
  return new Map(calls.map((op, i) => {
    const { saw, left } = values[i], name = value => hues.get(value) ?? other;
    return [op, { from: name(saw ?? left), to: name(left ?? saw) }];
  }));
}

function duration(units) {
  const ns = units * meta.unit_ns;
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
    if (ns >= size) return `${Number((ns / size).toPrecision(3)).toLocaleString("en")} ${unit}`;
  return `${ns} ns`;
}

const instant = moment => seconds(moment).toFixed(6) + " s";

// All that is known of a call, as [name, words].
function facts(op) {
  const began = column.began[op], ended = completes(op) && began ? began + column.ended[op] : 0, last = endOf(op);
  const rows = [["process", processText(op)]];
  const add = (name, words) => { if (words) rows.push([name, words]); };
  add("key", keyText(op));
  add("outcome", [meta.outcomes[column.outcome[op]], column.error[op] ? text(column.error[op]) : ""]
    .filter(Boolean).join(": ") + ["", " (it did not happen)", " (it may happen later, or never)",
                                   " (it may happen later, or never)"][column.outcome[op]]);
  if (column.argument[op]) add("argument", text(column.argument[op]));
  if (column.outcome[op] === OK) add("result", text(column.result[op]));
  add("time", began ? instant(began) + (ended > 0 ? ` to ${instant(ended)}, ${duration(ended - began)}` : "") : "");
  add("position", completes(op) ? `${column.invoke[op]} to ${last}` : `${column.invoke[op]}, without an answer`);
  add("line", completes(op) ? `${lineOf(op)} and ${endLineOf(op)}` : `${lineOf(op)}`);
  add("order", column.rank[op] ? place(op) : "");
  add("node", column.node[op] ? text(column.node[op]) : "");
  add("also", column.note[op] ? text(column.note[op]) : "");
  add("under", meta.windows.filter(w => w.start <= last && (w.stop ?? Infinity) >= column.invoke[op])
    .slice(0, 6).map(w => w.name).join(", "));
  return rows;
}

function place(op) {
  const length = sequences[column.object[op]].length;
  return `takes effect ${column.rank[op].toLocaleString("en")}. of ${length.toLocaleString("en")}` +
         (sequences.length > 1 ? " in its object" : "");
}

function factList(op) {
  const list = document.createElement("dl");
  for (const [name, words] of facts(op)) list.append(made("dt", name), made("dd", words));
  return list;
}

// An element with text in it, which is never markup.
function made(tag, words = "", name = "") {
  const element = document.createElement(tag);
  element.textContent = words;
  if (name) element.className = name;
  return element;
}

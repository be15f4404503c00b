// The history as typed arrays, read from the page's own data blocks. Nothing in them is ever taken for markup.
const meta = JSON.parse(document.getElementById("meta").textContent);
const OK = 0, FAIL = 1, INFO = 2, SILENT = 3;
const N = meta.calls;
const column = {};            // name -> typed array
const texts = { bytes: null, starts: null, count: 0 };
const decoder = new TextDecoder();

async function readData() {
  const block = document.getElementById("columns");
  let bytes = fromBase64(block.textContent);
  block.textContent = "";
  if (meta.compressed) {
    if (!globalThis.DecompressionStream)
      throw new Error("this browser is too old to unpack it (it has no DecompressionStream)");
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  let at = 0;
  for (const each of meta.columns) {
    const size = each.width * each.count;
    column[each.name] = decodeColumn(each, bytes.subarray(at, at + size));
    at += size;
  }
  readTexts(bytes.subarray(at));
  const nothing = new Uint8Array(N);
  for (const name of ["invoke", "complete", "process", "f", "key", "outcome", "argument", "result", "error", "node",
                      "note", "began", "ended", "line_ended", "rank", "object", "anchor", "fraction"])
    column[name] ??= nothing;
  for (const name of ["process_names", "f_names", "key_names"]) column[name] ??= new Uint8Array(1);
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function decodeColumn({ count, width, signed, delta }, bytes) {
  const wide = width > 4 || delta || signed;
  const numbers = wide ? new Float64Array(count) : new Uint32Array(count);
  let scale = 1;
  for (let plane = 0; plane < width; plane++, scale *= 256) {
    const from = plane * count;
    for (let i = 0; i < count; i++) numbers[i] += bytes[from + i] * scale;
  }
  if (signed) for (let i = 0; i < count; i++) numbers[i] = numbers[i] % 2 ? -(numbers[i] + 1) / 2 : numbers[i] / 2;
  if (delta) for (let i = 1; i < count; i++) numbers[i] += numbers[i - 1];
  return numbers;
}

function readTexts(bytes) {
  let count = 1;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) count++;
  const starts = new Uint32Array(count + 1);
  let at = 1;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) starts[at++] = i + 1;
  starts[count] = bytes.length + 1;
  Object.assign(texts, { bytes, starts, count });
}

function text(code) {
  return decoder.decode(texts.bytes.subarray(texts.starts[code], texts.starts[code + 1] - 1));
}

// The codes of all texts in which a word stands by itself; with a star at its end, in which a word begins so.
function textsWith(word) {
  const open = word.endsWith("*") && word.length > 1, needle = open ? word.slice(0, -1) : word;
  const found = new Uint8Array(texts.count), all = decoder.decode(texts.bytes).toLowerCase();
  const codes = lineNumbers(all), letter = /[\p{L}\p{N}_]/u, low = needle.toLowerCase();
  const first = letter.test(low[0]), last = !open && letter.test(low[low.length - 1]);
  for (let at = all.indexOf(low); at >= 0; at = all.indexOf(low, at + 1)) {
    if (first && at > 0 && letter.test(all[at - 1])) continue;
    if (last && at + low.length < all.length && letter.test(all[at + low.length])) continue;
    found[codes(at)] = 1;
  }
  return found;
}

// From a place in a long text to the number of its line, for places that only grow.
function lineNumbers(all) {
  let line = 0, end = all.indexOf("\n");
  return at => {
    while (end >= 0 && end < at) { line++; end = all.indexOf("\n", end + 1); }
    return line;
  };
}

const processText = op => text(column.process_names[column.process[op]]);
const fText = op => text(column.f_names[column.f[op]]);
const keyText = op => column.key[op] ? text(column.key_names[column.key[op] - 1]) : "";
const completes = op => column.outcome[op] !== SILENT;
const lineOf = op => meta.line_offset === null ? column.line[op] : column.invoke[op] + meta.line_offset;
const endLineOf = op => lineOf(op) + (meta.line_offset === null ? column.line_ended[op] : column.complete[op]);

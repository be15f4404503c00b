// The bar above the chart: lanes, axis, filters and search.
const LISTED_MAX = 200;
const byId = id => document.getElementById(id);
const found = { calls: [], at: -1, words: "" };

function makeBar() {
  choice("lanes", ["process", ...(lanes.keyed ? ["key"] : []), "compact"], lanes.mode, setLanes);
  choice("axis", Object.keys(axes).reverse(), view.axis.name, setAxis);
  toggles("fs", "fs", names("f"), []);
  const outcomes = [...new Set(column.outcome)].sort();
  toggles("outcomes", "outcomes", new Map(outcomes.map(code => [code, meta.outcomes[code]])),
          ["mark full ok", "mark fail", "mark dashed info", "mark dashed info"]);
  if (!lanes.keyed) byId("key").parentNode.hidden = true;
  suggest("keys", column.key_names, lanes.keyed);
  suggest("processes", column.process_names, true);
  byId("key").addEventListener("input", () => chosen("key", column.key_names, 1));
  byId("process").addEventListener("input", () => chosen("process", column.process_names, 0));
  byId("search").addEventListener("input", () => lookFor(byId("search").value.trim()));
  byId("reset").addEventListener("click", reset);
  byId("bar").addEventListener("submit", event => event.preventDefault());
}

const names = name => new Map(Array.from(column[name + "_names"], (code, number) => [number, text(code)]));

function choice(id, values, current, choose) {
  const set = byId(id);
  set.hidden = values.length < 2;
  for (const value of values) {
    const button = made("button", value);
    button.type = "button";
    button.dataset.value = value;
    button.setAttribute("aria-pressed", value === current);
    button.addEventListener("click", () => choose(value));
    set.append(button);
  }
}

function press(id, current) {
  for (const button of byId(id).querySelectorAll("button"))
    button.setAttribute("aria-pressed", button.dataset.value === current);
}

function toggles(id, name, entries, marks) {
  byId(id).hidden = entries.size < 2;
  for (const [number, words] of [...entries].slice(0, LISTED_MAX)) {
    const button = made("button", "");
    button.type = "button";
    button.dataset.value = number;
    button.setAttribute("aria-pressed", true);
    if (marks[number]) {
      const mark = made("span", "", marks[number]);
      mark.style.setProperty("--hue", `var(--${marks[number].split(" ").pop()})`);
      button.append(mark);
    }
    button.append(cut(words, 40));
    button.addEventListener("click", () => {
      const all = [...byId(id).querySelectorAll("button")];
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      const off = all.filter(each => each.getAttribute("aria-pressed") !== "true").map(each => Number(each.dataset.value));
      filter[name] = off.length ? new Set([...entries.keys()].filter(each => !off.includes(each))) : null;
      refilter();
    });
    byId(id).append(button);
  }
}

function suggest(id, codes, any) {
  if (!any) return;
  for (const code of codes.slice(0, LISTED_MAX)) {
    const option = document.createElement("option");
    option.value = text(code);
    byId(id).append(option);
  }
}

// One name, or several between commas. What is not there is marked, and filters nothing.
function chosen(id, codes, first) {
  const input = byId(id), wanted = new Set(input.value.split(",").map(name => name.trim()).filter(Boolean));
  const numbers = new Set();
  if (wanted.size) for (let i = 0; i < codes.length; i++) if (wanted.has(text(codes[i]))) numbers.add(i + first);
  input.classList.toggle("strange", wanted.size > 0 && !numbers.size);
  filter[id] = numbers.size ? numbers : null;
  refilter();
}

function refilter() {
  applyFilter();
  byId("reset").hidden = shown.count === N;
  byId("reset").textContent = `${shown.count.toLocaleString("en")} of ${N.toLocaleString("en")} shown: show all`;
  relay();
}

function reset() {
  for (const name of Object.keys(filter)) filter[name] = null;
  for (const id of ["key", "process"]) { byId(id).value = ""; byId(id).classList.remove("strange"); }
  for (const button of document.querySelectorAll("#fs button, #outcomes button")) button.setAttribute("aria-pressed", true);
  refilter();
}

// "#12" goes to the operation at that position; anything else is looked for in arguments, results and errors.
function lookFor(words) {
  Object.assign(found, { words, calls: [], at: -1 });
  const position = /^#(\d+)$/.exec(words);
  if (position) {
    const op = callAt(Number(position[1]));
    found.calls = op < 0 ? [] : [op];
  } else if (words) {
    const has = textsWith(words);
    for (let op = 0; op < N; op++)
      if (has[column.argument[op]] && column.argument[op] || has[column.error[op]] && column.error[op] ||
          has[column.result[op]] && (column.result[op] || tells(op))) found.calls.push(op);
  }
  byId("found").textContent = words ? `${found.calls.length.toLocaleString("en")} found` +
    (found.calls.length > 1 ? " (Enter: next)" : "") : "";
  emphasiseCurrent();
  if (position && found.calls.length) step(1);
}

function step(direction) {
  if (!found.calls.length) return;
  found.at = (found.at + direction + found.calls.length) % found.calls.length;
  byId("found").textContent = `${(found.at + 1).toLocaleString("en")} of ${found.calls.length.toLocaleString("en")}`;
  const op = found.calls[found.at];
  pin(op);
  show(op);
}

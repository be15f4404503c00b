// What is said of a call: beside the pointer, and, of the one that is pinned, at the side with its neighbours.
const NEIGHBOURS_MAX = 12, LOOK_MAX = 200000;
const tipBox = document.getElementById("tip"), detail = document.getElementById("detail");

function tip(op, event, words = "") {
  tipBox.hidden = op < 0 && !words;
  if (tipBox.hidden) return;
  tipBox.replaceChildren(made("p", words || what(op, 300), "what"));
  if (op >= 0) tipBox.append(factList(op));
  const below = event.clientY + 18, right = event.clientX + 16;
  const top = below + tipBox.offsetHeight > innerHeight ? event.clientY - tipBox.offsetHeight - 12 : below;
  tipBox.style.left = Math.max(4, Math.min(right, innerWidth - tipBox.offsetWidth - 8)) + "px";
  tipBox.style.top = Math.max(4, top) + "px";
}

function hover(op) {
  if (op === view.hovered) return;
  bars.get(view.hovered)?.classList.remove("near");
  view.hovered = op;
  bars.get(op)?.classList.add("near");
  redraw();
}

function pin(op) {
  view.pinned = op;
  const was = detail.hidden;
  detail.hidden = op < 0;
  if (op >= 0) fillDetail(op);
  if (was !== detail.hidden) refit();
  redraw();
}

function fillDetail(op) {
  const close = made("button", "×", "close");
  close.type = "button";
  close.title = "close (Esc)";
  close.addEventListener("click", () => pin(-1));
  detail.replaceChildren(close, made("h2", what(op, 4000)), factList(op));
  const near = neighbours(op), about = column.key[op] ? `on key ${cut(keyText(op), 20)}` : "in the history";
  list(`the same process`, near.same);
  list(`ended before it began, ${about}`, near.before);
  list(`at the same time, ${about}`, near.during);
  list(`began after it ended, ${about}`, near.after);
  if (column.rank[op]) list("next to it in the order", near.order);
}

function list(title, calls) {
  if (!calls.length) return;
  detail.append(made("h3", title));
  for (const op of calls) {
    const button = made("button", "", "near");
    button.type = "button";
    button.append(made("span", `${processText(op)}  `, "soft"), what(op, 30), made("span", `  op ${column.invoke[op]}`, "soft"));
    button.addEventListener("click", () => { pin(op); show(op); });
    button.addEventListener("pointerenter", () => hover(op));
    button.addEventListener("pointerleave", () => hover(-1));
    detail.append(button);
  }
}

// By the order of the lines, which is what checkers go by; not looking further than LOOK_MAX calls.
function neighbours(op) {
  const begin = column.invoke[op], end = column.outcome[op] < INFO ? endOf(op) : Infinity;
  const found = { same: [], before: [], during: [], after: [], order: [] };
  const alike = other => column.key[other] === column.key[op];
  const until = Math.max(0, op - LOOK_MAX), last = Math.min(N, op + LOOK_MAX);
  let same = false;
  for (let other = op - 1; other >= until; other--) {
    if (!same && column.process[other] === column.process[op]) { found.same.unshift(other); same = true; }
    if (!alike(other) || column.outcome[other] === FAIL) continue;
    const over = column.outcome[other] < INFO && endOf(other) < begin;
    if (over) { if (found.before.length < 4) found.before.unshift(other); }
    else if (found.during.length < NEIGHBOURS_MAX) found.during.unshift(other);
    if (same && found.before.length >= 4 && op - other > 2000) break;
  }
  same = false;
  for (let other = op + 1; other < last; other++) {
    if (!same && column.process[other] === column.process[op]) { found.same.push(other); same = true; }
    if (!alike(other) || column.outcome[other] === FAIL) continue;
    if (column.invoke[other] < end) { if (found.during.length < 2 * NEIGHBOURS_MAX) found.during.push(other); }
    else if (found.after.length < 4) found.after.push(other);
    if (same && found.after.length >= 4) break;
  }
  const order = sequences[column.object[op]];
  if (column.rank[op] && order)
    found.order = [order[column.rank[op] - 2], order[column.rank[op]]].filter(other => other !== undefined);
  return found;
}

"""The report's style sheet and its small script. The page is complete without the script, which only adds comfort: a
tooltip that follows the pointer, and a button that copies the command."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from harness.report.space_time_style import CSS as SPACE_TIME

COLOURS: Final = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --soft: #5b6675; --rule: #dfe3e9; --grid: #e9ecf1; --code: #f1f3f6;
  --ok: #2b6fd6; --info: #c77700; --fail: #c2247f; --line: #12274d; --line2: #6a7b99;
  --good: #13804a; --bad: #c0262d; --doubt: #a86500;
  --good-soft: #e6f5ec; --bad-soft: #fdecec; --doubt-soft: #fdf3e0;
  --f0: #e2574c; --f1: #8457d9; --f2: #159a8c; --f3: #b98a00; --f4: #4a76e8; --f5: #d14fa3;
  --band: .13;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1a2029; --ink: #e6eaf0; --soft: #98a3b3; --rule: #2d3542; --grid: #262e3a;
    --code: #11161d;
    --ok: #6ba4ff; --info: #f0a93b; --fail: #ff6fbf; --line: #e8eefb; --line2: #93a4c4;
    --good: #4cc287; --bad: #ff7a7a; --doubt: #f0b14a;
    --good-soft: #14301f; --bad-soft: #3a1a1d; --doubt-soft: #33270f;
    --band: .2;
  }
}
"""
"""What the pictures and the page take their colours from."""

PAGE: Final = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 17px; margin: 0 0 14px; font-weight: 600; overflow-wrap: anywhere; }
h1 .soft { font-weight: 400; }
h2 { font-size: 19px; margin: 0 0 12px; letter-spacing: -.01em; }
h3 { font-size: 15px; margin: 22px 0 6px; }
h3:first-of-type { margin-top: 0; }
section, .verdict { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 20px 22px;
  margin: 0 0 18px; }
.soft, .note { color: var(--soft); }
.note { font-size: 13px; margin: 8px 0 0; }
.verdict { border-left: 8px solid var(--tone); background: var(--tone-soft); }
.verdict.valid { --tone: var(--good); --tone-soft: var(--good-soft); }
.verdict.invalid { --tone: var(--bad); --tone-soft: var(--bad-soft); }
.verdict.unknown { --tone: var(--doubt); --tone-soft: var(--doubt-soft); }
.verdict .word { font-size: 46px; line-height: 1.1; font-weight: 750; letter-spacing: -.025em; color: var(--tone);
  margin: 0; }
.verdict .word span { font-size: 30px; margin-right: 10px; vertical-align: 4px; }
.verdict .because { font-size: 17px; margin: 8px 0 0; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 34px; margin: 18px 0 0; padding: 0; }
.facts dt { color: var(--soft); font-size: 12px; }
.facts dd { margin: 0; font-size: 18px; font-weight: 600; font-variant-numeric: tabular-nums; }
.explanation { margin: 0 0 10px; font-size: 16px; overflow-wrap: anywhere; }
article + article { margin-top: 30px; padding-top: 22px; border-top: 1px solid var(--rule); }
.badge { display: inline-block; background: var(--bad-soft); color: var(--bad); border-radius: 6px; padding: 0 8px;
  font-weight: 650; margin-right: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin-top: 8px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 12px; white-space: nowrap; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td { overflow-wrap: break-word; unicode-bidi: isolate; max-width: 46em; }
td.number, td.yes, td.no { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.value, code, pre { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: 12.5px; }
.error { display: block; color: var(--soft); font-size: 12.5px; }
.outcome { font-weight: 600; }
.outcome.ok { color: var(--ok); } .outcome.info { color: var(--info); } .outcome.fail { color: var(--fail); }
.yes { color: var(--good); font-weight: 650; } .no { color: var(--bad); font-weight: 650; }
.command { display: flex; gap: 10px; align-items: flex-start; margin: 8px 0; }
pre { flex: 1; margin: 0; background: var(--code); border: 1px solid var(--rule); border-radius: 8px;
  padding: 10px 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
button { font: inherit; font-size: 13px; padding: 7px 12px; border-radius: 8px; border: 1px solid var(--rule);
  background: var(--card); color: var(--ink); cursor: pointer; }
button[hidden] { display: none; }
a { color: var(--ok); }
ul { padding-left: 20px; margin: 8px 0; } ul.logs { columns: 3 220px; } li { overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--soft); margin-top: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--soft); margin: 4px 0 0;
  padding: 0;
  list-style: none; }
.legend svg { width: 26px; height: 14px; vertical-align: -2px; margin-right: 6px; }
svg.plot { display: block; width: 100%; min-width: 640px; height: auto; margin-top: 6px; }
#tip { position: fixed; z-index: 9; max-width: 380px; padding: 6px 10px; border-radius: 8px; background: var(--ink);
  color: var(--card); font-size: 12.5px; pointer-events: none; overflow-wrap: anywhere; }
#tip[hidden] { display: none; }
footer { color: var(--soft); font-size: 12.5px; }
@media print {
  :root { --page: #fff; } main { max-width: none; padding: 0; } section, .verdict, article { break-inside: avoid; }
  body { -webkit-print-color-adjust: exact; print-color-adjust: exact; font-size: 12px; }
  button, #tip { display: none; }
}
@media (max-width: 620px) { .verdict .word { font-size: 34px; } main { padding: 14px 10px; }
  section, .verdict { padding: 14px; } }
"""
DRAWING: Final = """
svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  fill: var(--ink);
  unicode-bidi: isolate; }
svg text.tick, svg text.axis-label { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
.grid { stroke: var(--grid); fill: none; } .axis { stroke: var(--soft); fill: none; opacity: .7; }
.break { stroke: var(--soft); stroke-dasharray: 2 4; fill: none; opacity: .6; }
svg text.break-label { font-style: italic; }
svg text.break-label, .timeline text.op-label.outside {
  paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.band-area { fill: var(--tint); opacity: var(--band); }
svg text.band-label { fill: var(--tint); font-size: 10.5px; font-weight: 600; }
.fault-0 { --tint: var(--f0); } .fault-1 { --tint: var(--f1); } .fault-2 { --tint: var(--f2); }
.fault-3 { --tint: var(--f3); } .fault-4 { --tint: var(--f4); } .fault-5 { --tint: var(--f5); }
.dots { fill: none; stroke-width: 1.2; }
.dots.ok { stroke: var(--ok); stroke-width: 2.6; stroke-linecap: round; opacity: .5; }
td .band-area { opacity: .75; }
.legend .dots { stroke-width: 1.6; opacity: 1; } .legend .dots.ok { stroke-width: 5; }
.mark { stroke: var(--ink); stroke-dasharray: 4 3; opacity: .55; }
.dots.info { stroke: var(--info); opacity: .95; } .dots.fail { stroke: var(--fail); opacity: .9; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .line.median { stroke: var(--line); }
.line.p99 { stroke: var(--line2); stroke-dasharray: 5 3; }
.area.ok { fill: var(--ok); } .area.info { fill: var(--info); } .area.fail { fill: var(--fail); }
  .area { opacity: .8; }
.success { stroke: var(--ok); stroke-width: 1.6; opacity: .75; } .gap { fill: var(--bad); opacity: .85; }
.hit { fill: transparent; } .hit:hover { fill: var(--soft); opacity: .18; }
.op { stroke-width: 1; } .op.ok { fill: var(--ok); stroke: var(--ok); }
.op.info { fill: var(--card); stroke: var(--info); stroke-dasharray: 3 2; } .op.fail { fill: var(--card);
  stroke: var(--fail); }
.open-end { stroke-width: 2; stroke-dasharray: 5 4; fill: none; stroke: var(--info); opacity: .7; }
.timeline text.op-label { fill: var(--card); font-size: 12px; font-weight: 550; }
.timeline text.op-label.outside { fill: var(--ink); }
.ground { fill: var(--card); }
.node { fill: var(--code); stroke: var(--line2); stroke-width: 1.2; }
svg text.node-name { font-weight: 650; } svg text.node-line { fill: var(--soft); }
.arrow { fill: none; stroke: var(--line); stroke-width: 1.6; }
.arrow.weak { stroke: var(--soft); stroke-dasharray: 5 3; }
.arrow-tip { fill: var(--line); } .arrow-tip.weak { fill: var(--soft); }
svg text.arrow-label { font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px;
  stroke-linejoin: round; }
"""
"""What is drawn, on a page or in a file of its own."""

CSS: Final = COLOURS + PAGE + DRAWING + SPACE_TIME

SCRIPT: Final = """
"use strict";
const tip = document.getElementById("tip");
const texts = new Map();
for (const title of document.querySelectorAll("svg g > title, svg rect > title")) {
  texts.set(title.parentNode, title.textContent);
  title.remove();
}
document.addEventListener("pointermove", event => {
  let node = event.target;
  while (node && !texts.has(node)) node = node.parentNode;
  tip.hidden = !node;
  if (!node) return;
  tip.textContent = texts.get(node);
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  const top = below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : below;
  tip.style.left = Math.max(4, left) + "px";
  tip.style.top = top + "px";
});
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const done = () => { button.textContent = "copied"; };
    const failed = () => { button.hidden = true; };
    navigator.clipboard.writeText(button.previousElementSibling.textContent).then(done, failed);
  });
}
"""


def source(text: str) -> str:
    """The expression by which a content security policy allows exactly this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY: Final = (
    f"default-src 'none'; style-src {source(CSS)}; script-src {source(SCRIPT)}; base-uri 'none'; form-action 'none'"
)

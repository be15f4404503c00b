"""The style of space-time diagrams: within a report, whose colours they share, and in a file of their own."""

from __future__ import annotations

from typing import Final

COLOURS: Final = 6

CSS: Final = """
.space-time { --m0: #2b6fd6; --m1: #0d8f7f; --m2: #7d52d6; --m3: #b26a00; --m4: #c2247f; --m5: #4d7c0f;
  --mr: #5b6675; --mo: #5b6675; --lead: #f2b705; }
@media (prefers-color-scheme: dark) { .space-time:not(.alone) { --m0: #6ba4ff; --m1: #3cc9b4; --m2: #b296ff;
  --m3: #f0a93b; --m4: #ff6fbf; --m5: #a3d65c; --mr: #98a3b3; --mo: #98a3b3; --lead: #e0b21b; } }
.space-time .life { stroke: var(--soft); stroke-width: 1.3; opacity: .75; fill: none; }
.space-time .life.down { stroke-dasharray: 1 5; stroke-width: 1.6; opacity: .8; }
.space-time .life.paused { stroke: var(--soft); stroke-width: 6; opacity: .35; stroke-dasharray: 3 3; }
.space-time .leading { fill: var(--lead); opacity: .55; }
.space-time .cut-off { fill: var(--tint); opacity: calc(var(--band) * 1.1); }
.space-time .bracket { fill: var(--tint); opacity: .8; }
.space-time .rule { stroke: var(--grid); stroke-dasharray: 1 3; fill: none; }
.space-time .head rect { fill: var(--card); stroke: var(--soft); stroke-width: 1.2; }
.space-time .head text { font-weight: 650; font-size: 12px; }
.space-time .head.client rect { stroke: var(--ok); }
.space-time .m-0 { --tint: var(--m0); } .space-time .m-1 { --tint: var(--m1); } .space-time .m-2 { --tint: var(--m2); }
.space-time .m-3 { --tint: var(--m3); } .space-time .m-4 { --tint: var(--m4); } .space-time .m-5 { --tint: var(--m5); }
.space-time .m-reply { --tint: var(--mr); } .space-time .m-other { --tint: var(--mo); }
.space-time .arrow { stroke: var(--tint); stroke-width: 1.5; fill: none; }
.space-time .reply .arrow { stroke-dasharray: 5 3; stroke-width: 1.3; }
.space-time .late .arrow { stroke-dasharray: 1 4; }
.space-time .tip { fill: var(--tint); stroke: none; }
.space-time .reach { stroke: transparent; stroke-width: 9; fill: none; }
.space-time .message:hover .arrow { stroke-width: 3; }
.space-time .cross { stroke: var(--bad); stroke-width: 2.4; stroke-linecap: round; fill: none; }
.space-time text.said { fill: var(--tint); font-size: 10.5px; }
.space-time text.said, .space-time text.event { paint-order: stroke; stroke: var(--card); stroke-width: 3.5px;
  stroke-linejoin: round; }
.space-time text.event { font-size: 10.5px; font-weight: 600; }
.space-time text.event.ill { fill: var(--bad); } .space-time text.event.well { fill: var(--good); }
.space-time .dot { fill: var(--ink); stroke: var(--card); stroke-width: 1.5; }
.space-time .dot.ill { fill: var(--bad); } .space-time .dot.well { fill: var(--good); }
.space-time .dot.leads { fill: var(--lead); stroke: var(--ink); }
.space-time .box rect { fill: var(--card); stroke: var(--soft); stroke-width: 1.2; }
.space-time .box.ok rect { stroke: var(--ok); } .space-time .box.fail rect { stroke: var(--fail); }
.space-time .box.info rect { stroke: var(--info); stroke-dasharray: 4 3; }
.space-time .box.named rect { stroke-width: 2.6; }
.space-time .box.named.ok rect { fill: var(--named); }
.space-time .box text { font-size: 11px; } .space-time .box text.asked { font-weight: 650; }
.space-time { --named: #e8f0fd; }
@media (prefers-color-scheme: dark) { .space-time:not(.alone) { --named: #1c2f4d; } }
.space-time .open-end { stroke: var(--info); }
.space-time text.fault-name { fill: var(--tint); font-weight: 650; font-size: 10.5px; }
.space-time text.fault-words { fill: var(--soft); font-size: 10px; }
.space-time text.legend { fill: var(--soft); font-size: 11px; }
.space-time .silence { stroke: var(--soft); fill: none; stroke-width: 1.2; }
.space-time text.silence-label { fill: var(--soft); font-size: 9.5px; font-style: italic; stroke: none; }
"""

ALONE: Final = (
    """
.alone { --card: #ffffff; --ink: #1b2330; --soft: #5b6675; --rule: #dfe3e9; --grid: #d5dae2;
  --ok: #2b6fd6; --info: #c77700; --fail: #c2247f; --good: #13804a; --bad: #c0262d;
  --f0: #e2574c; --f1: #8457d9; --f2: #159a8c; --f3: #b98a00; --f4: #4a76e8; --f5: #d14fa3; --band: .1; }
.alone text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  fill: var(--ink); }
.alone text.tick, .alone text.axis-label { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.alone .end { text-anchor: end; } .alone .middle { text-anchor: middle; }
.alone .axis { stroke: var(--soft); fill: none; opacity: .7; }
.alone .band-area { fill: var(--tint); opacity: var(--band); }
.fault-0 { --tint: var(--f0); } .fault-1 { --tint: var(--f1); } .fault-2 { --tint: var(--f2); }
.fault-3 { --tint: var(--f3); } .fault-4 { --tint: var(--f4); } .fault-5 { --tint: var(--f5); }
.alone .open-end { stroke-width: 2; stroke-dasharray: 5 4; fill: none; opacity: .7; }
.alone .page { fill: var(--card); stroke: var(--rule); }
"""
    + CSS
)

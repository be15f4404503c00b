"""The page: its sections in order, from the verdict to the logs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.fault import Trigger
from harness.report import plot
from harness.report.band import COLOURS, Band, bands, what
from harness.report.element import Child, Markup, clean, element, raw, relative
from harness.report.evidence import anomalies
from harness.report.run_data import JsonObject, RunData, number_of, object_of, objects_of, text_of
from harness.report.space_time_section import messages
from harness.report.statistic import OUTCOMES, Row, Span, buckets, points, rows, span
from harness.report.style import CSS, POLICY, SCRIPT
from harness.report.text import count, duration, opening, seconds, shown, size

FAULT_ROWS_MAX: Final = 200
WORDS: Final = {
    True: ("valid", "Valid", "✓"),
    False: ("invalid", "Invalid", "✗"),
    "unknown": ("unknown", "Unknown", "?"),
}
BECAUSE_MAX: Final = 260


def page(run: RunData, folder: Path) -> str:
    """The whole document. ``folder`` is only named, in the command that repeats the run."""
    shown_span = span(run)
    drawn = bands(run, shown_span.end_s)
    title = f"{verdict_word(run)[1]}: {_subject(run)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", clean(title, 120)),
        element("style", raw(CSS)),
    )
    figures = rows(run)
    body = element(
        "main",
        element("h1", "splitbrain ", element("span", "· ", _subject(run), class_="soft")),
        _verdict(run),
        _problems(run),
        anomalies(run, drawn),
        messages(run),
        _faults(run),
        _plots(run, drawn, shown_span, [row.f for row in figures]),
        _operations(figures),
        _plan(run, folder),
        _logs(run),
        element("footer", element("p", "run ", run.name)),
    )
    tip = element("div", id="tip", hidden=True)
    return "<!DOCTYPE html>\n" + element(
        "html", head, element("body", body, tip, element("script", raw(SCRIPT))), lang="en"
    )


def _subject(run: RunData) -> str:
    options = "".join(
        f" {name}={shown(value, 30)}".replace('"', "") for name, value in _few(object_of(run.plan, "options"))
    )
    return clean(f"{text_of(run.plan, 'system', '?')}{options}, workload {text_of(run.plan, 'workload', '?')}", 200)


def _few(data: JsonObject, limit: int = 20) -> list[tuple[str, object]]:
    return list(data.items())[:limit]


def verdict_word(run: RunData) -> tuple[str, str, str]:
    """Style, word and sign. What is not clearly valid or invalid is unknown."""
    valid = run.results.get("valid")
    return WORDS[valid] if valid is True or valid is False else WORDS["unknown"]


def _verdict(run: RunData) -> Markup:
    css, word, sign = verdict_word(run)
    return element(
        "div",
        element("p", element("span", sign), word, class_="word"),
        element("p", opening(clean(_because(run)), BECAUSE_MAX), class_="because"),
        element("dl", [element("div", element("dt", name), element("dd", value)) for name, value in _facts(run)],
                class_="facts"),
        class_=f"verdict {css}",
        id="verdict",
    )  # fmt: skip


def _because(run: RunData) -> str:
    results = run.results
    if not results:
        return "There are no results: the run has not been checked, or was cut off."
    found = objects_of(results, "anomalies")
    if results.get("valid") is False and found:
        more = f" (and {count(len(found) - 1)} more)" if len(found) > 1 else ""
        return f"{text_of(found[0], 'type')}: {text_of(found[0], 'explanation')}{more}"
    if results.get("valid") is True:
        looked_at = count(number_of(results, "operations") or 0)
        return f"No violation of {_expectation(results)} in {looked_at} operations."
    return f"{text_of(results, 'reason', 'no reason given').replace('-', ' ')}: {text_of(results, 'explanation')}"


def _expectation(results: JsonObject) -> str:
    model = text_of(results, "model")
    return text_of(results, "expect", "what was expected") + (f" ({model})" if model else "")


def _facts(run: RunData) -> list[tuple[str, str]]:
    results, plan = run.results, run.plan
    facts = [(name, count(number_of(results, name) or 0)) for name in OUTCOMES if number_of(results, name) is not None]
    facts.append(("expected", _expectation(results)))
    if (recovery := number_of(results, "recovery_seconds")) is not None:
        facts.append(("recovered after", duration(recovery)))
    if (nodes := number_of(plan, "nodes")) is not None:
        facts.append(("nodes", count(nodes)))
    versions = object_of(results, "versions")
    facts += [(clean(name, 40), text_of(versions, name, "?")) for name, _ in _few(versions)]
    facts.append(("faults", text_of(plan, "faults", "?")))
    if (seed := plan.get("seed")) is not None:
        facts.append(("seed", shown(seed, 24)))
    return [(name, clean(value, 80)) for name, value in facts]


def _problems(run: RunData) -> Markup | None:
    troubles = run.results.get("troubles")
    texts = [
        *run.problems,
        *(text for text in (troubles if isinstance(troubles, list) else []) if isinstance(text, str)),
    ]
    if not texts:
        return None
    items = [element("li", clean(text, 600)) for text in texts[:20]]
    return element("section", element("h2", "Troubles"), element("ul", items))


def _faults(run: RunData) -> Markup | None:
    if not run.faults:
        return None
    names = list(dict.fromkeys(text_of(entry, "fault", "?") for entry in run.faults))
    head = ["", "fault", "from", "to", "effect measured", "bit"]
    body = [_fault(entry, names) for entry in run.faults[:FAULT_ROWS_MAX]]
    more: Child = None
    if len(run.faults) > FAULT_ROWS_MAX:
        more = element("p", f"{count(len(run.faults) - FAULT_ROWS_MAX)} more are in faults.jsonl.", class_="note")
    table = element(
        "table", element("thead", element("tr", [element("th", name) for name in head])), element("tbody", body)
    )
    note = element("p", "A fault bit if the system's own work met it, and did not before and after.", class_="note")
    return element("section", element("h2", "Faults"), element("div", table, class_="scroll"), more, note, id="faults")


def _fault(entry: JsonObject, names: Sequence[str]) -> Markup:
    name = text_of(entry, "fault", "?")
    times = [number_of(entry, "started_ns"), number_of(entry, "stopped_ns")]
    began, ended = ("–" if time is None else seconds(time / 1e9) for time in times)
    effect = object_of(entry, "effect")
    errors = entry.get("errors")
    said = (
        [element("span", shown(error, 200), class_="error") for error in errors[:3]] if isinstance(errors, list) else []
    )
    done = object_of(entry, "done")
    fallback = text_of(done, "fallback")
    return element(
        "tr",
        element("td", _swatch(names.index(name) % COLOURS)),
        element(
            "td",
            clean(what(entry), 160),
            element("span", fallback, class_="error") if fallback else None,
            element("span", cause, class_="error") if (cause := cause_of(entry)) else None,
            element("span", clean(left, 160), class_="error") if (left := left_out_of(entry)) else None,
        ),
        element("td", began, class_="number"),
        element("td", "never healed" if times[1] is None and times[0] is not None else ended, class_="number"),
        element("td", clean(text_of(effect, "explanation", "–"), 300), said),
        element("td", "yes" if entry.get("bit") is True else "no", class_="yes" if entry.get("bit") is True else "no"),
    )


def cause_of(entry: JsonObject) -> str:
    """What set a fault off, in words: ``after 3rd vote-granted, at n2``; nothing if it was the clock."""
    cause = object_of(entry, "trigger")
    try:
        words = str(Trigger.from_json({name: cause.get(name) for name in ("on", "name", "count")}))
    except ValueError:
        return ""
    node = text_of(cause, "node")
    if entry.get("applied") is False and not node:
        return f"{words}: it never came to that"
    return clean(f"{words}, at {node}" if node else words, 120)


def left_out_of(entry: JsonObject) -> str:
    """Which nodes a fault left out since they were another's, in words."""
    return ", ".join(f"without {node}: {owner} has it" for node, owner in object_of(entry, "left_out").items())


def _swatch(colour: int) -> Markup:
    area = element("rect", width=14, height=14, rx=3, class_="band-area")
    return element("svg", element("g", area, class_=f"fault-{colour}"), width=14, height=14)


def _plots(run: RunData, drawn: Sequence[Band], within: Span, names: Sequence[str]) -> Markup | None:
    of = points(run)
    if not of:
        return None
    parts = buckets(of, within)
    return element(
        "section",
        element("h2", "Over time"),
        element("h3", "Latency"),
        element("div", plot.latency(of, parts, drawn, within), class_="scroll"),
        _legend(drawn),
        element("h3", "Operations completed per second"),
        element("div", plot.rate(parts, drawn, within), class_="scroll"),
        element("h3", "Availability"),
        element("div", plot.availability(run, names, drawn, within), class_="scroll"),
        element("p", "A tick where an operation of that name succeeded; a red bar where for a second or more some were "
                     "asked for and none succeeded.", class_="note"),
        id="plots",
    )  # fmt: skip


def _legend(drawn: Sequence[Band]) -> Markup:
    entries: list[tuple[Markup, str]] = [
        (element("path", d=f"M13 7{plot.MARKS[name]}", class_=f"dots {name}"), text)
        for name, text in (("ok", "ok"), ("info", "info: outcome unknown"), ("fail", "fail: did not happen"))
    ]
    entries.append((element("path", d="M1 7H25", class_="line median"), "median of ok"))
    entries.append((element("path", d="M1 7H25", class_="line p99"), "99th percentile of ok"))
    for name, css in dict.fromkeys((band.fault, band.css) for band in drawn):
        area = element("rect", width=26, height=14, rx=3, class_="band-area")
        entries.append((element("g", area, class_=css), clean(name, 40)))
    items = [element("li", element("svg", mark, viewBox="0 0 26 14"), text) for mark, text in entries[:20]]
    return element("ul", items, class_="legend")


def _operations(figures: Sequence[Row]) -> Markup | None:
    if not figures:
        return None
    head = ["operation", "invoked", *OUTCOMES, "median", "p99", "slowest", "commonest errors"]
    body = []
    for row in figures:
        latencies = [_latency(value) for value in (row.median_s, row.p99_s, row.max_s)]
        numbers = [count(row.invoked), *(count(row.counts[name]) for name in OUTCOMES), *latencies]
        errors = ", ".join(f"{clean(kind, 60)} ({count(times)})" for kind, times in row.errors) or "–"
        cells = [element("td", clean(row.f, 60)), *(element("td", text, class_="number") for text in numbers)]
        body.append(element("tr", cells, element("td", errors)))
    table = element(
        "table", element("thead", element("tr", [element("th", name) for name in head])), element("tbody", body)
    )
    return element("section", element("h2", "Operations"), element("div", table, class_="scroll"), id="operations")


def _latency(value_s: float | None) -> str:
    return "–" if value_s is None else duration(value_s)


def _plan(run: RunData, folder: Path) -> Markup | None:
    if not run.plan:
        return None
    system = text_of(run.plan, "system", "?")
    own_file = [system] if system.endswith(".py") else []  # executed by a replay, so it must be named
    replay = shlex.join(["splitbrain", "run", *own_file, "--replay", str(folder / "plan.json")])
    schedule = run.plan.get("schedule")
    fields = [(name, shown(value, 300)) for name, value in _few(run.plan, 40) if name not in ("schema", "schedule")]
    if isinstance(schedule, list):
        set_off = sum(1 for entry in schedule if isinstance(entry, dict) and entry.get("trigger"))
        at_events = f", {count(set_off)} of them when something happens" if set_off else ""
        fields.append(("schedule", f"{count(len(schedule))} faults at their times{at_events}"))
    rows_of_plan = [
        element("tr", element("td", clean(name, 60)), element("td", value, class_="value")) for name, value in fields
    ]
    return element(
        "section",
        element("h2", "The plan, and how to repeat it"),
        element("div", element("pre", clean(replay, 1000)), _copy(), class_="command"),
        element("p", "repeats it with the same faults at the same times. The command that made it:", class_="note"),
        element("div", element("pre", clean(command(run.plan), 2000)), _copy(), class_="command"),
        element(
            "details", element("summary", "every field of plan.json"), element("table", element("tbody", rows_of_plan))
        ),
        id="plan",
    )


def _copy() -> Markup:
    return element("button", "copy", type="button", data_copy=True, hidden=True)


FLAGS: Final = {"workload": "--workload", "faults": "--faults", "provider": "--provider", "nodes": "--nodes",
                "concurrency": "--concurrency", "rate_hz": "--rate", "time_limit_s": "--time-limit",
                "client_timeout_s": "--client-timeout", "seed": "--seed"}  # fmt: skip


def command(plan: JsonObject) -> str:
    """The ``splitbrain run`` that such a plan comes from."""
    words = ["splitbrain", "run", text_of(plan, "system", "?")]
    for name, value in _few(object_of(plan, "options")):
        words += ["-o", f"{name}={value}"]
    for name, flag in FLAGS.items():
        value = plan.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)


def _logs(run: RunData) -> Markup | None:
    if not run.logs:
        return None
    items = [
        element(
            "li",
            element("a", "/".join(log.parts[1:]), href=relative(*log.parts)),
            element("span", f" {size(log.size_bytes)}", class_="soft"),
        )
        for log in run.logs
    ]
    return element("section", element("h2", "What the nodes said"), element("ul", items, class_="logs"), id="logs")


__all__ = ["cause_of", "command", "page", "verdict_word"]

"""The view's one file: its template, style sheet and scripts, the data in blocks that nothing executes, and what shows
without a script."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final, Literal, cast

from harness.formats import Recording
from harness.history import Call
from harness.report.element import Child, Markup, clean, element, join
from harness.report.history_view import finding, nemesis
from harness.report.history_view.call_columns import OUTCOMES, Calls, calls_of
from harness.report.history_view.finding import Found
from harness.report.history_view.linearization import FRACTION, points
from harness.report.style import source
from harness.report.text import count, operation, seconds
from harness.store import HISTORY

SCHEMA: Final = "splitbrain.view/1"
SCRIPTS: Final = ("data", "axis", "lane", "scene", "overview", "words", "witness", "detail", "filter", "control")
COMPRESSED_FROM: Final = 64_000  # bytes: what is smaller opens at once, in any browser
_LEVEL: Final = 4
_TOLD_ANOMALIES_MAX: Final = 3
_TOLD_OPERATIONS_MAX: Final = 40
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")


def document(recording: Recording, found: Found) -> str:
    """The whole page. Raises :class:`harness.history.HistoryError` for lines that are no history."""
    calls = calls_of(recording, points(finding.orders(found)), finding.named_positions(found))
    css, word, sign = finding.verdict(found)
    name = _name(Path(recording.path))
    parts: dict[str, str] = {
        "policy": escape(_policy()),
        "title": escape(f"{word}: {name}"),
        "style": _asset("view.css"),
        "script": _script(),
        "verdict": css,
        "sign": sign,
        "word": word,
        "name": escape(name),
        "facts": escape(" · ".join(_facts(calls, found))),
        "told": _told(recording, calls, found),
        "meta": data_block(_meta(recording, calls, found)),
        "columns": _columns(calls),
    }
    return _PLACE.sub(lambda place: parts[place[1]], _asset("view.html"))


def _name(path: Path) -> str:
    """The file's name; of a run's history the folders that say which run."""
    parts = path.parts[-3:] if path.name == HISTORY else path.parts[-1:]
    return clean("/".join(parts), 120)


def data_block(data: Mapping[str, Any]) -> str:
    """JSON inside an element of type application/json: nothing in it can end that element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    assert name == "view.html" or "</" not in text, "a style sheet or script must not end its own element"
    return text


@cache
def _script() -> str:
    return '"use strict";\n' + "".join(_asset(f"{name}.js") for name in SCRIPTS)


def _policy() -> str:
    return (f"default-src 'none'; style-src {source(_asset('view.css'))}; script-src {source(_script())}; "
            "base-uri 'none'; form-action 'none'")  # fmt: skip


def _facts(calls: Calls, found: Found) -> list[str]:
    return [f"{count(len(calls.invokes))} operations", *finding.facts(found)]


def _meta(recording: Recording, calls: Calls, found: Found) -> dict[str, Any]:
    history, moment = recording.history, calls.clock.moment
    return {
        "schema": SCHEMA,
        **calls.facts,
        "columns": [column.as_json() for column in calls.columns],
        "compressed": _is_compressed(calls),
        "outcomes": OUTCOMES,
        "fraction": FRACTION,
        "verdict": finding.verdict(found)[0],
        "because": finding.because(found),
        "anomalies": finding.anomalies(found, calls, history),
        "anomalies_in_all": len(finding.listed(found)),
        "windows": nemesis.windows(history, moment),
        "events": nemesis.events(history, moment),
    }


def _size(calls: Calls) -> int:
    return sum(len(column.data) for column in calls.columns) + len(calls.texts)


def _is_compressed(calls: Calls) -> bool:
    return _size(calls) >= COMPRESSED_FROM


def _columns(calls: Calls) -> str:
    """The columns' planes one after the other, then the texts; in base64."""
    data = b"".join([*(column.data for column in calls.columns), calls.texts])
    return b64encode(zlib.compress(data, _LEVEL) if _is_compressed(calls) else data).decode("ascii")


def _told(recording: Recording, calls: Calls, found: Found) -> Markup:
    """What a browser shows that executes no script: the verdict's reason and the anomalies' operations."""
    shown = finding.listed(found)[:_TOLD_ANOMALIES_MAX]
    rest = len(finding.listed(found)) - len(shown)
    return join(
        element("p", finding.because(found)),
        [_told_anomaly(recording, calls, anomaly) for anomaly in finding.anomalies({"anomalies": shown}, calls,
                                                                                   recording.history)],
        element("p", f"{count(rest)} more anomalies are not told here.") if rest else None,
        element("p", "The history itself needs JavaScript to be drawn; this page loads nothing from anywhere."),
    )  # fmt: skip


def _told_anomaly(recording: Recording, calls: Calls, anomaly: Mapping[str, Any]) -> Markup:
    head = ["position", "line", "process", "key", "operation", "outcome", "began", "ended"]
    numbers: list[int] = anomaly["calls"]
    rows = [element("tr", list(_cells(recording, calls.invokes[number]))) for number in numbers[:_TOLD_OPERATIONS_MAX]]
    rest = len(numbers) - len(rows)
    table = element("table", element("thead", element("tr", [element("th", name) for name in head])),
                    element("tbody", rows))  # fmt: skip
    more = element("p", f"and {count(rest)} more operations") if rest else None
    return element("section", element("h2", anomaly["type"]), element("p", anomaly["explanation"]), table, more)


def _cells(recording: Recording, position: int) -> Iterator[Child]:
    history, call = recording.history, _call(recording, position)
    line = recording.lines[position] if len(recording.lines or ()) > position else ""
    times = (history.seconds(i) if i is not None else None for i in (call.invoke, call.complete))
    told = operation(call.f, call.argument, call.result, call.outcome, 200)
    key = "" if call.key is None else str(call.key)
    texts = (str(position), str(line), str(call.process), key, told, call.outcome,
             *("" if time is None else seconds(time, 6) for time in times))  # fmt: skip
    yield from (element("td", clean(text, 400)) for text in texts)


def _call(recording: Recording, position: int) -> Call:
    history = recording.history
    start, end = history[position], history.partners[position]
    if end < 0 or history[end].type == "invoke":
        return Call(position, None, start.process, start.f, start.value, None, "info", start.key)
    answer, outcome = history[end], cast(Literal["ok", "fail", "info"], history[end].type)
    return Call(position, end, start.process, start.f, start.value, answer.value, outcome, start.key)

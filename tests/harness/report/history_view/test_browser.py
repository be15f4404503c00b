"""The view in a real browser: it shows the witness, and keys, mouse, filters and search do what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.random_history import Shape, linearizable
from checkers.linearizable import check
from harness.formats.record import Recording
from harness.history import Op
from harness.report.history_view import write_view
from harness.report.history_view.call_columns import calls_of
from harness.result import Result
from tests.harness.report.history_view.chromium import CHROMIUM, Page, chromium
from tests.harness.report.history_view.example import recording, stale
from tests.harness.report.history_view.test_call_columns import rows
from tests.harness.report.history_view.test_document import NASTY, nasty

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
]

BARS = """[...document.querySelectorAll('#witness .call')].map(each => [each.querySelector('b').textContent,
  each.classList.contains('context'), each.offsetLeft, each.offsetLeft + each.offsetWidth])"""
SEEN = "[view.left, view.right]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    """The browser, which must not have complained in the end."""
    browser.console.clear()
    yield browser
    assert browser.console == []


def opened(page: Page, folder: Path, made: Recording, found: Result | None, **how: Any) -> Page:
    page.open(write_view(made, found, folder / "view.html"), **how)
    page.settle()
    return page


def centre(page: Page, op: int) -> tuple[float, float]:
    """Where on the screen a call is drawn."""
    x, y = page.evaluate(f"""(box => [box.left + xOf((view.axis.start[{op}] + view.axis.end[{op}]) / 2),
                              box.top + yOf(rowOf({op})) + size.lane / 2])(scene.getBoundingClientRect())""")
    return x, y


def test_an_invalid_history_opens_at_its_witness(page: Page, tmp_path: Path) -> None:
    made, found = stale()
    opened(page, tmp_path, made, found)
    calls = page.evaluate("meta.anomalies[0].calls")
    assert page.evaluate("emphasis.calls") == calls, "emphasised in the chart"
    assert page.evaluate("emphasis.kind") == "anomaly"
    bars = page.evaluate(BARS)
    assert [words for words, *_ in bars] == ['write "old"', 'write "new"', 'read → "old"']
    assert all(end < start for (*_, end), (_, _, start, _) in pairwise(bars)), "from left to right"
    assert len(page.evaluate("[...document.querySelectorAll('#witness path.head')].map(() => 1)")) == 2, "two arrows"
    colours = page.evaluate("[...document.querySelectorAll('#witness .call')].map(b => getComputedStyle(b)"
                            ".backgroundColor)")  # fmt: skip
    assert colours[0] == colours[2] != colours[1], "a colour for each value"
    left, right = page.evaluate(SEEN)
    assert all(left < start < right for start in page.evaluate("emphasis.calls.map(op => view.axis.start[op])"))
    assert page.evaluate("(view.right - view.left) / (view.axis.high - view.axis.low)") < 0.01, "zoomed to it"
    assert 'nothing left "old" again' in page.evaluate("document.getElementById('explanation').textContent")
    x, y = (round(each) for each in centre(page, calls[1]))
    drawn = page.evaluate(f"""(box => [...brush.getImageData({x} - box.left, {y} - box.top - 6, 1, 1).data])
                              (scene.getBoundingClientRect())""")
    assert f"rgb({', '.join(map(str, drawn[:3]))})" == colours[1], "and it is drawn there, in its colour"


def test_keys_move_zoom_and_choose(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *stale())
    left, right = page.evaluate(SEEN)
    page.key("ArrowRight")
    moved = page.evaluate(SEEN)
    assert moved[0] > left
    assert moved[1] - moved[0] == pytest.approx(right - left)
    page.key("+")
    assert page.evaluate("view.right - view.left") == pytest.approx(0.6 * (right - left))
    page.key("-")
    page.key("ArrowLeft")
    assert page.evaluate(SEEN) == pytest.approx([left, right])
    page.key("0")
    assert page.evaluate(SEEN) == page.evaluate("[view.axis.low, view.axis.high]")
    page.key("n")
    assert page.evaluate("[view.anomaly, emphasis.calls.length]") == [1, 2]
    assert page.evaluate("document.getElementById('anomalies').value") == "1"
    page.key("n")
    page.key("p")
    assert page.evaluate("view.anomaly") == 1
    page.key("a")
    assert page.evaluate("view.axis.name") == "order"
    page.key("l")
    assert page.evaluate("[lanes.mode, lanes.list.length > 2]") == ["key", True]
    assert page.evaluate("[...new Set(lanes.list.map(l => l.title).filter(Boolean))]") == ["k0", "k1", "k2"]
    page.key("d")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.key("?")
    assert not page.evaluate("document.getElementById('help').hidden")
    page.key("Escape")
    assert page.evaluate("document.getElementById('help').hidden")


def test_the_mouse_zooms_drags_points_and_pins(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, *stale())
    op = page.evaluate("emphasis.calls[2]")
    x, y = centre(page, op)
    at, span = page.evaluate(f"[atX({x}), view.right - view.left]")
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200)
    page.settle()
    assert page.evaluate("view.right - view.left") < span
    assert page.evaluate(f"atX({x})") == pytest.approx(at), "around the pointer"
    x, y = centre(page, op)
    page.mouse("mouseMoved", x, y)
    page.settle()
    tip = page.evaluate("document.getElementById('tip').innerText")
    for words in ('read → "old"', "9003", "k1", "ok", "position", "line"):
        assert words in tip
    assert page.evaluate("document.querySelectorAll('#witness .call.near').length") == 1, "in the picture above, too"
    page.click(x, y)
    assert page.evaluate("view.pinned") == op
    side = page.evaluate("document.getElementById('detail').innerText")
    assert "ended before it began, on key k1" in side
    assert 'write "new"' in side
    left, _ = page.evaluate(SEEN)
    page.drag((700, y), (500, y))
    assert page.evaluate("view.left") > left
    assert page.evaluate("view.pinned") == op, "to drag is not to click"
    page.press("#detail .close")
    assert page.evaluate("[view.pinned, document.getElementById('detail').hidden]") == [-1, True]


def test_filters_hide_and_search_finds(page: Page, tmp_path: Path) -> None:
    made, found = stale()
    opened(page, tmp_path, made, found)
    history = made.history
    calls = history.calls()
    page.type("#key", "k1")
    assert page.evaluate("shown.count") == sum(call.key == "k1" for call in calls)
    assert page.evaluate("lanes.list.every(lane => lane.calls.every(op => keyText(op) === 'k1'))")
    page.press("#fs button[data-value='0']")
    assert 0 < page.evaluate("shown.count") < sum(call.key == "k1" for call in calls)
    page.press("#reset")
    page.press("#outcomes button[data-value='0']")
    assert page.evaluate("shown.count") == sum(call.outcome != "ok" for call in calls)
    page.press("#reset")
    assert page.evaluate("shown.count") == len(calls)
    page.type("#process", "9002, 9003")
    assert page.evaluate("[shown.count, lanes.list.length]") == [2, 2]
    page.type("#process", "nobody")
    assert page.evaluate("document.getElementById('process').classList.contains('strange')")
    page.press("#reset")
    page.type("#search", "old")
    assert page.evaluate("[emphasis.kind, emphasis.calls.length]") == ["search", 2]
    page.key("Enter")
    assert page.evaluate("fText(view.pinned)") == "write"
    page.key("Enter")
    assert page.evaluate("fText(view.pinned)") == "read"
    value = next(call.argument for call in calls if call.f == "write" and call.argument > 9)
    page.type("#search", str(value))
    with_it = [
        i for i, call in enumerate(calls) if value in (call.argument, call.result if call.outcome == "ok" else 0)
    ]
    assert page.evaluate("emphasis.calls.slice().sort((a, b) => a - b)") == with_it, "whole values only"
    position = calls[7].complete or calls[7].invoke
    page.type("#search", f"#{position}")
    assert page.evaluate("view.pinned") == 7
    page.key("Escape")
    assert page.evaluate("emphasis.kind") == "anomaly"


def test_a_certificate_is_drawn(page: Page, tmp_path: Path) -> None:
    ops = linearizable(Shape(60, 5, keys=("a", "b")), Random(3))
    made = recording(ops)
    found = check(made.history, certify=True)
    assert found.valid is True
    opened(page, tmp_path, made, found)
    assert page.evaluate("view.axis.name") == "order", "there are no times"
    orders = [entry["order"] for entry in found.details["linearizations"]]
    assert page.evaluate("sequences.map(calls => calls.map(op => column.invoke[op]))") == orders
    assert page.evaluate("frame.points") == sum(map(len, orders))
    assert page.evaluate("""sequences.every(calls => calls.every((op, i) => pointOf(op) > axes.order.start[op] &&
        (column.outcome[op] || pointOf(op) < axes.order.end[op]) && (!i || pointOf(calls[i - 1]) < pointOf(op))))""")
    op = page.evaluate("sequences[0][1]")
    page.mouse("mouseMoved", *centre(page, op))
    page.settle()
    assert f"takes effect 2. of {len(orders[0])}" in page.evaluate("document.getElementById('tip').innerText")


@pytest.mark.parametrize("count", [300, 5_000])
def test_the_page_reads_what_was_written(page: Page, tmp_path: Path, count: int) -> None:
    made, found = stale(count)
    opened(page, tmp_path, made, found, dark=True)
    assert page.evaluate("meta.compressed") == (count > 300)
    read = json.loads(
        page.evaluate("""JSON.stringify(Array.from({ length: N }, (_, op) => [column.invoke[op],
        completes(op) ? endOf(op) : null, processText(op), fText(op), keyText(op), meta.outcomes[column.outcome[op]],
        text(column.argument[op]), text(column.result[op]), column.began[op], column.began[op] + column.ended[op]]))""")
    )
    expected = [[r["invoke"], r["complete"], r["process"], r["f"], r["key"] or "", r["outcome"], *r["texts"][:2],
                 r["began"], r["ended"]] for r in rows(calls_of(made, {}))]  # fmt: skip
    assert read == expected


def test_many_operations_are_few_shapes(page: Page, tmp_path: Path) -> None:
    made, found = stale(60_000, processes=40)
    opened(page, tmp_path, made, found)
    most = 0
    for parts in (1, 3, 10, 30, 100, 300, 1_000):
        page.evaluate(f"look(view.axis.low, view.axis.low + (view.axis.high - view.axis.low) / {parts})")
        page.settle()
        shapes, labels, ms = page.evaluate("[frame.shapes, frame.labels, frame.ms]")
        most = max(most, shapes + labels)
        assert ms < 250, "a frame, on a machine that does other things besides"
    assert 1_000 < most < 9_000


@pytest.mark.parametrize("text", NASTY[:12], ids=range(12))
def test_hostile_values_stay_text(page: Page, tmp_path: Path, text: str) -> None:
    path = tmp_path / "nasty.html"
    path.write_text(nasty(text), encoding="utf-8")
    page.open(path)
    page.evaluate("pin(0)")
    page.key("?")
    assert page.evaluate("document.scripts.length") == 3
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, base, link').length") == 0
    assert page.evaluate("document.title").startswith("Invalid: ")
    assert page.evaluate("document.getElementById('detail').children.length") >= 3


def test_the_policy_stops_a_script_that_is_not_ours(browser: Page, tmp_path: Path) -> None:
    path = write_view(*stale(), tmp_path / "view.html")
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("</header>", '</header><script>document.title = "owned"</script>'), encoding="utf-8")
    browser.console.clear()
    browser.open(path)
    assert browser.evaluate("document.title") != "owned"
    assert any("Content Security Policy" in line for line in browser.console), "so the console is read, too"


def test_times_that_go_back_give_way_to_the_order(page: Page, tmp_path: Path) -> None:
    ops = [Op("invoke", 0, "read", time=9), Op("ok", 0, "read", 1, time=20), Op("invoke", 1, "read", time=3),
           Op("ok", 1, "read", 1, time=30)]  # fmt: skip
    opened(page, tmp_path, recording(ops), None)
    assert page.evaluate("[view.axis.name, Object.keys(axes).length]") == ["order", 2]
    assert "go back" in page.evaluate("document.getElementById('notice').textContent")
    page.key("a")
    assert page.evaluate("[view.axis.name, lanes.list.map(lane => [...lane.calls])]") == ["time", [[0], [1]]]


def test_an_empty_history_opens(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, Recording(recording([]).history, "empty.jsonl", "jsonl", recording([]).lines), None)
    for key in "0+-nplaw":
        page.key(key)
    assert re.match("Not judged", page.evaluate("document.title"))

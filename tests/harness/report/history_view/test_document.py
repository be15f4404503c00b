"""The page as text: nothing of a history becomes markup, only our own script may run, and it tells the verdict."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.history import NEMESIS, Op
from harness.report.history_view import write_view
from harness.report.history_view.call_columns import calls_of
from harness.report.history_view.document import document
from harness.result import Anomaly, Reason, Result, unknown
from tests.harness.report.history_view.example import recording, stale
from tests.harness.report.test_element import HOSTILE, Reader

NASTY = [*HOSTILE, "</script><script>document.title='owned'</script>", "<!--<script>", "a\u2028b\u2029c", "\u202egnp",
         "{{script}}", "{{meta}}", "\x00\x1b[31m", "\ud800", "x" * 100_000]  # fmt: skip


def block(page: str, name: str) -> str:
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def meta(page: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(block(page, "meta"))
    return data


def nasty(text: str) -> str:
    deep: Any = text
    for _ in range(50):
        deep = {text: [deep]}
    ops = [
        Op("invoke", 0, text, [text, deep], 1, key=text, session=text, node=text, extra={text: text}),
        Op("info", NEMESIS, f"start-{text}", {"shape": text, "nodes": [text]}, 2),
        Op("fail", 0, text, text, 3, error=text, key=text, node=text),
        Op("info", text or "p", text, text, 4),
    ]
    anomaly = Anomaly(text, (0, 2, 99, -5), text, {"edges": [{"from": 0, "to": 0, "type": text}, text, {"from": text}]})
    found = Result(False, text, text, text, explanation=text, anomalies=(anomaly,))
    return document(recording(ops), found.as_json())


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nothing_of_a_history_becomes_markup(text: str) -> None:
    page, calm = nasty(text), nasty("calm")
    assert [tag for tag, _ in Reader(page).elements] == [tag for tag, _ in Reader(calm).elements]
    assert page.count("<script") == calm.count("<script") == 3
    assert page.count("</script") == 3
    assert not re.search(r"[\u2028\u2029\u202e\x00\x1b\ud800-\udfff]", page)
    assert len(page) - len(calm) < 150_000
    assert meta(page)["anomalies"][0]["calls"] == [0]
    assert len(meta(page)["anomalies"][0]["edges"]) == 1


def test_the_policy_allows_our_style_and_script_and_nothing_else() -> None:
    page = document(*_stale())
    policy = dict(Reader(page).elements)["meta"]
    policies = [attrs["content"] for tag, attrs in Reader(page).elements if attrs.get("http-equiv")]
    assert policy is not None
    assert len(policies) == 1
    assert policies[0] is not None
    for tag in ("style", "script"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(own.encode()).digest()).decode()}'" in policies[0]
    assert policies[0].startswith("default-src 'none'; ")
    assert "unsafe" not in policies[0]
    assert not re.search(r"(?:src|href)=|@import|https?://(?!www\.w3\.org/2000/svg)", page), "nothing from elsewhere"


def _stale() -> tuple[Any, Any]:
    made, found = stale()
    return made, found.as_json()


@pytest.mark.parametrize("count", [300, 20_000])
def test_the_columns_are_in_the_page(count: int) -> None:
    made, found = stale(count)
    page = document(made, found.as_json())
    said, data = meta(page), b64decode(block(page, "columns"))
    assert said["compressed"] == (count > 300)
    calls = calls_of(made, {}, (i for each in found.anomalies for i in each.operations))
    raw = zlib.decompress(data) if said["compressed"] else data
    assert raw == b"".join(column.data for column in calls.columns) + calls.texts
    assert [each["name"] for each in said["columns"]] == [column.name for column in calls.columns]
    assert len(page) < 130_000 + 16 * count


def test_without_a_script_it_tells_the_verdict_and_the_witness() -> None:
    made, found = stale()
    page = document(made, found.as_json())
    (told,) = re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL)
    text = Reader(told).text
    assert 'process 9003\'s read of "old"' in text
    assert 'read → "old"' in text
    third = found.anomalies[0].operations[2]
    assert re.search(rf"{third}{third + 2}9003k1read → \"old\"ok", text), "position, line, process, key, operation"
    assert "Invalid" in Reader(page).text
    assert "x/history.jsonl" in Reader(page).text, "which run"


@pytest.mark.parametrize(
    ("found", "css", "words"),
    [
        (Result(True, "linearizable", "register", operations=4), "valid", "No violation of linearizable (register)"),
        (unknown("set", Reason.TIMEOUT, "it took too long"), "unknown", "timeout: it took too long"),
        (None, "unjudged", "Not judged"),
        ({"valid": 0}, "unjudged", "Not judged"),
        ({"valid": False, "anomalies": "no list"}, "invalid", "Invalid"),
        ({"valid": False, "anomalies": [{"operations": ["1", None, True, 1.5, 2]}, 3]}, "invalid", "Invalid"),
    ],
)
def test_every_verdict_is_told(tmp_path: Path, found: Any, css: str, words: str) -> None:
    path = write_view(stale(20)[0], found, tmp_path / "v.html")
    page = path.read_text(encoding="utf-8")
    assert f'<body class="{css}">' in page
    assert words in Reader(page).text


def test_faults_are_windows() -> None:
    ops = [
        Op("invoke", 0, "read", time=10),
        *[Op("info", NEMESIS, "start-kill", {"shape": "leader"}, time=20 + i) for i in range(2)],
        *[Op("info", NEMESIS, "start", "cut off", time=30 + i) for i in range(2)],
        *[Op("info", NEMESIS, "stop", time=40 + i) for i in range(2)],
        Op("ok", 0, "read", time=50),
    ]
    said = meta(document(recording(ops), {}))
    assert [(w["name"], w["start"], w["started"], w["stop"], w["stopped"]) for w in said["windows"]] == [
        ("kill (leader)", 1, 11, None, 0),
        ("nemesis", 3, 21, 6, 32),
    ]
    assert [event["at"] for event in said["events"]] == [1, 2, 3, 4, 5, 6]
    assert said["events"][2]["text"] == 'nemesis: info start "cut off"'


def test_an_empty_history_is_a_page(tmp_path: Path) -> None:
    page = write_view(recording([]), None, tmp_path / "v.html").read_text(encoding="utf-8")
    assert meta(page)["calls"] == 0

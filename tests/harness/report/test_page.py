"""The page as text: what it says of valid, invalid, unknown, broken and hostile runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from harness.history import NEMESIS, Op
from harness.report import NAME, write
from harness.report.band import what
from harness.report.page import command
from tests.harness.report.example import FAULTS, PLAN, lost, operations, results, write_run
from tests.harness.report.test_element import HOSTILE, Reader


def report(folder: Path, **more: Any) -> str:
    ops = operations(300, 30.0)
    return write(write_run(folder, ops, results(ops, **more))).read_text(encoding="utf-8")


def read(page: str) -> Reader:
    return Reader(re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page, flags=re.DOTALL))


def test_an_invalid_run_says_what_was_lost_and_when(tmp_path: Path) -> None:
    text = read(report(tmp_path)).text
    assert "Invalid" in text
    assert "add 13 was acknowledged, but the last read does not have it" in text
    assert "partition isolate-leader (n3)" in text
    assert "splitbrain run single-leader -o replication=async --workload set --faults partition,kill" in text
    assert text.index("Invalid") < text.index("What went wrong") < text.index("Faults") < text.index("Over time")


def test_versions_of_what_ran_are_shown(tmp_path: Path) -> None:
    text = read(report(tmp_path, versions={"PostgreSQL": "15.12 (Debian)", "broken": [1]})).text
    assert re.search(r"PostgreSQL\s*15\.12 \(Debian\)", text)
    assert re.search(r"broken\s*\?", text)


def test_the_last_operation_that_an_anomaly_names_is_shown(tmp_path: Path) -> None:
    ops = operations(300, 30.0)
    read_at = lost(ops)[0]["operations"][1]
    adds = [i for i, op in enumerate(ops) if op.f == "add" and op.type == "invoke"]
    anomaly = {"type": "lost", "operations": [*adds[:40], read_at], "explanation": "many"}
    page = write(write_run(tmp_path, ops, results(ops, anomalies=[anomaly]))).read_text()
    assert "process 0 at n2" in page or "at n2" in page
    assert "29 more operations that it names are not shown" in page


def test_a_valid_and_an_unknown_run_say_so(tmp_path: Path) -> None:
    text = read(report(tmp_path / "a", valid=True)).text
    assert "No violation of set in 301 operations" in text
    assert "What went wrong" not in text
    text = read(
        report(tmp_path / "b", valid="unknown", reason="fault-without-effect", explanation="nobody noticed")
    ).text
    assert "Unknown" in text
    assert "fault without effect: nobody noticed" in text


@pytest.mark.parametrize("valid", [None, "true", 1, [], {}, 0])
def test_what_is_no_verdict_is_never_shown_as_one(tmp_path: Path, valid: Any) -> None:
    page = report(tmp_path, valid=valid)
    assert 'class="verdict unknown"' in page


def test_links_lead_to_the_nodes_files_and_nowhere_else(tmp_path: Path) -> None:
    links = [attributes["href"] for tag, attributes in read(report(tmp_path)).elements if tag == "a"]
    assert links == [f"./nodes/n{i}/node.log" for i in range(1, 6)]
    assert all((tmp_path / str(link)).is_file() for link in links)


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    page = report(tmp_path)
    policies = [attributes.get("content") for tag, attributes in read(page).elements if tag == "meta"]
    assert any(str(policy).startswith("default-src 'none'") for policy in policies)
    assert not re.search(r"(https?:)?//[a-z]|@import|url\(", page)
    assert not [attributes for _, attributes in read(page).elements if {"src", "style", "onclick"} & set(attributes)]


@pytest.mark.parametrize("missing", ["plan.json", "history.jsonl", "results.json", "faults.jsonl", "nodes"])
def test_a_run_that_was_cut_off_still_has_a_page(tmp_path: Path, missing: str) -> None:
    ops = operations(50, 30.0)
    folder = write_run(tmp_path, ops, results(ops), logs=())
    path = folder / missing
    if path.is_dir():
        path.rename(tmp_path / "elsewhere")
    else:
        path.unlink()
    text = read(write(folder).read_text()).text
    assert "splitbrain" in text
    assert missing in text or missing in ("faults.jsonl", "nodes")


@pytest.mark.parametrize("name", ["plan.json", "history.jsonl", "results.json", "faults.jsonl"])
@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "\x00" * 100, "[" * 100_000, '{"schema": 7}', '"\\ud800"'])
def test_files_that_cannot_be_read_are_troubles_and_no_crash(tmp_path: Path, name: str, content: str) -> None:
    ops = operations(20, 30.0)
    folder = write_run(tmp_path, ops, results(ops))
    (folder / name).write_text(content)
    assert write(folder).stat().st_size > 1000


EVIL = [*HOSTILE, "\u202eevil\u202c", "\x00\x1b[31m", "x" * 1_000_000, "\ud800", "́" * 5000, "🧠" * 300, "𝕏\u200b"]


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_hostile_values_everywhere_stay_text(tmp_path: Path, evil: str) -> None:
    calm = read(hostile(tmp_path / "calm", "calm")).elements
    page = hostile(tmp_path / "evil", evil)
    assert len(page) < 1_000_000
    found = read(page).elements
    assert [tag for tag, _ in found] == [tag for tag, _ in calm], "the same elements, whatever the values are"
    assert [set(attributes) for _, attributes in found] == [set(attributes) for _, attributes in calm]
    assert "\u202e" not in page
    assert "\x00" not in page


def hostile(folder: Path, text: str) -> str:
    """A run in which everything that can be a text is that text."""
    name = text[:60]
    ops = [
        Op("invoke", 0, name, text, 1_000_000, key=text, session=text),
        Op("ok", 0, name, [text, {text: text}], 2_000_000, key=text, node=name, extra=text),
        Op("invoke", 1, name, text, 3_000_000, key=text),
        Op("info", 1, name, text, 4_000_000, error=[text, text], key=text),
        Op("info", NEMESIS, f"start-{name}", {"shape": text, "nodes": [text]}, 1_500_000),
        Op("info", NEMESIS, f"stop-{name}", text, 3_500_000),
    ]
    ops = sorted(ops, key=lambda op: op.time)
    fault = {
        "fault": text,
        "started_ns": 1,
        "stopped_ns": 2_000_000,
        "done": {"shape": text, "nodes": [text], "fallback": text},
        "effect": {"explanation": text, "measured": {text: 1}},
        "errors": [text],
    }
    anomaly = {"type": text, "operations": [0, 1, 2, 3, 4, 10**30, -1, text], "explanation": text}
    found = {"valid": False, "expect": text, "model": text, "anomalies": [anomaly] * 5, "troubles": [text], "ok": text}
    plan = {"system": text, "workload": text, "options": {text: text}, "faults": text, "seed": text, text: text}
    write_run(folder, ops, found, plan, [fault])
    return write(folder).read_text(encoding="utf-8")


def test_numbers_that_are_none_or_enormous_do_no_harm(tmp_path: Path) -> None:
    ops = operations(20, 30.0)
    folder = write_run(tmp_path, ops, results(ops, availability=[{"f": "add", "windows": [[1e300, 2], [None, 3], 7]}]))
    text = (folder / "results.json").read_text()
    (folder / "results.json").write_text(
        text.replace("0.412", "NaN").replace('"operations": 21', '"operations": 1e999')
    )
    (folder / "faults.jsonl").write_text(json.dumps({**FAULTS[0], "started_ns": 10**400, "stopped_ns": -(10**400)}))
    assert "Invalid" in read(write(folder).read_text()).text


def test_a_partition_is_described_by_its_sides() -> None:
    def words(drops: dict[str, list[str]]) -> str:
        return what({"fault": "partition", "done": {"shape": "x", "drops": drops}})

    assert words({"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]}) == "partition x (n1 | n2, n3)"
    assert words({"n1": ["n2", "n3"]}) == "partition x (n2, n3 to n1)"
    assert words({"n1": ["n2"], "n2": ["n3"], "n3": ["n1"]}) == "partition x"


def test_the_command_quotes_what_a_shell_would_read() -> None:
    plan = {**PLAN.as_json(), "options": {"a": "b; rm -rf ~"}, "workload": "$(x)"}
    assert "-o 'a=b; rm -rf ~' --workload '$(x)'" in command(plan)


def test_a_hostile_folder_gets_no_file_outside_itself_written_or_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", operations(50, 5), {})
    secret = tmp_path / "secret"
    secret.write_text("a private key")
    for name in (NAME, f".{NAME}.new", f".{NAME}.{os.getpid()}", "nodes/n1/link.log"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(secret)
    (folder / "nodes" / "n7").symlink_to("/etc")
    for name in ("plan.json", "results.json", "history.jsonl"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
    page = write(folder)
    assert secret.read_text() == "a private key"
    assert not page.is_symlink()
    text = page.read_text()
    assert "it is no regular file" in text
    assert "link.log" not in text
    assert "n7" not in text

"""``splitbrain check --manifest``: many histories against known verdicts, and the corpus, where it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.commands.manifest import COLUMNS, initial_value
from tests.harness.commands.test_check import CAS, EDN, LOST, STALE, VALID, call, written

QUEUE = call(0, "enqueue", 1, None) + call(0, "enqueue", 2, None) + call(0, "dequeue", None, 1)


def manifest(folder: Path, *rows: str) -> str:
    lines = ["\t".join((*COLUMNS, "source")), *(row.replace(" | ", "\t") + "\tnobody" for row in rows)]
    return written(folder, "\n".join(lines) + "\n", "verdicts.tsv")


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = cli.main(["check", *arguments, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return status, json.loads(out)


def paths(answer: dict[str, Any], name: str) -> list[str]:
    return [row["path"] for row in answer[name]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    inside.mkdir()
    for name, content in [("valid", VALID), ("stale", STALE), ("cas", CAS), ("lost", LOST), ("edn", EDN), ("q", QUEUE),
                          ("cut", VALID[:-5])]:  # fmt: skip
        written(inside, content, name)
    return tmp_path


def test_rows_are_checked_as_they_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = manifest(
        folder,
        "inside/valid | jsonl | register | linearizable | true",
        "inside/stale | jsonl | register | linearizable | false",
        "inside/stale | jsonl | register nil-read=unknown | linearizable | true",
        "inside/cas | jsonl | cas-register initial=0 | linearizable | false",
        "inside/cas | jsonl | cas-register initial=null | linearizable | true",
        "inside/edn | edn | register | linearizable | true",
        "inside/edn | edn | register nil-read=value | linearizable | false",
        "inside/lost | jsonl | set | set | false",
        "inside/q | jsonl | queue | linearizable | true",
        "inside/q | jsonl | stack | linearizable | false",  # no stack: unsupported, not a disagreement
        "inside/valid | cobra-log | rw-register | causal | true",
        "inside/valid | jsonl | bank | solvency | true",
        "inside/valid | jsonl | os:system | linearizable | true",
        "inside/valid | jsonl | register wait=1 | linearizable | true",
        "inside/valid | jsonl | register initial=} | linearizable | true",
    )
    status, answer = checked(capsys, "--manifest", path)
    assert (status, answer["disagreements"], answer["unknowns"]) == (0, [], [])
    assert len(answer["agreements"]) == 9
    assert len(answer["unsupported"]) == 6
    assert [row["line"] for row in answer["agreements"]] == list(range(2, 11))
    assert {row["method"] for row in answer["agreements"]} >= {"polynomial", "set"}
    assert all(row["explanation"] for row in answer["unsupported"])


def test_disagreements_are_told_and_decide_the_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = manifest(
        folder,
        "inside/valid | jsonl | register | linearizable | false",
        "inside/stale | jsonl | register | linearizable | true",
        "inside/cut | jsonl | register | linearizable | true",
        "inside/missing | jsonl | register | linearizable | true",
        "inside/valid | jsonl | register | linearizable | true",
    )
    status, answer = checked(capsys, "--manifest", path)
    assert status == 1
    assert paths(answer, "agreements") == ["inside/valid"]
    assert paths(answer, "disagreements") == ["inside/valid", "inside/stale", "inside/cut", "inside/missing"]
    assert [row["found"] for row in answer["disagreements"]] == [True, False, None, None]
    assert "cut off" in answer["disagreements"][2]["error"]
    assert cli.main(["check", "--manifest", path]) == 1
    out = capsys.readouterr().out
    assert "verdicts.tsv: 1 agreements, 4 disagreements, 0 unknowns, 0 unsupported, " in out
    assert "inside/stale: invalid, known to be valid: process 1's read of null" in out


def test_what_is_not_decided_in_time_is_unknown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = manifest(folder, "inside/valid | jsonl | register | linearizable | true")
    status, answer = checked(capsys, "--manifest", path, "--time-limit", "0.000001")
    assert status == 2
    assert [row["reason"] for row in answer["unknowns"]] == ["timeout"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ":1: read the columns"),
        ("path\tformat\n", "without datatype, expect, verdict"),
        ("\t".join(COLUMNS) + "\nx\tjsonl\n", ":2: read a line without datatype"),
        ("\t".join(COLUMNS) + "\nx\tjsonl\tregister\tlinearizable\tmaybe\n", "the verdict 'maybe'"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--manifest", written(tmp_path, content)]) == 254
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("options", [["x"], ["--model", "queue"], ["--initial", "0"], ["--format", "edn"]])
def test_what_a_row_says_is_not_said_for_all(
    options: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = manifest(folder, "inside/valid | jsonl | register | linearizable | true")
    assert cli.main(["check", "--manifest", path, *options]) == 254
    assert "row by row" in capsys.readouterr().err
    assert cli.main(["check"]) == 254


def test_initial_values() -> None:
    assert [initial_value(text) for text in ("0", "null", "''", '"x"', "x:0,y:null")] == [
        0, None, "", "x", {"x": 0, "y": None}]  # fmt: skip

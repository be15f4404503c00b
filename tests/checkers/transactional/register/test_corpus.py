"""The register histories of others, with known verdicts: every row must agree.

The corpus is data beside the checkout (``../shared/corpus``). Logs of sessions say nothing of time, and the tools that
judged them let every level respect sessions: so do we of these. Of Elle's own some have no invocations.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import pytest

from checkers.transactional import check
from checkers.transactional.lattice import MODELS
from harness.formats import awdit_text, plume_text
from harness.formats.edn import without_kind
from harness.formats.edn_reader import Reader
from harness.history import History, Op

CORPUS = Path(__file__).resolve().parents[4].parent / "shared" / "corpus"
ROWS_LEAST = 78
OPERATIONS_MAX = 3_000  # longer ones are for the benchmarks


def rows() -> list[dict[str, str]]:
    if not (CORPUS / "verdicts.tsv").is_file():
        return []
    with open(CORPUS / "verdicts.tsv", encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file, delimiter="\t") if row["datatype"].split()[0] == "rw-register"]
    return [row for row in listed if not row["operations"].isdigit() or int(row["operations"]) <= OPERATIONS_MAX]


ROWS = rows()
needs_corpus = pytest.mark.skipif(not ROWS, reason=f"no corpus at {CORPUS} (it is kept beside the checkout)")


@cache
def history(path: Path, format_: str) -> History:
    if format_ == "edn":
        return _elles(path)
    with open(path, encoding="utf-8") as lines:
        read = plume_text.read if format_ == "plume-txt" else awdit_text.read
        return read(lines, str(path)).history


def _elles(path: Path) -> History:
    """Each line in a process of its own if it has no invocation, or several at a time."""
    maps = [without_kind(element) for _, element in Reader(path.read_text()).elements()]
    try:
        read = History(Op(each["type"], each["process"], "txn", each["value"]) for each in maps)
        assert len(read.partners) == len(maps)
    except ValueError:
        ended = [each["value"] for each in maps if each["type"] == "ok"]
        read = History([*(Op("invoke", number, "txn", value) for number, value in enumerate(ended)),
                        *(Op("ok", number, "txn", value) for number, value in enumerate(ended))])  # fmt: skip
    return read


def level(row: dict[str, str]) -> str:
    in_sessions = f"strong-session-{row['expect']}"
    return in_sessions if row["format"] != "edn" and in_sessions in MODELS else row["expect"]


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=[f"{row['path']}-{row['expect']}" for row in ROWS])
def test_the_verdict_is_the_known_one(row: dict[str, str]) -> None:
    result = check(history(CORPUS / row["path"], row["format"]), expect=level(row), time_limit_s=60)
    assert result.valid is json.loads(row["verdict"]), result.explanation or result.anomalies


@needs_corpus
def test_the_corpus_is_all_there() -> None:
    assert len(ROWS) >= ROWS_LEAST
    assert {row["verdict"] for row in ROWS} == {"true", "false"}

"""Histories with known verdicts, recorded by others: every row that we read must agree.

The corpus is data beside the checkout (``../shared/corpus``), with ``verdicts.tsv`` as its list. A row's data type
may carry options: ``initial=`` the value at the beginning (null without), ``nil-read=unknown`` that an ok read of nil
says nothing; without it, what the row's format means by nil counts.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from checkers.linearizable import MODELS
from checkers.linearizable import check as check_linearizable
from checkers.set import check as check_set
from harness.formats import FORMATS, NIL_READS, Recording, read_recording
from harness.result import Result

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
ROWS_LEAST = 200
TIME_LIMIT_S = 60.0


def rows() -> list[dict[str, str]]:
    if not (CORPUS / "verdicts.tsv").is_file():
        return []
    with open(CORPUS / "verdicts.tsv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if concerns_us(row)]


def concerns_us(row: dict[str, str]) -> bool:
    model = row["datatype"].split()[0]
    linearizable = row["expect"] == "linearizable" and model in MODELS
    return row["format"] in FORMATS and (linearizable or row["expect"] == model == "set")


ROWS = rows()
needs_corpus = pytest.mark.skipif(not ROWS, reason=f"no corpus at {CORPUS} (it is kept beside the checkout)")


def initial_value(text: str) -> Any:
    """JSON; or the empty string as ''; or registers with their values, x:0,y:0."""
    if text == "''":
        return ""
    if ":" in text:
        return {name: json.loads(value) for name, value in (pair.split(":") for pair in text.split(","))}
    return json.loads(text)


def verdict(row: dict[str, str], recording: Recording) -> Result:
    if row["expect"] == "set":
        return check_set(recording.history, time_limit_s=TIME_LIMIT_S)
    model, *options = row["datatype"].split()
    given = dict(option.split("=", 1) for option in options)
    assert set(given) <= {"initial", "nil-read"}, "an option that this test does not know would be passed over"
    nil_reads: Any = given.get("nil-read", NIL_READS[recording.format])
    initial = initial_value(given.get("initial", "null"))
    return check_linearizable(
        recording.history, model=model, initial=initial, nil_reads=nil_reads, time_limit_s=TIME_LIMIT_S
    )


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=[row["path"] for row in ROWS])
def test_the_verdict_is_the_known_one(row: dict[str, str]) -> None:
    recording = read_recording(CORPUS / row["path"])
    assert recording.format == row["format"], "found by content"
    if row["operations"].isdigit():
        assert len(recording.history.calls()) == int(row["operations"]), "all of it was read"
    result = verdict(row, recording)
    assert result.valid is json.loads(row["verdict"]), result.explanation or result.anomalies


@needs_corpus
def test_the_corpus_is_all_there() -> None:
    formats = Counter(row["format"] for row in ROWS)
    assert len(ROWS) >= ROWS_LEAST
    assert set(formats) == set(FORMATS)
    assert {row["verdict"] for row in ROWS} == {"true", "false"}
    assert any(row["expect"] == "set" for row in ROWS)

"""The list-append histories of others, with known verdicts: every row must agree.

The corpus is data beside the checkout (``../shared/corpus``). Some of its files name no operations (no ``:f``), or are
one JSON array: they are read here as they are.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from checkers.transactional import check
from harness.formats.edn import without_kind
from harness.formats.edn_reader import Reader
from harness.history import History, Op

CORPUS = Path(__file__).resolve().parents[3].parent / "shared" / "corpus"
ROWS_LEAST = 11


def rows() -> list[dict[str, str]]:
    if not (CORPUS / "verdicts.tsv").is_file():
        return []
    with open(CORPUS / "verdicts.tsv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["datatype"].split()[0] == "list-append"]


ROWS = rows()
needs_corpus = pytest.mark.skipif(not ROWS, reason=f"no corpus at {CORPUS} (it is kept beside the checkout)")


def history(path: Path) -> History:
    text = path.read_text()
    if path.suffix == ".json":
        maps: list[dict[str, Any]] = json.loads(text)
    else:
        maps = [without_kind(element) for _, element in Reader(text).elements()]
    return History(Op(each["type"], each["process"], each.get("f", "txn"), each["value"]) for each in maps)


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=[f"{row['path']}-{row['expect']}" for row in ROWS])
def test_the_verdict_is_the_known_one(row: dict[str, str]) -> None:
    result = check(history(CORPUS / row["path"]), expect=row["expect"], time_limit_s=60)
    assert result.valid is json.loads(row["verdict"]), result.explanation or result.anomalies


@needs_corpus
def test_the_corpus_is_all_there() -> None:
    assert len(ROWS) >= ROWS_LEAST
    assert {row["verdict"] for row in ROWS} == {"true", "false"}


@needs_corpus
def test_a_dense_component_is_classified() -> None:
    result = check(history(CORPUS / "txn/elle/huge-scc.edn"), time_limit_s=60)
    found = {anomaly.type: anomaly for anomaly in result.anomalies}
    assert {"G-single-realtime", "G-nonadjacent-realtime", "G2-item-realtime"} <= set(found)
    assert found["G-single-realtime"].details["transactions"] == 2
    assert result.details["strongest"] == ["strong-session-serializable", "strong-read-committed"]

"""Histories with known verdicts, recorded by others: every row that we read must agree.

The corpus is data beside the checkout (``../shared/corpus``), with ``verdicts.tsv`` as its list
(``harness.commands.manifest`` says what a row means). A large history is asked about once here, at the strongest of the
levels that are known of it; ``splitbrain check --manifest`` asks about all.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from harness import cli
from harness.commands.manifest import Row, read_manifest
from harness.formats import FORMATS, read_recording

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
MANIFEST = CORPUS / "verdicts.tsv"
ROWS_LEAST = 600
LARGE_BYTES = 400_000
LEVELS = ("serializable", "snapshot-isolation", "causal", "read-atomic", "read-committed")

ROWS = read_manifest(MANIFEST) if MANIFEST.is_file() else []
needs_corpus = pytest.mark.skipif(not ROWS, reason=f"no corpus at {CORPUS} (it is kept beside the checkout)")


def format_of(row: Row) -> str:
    return row.format.split("(")[0]


@needs_corpus
def test_every_format_is_found_by_content() -> None:
    formats = Counter(format_of(row) for row in ROWS)
    assert set(formats) >= set(FORMATS) - {"porcupine-json", "parquet", "arrow"}
    for row in ROWS:
        if format_of(row) in FORMATS and row.expect in ("linearizable", "set", "counter"):
            recording = read_recording(CORPUS / row.path)
            assert recording.format == format_of(row), row.path
            if recording.model is not None:
                assert recording.model == row.datatype, row.path


@needs_corpus
def test_all_of_it_is_read() -> None:
    lines = MANIFEST.read_text().splitlines()
    column = lines[0].split("\t").index("operations")
    for row in ROWS:
        operations = lines[row.line - 1].split("\t")[column]
        if format_of(row) in FORMATS and row.expect == "linearizable" and operations.isdigit():
            assert len(read_recording(CORPUS / row.path).history.calls()) == int(operations), row.path


def manifest_of_few(path: Path) -> Path:
    """The manifest, in which only the strongest of LEVELS is asked of a large history."""
    header, *lines = MANIFEST.read_text().splitlines()
    expect = header.split("\t").index("expect")
    kept, asked = [header], set[str]()

    def weakness(line: str) -> int:
        level = line.split("\t")[expect]
        return LEVELS.index(level) if level in LEVELS else 0

    for line in sorted(lines, key=weakness):
        name = line.split("\t")[0]
        if name not in asked or (CORPUS / name).stat().st_size < LARGE_BYTES:
            kept.append(f"{CORPUS}/{line}")
        asked.add(name)
    path.write_text("\n".join(kept) + "\n")
    return path


@needs_corpus
def test_the_verdicts_are_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["check", "--manifest", str(manifest_of_few(tmp_path / "verdicts.tsv")), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["disagreements"] == []
    assert answer["unknowns"] == []
    assert status == 0
    assert len(answer["agreements"]) >= ROWS_LEAST
    assert {row["verdict"] for row in answer["agreements"]} == {True, False}
    assert [row for row in answer["unsupported"] if row["expect"] == "linearizable"] == []

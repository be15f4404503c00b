"""``splitbrain claims``: choosing, listing, telling, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands import UsageError
from harness.commands.claims import choose, fits


def test_a_row_stands_for_its_claims() -> None:
    assert fits("SL-4", "SL-4a")
    assert fits("sl-4", "SL-4a")
    assert fits("SL-4a", "SL-4a")
    assert fits("SL", "SL-4a")
    assert not fits("SL-4", "SL-40")
    assert not fits("SL-4b", "SL-4a")


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        choose(["SL-1x"], None, "sim")
    with pytest.raises(UsageError, match="--family: read 'rafft'"):
        choose([], "rafft", "sim")


def test_claims_are_listed_without_being_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == len({(claim["system"], claim["id"]) for claim in listed}) > 5
    assert main(["claims", "--list", "SL-1"]) == 0
    assert capsys.readouterr().out.startswith("SL-1 ")


def test_a_claim_is_tested_told_and_its_evidence_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "SL-4a", "SL-4b", "--runs", "2", "--store", str(tmp_path), "--json", "--jobs", "1"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert {row["verdict"] for row in rows.values()} == {"confirmed"}
    for row in rows.values():
        assert set(row) >= {"id", "verdict", "expect", "runs", "control", "evidence", "figures"}
        assert Path(row["evidence"]["plan"]).is_file()
    assert main(["run", "--replay", rows["SL-4a"]["evidence"]["plan"], "--store", str(tmp_path / "again")]) == 1


def test_a_budget_of_nothing_is_refused() -> None:
    assert main(["claims", "--runs", "0"]) == 254


def test_a_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "claims.html"
    assert main(["claims", "SL-2", "--runs", "1", "--store", str(tmp_path), "--html", str(page)]) in (0, 2)
    assert "SL-2" in page.read_text()

"""The page about claims, which shows hostile text as text, and the bars of a curve."""

from __future__ import annotations

from dataclasses import replace

from harness.report.claims_page import Exhibit, claims_page
from harness.report.curve import POINTS_MAX, curve

EXHIBIT = Exhibit("SL-1", "nothing is lost", "a quotation", "DDIA ch. 5", "single-leader", "confirmed", "because",
                  "async: lost", [("workload", "set")], "splitbrain run --replay x.json", [])  # fmt: skip


def test_every_claim_has_its_section_and_its_line() -> None:
    page = claims_page([EXHIBIT, replace(EXHIBIT, id="SL-2", verdict="unconfirmed")], "claims", "today")
    assert page.startswith("<!DOCTYPE html>")
    assert 'id="SL-1"' in page
    assert 'id="SL-2"' in page
    assert "2 claims: 1 confirmed, 1 unconfirmed" in page
    assert "splitbrain run --replay x.json" in page


def test_what_a_run_says_is_text() -> None:
    page = claims_page([replace(EXHIBIT, why="<script>alert(1)</script>", control="<img src=x>")], "claims", "today")
    assert "<script>alert" not in page
    assert "<img" not in page


def test_a_curve_has_a_bar_per_point() -> None:
    drawn = curve("median-ms:write", [("3 nodes", 1.5), ("5 nodes", 3.0), ("none", 0.0)])
    assert drawn.count("<rect") == 3
    assert "3 nodes" in drawn
    assert "1.5" in drawn
    assert curve("x", []).count("<rect") == 0
    assert curve("x", [(str(i), 1.0) for i in range(99)]).count("<rect") == POINTS_MAX

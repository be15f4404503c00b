"""Certificates of random histories, lists and registers, plainly and by columns: what is right is accepted, what is
wrong never."""

from __future__ import annotations

from time import monotonic

from benchmarks.certificates_fuzz import campaign
from checkers.transactional import check
from tests.checkers.transactional.notation import concurrent

HISTORIES = 40
STORES = 4


def test_evidence_of_random_histories() -> None:
    tally = campaign(HISTORIES, STORES, seed=0, size=4, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    assert tally.counts["stores"] == STORES
    assert tally.counts["valid, without a certificate"] < HISTORIES / 20
    for name in ("commit orders accepted", "commit orders with snapshots", "commit orders with sources",
                 "changed orders refused", "all orders of a few refused", "anomalies accepted",
                 "anomalies refused where the level holds", "cycles made up, refused"):  # fmt: skip
        assert tally.counts[name] > HISTORIES / 5, name


def test_only_who_asks_is_told() -> None:
    history = concurrent("ax1 ry[]", "ay1 rx[]", "rx[1] ry[1]")
    assert "proof" not in check(history, expect="snapshot-isolation").details
    details = check(history, expect="snapshot-isolation", certify=True).details
    assert details["certified"] == "list"
    assert details["proof"]["snapshots"] == [0, 0, 2]
    assert set(check(history, expect="causal", certify=True).details["proof"]) == {"order"}
    assert "proof" not in check(history, expect="serializable", certify=True).details

"""Random small histories: every guarantee as its formula over all explanations has it; numpy as plain Python has it."""

from __future__ import annotations

from time import monotonic

import numpy as np

from benchmarks.session_guarantees import history_of
from benchmarks.session_guarantees_fuzz import campaign, campaign_large
from checkers.names import checker
from checkers.session import brute
from checkers.session.decide import decide, examined
from checkers.session.scene import scene_of
from checkers.session.violation import GUARANTEES, MONOTONIC_READS, PRAM, READ_YOUR_WRITES
from tests.checkers.session.notation import sequential

HISTORIES = 2_000
LARGER = 300


def test_every_guarantee_is_what_its_formula_says() -> None:
    tally = campaign(HISTORIES, seed=0, operations=6, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    for name in GUARANTEES:
        assert tally.counts[f"{name}: True"] > HISTORIES / 2
        assert tally.counts[f"{name}: False"] > HISTORIES / 50
        assert tally.counts[f"{name}: unknown"] > 0
    for size in (1, 2, 3):
        assert tally.counts[f"witnesses of {size} operations"] > 0


def test_numpy_says_what_plain_python_says() -> None:
    tally = campaign_large(LARGER, seed=0, operations=30, deadline=monotonic() + 300)
    assert tally.disagreements == []
    for name in GUARANTEES:
        assert tally.counts[f"{name}: numpy True"] > LARGER / 20
        assert tally.counts[f"{name}: numpy False"] > LARGER / 20
    assert tally.counts[f"{READ_YOUR_WRITES}: numpy version-order"] > 0


def test_a_large_history_is_judged_from_its_columns() -> None:
    for one_writer, versions in ((True, False), (True, True), (False, True), (False, False)):
        history = history_of(30_000, one_writer=one_writer, stale=0.0)
        assert history.columns is not None
        for name in GUARANTEES:
            open_ = not one_writer and not versions and name != PRAM
            assert checker(name)(history, versions=versions).valid == ("unknown" if open_ else True)


def test_a_large_history_with_stale_reads() -> None:
    history = history_of(30_000, one_writer=True, stale=0.01)
    scene = scene_of(history, None, "value")
    for name in (READ_YOUR_WRITES, MONOTONIC_READS):
        result = checker(name)(history)
        plain = decide(examined(scene, lambda: None), name, lambda: None)
        assert result.valid is False
        assert result.details["violations"] == len(plain.violations) > 0
        assert result.details["worst_staleness_versions"]["versions"] >= 1
        assert all(each.type == name and each.details["minimal"] for each in result.anomalies)
    assert checker(PRAM)(history).valid is False
    assert checker(PRAM)(history_of(30_000, one_writer=False, stale=0.01)).valid is False


def test_garbage_in_a_large_history_is_found() -> None:
    history = history_of(30_000, one_writer=True, stale=0.0)
    columns = history.columns
    assert columns is not None
    read = int(np.flatnonzero((columns.types == 1) & (columns.fs == 1) & (columns.numbers > 0))[1_000])
    columns.numbers[read] = 1_000_000
    for name in GUARANTEES:
        result = checker(name)(history)
        assert [each.type for each in result.anomalies][:1] == ["garbage-read"], name


def test_brute_force_knows_the_textbook_cases() -> None:
    cases = {"0:wx1 0:rx_": READ_YOUR_WRITES, "0:wx1 1:rx1 1:rx_": MONOTONIC_READS, "0:wx1 0:wy1 1:ry1 1:rx_": PRAM}
    for text, name in cases.items():
        scene = scene_of(sequential(text), None, "value")
        assert brute.decided(scene, name) is False
    assert brute.decided(scene_of(sequential("0:wx1 1:wx2 0:rx2"), None, "value"), READ_YOUR_WRITES) == "unknown"

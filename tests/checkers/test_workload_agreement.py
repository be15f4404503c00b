"""The workloads' checkers against their definitions, on 2,000 random histories each."""

from __future__ import annotations

from time import monotonic
from typing import Final

import pytest

from benchmarks.workload_fuzz import campaign
from benchmarks.workload_histories import HISTORIES

COUNT: Final = 2_000
MET: Final = {
    "bank": ("wrong-total", "negative-value", "missing-account", "unexpected-account", "nil-balance"),
    "long-fork": ("long-fork", "fractured-read", "G-single", "G1a", "garbage-read", "future-read", "internal"),
    "causal-reverse": ("causal-reverse", "G1a", "garbage-read", "future-read"),
    "write-skew": ("write-skew", "nobody-on-call", "unserializable"),
    "booking": ("double-booking", "lost-booking", "lost-cancellation", "garbage-read", "G1a", "future-read",
                "duplicate-elements"),
    "log": ("inconsistent-offsets", "duplicate", "lost-write", "garbage-read", "aborted-read", "precommitted-read",
            "poll-skip", "nonmonotonic-poll", "int-poll-skip", "int-nonmonotonic-poll", "nonmonotonic-send",
            "int-nonmonotonic-send", "G1c"),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_verdicts_and_witnesses_are_those_of_the_definition(name: str) -> None:
    tally = campaign(COUNT, 0, monotonic() + 300, [name])
    assert not tally.disagreements, "\n".join(tally.disagreements[:5])
    counts = tally.counts
    assert counts["histories"] == COUNT
    assert counts[f"{name}: True"] > COUNT // 8
    assert counts[f"{name}: False"] > COUNT // 20
    assert not [each for each in MET[name] if not counts[f"{name}: {each}"]], "an anomaly that was never met"

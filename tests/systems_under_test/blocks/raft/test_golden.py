"""Golden traces: what Raft does in the situations that the paper explains it with, message by message."""

from __future__ import annotations

import pytest

from systems_under_test.blocks.raft.bug import COMMIT_EARLIER_TERM_BY_COUNT
from tests.systems_under_test.blocks.raft.golden import FOLDER, Trace

FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_trace(name: str) -> None:
    expected = (FOLDER / f"{name}.txt").read_text()
    assert Trace().run(expected) == expected


def test_the_traces_are_there() -> None:
    assert {file.stem for file in FILES} == {
        "deposed_leader", "earlier_leadership", "election", "figure_7", "figure_8", "log_repair", "read_index",
        "restart", "snapshot", "split_vote",
    }  # fmt: skip


def test_without_the_commitment_rule_figure_8_loses_a_committed_entry() -> None:
    script = (FOLDER / "figure_8.txt").read_text()
    with pytest.raises(AssertionError, match="Leader Completeness: s5 leads term 5 without"):
        Trace(COMMIT_EARLIER_TERM_BY_COUNT).run(script)

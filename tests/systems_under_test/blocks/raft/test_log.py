"""The log as a value: against a plain list, and sharing what it does not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.raft import Entry, Log
from systems_under_test.blocks.raft.log import CHUNK


def entries(terms: list[int], after: int = 0) -> list[Entry]:
    return [Entry(term, index, None) for index, term in enumerate(terms, after + 1)]


@given(st.lists(st.tuples(st.integers(0, 3 * CHUNK), st.integers(0, 2 * CHUNK)), max_size=6))
def test_append_and_truncate_are_those_of_a_list(actions: list[tuple[int, int]]) -> None:
    log, plain = Log(), list[Entry]()
    for term, (kept, more) in enumerate(actions, 1):
        keep = min(kept, len(plain))
        new = entries([term] * more, after=keep)
        log, plain = log.truncate_from(keep + 1).append(new), plain[:keep] + new
        assert list(log) == plain
        assert log.last_index == len(plain)
        assert log.last_term == (plain[-1].term if plain else 0)
        assert log.entries(keep + 1, keep + 5) == tuple(plain[keep : keep + 5])
        assert all(len(chunk) == CHUNK for chunk in log.chunks[:-1])


@given(st.lists(st.integers(1, 6), max_size=40).map(sorted), st.integers(0, 45), st.integers(0, 7))
def test_last_not_after_is_what_a_scan_finds(terms: list[int], index: int, term: int) -> None:
    log = Log().append(entries(terms))
    scan = max((e.index for e in log if e.index <= index and e.term <= term), default=0)
    assert log.last_not_after(index, term) == scan


def test_a_changed_log_shares_its_chunks_and_leaves_the_old_one_alone() -> None:
    old = Log().append(entries([1] * (4 * CHUNK + 3)))
    new = old.append(entries([2], after=old.last_index))
    assert all(a is b for a, b in zip(old.chunks[:4], new.chunks[:4], strict=True))
    assert (old.last_term, new.last_term) == (1, 2)


def test_terms_past_either_end_are_unknown() -> None:
    log = Log(included_index=10, included_term=3).append([Entry(3, 11, None), Entry(5, 12, None)])
    assert [log.term_at(index) for index in range(9, 14)] == [None, 3, 3, 5, None]
    assert log.last_not_after(12, 4) == 11
    assert log.last_not_after(12, 2) == 10
    with pytest.raises(IndexError, match="entry 10 of a log that holds 11 to 12"):
        log.entry(10)
    with pytest.raises(AssertionError, match="included in a snapshot"):
        log.truncate_from(10)


@pytest.mark.parametrize(
    ("entry", "why"), [(Entry(2, 3, None), "entry 3 after 1"), (Entry(1, 2, None), "of term 1 after term 2")]
)
def test_entries_must_follow_on(entry: Entry, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        Log().append([Entry(2, 1, None)]).append([entry])

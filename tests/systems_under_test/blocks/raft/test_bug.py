"""Each seeded bug of the core in a directed script: with it the wrong thing happens, without it the right one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from systems_under_test.blocks.raft import Entry, HardState, Read, Ready, Receive, Request, Role, State, recover, step
from systems_under_test.blocks.raft.bug import (
    APPEND_WITHOUT_PREVIOUS_CHECK,
    COMMIT_EARLIER_TERM_BY_COUNT,
    COMMITTED_ENTRIES_CHANGE,
    LOCAL_READS,
    READ_BEFORE_FIRST_COMMIT,
    SNAPSHOT_DROPS_NEWER_SUFFIX,
    TRUNCATE_ON_EVERY_APPEND,
    TWO_LEADERS,
    VOTE_WITHOUT_UP_TO_DATE_CHECK,
)
from systems_under_test.blocks.raft.core import ElectionTimeout
from systems_under_test.blocks.raft.message import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    RequestVote,
    RequestVoteReply,
)

THREE = ("n1", "n2", "n3")
HONEST = ""


def entries(*terms: int, after: int = 0) -> list[Entry]:
    return [Entry(term, index, {"f": f"{index}.{term}"}) for index, term in enumerate(terms, after + 1)]


def server(name: str, bug: str, log: Sequence[Entry] = (), term: int = 0) -> State:
    return recover(name, THREE, HardState(term), log, frozenset({bug}) - {HONEST})


def told(state: State, leader: str, message: AppendEntries) -> tuple[State, Ready]:
    return step(state, Receive(leader, message))


def answers(ready: Ready) -> list[bool]:
    return [
        reply.success if isinstance(reply, AppendEntriesReply) else reply.granted
        for reply in (envelope.message for envelope in ready.send)
        if isinstance(reply, AppendEntriesReply | RequestVoteReply)
    ]


def leader(bug: str, log: Sequence[Entry] = (), term: int = 0) -> State:
    """n1, elected by n2, with nothing but its no-op to add to ``log``."""
    state, _ = step(server("n1", bug, log, term), ElectionTimeout())
    state, _ = step(state, Receive("n2", RequestVoteReply(state.term, True)))
    assert state.role is Role.LEADER
    return state


def terms(state: State) -> list[int]:
    return [entry.term for entry in state.log]


@pytest.mark.parametrize(("bug", "granted"), [(HONEST, False), (VOTE_WITHOUT_UP_TO_DATE_CHECK, True)])
def test_a_vote_for_a_candidate_that_lacks_entries(bug: str, granted: bool) -> None:
    voter = server("n2", bug, entries(1, 1), term=1)
    _, ready = step(voter, Receive("n3", RequestVote(2, 1, 1)))
    assert answers(ready) == [granted]


@pytest.mark.parametrize(("bug", "commit"), [(HONEST, 0), (COMMIT_EARLIER_TERM_BY_COUNT, 1)])
def test_an_earlier_terms_entry_that_a_majority_has(bug: str, commit: int) -> None:
    state = leader(bug, entries(1), term=1)
    state, ready = step(state, Receive("n2", AppendEntriesReply(2, True, 1, 0, 0, 0, 2)))
    assert state.commit == commit
    assert len(ready.apply) == commit


@pytest.mark.parametrize(
    ("bug", "taken", "log"), [(HONEST, [False], [1, 3]), (APPEND_WITHOUT_PREVIOUS_CHECK, [True], [1, 3, 2])]
)
def test_an_append_after_an_entry_of_another_term(bug: str, taken: list[bool], log: list[int]) -> None:
    state, ready = told(
        server("n2", bug, entries(1, 3), 4), "n1", AppendEntries(4, 2, 2, (*entries(2, after=2),), 0, 0)
    )
    assert answers(ready) == taken
    assert terms(state) == log


@pytest.mark.parametrize("bug", [HONEST, APPEND_WITHOUT_PREVIOUS_CHECK])
def test_an_append_after_the_end_is_refused_in_any_case(bug: str) -> None:
    _, ready = told(server("n2", bug, entries(1), 1), "n1", AppendEntries(1, 5, 1, (), 0, 0))
    assert answers(ready) == [False]


@pytest.mark.parametrize(("bug", "kept"), [(HONEST, 3), (TRUNCATE_ON_EVERY_APPEND, 1)])
def test_a_late_append_of_what_is_in_the_log(bug: str, kept: int) -> None:
    state, _ = told(server("n2", bug), "n1", AppendEntries(1, 0, 0, (*entries(1, 1, 1),), 3, 0))
    assert state.commit == 3
    state, ready = told(state, "n1", AppendEntries(1, 0, 0, (*entries(1),), 0, 0))
    assert state.log.last_index == kept
    assert (ready.save is None) is (bug == HONEST)
    assert state.commit == 3, "what was applied is not taken back"
    assert answers(ready) == [True]


@pytest.mark.parametrize(("bug", "last"), [(HONEST, 4), (SNAPSHOT_DROPS_NEWER_SUFFIX, 2)])
@pytest.mark.parametrize("committed", [1, 4])
def test_a_late_snapshot_of_what_is_in_the_log(bug: str, last: int, committed: int) -> None:
    state, _ = told(server("n2", bug), "n1", AppendEntries(1, 0, 0, (*entries(1, 1, 1, 1),), committed, 0))
    state, ready = step(state, Receive("n1", InstallSnapshot(1, 2, 1, "{}", THREE, (), 0)))
    assert state.log.last_index == last
    assert (state.snapshot.index == 2) is (bug != HONEST)
    assert state.commit == (max(committed, 2) if bug == HONEST else 2)
    assert answers(ready) == [True]


@pytest.mark.parametrize(("bug", "read"), [(HONEST, ()), (LOCAL_READS, (Read(7, 1, 1),))])
def test_a_read_of_a_leader_that_asks_nobody(bug: str, read: tuple[Read, ...]) -> None:
    state, _ = step(leader(bug), Receive("n2", AppendEntriesReply(1, True, 1, 0, 0, 0, 1)))
    _, ready = step(state, Request((), (7,)))
    assert ready.apply == read


@pytest.mark.parametrize(("bug", "read"), [(HONEST, ()), (READ_BEFORE_FIRST_COMMIT, (Read(7, 0, 1),))])
def test_a_read_before_the_terms_first_commit(bug: str, read: tuple[Read, ...]) -> None:
    """The follower rejects the no-op, for it lacks the entry before it; but that answers the round."""
    state, _ = step(leader(bug, entries(1), term=1), Request((), (7,)))
    assert state.round == len(read)
    _, ready = step(state, Receive("n2", AppendEntriesReply(2, False, 1, 0, 0, state.round, 2)))
    assert ready.apply == read


@pytest.mark.parametrize("bug", sorted(TWO_LEADERS))
def test_two_leaders_of_one_term_go_on_and_share_the_followers(bug: str) -> None:
    rival = AppendEntries(1, 0, 0, (*entries(1),), 0, 0)
    first = leader(bug)
    state, ready = told(first, "n2", rival)
    assert (state, ready.send) == (first, ())
    follower, _ = told(server("n3", bug), "n1", AppendEntries(1, 0, 0, (), 0, 0))
    follower, ready = told(follower, "n2", rival)
    assert (follower.leader, answers(ready)) == ("n2", [True])


@pytest.mark.parametrize("bug", sorted(COMMITTED_ENTRIES_CHANGE))
def test_a_follower_replaces_committed_entries_and_takes_nothing_back(bug: str) -> None:
    """Without the bug this is an assertion (``test_core``); with it the damage is for the checkers to see."""
    state, _ = told(server("n2", bug), "n1", AppendEntries(1, 0, 0, (*entries(1, 1),), 2, 0))
    state, ready = told(state, "n3", AppendEntries(2, 0, 0, (*entries(2),), 1, 0))
    assert terms(state) == [2]
    assert (state.commit, ready.apply, answers(ready)) == (2, (), [True])
    state, ready = told(state, "n3", AppendEntries(2, 1, 2, (*entries(2, 2, after=1),), 3, 0))
    assert [entry.index for entry in ready.apply if isinstance(entry, Entry)] == [3]

"""Log compaction and InstallSnapshot, step by step."""

from __future__ import annotations

import pytest

from systems_under_test.blocks.raft import (
    Compact,
    ElectionTimeout,
    Entry,
    HardState,
    HeartbeatTimeout,
    Receive,
    Request,
    Snapshot,
    State,
    recover,
    step,
)
from systems_under_test.blocks.raft.log import Log
from systems_under_test.blocks.raft.message import AppendEntries, AppendEntriesReply, InstallSnapshot
from tests.systems_under_test.blocks.raft.network import Network
from tests.systems_under_test.blocks.raft.test_bug import THREE, answers, entries, leader


def compacted() -> State:
    """n1 leads term 2; n2 has all of its four entries; the first three are in a snapshot, n3 has none."""
    state = leader("", entries(1, 1, 1), term=1)
    state, _ = step(state, Receive("n2", AppendEntriesReply(2, True, 4, 0, 0, 0, 2)))
    assert state.commit == 4
    return step(state, Compact(Snapshot(3, 1, "{}")))[0]


def installs(ready_send: object, to: str) -> list[InstallSnapshot]:
    assert isinstance(ready_send, tuple)
    return [e.message for e in ready_send if e.to == to and isinstance(e.message, InstallSnapshot)]


def test_what_a_snapshot_includes_is_forgotten_and_saved_together_with_what_follows() -> None:
    state = leader("", entries(1, 1, 1), term=1)
    state, _ = step(state, Receive("n2", AppendEntriesReply(2, True, 4, 0, 0, 0, 2)))
    state, ready = step(state, Compact(Snapshot(3, 1, "{}")))
    assert [entry.index for entry in state.log] == [4]
    assert (state.log.term_at(3), state.log.term_at(2)) == (1, None)
    assert ready.save is not None
    assert (ready.save.snapshot, ready.save.log_from) == (Snapshot(3, 1, "{}", THREE), 4)
    assert ready.save.entries == tuple(state.log)
    assert not ready.apply


def test_only_what_is_committed_can_be_compacted() -> None:
    with pytest.raises(AssertionError, match="a snapshot at 4"):
        step(leader("", entries(1, 1, 1), term=1), Compact(Snapshot(4, 2, "{}")))


def test_a_follower_that_lacks_what_is_gone_is_sent_the_snapshot_once_per_heartbeat() -> None:
    state = compacted()
    assert state.progress["n3"].next_index == 4
    rejection = Receive("n3", AppendEntriesReply(2, False, 3, 0, 0, 0, 2))
    state, ready = step(state, rejection)
    assert installs(ready.send, "n3") == [InstallSnapshot(2, 3, 1, "{}", THREE, (), 0)]
    state, ready = step(state, rejection)
    assert not ready.send
    state, ready = step(state, HeartbeatTimeout())
    assert [e.message for e in ready.send if e.to == "n3"] == [AppendEntries(2, 3, 1, (), 4, 0)]
    _, ready = step(state, rejection)
    assert len(installs(ready.send, "n3")) == 1


def test_a_follower_with_another_entry_where_the_snapshot_ends_is_sent_it() -> None:
    _, ready = step(compacted(), Receive("n3", AppendEntriesReply(2, False, 3, 3, 0, 0, 2)))
    assert len(installs(ready.send, "n3")) == 1


def test_a_late_rejection_does_not_ask_for_what_is_known_to_be_there() -> None:
    """The follower has caught up since; what it said then is about an append that was overtaken."""
    state, ready = step(compacted(), Receive("n2", AppendEntriesReply(2, False, 9, 1, 1, 0, 2)))
    assert not installs(ready.send, "n2")
    assert state.progress["n2"].next_index == 5


def test_a_snapshot_takes_the_place_of_a_log_that_conflicts_and_entries_follow() -> None:
    follower = recover("n3", THREE, HardState(1), entries(1, 1))
    follower, ready = step(follower, Receive("n1", InstallSnapshot(2, 3, 1, "{}", THREE, (), 0)))
    assert ready.apply == (Snapshot(3, 1, "{}", THREE),)
    assert (tuple(follower.log), follower.commit, answers(ready)) == ((), 3, [True])
    assert ready.save is not None
    assert (ready.save.hard, ready.save.snapshot) == (HardState(2), Snapshot(3, 1, "{}", THREE))
    more = AppendEntries(2, 3, 1, (Entry(2, 4, None),), 4, 0)
    follower, ready = step(follower, Receive("n1", more))
    assert ready.apply == (Entry(2, 4, None),)
    assert answers(ready) == [True]


def test_a_snapshot_whose_last_entry_is_in_the_log_only_commits_it() -> None:
    follower = recover("n3", THREE, HardState(1), entries(1, 1, 1, 1))
    follower, ready = step(follower, Receive("n1", InstallSnapshot(1, 2, 1, "{}", THREE, (), 0)))
    assert [item.index for item in ready.apply if isinstance(item, Entry)] == [1, 2]
    assert (follower.log.last_index, follower.snapshot.index) == (4, 0)


def test_entries_that_a_snapshot_includes_are_passed_over() -> None:
    """A late message from before the follower's own snapshot."""
    follower = recover("n3", THREE, HardState(1), entries(1, after=3), snapshot=Snapshot(3, 1, "{}"))
    follower, ready = step(follower, Receive("n1", AppendEntries(1, 1, 1, (*entries(1, 1, 1, after=1),), 2, 0)))
    assert answers(ready) == [True]
    assert (ready.save, follower.commit, follower.log.last_index) == (None, 3, 4)


def test_a_server_starts_from_its_snapshot_and_does_not_apply_it_again() -> None:
    state = recover("n3", THREE, HardState(2), entries(2, after=3), snapshot=Snapshot(3, 1, "{}"))
    assert (state.commit, state.log.last_index, state.log.last_term) == (3, 4, 2)
    _, ready = step(state, Receive("n1", AppendEntries(2, 4, 2, (), 4, 0)))
    assert [item.index for item in ready.apply if isinstance(item, Entry)] == [4]


def test_a_follower_that_was_away_catches_up_by_snapshot() -> None:
    network = Network(THREE)
    elect(network, "n1")
    network.isolated = {"n3"}
    for number in range(5):
        ask(network, f"x{number}")
    network.compact("n1")
    network.isolated = set()
    for _ in range(3):
        network.step("n1", HeartbeatTimeout())
        settle(network)
    assert network.states["n3"].snapshot == network.states["n1"].snapshot
    assert len(set(network.applied.values())) == 1
    network.crash("n3")
    assert network.states["n3"].commit == network.states["n1"].snapshot.index


def test_a_log_compacted_anywhere_is_the_rest_of_it() -> None:
    whole = Log().append(entries(*[1] * 300, *[2] * 300))
    for index in (1, 255, 256, 300, 599, 600):
        rest = whole.compact(index)
        assert tuple(rest) == whole.entries(index + 1, 600)
        assert (rest.included_term, rest.last_index, rest.last_term) == (whole.term_at(index), 600, 2)
        assert rest.last_not_after(0, 0) == index


def elect(network: Network, name: str) -> None:
    network.step(name, ElectionTimeout())
    settle(network)


def ask(network: Network, word: str) -> None:
    network.step("n1", Request(({"f": word},)))
    settle(network)


def settle(network: Network) -> None:
    while network.letters:
        network.deliver(network.letters.pop(0))

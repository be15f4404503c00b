"""What must hold after every step of a server; a violation is an error in Raft's code or in its storage, and stops it.

That at most one leader exists per term is asserted where a second one would show: on receipt of AppendEntries, and on
becoming leader.
"""

from __future__ import annotations

from systems_under_test.blocks.raft.bug import COMMIT_FALLS, COMMITTED_ENTRIES_CHANGE
from systems_under_test.blocks.raft.state import Output, Role, State


def check(before: State, after: State) -> None:
    _check_term(before, after)
    _check_log(before, after)
    _check_role(after)
    assert before.output == Output(), "the output of the step before was not taken out"


def _check_term(before: State, after: State) -> None:
    assert after.term >= before.term, f"the term falls from {before.term} to {after.term}"
    changed = after.term == before.term and before.hard.vote not in (None, after.hard.vote)
    assert not changed, f"a second vote in term {after.term}: {before.hard.vote}, then {after.hard.vote}"


def _check_log(before: State, after: State) -> None:
    grows = after.commit >= before.commit or not COMMIT_FALLS.isdisjoint(after.bugs)
    assert grows, f"commit falls from {before.commit} to {after.commit}"
    start = after.log.included_index
    assert start == after.snapshot.index <= after.commit, f"the log begins after {start}, committed is {after.commit}"
    assert after.log.last_term <= after.term, f"an entry of term {after.log.last_term} in term {after.term}"
    if not COMMITTED_ENTRIES_CHANGE.isdisjoint(after.bugs):
        return
    assert after.commit <= after.log.last_index, f"commit {after.commit} passes the log's end {after.log.last_index}"
    changed = after.output.log_from
    assert changed is None or changed > before.commit, f"the log changes at {changed}, committed up to {before.commit}"


def _check_role(after: State) -> None:
    leads = after.role is Role.LEADER
    assert leads or not (after.progress or after.reads), "what only a leader keeps was kept by a former one"
    assert not leads or after.leader == after.name, f"{after.name} leads and believes in {after.leader}"
    for peer, progress in after.progress.items():
        ordered = progress.match_index < progress.next_index <= after.log.last_index + 1
        assert ordered, f"progress of {peer} is out of order: {progress}"

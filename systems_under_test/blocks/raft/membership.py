"""Membership changes: a leader brings servers in and sends others away, while it goes on serving (section 6;
dissertation, chapter 4).

Majorities of the configuration before and after a change must share a server, or else two leaders could decide without
each other. There are two ways to see to that:

* *single*: one server is added or removed at a time. Any two majorities of neighbouring configurations overlap. A
  greater change is several of them, one after another (dissertation 4.1).
* *joint*: any change at once, in two steps: first a joint configuration, in which both the old and the new majority
  must agree, then the new one (section 6; dissertation 4.3).

For both, a leader begins no change before

1. the last one is committed, and
2. it has committed an entry of its own term. Without this rule two leaders that do not know of each other's changes may
   each make one, and *their* majorities need not overlap (Ongaro, "bug in single-server membership changes", raft-dev,
   July 2015).

A server that is new gets the log first, as one that does not vote (4.2.1): else its empty log would count in a majority
that cannot commit until it has caught up. A leader that is removed leads until the configuration without it is
committed, though it does not count itself, and steps down then (4.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from systems_under_test.blocks.raft.bug import CHANGE_BEFORE_COMMIT, JUMP_WITHOUT_JOINT
from systems_under_test.blocks.raft.configuration import Configuration, command_of
from systems_under_test.blocks.raft.replication import append, broadcast, send_entries
from systems_under_test.blocks.raft.state import Change, Progress, Role, State, become_follower, with_progress

CATCH_UP_TIMEOUTS: Final = 8
"""A change is given up that has not come about within so many election timeouts of the leader: a new server is down, or
too slow (4.2.1)."""


def begin_change(state: State, voters: Sequence[str]) -> State:
    """Make ``voters`` the members. Nothing changes if that is refused: another change or a transfer is under way, or
    they are not servers."""
    assert state.role is Role.LEADER
    if not may_begin_change(state, voters):
        return state
    target = tuple(server for server in state.servers if server in voters)
    state = state._replace(change=Change(target))
    for peer in state.peers:
        if peer not in state.progress:
            state = send_entries(with_progress(state, peer, Progress(state.log.last_index + 1)), peer)
    return state


def may_begin_change(state: State, voters: Sequence[str]) -> bool:
    busy = state.change is not None or state.transfer is not None or state.configuration.is_joint
    return not busy and bool(voters) and set(voters) <= set(state.servers)


def continue_change(state: State) -> State:
    """The next step of a change, if the time has come for it; after the last one, its end."""
    if state.role is not Role.LEADER or not _may_change(state):
        return state
    if state.name not in state.configuration.members:
        return become_follower(state, state.hard, state.leader)
    following = _next(state)
    if following is not None:
        return broadcast(_follow(append(state, [command_of(following)])), heartbeat=False)
    over = state.change is not None and state.change.voters == state.configuration.voters
    return _follow(state._replace(change=None)) if over else state


def _may_change(state: State) -> bool:
    """Rules 1 and 2."""
    in_term = state.committed_in_term or CHANGE_BEFORE_COMMIT in state.bugs
    return in_term and state.configurations[-1].index <= state.commit


def _next(state: State) -> Configuration | None:
    """The configuration that the leader must append now, or None."""
    current = state.configuration
    if current.is_joint:
        return Configuration(current.voters)  # whoever began it
    if state.change is None or state.change.voters == current.voters:
        return None
    ready = [server for server in state.change.voters if server in current.voters or _has_caught_up(state, server)]
    if not state.single_changes:
        return _all_at_once(state, current, state.change.voters) if len(ready) == len(state.change.voters) else None
    return _one_server(state, current, ready, state.change.voters)


def _all_at_once(state: State, current: Configuration, voters: tuple[str, ...]) -> Configuration:
    if JUMP_WITHOUT_JOINT in state.bugs:
        return Configuration(voters)
    return Configuration(voters, current.voters)


def _one_server(
    state: State, current: Configuration, ready: Sequence[str], voters: tuple[str, ...]
) -> Configuration | None:
    """Servers come before others go, so that there are enough; the leader goes last."""
    coming = [server for server in ready if server not in current.voters]
    if coming:
        return Configuration(tuple(s for s in state.servers if s in current.voters or s == coming[0]))
    if len(ready) < len(voters):
        return None
    going = sorted((server for server in current.voters if server not in voters), key=lambda s: s == state.name)
    return Configuration(tuple(server for server in current.voters if server != going[0]))


def _has_caught_up(state: State, server: str) -> bool:
    """Whether it holds all that is committed by now (the last of the rounds in 4.2.1, in which nothing new came)."""
    return server in state.progress and state.progress[server].match_index >= state.commit


def _follow(state: State) -> State:
    """Replicate to whom the configuration in use names, and to nobody else."""
    fresh = Progress(state.log.last_index + 1)
    return state._replace(progress={peer: state.progress.get(peer, fresh) for peer in state.peers})


def age_change(state: State) -> State:
    """The leader's election timer ran out once more, and it still leads."""
    change = state.change
    if change is None:
        return state
    if change.timeouts + 1 < CATCH_UP_TIMEOUTS:
        return state._replace(change=change._replace(timeouts=change.timeouts + 1))
    return _follow(state._replace(change=None))

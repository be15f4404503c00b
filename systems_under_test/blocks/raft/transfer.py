"""Leadership transfer: a leader hands over to a follower of its choice (Ongaro's dissertation, 3.10).

1. The prior leader stops accepting new client requests.
2. It brings the target's log up to its own.
3. It sends the target TimeoutNow, and the target stands for election at once. It has a head start, and a log that
   everybody votes for; its RequestVote says that it may disturb the leader (``RequestVote.disrupts``).

If the target has not taken over when an election timeout has passed, the transfer is aborted, and the prior leader
accepts requests again. But it cannot take TimeoutNow back, which may arrive much later and break its lease: from that
message on it holds no lease in this term (``State.gave_up_lease``).
"""

from __future__ import annotations

from systems_under_test.blocks.raft.election import campaign
from systems_under_test.blocks.raft.message import TimeoutNow
from systems_under_test.blocks.raft.state import Role, State, Transfer, restart, send


def begin_transfer(state: State, to: str | None) -> State:
    """Hand over to ``to``, or, if None, to the follower whose log is longest. Nothing changes if that is refused:
    another transfer or a change of members is under way, or there is no such follower."""
    assert state.role is Role.LEADER
    target = transfer_target(state, to)
    if target is None:
        return state
    return hand_over(restart(state._replace(transfer=Transfer(target)), "election"))


def transfer_target(state: State, to: str | None) -> str | None:
    """Whom the leader would hand over to, if ``to`` is what is wanted; None if that is refused."""
    voters = [voter for voter in state.voters if voter != state.name]
    if state.transfer is not None or state.change is not None or state.configuration.is_joint:
        return None
    if to is None:
        return max(voters, key=lambda peer: state.progress[peer].match_index, default=None)
    return to if to in voters else None


def hand_over(state: State) -> State:
    """Tell the target to stand for election, once its log is as long as the leader's."""
    transfer = state.transfer
    if transfer is None or transfer.told or state.progress[transfer.target].match_index < state.log.last_index:
        return state
    state = state._replace(transfer=transfer._replace(told=True), gave_up_lease=True)
    return send(state, transfer.target, TimeoutNow(state.term))


def abort_transfer(state: State) -> State:
    """The election timer of the leader ran out, and it still leads."""
    return state._replace(transfer=None)


def receive_timeout_now(state: State, leader: str, m: TimeoutNow) -> State:
    """Stand for election, without asking first, unless all this is over."""
    is_current = state.may_stand and m.term == state.term and state.leader == leader and state.role is not Role.LEADER
    return campaign(state, disrupts=True) if is_current else state

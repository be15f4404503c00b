"""Raft's messages and their JSON form.

They travel as datagrams: lost, duplicated, reordered. So a reply carries what it answers (``index``, ``round``,
``request_term``), and every message is safe to receive twice and late. ``candidateId`` and ``leaderId`` of Figure 2 are
the sender's name, which the host vouches for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from systems_under_test.blocks.raft.log import Entry


@dataclass(frozen=True, slots=True)
class RequestVote:
    """A candidate of ``term``, whose log ends with entry ``last_index`` of ``last_term``, asks for a vote.

    ``disrupts`` if the leader itself has told it to (``transfer``): then a leader may be disturbed. ``incarnation`` is
    the candidate's: a vote for one is none for another, which may not know that it has stood in this term (``rejoin``).
    """

    term: int
    last_index: int
    last_term: int
    disrupts: bool = False
    incarnation: int = 1


@dataclass(frozen=True, slots=True)
class RequestVoteReply:
    """``incarnation`` is the request's."""

    term: int
    granted: bool
    incarnation: int = 1


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """The leader's entries after ``previous_index``; none makes a heartbeat.

    ``commit`` is the leader's commit index, ``round`` the latest round of leadership confirmation (``reading``).
    """

    term: int
    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    commit: int
    round: int


@dataclass(frozen=True, slots=True)
class AppendEntriesReply:
    """On success ``index`` is the last entry known to match the leader's log, ``hint_*`` are 0.

    Otherwise ``index`` is the rejected ``previous_index``, and ``hint_index`` the last entry of the follower's that can
    match, with its term ``hint_term``. ``round`` and ``request_term`` are the request's; ``term`` may be later than
    that.
    """

    term: int
    success: bool
    index: int
    hint_index: int
    hint_term: int
    round: int
    request_term: int


@dataclass(frozen=True, slots=True)
class PreVote:
    """Whether the receiver would vote for the sender in term ``asked`` (the sender is still in ``term``)."""

    term: int
    asked: int
    last_index: int
    last_term: int


@dataclass(frozen=True, slots=True)
class PreVoteReply:
    """``term`` is the voter's own, ``asked`` the one it was asked about."""

    term: int
    asked: int
    granted: bool


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """The leader of ``term`` tells the receiver to stand for election at once."""

    term: int


@dataclass(frozen=True, slots=True)
class InstallSnapshot:
    """The leader's snapshot (Figure 13): the machine's ``state``, JSON text, after the entry at ``included_index``, and
    the configuration there. The answer is an AppendEntriesReply."""

    term: int
    included_index: int
    included_term: int
    state: str
    voters: tuple[str, ...]
    old_voters: tuple[str, ...]
    round: int


@dataclass(frozen=True, slots=True)
class Rejoin:
    """A server that has lost its disk asks, in this ``incarnation`` of it; ``round``: how often it has begun anew."""

    term: int
    incarnation: int
    round: int


@dataclass(frozen=True, slots=True)
class RejoinReply:
    """``term`` is the sender's; ``incarnation`` and ``round`` are the request's. The sender was in term ``ceased_in``
    when it was asked in that round first, and has not counted since what earlier incarnations said. Whether it
    ``remembers``: not if it has lost its disk, too, and still asks, or if that is corrupt."""

    term: int
    incarnation: int
    round: int
    ceased_in: int
    remembers: bool


RaftMessage = (
    RequestVote
    | RequestVoteReply
    | PreVote
    | PreVoteReply
    | AppendEntries
    | AppendEntriesReply
    | InstallSnapshot
    | TimeoutNow
    | Rejoin
    | RejoinReply
)

TYPE: Final = "raft"


def encode(message: RaftMessage) -> dict[str, Any]:
    """The message as a JSON object: type "raft", its kind, its fields. Entries are [term, command] pairs, because
    their indices follow from ``previous_index``."""
    encoded: dict[str, Any] = {"type": TYPE, "kind": type(message).__name__}
    for name in message.__slots__:
        encoded[name] = getattr(message, name)
    if isinstance(message, AppendEntries):
        encoded["entries"] = [[entry.term, entry.command] for entry in message.entries]
    return encoded


def decode(message: Mapping[str, Any]) -> RaftMessage:
    """What ``encode`` made; KeyError or TypeError if it was not ``encode`` that made it."""
    return _DECODERS[message["kind"]](message)


def _append_entries(m: Mapping[str, Any]) -> AppendEntries:
    first = m["previous_index"] + 1
    entries = tuple(Entry(term, index, command) for index, (term, command) in enumerate(m["entries"], first))
    return AppendEntries(m["term"], m["previous_index"], m["previous_term"], entries, m["commit"], m["round"])


def _append_entries_reply(m: Mapping[str, Any]) -> AppendEntriesReply:
    return AppendEntriesReply(
        m["term"], m["success"], m["index"], m["hint_index"], m["hint_term"], m["round"], m["request_term"]
    )


def _install_snapshot(m: Mapping[str, Any]) -> InstallSnapshot:
    voters, old_voters = tuple(m["voters"]), tuple(m["old_voters"])
    return InstallSnapshot(
        m["term"], m["included_index"], m["included_term"], m["state"], voters, old_voters, m["round"]
    )


_DECODERS: Final[Mapping[str, Callable[[Mapping[str, Any]], RaftMessage]]] = {
    "RequestVote": lambda m: RequestVote(m["term"], m["last_index"], m["last_term"], m["disrupts"], m["incarnation"]),
    "RequestVoteReply": lambda m: RequestVoteReply(m["term"], m["granted"], m["incarnation"]),
    "PreVote": lambda m: PreVote(m["term"], m["asked"], m["last_index"], m["last_term"]),
    "PreVoteReply": lambda m: PreVoteReply(m["term"], m["asked"], m["granted"]),
    "TimeoutNow": lambda m: TimeoutNow(m["term"]),
    "Rejoin": lambda m: Rejoin(m["term"], m["incarnation"], m["round"]),
    "RejoinReply": lambda m: RejoinReply(m["term"], m["incarnation"], m["round"], m["ceased_in"], m["remembers"]),
    "InstallSnapshot": _install_snapshot,
    "AppendEntries": _append_entries,
    "AppendEntriesReply": _append_entries_reply,
}

"""Who held which lock from when to when, as far as a history makes it certain.

A grant is certain when its acquire has come back ok, and took effect before. So its process certainly holds the lock
from that completion on until it first asks to release it: until the invocation of the next release, whatever its
outcome. What may shorten that makes the rest of the hold *doubtful*, and never an accusation:

* a release that failed did not release; but it may have failed because the lock was lost before. From its invocation
  to the process's next release or acquire the hold is doubtful;
* a process that acquires again while it holds (a reentrant lock) certainly holds until its first release, and
  doubtfully until it has released as often;
* a release by a process that did not hold the lock, where the service lets it through, may have ended any hold that
  it met: from its invocation on that hold is doubtful;
* a process of which an operation ended without an answer never acts again. It holds until that was invoked, and then
  not at all: a lock service may take the lock from a session that has gone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, Call, History

ACQUIRE: Final = ("acquire", "lock")
RELEASE: Final = ("release", "unlock")
WRITE: Final = "write"
_PASSED_OVER: Final = ("read", DUMP)


@dataclass(slots=True)
class Hold:
    """One process's hold of one lock: certain from ``start`` (where its acquire completed) to ``certain_end``, doubtful
    from there to ``end``, both ends exclusive; infinity: to the end of the history."""

    acquire: Call
    certain_end: float = inf
    end: float = inf
    depth: int = 1

    @property
    def process(self) -> Any:
        return self.acquire.process

    @property
    def start(self) -> int:
        return end_of(self.acquire)

    def ends(self, position: float) -> None:
        self.certain_end = min(self.certain_end, position)
        self.end = min(self.end, position)

    def becomes_doubtful(self, position: float) -> None:
        self.certain_end = min(self.certain_end, position)


@dataclass(slots=True)
class Lock:
    """One key: its grants in order of invocation, their holds, and the releases by processes that did not hold it.
    ``again`` has, for a grant (by its invocation) to a process that had not given the lock back, the grant before."""

    key: Any
    grants: list[Call] = field(default_factory=list)
    again: dict[int, Call] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    foreign: list[Call] = field(default_factory=list)


def end_of(call: Call) -> int:
    """Where an ok operation completed."""
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def locks_of(history: History) -> list[Lock]:
    """The locks in order of their first operations. Raises :class:`checkers.guard.Unsupported` for other operations
    than those of a lock and of a storage, and :class:`harness.history.HistoryError`."""
    codes = Codes()
    locks: dict[int, Lock] = {}
    held: dict[Any, dict[int, Hold]] = {}  # process -> code of the key -> its open hold
    for call in history.calls():  # those of one process follow each other, and processes do not meet here
        key = codes.code(call.key)
        holds = held.setdefault(call.process, {})
        if call.f in ACQUIRE:
            _acquire(locks.setdefault(key, Lock(call.key)), holds, key, call)
        elif call.f in RELEASE:
            _release(locks.setdefault(key, Lock(call.key)), holds, key, call)
        elif call.f != WRITE and call.f not in _PASSED_OVER and call.outcome != "fail":
            raise Unsupported(
                f"operation {call.invoke}: read the operation {show(call.f)}; expected acquire, release, write or read"
            )
        if call.outcome == "info":
            for hold in held.pop(call.process).values():
                hold.ends(call.invoke)
    for lock in locks.values():
        _doubt_what_others_released(lock)
    return list(locks.values())


def _acquire(lock: Lock, holds: dict[int, Hold], key: int, call: Call) -> None:
    if call.outcome != "ok":
        return
    lock.grants.append(call)
    hold = holds.get(key)
    if hold is not None:
        lock.again[call.invoke] = hold.acquire
        hold.depth += 1
        if hold.certain_end == inf:
            return
        hold.ends(call.invoke)
    holds[key] = Hold(call, depth=1 if hold is None else hold.depth)
    lock.holds.append(holds[key])


def _release(lock: Lock, holds: dict[int, Hold], key: int, call: Call) -> None:
    hold = holds.get(key)
    if hold is None:
        if call.outcome != "fail":
            lock.foreign.append(call)
        return
    hold.becomes_doubtful(call.invoke)
    if call.outcome == "fail":
        hold.depth = 0  # it may have been lost: the next release or acquire finds what it finds
        return
    hold.depth -= 1
    if hold.depth <= 0:
        hold.ends(call.invoke)
        del holds[key]


def _doubt_what_others_released(lock: Lock) -> None:
    """A release by one who held nothing may have ended every hold that it ran beside."""
    if not lock.foreign:
        return
    begins = [call.invoke for call in lock.foreign]
    ends = [inf if call.outcome == "info" or call.complete is None else call.complete for call in lock.foreign]
    latest = list(accumulate(ends, max))
    for hold in lock.holds:
        at = bisect_left(begins, hold.start)
        if at > 0 and latest[at - 1] > hold.start:
            hold.becomes_doubtful(hold.start)
        elif at < len(begins):
            hold.becomes_doubtful(begins[at])


def token_of(call: Call, value: Any) -> int | None:
    """The fencing token in an acquire's result or a write's argument, if there is one."""
    named = isinstance(value, Mapping)
    token = value.get("token", value.get("fence")) if named else value if call.f in ACQUIRE else None
    if token is None or (not named and (not _is_integer(token) or token == call.argument)):
        return None  # an answer that is not a token, or echoes what was asked, as Jepsen's do
    if not _is_integer(token):
        raise Unsupported(f"operation {call.invoke}: read the fencing token {show(token)}; expected an integer")
    return int(token)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def positions_of(calls: Iterable[Call]) -> tuple[int, ...]:
    """Both halves of each call, or its invocation if nothing came back; each position once."""
    halves = (position for call in calls for position in (call.invoke, call.complete))
    return tuple(dict.fromkeys(position for position in halves if position is not None))


def where(key: Any) -> str:
    """The beginning of a sentence about this key."""
    return "" if key is None else f"Key {show(key)}: "

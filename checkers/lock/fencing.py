"""Fencing: tokens grow from grant to grant, and a storage that has seen a newer one accepts no older one.

``checkers.lock`` has the operations. Only what real time makes certain is held against anybody:

* *token-order*: an acquire began when another one had ended, and its token is not greater;
* *token-reused*: two acquires ran beside each other, and were given the same token. A process that is granted the lock
  again, without having given it back, may be given the token that it has: that is the same grant;
* *stale-write*: a write was accepted, though one with a greater token had been accepted before it began. Equal tokens
  are those of one holder. What a refused write showed the storage, or one of unknown outcome, is not counted as seen.

Tokens of different keys are not compared: each lock counts by itself, and each object is guarded by one lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from checkers.guard import guarded
from checkers.lock.hold import WRITE, Lock, end_of, locks_of, positions_of, token_of, where
from checkers.value import Codes, plain, show
from harness.history import INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "fencing"
ORDER, REUSED, STALE_WRITE = "token-order", "token-reused", "stale-write"
PAIRS_TOLD_MAX: Final = 8


class Fenced(NamedTuple):
    """An acquire that was granted, or a write that was accepted, with its token."""

    call: Call
    token: int


Pair = tuple[Fenced, Fenced]  # in order of their invocations


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether the tokens fence. O(n log n); the time limit is unused.

    Invalid: one anomaly "token-order", "token-reused" or "stale-write" per later operation that shows it
    (PAIRS_TOLD_MAX of each per key, the first ones), its operations being both halves of both. Unknown where no two
    tokens can be compared. Raises :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="tokens")


def _judge(history: History) -> Result:
    anomalies: list[Anomaly] = []
    found = {ORDER: 0, REUSED: 0, STALE_WRITE: 0}
    tokens = compared = 0
    locks, stores = locks_of(history), _writes(history)
    for lock in locks:
        granted = _grants(lock)
        tokens, compared = tokens + len(granted), compared + max(0, len(granted) - 1)
        for type_, pairs in ((ORDER, list(_not_after(granted, equal=True))), (REUSED, list(_reused(granted)))):
            found[type_] += len(pairs)
            anomalies += [_anomaly(type_, lock.key, pair) for pair in pairs[:PAIRS_TOLD_MAX]]
    for key, writes in stores:
        pairs = list(_not_after(writes, equal=False))
        compared += max(0, len(writes) - 1)
        found[STALE_WRITE] += len(pairs)
        anomalies += [_anomaly(STALE_WRITE, key, pair) for pair in pairs[:PAIRS_TOLD_MAX]]
    too_few = not compared and not anomalies
    return Result(
        valid=False if anomalies else "unknown" if too_few else True,
        expect=EXPECT,
        method="tokens",
        reason=Reason.TOO_FEW_OK if too_few else None,
        explanation=_TOO_FEW if too_few else None,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "grants": sum(len(lock.grants) for lock in locks),
            "tokens": tokens,
            "fenced_writes": sum(len(writes) for _, writes in stores),
            **{f"{type_.replace('-', '_')}s": count for type_, count in found.items()},
        },
    )


_TOO_FEW: Final = (
    "no two tokens can be compared: of no lock were there two grants with tokens, nor two writes of an object"
)


def _grants(lock: Lock) -> list[Fenced]:
    """The grants with tokens, in order of invocation, without those that are an earlier grant told again."""
    found = []
    for call in lock.grants:
        token, before = token_of(call, call.result), lock.again.get(call.invoke)
        if token is not None and (before is None or token_of(before, before.result) != token):
            found.append(Fenced(call, token))
    return found


def _writes(history: History) -> list[tuple[Any, list[Fenced]]]:
    """Per object the accepted writes with tokens, in order of invocation."""
    codes = Codes()
    found: dict[int, tuple[Any, list[Fenced]]] = {}
    for call in history.calls():
        if call.f == WRITE and call.outcome == "ok":
            token = token_of(call, call.argument)
            if token is not None:
                found.setdefault(codes.code(call.key), (call.key, []))[1].append(Fenced(call, token))
    return list(found.values())


def _not_after(fenced: Sequence[Fenced], *, equal: bool) -> Iterator[Pair]:
    """Each that has a smaller token (or, if ``equal`` counts, the same) than one that had ended when it began, with
    the greatest such."""
    ending = sorted(fenced, key=lambda each: end_of(each.call), reverse=True)
    greatest: Fenced | None = None
    for each in fenced:
        while end_of(ending[-1].call) < each.call.invoke:
            ended = ending.pop()
            greatest = ended if greatest is None or ended.token > greatest.token else greatest
        if greatest is not None and (each.token < greatest.token or (equal and each.token == greatest.token)):
            yield greatest, each


def _reused(granted: Sequence[Fenced]) -> Iterator[Pair]:
    """Two grants of one token that ran beside each other; those that did not are out of order."""
    last: dict[int, Fenced] = {}
    for each in granted:
        before = last.get(each.token)
        if before is not None and end_of(before.call) > each.call.invoke:
            yield before, each
        if before is None or end_of(before.call) < end_of(each.call):
            last[each.token] = each


def _anomaly(type_: str, key: Any, pair: Pair) -> Anomaly:
    first, second = pair
    return Anomaly(
        type=type_,
        operations=positions_of([first.call, second.call]),
        explanation=where(key) + _story(type_, first, second),
        details={"key": plain(key), "tokens": [plain(first.token), plain(second.token)]},
    )


def _story(type_: str, first: Fenced, second: Fenced) -> str:
    token, before = show(second.token), show(first.token)
    if type_ == STALE_WRITE:
        return (
            f"process {second.call.process}'s write with token {token} was accepted (op {second.call.complete}), "
            f"though process {first.call.process}'s with token {before} had been, before it began "
            f"(op {first.call.complete})."
        )
    if type_ == REUSED:
        return (
            f"process {first.call.process} (op {first.call.complete}) and process {second.call.process} "
            f"(op {second.call.complete}) were both granted the lock with token {token}."
        )
    return (
        f"process {second.call.process} was granted the lock with token {token} (op {second.call.complete}), though "
        f"process {first.call.process} had been granted it with token {before} before that began "
        f"(op {first.call.complete})."
    )

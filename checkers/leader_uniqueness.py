"""Leader uniqueness in a recorded history: nobody is told of two leaders of one epoch.

What ``checkers.leadership`` asks of a run's own nodes, asked of what clients were told (as jgroups-raft's Jepsen test
does with its ``inspect``; Raft's *election safety*, Ongaro & Ousterhout 2014, figure 3). Operations: ``inspect``,
``leader``, ``elect`` or ``lead``, whose ok value is a pair [leader, epoch], or a mapping with "leader" (else the
operation's ``node`` is meant) and one of "epoch", "term", "generation", "ballot" or "view". A null leader is none.

An epoch is won once and for ever, so the time at which somebody was told does not matter, nor who asked. Operations
that failed or of unknown outcome tell nothing; all other operations are passed over. Keys (consensus groups,
partitions) have epochs of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import Unsupported, guarded
from checkers.leadership import ANOMALY, CLAIMS_LISTED_MAX, EPOCHS_LISTED_MAX, EXPECT
from checkers.value import Codes, plain, show
from harness.history import Call, History
from harness.result import Anomaly, Reason, Result

OPERATIONS: Final = ("inspect", "leader", "elect", "lead")
EPOCHS: Final = ("epoch", "term", "generation", "ballot", "view")
_NOBODY_SAID: Final = f"no ok operation ({', '.join(OPERATIONS)}) told who leads"


@dataclass(slots=True)
class _Epoch:
    """One epoch of one key: its leaders by code, each with its name and the first call that told of it."""

    key: Any
    epoch: Any
    leaders: dict[int, tuple[Any, Call]] = field(default_factory=dict)


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no epoch had two leaders. Linear; the time limit is unused.

    Invalid: one anomaly "two-leaders" per epoch (EPOCHS_LISTED_MAX, the first ones), its operations being both halves
    of the first operation that told of each leader. Unknown if nobody was told of any leader. Raises
    :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="claims")


def _judge(history: History) -> Result:
    codes = Codes()
    epochs: dict[int, _Epoch] = {}
    claims = asked = 0
    for call in history.calls():
        asked += call.f in OPERATIONS
        for leader, epoch in _claims(history, call):
            claims += 1
            found = epochs.setdefault(codes.code([call.key, epoch]), _Epoch(call.key, epoch))
            found.leaders.setdefault(codes.code(leader), (leader, call))
    shared = [epoch for epoch in epochs.values() if len(epoch.leaders) > 1]
    return Result(
        valid=False if shared else True if claims else "unknown",
        expect=EXPECT,
        method="claims",
        reason=None if claims else Reason.TOO_FEW_OK,
        explanation=None if claims else _NOBODY_SAID,
        anomalies=tuple(map(_anomaly, shared[:EPOCHS_LISTED_MAX])),
        operations=asked,
        details={"claims": claims, "epochs": len(epochs), "shared_epochs": len(shared)},
    )


def _claims(history: History, call: Call) -> Iterator[tuple[Any, Any]]:
    """The leader and the epoch that this operation tells of, if it does."""
    if call.f not in OPERATIONS or call.outcome != "ok" or call.result is None:
        return
    leader, epoch = _pair(history, call)
    if leader is not None:
        if epoch is None:
            raise Unsupported(f"operation {call.complete}: read the leader {show(leader)} of no epoch; expected one of "
                              f"{', '.join(EPOCHS)}")  # fmt: skip
        yield leader, epoch


def _pair(history: History, call: Call) -> tuple[Any, Any]:
    value = call.result
    if isinstance(value, Mapping):
        node = history.nodes[call.complete] if history.nodes and call.complete is not None else None
        epoch = next((value[name] for name in EPOCHS if value.get(name) is not None), None)
        return value.get("leader", node), epoch
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return value[0], value[1]
    raise Unsupported(f"operation {call.complete}: read {show(value)}; expected [leader, epoch] or "
                      '{"leader": name, "epoch": number}')  # fmt: skip


def _anomaly(epoch: _Epoch) -> Anomaly:
    told = list(epoch.leaders.values())
    calls = [call for _, call in told[:CLAIMS_LISTED_MAX]]
    listed = ", ".join(
        f"{show(leader)} (told to process {call.process}, op {call.complete})"
        for leader, call in told[:CLAIMS_LISTED_MAX]
    )
    more = f" and {len(told) - CLAIMS_LISTED_MAX} more" if len(told) > CLAIMS_LISTED_MAX else ""
    where = "" if epoch.key is None else f"Key {show(epoch.key)}: "
    positions = [position for call in calls for position in (call.invoke, call.complete) if position is not None]
    return Anomaly(
        type=ANOMALY,
        operations=tuple(positions),
        explanation=f"{where}epoch {show(epoch.epoch)} had {len(told)} leaders: {listed}{more}.",
        details={
            "key": plain(epoch.key),
            "epoch": plain(epoch.epoch),
            "leaders": [plain(leader) for leader, _ in told[:CLAIMS_LISTED_MAX]],
        },
    )

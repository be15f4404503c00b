"""Leader uniqueness: no epoch may have two leaders (Raft's *election safety*: Ongaro & Ousterhout 2014, figure 3).

A term, generation or ballot is won once. So among what nodes tell when they begin to lead, an epoch that is claimed by
two nodes, or by two incarnations of one (which voted, was restarted and forgot it), is a split brain, whether or not a
client saw it. One incarnation that claims the same epoch twice is still one leader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from checkers.guard import guarded
from checkers.value import Codes, plain, show
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "leader-uniqueness"
ANOMALY: Final = "two-leaders"
EPOCHS_LISTED_MAX: Final = 16
CLAIMS_LISTED_MAX: Final = 8

Claims = dict[tuple[str, int], Mapping[str, Any]]  # (node, incarnation) -> the event of its first claim


def check(events: Iterable[Mapping[str, Any]], *, event: str, epoch: str) -> Result:
    """Whether no epoch had two leaders.

    ``events`` are mappings as in events.jsonl ({"name", "node", "incarnation", "fields", ...}), in any order; ``event``
    is the name that tells of a new leader, ``epoch`` the field with its epoch (see ``System.leadership``). Invalid: one
    anomaly "two-leaders" per epoch, whose details name them; it has no operations, for no client need have noticed.
    Unknown where such an event has no epoch: it may have been any.
    """
    return guarded(EXPECT, lambda: _judge([e for e in events if e.get("name") == event], event, epoch), method="events")


def _judge(events: list[Mapping[str, Any]], name: str, field: str) -> Result:
    codes = Codes()
    by_epoch: dict[int, Claims] = {}
    unreadable: list[str] = []
    for event in events:
        fields, node, incarnation = event.get("fields"), event.get("node"), event.get("incarnation")
        epoch = fields.get(field) if isinstance(fields, Mapping) else None
        if epoch is None or not isinstance(node, str) or type(incarnation) is not int:
            unreadable.append(show(dict(event)))
        else:
            by_epoch.setdefault(codes.code(epoch), {}).setdefault((node, incarnation), event)
    shared = [(codes.value(code), claims) for code, claims in by_epoch.items() if len(claims) > 1]
    doubtful = bool(unreadable) and not shared
    return Result(
        valid=False if shared else "unknown" if doubtful else True,
        expect=EXPECT,
        method="events",
        reason=Reason.UNSUPPORTED if doubtful else None,
        explanation=_doubt(name, field, unreadable) if doubtful else None,
        anomalies=tuple(_anomaly(name, field, epoch, claims) for epoch, claims in shared[:EPOCHS_LISTED_MAX]),
        details={"event": name, "events": len(events), "epochs": len(by_epoch), "shared_epochs": len(shared)},
    )


def _doubt(name: str, field: str, unreadable: list[str]) -> str:
    return (
        f"{len(unreadable)} of the events {show(name)} do not say which node began to lead in which {field} "
        f"(the first: {unreadable[0]}); expected node, incarnation and fields.{field}"
    )


def _anomaly(name: str, field: str, epoch: Any, claims: Claims) -> Anomaly:
    claimants = list(claims)
    nodes = {node for node, _ in claimants}
    told = ", ".join(f"{node[:60]} (incarnation {incarnation})" for node, incarnation in claimants[:CLAIMS_LISTED_MAX])
    more = f" and {len(claimants) - CLAIMS_LISTED_MAX} more" if len(claimants) > CLAIMS_LISTED_MAX else ""
    what = f"{len(nodes)} nodes" if len(nodes) > 1 else f"{len(claimants)} incarnations of one node"
    return Anomaly(
        type=ANOMALY,
        operations=(),
        explanation=f"{what} claimed to lead {field} {show(epoch)}, by the event {show(name)}: {told}{more}.",
        details={
            "epoch": plain(epoch),
            "leaders": [_leader(claims[claimant]) for claimant in claimants[:CLAIMS_LISTED_MAX]],
        },
    )


def _leader(event: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: event[name] for name in ("time_ns", "time_monotonic_ns") if type(event.get(name)) is int}
    return {"node": event["node"][:100], "incarnation": event["incarnation"], **times}

"""Convergence: once all is quiet, do the replicas hold the same?

Eventual consistency promises that when updates stop, every replica comes to the same state (Vogels 2009; *strong*
convergence: Shapiro et al. 2011); replicas of a deterministic state machine must, too. A client that asks the system
may never see that two of them differ, so the replicas themselves are asked: ``dump``, whose ``node`` is the replica and
whose ok value is ``{"state": {key: value}, "applied": number}``.

What counts are the dumps that were invoked when the last other operation had ended (reads change nothing, and may
come later); the last ok one of each node is what it holds in the end. Two nodes that differ there have *diverged* if
each said the same STABLE_MIN times in a row and no other is still on its way: where a replica's state or ``applied``
moves, it may yet arrive. Values are compared as JSON; a list has an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from checkers.guard import Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "eventual"
ANOMALY: Final = "divergence"
STABLE_MIN: Final = 3
_HARMLESS: Final = (DUMP, "read")
_KEYS_TOLD_MAX: Final = 3
_KEYS_LISTED_MAX: Final = 24
_NODES_TOLD_MAX: Final = 16
_ELEMENTS_TOLD_MAX: Final = 4
_ABSENT: Final = -1


@dataclass(frozen=True, slots=True)
class _Dump:
    """One ok dump: a code per key, and a code of all that is compared between dumps of one node."""

    call: Call
    state: Mapping[int, int]
    whole: int
    progress: int

    @property
    def complete(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete


Group = tuple[list[str], Mapping[int, int]]  # nodes that hold the same, and what they hold


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether the replicas that answered hold the same when all is quiet. Linear in the history; the limit is unused.

    Invalid: one anomaly "divergence", its operations being both halves of the last dump of each node that differs from
    another. Unknown where fewer than two nodes answered, or they differ and may yet agree. ``details`` name the nodes
    that answered and those that did not. Raises :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="dumps")


def _judge(history: History) -> Result:
    codes = Codes()
    calls = history.calls()
    dumps = _dumps(calls, history, codes)
    groups = _groups({node: said[-1] for node, said in dumps.items() if said})
    answered = [node for node, said in dumps.items() if said]
    details = {
        "answered": answered,
        "unanswered": [node for node, said in dumps.items() if not said],
        "dumps": sum(map(len, dumps.values())),
        "states": len(groups),
    }
    operations = sum(1 for call in calls if call.f == DUMP)
    about: dict[str, Any] = {"expect": EXPECT, "method": "dumps", "operations": operations, "details": details}
    if len(answered) < 2:
        return Result("unknown", reason=Reason.MISSING_FINAL_READ, explanation=_too_few(dumps, calls), **about)
    if len(groups) == 1:
        return Result(True, **about)
    settled = {node: dumps[node][-1] for node in answered if len(dumps[node]) >= STABLE_MIN}
    diverged = _groups(settled)
    if (moving := [node for node in answered if _moves(dumps[node])]) or len(diverged) < 2:
        explanation = _on_the_way(moving or [node for node in answered if node not in settled])
        return Result("unknown", reason=Reason.MISSING_FINAL_READ, explanation=explanation, **about)
    return Result(False, anomalies=(_divergence(diverged, dumps, codes),), **about)


def _dumps(calls: Sequence[Call], history: History, codes: Codes) -> dict[str, list[_Dump]]:
    """Per node that was asked in the quiet, its ok dumps in order of completion."""
    quiet = max((_last(call) for call in calls if call.f not in _HARMLESS and call.outcome != "fail"), default=-1)
    found: dict[str, list[_Dump]] = {}
    for call in sorted((call for call in calls if call.f == DUMP and call.invoke > quiet), key=_last):
        node = _node(history, call)
        said = found.setdefault(node, [])
        if call.outcome == "ok":
            said.append(_dump(call, codes))
    return found


def _last(call: Call) -> int:
    return call.invoke if call.complete is None else call.complete


def _node(history: History, call: Call) -> str:
    """The replica that answered; if none did, the one that was asked."""
    nodes = history.nodes or []
    positions = [position for position in (call.complete, call.invoke) if position is not None]
    node = next((nodes[position] for position in positions if nodes and nodes[position] is not None), None)
    if node is None:
        raise Unsupported(f"operation {call.invoke}: read a dump of no node; expected the replica's name as its node")
    return str(node)


def _dump(call: Call, codes: Codes) -> _Dump:
    result = call.result
    state = result.get("state") if isinstance(result, Mapping) else None
    if not isinstance(result, Mapping) or not isinstance(state, Mapping):
        raise Unsupported(
            f'operation {call.complete}: read the dump {show(result)}; expected {{"state": {{key: value}}, '
            '"applied": number}'
        )
    coded = {codes.code(key): codes.code(value) for key, value in state.items()}
    return _Dump(call, coded, codes.code(state), codes.code([state, result.get("applied")]))


def _groups(last: Mapping[str, _Dump]) -> list[Group]:
    """The nodes by what they hold, the largest group first."""
    groups: dict[int, Group] = {}
    for node, dump in sorted(last.items(), key=lambda entry: (len(entry[0]), entry[0])):  # n2 stands before n10
        groups.setdefault(dump.whole, ([], dump.state))[0].append(node)
    return sorted(groups.values(), key=lambda group: -len(group[0]))


def _moves(said: Sequence[_Dump]) -> bool:
    return len({dump.progress for dump in said[-STABLE_MIN:]}) > 1


def _too_few(dumps: Mapping[str, Sequence[_Dump]], calls: Sequence[Call]) -> str:
    if not dumps:
        asked = "no replica was asked" if all(call.f != DUMP for call in calls) else "all replicas were asked too early"
        return f"{asked} what it holds when all was quiet, so whether they agree is not known"
    silent = [node for node, said in dumps.items() if not said]
    return (
        f"fewer than two replicas said what they hold when all was quiet ({_list(silent)} did not), so whether they "
        "agree is not known"
    )


def _on_the_way(moving: Sequence[str]) -> str:
    return (
        f"the replicas do not hold the same, but {_list(moving)} did not say the same {STABLE_MIN} times in a row: "
        "what is still on its way has not diverged"
    )


def _list(nodes: Sequence[str]) -> str:
    more = f" and {len(nodes) - _NODES_TOLD_MAX} more" if len(nodes) > _NODES_TOLD_MAX else ""
    return ", ".join(node[:60] for node in nodes[:_NODES_TOLD_MAX]) + more


def _divergence(groups: Sequence[Group], dumps: Mapping[str, Sequence[_Dump]], codes: Codes) -> Anomaly:
    keys = _differing(groups, codes)
    told = [_difference(groups, key, codes) for key in keys[:_KEYS_TOLD_MAX]]
    more = f"; and so with {len(keys) - _KEYS_TOLD_MAX} more keys" if len(keys) > _KEYS_TOLD_MAX else ""
    last = [dumps[node][-1] for group, _ in groups for node in group]
    return Anomaly(
        type=ANOMALY,
        operations=tuple(position for dump in last for position in (dump.call.invoke, dump.complete)),
        explanation=(
            f"the replicas hold different things when all is quiet, and each said the same {STABLE_MIN} times in a "
            f"row: {'; '.join(told)}{more}."
        ),
        details={
            "groups": [group[:_NODES_TOLD_MAX] for group, _ in groups[:_NODES_TOLD_MAX]],
            "count": len(keys),
            "keys": [plain(codes.value(key)) for key in keys[:_KEYS_LISTED_MAX]],
            "applied": {node: plain(dumps[node][-1].call.result.get("applied")) for group, _ in groups
                        for node in group[:_NODES_TOLD_MAX]},
        },
    )  # fmt: skip


def _differing(groups: Sequence[Group], codes: Codes) -> list[int]:
    """The keys under which not all hold the same, in order of their text."""
    keys = {key for _, state in groups for key in state}
    differing = [key for key in keys if len({state.get(key, _ABSENT) for _, state in groups}) > 1]
    return sorted(differing, key=lambda key: (show(codes.value(key)), key))


def _difference(groups: Sequence[Group], key: int, codes: Codes) -> str:
    """What the nodes hold under one key, those who agree about it together."""
    holders: dict[int, list[str]] = {}
    for nodes, state in groups:
        holders.setdefault(state.get(key, _ABSENT), []).extend(nodes)
    values: list[Any] = [None if code == _ABSENT else codes.value(code) for code in holders]
    if all(isinstance(value, (list, tuple)) for value in values):
        phrases = _lists(list(holders.values()), values)
    else:
        phrases = [_holds(nodes, "nothing" if code == _ABSENT else show(codes.value(code)))
                   for code, nodes in holders.items()]  # fmt: skip
    return f"under key {_key(codes.value(key))} " + ", ".join(phrases)


def _holds(nodes: Sequence[str], what: str) -> str:
    return f"{_list(nodes)} {'holds' if len(nodes) == 1 else 'hold'} {what}"


def _key(key: Any) -> str:
    """A key as it was asked for: systems write it as JSON text into the name of a field."""
    return key[:60] if isinstance(key, str) and key else show(key)


def _lists(holders: Sequence[Sequence[str]], values: Sequence[Sequence[Any]]) -> list[str]:
    """Lists, by what distinguishes the others from the first one, which most have."""
    codes = Codes()
    coded = [[codes.code(element) for element in value] for value in values]
    told = [_list_like(nodes, value, coded[0], codes) for nodes, value in zip(holders[1:], coded[1:], strict=True)]
    return [_holds(holders[0], _count(coded[0])), *told]


def _count(value: Sequence[int]) -> str:
    return "1 element" if len(value) == 1 else f"{len(value)} elements"


def _without(value: Sequence[int], other: Sequence[int]) -> list[int]:
    """The elements of ``value`` that ``other`` has not, each once."""
    seen = set(other)
    return [code for code in dict.fromkeys(value) if code not in seen]


def _list_like(nodes: Sequence[str], value: Sequence[int], other: Sequence[int], codes: Codes) -> str:
    verbs = ("lacks", "has") if len(nodes) == 1 else ("lack", "have")
    missing, extra = _without(other, value), _without(value, other)
    parts = [f"{verbs[0]} {_elements(missing, codes)}"] if missing else []
    parts += [f"{verbs[1]} {_elements(extra, codes)} besides"] if extra else []
    if not parts:
        at = next((i for i, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), None)
        if at is None:
            return _holds(nodes, _count(value))
        parts = [f"{verbs[1]} {_elements(value[at : at + 1], codes)} as element {at}, where the others have "
                 f"{_elements(other[at : at + 1], codes)}"]  # fmt: skip
    return f"{_list(nodes)} {' and '.join(parts)}"


def _elements(found: Sequence[int], codes: Codes) -> str:
    more = f" and {len(found) - _ELEMENTS_TOLD_MAX} more" if len(found) > _ELEMENTS_TOLD_MAX else ""
    return ", ".join(show(codes.value(code)) for code in found[:_ELEMENTS_TOLD_MAX]) + more

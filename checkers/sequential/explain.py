"""The story of a witness, for a person: who did what in which session, and why no one order explains it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checkers.linearizable.limit import Limit
from checkers.linearizable.model import UNKNOWN
from checkers.sequential.arrangement import NONE, Arrangement, arrange
from checkers.sequential.saturation import Edge, Saturation, saturate
from checkers.sequential.scope import EVERY_OBJECT, Item, Scope
from checkers.value import Codes, show
from harness.history import History

_LISTED_MAX: Final = 24
_REASONS_MAX: Final = 12
_LIMIT: Final = Limit()


def explain(history: History, scope: Scope, codes: Codes, witness: Sequence[Item]) -> str:
    """A few sentences. What is claimed of the witness is so however all other operations fall."""
    teller = _Teller(history, scope, codes)
    asked = scope.asking(witness)
    arrangement = arrange(asked)
    where = "" if scope.key in (None, EVERY_OBJECT) else f"Key {show(scope.key)}: "
    if arrangement.from_nowhere is not None:
        return f"{where}{_from_nowhere(teller, arrangement.from_nowhere)}"
    saturation = saturate(arrangement, _LIMIT) if len(witness) <= _LISTED_MAX else None
    begin = f"{where}No one order explains all results of {'; '.join(teller.sessions(witness))}."
    if saturation is None or saturation.before is not None:
        return begin
    return f"{begin} {' '.join(_reasons(teller, arrangement, saturation))}"


def _from_nowhere(teller: _Teller, item: Item) -> str:
    initial = teller.initial(item)
    return f"{teller.whose(item)} saw a value that nothing can have left; the initial value was {initial}."


class _Teller:
    """Operations in words."""

    def __init__(self, history: History, scope: Scope, codes: Codes) -> None:
        self._history, self._codes, self._scope = history, codes, scope
        self._keyed = len({codes.code(each.key) for each in scope.objects}) > 1

    def initial(self, item: Item) -> str:
        state = self._scope.objects[item.object].initial
        return show(self._codes.value(state)) if isinstance(state, int) else show(state)

    def sessions(self, items: Sequence[Item]) -> Iterator[str]:
        """What each session did of the items, in order."""
        shown = list(items[:_LISTED_MAX])
        for session in dict.fromkeys(item.session for item in shown):
            own = [item for item in shown if item.session == session]
            yield f"{self._who(own)}: {', then '.join(self._what(item) for item in own)}"
        if len(items) > _LISTED_MAX:
            yield f"and {len(items) - _LISTED_MAX} more"

    def _who(self, items: Sequence[Item]) -> str:
        processes = dict.fromkeys(item.operation.call.process for item in items)
        named = self._history.sessions
        name = named[items[0].operation.invoke] if named else None
        who = f"process{'es' if len(processes) > 1 else ''} {', '.join(map(str, processes))}"
        return who if name is None else f"session {show(name)} ({who})"

    def whose(self, item: Item) -> str:
        return f"process {item.operation.call.process}'s {self._what(item)}"

    def _what(self, item: Item) -> str:
        return f"{self.act(item)} (op {item.operation.invoke})"

    def act(self, item: Item) -> str:
        call, step = item.operation.call, item.operation.step
        key = f" of key {show(call.key)}" if self._keyed else ""
        if call.argument is None and call.f in ("read", "get"):
            return f"{call.f}{key} that returned {show(call.result)}"
        argument = "" if call.argument is None else f" {show(call.argument)}"
        told = step.returned is not UNKNOWN and call.f not in ("write", "put")
        return f"{call.f}{argument}{key}{f' that returned {show(call.result)}' if told else ''}"


def _reasons(teller: _Teller, arrangement: Arrangement, saturation: Saturation) -> Iterator[str]:
    """Why each derived edge of the cycle holds, what it is derived from first; and that they contradict each other."""
    derived = [edge for edge in saturation.edges if edge in _needed(arrangement, saturation)]
    for edge in derived[:_REASONS_MAX]:
        yield _reason(teller, arrangement, saturation, edge)
    around = [f"op {arrangement.items[edge.first].operation.invoke}" for edge in saturation.cycle]
    yield f"So each of these would have to come before the next: {', '.join([*around, around[0]])}."


def _reason(teller: _Teller, arrangement: Arrangement, saturation: Saturation, edge: Edge) -> str:
    items = arrangement.items
    first, second = teller.whose(items[edge.first]), teller.whose(items[edge.second])
    begin = f"{_begin(first)} comes before {second}, for"
    if edge.rule == "overwritten":
        reader = _op(arrangement, edge.reader)
        way = _by_way(arrangement, _premise(saturation, edge))
        return f"{begin} {reader} saw the value of the latter and comes after the former{way}."
    if edge.writer == NONE:
        return f"{begin} it saw the initial value."
    way = _by_way(arrangement, _premise(saturation, edge))
    return f"{begin} it saw the value of {_op(arrangement, edge.writer)}, which comes before the latter{way}."


def _op(arrangement: Arrangement, node: int) -> str:
    return f"op {arrangement.items[node].operation.invoke}"


def _by_way(arrangement: Arrangement, path: Sequence[Edge]) -> str:
    """The operations between the two ends of a path, and how they hang together."""
    told = []
    for edge in path[:-1]:
        saw = ", which saw its value" if edge.rule == "reads-from" else ""
        told.append(f"{_op(arrangement, edge.second)}{saw}")
    return f" (by way of {', and '.join(told)})" if told else ""


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


def _needed(arrangement: Arrangement, saturation: Saturation) -> set[Edge]:
    """The derived edges of the cycle, and those that their own premises need."""
    needed: set[Edge] = set()
    waiting = [edge for edge in saturation.cycle if edge.rule in ("overwritten", "overwrites")]
    while waiting:
        edge = waiting.pop()
        if edge in needed:
            continue
        needed.add(edge)
        waiting += [each for each in _premise(saturation, edge) if each.rule in ("overwritten", "overwrites")]
    return needed


def _premise(saturation: Saturation, edge: Edge) -> list[Edge]:
    """The path that a derived edge is derived from, of edges found before it."""
    first, last = (edge.first, edge.reader) if edge.rule == "overwritten" else (edge.writer, edge.second)
    return [] if first == NONE else _path(saturation.edges[: saturation.edges.index(edge)], first, last)


def _path(edges: Sequence[Edge], first: int, last: int) -> list[Edge]:
    """A shortest way along the edges."""
    came: dict[int, Edge] = {}
    waiting = [first]
    for node in waiting:
        for edge in edges:
            if edge.first == node and edge.second not in came:
                came[edge.second] = edge
                waiting.append(edge.second)
    path: list[Edge] = []
    node = last
    while node != first:
        path.append(came[node])
        node = came[node].first
    return path[::-1]

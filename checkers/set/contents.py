"""Sets as a history tells of them, key by key: what became of the adds of each element, and what was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, Call, History


class ElementCodes(Codes):
    """Codes of elements (see :class:`checkers.value.Codes`), fast for long lists of integers: most elements are, and
    each is read over and over."""

    def __init__(self) -> None:
        super().__init__()
        self._of_integers: dict[int, int] = {}

    def codes(self, values: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]) -> list[int]:
        """The codes of the values, in their order."""
        if set(map(type, values)) != {int}:
            return [self.code(value) for value in values]
        known = self._of_integers
        try:
            return list(map(known.__getitem__, values))
        except KeyError:
            for value in values:
                if value not in known:
                    known[value] = self.code(value)
            return [known[value] for value in values]


@dataclass(slots=True)
class Element:
    """What became of the adds of one element. ``acknowledged`` is the first that was, ``first_possible`` the invocation
    of the first that did not fail."""

    first_invoke: int
    attempts: int = 0
    acknowledged: Call | None = None
    unknown: bool = False
    first_possible: int | None = None

    def saw(self, add: Call) -> None:
        self.attempts += 1
        self.unknown |= add.outcome == "info"
        if add.outcome != "fail" and self.first_possible is None:
            self.first_possible = add.invoke
        if add.outcome == "ok" and (self.acknowledged is None or end_of(add) < end_of(self.acknowledged)):
            self.acknowledged = add

    def possible_in(self, read: Call) -> bool:
        """Whether the read may have returned it: some add of it was invoked by then, and did not certainly fail."""
        return self.first_possible is not None and self.first_possible < end_of(read)


@dataclass(slots=True)
class KeyedSet:
    """One key: its elements by code, its ok reads in order of invocation, and the last completion of an add."""

    key: Any
    elements: dict[int, Element] = field(default_factory=dict)
    reads: list[Call] = field(default_factory=list)
    last_add: int = -1


def end_of(call: Call) -> int:
    """Where an ok operation completed."""
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def end_of_add(element: Element) -> int:
    """Where the first add of it that was acknowledged completed."""
    assert element.acknowledged is not None, "only what was acknowledged can be lost"
    return end_of(element.acknowledged)


def sets_of(history: History, codes: ElementCodes) -> list[KeyedSet]:
    """The sets in order of their first operations. Raises :class:`checkers.guard.Unsupported` for other operations than
    add and read, and :class:`harness.history.HistoryError`."""
    found: dict[int, KeyedSet] = {}
    for call in history.calls():
        if call.f == DUMP:
            continue
        each = found.setdefault(codes.code(call.key), KeyedSet(call.key))
        if call.f == "add":
            element = each.elements.setdefault(codes.code(call.argument), Element(call.invoke))
            element.saw(call)
            each.last_add = max(each.last_add, -1 if call.complete is None else call.complete)
        elif call.f == "read":
            if call.outcome == "ok":
                each.reads.append(call)
        elif call.outcome != "fail":
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected add or read")
    return list(found.values())


def returned(read: Call, codes: ElementCodes) -> list[int]:
    """The elements that an ok read returned, by their codes, in its order."""
    if read.result is None:
        return []
    if not isinstance(read.result, (list, tuple, set, frozenset)):
        raise Unsupported(f"operation {read.complete}: read {show(read.result)}; expected a list of elements, or null")
    return codes.codes(read.result)

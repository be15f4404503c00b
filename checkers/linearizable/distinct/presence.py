"""An element of a set that is added once and removed once at most: when it was there, and when not.

It is there from its adding A to its removing R. What found it there (contains: true, add: false) must have had a moment
from A's to R's; what found it away (contains: false, remove: false) one before A's or after R's. So A is best as late,
and R as early, as the former allow: the shorter the element is there the better for the latter; best if it is for no
time at all, where the two overlap. But where the removing is not told to have changed anything, it may have come before
the adding, and did nothing; or never, if it was not answered. Then the element is there from A on, which again is best
as late as possible. There is no third way. (Polynomial in general: Gibbons & Korach 1997; Lee & Mathur, arXiv
2410.04581.)

Slot x of an operation is the moment after line x: it has those from its invocation to just before its completion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import KeyHistory, Operation

ALGORITHM = "presence"
_BEFORE, _ADDED, _MEANWHILE, _REMOVED, _AFTER = range(5)  # in one slot, in this order


@dataclass(frozen=True, slots=True)
class _Element:
    """``add`` and ``remove`` change it, if they take effect; ``there`` and ``away`` found it so."""

    add: Operation | None
    remove: Operation | None
    there: Sequence[Operation]
    away: Sequence[Operation]

    @property
    def must_go(self) -> bool:
        return self.remove is not None and self.remove.step.returned is True

    @property
    def is_added(self) -> bool:
        return self.add is not None and (self.add.complete is not None or bool(self.there) or self.must_go)


@dataclass(frozen=True, slots=True)
class _Way:
    """The slots of A and R; infinite: there is none."""

    begin: float
    end: float = inf


def decide(key: KeyHistory) -> Verdict | None:
    """The verdict on an element; None where there are several, or it was there at first, or changed more than that."""
    element = None if key.initial else _element(key)
    if element is None:
        return None
    blamed: set[int] = set()
    for way in _ways(element):
        wrong = next((each for each in element.away if each.invoke > way.begin and _last(each) < way.end), None)
        if wrong is None:
            return Verdict(ALGORITHM, order=tuple(_placed(element, way)))
        blamed.add(wrong.invoke)
    ends = [min(element.there, key=_last), max(element.there, key=_invoke)] if element.there else []
    blamed.update(each.invoke for each in (element.add, element.remove, *ends) if each is not None)
    return Verdict(ALGORITHM, refuted=tuple(each for each in key.required if each.invoke in blamed))


def _element(key: KeyHistory) -> _Element | None:
    add = remove = None
    there: list[Operation] = []
    away: list[Operation] = []
    about = {operation.step.given for operation in (*key.required, *key.optional)}
    for each in (*key.required, *key.optional):
        act, answer = each.step.f, each.step.returned
        if act not in ("add", "remove", "contains") or len(about) > 1:
            return None
        if act == "contains" or answer is False:
            (there if answer is True or act == "add" else away).append(each)
        elif act == "add" and add is None:
            add = each
        elif act == "remove" and remove is None:
            remove = each
        else:
            return None
    return _Element(add, remove, there, away)


def _ways(element: _Element) -> Iterator[_Way]:
    """Those that all but what was found away allow: the element stays, or it goes."""
    add, remove = element.add, element.remove
    if add is None or not element.is_added:
        if not element.there and not element.must_go:
            yield _Way(inf)
        return
    latest = min(map(_last, (add, *element.there)))
    if latest < add.invoke:
        return
    if remove is None or remove.complete is None or (not element.must_go and remove.invoke <= latest):
        yield _Way(latest)
    if remove is None:
        return
    earliest = max(map(_invoke, (remove, *element.there)))
    if earliest <= _last(remove) and add.invoke <= _last(remove):
        earliest = max(earliest, add.invoke) if latest > earliest else earliest
        yield _Way(min(latest, earliest), earliest)


def _placed(element: _Element, way: _Way) -> list[Operation]:
    moments: list[tuple[float, int, Operation]] = [(max(o.invoke, way.begin), _MEANWHILE, o) for o in element.there]
    for each in element.away:
        before = each.invoke <= way.begin
        moments.append((each.invoke, _BEFORE, each) if before else (max(each.invoke, way.end), _AFTER, each))
    if element.add is not None and way.begin < inf:
        moments.append((way.begin, _ADDED, element.add))
    if element.remove is not None and way.end < inf:
        moments.append((way.end, _REMOVED, element.remove))
    elif element.remove is not None and element.remove.complete is not None:
        moments.append((element.remove.invoke, _BEFORE, element.remove))
    return [operation for *_, operation in sorted(moments, key=lambda moment: moment[:2])]


def _invoke(operation: Operation) -> int:
    return operation.invoke


def _last(operation: Operation) -> float:
    return inf if operation.complete is None else operation.complete - 1

"""What went into queues and what came out, key by key: what the queue checkers have in common.

Operations: ``enqueue`` (``enq``, ``offer``; the value is the element), ``dequeue`` (``deq``, ``poll``; an ok value is
the element, null means that the queue was empty), and ``drain`` (an ok value is the list of all that was left, null
nothing).

A dequeue that came back with an element needs an enqueue of it: one that was invoked before the dequeue ended, did not
certainly fail, and that no other dequeue needs. Enqueues of unknown outcome may have happened. Dequeues of unknown
outcome may have taken an element that nobody was told of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.value import Codes, plain, show
from harness.history import DUMP, Call, History
from harness.result import Anomaly

ENQUEUES: Final = ("enqueue", "enq", "offer")
DEQUEUES: Final = ("dequeue", "deq", "poll")
DRAIN: Final = "drain"
EMPTY_ERRORS: Final = ("empty", "exhausted", "queue-empty")
"""With one of these errors a failed dequeue says that there was nothing: Jepsen's clients tell it so."""
UNEXPECTED, DUPLICATE = "unexpected", "duplicate"
LISTED_MAX: Final = 24
TOLD_MAX: Final = 4


@dataclass(slots=True)
class Element:
    """One value of one queue: the enqueues that may have happened, in order of invocation, those that failed, and what
    took it, in order of completion (a drain stands there once for each time that it returned it)."""

    code: int
    enqueues: list[Call] = field(default_factory=list)
    failed: list[Call] = field(default_factory=list)
    taken: list[Call] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Call]:
        return [enqueue for enqueue in self.enqueues if enqueue.outcome == "ok"]


@dataclass(slots=True)
class Queue:
    """One key. ``emptied`` are the calls that said that nothing was left, ``crashed`` the dequeues and drains of
    unknown outcome, both in order of invocation."""

    key: Any
    elements: dict[int, Element] = field(default_factory=dict)
    emptied: list[Call] = field(default_factory=list)
    crashed: list[Call] = field(default_factory=list)
    attempts: int = 0
    dequeues: int = 0

    def element(self, code: int) -> Element:
        found = self.elements.get(code)
        if found is None:
            found = self.elements[code] = Element(code)
        return found


@dataclass(slots=True)
class Surplus:
    """Dequeues that no enqueue explains: ``unexpected`` where none of the element can have happened by then,
    ``duplicates`` where all that can have were taken before."""

    unexpected: list[tuple[Element, Call]] = field(default_factory=list)
    duplicates: list[tuple[Element, Call]] = field(default_factory=list)


def queues_of(history: History, codes: Codes) -> list[Queue]:
    """The queues in order of their first operations. Raises :class:`checkers.guard.Unsupported` for other operations,
    and :class:`harness.history.HistoryError`."""
    found: dict[int, Queue] = {}
    takers: list[tuple[Queue, Call]] = []
    for call in history.calls():
        if call.f == DUMP:
            continue
        queue = found.setdefault(codes.code(call.key), Queue(call.key))
        if call.f in ENQUEUES:
            _enqueued(queue, call, codes)
        elif call.f in DEQUEUES or call.f == DRAIN:
            queue.dequeues += 1
            takers.append((queue, call))
        elif call.outcome != "fail":
            raise Unsupported(
                f"operation {call.invoke}: read the operation {show(call.f)}; expected enqueue, dequeue or drain"
            )
    for queue, call in takers:
        _took(queue, call, codes)
    for queue in found.values():
        for element in queue.elements.values():
            element.taken.sort(key=end_of)
    return list(found.values())


def _enqueued(queue: Queue, call: Call, codes: Codes) -> None:
    if call.argument is None:
        raise Unsupported(f"operation {call.invoke}: read an enqueue of null, which is the answer of an empty queue; "
                          "expected an element")  # fmt: skip
    queue.attempts += 1
    element = queue.element(codes.code(call.argument))
    (element.failed if call.outcome == "fail" else element.enqueues).append(call)


def _took(queue: Queue, call: Call, codes: Codes) -> None:
    if call.outcome == "info":
        queue.crashed.append(call)
    elif call.outcome == "fail":
        if call.f in DEQUEUES and call.error in EMPTY_ERRORS:
            queue.emptied.append(call)
    elif call.f == DRAIN:
        queue.emptied.append(call)
        for value in _drained(call):
            queue.element(codes.code(value)).taken.append(call)
    elif call.result is None:
        queue.emptied.append(call)
    else:
        queue.element(codes.code(call.result)).taken.append(call)


def _drained(call: Call) -> Sequence[Any]:
    values = [] if call.result is None else call.result
    if not isinstance(values, (list, tuple)) or any(value is None for value in values):
        raise Unsupported(f"operation {call.complete}: read the drain {show(call.result)}; expected a list of elements")
    return values


def end_of(call: Call) -> int:
    """Where a call that completed did."""
    assert call.complete is not None, "an ok operation has completed"
    return call.complete


def matched(enqueues: Sequence[Call], taken: Sequence[Call]) -> Iterator[tuple[Call, Call | None]]:
    """Each of ``taken`` with an enqueue of its own that was invoked before it ended, for as many as possible; None for
    the others. Both are of one element.

    What may serve one dequeue may serve every one that ended later, so serving them in order of their ends, each with
    the first enqueue that is left, serves as many as there are.
    """
    used = 0
    for call in taken:
        if used < len(enqueues) and enqueues[used].invoke < end_of(call):
            yield call, enqueues[used]
            used += 1
        else:
            yield call, None


def surplus_of(queue: Queue) -> Surplus:
    """All dequeues of one queue that no enqueue explains, element by element."""
    found = Surplus()
    for element in queue.elements.values():
        for call, enqueue in matched(element.enqueues, element.taken):
            if enqueue is None:
                none_yet = not element.enqueues or element.enqueues[0].invoke > end_of(call)
                (found.unexpected if none_yet else found.duplicates).append((element, call))
    return found


def surplus_anomaly(queue: Queue, codes: Codes, type_: str, found: Sequence[tuple[Element, Call]]) -> Anomaly:
    """One anomaly for all ``unexpected`` or all ``duplicate`` dequeues of a queue. Its operations are, of the first 24,
    both halves of all enqueues of the element, then of the dequeues that took it (a duplicate's earlier ones, too)."""
    in_order = sorted(found, key=lambda pair: end_of(pair[1]))
    told = "; ".join(_story(element, call, codes, type_) for element, call in in_order[:TOLD_MAX])
    more = f"; and {len(found) - TOLD_MAX} more" if len(found) > TOLD_MAX else ""
    positions: list[int] = []
    for element, call in in_order[:LISTED_MAX]:
        taken = [call] if type_ == UNEXPECTED else [each for each in element.taken if end_of(each) <= end_of(call)]
        positions += positions_of([*element.enqueues, *element.failed, *taken][:LISTED_MAX])
    return Anomaly(
        type=type_,
        operations=tuple(dict.fromkeys(positions)),
        explanation=f"{where(queue)}{told}{more}.",
        details=listed(queue, codes, [element.code for element, _ in in_order]),
    )


def _story(element: Element, call: Call, codes: Codes, type_: str) -> str:
    taken = f"process {call.process} took {show(codes.value(element.code))} out (op {call.complete})"
    if type_ == DUPLICATE:
        before = [end_of(each) for each in element.taken if end_of(each) < end_of(call)]
        by_then = sum(enqueue.invoke < end_of(call) for enqueue in element.enqueues)
        again = f", which had been taken out before (op {before[-1]})" if before else " more than once"
        return f"{taken}{again} and can have been put in {_times(by_then)} only"
    if element.enqueues:
        return f"{taken} before it was put in (op {element.enqueues[0].invoke})"
    if element.failed:
        return f"{taken}, though every enqueue of it failed (op {element.failed[0].complete})"
    return f"{taken}, which nobody ever put in"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def positions_of(calls: Sequence[Call]) -> tuple[int, ...]:
    """Both halves of each call, or its invocation if nothing came back; each position once."""
    halves = (position for call in calls for position in (call.invoke, call.complete))
    return tuple(dict.fromkeys(position for position in halves if position is not None))


def listed(queue: Queue, codes: Codes, elements: Sequence[int]) -> dict[str, Any]:
    """The key, how many elements these are, and the first of them: for programs."""
    shown = [plain(codes.value(code)) for code in elements[:LISTED_MAX]]
    return {"key": plain(queue.key), "count": len(elements), "elements": shown}


def where(queue: Queue) -> str:
    """The beginning of a sentence about this key."""
    return "" if queue.key is None else f"Key {show(queue.key)}: "

"""Causal prefix: nobody sees the reply before the question, though the two are in different lists.

The anomaly of Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Consistent Prefix Reads": an observer hears
the answer, looks for the question, and it is not there. :mod:`checkers.consistent_prefix` judges each list by itself;
here it is asked what leads from one to another:

    Where a session has read element e of a list, and another session, which appended e, knew element c of another list
    when it began to do so (it had read c, or had appended it, acknowledged), each later read of the other list by the
    first session shows c.

Causal consistency demands it (session order and reads-from, transitively: Ahamad et al., "Causal Memory", 1995), and
more, which is not asked here: that a session sees what it wrote itself, that its reads of one list grow, and what leads
over three lists. The formula is in ``checkers.weak_model``. A session is the field ``session``, else a process; in it,
what was ok before another operation began comes first.

An ``info`` append that was seen has happened. Of an element that was appended several times nobody knows which one was
seen, and nothing is concluded. Anomaly: "effect-before-cause". Where no read was bound to show anything, nothing was
tested: unknown.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "causal-prefix"
EFFECT_BEFORE_CAUSE: Final = "effect-before-cause"
TOLD_MAX: Final = 8  # of a list
_READS: Final = ("read", "get")
_TICK: Final = 256

Element = tuple[int, int]
"""A list and an element of it, by their codes."""


@dataclass(slots=True)
class _Session:
    """``known``: the elements that it has read or appended, each with the operation it first knew it by; ``order``: in
    which order. ``bound``: per list, what its reads must show. ``absorbed``: how much of another session's ``order`` is
    in there, but for what ``waits``: by session and list, places in that order of elements which so far were known to
    writers to the same list only. ``effects``: the elements whose writers' knowledge is in."""

    known: dict[Element, Call] = field(default_factory=dict)
    order: list[Element] = field(default_factory=list)
    bound: defaultdict[int, dict[int, _Bound]] = field(default_factory=lambda: defaultdict(dict))
    absorbed: dict[int, int] = field(default_factory=dict)
    waits: defaultdict[int, dict[int, deque[int]]] = field(default_factory=lambda: defaultdict(dict))
    effects: set[Element] = field(default_factory=set)

    def learn(self, element: Element, by: Call) -> None:
        if element not in self.known:
            self.known[element] = by
            self.order.append(element)

    def absorb(self, read: int, number: int, writer: _Session, count: int) -> list[int]:
        """Which of the first ``count`` places of the order of ``writer``, whose number is given, are new here, now that
        an append of it was seen in the list ``read``."""
        waits, since = self.waits[number], self.absorbed.get(number, 0)
        places: list[int] = []
        for list_ in [list_ for list_ in waits if list_ != read]:
            waiting = waits[list_]
            while waiting and waiting[0] < count:
                places.append(waiting.popleft())
            if not waiting:
                del waits[list_]
        for place in range(since, count):
            if writer.order[place][0] == read:
                waits.setdefault(read, deque()).append(place)
            else:
                places.append(place)
        self.absorbed[number] = max(since, count)
        return places


@dataclass(frozen=True, slots=True)
class _Effect:
    """An append; its session, ``writer``, knew the first ``count`` elements of its ``order`` when it began."""

    append: Call
    writer: int
    count: int


@dataclass(frozen=True, slots=True)
class _Bound:
    """Why an element must be seen: its writer's session knew it ``known_by``, appended ``effect``, which ``seen``
    showed."""

    known_by: Call
    effect: Call
    seen: Call


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether whoever has seen an append sees, in other lists, what its session had known when it appended.

    Invalid: up to TOLD_MAX anomalies of each list, the first ones; the operations are the invocations of what the
    writer knew the cause by, of its append, of the read that showed this, and of the one without the cause. Of what one
    session knew every other one looks at each element once. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _Look(history, deadline).judge(), method="knowledge")


class _Look:
    """A walk through the history, in which each session's knowledge grows."""

    def __init__(self, history: History, deadline: float | None) -> None:
        self._history, self._deadline = history, deadline
        self._codes = Codes()
        self._sessions: defaultdict[int, _Session] = defaultdict(_Session)
        self._effects: dict[Element, _Effect | None] = {}  # None: appended several times
        self._told: Counter[int] = Counter()
        self._wrong = self._tested = 0

    def judge(self) -> Result:
        anomalies: list[Anomaly] = []
        for done, (call, has_ended) in enumerate(self._steps()):
            if done % _TICK == 0 and self._deadline is not None and monotonic() > self._deadline:
                raise OutOfTimeError(f"the first {done} steps of the history were looked at")
            if not has_ended:
                self._begin(call)
            elif call.f == "append":
                self._sessions[self._session(call)].learn(self._element(call), call)
            else:
                anomalies += self._read(call)
        idle = not anomalies and not self._tested
        return Result(
            valid=False if anomalies else "unknown" if idle else True,
            expect=EXPECT,
            method="knowledge",
            reason=Reason.TOO_FEW_OK if idle else None,
            explanation="nobody read a list after having seen what was appended in knowledge of it" if idle else None,
            anomalies=tuple(anomalies),
            operations=self._history.types.count(INVOKE),
            details={"sessions": len(self._sessions), "reads_that_tested": self._tested, "wrong_reads": self._wrong},
        )

    def _steps(self) -> list[tuple[Call, bool]]:
        """Where appends begin that did not fail, and where operations end well; in the order of the history."""
        steps: list[tuple[int, Call, bool]] = []
        for call in self._history.calls():
            if call.f == DUMP:
                continue
            if call.f != "append" and call.f not in _READS:
                raise Unsupported(
                    f"operation {call.invoke}: read the operation {show(call.f)}; expected append or read"
                )
            if call.f == "append" and call.outcome != "fail":
                steps.append((call.invoke, call, False))
            if call.outcome == "ok":
                steps.append((_end(call), call, True))
        steps.sort(key=lambda step: step[0])
        return [(call, has_ended) for _, call, has_ended in steps]

    def _begin(self, call: Call) -> None:
        writer, element = self._session(call), self._element(call)
        effect = _Effect(call, writer, len(self._sessions[writer].order))
        self._effects[element] = None if element in self._effects else effect

    def _read(self, call: Call) -> Iterator[Anomaly]:
        reader, read = self._session(call), self._codes.code(call.key)
        session = self._sessions[reader]
        shown = dict.fromkeys(self._shown(call))
        bound = [(code, why) for code, why in session.bound[read].items() if _end(why.seen) < call.invoke]
        missing = [(code, why) for code, why in bound if code not in shown]
        self._tested += bool(bound)
        self._wrong += bool(missing)
        if missing and self._told[read] < TOLD_MAX:
            self._told[read] += 1
            yield self._anomaly(call, *missing[0])
        for code in shown:
            effect = self._effects.get((read, code))
            if effect is not None and effect.writer != reader and (read, code) not in session.effects:
                session.effects.add((read, code))
                self._absorb(session, read, effect, call)
            session.learn((read, code), call)

    def _absorb(self, session: _Session, read: int, effect: _Effect, seen: Call) -> None:
        """Be bound to see what the writer knew, in other lists; for the first reason there is, which is also the one
        that held first."""
        writer = self._sessions[effect.writer]
        for place in session.absorb(read, effect.writer, writer, effect.count):
            list_, code = writer.order[place]
            session.bound[list_].setdefault(code, _Bound(writer.known[list_, code], effect.append, seen))

    def _session(self, call: Call) -> int:
        named = self._history.sessions
        places = (call.invoke, call.complete)
        name = next((named[at] for at in places if named and at is not None and named[at] is not None), None)
        return self._codes.code(["process", call.process] if name is None else ["session", name])

    def _element(self, call: Call) -> Element:
        return self._codes.code(call.key), self._codes.code(call.argument)

    def _shown(self, call: Call) -> list[int]:
        if call.result is None:
            return []
        if not isinstance(call.result, (list, tuple)):
            what = f"operation {call.complete}: read {show(call.result)}"
            raise Unsupported(f"{what}; expected a list, as it is appended to, or null")
        return [self._codes.code(element) for element in call.result]

    def _anomaly(self, read: Call, code: int, why: _Bound) -> Anomaly:
        cause, effect = show(self._codes.value(code)), show(why.effect.argument)
        how = "had appended" if why.known_by.f == "append" else "had read"
        text = (
            f"process {read.process} saw {effect} in list {show(why.effect.key)} (op {why.seen.invoke}) and then read "
            f"list {show(read.key)} (op {read.invoke}) without {cause}, although process {why.effect.process} {how} "
            f"{cause} there (op {why.known_by.invoke}) before it appended that {effect} (op {why.effect.invoke}): the "
            "effect is there before its cause."
        )
        operations = tuple(call.invoke for call in (why.known_by, why.effect, why.seen, read))
        details: dict[str, Any] = {"key": plain(read.key), "cause": plain(self._codes.value(code)),
                                   "effect": plain(why.effect.argument)}  # fmt: skip
        return Anomaly(EFFECT_BEFORE_CAUSE, operations, text[0].upper() + text[1:], details)


def _end(call: Call) -> int:
    assert call.complete is not None, "an ok operation has completed"
    return call.complete

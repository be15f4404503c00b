"""All objects of a history decided: on its columns as far as that goes, then key by key, in processes if that pays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable.decide import Decision
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.linearizable.operation import KeyHistory, by_key_of, calls_at, grouped, invocations_by_key
from checkers.linearizable.problem import completion
from checkers.value import plain
from harness.history import History
from harness.result import Reason

if TYPE_CHECKING:
    from checkers.linearizable.columnar import Objects
    from checkers.linearizable.workers import Lost
    from harness.columns import Columns

TOLD_MAX: Final = 16  # invalid objects that are told in full; the others are counted
_ALONE_S: Final = 0.1  # after which other processes are asked to help


class Judged(NamedTuple):
    """An object with its decision. ``of`` is how many of its operations took effect. Only the ``TOLD_MAX`` first
    invalid ones are sure to have their operations, and all of them where linearizations are asked for."""

    key: KeyHistory
    decision: Decision
    of: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """``told``: objects with their decisions, in their order. Of those that were decided on columns they are the
    ``TOLD_MAX`` first invalid ones, and whatever went wrong; ``valid`` and ``invalid`` count the others, by
    ``algorithm``, but for ``searched`` of them. ``configurations`` were visited by that search. ``linearizations``: of
    each object, in order, where that was asked for and all are valid."""

    told: tuple[Judged, ...]
    valid: int = 0
    invalid: int = 0
    searched: int = 0
    configurations: int = 0
    algorithm: str = ""
    linearizations: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a history, and how an object is decided. ``processes``: how many, at most, may do so; None: as
    many as there are cores."""

    history: History
    model: Model
    reading: Reading
    initial: Any
    limit: Limit
    decide_one: Callable[[KeyHistory, Limit], Decision]
    processes: int | None = None
    certify: bool = False

    def read(self, invocations: Sequence[int]) -> list[KeyHistory]:
        """The objects of one key of a history with columns. Raises OutOfTimeError: there is no time left for them."""
        if self.limit.expired():
            raise OutOfTimeError
        (found,) = by_key_of(calls_at(self.history, invocations), self.model, self.reading, self.initial)
        return found

    def nothing_of(self, key: Any) -> KeyHistory:
        """An object whose operations nobody needs."""
        return KeyHistory(key, self.model, None, (), ())


@dataclass(frozen=True, slots=True)
class Unit:
    """One key, which may be several objects, read when it is asked for."""

    key: Any
    size: int
    objects: Callable[[], list[KeyHistory]]


def judge(question: Question) -> Judgement:
    """The judgement of all objects key by key. Raises :class:`harness.history.HistoryError`, and
    :class:`checkers.guard.Unsupported` for an operation that the model does not know."""
    told = [each for of_key in _decided(_units(question), question) for each in of_key]
    certified = question.certify and all(each.decision.valid for each in told)
    return Judgement(tuple(told), linearizations=tuple(map(_linearization, told)) if certified else None)


def _units(question: Question) -> list[Unit]:
    history = question.history
    if history.keys is not None and history.columns is not None:
        return [_unit(question, lines) for lines in invocations_by_key(history.columns)]
    found = by_key_of(history.calls(), question.model, question.reading, question.initial)
    sizes = (sum(len(each.required) + len(each.optional) for each in of_key) for of_key in found)
    return [Unit(of_key[0].key, size, partial(list, of_key)) for of_key, size in zip(found, sizes, strict=True)]


def _unit(question: Question, invocations: Sequence[int]) -> Unit:
    return Unit(question.history[invocations[0]].key, len(invocations), partial(question.read, invocations))


def judge_columns(question: Question, columns: Columns, *, search: bool = True) -> Judgement | None:
    """The same, of a history with columns; None where these do not help. With ``search``, a compiled search is tried
    where the polynomial methods do not apply. Raises OutOfTimeError, too."""
    try:
        from checkers.linearizable import columnar
        from harness.compiled import announced
    except ImportError:  # without numba
        return None
    read = columnar.read(columns, question.model, question.initial, question.reading, question.limit)
    if read is None:
        return None
    with announced("what decides large histories"):
        objects = columnar.decide(read, question.limit.share(2) if search else None)
        objections = columnar.objections(read, objects)
    if (objects.verdicts == columnar.LEFT).all():
        return None
    told = [*_refuted(question, objects), *_objected(question, columns, objects, objections)]
    valid = int((objects.verdicts == columnar.VALID).sum()) - sum(each.decision.valid is None for _, each in told)
    invalid = int((objects.verdicts == columnar.REFUTED).sum()) - sum(each.decision.valid is False for _, each in told)
    by_search = 0 if objects.searched is None else int(objects.searched.sum())
    by_algorithm = int((objects.verdicts != columnar.LEFT).sum()) - by_search
    searched = by_search - sum(objects.by_search(number) for number, _ in told)
    told += _left(question, columns, objects)
    told.sort(key=lambda each: each[0])
    certified = question.certify and not invalid and all(each.decision.valid for _, each in told)
    return Judgement(
        told=tuple(each for _, each in told),
        valid=valid,
        invalid=invalid,
        searched=searched,
        configurations=objects.configurations,
        algorithm=objects.algorithm if by_algorithm else "",
        linearizations=tuple(_linearizations(columns, objects, told)) if certified else None,
    )


def _refuted(question: Question, objects: Objects) -> Iterator[tuple[int, Judged]]:
    """The first objects that are refuted, of each no more than the operations on the values in question."""
    from checkers.linearizable.columnar import REFUTED

    for number in (objects.verdicts == REFUTED).nonzero()[0][:TOLD_MAX].tolist():
        blame = objects.blame(number)
        calls = calls_at(question.history, blame.involved)
        ((key,),) = by_key_of(calls, question.model, question.reading, question.initial)
        chosen = set(blame.refuted)
        refuted = sorted((each for each in key.required if each.invoke in chosen), key=completion)
        if objects.by_search(number):
            decision = Decision(False, "search", None, (), tuple(refuted), blame.explained, narrowed=blame.narrowed)
        else:
            decision = Decision(False, "polynomial", refuted=tuple(refuted), algorithm=objects.algorithm)
        yield number, Judged(key, decision, len(key.required))


def _objected(
    question: Question, columns: Columns, objects: Objects, objections: Mapping[int, str]
) -> Iterator[tuple[int, Judged]]:
    """Objects whose linearization did not hold: a bug of ours, and no verdict."""
    for number, objection in objections.items():
        code = int(objects.keys[number])
        key = question.nothing_of(columns.key_names[code] if code >= 0 else None)
        problem = f"its linearization: {objection}"
        method = "search" if objects.by_search(number) else "polynomial"
        decision = Decision(None, method, Reason.CHECKER_ERROR, problem=problem)
        yield number, Judged(key, decision, len(objects.order(number)))


def _left(question: Question, columns: Columns, objects: Objects) -> Iterator[tuple[int, Judged]]:
    """The objects that are left, decided key by key, with their numbers."""
    from checkers.linearizable.columnar import LEFT

    lines = objects.left
    of_keys = grouped(lines, lines * 0 if columns.keys is None else columns.keys[lines])
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for number in (objects.verdicts == LEFT).nonzero()[0].tolist():
        numbers[int(objects.keys[number])].append(number)
    decided = _decided([_unit(question, of_key) for of_key in of_keys], question)
    for of_key, found in zip(of_keys, decided, strict=True):
        own = numbers[-1 if columns.keys is None else int(columns.keys[of_key[0]])]
        # What is left as a whole may prove to be many objects; what there is no time for, fewer.
        yield from zip(own if len(own) == len(found) else own[:1] * len(found), found, strict=True)


def _linearization(judged: Judged) -> dict[str, Any]:
    return {"key": plain(judged.key.key), "order": [operation.invoke for operation in judged.decision.order]}


def _linearizations(
    columns: Columns, objects: Objects, told: Sequence[tuple[int, Judged]]
) -> Iterator[Mapping[str, Any]]:
    of_number: defaultdict[int, list[Judged]] = defaultdict(list)
    for number, judged in told:
        of_number[number].append(judged)
    names = [plain(name) for name in (*columns.key_names, None)]  # NO_KEY, -1, is the last one
    for number, code in enumerate(objects.keys.tolist()):
        if number in of_number:
            yield from map(_linearization, of_number[number])
        else:
            yield {"key": names[code], "order": objects.order(number).tolist()}


def _decided(units: Sequence[Unit], question: Question) -> list[list[Judged]]:
    """The decisions of each key. The shortest go first, and each may take an equal share of the time that is left."""
    decided: dict[int, list[Judged]] = {}
    waiting = sorted(range(len(units)), key=lambda i: -units[i].size)
    limit, alone_until = question.limit, monotonic() + _ALONE_S
    while waiting:
        share = limit.share(len(waiting))
        helped = question.processes != 1 and len(waiting) > 1
        if helped and monotonic() >= alone_until:
            decided |= _decided_aside(units, waiting, question)
            break
        i = waiting.pop()
        short = share.at_most(seconds=alone_until - monotonic()) if helped else share
        found = _decide(units[i], question, short)
        if short.deadline != share.deadline and any(each.decision.reason is Reason.TIMEOUT for each in found):
            waiting.append(i)  # too long for this process alone: it will not come so far again
        else:
            decided[i] = found
    return [decided[i] for i in range(len(units))]


def _decide(unit: Unit, question: Question, limit: Limit) -> list[Judged]:
    try:
        objects = unit.objects()
    except OutOfTimeError:
        decision = Decision(None, "search", Reason.TIMEOUT)
        return [Judged(question.nothing_of(unit.key), decision, unit.size)]
    return [
        Judged(each, question.decide_one(each, limit.share(len(objects) - i)), len(each.required))
        for i, each in enumerate(objects)
    ]


def _decided_aside(units: Sequence[Unit], waiting: Sequence[int], question: Question) -> dict[int, list[Judged]]:
    """The decisions of the keys that are waiting, from other processes. What was too much for one of several, each with
    its part of the memory, is tried once more alone."""
    from checkers.linearizable import workers

    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        try:
            found = _decide(units[number], question, limit)
        except Unsupported as error:
            return {"unsupported": str(error)}
        return {"objects": [_packed(each, with_order=question.certify, starved=_starved(each)) for each in found]}

    processes = min(workers.useful_workers() if question.processes is None else question.processes, len(waiting))
    said: dict[int, Any] = {}
    for number, heard in workers.answers(list(reversed(waiting)), answer, question.limit, processes):
        if isinstance(heard, workers.Lost):
            nothing = question.nothing_of(units[number].key)
            said[number] = {
                "objects": [_packed(Judged(nothing, _of_lost(heard), units[number].size), with_order=False)]
            }
        else:
            said[number] = heard
    for number in sorted(said):
        if "unsupported" in said[number]:
            raise Unsupported(said[number]["unsupported"])
    decided: dict[int, list[Judged]] = {}
    invalid = 0
    for number in sorted(said):
        objects = said[number]["objects"]
        if any(each["starved"] for each in objects):
            decided[number] = _decide(units[number], question, question.limit)
            continue
        here = sum(each["valid"] is False for each in objects)
        needed = question.certify or (here and invalid < TOLD_MAX)
        keys = units[number].objects() if needed else [question.nothing_of(units[number].key)] * len(objects)
        decided[number] = [_unpacked(key, each) for key, each in zip(keys, objects, strict=True)]
        invalid += here
    return decided


def _starved(judged: Judged) -> bool:
    return judged.decision.reason is Reason.OUT_OF_MEMORY and judged.decision.problem is not None


def _of_lost(lost: Lost) -> Decision:
    if lost.late:
        return Decision(None, "search", Reason.TIMEOUT)
    if lost.signal:  # most likely Linux ended it because memory was short
        problem = f"the process that decided it was ended by signal {lost.signal}"
        return Decision(None, "search", Reason.OUT_OF_MEMORY, problem=problem)
    return Decision(None, "search", Reason.CHECKER_ERROR, problem="the process that decided it ended by itself")


_SAID: Final = ("valid", "method", "reason", "explained", "configurations", "windows", "problem", "algorithm")


def _packed(judged: Judged, *, with_order: bool, starved: bool = False) -> dict[str, Any]:
    """A decision as JSON. Its linearization was checked where it was found, and is needed for no more than show.
    ``starved``: what it lacked is memory of the process that decided it."""
    decision = judged.decision
    return {
        **{name: getattr(decision, name) for name in _SAID},
        "order": [operation.invoke for operation in decision.order] if with_order else [],
        "refuted": [operation.invoke for operation in decision.refuted],
        "of": judged.of,
        "starved": starved,
    }


def _unpacked(key: KeyHistory, said: Mapping[str, Any]) -> Judged:
    """The same again; without operations, if the key has none."""
    at = {operation.invoke: operation for operation in (*key.required, *key.optional)}
    operations = {name: tuple(at[invoke] for invoke in said[name] if at) for name in ("order", "refuted")}
    known = {name: said[name] for name in _SAID}
    reason = None if said["reason"] is None else Reason(said["reason"])
    return Judged(key, Decision(**{**known, **operations, "reason": reason}), said["of"])

"""All objects of a history decided: on its columns as far as that goes, then one by one, in processes if that pays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checkers.linearizable.decide import Decision
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.linearizable.operation import KeyHistory, by_key_of, calls_at
from checkers.linearizable.problem import completion
from checkers.value import plain
from harness.history import History
from harness.result import Reason

if TYPE_CHECKING:
    from checkers.linearizable.columnar import Objects
    from checkers.linearizable.workers import Lost
    from harness.columns import Columns

DecideOne = Callable[[KeyHistory, Limit], Decision]

TOLD_MAX: Final = 16  # invalid objects that are told in full; the others are counted
_ALONE_S: Final = 0.1  # after which other processes are asked to help


class Judged(NamedTuple):
    """An object with its decision."""

    key: KeyHistory
    decision: Decision


@dataclass(frozen=True, slots=True)
class Judgement:
    """``told``: objects with their decisions, in their order. Of those that were decided on columns they are the
    ``TOLD_MAX`` first invalid ones, and whatever went wrong; ``valid`` and ``invalid`` count the others, by
    ``algorithm``. ``linearizations``: of each object, in order, where that was asked for and all are valid."""

    told: tuple[Judged, ...]
    valid: int = 0
    invalid: int = 0
    algorithm: str = ""
    linearizations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a history, and how an object is decided. ``processes``: how many, at most, may do so; None: as
    many as there are cores."""

    history: History
    model: Model
    reading: Reading
    initial: Any
    limit: Limit
    decide_one: DecideOne
    processes: int | None = None
    certify: bool = False


def judge(question: Question) -> Judgement:
    """The judgement of all objects one by one. Raises :class:`harness.history.HistoryError`, and
    :class:`checkers.guard.Unsupported` for an operation that the model does not know."""
    found = by_key_of(question.history.calls(), question.model, question.reading, question.initial)
    told = _decided([key for of_key in found for key in of_key], question)
    certified = question.certify and all(each.decision.valid for each in told)
    return Judgement(told, linearizations=tuple(_linearization(each) for each in told) if certified else ())


def judge_columns(question: Question, columns: Columns) -> Judgement | None:
    """The same, of a history with columns; None where these do not help. Raises OutOfTimeError, too."""
    try:
        from checkers.linearizable import columnar
        from harness.compiled import announced
    except ImportError:  # without numba
        return None
    read = columnar.read(columns, question.model, question.initial, question.reading, question.limit)
    if read is None:
        return None
    with announced("what decides large histories"):
        objects = columnar.decide(read)
        objections = columnar.objections(read, objects)
    if (objects.verdicts == columnar.LEFT).all():
        return None
    told = [*_refuted(question, columns, objects), *_objected(question, columns, objects, objections)]
    valid = int((objects.verdicts == columnar.VALID).sum()) - sum(each.decision.valid is None for _, each in told)
    invalid = int((objects.verdicts == columnar.REFUTED).sum()) - sum(each.decision.valid is False for _, each in told)
    told += _left(question, columns, objects)
    told.sort(key=lambda each: each[0])
    certified = question.certify and not invalid and all(each.decision.valid for _, each in told)
    return Judgement(
        told=tuple(each for _, each in told),
        valid=valid,
        invalid=invalid,
        algorithm=objects.algorithm,
        linearizations=tuple(_linearizations(columns, objects, told)) if certified else (),
    )


def _refuted(question: Question, columns: Columns, objects: Objects) -> Iterator[tuple[int, Judged]]:
    """The first objects that are refuted, of each no more than the operations on the values in question."""
    from checkers.linearizable.columnar import REFUTED

    for number in (objects.verdicts == REFUTED).nonzero()[0][:TOLD_MAX].tolist():
        blame = objects.blame(number)
        calls = calls_at(question.history, blame.involved)
        ((key,),) = by_key_of(calls, question.model, question.reading, question.initial)
        chosen = set(blame.refuted)
        refuted = sorted((each for each in key.required if each.invoke in chosen), key=completion)
        decision = Decision(False, "polynomial", refuted=tuple(refuted), algorithm=objects.algorithm)
        yield number, Judged(key, decision)


def _objected(
    question: Question, columns: Columns, objects: Objects, objections: Mapping[int, str]
) -> Iterator[tuple[int, Judged]]:
    """Objects whose linearization did not hold: a bug of ours, and no verdict."""
    for number, objection in objections.items():
        code = int(objects.keys[number])
        key = KeyHistory(columns.key_names[code] if code >= 0 else None, question.model, None, (), ())
        problem = f"its linearization: {objection}"
        yield number, Judged(key, Decision(None, "polynomial", Reason.CHECKER_ERROR, problem=problem))


def _left(question: Question, columns: Columns, objects: Objects) -> Iterator[tuple[int, Judged]]:
    """The objects that are left, decided one by one, with their numbers. What is left as one may prove to be many."""
    from checkers.linearizable.columnar import LEFT

    calls = calls_at(question.history, objects.left.tolist())
    found = by_key_of(calls, question.model, question.reading, question.initial)
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for number in (objects.verdicts == LEFT).nonzero()[0].tolist():
        numbers[int(objects.keys[number])].append(number)
    of_objects = []
    for of_key, (_, own) in zip(found, numbers.items(), strict=True):
        assert len(own) in (1, len(of_key)), "a key is left as one object, or some of its objects are"
        of_objects += own if len(own) == len(of_key) else own * len(of_key)
    yield from zip(of_objects, _decided([key for of_key in found for key in of_key], question), strict=True)


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


def _decided(keys: Sequence[KeyHistory], question: Question) -> tuple[Judged, ...]:
    """A decision per key. The shortest keys go first, and each may take an equal share of the time that is left."""
    decisions: dict[int, Decision] = {}
    waiting = sorted(range(len(keys)), key=lambda i: -len(keys[i].required) - len(keys[i].optional))
    limit, alone_until = question.limit, monotonic() + _ALONE_S
    may_help = question.processes != 1
    while waiting:
        share = limit.share(len(waiting))
        helped = may_help and len(waiting) > 1
        if helped and monotonic() >= alone_until:
            decisions |= _decided_aside(keys, waiting, question)
            break
        i = waiting.pop()
        short = share.at_most(seconds=alone_until - monotonic()) if helped else share
        decision = question.decide_one(keys[i], short)
        if decision.reason is Reason.TIMEOUT and short.deadline != share.deadline:
            waiting.append(i)  # too long for this process alone: it will not come so far again
        else:
            decisions[i] = decision
    return tuple(Judged(keys[i], decisions[i]) for i in range(len(keys)))


def _decided_aside(keys: Sequence[KeyHistory], waiting: Sequence[int], question: Question) -> dict[int, Decision]:
    """The decisions of the keys that are waiting, from other processes. What was too much for one of several, each with
    its part of the memory, is tried once more alone."""
    from checkers.linearizable import workers

    decisions: dict[int, Decision] = {}

    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        return _packed(question.decide_one(keys[number], limit), question.certify)

    starved = []
    processes = min(workers.useful_workers() if question.processes is None else question.processes, len(waiting))
    for number, said in workers.answers(list(reversed(waiting)), answer, question.limit, processes):
        decisions[number] = _of_lost(said) if isinstance(said, workers.Lost) else _unpacked(keys[number], said)
        if decisions[number].reason is Reason.OUT_OF_MEMORY and not isinstance(said, workers.Lost):
            starved.append(number)
    for number in starved:
        decisions[number] = question.decide_one(keys[number], question.limit)
    return decisions


def _of_lost(lost: Lost) -> Decision:
    if lost.late:
        return Decision(None, "search", Reason.TIMEOUT)
    if lost.signal:  # most likely Linux ended it because memory was short
        problem = f"the process that decided it was ended by signal {lost.signal}"
        return Decision(None, "search", Reason.OUT_OF_MEMORY, problem=problem)
    return Decision(None, "search", Reason.CHECKER_ERROR, problem="the process that decided it ended by itself")


def _packed(decision: Decision, with_order: bool) -> dict[str, Any]:
    """A decision as JSON. Its linearization was checked where it was found, and is needed for no more than show."""
    names = ("valid", "method", "reason", "explained", "configurations", "windows", "problem", "algorithm")
    return {
        **{name: getattr(decision, name) for name in names},
        "order": [operation.invoke for operation in decision.order] if with_order else [],
        "refuted": [operation.invoke for operation in decision.refuted],
    }


def _unpacked(key: KeyHistory, said: Mapping[str, Any]) -> Decision:
    at = {operation.invoke: operation for operation in (*key.required, *key.optional)}
    operations = {name: tuple(at[invoke] for invoke in said[name]) for name in ("order", "refuted")}
    reason = None if said["reason"] is None else Reason(said["reason"])
    return Decision(**{**said, **operations, "reason": reason})

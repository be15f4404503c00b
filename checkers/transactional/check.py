"""The verdict on a history of transactions: which isolation levels hold, and the story of each anomaly."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.transactional.anomaly import anomalies
from checkers.transactional.certificate import refute_serial
from checkers.transactional.cycle import peeled
from checkers.transactional.graph import KIND_MASK, NEXT, RW, WR, WW, Graph
from checkers.transactional.lattice import (
    ALIASES,
    MODELS,
    STRICT,
    Family,
    Model,
    Order,
    strongest_holding,
    weakest_failing,
)
from checkers.transactional.pattern import ORDER_KINDS
from checkers.transactional.register.reading import DataType, NilReads, data_type
from checkers.transactional.verdict import Verdicts, verdicts
from checkers.value import show
from harness.history import INVOKE, History
from harness.result import Reason, Result

METHOD: Final = "dependency-graph"
SATURATION: Final = "saturation"
LISTED_MAX: Final = 1_000


def check(
    history: History,
    *,
    expect: str = STRICT,
    initial: Any = None,
    nil_reads: NilReads = "value",
    time_limit_s: float | None = None,
    certify: bool = False,
) -> Result:
    """Whether the history of transactions satisfies the isolation level ``expect`` (a name of MODELS).

    Transactions on lists; or on registers, sets, counters and ranges of keys (predicate reads); ``initial`` is
    what registers hold before they are written: one value, or a mapping from keys to values. ``nil_reads``: whether an
    operation ``read`` that returned null says that it was null ("value") or nothing ("unknown"); in a transaction it is
    always a value.

    Invalid: one anomaly for each kind that the level forbids, with a shortest cycle of its kind where it is one; its
    operations are the lines of the transactions, in the order of the explanation. ``details`` has ``strongest`` and
    ``weakest_failing``, the levels that hold and fail, and, where a serial order explains all, its ``certificate``.
    With ``certify`` the ``proof`` of a valid one, too: a commit order (:mod:`checkers.transactional.commit_order`),
    checked again, of sets, counters and ranges only a serial one; or else why there is none (``unproved``).
    Unknown where a definition leaves open what was not observed. Raises :class:`harness.history.HistoryError`.
    """
    if ALIASES.get(expect, expect) not in MODELS:
        raise ValueError(f"read the level {expect!r}; expected one of {', '.join(MODELS)}")
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    with _without_collection():
        return guarded(expect, lambda: _judge(history, expect, initial, nil_reads, deadline, certify), method=METHOD)


def _judge(
    history: History, expect: str, initial: Any, nil_reads: NilReads, deadline: float | None, certify: bool
) -> Result:
    model = MODELS[ALIASES.get(expect, expect)]
    large = None if initial is not None else _large(history, expect, model, deadline, certify)
    if large is not None:
        return large
    data = data_type(history)
    if data == "composite":
        return _composite(history, expect, model, deadline, initial, certify)
    try:
        return _plain(history, data, expect, model, deadline, initial, nil_reads, certify)
    except Unsupported:
        from checkers.transactional.composite.reading import is_composite

        if not is_composite(history):
            raise
    return _composite(history, expect, model, deadline, initial, certify)


def _composite(
    history: History, expect: str, model: Model, deadline: float | None, initial: Any, certify: bool
) -> Result:
    from checkers.transactional.composite.check import judge

    result = judge(history, expect, model, deadline, initial)
    if not certify:
        return result
    proof: dict[str, Any] = _executed(result.details.get("certificate", {}), model) if result.valid is True else {}
    return replace(result, details={**result.details, "certified": "composite", **proof})


def _executed(serial: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """A serial order as a commit order, if it respects what the level's form does."""
    strength = [Order.NONE.name.lower(), Order.SESSION.name.lower(), Order.REALTIME.name.lower()]
    if "order" in serial and strength.index(serial["respects"]) >= strength.index(model.order.name.lower()):
        return {"proof": {"order": list(serial["order"])}}
    return {"unproved": "of sets, counters and ranges there is a certificate only where a serial order of at most "
                        f"{LISTED_MAX:,} transactions explains them"}  # fmt: skip


def _plain(
    history: History, data: DataType, expect: str, model: Model, deadline: float | None, initial: Any,
    nil_reads: NilReads, certify: bool,
) -> Result:  # fmt: skip
    """Of lists, or of registers."""
    if data == "register":
        from checkers.transactional.register.check import judge

        return judge(history, expect, model, deadline, initial, nil_reads, certify=certify)
    if initial is not None:
        raise Unsupported(f"read the initial value {show(initial)} of lists; expected none: they begin empty")
    return _judged(history, verdicts(history, deadline), expect, model, certify)


def _large(history: History, expect: str, model: Model, deadline: float | None, certify: bool) -> Result | None:
    """The result of compiled code; None if the history is not large, or not plain, or (of registers) not valid."""
    columns = history.columns
    if columns is None or columns.spans is None:
        return None
    from checkers.transactional import columnar

    found = columnar.examined(columns, deadline)
    if found is not None:
        return _judged(history, Verdicts(found.inference, Graph(0), [], found.scenes, found), expect, model, certify)
    details = columnar.decided(columns, model, deadline, certify=certify)
    if details is None:
        return None
    operations = history.types.count(INVOKE)
    return Result(valid=True, expect=expect, method=SATURATION, operations=operations, details=details)


def _judged(history: History, found: Verdicts, expect: str, model: Model, certify: bool) -> Result:
    valid = found.of(model)
    details: dict[str, Any] = {"transactions": len(found.inference.transactions),
                               "committed": len(found.inference.committed)}  # fmt: skip
    details |= _levels(found) | _certificate(found, model)
    if certify:
        details |= {"certified": "list", **(_proof(found, model) if valid is True else {})}
    explanation = None
    if valid == "unknown":
        explanation = found.undecided[model.family, model.order]
    return Result(
        valid=valid,
        expect=expect,
        method=METHOD,
        reason=Reason.UNSUPPORTED if valid == "unknown" else None,
        explanation=explanation,
        anomalies=tuple(anomalies(found, model)) if valid is False else (),
        operations=history.types.count(INVOKE),
        details=details,
    )


def _levels(found: Verdicts) -> dict[str, Any]:
    """The strongest levels that hold, the weakest that fail, and those that are undecided."""
    if not found.scenes and not found.inference.observations:
        return {"strongest": [STRICT], "weakest_failing": []}
    answers = {name: found.of(model) for name, model in MODELS.items()}
    names = {answer: [name for name in MODELS if answers[name] == answer] for answer in (True, False, "unknown")}
    undecided = {"undecided": names["unknown"]} if names["unknown"] else {}
    return {"strongest": list(strongest_holding(names[True])), "weakest_failing": list(weakest_failing(names[False])),
            **undecided}  # fmt: skip


def _certificate(found: Verdicts, model: Model) -> dict[str, Any]:
    """The serial order of the strongest form that has one, executed once more; {} if none explains the history."""
    for form in (Order.REALTIME, Order.SESSION, Order.NONE):
        if found.of(next(each for each in MODELS.values() if each.family is Family.ANY and each.order is form)) is True:
            order, objection = _serial(found, form) if found.large is None else found.large.serial(form)
            assert objection is None, f"the serial order does not explain the history: {objection}"
            return {"certificate": {"type": "serial-order", "respects": form.name.lower(), "transactions": len(order),
                                    **({"order": order.tolist()} if len(order) <= LISTED_MAX else {})}}  # fmt: skip
    return {}


def _proof(found: Verdicts, model: Model) -> dict[str, Any]:
    """The commit order that shows that the level holds."""
    from checkers.transactional import columnar, proof

    try:
        order = proof.checked(found, model) if found.large is None else columnar.proved(found, model)
    except OutOfTimeError as error:
        return {"unproved": str(error)}
    return {"proof": order.as_json()}


def _serial(found: Verdicts, form: Order) -> tuple[array[int], str | None]:
    """The invocations of a serial order, and why it does not explain the history; None if it does."""
    transactions, order = found.inference.transactions, serial_order(found, form)
    return array("q", [transactions[number].invoke for number in order]), refute_serial(transactions, order, form)


def serial_order(found: Verdicts, form: Order) -> list[int]:
    """The committed transactions in an order that no edge contradicts; there must be one."""
    order = found.order
    if len(order) < len(found.graph.successors):
        kinds = {WW, WR, RW, NEXT, *ORDER_KINDS[form]}
        reduced = Graph(len(found.inference.transactions))
        reduced.successors[:] = [
            [edge for edge in edges if edge & KIND_MASK in kinds] for edges in found.graph.successors
        ]
        order, rest = peeled(reduced)
        assert not rest, "a level of serializability holds, and the graph has a cycle"
    committed = set(found.inference.committed)
    return [node for node in order if node in committed]


@contextmanager
def _without_collection() -> Iterator[None]:
    """The cyclic garbage collector off: it would walk through everything that is being built, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

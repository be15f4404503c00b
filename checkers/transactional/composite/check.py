"""The verdict on a history of transactions on registers, sets, counters and ranges of keys."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.composite.anomaly import anomalies
from checkers.transactional.composite.reading import read_composite
from checkers.transactional.composite.scope import answers
from checkers.transactional.composite.serial import refute
from checkers.transactional.composite.verdict import SEARCHED_MAX, SERIAL, Answers
from checkers.transactional.lattice import MODELS, STRICT, Family, Model, Order, strongest_holding, weakest_failing
from checkers.transactional.register.saturation import POLYNOMIAL
from harness.history import INVOKE, History
from harness.result import Reason, Result, Validity

METHOD: Final = "cells"
LISTED_MAX: Final = 1_000


def judge(history: History, expect: str, model: Model, deadline: float | None, initial: Any) -> Result:
    """As :func:`checkers.transactional.check.check`, of what :func:`checkers.transactional.composite.reading.
    is_composite` says. Raises what reading it raises, and :class:`checkers.guard.OutOfTimeError`."""
    composite = read_composite(history, initial)
    found = answers(composite, deadline)
    valid = found.of(model)
    details: dict[str, Any] = {"transactions": len(composite.transactions), "committed": len(found.base.history)}
    worlds = [each for each in found.worlds.values() if isinstance(each, list)]
    if worlds and len(worlds[0]) > 1:
        details["readings"] = len(worlds[0])
    return Result(
        valid=valid,
        expect=expect,
        method=METHOD,
        reason=Reason.UNSUPPORTED if valid == "unknown" else None,
        explanation=found.unsure[model.name] if valid == "unknown" else None,
        anomalies=tuple(anomalies(found, model)) if valid is False else (),
        operations=history.types.count(INVOKE),
        details=details | _levels(found, model, deadline) | (_certificate(found) if valid is True else {}),
    )


def _certificate(found: Answers) -> dict[str, Any]:
    """A serial order that explains all reads, of the strongest form for which one was found; {} if none was."""
    for form in (Order.REALTIME, Order.SESSION, Order.NONE):
        order = _serial(found, form)
        if order is not None:
            return {"certificate": {"type": "serial-order", "respects": form.name.lower(), "transactions": len(order),
                                    **({"order": order} if len(order) <= LISTED_MAX else {})}}  # fmt: skip
    return {}


def _serial(found: Answers, form: Order) -> list[int] | None:
    """The invocations in such an order, which is executed once more."""
    transactions = found.composite.transactions
    numbers = found.serial.get(form)
    if numbers is None and found.answers.get(SERIAL[form]) is True:
        lines = _proved(found, form)
        number_of = {each.invoke: each.number for each in transactions}
        numbers = None if lines is None else [number_of[line] for line in lines]
    if numbers is None:
        return None
    objection = refute(found.composite, numbers, form)
    assert objection is None, f"the serial order does not explain the history: {objection}"
    return [transactions[number].invoke for number in numbers]


def _proved(found: Answers, form: Order) -> list[int] | None:
    """The invocations in the order of a schedule that proves the level."""
    for worlds in found.worlds.values():
        for world in worlds if isinstance(worlds, list) else ():
            proof = world.whole.proofs.get((Family.ANY, form))
            if proof is not None:
                listed = [each.invoke for each in world.whole.history.transactions]
                return [listed[number] for number in sorted(range(len(listed)), key=proof.commits.__getitem__)]
    return None


def _levels(found: Answers, asked: Model, deadline: float | None) -> dict[str, Any]:
    """The strongest levels that hold, the weakest that fail, and those that are undecided: past the time limit; of a
    long history those that take a search, unless the strongest one was asked for; where there is too much to choose."""
    searched = asked is MODELS[STRICT] or len(found.composite.transactions) <= SEARCHED_MAX

    def of(model: Model) -> Validity:
        if model is not asked and not searched and model.family not in POLYNOMIAL:
            return found.known(model)
        if deadline is not None and monotonic() > deadline:
            return found.known(model)
        try:
            return found.of(model)
        except OutOfTimeError:
            return "unknown"

    told = {name: of(model) for name, model in reversed(MODELS.items())}
    names = {answer: [name for name in MODELS if told[name] == answer] for answer in (True, False, "unknown")}
    undecided = {"undecided": names["unknown"]} if names["unknown"] else {}
    return {"strongest": list(strongest_holding(names[True])), "weakest_failing": list(weakest_failing(names[False])),
            **undecided}  # fmt: skip

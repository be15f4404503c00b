"""The verdict on a history of transactions on registers."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.register.anomaly import anomalies
from checkers.transactional.register.levels import levels, search_until
from checkers.transactional.register.reading import NilReads, Reading, read_transactions
from checkers.transactional.register.saturation import POLYNOMIAL
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import Choices, Verdicts, verdicts
from harness.history import INVOKE, History
from harness.result import Result

SATURATION: Final = "saturation"
POLYGRAPH: Final = "polygraph"
LISTED_MAX: Final = 1_000


def judge(
    history: History, expect: str, model: Model, deadline: float | None, initial: Any, nil_reads: NilReads,
    *, certify: bool = False,
) -> Result:  # fmt: skip
    """As :func:`checkers.transactional.check.check`, of registers. Raises what reading and explaining reads raise, and
    :class:`checkers.guard.OutOfTimeError`."""
    began = monotonic()
    reading = read_transactions(history, initial, nil_reads)
    found = Choices([verdicts(each, deadline) for each in histories(reading)])
    valid = found.of(model)
    first = next((each for each in found.several if each.of(model)), found.several[0])
    details: dict[str, Any] = {"transactions": len(reading.transactions), "committed": len(first.history)}
    if len(found.several) > 1:
        details["readings"] = len(found.several)
    shown = () if valid else tuple(anomalies(first, model))
    until = search_until(model, len(first.history), monotonic() - began, deadline)
    if certify:
        details |= {"certified": "register", **(_proof(reading, first, model) if valid else {})}
    return Result(
        valid=valid,
        expect=expect,
        method=SATURATION if model.family in POLYNOMIAL else POLYGRAPH,
        anomalies=shown,
        operations=history.types.count(INVOKE),
        details=details | levels(found, until, deadline) | (_certificate(first) if valid else {}),
    )


def _proof(reading: Reading, found: Verdicts, model: Model) -> dict[str, Any]:
    """The commit order that shows that the level holds, checked against its definition."""
    from checkers.transactional.axiom import refute
    from checkers.transactional.register.proof import proof

    try:
        order = proof(reading, found, model)
    except OutOfTimeError as error:
        return {"unproved": str(error)}
    objection = refute(reading.transactions, order, model, reading.initial)
    assert objection is None, f"the commit order does not show {model.name}: {objection}"
    return {"proof": order.as_json()}


def _certificate(found: Verdicts) -> dict[str, Any]:
    """A serial order that explains all reads, of the strongest form for which one was found; {} if none was."""
    for form in (Order.REALTIME, Order.SESSION, Order.NONE):
        proof = found.proofs.get((Family.ANY, form))
        if proof is not None:
            listed = [each.invoke for each in found.history.transactions]
            order = [listed[number] for number in sorted(range(len(listed)), key=proof.commits.__getitem__)]
            return {"certificate": {"type": "serial-order", "respects": form.name.lower(), "transactions": len(order),
                                    **({"order": order} if len(order) <= LISTED_MAX else {})}}  # fmt: skip
    return {}

"""The verdict on a history of transactions on registers."""

from __future__ import annotations

from typing import Any, Final

from checkers.transactional.lattice import MODELS, Model, strongest_holding, weakest_failing
from checkers.transactional.register.anomaly import anomalies
from checkers.transactional.register.reading import NilReads, read_transactions
from checkers.transactional.register.saturation import POLYNOMIAL, Known
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import Choices, Verdicts
from harness.history import INVOKE, History
from harness.result import Reason, Result

SATURATION: Final = "saturation"
POLYGRAPH: Final = "polygraph"


def judge(
    history: History, expect: str, model: Model, deadline: float | None, initial: Any, nil_reads: NilReads
) -> Result:
    """As :func:`checkers.transactional.check.check`, of registers. Raises what reading and explaining reads raise, and
    :class:`checkers.guard.OutOfTimeError`."""
    reading = read_transactions(history, initial, nil_reads)
    found = Choices([Verdicts(each, Known(each, deadline)) for each in histories(reading)])
    valid = found.of(model)
    first = found.several[0]
    details: dict[str, Any] = {"transactions": len(reading.transactions), "committed": len(first.history)}
    if len(found.several) > 1:
        details["readings"] = len(found.several)
    return Result(
        valid=valid,
        expect=expect,
        method=SATURATION if model.family in POLYNOMIAL else POLYGRAPH,
        reason=Reason.UNSUPPORTED if valid == "unknown" else None,
        explanation=found.why(model) if valid == "unknown" else None,
        anomalies=tuple(anomalies(first, model)) if valid is False else (),
        operations=history.types.count(INVOKE),
        details=details | _levels(found),
    )


def _levels(found: Choices) -> dict[str, Any]:
    """The strongest levels that hold, the weakest that fail, and those that are undecided."""
    answers = {name: found.of(model) for name, model in MODELS.items()}
    names = {answer: [name for name in MODELS if answers[name] == answer] for answer in (True, False, "unknown")}
    undecided = {"undecided": names["unknown"]} if names["unknown"] else {}
    return {"strongest": list(strongest_holding(names[True])), "weakest_failing": list(weakest_failing(names[False])),
            **undecided}  # fmt: skip

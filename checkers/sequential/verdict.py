"""``check``: a history in, a verdict out, with evidence that was itself checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final, Literal, cast, get_args

from checkers.guard import Unsupported, crash, guarded
from checkers.linearizable.decide import Method
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model
from checkers.linearizable.models import model_of
from checkers.linearizable.models.custom import custom
from checkers.sequential.certificate import refute
from checkers.sequential.decide import Decision, decide
from checkers.sequential.explain import explain
from checkers.sequential.scope import EVERY_OBJECT, Scope, scopes
from checkers.sequential.witness import witness
from checkers.value import Codes, plain, show
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result, worst

SEQUENTIAL: Final = "sequential"
PER_KEY: Final = "sequential-per-key"
ANOMALY: Final = "non-sequential"
WITNESS_MAX_S: Final = 5.0  # to make the witnesses small, of all keys together
WITNESSES_MAX: Final = 16


def check(
    history: History,
    *,
    model: str | Model | type = "cas-register",
    initial: Any = None,
    nil_reads: Literal["value", "unknown"] = "value",
    method: Method = "auto",
    time_limit_s: float | None = None,
    certify: bool = False,
) -> Result:
    """Whether one order of all operations on all keys explains all results and keeps every session's order.

    Sequential consistency (Lamport 1979). A session is what the field ``session`` says, else a process; real time
    counts inside sessions only. The options are those of :func:`checkers.linearizable.check`. ``method``: "polynomial"
    (linearizability; what registers force), "search", "z3" (registers), "brute" (force), or "auto": of these what can
    decide, in this order. ``certify``: a valid result has in its details the ``orders``: invocations, in their order.

    An invalid result has an anomaly "non-sequential", whose operations are the invocations of a witness as
    ``checkers.sequential.witness`` defines it. A valid one was checked against its order. Unknown past the limits, with
    how many operations could be put in order. Raises :class:`harness.history.HistoryError` and ValueError.
    """
    return judged(history, SEQUENTIAL, model, initial, nil_reads, method, time_limit_s, certify=certify)


def judged(
    history: History,
    expect: str,
    model: str | Model | type,
    initial: Any,
    nil_reads: Literal["value", "unknown"],
    method: Method,
    time_limit_s: float | None,
    *,
    certify: bool,
) -> Result:
    """Either of the two: all keys together, or each alone."""
    known = _model(model)
    if method not in get_args(Method):
        raise ValueError(f"read the method {method!r}; expected {' or '.join(get_args(Method))}")
    limit = Limit(None if time_limit_s is None else monotonic() + time_limit_s)

    def judge() -> Result:
        codes = Codes()
        found = scopes(history, known, codes, nil_reads, initial, per_key=expect == PER_KEY)
        decisions = _decide_all(found, method, limit)
        return _conclude(history, expect, known.name, codes, found, decisions, limit, certify=certify)

    return guarded(expect, judge, model=known.name, method=method)


def _model(model: str | Model | type) -> Model:
    if isinstance(model, str):
        return model_of(model)
    if hasattr(model, "parse"):
        return cast(Model, model)
    return custom(model, getattr(model, "__name__", type(model).__name__))


def _decide_all(found: Sequence[Scope], method: Method, limit: Limit) -> list[Decision]:
    """A decision per scope. The shortest go first, and each may take an equal share of the time that is left."""
    decisions: list[Decision] = [Decision(None, method, Reason.TIMEOUT)] * len(found)
    shortest_first = sorted(range(len(found)), key=lambda i: len(found[i].required))
    for done, i in enumerate(shortest_first):
        decisions[i] = _decide_one(found[i], method, limit.share(len(found) - done))
    return decisions


def _decide_one(scope: Scope, method: Method, limit: Limit) -> Decision:
    """The scope's decision; a valid one only with a certificate that holds. A crash leaves it undecided."""
    try:
        decision = decide(scope, method, limit)
        objection = refute(scope, decision.order) if decision.valid else None
    except Unsupported as error:
        return Decision(None, method, Reason.UNSUPPORTED, problem=str(error))
    except ImportError as error:
        advice = f"{error}; --method z3 needs the package z3-solver"
        return Decision(None, method, Reason.UNSUPPORTED, problem=advice)
    except MemoryError as error:
        return Decision(None, method, Reason.OUT_OF_MEMORY, problem=str(error) or "no memory was left")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a checker must not become a verdict
        return Decision(None, method, Reason.CHECKER_ERROR, problem=crash(error))
    if objection is not None:
        return Decision(None, decision.method, Reason.CHECKER_ERROR, problem=f"its order: {objection}")
    return decision


def _conclude(
    history: History,
    expect: str,
    model: str,
    codes: Codes,
    found: Sequence[Scope],
    decisions: Sequence[Decision],
    limit: Limit,
    *,
    certify: bool,
) -> Result:
    undecided = [(s, d) for s, d in zip(found, decisions, strict=True) if d.valid is None]
    valid = worst("unknown" if decision.valid is None else decision.valid for decision in decisions)
    details = _details(found, decisions)
    if certify and valid is True:
        details["orders"] = [
            {"key": _key(scope), "order": [item.operation.invoke for item in decision.order]}
            for scope, decision in zip(found, decisions, strict=True)
        ]
    return Result(
        valid=valid,
        expect=expect,
        model=model,
        method="+".join(sorted({part for d in decisions for part in d.method.split("+")})) or "polynomial",
        reason=undecided[0][1].reason if valid == "unknown" else None,
        explanation="; ".join(_progress(*each) for each in undecided[:3]) if valid == "unknown" else None,
        anomalies=_anomalies(history, codes, found, decisions, limit),
        operations=history.types.count(INVOKE),
        details=details,
    )


def _details(found: Sequence[Scope], decisions: Sequence[Decision]) -> dict[str, Any]:
    return {
        "objects": sum(len(scope.objects) for scope in found),
        "sessions": len({item.session for scope in found for item in (*scope.required, *scope.optional)}),
        "orders_valid": sum(decision.valid is True for decision in decisions),
        "orders_invalid": sum(decision.valid is False for decision in decisions),
        "orders_unknown": sum(decision.valid is None for decision in decisions),
        "algorithms": dict(Counter(decision.algorithm or decision.method for decision in decisions)),
        "configurations": sum(decision.configurations for decision in decisions),
    }


def _key(scope: Scope) -> Any:
    return None if scope.key == EVERY_OBJECT else plain(scope.key)


def _progress(scope: Scope, decision: Decision) -> str:
    """How far an undecided scope came, in words."""
    which = "the history" if scope.key in (None, EVERY_OBJECT) else f"key {show(scope.key)}"
    if decision.problem:
        return f"{which}: {decision.problem}"
    limit = "time" if decision.reason == Reason.TIMEOUT else "memory"
    return (
        f"{which} was not decided within the {limit} allowed: {decision.placed} of its {len(scope.required)} "
        "completed operations were put in one order"
    )


def _anomalies(
    history: History, codes: Codes, found: Sequence[Scope], decisions: Sequence[Decision], limit: Limit
) -> tuple[Anomaly, ...]:
    invalid = [(s, d) for s, d in zip(found, decisions, strict=True) if d.valid is False][:WITNESSES_MAX]
    limit = limit.at_most(seconds=WITNESS_MAX_S)
    return tuple(_anomaly(history, codes, *each, limit.share(len(invalid) - i)) for i, each in enumerate(invalid))


def _anomaly(history: History, codes: Codes, scope: Scope, decision: Decision, limit: Limit) -> Anomaly:
    found = witness(scope, decision.refuted, limit)
    return Anomaly(
        type=ANOMALY,
        operations=tuple(item.operation.invoke for item in found.items),
        explanation=explain(history, scope, codes, found.items),
        details={"key": _key(scope), "minimal": found.minimal, "confirmed_by": list(found.confirmed)},
    )

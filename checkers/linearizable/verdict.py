"""``check``: a history in, a verdict out, with evidence that was itself checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Final, Literal, cast, get_args

from checkers.guard import Unsupported, crash, guarded
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Decision, Method, decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model
from checkers.linearizable.models import model_of
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.value import Codes, plain, show
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result, worst

EXPECT: Final = "linearizable"
ANOMALY: Final = "non-linearizable"
WITNESS_MAX_S: Final = 5.0  # to make the witnesses small, of all keys together
WITNESSES_MAX: Final = 16  # invalid keys that are told in full; the others are counted
_UNKNOWN_LISTED_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class _Task:
    history: History
    model: Model
    codes: Codes


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
    """Whether the history is linearizable (Herlihy & Wing 1990), each key by itself.

    ``model`` is one of ``MODELS``, a class of your own as "package.module:Class" or itself (``models.custom``), or a
    :class:`Model`; ``initial`` what every key holds before its first operation; with ``nil_reads`` "unknown" an ok read
    of nil says nothing. ``method``: "polynomial", "search", "z3", "brute" (force), or "auto": of these what can decide,
    in this order. Past ``time_limit_s`` seconds the verdict is unknown, with how far it came. ``certify``: a valid
    result has in its details the ``linearizations``, one per object: its key, and its invocations in their order.

    An invalid result has one anomaly per invalid key; its ``operations`` are the invocations of a witness as
    ``checkers.linearizable.witness`` defines it, and its details say whether that is minimal. A valid one was checked
    against its linearization. A crash of the checker is unknown, never valid. Raises :class:`HistoryError` for lines
    that are no history, ValueError for a model or method that does not exist.
    """
    known = _model(model)
    if method not in get_args(Method):
        raise ValueError(f"read the method {method!r}; expected {' or '.join(get_args(Method))}")
    limit = Limit(None if time_limit_s is None else monotonic() + time_limit_s)
    first = "search" if method == "auto" else method

    def judge() -> Result:
        codes = Codes()
        task = _Task(history, known, codes)
        keys = by_key(history, known, codes, nil_reads, initial)
        decisions = _decide_all(task, keys, method, limit)
        result = _conclude(task, keys, decisions, limit, first)
        return _certified(result, keys, decisions) if certify and result.valid is True else result

    return guarded(EXPECT, judge, model=known.name, method=first)


def _certified(result: Result, keys: Sequence[KeyHistory], decisions: Sequence[Decision]) -> Result:
    orders = [
        {"key": plain(key.key), "order": [operation.invoke for operation in decision.order]}
        for key, decision in zip(keys, decisions, strict=True)
    ]
    return replace(result, details={**result.details, "linearizations": orders})


def _model(model: str | Model | type) -> Model:
    if isinstance(model, str):
        return model_of(model)
    if hasattr(model, "parse"):
        return cast(Model, model)
    from checkers.linearizable.models.custom import custom

    return custom(model, getattr(model, "__name__", type(model).__name__))


def _decide_all(task: _Task, keys: Sequence[KeyHistory], method: Method, limit: Limit) -> list[Decision]:
    """A decision per key. The shortest keys go first, and each may take an equal share of the time that is left."""
    decisions: list[Decision] = [Decision(None, method, Reason.TIMEOUT)] * len(keys)
    shortest_first = sorted(range(len(keys)), key=lambda i: len(keys[i].required) + len(keys[i].optional))
    for done, i in enumerate(shortest_first):
        decisions[i] = _decide_one(task, keys[i], method, limit.share(len(keys) - done))
    return decisions


def _decide_one(task: _Task, key: KeyHistory, method: Method, limit: Limit) -> Decision:
    """The key's decision; a valid one only with a certificate that holds. A crash leaves this key undecided."""
    try:
        decision = decide(key, method, limit)
        if decision.valid:
            objection = refute(key, decision.order)
            if objection is not None:
                return Decision(None, decision.method, Reason.CHECKER_ERROR, problem=f"its linearization: {objection}")
    except Unsupported as error:
        return Decision(None, method, Reason.UNSUPPORTED, problem=str(error))
    except ImportError as error:
        advice = f"{error}; --method z3 needs the package z3-solver"
        return Decision(None, method, Reason.UNSUPPORTED, problem=advice)
    except MemoryError as error:
        return Decision(None, method, Reason.OUT_OF_MEMORY, problem=str(error) or "no memory was left")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a checker must not become a verdict
        return Decision(None, method, Reason.CHECKER_ERROR, problem=crash(error))
    return decision


def _conclude(
    task: _Task, keys: Sequence[KeyHistory], decisions: Sequence[Decision], limit: Limit, first: str
) -> Result:
    anomalies = _anomalies(task, keys, decisions, limit)
    undecided = [(key, decision) for key, decision in zip(keys, decisions, strict=True) if decision.valid is None]
    valid = worst("unknown" if decision.valid is None else decision.valid for decision in decisions)
    return Result(
        valid=valid,
        expect=EXPECT,
        model=task.model.name,
        method="+".join(sorted({part for d in decisions for part in d.method.split("+")})) or first,
        reason=undecided[0][1].reason if valid == "unknown" else None,
        explanation="; ".join(_progress(*each) for each in undecided[:3]) if valid == "unknown" else None,
        anomalies=anomalies,
        operations=task.history.types.count(INVOKE),
        details=_details(keys, decisions, undecided),
    )


def _details(
    keys: Sequence[KeyHistory], decisions: Sequence[Decision], undecided: Sequence[tuple[KeyHistory, Decision]]
) -> dict[str, Any]:
    windows: Counter[str] = Counter()
    for decision in decisions:
        windows.update(decision.windows)
    details: dict[str, Any] = {
        "keys": len(keys),
        "keys_valid": sum(decision.valid is True for decision in decisions),
        "keys_invalid": sum(decision.valid is False for decision in decisions),
        "keys_unknown": len(undecided),
        "keys_by_method": dict(Counter(decision.method for decision in decisions)),
        "windows_by_method": dict(windows),
        "algorithms": sorted({decision.algorithm for decision in decisions} - {""}),
        "configurations": sum(decision.configurations for decision in decisions),
    }
    if undecided:
        details["unknown"] = [
            {
                "key": plain(key.key),
                "reason": str(decision.reason),
                "explained": decision.explained,
                "of": len(key.required),
            }
            for key, decision in undecided[:_UNKNOWN_LISTED_MAX]
        ]
    return details


def _progress(key: KeyHistory, decision: Decision) -> str:
    """How far an undecided key came, in words."""
    which = "the history" if key.key is None else f"key {show(key.key)}"
    if decision.problem:
        return f"{which}: {decision.problem}"
    limit = "time" if decision.reason == Reason.TIMEOUT else "memory"
    return (
        f"{which} was not decided within the {limit} allowed: the first {decision.explained} of its "
        f"{len(key.required)} completed operations have a linearization"
    )


def _anomalies(
    task: _Task, keys: Sequence[KeyHistory], decisions: Sequence[Decision], limit: Limit
) -> tuple[Anomaly, ...]:
    invalid = [(key, decision) for key, decision in zip(keys, decisions, strict=True) if decision.valid is False]
    told = invalid[:WITNESSES_MAX]
    limit = limit.at_most(seconds=WITNESS_MAX_S)
    return tuple(_anomaly(task, *each, limit.share(len(told) - i)) for i, each in enumerate(told))


def _anomaly(task: _Task, key: KeyHistory, decision: Decision, limit: Limit) -> Anomaly:
    # Imported here, for a valid history has no anomaly.
    from checkers.linearizable.explain import explain
    from checkers.linearizable.witness import witness
    from harness.fault_window import fault_windows

    found = witness(key, decision.refuted, limit)
    return Anomaly(
        type=ANOMALY,
        operations=tuple(operation.invoke for operation in found.operations),
        explanation=explain(task.history, key, task.codes, found.operations, fault_windows(task.history)),
        details={
            "key": plain(key.key),
            "minimal": found.minimal,
            "confirmed_by": list(found.confirmed),
            "explained": decision.explained,
        },
    )

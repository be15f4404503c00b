"""``check``: a history in, a verdict out, with evidence that was itself checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from checkers.guard import Unsupported, crash, guarded
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Decision, Method, decide
from checkers.linearizable.judgement import TOLD_MAX, Judged, Judgement, Question, judge, judge_columns
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.linearizable.models import model_of
from checkers.linearizable.operation import KeyHistory
from checkers.value import Codes, plain, show
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result, Validity, worst

if TYPE_CHECKING:
    from harness.fault_window import FaultWindow

EXPECT: Final = "linearizable"
ANOMALY: Final = "non-linearizable"
WITNESS_MAX_S: Final = 5.0  # to make the witnesses small, of all keys together
COLUMNAR: Final = frozenset({"register", "cas-register", "queue", "unordered-queue", "stack", "pqueue", "set"})
"""The models for which there are polynomial methods on columns."""
_UNKNOWN_LISTED_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class _Task:
    history: History
    model: Model
    codes: Codes
    witness_time_s: float


def check(
    history: History,
    *,
    model: str | Model | type = "cas-register",
    initial: Any = None,
    nil_reads: Literal["value", "unknown"] = "value",
    method: Method = "auto",
    time_limit_s: float | None = None,
    certify: bool = False,
    processes: int | None = None,
    witness_time_s: float = WITNESS_MAX_S,
) -> Result:
    """Whether the history is linearizable (Herlihy & Wing 1990), each key by itself.

    ``model`` is one of ``MODELS``, a class of your own as "package.module:Class" or itself (``models.custom``), or a
    :class:`Model`; ``initial`` what every key holds before its first operation; with ``nil_reads`` "unknown" an ok read
    of nil says nothing. ``method``: "polynomial", "search", "z3", "brute" (force), or "auto": of these what can decide,
    in this order. Past ``time_limit_s`` seconds the verdict is unknown, with how far it came. ``certify``: a valid
    result has in its details the ``linearizations``, one per object: its key, and its invocations in their order.
    ``processes``: at most so many decide keys side by side; None: as many as there are cores. ``witness_time_s``: how
    long, at most, the witnesses of all keys together are made smaller once the verdict is known.

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

    def judge_all() -> Result:
        codes = Codes()
        question = Question(
            history=history,
            model=known,
            reading=Reading(codes, nil_reads == "value"),
            initial=initial,
            limit=limit,
            decide_one=lambda key, share: _decide_one(key, method, share),
            processes=processes,
            certify=certify,
        )
        return _conclude(_Task(history, known, codes, witness_time_s), _judgement(question, method), limit, first)

    return guarded(EXPECT, judge_all, model=known.name, method=first)


def _judgement(question: Question, method: Method) -> Judgement:
    if question.model.name in COLUMNAR and method in ("auto", "polynomial"):
        columns = question.history.columns
        found = None if columns is None else judge_columns(question, columns, search=method == "auto")
        if found is not None:
            return found
    return judge(question)


def _model(model: str | Model | type) -> Model:
    if isinstance(model, str):
        return model_of(model)
    if hasattr(model, "parse"):
        return cast(Model, model)
    from checkers.linearizable.models.custom import custom

    return custom(model, getattr(model, "__name__", type(model).__name__))


def _decide_one(key: KeyHistory, method: Method, limit: Limit) -> Decision:
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


def _conclude(task: _Task, judgement: Judgement, limit: Limit, first: str) -> Result:
    told = judgement.told
    undecided = [each for each in told if each.decision.valid is None]
    verdicts: list[Validity] = ["unknown" if each.decision.valid is None else each.decision.valid for each in told]
    valid = worst([*verdicts, *[True] * bool(judgement.valid), *[False] * bool(judgement.invalid)])
    methods = {part for each in told for part in each.decision.method.split("+")}
    methods |= ({"polynomial"} if judgement.algorithm else set()) | ({"search"} if judgement.searched else set())
    return Result(
        valid=valid,
        expect=EXPECT,
        model=task.model.name,
        method="+".join(sorted(methods)) or first,
        reason=undecided[0].decision.reason if valid == "unknown" else None,
        explanation="; ".join(map(_progress, undecided[:3])) if valid == "unknown" else None,
        anomalies=_anomalies(task, told, limit),
        operations=task.history.types.count(INVOKE),
        details=_details(judgement, undecided),
    )


def _details(judgement: Judgement, undecided: Sequence[Judged]) -> dict[str, Any]:
    decisions = [each.decision for each in judgement.told]
    windows: Counter[str] = Counter()
    for decision in decisions:
        windows.update(decision.windows)
    by_method = Counter(decision.method for decision in decisions)
    counted = judgement.valid + judgement.invalid
    details: dict[str, Any] = {
        "keys": len(decisions) + counted,
        "keys_valid": sum(decision.valid is True for decision in decisions) + judgement.valid,
        "keys_invalid": sum(decision.valid is False for decision in decisions) + judgement.invalid,
        "keys_unknown": len(undecided),
        "keys_by_method": dict(by_method + Counter(polynomial=counted - judgement.searched, search=judgement.searched)),
        "windows_by_method": dict(windows),
        "algorithms": sorted({judgement.algorithm, *(decision.algorithm for decision in decisions)} - {""}),
        "configurations": sum(decision.configurations for decision in decisions) + judgement.configurations,
    }
    if undecided:
        details["unknown"] = [
            {
                "key": plain(key.key),
                "reason": str(decision.reason),
                "explained": decision.explained,
                "of": of,
            }
            for key, decision, of in undecided[:_UNKNOWN_LISTED_MAX]
        ]
    if judgement.linearizations is not None:
        details["linearizations"] = list(judgement.linearizations)
    return details


def _progress(judged: Judged) -> str:
    """How far an undecided key came, in words."""
    key, decision, of = judged
    which = "the history" if key.key is None else f"key {show(key.key)}"
    if decision.problem:
        return f"{which}: {decision.problem}"
    limit = "time" if decision.reason == Reason.TIMEOUT else "memory"
    return (
        f"{which} was not decided within the {limit} allowed: the first {decision.explained} of its "
        f"{of} completed operations have a linearization"
    )


def _anomalies(task: _Task, told: Sequence[Judged], limit: Limit) -> tuple[Anomaly, ...]:
    invalid = [each for each in told if each.decision.valid is False][:TOLD_MAX]
    if not invalid:
        return ()
    from harness.fault_window import fault_windows

    limit, faults = limit.at_most(seconds=task.witness_time_s), fault_windows(task.history)
    return tuple(_anomaly(task, *each[:2], faults, limit.share(len(invalid) - i)) for i, each in enumerate(invalid))


def _anomaly(task: _Task, key: KeyHistory, decision: Decision, faults: Sequence[FaultWindow], limit: Limit) -> Anomaly:
    # Imported here, for a valid history has no anomaly.
    from checkers.linearizable.explain import explain
    from checkers.linearizable.witness import witness

    by_z3 = "z3" in decision.method
    found = witness(key, decision.refuted, limit, by_z3=by_z3, narrowed=decision.narrowed)
    return Anomaly(
        type=ANOMALY,
        operations=tuple(operation.invoke for operation in found.operations),
        explanation=explain(task.history, key, task.codes, found.operations, faults),
        details={
            "key": plain(key.key),
            "minimal": found.minimal,
            "confirmed_by": list(found.confirmed),
            "from": found.source,
            "explained": decision.explained,
        },
    )

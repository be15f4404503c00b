"""What a checker says: valid, invalid or unknown, with its evidence.

A wrong verdict is the worst bug this project can have, so a result is three-valued, an unknown one carries a typed
reason, and results compose by taking the worst (invalid, then unknown, then valid).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal

Validity = bool | Literal["unknown"]

SCHEMA: Final = "splitbrain.results/1"
_ANOMALIES_SHOWN_MAX: Final = 10


class Reason(StrEnum):
    """Why a verdict is unknown."""

    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    UNSUPPORTED = "unsupported"  # the checker cannot decide this kind of history
    VERSION_ORDER = "version-order"  # the order of the writes matters, and neither values nor answers tell it
    CHECKER_ERROR = "checker-error"  # the checker raised: a bug of ours, never a verdict
    TOO_FEW_OK = "too-few-ok-operations"
    NO_CONFLICT = "no-conflicting-operations"
    FAULT_WITHOUT_EFFECT = "fault-without-effect"
    MISSING_FINAL_READ = "missing-final-read"
    UNKNOWN_OUTCOME = "unknown-outcome"  # operations of which nobody knows whether they happened decide it
    NO_RECOVERY = "no-recovery"  # the system did not answer again after the heal
    INTERRUPTED = "interrupted"
    HARNESS_ERROR = "harness-error"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One thing that must not happen, and the operations that show it.

    ``operations`` are positions in the history, in the order in which the explanation needs them; for linearizability
    they are the witness of ``checkers.md``: with every other read removed and every other write optional the history
    is still invalid. ``explanation`` is for a person; ``details`` for programs (JSON values only).
    """

    type: str
    operations: tuple[int, ...]
    explanation: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "operations": list(self.operations),
            "explanation": self.explanation,
            **({"details": dict(self.details)} if self.details else {}),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict. ``reason`` is set exactly when ``valid`` is "unknown"; an invalid one has at least one anomaly.

    ``expect`` names what was checked (a consistency model or a workload's property), ``method`` how it was decided,
    ``operations`` how many client operations were looked at, ``seconds`` how long it took, ``details`` whatever else
    the checker found (JSON values only).
    """

    valid: Validity
    expect: str
    model: str | None = None
    method: str | None = None
    reason: Reason | None = None
    explanation: str | None = None
    anomalies: tuple[Anomaly, ...] = ()
    operations: int = 0
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert (self.reason is not None) == (self.valid == "unknown"), "a reason if and only if unknown"
        assert self.valid is not False or self.anomalies, "an invalid result carries its anomaly"

    def __bool__(self) -> bool:
        """Whether it is valid. Raises ValueError where that is unknown, lest ``if not result`` take it for invalid."""
        if self.valid == "unknown":
            raise ValueError(f"read an unknown verdict as true or false ({self!r}); expected a look at its .valid")
        return self.valid

    def __str__(self) -> str:
        """The verdict and the witnesses, in words, for a person."""
        word = {True: "valid", False: "INVALID", "unknown": f"unknown ({self.reason})"}[self.valid]
        model, method = f" ({self.model})" if self.model else "", f", by {self.method}" if self.method else ""
        lines = [f"{word}: expected {self.expect}{model}, {self.operations} operations{method}"]
        lines += [f"  {self.explanation}"] if self.explanation else []
        lines += [f"  {anomaly.type}: {anomaly.explanation}" for anomaly in self.anomalies[:_ANOMALIES_SHOWN_MAX]]
        if len(self.anomalies) > _ANOMALIES_SHOWN_MAX:
            lines.append(f"  ... and {len(self.anomalies) - _ANOMALIES_SHOWN_MAX} more anomalies")
        return "\n".join(map(_printable, lines))

    def __repr__(self) -> str:
        first, *more = str(self).split("\n  ")
        return f"<{first}{f': {more[0]}' if more else ''}{' ...' if more[1:] else ''}>"

    def but_unknown(self, reason: Reason, explanation: str) -> Result:
        """This result, unless it is valid: then unknown, for that reason. Invalid stays invalid."""
        if self.valid is not True:
            return self
        return replace(self, valid="unknown", reason=reason, explanation=explanation)

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "expect": self.expect,
            "model": self.model,
            "method": self.method,
            "reason": None if self.reason is None else str(self.reason),
            "explanation": self.explanation,
            "anomalies": [anomaly.as_json() for anomaly in self.anomalies],
            "operations": self.operations,
            "seconds": round(self.seconds, 6),
            "details": dict(self.details),
        }


def _printable(line: str) -> str:
    """What a history says may hold anything: a terminal gets no control characters."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def unknown(expect: str, reason: Reason, explanation: str, **more: Any) -> Result:
    """An unknown verdict with its reason in words."""
    return Result(valid="unknown", expect=expect, reason=reason, explanation=explanation, **more)


def worst(values: Iterable[Validity]) -> Validity:
    """The worst of several verdicts: False, then "unknown", then True. Nothing at all is True."""
    seen = set(values)
    if False in seen:
        return False
    return "unknown" if "unknown" in seen else True


def composed(result: Result, *others: Result) -> Result:
    """The result, made worse by others about the same run: the worst verdict, and every anomaly of each.

    The first one lends its name, model and method; what the others found stands in ``details`` under their names.
    """
    if not others:
        return result
    results = (result, *others)
    valid = worst(each.valid for each in results)
    doubts = [each for each in results if each.valid == "unknown"] if valid == "unknown" else []
    texts = [each.explanation for each in doubts if each.explanation]
    return replace(
        result,
        valid=valid,
        reason=doubts[0].reason if doubts else None,
        explanation="; besides, ".join(texts) if doubts else result.explanation if result.valid is valid else None,
        anomalies=tuple(anomaly for each in results for anomaly in each.anomalies),
        seconds=sum(each.seconds for each in results),
        details={**result.details, **{each.expect: {"valid": each.valid, **each.details} for each in others}},
    )


EXIT_STATUS: Final[Mapping[Validity, int]] = {True: 0, False: 1, "unknown": 2}

"""Evidence on disk: of a valid history the orders that explain it (of linearizability one per object, of sequential
consistency one of all, or one per key), of an invalid one its witnesses; and what they are about, so that ``splitbrain
verify`` can read the same history in the same way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.commands import UsageError
from harness.commands.question import LINEARIZABLE, Question, nil_reads
from harness.file import read_json
from harness.formats import FORMATS, NIL_READS, Recording
from harness.result import Result, Validity

SCHEMA: Final = "splitbrain.evidence/1"
_FIELDS: Final = frozenset(
    {"schema", "valid", "expect", "model", "initial", "nil_reads", "format", "independent", "operations"}
)


ORDERS: Final = {LINEARIZABLE: "linearizations", "sequential": "orders", "sequential-per-key": "orders"}
"""What there is evidence of; and what the orders that explain a valid history are called."""


class Finding(NamedTuple):
    """Whether evidence holds; by which means that was decided, and why not."""

    holds: Validity
    method: str
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """``lists``: of a valid history each order that explains it, of an invalid one each witness; all as positions of
    invocations in the history, which has ``operations`` lines."""

    valid: bool
    expect: str
    model: str
    initial: Any
    nil_reads: str
    format: str
    independent: bool
    operations: int
    lists: tuple[tuple[int, ...], ...]


def keep_evidence(question: Question, recording: Recording, result: Result) -> Result:
    """Write the evidence, if there is any, and name the file in the result. Raises :class:`UsageError`."""
    path = question.certificate
    assert path is not None, "evidence was asked for"
    if question.expect not in ORDERS:
        raise UsageError(f"read --certificate of what is to be {question.expect}; expected {' or '.join(ORDERS)}")
    orders = ORDERS[question.expect]
    details = {name: value for name, value in result.details.items() if name != orders}
    if result.valid == "unknown":
        return replace(result, details={**details, "certificate": None})
    data = {
        "schema": SCHEMA,
        "valid": result.valid,
        "expect": result.expect,
        "model": result.model,
        "initial": question.initial,
        "nil_reads": nil_reads(question, recording),
        "format": recording.format,
        "independent": question.independent,
        "operations": len(recording.history),
    }
    if result.valid:
        data[orders] = result.details[orders]
    else:
        data["witnesses"] = [{"key": anomaly.details.get("key"), "operations": list(anomaly.operations)}
                             for anomaly in result.anomalies]  # fmt: skip
    try:
        path.write_text(json.dumps(data) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: wrote nothing ({error.strerror}); expected a place for the evidence") from None
    return replace(result, details={**details, "certificate": str(path)})


def read_evidence(path: Path) -> Evidence:
    """Raises :class:`UsageError` for what is no evidence."""
    try:
        return _evidence(read_json(path))
    except OSError as error:
        raise UsageError(f"{path}: read nothing ({error.strerror}); expected what check --certificate wrote") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: read what is not UTF-8; expected what check --certificate wrote") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path}: {str(error)[:200]}; expected what check --certificate wrote") from None


def _evidence(data: Any) -> Evidence:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"read no schema {SCHEMA!r}")
    if lacking := sorted(_FIELDS - set(data)):
        raise ValueError(f"read no {', '.join(lacking)}")
    _one_of(data["valid"], "valid", (True, False))
    _one_of(data["independent"], "independent", (True, False))
    _one_of(data["expect"], "expect", tuple(ORDERS))
    _one_of(data["nil_reads"], "nil_reads", tuple(set(NIL_READS.values())))
    _one_of(data["format"], "format", tuple(FORMATS))
    if not isinstance(data["model"], str) or type(data["operations"]) is not int:
        raise ValueError("read a model that is no text, or operations that are no number")
    orders = ORDERS[data["expect"]]
    entries, field = (data[orders], "order") if data["valid"] else (data["witnesses"], "operations")
    lists = tuple(_positions(entry[field]) for entry in entries)
    return Evidence(data["valid"], data["expect"], data["model"], data["initial"], data["nil_reads"], data["format"],
                    data["independent"], data["operations"], lists)  # fmt: skip


def _one_of(value: Any, name: str, known: tuple[Any, ...]) -> None:
    if not any(value is each or (isinstance(value, str) and value == each) for each in known):
        raise ValueError(f"read {name} {value!r:.80}")


def _positions(numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
        raise ValueError("read positions that are no list of integers")
    return tuple(numbers)

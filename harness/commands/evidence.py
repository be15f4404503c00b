"""Evidence on disk: of a valid history the orders that explain it (of linearizability one per object, of sequential
consistency one of all, or one per key; of an isolation level a commit order), of an invalid one its witnesses, or the
anomalies of its transactions; and what they are about, so that ``splitbrain verify`` can read the same history in the
same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.catalog import LEVELS
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
    invocations in the history, which has ``operations`` lines. Of an isolation level there are no lists: ``proof`` is
    the commit order as JSON, or the anomalies; ``digest`` that of the history's file."""

    valid: bool
    expect: str
    model: str
    initial: Any
    nil_reads: str
    format: str
    independent: bool
    operations: int
    lists: tuple[tuple[int, ...], ...]
    proof: Any = None
    digest: str = ""


def keep_evidence(question: Question, recording: Recording, result: Result) -> Result:
    """Write the evidence, if there is any, and name the file in the result. Raises :class:`UsageError`."""
    path = question.certificate
    assert path is not None, "evidence was asked for"
    if question.expect in LEVELS:
        return _keep_level(question, recording, result, path)
    if question.expect not in ORDERS:
        raise UsageError(f"read --certificate of what is to be {question.expect}; expected "
                         f"{', '.join(ORDERS)}, or an isolation level")  # fmt: skip
    orders = ORDERS[question.expect]
    details = {name: value for name, value in result.details.items() if name != orders}
    if result.valid == "unknown":
        return replace(result, details={**details, "certificate": None})
    data = _about(question, recording, result)
    if result.valid:
        data[orders] = result.details[orders]
    else:
        data["witnesses"] = [{"key": anomaly.details.get("key"), "operations": list(anomaly.operations)}
                             for anomaly in result.anomalies]  # fmt: skip
    _write(path, data)
    return replace(result, details={**details, "certificate": str(path)})


def _about(question: Question, recording: Recording, result: Result) -> dict[str, Any]:
    return {
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


def _write(path: Path, data: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(data) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: wrote nothing ({error.strerror}); expected a place for the evidence") from None


_OF_LEVELS: Final = frozenset(("proof", "unproved", "certified"))
_NO_WORD: Final = "there is none of such transactions"


def _keep_level(question: Question, recording: Recording, result: Result, path: Path) -> Result:
    """The evidence about an isolation level. Where none was made, the result says why, and nothing is written."""
    found = result.details
    details = {name: value for name, value in found.items() if name not in _OF_LEVELS} | {"certificate": None}
    if result.valid == "unknown":
        return replace(result, details=details)
    if "certified" not in found or (result.valid and "proof" not in found):
        why = f"no certificate was written: {found.get('unproved', _NO_WORD)}"
        return replace(result, details=details, explanation=why)
    data = _about(question, recording, result) | {"model": found["certified"], "digest": digest(question.path)}
    if result.valid:
        data["proof"] = found["proof"]
    else:
        as_one = found.get("readings") or found["certified"] == "composite"  # no anomaly says all by itself
        ambiguous = {"ambiguous": True} if as_one else None
        data["anomalies"] = [{"type": each.type, "operations": list(each.operations),
                              "details": ambiguous or dict(each.details)} for each in result.anomalies]  # fmt: skip
    _write(path, data)
    return replace(result, details={**details, "certificate": str(path)})


def digest(path: Path) -> str:
    """Of a history's file. Raises OSError."""
    import hashlib

    with open(path, "rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


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
    _one_of(data["expect"], "expect", (*ORDERS, *LEVELS))
    _one_of(data["nil_reads"], "nil_reads", tuple(set(NIL_READS.values())))
    _one_of(data["format"], "format", tuple(FORMATS))
    if not isinstance(data["model"], str) or type(data["operations"]) is not int:
        raise ValueError("read a model that is no text, or operations that are no number")
    about = (data["valid"], data["expect"], data["model"], data["initial"], data["nil_reads"], data["format"],
             data["independent"], data["operations"])  # fmt: skip
    if data["expect"] in LEVELS:
        return Evidence(*about, (), _level_proof(data), data["digest"])
    orders = ORDERS[data["expect"]]
    entries, field = (data[orders], "order") if data["valid"] else (data["witnesses"], "operations")
    lists = tuple(_positions(entry[field]) for entry in entries)
    return Evidence(*about, lists)


def _level_proof(data: Mapping[str, Any]) -> Any:
    """The commit order, or the anomalies."""
    _one_of(data["model"], "model", ("list", "register", "composite"))
    if not isinstance(data["digest"], str):
        raise ValueError("read a digest that is no text")
    if data["valid"]:
        return data["proof"]
    for each in data["anomalies"]:
        if not isinstance(each["type"], str) or not isinstance(each["details"], dict):
            raise ValueError("read an anomaly without a type or details")
        _positions(each["operations"])
    return data["anomalies"]


def _one_of(value: Any, name: str, known: tuple[Any, ...]) -> None:
    if not any(value is each or (isinstance(value, str) and value == each) for each in known):
        raise ValueError(f"read {name} {value!r:.80}")


def _positions(numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
        raise ValueError("read positions that are no list of integers")
    return tuple(numbers)

"""What was found out about a history, as the view shows it: the verdict in words, the anomalies with their calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.history import History
from harness.report.element import clean
from harness.report.history_view.call_columns import Calls
from harness.report.text import count, duration

ANOMALIES_MAX: Final = 500
OPERATIONS_MAX: Final = 5_000
EDGES_MAX: Final = 200
EXPLANATION_MAX: Final = 4_000

Found = Mapping[str, Any]
"""``Result.as_json()``, or an object of the same fields that was read from a file; empty if nothing was judged."""

WORDS: Final = {
    True: ("valid", "Valid", "✓"),
    False: ("invalid", "Invalid", "✗"),
    "unknown": ("unknown", "Unknown", "?"),
}
NOT_JUDGED: Final = ("unjudged", "Not judged", "·")


def verdict(found: Found) -> tuple[str, str, str]:
    """Style, word and sign."""
    valid = found.get("valid")
    return WORDS[valid] if isinstance(valid, bool) or valid == "unknown" else NOT_JUDGED


def because(found: Found) -> str:
    """The verdict's reason in a sentence or two: of an invalid one the first anomaly's."""
    anomalies = listed(found)
    if found.get("valid") is False and anomalies:
        return _text(anomalies[0], "explanation", EXPLANATION_MAX)
    if found.get("valid") is True:
        return f"No violation of {expectation(found)} in {count(_number(found, 'operations'))} operations."
    reason = _text(found, "reason", 80).replace("-", " ")
    return ": ".join(part for part in (reason, _text(found, "explanation", EXPLANATION_MAX)) if part)


def expectation(found: Found) -> str:
    """What was expected: ``linearizable (register)``."""
    model = _text(found, "model", 80)
    return (_text(found, "expect", 80) or "what was expected") + (f" ({model})" if model else "")


def facts(found: Found) -> list[str]:
    """How it was found out, in a few words each."""
    method, seconds = _text(found, "method", 80), found.get("seconds")
    parts = [f"expected {expectation(found)}"] if found.get("expect") else []
    parts += [f"by {method}"] if method else []
    return parts + ([f"in {duration(seconds)}"] if isinstance(seconds, float) and seconds > 0 else [])


def listed(found: Found) -> list[Mapping[str, Any]]:
    """The anomalies."""
    entries = found.get("anomalies")
    return [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, (list, tuple)) else []


def named_positions(found: Found) -> list[int]:
    """Every position that an anomaly names."""
    return [position for anomaly in listed(found)[:ANOMALIES_MAX] for position in _positions(anomaly)]


def anomalies(found: Found, calls: Calls, history: History) -> list[dict[str, Any]]:
    """Type, explanation, the numbers of the calls, and the edges between them where it is a cycle."""
    return [_anomaly(each, calls, history) for each in listed(found)[:ANOMALIES_MAX]]


def orders(found: Found) -> list[Sequence[int]]:
    """The linearization of each object, if there is a certificate; as positions of invocations."""
    details = found.get("details")
    entries = details.get("linearizations") if isinstance(details, Mapping) else None
    return [each["order"] for each in entries] if isinstance(entries, (list, tuple)) else []


def _anomaly(anomaly: Mapping[str, Any], calls: Calls, history: History) -> dict[str, Any]:
    numbers = (calls.number(history, position) for position in _positions(anomaly))
    details = anomaly.get("details")
    details = details if isinstance(details, Mapping) else {}
    return {
        "type": _text(anomaly, "type", 80) or "anomaly",
        "explanation": _text(anomaly, "explanation", EXPLANATION_MAX),
        "calls": list(dict.fromkeys(number for number in numbers if number is not None)),
        "edges": list(_edges(details, calls, history)),
        "minimal": details.get("minimal") is True,
    }


def _edges(details: Mapping[str, Any], calls: Calls, history: History) -> Iterator[list[Any]]:
    """The edges of a cycle: from which call, to which, of which type."""
    entries = details.get("edges")
    for edge in entries[:EDGES_MAX] if isinstance(entries, (list, tuple)) else ():
        ends = [edge.get(name) for name in ("from", "to")] if isinstance(edge, Mapping) else []
        numbers = [calls.number(history, end) for end in ends if type(end) is int]
        if len(numbers) == 2 and None not in numbers:
            yield [*numbers, _text(edge, "type", 30)]


def _positions(anomaly: Mapping[str, Any]) -> list[int]:
    entries = anomaly.get("operations")
    found = entries[:OPERATIONS_MAX] if isinstance(entries, (list, tuple)) else ()
    return [position for position in found if type(position) is int]


def _text(fields: Mapping[str, Any], name: str, limit: int) -> str:
    found = fields.get(name)
    return clean(str(found), limit) if isinstance(found, str) else ""


def _number(fields: Mapping[str, Any], name: str) -> float:
    found = fields.get(name)
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else 0

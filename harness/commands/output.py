"""What a verdict looks like: text for people, one line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any, Final

from harness.commands.timeline import timeline
from harness.formats import Recording
from harness.history import TYPES
from harness.result import Anomaly, Reason, Result

ANOMALIES_MAX: Final = 10
ROWS_MAX: Final = 40
CELL_CHARS_MAX: Final = 60

_UNKNOWN: Final = "again with a longer --time-limit, or with the other --method"
NEXT_STEPS: Final = {
    Reason.TIMEOUT: f"{_UNKNOWN}; a shorter history, or fewer operations at a time, is easier to decide",
    Reason.OUT_OF_MEMORY: "a shorter history, or fewer operations at a time, is easier to decide",
    Reason.UNSUPPORTED: "say what the operations are about: `splitbrain list checkers` and `list models` name "
    "what --expect and --model take, with the operations of each",
    Reason.VERSION_ORDER: "--versions, if larger integers are newer; else record a workload whose values are versions, "
    "or lists, which show in which order they were written",
    Reason.CHECKER_ERROR: "this is a bug of splitbrain: keep the history and report it",
    Reason.TOO_FEW_OK: "record a longer run, a higher rate, or one with gentler faults",
    Reason.NO_CONFLICT: "record a run with a higher rate or concurrency, so that operations meet",
    Reason.FAULT_WITHOUT_EFFECT: "record a run in which the fault reaches the system",
    Reason.MISSING_FINAL_READ: "record a run that reads everything once more after the faults are healed",
    Reason.UNKNOWN_OUTCOME: "record a run with fewer operations without an answer: longer timeouts, gentler faults",
    Reason.NO_RECOVERY: "see the logs of the nodes: the system did not answer again",
    Reason.INTERRUPTED: "record a run that ends by itself",
    Reason.HARNESS_ERROR: "see the run's own output for what went wrong",
}


def emit(data: Any) -> None:
    """Print one line of JSON: ASCII, no line breaks, no NaN and no infinity (null stands for them)."""
    print(json.dumps(_finite(data), allow_nan=False, default=str), flush=True)


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if isfinite(data) else None
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data


def verdict_text(result: Result, recording: Recording) -> str:
    """A verdict for a person: the word, the anomaly with the operations that show it, what to do next."""
    return "\n".join(_verdict_lines(result, recording))


def _verdict_lines(result: Result, recording: Recording) -> Iterator[str]:
    word = {True: "valid", False: "INVALID", "unknown": "unknown"}[result.valid]
    reason = f" ({result.reason})" if result.reason else ""
    yield f"{printable(recording.path)}: {word}{reason}"
    yield f"  {_subject(result)}"
    if result.explanation:
        yield f"  {printable(result.explanation)}"
    yield from _levels(result)
    told: dict[tuple[str, tuple[int, ...]], int] = {}
    for number, anomaly in enumerate(result.anomalies[:ANOMALIES_MAX], 1):
        before = told.setdefault((anomaly.explanation, anomaly.operations), number)
        if before < number:
            yield from ("", f"  {number}. {anomaly.type}: another name for {before}.")
            continue
        yield from ("", f"  {number}. {anomaly.type}: {printable(anomaly.explanation)}")
        drawn = [f"     {printable(line)}" for line in timeline(recording.history, _starts(anomaly, recording))]
        yield from (*drawn, "") if drawn and recording.realtime else ()
        yield from _table(anomaly, recording)
    if len(result.anomalies) > ANOMALIES_MAX:
        yield f"  ... and {len(result.anomalies) - ANOMALIES_MAX} more (--json has them all)"
    if step := _next_step(result):
        yield from ("", f"  next: {step}")


def _subject(result: Result) -> str:
    parts = [f"expected {result.expect}" + (f" {result.model}" if result.model else ""),
             f"{result.operations} operations", *([f"by {result.method}"] if result.method else []),
             f"{result.seconds:.3f} s"]  # fmt: skip
    return ", ".join(parts)


def _levels(result: Result) -> Iterator[str]:
    """Of transactions: what holds all the same, what does not, and what nobody knows; each an end of the lattice."""
    for name, words in (("strongest", "strongest that hold"), ("weakest_failing", "weakest that fail"),
                        ("undecided", "not decided")):  # fmt: skip
        levels = result.details.get(name)
        if isinstance(levels, list | tuple) and levels:
            yield f"  {words}: {printable(', '.join(map(str, levels)))}"


def _next_step(result: Result) -> str | None:
    if result.valid is False:
        return "read these operations in the file (the line numbers are the file's); --json gives them to a program"
    return NEXT_STEPS[result.reason] if result.reason else None


def _table(anomaly: Anomaly, recording: Recording) -> Iterator[str]:
    starts = _starts(anomaly, recording)
    rows: list[tuple[str, ...]] = [("index", "line", "process", "operation", "value", "outcome", "time")]
    rows += [_row(recording, index) for index in starts[:ROWS_MAX]]
    if any(recording.history.keys or ()):
        rows = [(*row[:4], key, *row[4:]) for row, key in zip(rows, _keys(recording, starts), strict=False)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if starts else ():
        yield "     " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(starts) > ROWS_MAX:
        yield f"     ... and {len(starts) - ROWS_MAX} more operations (--json has them all)"


def _starts(anomaly: Anomaly, recording: Recording) -> list[int]:
    return list(dict.fromkeys(_start(recording, index) for index in anomaly.operations))


def _start(recording: Recording, index: int) -> int:
    """The invocation of the operation that this line belongs to, where there is one."""
    partner = recording.history.partners[index]
    return partner if 0 <= partner < index else index


def _keys(recording: Recording, starts: list[int]) -> list[str]:
    return ["key", *(_cell(recording.history[index].key) for index in starts[:ROWS_MAX])]


def _row(recording: Recording, index: int) -> tuple[str, ...]:
    history = recording.history
    op, partner = history[index], history.partners[index]
    end = history[partner] if partner > index else None
    value = _cell(op.value)
    outcome: str = op.type if op.type != TYPES[0] else end.type if end else "info (no answer)"
    if end and end.type == "ok" and _cell(end.value) != value:
        outcome = f"ok: {_cell(end.value)}"
    elif end and end.error is not None:
        outcome = f"{end.type}: {_cell(end.error)}"
    return (str(index), str(recording.lines[index]), printable(str(op.process)), printable(op.f), value, outcome,
            _interval(history.seconds(index), history.seconds(end.index) if end else None))  # fmt: skip


def _interval(start_s: float | None, end_s: float | None) -> str:
    if start_s is None:
        return ""
    return f"{start_s:.6f} .. {'?' if end_s is None else format(end_s, '.6f')} s"


def _cell(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= CELL_CHARS_MAX else text[:CELL_CHARS_MAX] + "..."


def printable(text: str) -> str:
    """Text from a history on one line, fit for a terminal: control characters are shown and not obeyed."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

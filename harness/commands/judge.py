"""One history judged: what is asked of it, how it is decided, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any, Final, NamedTuple

from harness import catalog
from harness.commands import UsageError
from harness.commands.expectation import settled, untold, without_realtime
from harness.commands.limited import Ending, limits_within
from harness.commands.output import printable, verdict_text
from harness.commands.question import Question, nil_reads
from harness.formats import FormatError, Recording, read_recording
from harness.result import Reason, Result, Validity, unknown

_SOFT_SHARE: Final = (
    0.85  # of the time: a checker that ends by itself can say how far it came, one that is ended cannot
)


class Answer(NamedTuple):
    """What came of one history: a verdict, or why there is none; ``data`` for programs, ``text`` for a person."""

    path: str
    valid: Validity | None
    data: Mapping[str, Any]
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"valid": self.valid, "data": dict(self.data), "text": self.text}


def answered(path: str, ask: Callable[[], Question], progress: Callable[[Mapping[str, Any]], None]) -> Answer:
    """Judge the history that ``ask`` asks about; whatever is wrong with it or with the question, told as an answer."""
    began = monotonic()
    try:
        question = ask()
        about = {"expect": question.expect, "model": question.model}
        progress(about)
        recording = read_recording(
            question.path,
            question.format,
            independent=question.independent,
            progress=lambda lines: progress({**about, "lines": lines}),
        )
        question = settled(question, recording)
        progress({**about, "expect": question.expect, "operations": len(recording.history)})
        return _verdict(path, question, recording, began)
    except FormatError as error:
        return refusal(path, str(error), error.line)
    except (UsageError, catalog.UnknownNameError) as error:
        return refusal(path, str(error))
    except OSError as error:
        where = error.filename or path
        return refusal(path, f"{where}: read nothing ({error.strerror}); expected a history or a run's folder")


def _verdict(path: str, question: Question, recording: Recording, began: float) -> Answer:
    hard_s = limits_within(question.time_limit_s).time_s or question.time_limit_s
    remaining_s = hard_s * _SOFT_SHARE - (monotonic() - began)
    result = _within_limits(question, recording, decide(question, recording, max(remaining_s, 0.0)))
    if question.certificate is not None:
        from harness.commands.evidence import keep_evidence

        result = keep_evidence(question, recording, result)
    result = question.judge(result, recording.history)
    text = verdict_text(result, recording)
    if question.drawings is not None:
        from harness.commands.draw import draw

        written = [str(each) for each in draw(question.drawings, result, recording)]
        result = replace(result, details={**result.details, "drawings": written})
        text += "\n  drawn: " + (", ".join(map(printable, written)) or "nothing, for there is no anomaly")
    return Answer(path, result.valid, {**result.as_json(), "history": path}, text)


def _within_limits(question: Question, recording: Recording, result: Result) -> Result:
    """The result; where a limit was reached, with how far all of it came.

    Python itself breaks in odd ways where memory is refused; under a memory limit a SystemError means that.
    """
    explanation = result.explanation or ""
    if question.memory_limit and result.reason is Reason.CHECKER_ERROR and "SystemError" in explanation:
        result = replace(result, reason=Reason.OUT_OF_MEMORY, explanation=f"no memory was left ({explanation})")
    if result.reason not in (Reason.OUT_OF_MEMORY, Reason.TIMEOUT):
        return result
    return replace(result, details={**result.details, "operations_read": len(recording.history)})


def refusal(path: str, text: str, line: int | None = None) -> Answer:
    """No verdict, and why."""
    data = {"history": path, "error": text, **({} if line is None else {"line": line})}
    return Answer(path, None, data, f"splitbrain: {printable(text)}: no verdict")


def of_ending(path: str, ending: Ending, question: Question) -> Answer:
    """The answer of a process that worked under limits; unknown, with the reason, if it did not come to give one."""
    if ending.how == "done":
        return Answer(path, ending.answer["valid"], ending.answer["data"], ending.answer["text"])
    lines, operations = ending.progress.get("lines"), ending.progress.get("operations")
    came = f"while it was being read (at line {lines})" if lines else "while it was being read"
    came = came if operations is None else f"after its {operations} operations had been read"
    reason, why = {
        "time": (Reason.TIMEOUT, f"the time limit of {question.time_limit_s:g} s passed {came}"),
        "memory": (Reason.OUT_OF_MEMORY, f"there was not enough memory for this history, {came}"),
        "crash": (Reason.CHECKER_ERROR, f"the checker crashed {came}"),
    }[ending.how]
    explanation = f"{why}: {ending.text.strip().splitlines()[-1][:400]}" if ending.text.strip() else why
    result = unknown(ending.progress.get("expect", question.expect), reason, explanation, seconds=ending.seconds,
                     model=ending.progress.get("model"),
                     details={"lines_read": lines, "operations_read": operations})  # fmt: skip
    text = f"{printable(path)}: unknown ({reason})\n  {printable(explanation)}"
    return Answer(path, "unknown", {**result.as_json(), "history": path}, text)


def decide(question: Question, recording: Recording, time_limit_s: float) -> Result:
    """The verdict on a history that could be read. A checker that raises gives unknown, never a verdict."""
    history = recording.history
    if not any(process >= 0 for process in history.processes):
        return unknown(question.expect, Reason.TOO_FEW_OK, "there is no client operation in this history")
    if why := untold(question, recording):
        return unknown(question.expect, Reason.UNSUPPORTED, why)
    options: dict[str, Any] = {"time_limit_s": time_limit_s, **_options(question, recording)}
    try:
        result = catalog.checker(question.expect)(history, **options)
        return result if recording.realtime else without_realtime(result)
    except MemoryError:
        return unknown(question.expect, Reason.OUT_OF_MEMORY, "there was not enough memory to decide this history")
    except Exception as error:  # noqa: BLE001 - whatever a checker raises, it is no verdict
        import sys
        import traceback

        traceback.print_exc(file=sys.stderr)
        return unknown(question.expect, Reason.CHECKER_ERROR, f"the checker crashed: {type(error).__name__}: {error}")


def _options(question: Question, recording: Recording) -> dict[str, Any]:
    """What the question says to its checker, of what that takes."""
    told: dict[str, Callable[[], Any]] = {
        "model": lambda: question.model or model_needed(recording),
        "initial": lambda: question.initial,
        "nil_reads": lambda: nil_reads(question, recording),
        "method": lambda: question.method,
        "total": lambda: question.total,
        "negative_balances": lambda: question.negative_balances,
        "versions": lambda: question.versions,
    }
    if question.certificate is not None:
        told["certify"] = lambda: True
    taken = catalog.options(question.expect)
    return {name: say() for name, say in told.items() if name in taken}


def model_needed(recording: Recording) -> str:
    """The model that the file names; else the weakest register that has all of the clients' operations. Raises
    :class:`harness.catalog.UnknownNameError`."""
    history = recording.history
    if recording.model is not None and recording.model not in catalog.names("models"):
        raise catalog.UnknownNameError("models", recording.model, catalog.names("models"))
    clients = history.client_names()
    return recording.model or ("cas-register" if "cas" in clients else "register")

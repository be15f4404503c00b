"""``splitbrain check``: judges recorded histories, and runs again.

Starts fast: neither clusters nor SSH nor a solver are loaded here; a checker loads its solver when it needs it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness import catalog
from harness.commands import EXIT_STATUSES, USAGE, UsageError, one_of, positive_seconds
from harness.commands.output import emit, printable, verdict_text
from harness.formats import FORMATS, NIL_READS, FormatError, Recording, read_recording
from harness.history import History
from harness.result import EXIT_STATUS, Reason, Result, unknown, worst

LINEARIZABLE: Final = "linearizable"
METHODS: Final = ("auto", "search", "z3")
TIME_LIMIT_S: Final = 60.0

DESCRIPTION: Final = """\
Judges histories: what clients asked, and what they were told. A HISTORY is a file of JSON lines (ours), of Jepsen's
EDN, or of Jepsen's text log; a RUN_FOLDER is what `splitbrain run` leaves, and brings its own --expect, --model and
--initial. The verdict is valid, invalid with the operations that show it, or unknown with the reason."""

EXAMPLES: Final = """\
examples:
  splitbrain check store/latest                        the last run, again
  splitbrain check history.edn                         Jepsen's own history of a register
  splitbrain check history.jsonl --initial 0           the register held 0 at the beginning
  splitbrain check adds.jsonl --expect set             were acknowledged elements lost?
  splitbrain check *.log --json                        many at once; one list on one line

a history in JSON lines, here of a read that missed the write before it:
  {"type": "invoke", "process": 0, "f": "write", "value": 1}
  {"type": "ok",     "process": 0, "f": "write", "value": 1}
  {"type": "invoke", "process": 1, "f": "read", "value": null}
  {"type": "ok",     "process": 1, "f": "read", "value": null}
`ok` happened, `fail` certainly did not, `info` nobody knows. A cas has the value [old, new]; `key` names the object
where there are several; `time` is in nanoseconds.

A file that is not wholly a history (a last line cut off, a completion without its invocation) gets no verdict but an
error with file and line. Of several histories the worst decides the exit status; one that cannot be read comes first.
"""


class Initial(NamedTuple):
    """A value given with --initial: null is one, too."""

    value: Any


@dataclass(frozen=True, slots=True)
class Question:
    """One history to judge, and how. ``None`` means: as the history suggests."""

    path: Path
    expect: str
    model: str | None
    initial: Any
    nil_reads: str | None
    method: str
    time_limit_s: float
    judge: Callable[[Result, History], Result]


class Answer(NamedTuple):
    """What came of one argument: a verdict with the history it is about, or why there is none."""

    path: str
    result: Result | None
    recording: Recording | None = None
    error: str | None = None
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        if self.result is None:
            return {"history": self.path, "error": self.error, **({} if self.line is None else {"line": self.line})}
        return {**self.result.as_json(), "history": self.path}


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "check",
        help="judge a recorded history, or a run again",
        description=DESCRIPTION,
        epilog=EXAMPLES + EXIT_STATUSES,
    )
    option = parser.add_argument
    option("histories", nargs="+", metavar="HISTORY|RUN_FOLDER", help="a file, or a run's folder")
    option("--expect", type=one_of(catalog.PLUG_INS["checkers"]), metavar="PROPERTY",
           help=f"what must hold: {' or '.join(catalog.PLUG_INS['checkers'])} (default: linearizable)")  # fmt: skip
    option("--model", type=one_of(lambda: catalog.names("models")), metavar="MODEL",
           help="what is linearizable: register or cas-register (default: what the operations need)")  # fmt: skip
    option("--initial", type=_initial, metavar="VALUE",
           help="the value at the beginning, in JSON: 0, null, '\"x\"' (default: null)")  # fmt: skip
    option("--nil-reads", type=one_of(("value", "unknown")), metavar="value|unknown",
           help="what an ok read of null says: the value was null, or nothing (default: unknown in EDN, where "
           "published histories mean that; else value)")  # fmt: skip
    option("--method", type=one_of(METHODS), metavar="|".join(METHODS), default=None,
           help="how linearizability is decided (default: auto, a search and then z3)")  # fmt: skip
    option("--format", type=one_of(("auto", *FORMATS)), metavar="|".join(("auto", *FORMATS)), default="auto",
           help="the files' format (default: auto, by their content)")  # fmt: skip
    option("--independent", action="store_true",
           help="every value is a pair [key, value], as jepsen.independent writes them")  # fmt: skip
    option("--time-limit", type=positive_seconds, metavar="SECONDS", default=TIME_LIMIT_S,
           help=f"per history; past it the verdict is unknown (default: {TIME_LIMIT_S:g})")  # fmt: skip
    option("--json", action="store_true",
           help="one line of JSON, the last on standard output; a list if there are several histories")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Judge each history and print what came of it; the worst verdict's exit status, 254 if one could not be read."""
    _refuse_contradictions(args)
    answers = []
    for path in args.histories:
        answers.append(_answer(path, args))
        if not args.json:
            _show(answers[-1])
    if args.json:
        rows = [answer.as_json() for answer in answers]
        emit(rows[0] if len(rows) == 1 else rows)
    return _status(answers)


def _refuse_contradictions(args: argparse.Namespace) -> None:
    """An option that would be passed over silently is a mistake of somebody's."""
    if args.expect in (None, LINEARIZABLE):
        return
    given = {"--model": args.model, "--initial": args.initial, "--nil-reads": args.nil_reads, "--method": args.method}
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"read {option} with --expect {args.expect}; it belongs to --expect {LINEARIZABLE} only")


def _status(answers: Sequence[Answer]) -> int:
    if any(answer.result is None for answer in answers):
        return USAGE
    return EXIT_STATUS[worst(answer.result.valid for answer in answers if answer.result)]


def _show(answer: Answer) -> None:
    if answer.result is not None and answer.recording is not None:
        print(verdict_text(answer.result, answer.recording), flush=True)
    else:
        print(f"splitbrain: {printable(answer.error or '')}: no verdict", file=sys.stderr, flush=True)


def _answer(path: str, args: argparse.Namespace) -> Answer:
    try:
        question = _question(Path(path), args)
        recording = read_recording(question.path, args.format, independent=args.independent)
        result = question.judge(decide(question, recording), recording.history)
    except FormatError as error:
        return _refusal(path, args, str(error), error.line)
    except (UsageError, catalog.UnknownNameError) as error:
        return _refusal(path, args, str(error))
    except OSError as error:
        return _refusal(path, args, f"{path}: read nothing ({error.strerror}); expected a history or a run's folder")
    return Answer(path, result, recording)


def _refusal(path: str, args: argparse.Namespace, text: str, line: int | None = None) -> Answer:
    answer = Answer(path, None, error=text, line=line)
    if args.json:
        _show(answer)
    return answer


def _question(path: Path, args: argparse.Namespace) -> Question:
    """What is asked of ``path``: what a run's plan says, unless an option says otherwise."""
    question = Question(path, LINEARIZABLE, None, None, args.nil_reads, args.method or "auto", args.time_limit, _same)
    if path.is_dir():
        from harness.commands.run_folder import read_run_folder

        run_folder = read_run_folder(path)
        question = replace(question, path=run_folder.history, expect=run_folder.expect, model=run_folder.model,
                           initial=run_folder.initial, judge=run_folder.judge)  # fmt: skip
    return replace(
        question,
        expect=args.expect or question.expect,
        model=args.model or (question.model if args.expect in (None, question.expect) else None),
        initial=question.initial if args.initial is None else args.initial.value,
    )


def decide(question: Question, recording: Recording) -> Result:
    """The verdict on a history that could be read. A checker that raises gives unknown, never a verdict."""
    history = recording.history
    if not any(process >= 0 for process in history.processes):
        return unknown(question.expect, Reason.TOO_FEW_OK, "there is no client operation in this history")
    options: dict[str, Any] = {"time_limit_s": question.time_limit_s}
    if question.expect == LINEARIZABLE:
        options |= {
            "model": question.model or _model(history),
            "initial": question.initial,
            "nil_reads": question.nil_reads or NIL_READS[recording.format],
            "method": question.method,
        }
    try:
        return catalog.checker(question.expect)(history, **options)
    except MemoryError:
        return unknown(question.expect, Reason.OUT_OF_MEMORY, "there was not enough memory to decide this history")
    except Exception as error:  # noqa: BLE001 - whatever a checker raises, it is no verdict
        import traceback

        traceback.print_exc(file=sys.stderr)
        return unknown(question.expect, Reason.CHECKER_ERROR, f"the checker crashed: {type(error).__name__}: {error}")


def _model(history: History) -> str:
    """The weakest model that has all of the clients' operations."""
    clients = {history.f_names[f] for f, process in zip(history.fs, history.processes, strict=True) if process >= 0}
    return "cas-register" if "cas" in clients else "register"


def _same(result: Result, history: History) -> Result:
    return result


def _initial(text: str) -> Initial:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        return Initial(json.loads(text, parse_constant=refuse))
    except (ValueError, RecursionError):
        raise argparse.ArgumentTypeError(
            f"read {text[:80]!r}; expected JSON: 0, null, true, or a string in quotes ('\"x\"')"
        ) from None

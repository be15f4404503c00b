"""``splitbrain view``: a history and what was found out about it as one HTML file, to be looked at without a server."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.commands import UsageError, complain, one_of, positive_seconds
from harness.commands.check import METHODS, TIME_LIMIT_S, _initial, _model
from harness.commands.evidence import Evidence, read_evidence
from harness.commands.expectation import settled
from harness.commands.judge import decide, of_ending
from harness.commands.limited import Progress, endings, limits_within
from harness.commands.output import emit, printable
from harness.commands.question import LINEARIZABLE, Question
from harness.formats import FORMATS, FormatError, Recording, read_recording
from harness.result import Reason

NAME: Final = "view.html"
MARK: Final = b'<meta name="generator" content="splitbrain view">'
_HEAD_BYTES: Final = 4096
_SOFT_SHARE: Final = 0.85

DESCRIPTION: Final = """\
Writes one HTML file that shows a history: what each client did and when, the faults behind it, and, where the history
is invalid, why: the operations that cannot all be explained, alone and in their place. Of a valid history it shows
where every operation can have taken effect. The file needs no server and loads nothing; it holds up to a million
operations. The history is judged first, as `splitbrain check` does it."""

EXAMPLES: Final = """\
examples:
  splitbrain view store/latest                         the last run: store/latest/view.html
  splitbrain view history.edn --model cas-register     writes history.html
  splitbrain view adds.jsonl --expect set -o adds.html --open
  splitbrain view history.jsonl --evidence evidence.json   what `check --certificate` wrote, and no new verdict
  splitbrain view big.jsonl --no-check                 only the history

exit status: 0 written (whatever the verdict), 254 wrong usage or input, 255 crash of splitbrain"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "view", help="write a history as one HTML file to look at", description=DESCRIPTION, epilog=EXAMPLES
    )
    option = parser.add_argument
    option("history", type=Path, metavar="HISTORY|RUN_FOLDER", help="a file, or a run's folder")
    option("-o", "--output", type=Path, metavar="FILE.html",
           help=f"the file to write (default: {NAME} in a run's folder; else beside the history)")  # fmt: skip
    option("--evidence", type=Path, metavar="FILE.json",
           help="show what `check --certificate` wrote, and do not judge")  # fmt: skip
    option("--no-check", action="store_true", help="do not judge")
    option("--expect", type=one_of(catalog.PLUG_INS["checkers"]), metavar="PROPERTY",
           help="what must hold, as in `check` (default: linearizable, or what the run's plan says)")  # fmt: skip
    option("--model", type=_model, metavar="NAME|package.module:Class", help="what is linearizable, as in `check`")
    option("--initial", type=_initial, metavar="VALUE", help="the value at the beginning, in JSON (default: null)")
    option("--nil-reads", type=one_of(("value", "unknown")), metavar="value|unknown",
           help="what an ok read of null says, as in `check`")  # fmt: skip
    option("--method", type=one_of(METHODS), metavar="|".join(METHODS), help="how it is decided, as in `check`")
    option("--format", type=one_of(("auto", *FORMATS)), metavar="FORMAT", default="auto",
           help="the file's format (default: auto, by its content)")  # fmt: skip
    option("--independent", action="store_true", help="every value is a pair [key, value]")
    option("--time-limit", type=positive_seconds, metavar="SECONDS", default=TIME_LIMIT_S,
           help=f"for the verdict; past it it is unknown (default: {TIME_LIMIT_S:g})")  # fmt: skip
    option("--open", action="store_true", help="open it in a browser")
    option("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Write the view; 0. Raises :class:`UsageError`, and then nothing was written."""
    from harness.report.history_view import write_view

    _refuse_contradictions(args)
    target = args.output or _beside(args.history)
    _refuse_strange_target(target)
    evidence = None if args.evidence is None else read_evidence(args.evidence)
    question = _question(args)
    if evidence is not None:
        question = replace(question, format=evidence.format, independent=evidence.independent)
    recording = _read(question)
    found = _of_evidence(evidence, args.evidence, recording) if evidence else _judged(question, recording, args)
    try:
        write_view(recording, found, target)
    except OSError as error:
        raise UsageError(f"{target}: wrote nothing ({error.strerror}); expected a place for the file (-o)") from None
    _say(args, target, found)
    return 0


def _refuse_contradictions(args: argparse.Namespace) -> None:
    given = {"--expect": args.expect, "--model": args.model, "--initial": args.initial, "--method": args.method,
             "--nil-reads": args.nil_reads}  # fmt: skip
    for option, value in given.items():
        if value is not None and (args.evidence is not None or args.no_check):
            other = "--evidence" if args.evidence is not None else "--no-check"
            raise UsageError(f"read {option} with {other}; expected one of them: with {other} nothing is judged")
        if value is not None and option != "--expect" and args.expect not in (None, LINEARIZABLE):
            raise UsageError(f"read {option} with --expect {args.expect}; it belongs to --expect {LINEARIZABLE} only")
    if args.evidence is not None and args.no_check:
        raise UsageError("read --evidence with --no-check; expected one of them: nothing is judged with either")


def _beside(history: Path) -> Path:
    return history / NAME if history.is_dir() else history.with_name(f"{history.stem}.html")


def _refuse_strange_target(target: Path) -> None:
    """A view may be written over, and nothing else."""
    try:
        with open(target, "rb") as stream:
            ours = MARK in stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{target}: read nothing ({error.strerror}); expected a place for the file (-o)") from None
    if not ours:
        raise UsageError(f"read the target {target}, which is there and is no view; expected another one (-o)")


def _question(args: argparse.Namespace) -> Question:
    """What is asked of the history: what a run's plan says, unless an option says otherwise."""
    question = Question(args.history, method=args.method or "auto", nil_reads=args.nil_reads, format=args.format,
                        independent=args.independent, time_limit_s=args.time_limit)  # fmt: skip
    if args.history.is_dir() and args.evidence is None and not args.no_check:
        from harness.commands.run_folder import read_run_folder

        run_folder = read_run_folder(args.history)
        question = replace(question, path=run_folder.history, expect=run_folder.expect, model=run_folder.model,
                           initial=run_folder.initial, judge=run_folder.judge)  # fmt: skip
    elif args.history.is_dir():
        question = replace(question, path=args.history / "history.jsonl")
    return replace(
        question,
        expect=args.expect or question.expect,
        expects_default=args.expect is None and not args.history.is_dir(),
        model=args.model or (question.model if args.expect in (None, question.expect) else None),
        initial=question.initial if args.initial is None else args.initial.value,
    )


def _read(question: Question) -> Recording:
    try:
        return read_recording(question.path, question.format, independent=question.independent)
    except FormatError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        where = error.filename or question.path
        raise UsageError(f"{where}: read nothing ({error.strerror}); expected a history or a run's folder") from None


def _judged(question: Question, recording: Recording, args: argparse.Namespace) -> Mapping[str, Any]:
    """The verdict as JSON, with a certificate if it is valid; from a process of its own, so that its limit holds."""
    if args.no_check:
        return {}

    question = settled(question, recording)

    def task(progress: Progress) -> Mapping[str, Any]:
        progress({"expect": question.expect, "model": question.model, "operations": len(recording.history)})
        certified = replace(question, certificate=question.path) if question.expect == LINEARIZABLE else question
        result = decide(certified, recording, question.time_limit_s * _SOFT_SHARE)
        return question.judge(result, recording.history).as_json()

    ending = next(ending for ending in endings([task], limits_within(args.time_limit)) if ending is not None)
    found = ending.answer if ending.how == "done" else of_ending(str(question.path), ending, question).data
    asked = args.expect or args.model or args.history.is_dir()
    if not asked and found["reason"] == Reason.UNSUPPORTED:
        return {"explanation": f"As {LINEARIZABLE} it cannot be decided: {found['explanation']} (--expect, --model)"}
    return found


def _of_evidence(evidence: Evidence, path: Path, recording: Recording) -> Mapping[str, Any]:
    """What the evidence says, as a verdict; it is not checked here. Raises :class:`UsageError` if it is of another
    history."""
    history = recording.history
    if evidence.operations != len(history):
        raise UsageError(f"read evidence about a history of {evidence.operations} lines; expected one about "
                         f"{recording.path}, which has {len(history)}")  # fmt: skip
    for position in (position for each in evidence.lists for position in each):
        if not 0 <= position < len(history) or history.types[position] or history.processes[position] < 0:
            raise UsageError(f"read evidence about operation {position}, which is no invocation of a client's in "
                             f"{recording.path}; expected evidence about this history")  # fmt: skip
    found = {"valid": evidence.valid, "expect": LINEARIZABLE, "model": evidence.model, "method": f"{path.name}",
             "operations": sum(len(each) for each in evidence.lists)}  # fmt: skip
    if evidence.valid:
        return {**found, "details": {"linearizations": [{"order": each} for each in evidence.lists]}}
    kind = f"non-{LINEARIZABLE}"
    anomalies = [
        {"type": kind, "operations": each, "explanation": _explained(evidence, each, recording)}
        for each in evidence.lists
    ]
    return {**found, "anomalies": anomalies}


def _explained(evidence: Evidence, positions: tuple[int, ...], recording: Recording) -> str:
    """The story of a witness; of a model of the user's own, whose code is not executed here, only what it claims."""
    from checkers.guard import Unsupported
    from checkers.linearizable import MODELS, model_of
    from checkers.linearizable.explain import explain
    from checkers.linearizable.operation import by_key
    from checkers.value import Codes
    from harness.fault_window import fault_windows

    history, wanted, codes = recording.history, set(positions), Codes()
    try:
        nil_reads: Any = evidence.nil_reads
        known = evidence.model in MODELS
        keys = by_key(history, model_of(evidence.model), codes, nil_reads, evidence.initial) if known else ()
    except (Unsupported, ValueError):
        keys = ()
    for key in keys:
        chosen = tuple(operation for operation in key.required if operation.invoke in wanted)
        if chosen and len(chosen) == len(wanted):
            return explain(history, key, codes, chosen, fault_windows(history))
    return f"No order of these {len(positions)} operations explains all their results."


def _say(args: argparse.Namespace, target: Path, found: Mapping[str, Any]) -> None:
    if args.open:
        import webbrowser

        if not webbrowser.open(target.resolve().as_uri()):
            complain(f"splitbrain: no browser could be started; open {target} in one")
    valid = found.get("valid")
    if args.json:
        emit({"history": str(args.history), "written": str(target), "bytes": target.stat().st_size, "valid": valid,
              "expect": found.get("expect"), "anomalies": len(found.get("anomalies", ()))})  # fmt: skip
    else:
        word = {True: "valid", False: "INVALID", "unknown": "unknown"}.get(valid, "not judged")
        print(f"{printable(str(target))}: {printable(str(args.history))}, {word}", flush=True)

"""``splitbrain check``: judges recorded histories, and runs again.

Starts fast: neither clusters nor SSH nor a solver are loaded here; a checker loads its solver when it needs it. Each
history is judged in a process of its own (``limited``), so that its limits hold whatever it is doing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness import catalog
from harness.commands import EXIT_STATUSES, USAGE, UsageError, one_of, positive_seconds
from harness.commands.judge import Answer, answered, of_ending
from harness.commands.limited import Limits, Progress, endings, limits_within
from harness.commands.output import emit
from harness.commands.question import LINEARIZABLE, Question, refuse_idle
from harness.formats import FORMATS
from harness.result import EXIT_STATUS, worst

METHODS: Final = ("auto", "polynomial", "search", "z3", "brute")
TIME_LIMIT_S: Final = 60.0
MEMORY_MIN: Final = 64 << 20  # less than this is not enough to import a checker
_UNITS: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

DESCRIPTION: Final = """\
Judges histories: what clients asked, and what they were told. A HISTORY is a file of JSON lines (ours) or of a JSON
array, of Jepsen's EDN or text log, of porcupine's JSON, or a log of Violin or PolyLin; a RUN_FOLDER is what
`splitbrain run` leaves, and brings its own --expect, --model and --initial. The verdict is valid, invalid with the
operations that show it, or unknown with the reason."""

EXAMPLES: Final = """\
examples:
  splitbrain check store/latest                        the last run, again
  splitbrain check history.edn                         Jepsen's own history of a register
  splitbrain check history.jsonl --initial 0           the register held 0 at the beginning
  splitbrain check jobs.jsonl --model queue            first in, first out; `splitbrain list models` names all
  splitbrain check h.jsonl --model my_models:Account   a model of your own, a class with init and step
  splitbrain check adds.jsonl --expect set             were acknowledged elements lost?
  splitbrain check h.jsonl --expect sequential         one order for all sessions? (real time apart)
  splitbrain check *.log --json                        many at once; one list on one line
  splitbrain check --manifest verdicts.tsv             many at once, against the verdicts that are known

a model of your own is a Python class (examples/bank_account.py): `init(self, initial)` gives the state before the first
operation, `step(self, state, operation)` the state after it, or None if it cannot have had this result there.

a manifest has a line of column names (path, format, datatype, expect, verdict; others are passed over), then one line
per history, between tabs. A path is relative to the manifest; the datatype is the model, after which initial=VALUE and
nil-read=value|unknown may stand; the verdict is true or false.

a history in JSON lines, here of a read that missed the write before it:
  {"type": "invoke", "process": 0, "f": "write", "value": 1}
  {"type": "ok",     "process": 0, "f": "write", "value": 1}
  {"type": "invoke", "process": 1, "f": "read", "value": null}
  {"type": "ok",     "process": 1, "f": "read", "value": null}
`ok` happened, `fail` certainly did not, `info` nobody knows. A cas has the value [old, new]; `key` names the object
where there are several; `time` is in nanoseconds.

A file that is not wholly a history (a last line cut off, a completion without its invocation) gets no verdict but an
error with file and line. Of several histories the worst decides the exit status; one that cannot be read comes first.
With --manifest: 1 if any verdict is not the known one, else 2 if any is unknown, else 0.
"""


class Initial(NamedTuple):
    """A value given with --initial: null is one, too."""

    value: Any


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "check",
        help="judge a recorded history, or a run again",
        description=DESCRIPTION,
        epilog=EXAMPLES + EXIT_STATUSES,
    )
    option = parser.add_argument
    option("histories", nargs="*", metavar="HISTORY|RUN_FOLDER", help="a file, or a run's folder")
    option("--manifest", type=Path, metavar="FILE.tsv",
           help="check every history that this file lists against the verdict it says, over all cores")  # fmt: skip
    option("--expect", type=one_of(catalog.PLUG_INS["checkers"]), metavar="PROPERTY",
           help=f"what must hold (default: linearizable). {_families()}. `splitbrain list checkers` has a line on "
           "each")  # fmt: skip
    option("--model", type=_model, metavar="NAME|package.module:Class",
           help="what is linearizable or sequential: `splitbrain list models` names them, or your own class, found "
           "from here or on Python's path (default: what the file says, or the register that the operations "
           "need)")  # fmt: skip
    option("--initial", type=_initial, metavar="VALUE",
           help="the value at the beginning, in JSON: 0, null, '\"x\"' (default: null)")  # fmt: skip
    option("--nil-reads", type=one_of(("value", "unknown")), metavar="value|unknown",
           help="what an ok read of null says: the value was null, or nothing (default: unknown in EDN, where "
           "published histories mean that; else value)")  # fmt: skip
    option("--method", type=one_of(METHODS), metavar="|".join(METHODS), default=None,
           help="how linearizable and sequential are decided: by a polynomial method (distinct values), a search, z3, "
           "brute force (small histories); default: auto, the first of these that can")  # fmt: skip
    option(
        "--total",
        type=int,
        metavar="AMOUNT",
        help="what all accounts of a bank hold together (default: what the first ok read of it showed)",
    )
    option("--negative-balances", action="store_true", help="accounts of a bank may hold less than nothing")
    option(
        "--versions",
        action="store_true",
        help="for session guarantees: the values of registers are integers, and the larger is the newer version",
    )
    option("--format", type=one_of(("auto", *FORMATS)), metavar="NAME", default="auto",
           help=f"the files' format: {', '.join(FORMATS)} (default: auto, by their content)")  # fmt: skip
    option("--independent", action="store_true",
           help="every value is a pair [key, value], as jepsen.independent writes them")  # fmt: skip
    option("--time-limit", type=positive_seconds, metavar="SECONDS", default=TIME_LIMIT_S,
           help=f"per history, with reading; past it the verdict is unknown (default: {TIME_LIMIT_S:g})")  # fmt: skip
    option("--memory-limit", type=_bytes, metavar="SIZE",
           help="per history, as 512M or 2G; past it the verdict is unknown (default: none)")  # fmt: skip
    option("--certificate", type=Path, metavar="FILE",
           help="write the evidence, for `splitbrain verify FILE HISTORY`: of valid an order of the operations, of "
           "invalid the witnesses")  # fmt: skip
    option(
        "--drawings",
        type=Path,
        metavar="FOLDER",
        help="write what shows an invalid verdict as SVG: the operations on a timeline, and transactions as a graph",
    )
    option("--json", action="store_true",
           help="one line of JSON, the last on standard output; a list if there are several histories")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Judge each history and print what came of it; the worst verdict's exit status, 254 if one could not be read."""
    _refuse_contradictions(args)
    if args.manifest is not None:
        from harness.commands import manifest

        return manifest.run(args.manifest, _common(args), _limits(args), json=args.json)
    answers = []
    for answer in _answers(args):
        answers.append(answer)
        if not args.json:
            print(answer.text, file=sys.stderr if answer.valid is None else sys.stdout, flush=True)
        elif answer.valid is None:
            print(answer.text, file=sys.stderr, flush=True)
    if args.json:
        rows = [dict(answer.data) for answer in answers]
        emit(rows[0] if len(rows) == 1 else rows)
    return _status(answers)


def _refuse_contradictions(args: argparse.Namespace) -> None:
    """An option that would be passed over silently is a mistake of somebody's."""
    if args.manifest is not None:
        format_ = None if args.format == "auto" else args.format
        given = {"--model": args.model, "--initial": args.initial, "--nil-reads": args.nil_reads,
                 "--total": args.total, "--negative-balances": args.negative_balances or None,
                 "--versions": args.versions or None,
                 "--expect": args.expect, "--independent": args.independent or None, "--format": format_,
                 "--certificate": args.certificate, "--drawings": args.drawings,
                 "HISTORY": args.histories or None}  # fmt: skip
        for option, value in given.items():
            if value is not None:
                raise UsageError(f"read {option} with --manifest; expected it to say so itself, row by row")
        return
    if not args.histories:
        raise UsageError("read no history; expected a file, a run's folder, or --manifest FILE.tsv")
    if args.certificate is not None and len(args.histories) > 1:
        raise UsageError("read --certificate with several histories; expected one: each has evidence of its own")
    if args.drawings is not None and len(args.histories) > 1:
        raise UsageError("read --drawings with several histories; expected one: each has pictures of its own")
    if args.expect is not None:
        refuse_idle(args.expect, _given(args))


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The options that only some checkers take, None where they are not given."""
    return {"model": args.model, "initial": args.initial, "nil_reads": args.nil_reads, "method": args.method,
            "certify": args.certificate, "total": args.total,
            "negative_balances": args.negative_balances or None, "versions": args.versions or None}  # fmt: skip


def _families() -> str:
    """The names that --expect takes, by what their operations are about; of the many isolation levels the two ends."""
    told = []
    for about, names in catalog.families().items():
        if about == "transactions":
            told.append(f"Of {about}: isolation levels, from read-uncommitted to {names[-1]}")
        else:
            told.append(f"Of {about}: {', '.join(names)}")
    return ". ".join(told)


def _status(answers: Sequence[Answer]) -> int:
    if any(answer.valid is None for answer in answers):
        return USAGE
    return EXIT_STATUS[worst(answer.valid for answer in answers if answer.valid is not None)]


def _answers(args: argparse.Namespace) -> Iterator[Answer]:
    """An answer for each history, in their order; several at a time."""

    def task(path: str, progress: Progress) -> Mapping[str, Any]:
        return answered(path, lambda: _question(Path(path), args), progress).as_json()

    tasks = [partial(task, path) for path in args.histories]
    found: dict[int, Answer] = {}
    told = 0
    for ending in endings(tasks, _limits(args), os.cpu_count() or 1):
        if ending is None:
            continue
        path = args.histories[ending.number]
        found[ending.number] = of_ending(path, ending, replace(_common(args), path=Path(path)))
        while told in found:
            yield found.pop(told)
            told += 1


def _limits(args: argparse.Namespace) -> Limits:
    return limits_within(args.time_limit, args.memory_limit)


def _common(args: argparse.Namespace) -> Question:
    """What is asked of every history."""
    return Question(Path(), args.expect or LINEARIZABLE, nil_reads=args.nil_reads, method=args.method or "auto",
                    total=args.total, negative_balances=args.negative_balances, versions=args.versions,
                    time_limit_s=args.time_limit, format=args.format, independent=args.independent,
                    certificate=args.certificate, drawings=args.drawings, memory_limit=args.memory_limit)  # fmt: skip


def _question(path: Path, args: argparse.Namespace) -> Question:
    """What is asked of ``path``: what a run's plan says, unless an option says otherwise."""
    question = replace(_common(args), path=path, expect=LINEARIZABLE)
    if path.is_dir():
        from harness.commands.run_folder import read_run_folder

        run_folder = read_run_folder(path)
        question = replace(question, path=run_folder.history, expect=run_folder.expect, model=run_folder.model,
                           initial=run_folder.initial, judge=run_folder.judge)  # fmt: skip
    if args.expect is None:  # what it expects is known only now
        refuse_idle(question.expect, _given(args))
    return replace(
        question,
        expect=args.expect or question.expect,
        expects_default=args.expect is None and not path.is_dir(),
        model=args.model or (question.model if args.expect in (None, question.expect) else None),
        initial=question.initial if args.initial is None else args.initial.value,
    )


def _model(text: str) -> str:
    """A model's name, or a class of the user's own, which is imported here once, to see that it is there."""
    if ":" not in text:
        return one_of(lambda: catalog.names("models"))(text)
    from checkers.linearizable import model_of

    try:
        model_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - the user's module may raise anything at all
        import traceback

        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise argparse.ArgumentTypeError(
            f"read the model {text[:80]!r}, which raises {type(error).__name__}: {str(error)[:200]} "
            f"({Path(frame.filename).name}, line {frame.lineno}); expected a class that can be imported and made"
        ) from None
    return text


def _bytes(text: str) -> int:
    number, unit = text[:-1], text[-1:].upper()
    try:
        size = int(float(number) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size < MEMORY_MIN:
        raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected a size of at least 64M, as 512M or 2G")
    return size


def _initial(text: str) -> Initial:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        return Initial(json.loads(text, parse_constant=refuse))
    except (ValueError, RecursionError):
        raise argparse.ArgumentTypeError(
            f"read {text[:80]!r}; expected JSON: 0, null, true, or a string in quotes ('\"x\"')"
        ) from None

"""``splitbrain verify``: whether evidence shows what it says, decided again and by other means.

A linearization, or the order that sequential consistency asks for (``verify_sequential``), is replayed on the model, in
linear time; what is about the isolation level of transactions is looked up in them (``verify_transactional``). A
witness is decided by brute force where it is small enough, else by the search: with every other
operation that only observes removed, and all else left to happen at any time after its invocation, or never, no order
may explain it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from harness.catalog import LEVELS
from harness.commands import UsageError, positive_seconds
from harness.commands.evidence import Evidence, Finding, read_evidence
from harness.commands.limited import Ending, Progress, endings, limits_within
from harness.commands.output import emit, printable
from harness.commands.question import LINEARIZABLE
from harness.formats import FormatError, Recording, read_recording
from harness.result import EXIT_STATUS, worst

TIME_LIMIT_S: Final = 60.0
BRUTE_OPERATIONS_MAX: Final = 24
_BRUTE_VISITS: Final = 20_000
_SOFT_SHARE: Final = 0.8

EXAMPLES: Final = """\
examples:
  splitbrain check history.jsonl --certificate evidence.json
  splitbrain verify evidence.json history.jsonl

exit status: 0 the evidence holds, 1 it does not, 2 not known, 254 wrong usage or input, 255 crash of splitbrain"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "verify",
        help="check evidence against its history",
        description="Checks the evidence that `splitbrain check --certificate` wrote: replays a linearization, decides "
        "a witness again; checks a commit order of transactions against the level's definition, and finds each edge of "
        "an anomaly in the history.",
        epilog=EXAMPLES,
    )
    parser.add_argument("evidence", type=Path, metavar="EVIDENCE", help="what check --certificate wrote")
    parser.add_argument("history", type=Path, metavar="HISTORY|RUN_FOLDER", help="the history that it is about")
    parser.add_argument("--model", metavar="package.module:Class",
                        help="the class that the evidence names, where it is of a model of your own: it is imported "
                        "only if you name it, too")  # fmt: skip
    parser.add_argument("--time-limit", type=positive_seconds, metavar="SECONDS", default=TIME_LIMIT_S,
                        help=f"past it nothing is known (default: {TIME_LIMIT_S:g})")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Say whether the evidence holds; 0, 1 or 2. Raises :class:`UsageError` for what cannot be read."""
    evidence = read_evidence(args.evidence)
    if ":" in evidence.model and args.model != evidence.model:
        raise UsageError(f"read evidence of the model {evidence.model[:80]!r}, a class; expected --model "
                         f"{evidence.model[:80]} if that is yours and may be run")  # fmt: skip

    def task(progress: Progress) -> Mapping[str, Any]:
        return _answer(evidence, args)

    ending = next(ending for ending in endings([task], limits_within(args.time_limit)) if ending is not None)
    finding = _of_ending(ending, args)
    data = {"holds": finding.holds, "valid": evidence.valid, "model": evidence.model, "method": finding.method,
            "explanation": finding.explanation, "evidence": str(args.evidence),
            "history": str(args.history)}  # fmt: skip
    if args.json:
        emit(data)
    else:
        print(_text(evidence, finding, args), flush=True)
    return EXIT_STATUS[finding.holds]


def _answer(evidence: Evidence, args: argparse.Namespace) -> dict[str, Any]:
    deadline = monotonic() + args.time_limit * _SOFT_SHARE
    path = args.history / "history.jsonl" if args.history.is_dir() else args.history
    try:
        recording = read_recording(path, evidence.format, independent=evidence.independent)
        return {"finding": list(examine(evidence, recording, deadline))}
    except FormatError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"{path}: read nothing ({error.strerror}); expected a history or a run's folder"}


def _of_ending(ending: Ending, args: argparse.Namespace) -> Finding:
    if ending.how == "done":
        if "error" in ending.answer:
            raise UsageError(ending.answer["error"])
        return Finding(*ending.answer["finding"])
    if ending.how == "time":
        return Finding("unknown", "none", f"the time limit of {args.time_limit:g} s passed")
    return Finding("unknown", "none", f"out of memory {ending.text}" if ending.how == "memory" else ending.text)


def _text(evidence: Evidence, finding: Finding, args: argparse.Namespace) -> str:
    word = {True: "holds", False: "DOES NOT HOLD", "unknown": "is not known to hold"}[finding.holds]
    kinds = {LINEARIZABLE: "linearization", **dict.fromkeys(LEVELS, "commit order")}
    kind = kinds.get(evidence.expect, "order") if evidence.valid else "witness"
    line = f"{printable(str(args.evidence))}: the {kind} {word}, by {finding.method}"
    return line if finding.explanation is None else f"{line}\n  {printable(finding.explanation)}"


def examine(evidence: Evidence, recording: Recording, deadline: float) -> Finding:
    """Whether the evidence shows of this history what it says."""
    from checkers.guard import Unsupported
    from checkers.linearizable import model_of
    from checkers.linearizable.operation import by_key
    from checkers.value import Codes

    if len(recording.history) != evidence.operations:
        return Finding(False, "counting", f"it is about a history of {evidence.operations} lines; this one has "
                                          f"{len(recording.history)}")  # fmt: skip
    nil_reads: Literal["value", "unknown"] = "value" if evidence.nil_reads == "value" else "unknown"
    if evidence.expect in LEVELS:
        from harness.commands import verify_transactional

        return verify_transactional.examine(evidence, recording, nil_reads)
    if evidence.expect != LINEARIZABLE:
        from harness.commands import verify_sequential

        return verify_sequential.examine(evidence, recording.history, nil_reads, deadline)
    try:
        model = model_of(evidence.model)
        if evidence.valid and (found := _large(evidence, recording, model, nil_reads)) is not None:
            return found
        keys = by_key(recording.history, model, Codes(), nil_reads, evidence.initial)
    except (Unsupported, ValueError) as error:
        return Finding(False, "reading", str(error)[:400])
    return _linearizations(evidence, keys) if evidence.valid else _witnesses(evidence, keys, deadline)


def _large(evidence: Evidence, recording: Recording, model: Any, nil_reads: str) -> Finding | None:
    """The finding on the linearizations of a large history; None where they must be looked at one by one."""
    from checkers.guard import Unsupported
    from checkers.linearizable.certificate import refute_large
    from checkers.linearizable.model import Reading
    from checkers.value import Codes

    if recording.history.columns is None:
        return None
    reading = Reading(Codes(), nil_reads == "value")
    try:
        objection = refute_large(recording.history, model, reading, evidence.initial, evidence.lists)
    except Unsupported:
        return None
    return Finding(objection is None, "replay", objection)


def _linearizations(evidence: Evidence, keys: Sequence[Any]) -> Finding:
    from checkers.linearizable.certificate import refute

    if len(keys) != len(evidence.lists):
        return Finding(False, "replay", f"it has {len(evidence.lists)} linearizations; the history has {len(keys)} "
                                        "objects")  # fmt: skip
    for key, positions in zip(keys, evidence.lists, strict=True):
        known = {operation.invoke: operation for operation in (*key.required, *key.optional)}
        if strange := [position for position in positions if position not in known]:
            return Finding(False, "replay", f"it places operation {strange[0]}, which is not one of its object")
        objection = refute(key, [known[position] for position in positions])
        if objection is not None:
            return Finding(False, "replay", objection)
    return Finding(True, "replay")


def _witnesses(evidence: Evidence, keys: Sequence[Any], deadline: float) -> Finding:
    findings = [_witness(positions, keys, deadline) for positions in evidence.lists]
    if not findings:
        return Finding(False, "counting", "it has no witness")
    holds = worst(finding.holds for finding in findings)
    doubts = [finding.explanation for finding in findings if finding.holds is holds and finding.explanation]
    return Finding(holds, "+".join(sorted({finding.method for finding in findings})), doubts[0] if doubts else None)


def _witness(positions: Sequence[int], keys: Sequence[Any], deadline: float) -> Finding:
    from checkers.linearizable import brute
    from checkers.linearizable.decide import decide
    from checkers.linearizable.limit import Limit

    wanted = set(positions)
    key = next((key for key in keys if wanted <= {operation.invoke for operation in key.required}), None)
    if key is None or not wanted:
        return Finding(False, "reading", f"{sorted(wanted)[:8]} are not operations of one object that took effect")
    chosen = tuple(operation for operation in key.required if operation.invoke in wanted)
    others = [operation for operation in (*key.required, *key.optional) if operation.invoke not in wanted]
    helpers = tuple(replace(o, complete=None) for o in others if not key.model.observes(o.step))
    method, explained = "search", None
    if len(chosen) + len(helpers) <= BRUTE_OPERATIONS_MAX:
        method = "brute"
        explained = brute.decide(key.model, key.initial, chosen, helpers, visits_max=_BRUTE_VISITS)
    if explained is None:
        method = "search"
        explained = decide(replace(key, required=chosen, optional=helpers), "search", Limit(deadline)).valid
    if explained is None:
        return Finding("unknown", method, "the witness was not decided within the limits")
    return Finding(not explained, method, "an order explains all results of the witness" if explained else None)

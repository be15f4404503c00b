"""``splitbrain mutants --option-sets`` and ``--named``: a sample of all option sets, and those that claims and seeded
bugs are about, each held to what is promised or said of it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness import catalog
from harness.catalog import alternatives
from harness.claims.survey import Survey
from harness.commands import CRASH, PROGRAM, UsageError
from harness.commands.output import emit, printable
from harness.commands.survey_progress import surveyed, tell
from harness.exam.hunt import Alarm, Twin
from harness.exam.named import RUNS as NAMED_RUNS
from harness.exam.named import named_sets
from harness.exam.option_set import RUNS, OptionSet, option_sets


def run(args: argparse.Namespace) -> int:
    """Make the runs; 1 if there was a false alarm, 2 if none of the runs of a set said anything."""
    sets = choose(args.family, args.runs, args.seed, named=args.named)
    questions = [question for each in sets for question in each.questions]
    survey: Survey[Twin] = Survey(questions, args.provider, Path(args.store) / "option-sets", args.jobs)
    seconds = surveyed(survey, "questions", json=args.json)
    if seconds is None:
        return CRASH
    text = "\n".join(_table(survey, sets, seconds))
    tell(text, json=args.json)
    if args.json:
        emit({"option_sets": [_json(survey, each) for each in sets]})
    if any(each.false_alarms for each in sets):
        return 1
    return 0 if survey.complete and not any(each.questions and _silent(each) for each in sets) else 2


def choose(family: str | None, runs: int | None, first_seed: int, *, named: bool = False) -> list[OptionSet]:
    """The sample of each system, or of one; or the sets that are ``named``. Raises UsageError where there is no system
    of that name."""
    names = catalog.names("systems")
    if family is not None and family not in names:
        raise UsageError(f"--family: read {family[:80]!r}; expected {alternatives(family, names)}")
    chosen = [name for name in names if family in (None, name)]
    make, usual = (named_sets, NAMED_RUNS) if named else (option_sets, RUNS)
    count = usual if runs is None else runs
    return [each for name in chosen for each in make(catalog.system(name), count, first_seed)]


def _silent(each: OptionSet) -> bool:
    return sum(each.unknown.values()) == each.runs


def _table(survey: Survey[Twin], sets: Sequence[OptionSet], seconds: float) -> Iterator[str]:
    yield f"{'system':<16} {'set':>3}  {'runs':>5}  {'false':>5}  {'unknown':>7}  promises, or is named by; options"
    for each in sets:
        promised = ", ".join(each.promises) or "nothing"
        words = "  ".join(f"{name}={value}" for name, value in each.options.items())
        yield (f"{each.system:<16} {each.number:>3}  {each.runs:>5}  {each.false_alarms:>5}  "
               f"{sum(each.unknown.values()):>7}  {promised}; {words}")  # fmt: skip
    for each, question, alarm in _alarms(sets):
        yield printable(f"FALSE ALARM: {each.system} set {each.number}, {question.arm.experiment.workload}, seed "
                        f"{alarm.seed}: {', '.join(alarm.codes)}: {alarm.explanation[:300]}\n"
                        f"    {_repeat(survey, question, alarm)}")  # fmt: skip
    promising = sum(bool(each.questions) for each in sets)
    alarms, unknown = sum(each.false_alarms for each in sets), sum(sum(each.unknown.values()) for each in sets)
    yield (f"{len(sets)} option sets, of which {promising} promise something; {survey.runs} runs in {seconds:.0f} s: "
           f"{alarms} false alarms, {unknown} unknown")  # fmt: skip


def _alarms(sets: Sequence[OptionSet]) -> Iterator[tuple[OptionSet, Twin, Alarm]]:
    for each in sets:
        for question in each.questions:
            yield from ((each, question, alarm) for alarm in question.alarms())


def _repeat(survey: Survey[Twin], question: Twin, alarm: Alarm) -> str:
    return shlex.join([PROGRAM, "run", "--replay", str(survey.keep(question, question.arm, alarm.seed))])


def _json(survey: Survey[Twin], each: OptionSet) -> dict[str, Any]:
    return {
        "system": each.system, "number": each.number, "options": dict(each.options), "promises": list(each.promises),
        "runs": each.runs, "false_alarms": each.false_alarms, "unknown": dict(each.unknown),
        "alarms": [{"workload": question.arm.experiment.workload, "seed": alarm.seed, "codes": list(alarm.codes),
                    "explanation": alarm.explanation, "repeat": _repeat(survey, question, alarm)}
                   for _, question, alarm in _alarms([each])],
    }  # fmt: skip

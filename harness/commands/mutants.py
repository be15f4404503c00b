"""``splitbrain mutants``: the harness's own exam. Does it find each seeded bug, and leave the correct twin in peace?"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.catalog import alternatives
from harness.claims.survey import Survey
from harness.commands import CRASH, PROGRAM, UsageError, one_of, option_sets
from harness.commands.claims import PROVIDERS
from harness.commands.output import emit, printable
from harness.commands.run import check_provider
from harness.commands.survey_progress import add_options, surveyed, tell
from harness.exam.hunt import Alarm, Hunt, Twin, correct_twin

FINDS: Final[Mapping[str, int]] = {"sim": 3, "local": 1, "docker": 1}
RUNS_MAX: Final[Mapping[str, int]] = {"sim": 300, "local": 10, "docker": 10}
RANDOM_RUNS: Final[Mapping[str, int]] = {"sim": 60, "local": 10, "docker": 10}
"""Of a bug for which there is a directed schedule: so often it is looked for without one. It may well not be found."""

TWIN_RUNS: Final[Mapping[str, int]] = {"sim": 15, "local": 1, "docker": 1}

EXAMPLES: Final = """\
examples:
  splitbrain mutants --provider sim                 every seeded bug and its correct twin, over all cores
  splitbrain mutants local-reads lease-on-wall-clock
  splitbrain mutants --family raft --runs 200       exactly 200 runs of each bug and of each twin: rates
  splitbrain list bugs                              what the bugs are, and what exposes each
  splitbrain mutants --option-sets --family raft    no bugs: a sample of the option sets, and what each promises
  splitbrain mutants --named --runs 50              no bugs: the option sets of the claims and of the bugs' twins

With --option-sets, in which any two values of two options meet, every configuration that promises a workload runs it
under all sorts of faults that the system has to withstand: there, too, every alarm is a false one.

A bug is found by a run in which a checker says what the bug is known to show as (an assertion inside the node does not
count). A twin is the same plan without the bug: there every alarm is a false one.

exit status: 0 every bug was found and no twin or option set raised an alarm, 1 one did, 2 a bug was not found, or all
runs of an option set ended in unknown, 254 usage, 255 crash of the harness"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "mutants",
        help="the harness's own exam: seeded bugs to be found, correct twins to be left in peace",
        description="Looks for each seeded bug, and for false alarms over its correct twin.",
        epilog=EXAMPLES,
    )
    option = parser.add_argument
    option("bugs", nargs="*", metavar="NAME", help="seeded bugs (default: all)")
    option("--family", metavar="F", help="only bugs of the system F")
    option("--option-sets", action="store_true", help="no bugs, but a sample of the options of each system, 50 runs of "
           "each set (or N, with --runs)")  # fmt: skip
    option("--named", action="store_true", help="no bugs, but every option set of which a claim or a bug says that "
           "nothing is wrong, 1000 runs of each (or N, with --runs)")  # fmt: skip
    option("--provider", type=one_of(PROVIDERS), default="sim", metavar="P", help="sim (the default), local or docker")
    option("--runs", type=int, metavar="N", help="exactly N runs of each bug and of each twin (default: until a bug "
           "was found 3 times, 300 runs at most, and 15 of its twin; on real nodes once, 10 and 1)")  # fmt: skip
    option("--twins", type=int, metavar="N", help="N runs of each twin")
    add_options(option, "plans that show bugs are")
    option("--json", action="store_true", help="one line of JSON, the last on standard output: bugs and twins")


def run(args: argparse.Namespace) -> int:
    """Make the exam; 0 if it is passed."""
    for name in ("runs", "twins"):
        if getattr(args, name) is not None and getattr(args, name) < (name == "runs"):
            raise UsageError(f"--{name}: read {getattr(args, name)}; expected {int(name == 'runs')} or more")
    if args.option_sets or args.named:
        return _option_sets(args)
    chosen = choose(args.bugs, args.family)
    if args.provider != "sim":
        check_provider(catalog.provider(args.provider), chosen[0][0])
    hunts, twins = _questions(args, chosen)
    random = _at_random(args, chosen)
    survey: Survey[Hunt | Twin] = Survey(
        [*hunts, *random.values(), *twins], args.provider, Path(args.store) / "mutants", args.jobs
    )
    seconds = surveyed(survey, "questions", json=args.json)
    if seconds is None:
        return CRASH
    text = "\n".join(_table(survey, hunts, random, twins, seconds))
    tell(text, json=args.json)
    if args.json:
        bugs = [_bug_json(survey, hunt) | _random_json(random.get(hunt.name)) for hunt in hunts]
        emit({"bugs": bugs, "twins": [_twin_json(twin) for twin in twins]})
    if any(twin.alarms() for twin in twins):
        return 1
    return 0 if survey.complete and all(hunt.detections for hunt in hunts) else 2


def _option_sets(args: argparse.Namespace) -> int:
    flag = "--named" if args.named else "--option-sets"
    if args.bugs or args.twins is not None:
        raise UsageError(f"{flag}: read names of bugs or --twins besides; expected neither: no bug is seeded")
    if args.named and args.option_sets:
        raise UsageError("read --option-sets and --named; expected one of them")
    return option_sets.run(args)


def choose(names: Sequence[str], family: str | None) -> list[tuple[str, str]]:
    """(system, bug) by row. Raises UsageError where a word fits none."""
    systems = [catalog.system(name) for name in catalog.names("systems")]
    everything = [(system.name, name, bug.row) for system in systems for name, bug in system.bugs.items()]
    having = tuple(dict.fromkeys(system for system, _, _ in everything))
    if family is not None and family not in having:
        raise UsageError(f"--family: read {family[:80]!r}; expected {alternatives(family, having)}")
    for word in names:
        if word not in {name for _, name, _ in everything}:
            raise UsageError(
                f"read the bug {word[:80]!r}; expected {alternatives(word, [n for _, n, _ in everything])}"
            )
    chosen = sorted((row, system, name) for system, name, row in everything
                    if (not names or name in names) and family in (None, system))  # fmt: skip
    if not chosen:
        raise UsageError(f"read bugs of which {family} has none; `{PROGRAM} list bugs` names them all")
    return [(system, name) for _, system, name in chosen]


def _questions(args: argparse.Namespace, chosen: Sequence[tuple[str, str]]) -> tuple[list[Hunt], list[Twin]]:
    """Bugs whose plans without the mistake are the same share a twin."""
    runs, finds = (RUNS_MAX[args.provider], FINDS[args.provider]) if args.runs is None else (args.runs, None)
    own = args.runs if args.runs is not None else TWIN_RUNS[args.provider]
    twin_runs = own if args.twins is None else args.twins
    hunts = [Hunt(catalog.system(system), name, runs, finds, args.seed) for system, name in chosen]
    twins: dict[str, Twin] = {}
    for system, name in chosen:
        twin = correct_twin(catalog.system(system), name, twin_runs, args.seed)
        twins.setdefault(f"{system} {twin.arm.experiment} {twin.gap_s}", twin)
    return hunts, list(twins.values()) if twin_runs else []


def _at_random(args: argparse.Namespace, chosen: Sequence[tuple[str, str]]) -> dict[str, Hunt]:
    """Bug -> the search for it without the directed schedule that it has."""
    runs, finds = (RANDOM_RUNS[args.provider], FINDS[args.provider]) if args.runs is None else (args.runs, None)
    systems = [(catalog.system(system), name) for system, name in chosen]
    return {
        name: Hunt(system, name, runs, finds, args.seed, at_random=True)
        for system, name in systems if system.bugs[name].random_faults is not None
    }  # fmt: skip


def _table(
    survey: Survey[Hunt | Twin], hunts: Sequence[Hunt], random: Mapping[str, Hunt], twins: Sequence[Twin],
    seconds: float,
) -> Iterator[str]:  # fmt: skip
    yield f"{'row':>3}  {'bug':<36} {'system':<16} {'found':>9}  {'runs to find':>12}  {'seconds':>8}  shows as"
    for hunt in hunts:
        yield _row(hunt, hunt.name)
        if hunt.name in random:
            yield _row(random[hunt.name], "  among random faults")
    alarms = [(twin, alarm) for twin in twins for alarm in twin.alarms()]
    for twin, alarm in alarms:
        tried = twin.arm.experiment
        yield printable(f"FALSE ALARM: {twin.system} {_options(twin)}, {tried.workload}, faults {tried.faults}, seed "
                        f"{alarm.seed}: {', '.join(alarm.codes)}: {alarm.explanation[:300]}\n"
                        f"    {_repeat(survey, twin, alarm.seed)}")  # fmt: skip
    quiet = sum(twin.runs for twin in twins)
    unknown = sum(sum(twin.unknown.values()) for twin in twins)
    yield f"twins: {len(twins)} configurations, {quiet} runs, {len(alarms)} false alarms, {unknown} unknown"
    found = sum(bool(hunt.detections) for hunt in hunts)
    yield f"{found} of {len(hunts)} bugs found; {survey.runs} runs in {seconds:.0f} s"


def _row(hunt: Hunt, title: str) -> str:
    found, fired = len(hunt.detections), ", ".join(f"{code} {count}" for code, count in hunt.checkers().items())
    runs, spent = hunt.median_runs, hunt.median_seconds
    return (f"{hunt.bug.row:>3}  {title:<36} {hunt.system:<16} {found:>4}/{hunt.runs:<4}  "
            f"{'never' if runs is None else format(runs, 'g'):>12}  "
            f"{'' if spent is None else format(spent, '.2f'):>8}  {fired or '-'}")  # fmt: skip


def _options(twin: Twin) -> str:
    return " ".join(f"-o {name}={value}" for name, value in twin.arm.experiment.options.items())


def _repeat(survey: Survey[Hunt | Twin], question: Hunt | Twin, seed: int) -> str:
    arm = question.arm_of(seed) if isinstance(question, Hunt) else question.arm
    return shlex.join([PROGRAM, "run", "--replay", str(survey.keep(question, arm, seed))])


def _bug_json(survey: Survey[Hunt | Twin], hunt: Hunt) -> dict[str, Any]:
    first = next(iter(hunt.detections), None)
    return {
        "name": hunt.name, "system": hunt.system, "options": dict(hunt.bug.options), "row": hunt.bug.row,
        "workloads": list(hunt.bug.workloads), "faults": hunt.bug.faults, "runs": hunt.runs,
        "detected": len(hunt.detections), "median_runs": hunt.median_runs, "median_seconds": hunt.median_seconds,
        "checkers": dict(hunt.checkers()), "shows_as": list(hunt.bug.shows_as),
        "repeat": None if first is None else _repeat(survey, hunt, first.seed),
    }  # fmt: skip


def _random_json(hunt: Hunt | None) -> dict[str, Any]:
    """What the search among random faults came to, where there is one."""
    if hunt is None:
        return {}
    return {"random": {
        "faults": hunt.bug.random_faults, "runs": hunt.runs, "detected": len(hunt.detections),
        "median_runs": hunt.median_runs, "median_seconds": hunt.median_seconds, "checkers": dict(hunt.checkers()),
    }}  # fmt: skip


def _twin_json(twin: Twin) -> dict[str, Any]:
    alarms: list[Alarm] = twin.alarms()
    return {
        "system": twin.system, "options": dict(twin.arm.experiment.options),
        "workload": twin.arm.experiment.workload, "faults": twin.arm.experiment.faults, "runs": twin.runs,
        "false_alarms": len(alarms), "unknown": dict(twin.unknown),
        "alarms": [{"seed": alarm.seed, "codes": list(alarm.codes), "explanation": alarm.explanation}
                   for alarm in alarms],
    }  # fmt: skip

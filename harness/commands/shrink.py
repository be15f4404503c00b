"""``splitbrain shrink``: from a plan that fails to the smallest one that fails in the same way."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from harness.commands import PROGRAM, UsageError, complain, positive_seconds
from harness.commands.output import emit, printable

if TYPE_CHECKING:
    from types import FrameType

    from harness.search.shrink import Shrunk
    from harness.search.shrink_oracle import Oracle
    from harness.setup import Setup

NOTHING_TO_SHRINK: Final = 2
TIME_LIMIT_S: Final = 60.0
PROGRESS_EVERY_S: Final = 1.0
FILE: Final = "shrunk.json"
WIDTH: Final = 116
EXPLANATION_CHARACTERS_MAX: Final = 1200

DESCRIPTION: Final = """\
Runs a failing plan in the simulated world, again and again, with less: fewer faults, operations, nodes and clients,
rounder times and smaller figures, for as long as it fails in the same way (the same anomaly, found by the same
checker). The smallest plan found is written beside the plan, as shrunk.json, and told in words.

Ctrl-C ends the search and keeps the best so far."""

EXAMPLES: Final = """\
examples:
  splitbrain shrink store/latest/plan.json
  splitbrain shrink store/latest --time-limit 10
  splitbrain shrink my_system.py store/latest/plan.json    a system of your own is named again: it will be executed

exit status: 0 shrunk (or as small as can be already), 2 the plan does not fail in the simulated world, 254 wrong usage
or input, 255 crash of splitbrain"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "shrink",
        help="from a failing plan to the smallest one that fails in the same way",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    option = parser.add_argument
    option("system", nargs="?", metavar="SYSTEM.py", help="the plan's system, if it is a file of your own")
    option("plan", metavar="PLAN.json", help="a run's plan.json, or its folder")
    option("--time-limit", type=positive_seconds, default=TIME_LIMIT_S, metavar="S",
           help=f"seconds to search (default: {TIME_LIMIT_S:g})")  # fmt: skip
    option("--output", metavar="FILE", help=f"where to write the smaller plan (default: {FILE} beside PLAN.json)")
    option("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Shrink, write, tell; the exit status."""
    from harness.commands.live import display, output
    from harness.search.shrink import NotDeterministicError, NothingToShrinkError, shrink
    from harness.search.trial import TrialError

    setup, place = _setup(args), _place(args)
    shown = display(output(args.json))
    progress = _Progress(setup, shown.say)
    shown.say(
        f"{place.source}: running it in the simulated world (at most {args.time_limit:g} s; Ctrl-C keeps the best)"
    )
    try:
        with _interruptible() as interrupt:
            outcome = shrink(setup, args.time_limit, progress.watch, lambda: interrupt.asked)
    except NothingToShrinkError as error:
        return _nothing(args, place, str(error), error.trial.verdict.result.explanation or "")
    except TrialError as error:
        return _nothing(args, place, "no verdict", str(error))
    except NotDeterministicError as error:
        return _end(args, str(error), {})
    finally:
        shown.close()
    return _conclude(args, setup, place, outcome)


@dataclass(frozen=True, slots=True)
class _Place:
    """The plan's own file, and where the smaller one goes."""

    source: Path
    target: Path

    @property
    def results(self) -> Path:
        return self.target.with_suffix(".results.json")


def _place(args: argparse.Namespace) -> _Place:
    source = Path(args.plan)
    if source.is_dir():
        source /= "plan.json"
    target = source.with_name(FILE) if args.output is None else Path(args.output)
    if args.output is not None and target.exists() and target.samefile(source):
        raise UsageError(f"--output: read {args.output!r}, which is the plan itself; expected another file")
    if args.output is None and source.name == FILE:
        target = source.with_name("shrunk-again.json")
    return _Place(source, target)


def _setup(args: argparse.Namespace) -> Setup:
    """The plan and what its names stand for, checked as ``run --replay`` checks them. Raises UsageError."""
    from harness.commands.run_plan import PLAN_OPTIONS, setup_of

    given = {**dict.fromkeys(PLAN_OPTIONS), "system": args.system, "replay": args.plan, "provider": "sim"}
    try:
        return setup_of(argparse.Namespace(**given))
    except UsageError as error:
        text = str(error).replace("splitbrain run ", "splitbrain shrink ").replace(" --replay ", " ")
        raise UsageError(text.removeprefix("--replay").removeprefix(":").strip(), error.fields) from None


class _Interrupt:
    """Whether a person asked for what there is."""

    asked = False


@contextmanager
def _interruptible() -> Iterator[_Interrupt]:
    """The first Ctrl-C (or SIGTERM) asks for the best so far, between two runs; a second one ends everything."""
    interrupt = _Interrupt()

    def ask(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True
        complain("splitbrain: interrupted: keeping the best so far")

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Progress:
    """A line about once a second: what is being tried, and what the plan has come to."""

    def __init__(self, setup: Setup, say: Any) -> None:
        from harness.search.shrink_size import count

        self._say, self._first, self._started_s = say, count(setup.plan), monotonic()
        self._next_s = self._started_s + PROGRESS_EVERY_S

    def watch(self, oracle: Oracle) -> None:
        from harness.search.shrink_size import count

        now_s = monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + PROGRESS_EVERY_S
        seconds = now_s - self._started_s
        self._say(f"{seconds:6.1f} s  {oracle.stage}: {oracle.tries} tries ({oracle.tries / seconds:.0f}/s), "
                  f"{self._first} -> {count(oracle.best)}")  # fmt: skip


def _nothing(args: argparse.Namespace, place: _Place, came: str, explanation: str) -> int:
    """The plan does not fail in the simulated world."""
    text = f"{place.source}: does not fail in the simulated world, so there is nothing to shrink; it came to: {came}"
    hint = "next: real runs may fail by an accident of time; --provider sim --runs N looks for one that repeats itself"
    told = wrap(printable(explanation[:EXPLANATION_CHARACTERS_MAX]), WIDTH)
    return _end(args, "\n".join([text, *told, hint]), {"valid": came, "explanation": explanation})


def _end(args: argparse.Namespace, text: str, fields: dict[str, str]) -> int:
    """Nothing was shrunk; why not."""
    complain(f"splitbrain: {text}")
    if args.json:
        emit({"error": text.partition("\n")[0], **fields})
    return NOTHING_TO_SHRINK


def _conclude(args: argparse.Namespace, setup: Setup, place: _Place, outcome: Shrunk) -> int:
    _write(place, outcome)
    told = "\n".join(map(printable, _lines(setup, place, outcome)))
    if args.json:
        complain(told)
        emit(_as_json(setup, place, outcome))
    else:
        print(told, flush=True)
    return 0


def _write(place: _Place, outcome: Shrunk) -> None:
    """The plan, and beside it the results of its run, by which `keep` knows what it must show."""
    from harness.search.shrink_data import text
    from harness.store import replace_file

    results = {**outcome.verdict.as_json(), "failure": outcome.failure.as_json()}
    try:
        replace_file(place.target, text(outcome.plan))
        replace_file(place.results, json.dumps(results, indent=2) + "\n")
    except OSError as error:
        raise UsageError(
            f"--output: read {str(place.target)!r}, where nothing can be written ({error.strerror}); "
            "expected a file in a folder that is ours to write"
        ) from None


def _lines(setup: Setup, place: _Place, outcome: Shrunk) -> Iterator[str]:
    from harness.search.shrink import SEEDS_TRIED
    from harness.search.shrink_words import plan_lines

    yield f"shrunk: {outcome.before} -> {outcome.after}, in {outcome.tries} tries and {outcome.seconds:.1f} s"
    yield f"fails:  {outcome.failure}, under {outcome.seeds_failed} of the first {SEEDS_TRIED} seeds"
    for note in _notes(outcome):
        yield f"note:   {note}"
    yield ""
    for line in plan_lines(outcome.plan, _front(setup, outcome)):
        yield f"  {line}"
    yield ""
    yield from wrap(outcome.explanation[:EXPLANATION_CHARACTERS_MAX], WIDTH, break_on_hyphens=False)
    yield ""
    for name, command in _commands(setup, place).items():
        yield f"{name + ':':8}{command}"


def _notes(outcome: Shrunk) -> Iterator[str]:
    if not outcome.explicit:
        yield (
            "with its operations listed one by one the plan does not fail in this way: the generator was kept, and "
            "only its faults and its world were made smaller"
        )
    if not outcome.complete:
        yield "the search did not come to its end (the time was over, or Ctrl-C): a longer --time-limit may find less"
    if outcome.broken:
        yield f"{outcome.broken} candidates could not be run at all, the last one by {outcome.last_error}"


def _front(setup: Setup, outcome: Shrunk) -> list[str]:
    """The nodes that clients attach to."""
    from harness.setup import node_specs

    role = next(iter(setup.system.roles))
    return [spec.name for spec in node_specs(setup.system, outcome.plan.nodes) if spec.role == role]


def _commands(setup: Setup, place: _Place) -> dict[str, str]:
    """What to do with the smaller plan."""
    own_file = [str(module) for module in setup.modules]
    replay = [PROGRAM, "run", *own_file, "--replay", str(place.target), "--provider"]
    return {
        "replay": shlex.join([*replay, "sim"]),
        "real": shlex.join([*replay, "local", "--runs", "10"]),
        "keep": shlex.join([PROGRAM, "keep", str(place.target)]),
    }


def _as_json(setup: Setup, place: _Place, outcome: Shrunk) -> dict[str, Any]:
    from harness.search.shrink_data import brief_json
    from harness.search.shrink_words import plan_lines

    return {
        "plan": brief_json(outcome.plan),
        **outcome.after.as_json(),
        "nodes": outcome.plan.nodes,
        "seeds_failed": outcome.seeds_failed,
        "tries": outcome.tries,
        "seconds": round(outcome.seconds, 3),
        "reached_seconds": round(outcome.reached_s, 3),
        "failure": outcome.failure.as_json(),
        "explanation": outcome.explanation,
        "before": {**outcome.before.as_json(), "nodes": setup.plan.nodes},
        "stages": {name: stage.as_json() for name, stage in outcome.stages.items()},
        "explicit": outcome.explicit,
        "complete": outcome.complete,
        "lines": list(plan_lines(outcome.plan, _front(setup, outcome))),
        "file": str(place.target),
        **_commands(setup, place),
    }

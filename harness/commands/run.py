"""``splitbrain run``: puts a system on a cluster, drives and breaks it, and judges what its clients saw."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.cluster import Provider
from harness.commands import CRASH, EXIT_STATUSES, PROGRAM, UsageError, complain, one_of, positive_seconds
from harness.commands.live import display, output
from harness.commands.output import emit
from harness.commands.report import write_report
from harness.commands.run_plan import (
    CLIENT_TIMEOUT_S_MAX,
    CONCURRENCY_MAX,
    NODES_MAX,
    RATE_HZ_MAX,
    RUNS_MAX,
    SEED_MAX,
    SIM,
    TIME_LIMIT_S_MAX,
    setup_of,
)
from harness.commands.run_summary import as_json, lines
from harness.commands.session import ALWAYS, NEVER, ON_FAILURE, InterruptedCheckError, Kept, Session
from harness.interpreter import ContractError
from harness.result import EXIT_STATUS
from harness.runner import RunError
from harness.setup import Setup
from harness.store import RunFolder, create_folder
from harness.system import System
from harness.verdict import Verdict

ABORTED: Final = 130

DESCRIPTION: Final = """\
Starts a cluster of nodes, lets clients work on it for --time-limit seconds, breaks it with --faults, heals it, asks
once more, and judges the recorded history. Ends with the verdict, the evidence, and the command that repeats the run.

Ctrl-C (or SIGTERM) ends the run early: the cluster is healed, logs are fetched, what there is gets checked, the
cluster is removed. A second one removes the cluster at once, without a verdict (exit status 130)."""

EXAMPLES: Final = """\
examples:
  splitbrain run raft --faults partition,kill
  splitbrain run single-leader -o replication=async --faults partition,kill --workload set
  splitbrain run raft --faults partition=isolate-leader,kill=leader:2,pause --time-limit 60
  splitbrain run raft --faults brutal                  eight faults at a time, in storms; calm, typical, swarm
  splitbrain run raft --faults examples/faults/storm.toml     rates, durations, overlaps and phases, from a file
  splitbrain run --replay store/latest/plan.json       the same plan, with the same faults at the same times
  splitbrain run raft --provider sim --faults all --search swarm --runs 200     200 runs in virtual time
  splitbrain run raft --provider sim --bug vote-not-persisted --faults "after any vote-granted: kill its node"

`splitbrain list faults` describes what may follow --faults; `splitbrain list systems` the -o options of each system.
"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "run",
        help="start a cluster, break it, record a history, judge it",
        description=DESCRIPTION,
        epilog=EXAMPLES + EXIT_STATUSES,
    )
    option = parser.add_argument
    option("system", nargs="?", metavar="SYSTEM", help="`splitbrain list systems` names them")
    option("-o", dest="option", action="append", metavar="KEY=VALUE", help="an option of the system; may be repeated")
    option("--workload", type=one_of(lambda: catalog.names("workloads")), metavar="W",
           help="what clients do (default: the system's first workload)")  # fmt: skip
    option("--faults", metavar="SPEC|PROFILE|FILE.toml|none", help="what to break: partition=isolate-leader,"
           "kill=leader:2,pause; a shape or target after =, a number of nodes after it; or a profile (calm, typical, "
           "brutal, swarm, all); or a fault file; default none")  # fmt: skip
    option("--provider", type=one_of(lambda: catalog.names("providers")), help="how nodes are made (default: local)",
           metavar="P")  # fmt: skip
    option("--topology", metavar="FILE.toml", help="regions, and how far apart they are (examples/topologies); "
           "region-NAME may then stand in --faults where nodes may")  # fmt: skip
    option("--nodes", type=_integer(1, NODES_MAX), metavar="N", help="number of nodes (default: 5)")
    option("--concurrency", type=_integer(1, CONCURRENCY_MAX), metavar="N", help="number of clients (default: 10)")
    option("--rate", type=_number(RATE_HZ_MAX), metavar="HZ",
           help="operations a second, over all clients (default: 100)")  # fmt: skip
    option("--time-limit", type=_number(TIME_LIMIT_S_MAX), metavar="S", help="seconds of load (default: 30)")
    option("--client-timeout", type=_number(CLIENT_TIMEOUT_S_MAX), metavar="S",
           help="seconds a client waits for an operation (default: 1)")  # fmt: skip
    option("--seed", type=_integer(0, SEED_MAX), metavar="N",
           help="decides operations and faults (default: a random one, which is printed)")  # fmt: skip
    option("--bug", action="append", metavar="NAME", help="switch a seeded bug on; `splitbrain list bugs` names them")
    option("--replay", metavar="PLAN.json", help="repeat a run: its plan, with its faults at their times")
    option("--runs", type=_integer(1, RUNS_MAX), metavar="N",
           help="with --provider sim: N runs, seeds SEED, SEED + 1, ..., on all cores, until one fails; with --replay "
           "on real nodes: the plan N times, and how often it failed")  # fmt: skip
    option("--keep-going", action="store_true", help="with --runs: do not stop at the first failure, count them all")
    option("--search", type=one_of(_strategies), default="uniform", metavar="S",
           help="with --runs: how plans are drawn: uniform (every named fault in every run), swarm (a random subset of "
           "them and another rate per run), pct (nodes and links have priorities)")  # fmt: skip
    option("--shrink", action="store_true", help="with --provider sim: if a run failed, find the smallest plan that "
           "fails the same way (splitbrain shrink)")  # fmt: skip
    option(
        "--check-determinism",
        action="store_true",
        help="with --provider sim: make each run twice, in two processes, and compare everything that happened",
    )
    option("--store", default="store", metavar="DIR", help="where runs are kept (default: ./store)")
    option("--artifacts", choices=(ALWAYS, ON_FAILURE, NEVER), default=ON_FAILURE,
           help="keep what was on real nodes' disks, as nodes/NAME/data.tar.gz, up to 64 MB each: always, on failure "
           "(the run is invalid; the default), or never")  # fmt: skip
    option("--capture", action="store_true", help="keep the packets of real nodes, as nodes/NAME/data.pcap, the first "
           "32 MB of each")  # fmt: skip
    option(
        "--leave-running",
        action="store_true",
        help="after the verdict keep the cluster, healed, until Enter or Ctrl-C, and say how to reach its nodes",
    )
    option("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Make the run and print what came of it; the verdict's exit status."""
    setup = setup_of(args)
    if setup.plan.provider == SIM:
        from harness.commands.run_simulated import simulate

        return simulate(args, setup)
    _check_real(args)
    check_provider(setup.provider, setup.plan.system)
    check_library(setup.system)
    if args.runs is not None:
        from harness.commands.replay_real import reproduce

        return reproduce(setup, args.runs, Path(args.store), json=args.json)
    try:
        folder = create_folder(Path(args.store), setup.plan)
    except OSError as error:
        raise UsageError(f"--store: read {args.store!r}, where nothing can be written ({error.strerror}); expected a "
                         "folder that is ours to write") from None  # fmt: skip
    kept = Kept(args.artifacts, args.capture)
    session = Session(setup, folder, args.leave_running, display(output(args.json)), kept)
    try:
        with _terminated_as_interrupted():
            verdict = session.verdict()
            report = write_report(folder)
    except asyncio.CancelledError:
        return _no_verdict(args, folder, ABORTED, "interrupted twice: the cluster was removed, and there is no verdict")
    except InterruptedCheckError:
        again = shlex.join([PROGRAM, "check", str(folder.path)])
        return _no_verdict(args, folder, EXIT_STATUS["unknown"], f"the check was interrupted; {again} repeats it")
    except (RunError, ContractError) as error:
        return _no_verdict(args, folder, CRASH, str(error))
    finally:
        session.close()
    return _conclude(args, setup, folder, verdict, report)


def _strategies() -> Any:
    from harness.search.strategy import STRATEGIES

    return STRATEGIES


def _check_real(args: argparse.Namespace) -> None:
    """Raises UsageError for what only the simulated world can do."""
    if args.check_determinism:
        raise UsageError("read --check-determinism without --provider sim; expected both: no real run repeats itself")
    if args.shrink:
        raise UsageError(
            "read --shrink without --provider sim; expected both, or `splitbrain shrink` on the run's plan"
        )
    if args.runs is not None and args.replay is None:
        raise UsageError("read --runs without --provider sim or --replay; expected one: many seeds are tried in "
                         "the simulated world, and a plan that failed there is tried on real nodes")  # fmt: skip


def _integer(low: int, high: int) -> Any:
    def integer(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected an integer from {low} to {high}")
        return number

    return integer


def _number(high: float) -> Any:
    def number(text: str) -> float:
        value = positive_seconds(text)
        if not 1e-3 <= value <= high:
            raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected a number from 0.001 to {high:g}")
        return value

    return number


def check_provider(provider: Provider, system: str) -> None:
    """Raises UsageError where this machine lacks what the provider requires."""
    missing = [finding for finding in provider.examine() if finding.required and not finding.present]
    if missing:
        needs = "\n".join(f"  {entry.name}, for {entry.needed_for}: {entry.remedy or 'no remedy'}" for entry in missing)
        raise UsageError(f"the provider {provider.name!r} cannot be used on this machine; it lacks\n{needs}\n"
                         f"`{PROGRAM} doctor` says more. The simulator needs nothing of the machine: "
                         f"{shlex.join([PROGRAM, 'run', system, '--provider', 'sim'])}")  # fmt: skip


def check_library(system: System) -> None:
    """Import what the system's client speaks by, before there is a clock that it could hold up. Raises UsageError."""
    library = None if system.external is None else system.external.library
    if library is None:
        return
    try:
        import_module(library)
    except ImportError as error:
        name = library.partition(".")[0]
        raise UsageError(
            f"the client of {system.name} needs the Python package {name}, which cannot be imported ({error}); "
            "`pip install 'splitbrain[databases]'` brings those of all databases"
        ) from None


def _no_verdict(args: argparse.Namespace, folder: RunFolder, status: int, text: str) -> int:
    complain(f"splitbrain: {text}\nwhat there is of the run: {folder.path}")
    if args.json:
        emit({"error": text, "store": str(folder.path)})
    return status


def _conclude(args: argparse.Namespace, setup: Setup, folder: RunFolder, verdict: Verdict, report: Path | None) -> int:
    own_file = [setup.plan.system] if catalog.is_file(setup.plan.system) else []
    repeat = shlex.join([PROGRAM, "run", *own_file, "--replay", str(folder.plan)])
    text = "\n".join(lines(verdict, setup, folder, report, repeat, told=args.leave_running))
    if not args.json:
        print(text, flush=True)
    else:
        complain(text)
        emit(as_json(verdict, setup, folder, report, repeat))
    return EXIT_STATUS[verdict.result.valid]


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends what is done here, as Ctrl-C does, and not the process: a checker that is interrupted has a result,
    and what was found is still told."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)

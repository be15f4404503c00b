"""``splitbrain run --provider sim``: one simulated run, or many over all cores; a failing one is kept."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Final

from harness import catalog
from harness.commands import CRASH, PROGRAM, UsageError, complain
from harness.commands.live import Display, display, output
from harness.commands.output import emit, printable
from harness.commands.report import write_report
from harness.commands.run_plan import faults_in_words
from harness.commands.run_summary import as_json, lines, opening
from harness.plan import Plan
from harness.result import EXIT_STATUS
from harness.search.batch import Batch, Outcome, Tally, WorkerError
from harness.search.determinism import Comparison, compare
from harness.search.strategy import plan_of
from harness.search.trial import Trial, TrialError, run_trial
from harness.setup import Setup
from harness.store import TRACE, RunFolder, create_folder
from harness.trace import Trace

FAILURES_KEPT: Final = 5
FAILURES_SHOWN: Final = 20
CELLS_SHOWN: Final = 12
PROGRESS_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A run whose folder was written: with its verdict, and the command that repeats it."""

    trial: Trial
    folder: RunFolder
    report: Path | None
    repeat: str


def simulate(args: argparse.Namespace, setup: Setup) -> int:
    """What ``run`` does for this provider; the exit status."""
    if args.leave_running:
        raise UsageError(
            "read --leave-running with --provider sim; expected one of them: simulated nodes end with the run"
        )
    if args.capture:
        raise UsageError("read --capture with --provider sim; expected one of them: simulated nodes send no packets; "
                         "trace.jsonl in the run's folder has their messages")  # fmt: skip
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # workers are ended, and what there is gets told
    if args.check_determinism:
        return _determinism(args, setup)
    return _one(args, setup) if args.runs is None else _many(args, setup)


def _one(args: argparse.Namespace, setup: Setup) -> int:
    shown = display(output(args.json))
    try:
        kept = keep_run(setup, Path(args.store), shown)
    except TrialError as error:
        complain(f"splitbrain: {error}")
        if args.json:
            emit({"error": str(error), "seed": setup.plan.seed})
        return CRASH
    finally:
        shown.close()
    return _conclude(args, kept)


def keep_run(setup: Setup, store: Path, shown: Display) -> Kept:
    """Run a plan with everything written that a run leaves: its folder, the message trace, the report."""
    folder, trace = create_folder(store, setup.plan), Trace()
    for line in opening(setup, folder, faults_in_words(setup.plan)):
        shown.say(line)
    trial = run_trial(setup, folder=folder, trace=trace, watch=shown.watch, say=shown.say)
    trace.write(folder.path / TRACE)
    return Kept(trial, folder, write_report(folder), _repeat(setup.plan, folder))


def _repeat(plan: Plan, folder: RunFolder) -> str:
    own_file = [plan.system] if catalog.is_file(plan.system) else []
    return shlex.join([PROGRAM, "run", *own_file, "--replay", str(folder.plan)])


def _conclude(args: argparse.Namespace, kept: Kept) -> int:
    verdict, setup = kept.trial.verdict, kept.trial.setup
    text = "\n".join(lines(verdict, setup, kept.folder, kept.report, kept.repeat, told=False))
    speed = f"simulated {kept.trial.virtual_s:.1f} s in {kept.trial.seconds:.1f} s, seed {setup.plan.seed}"
    complain(f"{text}\n{speed}") if args.json else print(f"{text}\n{speed}", flush=True)
    smaller = _shrunk(args, [kept] if verdict.result.valid is False else [])
    if args.json:
        emit({**_single_json(kept), **smaller})
    return EXIT_STATUS[verdict.result.valid]


def _single_json(kept: Kept) -> dict[str, Any]:
    verdict, setup = kept.trial.verdict, kept.trial.setup
    row = {"seed": setup.plan.seed, "anomalies": list(kept.trial.anomalies), "reason": verdict.result.reason}
    return {
        **as_json(verdict, setup, kept.folder, kept.report, kept.repeat),
        "runs": 1,
        "failures": [row] if verdict.result.valid is False else [],
        "unknowns": [row] if verdict.result.valid == "unknown" else [],
        "virtual_seconds": round(kept.trial.virtual_s, 3),
    }


def _many(args: argparse.Namespace, setup: Setup) -> int:
    """A batch: the tally, and the first failing runs kept."""
    plan, shown = setup.plan, display(output(args.json))
    batch = Batch(replace(plan, schedule=()), plan.seed, args.runs, args.search, args.keep_going)
    load = f"{plan.rate_hz:g} operations/s for {plan.time_limit_s:g} virtual seconds"
    shown.say(f"{plan.system}: workload {plan.workload}, faults {plan.faults}, {load}")
    shown.say(f"{args.runs} runs ({args.search}), seeds {plan.seed} to {plan.seed + args.runs - 1}")
    try:
        tally = batch.execute(_Progress(shown, args.runs).watch)
        kept = [_again(args, setup, failure) for failure in sorted(tally.failures, key=_seed)[:FAILURES_KEPT]]
    except WorkerError as error:
        complain(f"splitbrain: {error}")
        return CRASH
    finally:
        shown.close()
    text = "\n".join([*_tally_lines(tally, batch), *_kept_lines(kept)])
    complain(text) if args.json else print(text, flush=True)
    smaller = _shrunk(args, kept)
    if args.json:
        emit({**_batch_json(tally, batch, kept), **smaller})
    return EXIT_STATUS[tally.valid]


def _shrunk(args: argparse.Namespace, failing: list[Kept]) -> dict[str, Any]:
    """Shrink the first failing plan, if that is asked; where the smaller one is, for the JSON."""
    if not args.shrink or not failing:
        return {}
    from harness.commands import shrink

    plan, folder = failing[0].trial.setup.plan, failing[0].folder
    system = plan.system if catalog.is_file(plan.system) else None
    asked = argparse.Namespace(
        system=system, plan=str(folder.plan), time_limit=shrink.TIME_LIMIT_S, output=None, json=False
    )
    with redirect_stdout(sys.stderr if args.json else sys.stdout):
        shrink.run(asked)
    smaller = folder.path / shrink.FILE
    return {"shrunk": str(smaller) if smaller.exists() else None}


def _seed(outcome: Outcome) -> int:
    seed: int = outcome["seed"]
    return seed


class _Quiet:
    """Shows nothing."""

    def watch(self, progress: Any) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


def _again(args: argparse.Namespace, setup: Setup, failure: Outcome) -> Kept:
    """The failing run once more, written to its folder: it is the same run, or the system is not deterministic."""
    plan = plan_of(replace(setup.plan, schedule=()), setup.system, setup.faults, failure["seed"], args.search)
    kept = keep_run(replace(setup, plan=plan), Path(args.store), _Quiet())
    if kept.trial.verdict.result.valid is not False:
        complain(f"splitbrain: seed {plan.seed} failed and then did not: the system is not deterministic; "
                 "--check-determinism says where")  # fmt: skip
    return kept


class _Progress:
    """A line about once a second: how many runs, how fast, what came of them."""

    def __init__(self, shown: Display, runs: int) -> None:
        self._shown, self._runs, self._next_s = shown, runs, PROGRESS_EVERY_S

    def watch(self, tally: Tally) -> None:
        if tally.seconds < self._next_s:
            return
        self._next_s = tally.seconds + max(PROGRESS_EVERY_S, tally.seconds / 20)
        rate = tally.runs / tally.seconds
        left_s = (self._runs - tally.runs) / rate if rate else 0.0
        self._shown.say(f"{tally.seconds:6.1f} s  {tally.runs}/{self._runs} runs, {rate:.1f}/s, failed "
                        f"{len(tally.failures)}, unknown {len(tally.unknowns)}, {left_s:.0f} s left")  # fmt: skip


def _tally_lines(tally: Tally, batch: Batch) -> Iterator[str]:
    word = {True: "valid", False: "INVALID", "unknown": "unknown"}[tally.valid]
    good = tally.runs - len(tally.failures) - len(tally.unknowns)
    bad, open_ = len(tally.failures), len(tally.unknowns)
    yield f"verdict: {word}: {good} of {tally.runs} runs valid, {bad} failed, {open_} unknown"
    rate = tally.runs / max(tally.seconds, 1e-9)
    yield f"speed:   {rate:.1f} runs/s, {tally.virtual_s:.0f} virtual seconds in {tally.seconds:.1f} s"
    yield f"load:    {tally.deliveries} messages, {tally.operations} operations acknowledged"
    if tally.runs < batch.runs and not tally.failures:
        yield f"         interrupted after {tally.runs} of {batch.runs} runs"
    for failure in sorted(tally.failures, key=_seed)[:FAILURES_SHOWN]:
        kinds = ", ".join(failure["anomalies"])
        yield printable(
            f"failed:  seed {failure['seed']} ({failure['faults']}): {kinds}: {failure['explanation'][:300]}"
        )
    for reason, count in sorted(tally.reasons.items()):
        example = next(outcome for outcome in tally.unknowns if outcome["reason"] == reason)
        yield printable(f"unknown: {count} for {reason}, e.g. seed {example['seed']}: {example['explanation'][:300]}")
    yield from _coverage_lines(tally)


def _coverage_lines(tally: Tally) -> Iterator[str]:
    for name, (runs, bit) in sorted(tally.bit.items()):
        yield f"fault:   {name}: bit in {bit} of {runs} runs" + ("" if bit else " (NEVER: nothing was learnt about it)")
    faults = sorted({fault for fault, _, _ in tally.cells})
    hit = [cell for cell in tally.cells if cell[2] != "-"]
    if faults:
        yield f"covered: {len(hit)} cells of fault x phase x operation in flight, over {len(faults)} kinds of faults"
    for cell in sorted(hit, key=lambda cell: tally.cells[cell])[:CELLS_SHOWN] if len(hit) > 1 else hit:
        yield f"         {' / '.join(cell)}: {tally.cells[cell]}"
    for name, (reached, took) in sorted(tally.rare.items()):
        yield f"rare:    {printable(name)}: reached {reached} times, taken {took}" + ("" if took else " (NEVER)")


def _kept_lines(kept: list[Kept]) -> Iterator[str]:
    for run in kept:
        yield f"store:   {run.folder.path}"
        if run.report is not None:
            yield f"report:  {run.report}"
        yield f"repeat:  {run.repeat}"
    if kept:
        own_file = [kept[0].trial.setup.plan.system] if catalog.is_file(kept[0].trial.setup.plan.system) else []
        yield f"smaller: {shlex.join([PROGRAM, 'shrink', *own_file, str(kept[0].folder.plan)])}"


def _batch_json(tally: Tally, batch: Batch, kept: list[Kept]) -> dict[str, Any]:
    places = {run.trial.setup.plan.seed: run for run in kept}
    first = kept[0] if kept else None
    head = (
        {}
        if first is None
        else as_json(first.trial.verdict, first.trial.setup, first.folder, first.report, first.repeat)
    )
    return {
        **head,
        "valid": tally.valid,
        "runs": tally.runs,
        "failures": [_failure_json(failure, places.get(failure["seed"])) for failure in tally.failures],
        "unknowns": [{name: outcome[name] for name in ("seed", "reason", "explanation")} for outcome in tally.unknowns],
        "unknown_reasons": tally.reasons,
        "seeds": [batch.first, batch.first + batch.runs - 1],
        "search": batch.strategy,
        "operations_ok": tally.operations,
        "deliveries": tally.deliveries,
        "virtual_seconds": round(tally.virtual_s, 3),
        "run_seconds": round(tally.seconds, 3),
        "runs_per_second": round(tally.runs / max(tally.seconds, 1e-9), 3),
        "recovery_seconds_max": round(tally.recovery_s, 3),
        "faults_bit": {name: {"runs": runs, "bit": bit} for name, (runs, bit) in sorted(tally.bit.items())},
        "coverage": [[*cell, count] for cell, count in sorted(tally.cells.items())],
        "rare": {name: {"reached": reached, "taken": took} for name, (reached, took) in sorted(tally.rare.items())},
    }


def _failure_json(failure: Outcome, kept: Kept | None) -> dict[str, Any]:
    row = {name: failure[name] for name in ("seed", "anomalies", "explanation", "faults")}
    return row if kept is None else {**row, "store": str(kept.folder.path), "repeat": kept.repeat}


def _determinism(args: argparse.Namespace, setup: Setup) -> int:
    """Each run twice, under two hash seeds, and compared."""
    comparisons = []
    for number in range(args.runs or 1):
        plan = setup.plan
        if args.runs is not None:
            plan = plan_of(replace(plan, schedule=()), setup.system, setup.faults, plan.seed + number, args.search)
        try:
            comparisons.append(compare(plan))
        except CalledProcessError as error:
            complain(f"splitbrain: seed {plan.seed}: {error.stderr[-2000:]}")
            return CRASH
        for line in _comparison_lines(comparisons[-1]):
            complain(line)
    same = all(entry.same and not entry.violations for entry in comparisons)
    if args.json:
        rows = [_comparison_json(entry) for entry in comparisons]
        emit({"deterministic": same, "runs": len(comparisons), "comparisons": rows})
    else:
        word = "deterministic" if same else "NOT DETERMINISTIC"
        print(f"{word}: {len(comparisons)} runs, each made twice, in processes with different hash seeds", flush=True)
    return 0 if same else 1


def _comparison_lines(entry: Comparison) -> Iterator[str]:
    yield f"seed {entry.seed}: {entry.digests[0][:16]} " + ("twice" if entry.same else f"and {entry.digests[1][:16]}")
    if entry.line is not None:
        yield f"  the traces differ from line {entry.line} on:\n    {entry.texts[0]}\n    {entry.texts[1]}"
    for violation in entry.violations:
        yield f"  {violation}"


def _comparison_json(entry: Comparison) -> dict[str, Any]:
    return {"seed": entry.seed, "same": entry.same, "digests": list(entry.digests), "line": entry.line,
            "differing": list(entry.texts), "violations": list(entry.violations)}  # fmt: skip

"""What a run says of itself: its first lines, its last ones, and the line of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from harness.commands.output import NEXT_STEPS, printable
from harness.setup import Setup
from harness.store import RunFolder
from harness.verdict import Verdict

ANOMALIES_MAX: Final = 5
EXITS_MAX: Final = 3
TEXT_CHARACTERS_MAX: Final = 1200
WIDTH: Final = 116


def opening(setup: Setup, folder: RunFolder, faults: str) -> Iterator[str]:
    """Before the run: what is going to happen."""
    plan = setup.plan
    options = "".join(f" -o {name}={value}" for name, value in plan.options.items())
    yield f"{plan.system}{options}: workload {plan.workload} ({setup.workload.summary})"
    count = len(setup.node_specs)
    nodes = f"{count} node{'' if count == 1 else 's'}"
    yield (
        f"{nodes} ({plan.provider}), {plan.concurrency} clients, {plan.rate_hz:g} operations/s for "
        f"{plan.time_limit_s:g} s, {faults}, seed {plan.seed}"
    )
    yield f"store: {folder.path}"


def as_json(verdict: Verdict, setup: Setup, folder: RunFolder, report: Path | None, repeat: str) -> dict[str, Any]:
    """The object of ``run --json``."""
    return {
        **{name: value for name, value in verdict.as_json().items() if name != "schema"},
        "store": str(folder.path),
        "report": None if report is None else str(report),
        "seed": setup.plan.seed,
        "repeat": repeat,
    }


def lines(
    verdict: Verdict, setup: Setup, folder: RunFolder, report: Path | None, repeat: str, *, told: bool
) -> Iterator[str]:
    """After the run: the verdict and its evidence (unless ``told`` already), where everything is, what to do next."""
    if not told:
        yield ""
        yield from _verdict(verdict)
        yield from _figures(verdict)
    yield f"store:   {folder.path}"
    if report is not None:
        yield f"report:  {report}"
    if repeat:
        yield f"repeat:  {repeat}"


def _verdict(verdict: Verdict) -> Iterator[str]:
    result = verdict.result
    word = {True: "valid", False: "INVALID", "unknown": "unknown"}[result.valid]
    yield f"verdict: {word}" + (f" ({result.reason})" if result.reason else "")
    if result.explanation:
        yield from _wrapped("  ", result.explanation)
    for number, anomaly in enumerate(result.anomalies[:ANOMALIES_MAX], 1):
        yield from _wrapped(f"  {number}. {anomaly.type}: ", anomaly.explanation)
    if len(result.anomalies) > ANOMALIES_MAX:
        yield f"  ... and {len(result.anomalies) - ANOMALIES_MAX} more anomalies"
    if result.reason is not None:
        yield f"  next: {NEXT_STEPS[result.reason]}"


def _figures(verdict: Verdict) -> Iterator[str]:
    result, record = verdict.result, verdict.record
    model = f" {result.model}" if result.model else ""
    method = f" by {result.method}" if result.method else ""
    yield f"checked: {result.expect}{model}, {result.operations} operations{method} in {result.seconds:.2f} s"
    yield f"clients: {record.counts.ok} ok, {record.counts.fail} fail, {record.counts.info} info"
    for fault in verdict.faults:
        yield (
            f"fault:   {fault['name']}, {fault['applied']} times{_refused(fault)}, "
            + ("bit" if fault["bit"] else "WITHOUT MEASURED EFFECT")
            + _measured(fault["effect"])
        )
    for entry in verdict.availability:
        if entry.windows:
            yield f"outages: {entry.f}: {_windows(entry.windows)}"
    if record.recovery_s is not None:
        yield f"answered again {record.recovery_s:.3f} s after everything was healed"
    for text in verdict.exits[:EXITS_MAX]:
        yield from _wrapped("ended:   ", text)
    if len(verdict.exits) > EXITS_MAX:
        yield f"         ... and {len(verdict.exits) - EXITS_MAX} more"
    for trouble in (*record.unhealed, *record.troubles):
        yield from _wrapped("trouble: ", trouble)


def _refused(fault: dict[str, Any]) -> str:
    return f" (and {fault['refused']} not, since its nodes were another's)" if "refused" in fault else ""


def _measured(effect: dict[str, Any]) -> str:
    figures = ", ".join(f"{name} {figure:g}" for name, figure in effect.items() if figure)
    return f": {figures}" if figures else ""


def _windows(windows: tuple[tuple[float, float], ...]) -> str:
    shown = ", ".join(f"{start:.1f}-{end:.1f} s" for start, end in windows[:6])
    return shown + (f" and {len(windows) - 6} more" if len(windows) > 6 else "")


def _wrapped(head: str, text: str) -> list[str]:
    """Bounded, printable text in lines of readable length, the first one after ``head``."""
    cut = text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + "..."
    return wrap(head + printable(cut), WIDTH, subsequent_indent="     ", break_on_hyphens=False) or [head]

"""The pictures of ``splitbrain claims --html``: the smallest run that shows a violation, drawn; curves; availability.

A violating run is made small first (``harness.search.shrink``), for a few seconds each, over all cores: a dozen faults
and hundreds of operations teach nobody anything.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.claim import Available, Converges, Measured, Unavailable
from harness.claims.worker import SIM
from harness.commands.claim_row import Row
from harness.plan import Plan
from harness.report import plot
from harness.report.band import bands
from harness.report.claims_page import Exhibit, claims_page
from harness.report.curve import curve
from harness.report.element import Markup
from harness.report.run_data import RunData, read_run
from harness.report.space_time_section import messages
from harness.report.statistic import rows as figures_of
from harness.report.statistic import span
from harness.search.worker import setup_of_plan
from harness.store import replace_file

SHRINK_S: Final = 8.0


def write_page(target: Path, rows: Sequence[Row], provider: str) -> Path:
    """Draw and write; the page's path. Raises OSError."""
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        drawn = [pool.submit(pictures, *job) if (job := _job(row)) is not None else None for row in rows]
        exhibits = [
            _exhibit(row, [] if future is None else future.result()) for row, future in zip(rows, drawn, strict=True)
        ]
    made = f"{len(rows)} claims, tested with --provider {provider} on {datetime.now(UTC):%Y-%m-%d}"
    replace_file(target, claims_page(exhibits, "what the books say, and what happens", made))
    return target


def _job(row: Row) -> tuple[Mapping[str, Any], str | None, bool] | None:
    """What :func:`pictures` is asked: the plan of the evidence, its folder if it has one, and whether it is about
    availability."""
    if row.plan is None or isinstance(row.inquiry.claim.expect, Converges | Measured):
        return None
    folder = None if row.evidence is None else row.evidence["run"]
    return row.plan.as_json(), folder, isinstance(row.inquiry.claim.expect, Available | Unavailable)


def pictures(plan: Mapping[str, Any], folder: str | None, availability: bool) -> list[tuple[str, Markup]]:
    """What a run looks like; a simulated violation is made small first."""
    if folder is not None:
        return list(_availability(read_run(Path(folder))))
    asked = Plan.from_json(plan)
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as store:
        smaller = asked if availability else _smaller(asked)
        run = _run(smaller, Path(store))
        return list(_availability(run) if availability else _space_time(run, smaller))


def _smaller(plan: Plan) -> Plan:
    from harness.search.shrink import NotDeterministicError, NothingToShrinkError, shrink
    from harness.search.trial import TrialError

    try:
        return shrink(setup_of_plan(plan, catalog.system(plan.system), catalog.faults()), SHRINK_S).plan
    except (NothingToShrinkError, NotDeterministicError, TrialError):
        return plan


def _run(plan: Plan, store: Path) -> RunData:
    """The run once more, with everything written that it leaves."""
    from harness.search.trial import run_trial
    from harness.store import TRACE, create_folder
    from harness.trace import Trace

    plan = replace(plan, provider=SIM)
    folder, trace = create_folder(store, plan), Trace()
    run_trial(setup_of_plan(plan, catalog.system(plan.system), catalog.faults()), folder=folder, trace=trace)
    trace.write(folder.path / TRACE)
    return read_run(folder.path)


def _space_time(run: RunData, plan: Plan) -> Iterator[tuple[str, Markup]]:
    drawn = messages(run)
    if drawn is not None:
        faults = ", ".join(dict.fromkeys(entry.fault for entry in plan.schedule)) or "no fault"
        asked = "" if plan.operations is None else f" and {len(plan.operations)} operations"
        yield f"The smallest run that was found to show it: {plan.nodes} nodes, {faults}{asked}.", drawn


def _availability(run: RunData) -> Iterator[tuple[str, Markup]]:
    shown = span(run)
    names = [row.f for row in figures_of(run)]
    yield "When which operation succeeded.", plot.availability(run, names, bands(run, shown.end_s), shown)


def _exhibit(row: Row, drawn: Sequence[tuple[str, Markup]]) -> Exhibit:
    claim, judgement = row.inquiry.claim, row.judgement
    experiment = claim.experiment
    options = "".join(f" {name}={value}" for name, value in experiment.options.items())
    facts = [("expected", str(claim.expect)), ("workload", experiment.workload), ("faults", experiment.faults),
             ("runs", str(row.inquiry.runs))]  # fmt: skip
    control = None
    if claim.control is not None:
        control = f"{claim.control.label}: {judgement.control or 'nothing was violated'}"
    curves = [(name, curve(name, list(points.items()))) for name, points in judgement.figures.items()]
    return Exhibit(
        id=claim.id,
        sentence=claim.sentence,
        quotation=claim.source.quotation,
        source=str(claim.source),
        system=f"{row.inquiry.system}{options}",
        verdict=judgement.verdict,
        why=judgement.why,
        control=control,
        facts=facts,
        command=None if row.evidence is None else row.evidence["repeat"],
        pictures=[*drawn, *curves],
    )

"""A run on disk, seen by ``splitbrain check``: what its plan expected, and what its results doubted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.commands import UsageError
from harness.file import read_json
from harness.history import DUMP, History
from harness.plan import Plan
from harness.result import Anomaly, Reason, Result, composed

# Reasons that a new look at the history settles; all others are about the run itself, and stay.
SETTLED_BY_CHECKING: Final = frozenset(
    {Reason.TIMEOUT, Reason.OUT_OF_MEMORY, Reason.UNSUPPORTED, Reason.CHECKER_ERROR, Reason.MISSING_FINAL_READ}
)
_NOT_ENDED: Final = (
    "the history is valid, but the run did not end ({} is missing): whether enough happened, and whether its faults "
    "had an effect, is not known"
)
_CONTRADICTED: Final = (
    "the history is valid now, but {} says that the run was not: the two contradict each other, or what was wrong is "
    "outside the history"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a run's history, though valid, does not make the run valid. ``as_expected``: only of what the run's own
    workload expects; a history that was invalid there may well keep something weaker."""

    reason: Reason
    explanation: str
    as_expected: bool = False


@dataclass(frozen=True, slots=True)
class RunToCheck:
    """What a run brings along: its history's path, and what its plan's workload expects of it."""

    history: Path
    expect: str
    model: str | None
    initial: Any
    doubt: Doubt | None
    assertions: tuple[Anomaly, ...]
    leadership: Result | None = None

    def judge(self, result: Result, history: History) -> Result:
        """The run's verdict, given its history's: never better than what the run itself said, nor than what is checked
        of every run (``harness.verdict``)."""
        from checkers import convergence

        other = result.expect != self.expect
        if result.details.get("final_read") is False:  # enough for a file, and not for a run
            result = result.but_unknown(Reason.MISSING_FINAL_READ, result.explanation or "there was no final read")
        asked = DUMP in history.f_names and result.expect != convergence.EXPECT
        besides = (convergence.check(history) if asked else None, self.leadership)
        result = composed(result, *(each for each in besides if each is not None))
        if self.assertions:
            anomalies = (*result.anomalies, *self.assertions)
            return replace(result, valid=False, reason=None, explanation=None, anomalies=anomalies)
        if self.doubt is None or (other and self.doubt.as_expected):
            return result
        if result.valid == "unknown" and self.doubt.reason is Reason.INTERRUPTED:  # what is missing is missing for that
            return replace(result, reason=self.doubt.reason, explanation=f"{self.doubt.explanation}; besides, "
                           f"{result.explanation}")  # fmt: skip
        return result.but_unknown(self.doubt.reason, self.doubt.explanation)


def read_run_folder(folder: Path) -> RunToCheck:
    """Raises :class:`UsageError` for a folder that is not one of a run."""
    from harness.node_failure import ASSERTION, node_failures
    from harness.store import HISTORY, NODES, PLAN, RESULTS

    plan = _plan(folder / PLAN)
    if not (folder / HISTORY).is_file():
        raise UsageError(
            f"read the folder {folder}, which has no {HISTORY}: that run ended before its clients began, so there is "
            "nothing to judge; expected the folder of one that went further, or a file"
        )
    workload = catalog.workload(plan.workload)
    failures = node_failures(folder / NODES)
    return RunToCheck(
        history=folder / HISTORY,
        expect=workload.expect,
        model=workload.model,
        initial=plan.initial,
        doubt=_doubt(folder / RESULTS),
        assertions=tuple(failure.anomaly() for failure in failures if failure.kind == ASSERTION),
        leadership=_leadership(plan, folder / NODES),
    )


def _leadership(plan: Plan, nodes: Path) -> Result | None:
    """Whether an epoch of a bundled system had two leaders. A system's own file is not looked into: to check a run must
    execute nothing that comes with it."""
    from checkers import leadership
    from harness.node_failure import read_events

    if plan.system not in catalog.names("systems") and not catalog.is_external(plan.system):
        return None
    system = catalog.system(plan.system)
    given = plan.options if isinstance(plan.options, Mapping) else {}
    election = system.leadership({name: str(given.get(name, o.default)) for name, o in system.options.items()})
    if election is None:
        return None
    event, epoch = election
    return leadership.check(read_events(nodes, (event,)), event=event, epoch=epoch)


def _plan(path: Path) -> Plan:
    try:
        return Plan.from_json(read_json(path))
    except FileNotFoundError:
        raise UsageError(
            f"read the folder {path.parent}, which has no {path.name}; expected a run's folder, such as store/latest, "
            "or the path of a history"
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: {error}") from None


def _doubt(path: Path) -> Doubt | None:
    """What the run's own results say against it, whatever its history says now."""
    try:
        results = read_json(path)
        valid = results["valid"]
        if not isinstance(valid, bool) and valid != "unknown":  # 0 == False, and is no verdict
            raise ValueError(f'read valid = {str(valid)[:80]!r}; expected true, false or "unknown"')
        reason = Reason(results["reason"]) if valid == "unknown" else None
    except FileNotFoundError:
        return Doubt(Reason.INTERRUPTED, _NOT_ENDED.format(path.name))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Doubt(Reason.HARNESS_ERROR, f"the history is valid, but {path} cannot be read ({error})")
    if valid is False:
        return Doubt(Reason.CHECKER_ERROR, _CONTRADICTED.format(path.name), as_expected=True)
    if reason is None or reason in SETTLED_BY_CHECKING or _only_the_check_was_interrupted(reason, results):
        return None
    return Doubt(reason, f"the history is valid, but of the run: {results.get('explanation') or reason}")


def _only_the_check_was_interrupted(reason: Reason, results: dict[str, Any]) -> bool:
    return reason is Reason.INTERRUPTED and results.get("interrupted") is False

"""A plan on real nodes, again and again: how often does what failed in the simulated world fail here?

Real time is not ours to command: a fault comes when it comes, a node takes as long as it takes. So a plan is replayed
there best effort in time, and the answer is a number of runs, "reproduced in 3 of 10".
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.cluster import Cluster, ClusterSpec, Finding, Provider
from harness.commands import UsageError, complain
from harness.commands.live import Display, display, output
from harness.commands.output import emit, printable
from harness.commands.report import write_report
from harness.interpreter import ContractError
from harness.result import EXIT_STATUS, Reason, Validity
from harness.runner import RunError
from harness.search.batch import UNKNOWN_SHARE_MAX
from harness.setup import Setup, unmet_needs
from harness.store import create_folder

if TYPE_CHECKING:
    from harness.verdict import Verdict

EXPLANATION_CHARACTERS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run: its number from 1, its folder, what came of it."""

    number: int
    folder: Path
    valid: Validity
    reason: str | None
    anomalies: tuple[str, ...]
    explanation: str

    def __str__(self) -> str:
        word = {True: "valid", False: f"INVALID: {', '.join(self.anomalies)}", "unknown": f"unknown ({self.reason})"}
        return f"{word[self.valid]}  {self.folder}"

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.number,
            "store": str(self.folder),
            "valid": self.valid,
            "reason": self.reason,
            "anomalies": list(self.anomalies),
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class Attempts:
    """All of them, in order. ``interrupted``: a person ended it before all that were asked for were made."""

    done: tuple[Attempt, ...]
    interrupted: bool = False

    @property
    def failures(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.done if attempt.valid is False)

    @property
    def unknowns(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.done if attempt.valid == "unknown")

    @property
    def valid(self) -> Validity:
        """Worst first; a few unknown ones are borne, as in a batch of simulated runs."""
        if self.failures:
            return False
        return "unknown" if not self.done or len(self.unknowns) > UNKNOWN_SHARE_MAX * len(self.done) else True

    def __str__(self) -> str:
        return f"reproduced in {len(self.failures)} of {len(self.done)} runs"

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "runs": len(self.done),
            "failures": [attempt.as_json() for attempt in self.failures],
            "unknowns": [attempt.as_json() for attempt in self.unknowns],
            "interrupted": self.interrupted,
        }


def reproduce(setup: Setup, runs: int, store: Path, *, json: bool) -> int:
    """Run the plan ``runs`` times on its provider, one after the other, each with a folder of its own, and say how
    often it failed; returns the exit status: 1 if it ever did, 2 if more than a tenth of the runs are unknown, else 0.

    Raises UsageError where the cluster cannot make a fault of the plan.
    """
    shown, previous = display(output(json)), signal.getsignal(signal.SIGTERM)  # a run leaves it as its own
    try:
        attempts = attempt_all(setup, runs, store, shown)
    finally:
        shown.close()
        signal.signal(signal.SIGTERM, previous)
    text = "\n".join(map(printable, lines(attempts)))
    if json:
        complain(text)
        emit({"provider": setup.provider.name, **attempts.as_json()})
    else:
        print(text, flush=True)
    return EXIT_STATUS[attempts.valid]


def lines(attempts: Attempts) -> Iterator[str]:
    """For a person: how often, what it showed first, where."""
    yield f"{attempts}" + (" (interrupted)" if attempts.interrupted else "")
    if attempts.unknowns:
        reasons = sorted({str(attempt.reason) for attempt in attempts.unknowns})
        yield f"unknown: {len(attempts.unknowns)} ({', '.join(reasons)})"
    for attempt in attempts.failures[:1]:
        yield f"shown:   {attempt.explanation}"
        yield f"store:   {attempt.folder}"


def attempt_all(setup: Setup, runs: int, store: Path, shown: Display) -> Attempts:
    """The runs, one after the other."""
    provider = _Watched(setup.provider)
    setup = replace(setup, provider=provider)
    done: list[Attempt] = []
    for number in range(1, runs + 1):
        try:
            attempt, interrupted = _attempt(setup, number, store, shown)
        except asyncio.CancelledError:
            return Attempts(tuple(done), interrupted=True)
        if attempt.reason == _NO_RUN and (problems := _refused(setup, provider)):
            raise UsageError(f"{'; '.join(problems)}. In the simulated world it can: --provider sim")
        done.append(attempt)
        shown.say(f"run {number} of {runs}: {attempt}")
        if interrupted:
            return Attempts(tuple(done), interrupted=True)
    return Attempts(tuple(done))


_NO_RUN: Final = str(Reason.HARNESS_ERROR)


def _attempt(setup: Setup, number: int, store: Path, shown: Display) -> tuple[Attempt, bool]:
    """One run, and whether a person ended it. Raises CancelledError after a second Ctrl-C."""
    from harness.commands.session import InterruptedCheckError, Session

    folder = create_folder(store, setup.plan)
    try:
        verdict = Session(setup, folder, False, shown).verdict()
    except (RunError, ContractError) as error:
        return Attempt(number, folder.path, "unknown", _NO_RUN, (), _short(str(error))), False
    except InterruptedCheckError:
        return Attempt(number, folder.path, "unknown", str(Reason.INTERRUPTED), (), ""), True
    if verdict.result.valid is False:
        write_report(folder)
    return _attempt_of(number, folder.path, verdict), verdict.record.interrupted


def _attempt_of(number: int, folder: Path, verdict: Verdict) -> Attempt:
    result = verdict.result
    explanation = result.anomalies[0].explanation if result.anomalies else result.explanation or ""
    return Attempt(
        number=number,
        folder=folder,
        valid=result.valid,
        reason=None if result.reason is None else str(result.reason),
        anomalies=tuple(dict.fromkeys(anomaly.type for anomaly in result.anomalies)),
        explanation=_short(explanation),
    )


def _short(text: str) -> str:
    return text if len(text) <= EXPLANATION_CHARACTERS_MAX else text[:EXPLANATION_CHARACTERS_MAX] + "..."


def _refused(setup: Setup, provider: _Watched) -> list[str]:
    """The plan's faults that the cluster which was made cannot do; in words."""
    return [] if provider.cluster is None else unmet_needs(setup.faults, setup.plan, provider.cluster)


class _Watched:
    """A provider that remembers the cluster it made: only a cluster says what it can do."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.cluster: Cluster | None = None

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def summary(self) -> str:
        return self._provider.summary

    @property
    def capabilities(self) -> frozenset[str]:
        return self._provider.capabilities

    def examine(self) -> Sequence[Finding]:
        return self._provider.examine()

    def living(self) -> Sequence[str]:
        return self._provider.living()

    def remove_leftovers(self) -> Sequence[str]:
        return self._provider.remove_leftovers()

    async def create(self, spec: ClusterSpec, runtime: Any) -> Cluster:
        self.cluster = await self._provider.create(spec, runtime)
        return self.cluster


__all__ = ["Attempt", "Attempts", "attempt_all", "reproduce"]

"""The campaign over option sets: does any run of a configuration end in an alarm although it promises the workload?

A correct twin is one configuration that some seeded bug was made for. These are the others: a sample of all option sets
(``harness.exam.pairwise``), each held to what the system says that it promises, under any mix of the faults that it
has to withstand (mostly the profile ``swarm``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness import catalog
from harness.claim import Experiment
from harness.claims.experiment import plan_of
from harness.claims.inquiry import Arm
from harness.exam.hunt import RATE_HZ, TIME_LIMIT_S, Twin
from harness.exam.pairwise import domains, pairwise
from harness.faults.profile import BEYOND
from harness.system import System

RUNS: Final = 50
FAULTS: Final = "swarm"
WITHOUT_DISK: Final = "partition=clients, loss=clients, delay=clients, duplicate=clients, pause, clock"
"""For a system that keeps nothing on disk: whatever stops a node empties it, and the run says nothing."""


@dataclass(frozen=True, slots=True)
class OptionSet:
    """One set of options, the workloads that it promises (or the claims and bugs that name it), and their runs."""

    system: str
    number: int
    options: Mapping[str, str]
    promises: tuple[str, ...]
    questions: tuple[Twin, ...]

    @property
    def runs(self) -> int:
        return sum(question.runs for question in self.questions)

    @property
    def false_alarms(self) -> int:
        return sum(len(question.alarms()) for question in self.questions)

    @property
    def unknown(self) -> Mapping[str, int]:
        """Runs that say nothing: why, and how many."""
        return dict(sum((Counter(question.unknown) for question in self.questions), Counter[str]()))


def option_sets(system: System, runs: int = RUNS, first_seed: int = 1) -> list[OptionSet]:
    """A sample of the system's option sets in which all pairs of values meet; ``runs`` of each set, dealt out to the
    workloads that it promises."""

    def everything(options: Mapping[str, str]) -> bool:
        return system.promises(options) == set(system.workloads)

    def something(options: Mapping[str, str]) -> bool:
        return bool(system.promises(options))

    sample = pairwise(domains(system.options), everything, something)
    return [_option_set(system, number, options, runs, first_seed) for number, options in enumerate(sample, 1)]


def _option_set(system: System, number: int, options: Mapping[str, str], runs: int, first_seed: int) -> OptionSet:
    promised = tuple(workload for workload in system.workloads if workload in system.promises(options))
    shares = Counter(promised[run % len(promised)] for run in range(runs) if promised)
    questions = (
        Twin(system.name, f"{system.name} options {number}", _arm(system, workload, options, share), first_seed)
        for workload, share in shares.items()
    )
    return OptionSet(system.name, number, options, promised, tuple(questions))


def _arm(system: System, workload: str, options: Mapping[str, str], runs: int) -> Arm:
    return Arm(workload, mixed(system, workload, options), runs)


def mixed(system: System, workload: str, options: Mapping[str, str]) -> Experiment:
    """The workload under any mix of the faults that the system has to withstand."""
    faults = FAULTS if any(role.disk for role in system.roles.values()) else WITHOUT_DISK
    return Experiment(workload, options, faults=faults, rate_hz=RATE_HZ, time_limit_s=TIME_LIMIT_S)


def has_to_bear(system: System, experiment: Experiment) -> bool:
    """Whether all of the experiment's faults are such that the system keeps its promises under them."""
    asked = {entry.fault for entry in plan_of(experiment, system, catalog.faults(), 1, "sim").schedule}
    return not asked & (BEYOND - system.withstands)

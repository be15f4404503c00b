"""The campaign over option sets: does any run of a configuration end in an alarm although it promises the workload?

A correct twin is one configuration that some seeded bug was made for. These are the others: a sample of all option sets
(``harness.exam.pairwise``), each held to what the system says that it promises, under any mix of the faults that it
has to withstand (the profile ``swarm``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.claim import Experiment
from harness.claims.inquiry import Arm
from harness.exam.hunt import RATE_HZ, TIME_LIMIT_S, Twin
from harness.exam.pairwise import domains, pairwise
from harness.system import System

RUNS: Final = 50
FAULTS: Final = "swarm"


@dataclass(frozen=True, slots=True)
class OptionSet:
    """One set of options with its runs, by workload; none if nothing is promised."""

    system: str
    number: int
    options: Mapping[str, str]
    questions: tuple[Twin, ...]

    @property
    def promises(self) -> tuple[str, ...]:
        return tuple(question.arm.experiment.workload for question in self.questions)

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
    sample = pairwise(domains(system.options), lambda options: bool(system.promises(options)))
    return [OptionSet(system.name, number, options, _questions(system, number, options, runs, first_seed))
            for number, options in enumerate(sample, 1)]  # fmt: skip


def _questions(system: System, number: int, options: Mapping[str, str], runs: int, first_seed: int) -> tuple[Twin, ...]:
    promised = [workload for workload in system.workloads if workload in system.promises(options)]
    dealt = Counter(promised[run % len(promised)] for run in range(runs) if promised)
    return tuple(
        Twin(system.name, f"{system.name} options {number}", _arm(workload, options, share), first_seed)
        for workload, share in dealt.items()
    )


def _arm(workload: str, options: Mapping[str, str], runs: int) -> Arm:
    experiment = Experiment(workload, options, faults=FAULTS, rate_hz=RATE_HZ, time_limit_s=TIME_LIMIT_S)
    return Arm(workload, experiment, runs)

"""The option sets that claims and seeded bugs name: none of their runs may raise an alarm, however many there are.

A claim is confirmed by tens of runs, and a correct twin is left in peace by as many. A false alarm of one run in some
hundreds shows in neither; this is the campaign that looks for it, over the very plans of the claims that say that
something holds and of the bugs' correct twins. What only tells of availability is looked at where the system promises
the workload all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness.claim import Claim, Experiment, Holds, Measured, Tabled, Violates
from harness.claims.inquiry import Arm
from harness.exam.hunt import Twin, correct_twin
from harness.exam.option_set import OptionSet
from harness.system import System

RUNS: Final = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """A plan that ``name`` (of a claim or a bug) is about; an alarm is an anomaly of ``forbids``, or, if empty, any,
    or that everybody waited ``gap_s``."""

    name: str
    experiment: Experiment
    forbids: tuple[str, ...] = ()
    gap_s: float | None = None


def named_sets(system: System, runs: int = RUNS, first_seed: int = 1) -> list[OptionSet]:
    """Every option set of the system that is named; ``runs`` of each, dealt out to the plans that name it."""
    sets: dict[tuple[tuple[str, str], ...], list[Named]] = {}
    for each in _named(system):
        known = sets.setdefault(tuple(sorted(system.completed(each.experiment.options).items())), [])
        if not any((each.experiment, each.forbids, each.gap_s) == (k.experiment, k.forbids, k.gap_s) for k in known):
            known.append(each)
    return [_set(system, number, dict(options), plans, runs, first_seed)
            for number, (options, plans) in enumerate(sets.items(), 1)]  # fmt: skip


def _named(system: System) -> Iterator[Named]:
    for claim in system.claims:
        if (forbids := _forbidden(claim, system)) is not None:
            yield Named(claim.id, claim.experiment, forbids)
    for name in system.bugs:
        twin = correct_twin(system, name, 1)
        yield Named(name, twin.arm.experiment, gap_s=twin.gap_s)


def _forbidden(claim: Claim, system: System) -> tuple[str, ...] | None:
    """What must not be seen in the claim's own runs; None if it does not say."""
    if isinstance(claim.expect, Violates | Measured | Tabled):
        return None
    if claim.experiment.workload in system.promises(system.completed(claim.experiment.options)):
        return ()
    return claim.expect.forbids if isinstance(claim.expect, Holds) else None


def _set(
    system: System, number: int, options: Mapping[str, str], plans: list[Named], runs: int, first_seed: int
) -> OptionSet:
    shares = [len(range(place, runs, len(plans))) for place in range(len(plans))]
    questions = (
        Twin(system.name, f"{system.name} {plan.name}", Arm(plan.name, plan.experiment, share), first_seed,
             plan.gap_s, plan.forbids)
        for plan, share in zip(plans, shares, strict=True) if share
    )  # fmt: skip
    return OptionSet(system.name, number, options, tuple(plan.name for plan in plans), tuple(questions))

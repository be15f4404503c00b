"""The option sets that claims and seeded bugs name: none of their runs may raise an alarm, however many there are.

A claim is confirmed by tens of runs, and a correct twin is left in peace by as many. A false alarm of one run in some
hundreds shows in neither; this is the campaign that looks for it. Its plans are those of the claims that say that
something holds, of the sweeps and controls in which the system promises the workload, and of the bugs' correct twins.
Where a claim names an option set only to show what breaks in it, or who is still served, everything else that the
system promises there is asked for, under any mix of faults: a plan in which nobody may be left to answer decides
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.claim import (
    Available,
    Claim,
    Converges,
    Experiment,
    Holds,
    Measured,
    Tabled,
    Unavailable,
    Variant,
    Violates,
)
from harness.claims.inquiry import Arm
from harness.exam.hunt import Twin, correct_twin
from harness.exam.option_set import OptionSet, has_to_bear, mixed
from harness.system import System

RUNS: Final = 1000

Options = tuple[tuple[str, str], ...]
"""Every option of the system with its value, in order of the names."""


@dataclass(frozen=True, slots=True)
class Named:
    """A plan that ``name`` (of a claim or a bug) is about; an alarm is an anomaly of ``forbids``, or, if empty, any,
    or that everybody waited ``gap_s``."""

    name: str
    experiment: Experiment
    forbids: tuple[str, ...] = ()
    gap_s: float | None = None


@dataclass(slots=True)
class _Set:
    """Who names an option set, and the plans that must be without alarm in it."""

    names: dict[str, None] = field(default_factory=dict)
    plans: list[Named] = field(default_factory=list)

    def add(self, plan: Named) -> None:
        known = ((each.experiment, each.forbids, each.gap_s) for each in self.plans)
        if (plan.experiment, plan.forbids, plan.gap_s) not in known:
            self.plans.append(plan)


def named_sets(system: System, runs: int = RUNS, first_seed: int = 1) -> list[OptionSet]:
    """Every option set of the system that is named; ``runs`` of each, dealt out to its plans."""
    sets: dict[Options, _Set] = {}
    for name, experiment, plan in _named(system):
        named = sets.setdefault(tuple(sorted(system.completed(experiment.options).items())), _Set())
        named.names[name] = None
        if plan is not None:
            named.add(plan)
    for options, named in sets.items():
        for plan in () if named.plans else _promised(system, dict(options)):
            named.add(plan)
    return [_set(system, number, dict(options), named, runs, first_seed)
            for number, (options, named) in enumerate(sets.items(), 1)]  # fmt: skip


def _named(system: System) -> Iterator[tuple[str, Experiment, Named | None]]:
    """Who names which configuration, and what must hold in that very plan, if anything must."""
    for claim in system.claims:
        for experiment, forbids in _configurations(system, claim):
            yield claim.id, experiment, None if forbids is None else Named(claim.id, experiment, forbids)
    for name in system.bugs:
        twin = correct_twin(system, name, 1)
        yield name, twin.arm.experiment, Named(name, twin.arm.experiment, gap_s=twin.gap_s)


def _configurations(system: System, claim: Claim) -> Iterator[tuple[Experiment, tuple[str, ...] | None]]:
    """The claim's own experiment, its points, its control, each with what must not be seen in it: nothing at all (the
    empty tuple) where the workload is promised under such faults, or else what the claim forbids; None where it says
    nothing of that."""
    own = claim.experiment
    match claim.expect:
        case Measured(_, points) | Tabled(_, points):
            yield from ((varied, _promise(system, varied)) for varied in _varied(own, points))
        case Holds(forbids):
            promise = _promise(system, own)
            yield own, forbids if promise is None else promise
        case Converges():
            yield own, _promise(system, own)
        case Violates() | Unavailable() | Available():
            yield own, None
    if claim.control is not None:
        is_decided = not isinstance(claim.expect, Unavailable | Available)
        varied = _varied(own, (claim.control,))
        yield from ((each, _promise(system, each) if is_decided else None) for each in varied)


def _varied(experiment: Experiment, variants: tuple[Variant, ...]) -> Iterator[Experiment]:
    """The configurations that are of this system, and have no mistake in them."""
    varied = (experiment.varied(variant) for variant in variants if variant.system is None)
    return (each for each in varied if not each.bugs)


def _promise(system: System, experiment: Experiment) -> tuple[str, ...] | None:
    promised = system.promises(system.completed(experiment.options))
    return () if experiment.workload in promised and has_to_bear(system, experiment) else None


def _promised(system: System, options: Mapping[str, str]) -> Iterator[Named]:
    for workload in system.workloads:
        if workload in system.promises(options):
            yield Named(f"promised {workload}", mixed(system, workload, options))


def _set(system: System, number: int, options: Mapping[str, str], named: _Set, runs: int, first_seed: int) -> OptionSet:
    shares = [len(range(place, runs, len(named.plans))) for place in range(len(named.plans))]
    questions = (
        Twin(system.name, f"{system.name} {number} {plan.name}", Arm(plan.name, plan.experiment, share), first_seed,
             plan.gap_s, plan.forbids)
        for plan, share in zip(named.plans, shares, strict=True) if share
    )  # fmt: skip
    return OptionSet(system.name, number, options, tuple(named.names), tuple(questions))

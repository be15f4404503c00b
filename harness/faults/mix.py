"""A mix of faults with rates, durations and phases, and the schedule that it comes to: a pure function of the seed.

Fault files (:mod:`harness.faults.fault_file`) and profiles (:mod:`harness.faults.profile`) are such mixes. An entry
strikes at given times, every so many seconds, at a rate (gaps are exponential, as of independent accidents), or when
something sets it off. Unless it ``overlaps`` it has the cluster to itself: it waits for what is in force to end, and a
quiet stretch besides, and is left out where no time remains. A phase makes rates larger or smaller while it lasts; in
one of factor 0 nothing is in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from math import prod
from random import Random
from typing import Any, Final

from harness.fault import Action, Fault, FaultSpec, FaultSyntaxError, Trigger
from harness.faults.schedule import HEAD_S, QUIET_S, TAIL_S, occasions
from harness.plan import ScheduledFault

APPLICATIONS_MAX: Final = 2_000
WINDOW_MIN_S: Final = 0.2
TRIES: Final = 30

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a run: seconds from the start of the main phase, or a share of it."""

    value: float
    is_share: bool = False

    def seconds(self, time_limit_s: float) -> float:
        return min(time_limit_s, self.value * time_limit_s if self.is_share else self.value)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the run in which rates are ``factor`` times what they are otherwise."""

    name: str
    begin: Moment = Moment(0.0, True)
    end: Moment = Moment(1.0, True)
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of accident: what (``spec``, with what sets it off), how often (``at_s``, ``every_s`` or
    ``rate_per_min``), for how long, and in which phases (none named: in all). ``amounts`` replace the figures that the
    fault draws; ``place`` says where it was read, for errors."""

    spec: FaultSpec
    duration_s: Bounds = (1.0, 3.0)
    at_s: tuple[float, ...] = ()
    every_s: float | None = None
    rate_per_min: float | None = None
    overlaps: bool = False
    phases: tuple[str, ...] = ()
    amounts: Mapping[str, Bounds] = field(default_factory=dict)
    place: str = "--faults"


@dataclass(frozen=True, slots=True)
class Mix:
    entries: tuple[Entry, ...]
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """One application to come: when, and of which entry; what sets it off, if it is not the clock."""

    start_s: float
    stop_s: float
    index: int
    trigger: Trigger | None = None


def mixed_schedule(
    mix: Mix, faults: Mapping[str, Fault], nodes: tuple[str, ...], time_limit_s: float, seed: int
) -> tuple[ScheduledFault, ...]:
    """The faults of one run in order of their start, first those that something sets off.

    Raises FaultSyntaxError for an entry that does not fit the nodes or the time, or whose amounts its fault has not.
    """
    windows = sorted(_windows(mix, time_limit_s, seed), key=lambda window: (window.trigger is None, window.start_s))
    turns, used = [0] * len(mix.entries), [set[str]() for _ in mix.entries]
    result = []
    for window in windows:
        entry, turn = mix.entries[window.index], turns[window.index]
        random = Random(f"{seed}:{window.index}:{turn}")
        action = faults[entry.spec.name].choose(entry.spec, turn, nodes, random)
        action = _with_amounts(action, entry.amounts, used[window.index], random)
        turns[window.index] += 1
        start_ns, stop_ns = (round(time_s * 1e9) for time_s in (window.start_s, window.stop_s))
        trigger = None if window.trigger is None else window.trigger.as_json()
        result.append(ScheduledFault(entry.spec.name, start_ns, stop_ns, action, trigger))
    for entry, taken, count in zip(mix.entries, used, turns, strict=True):
        unused = sorted(set(entry.amounts) - taken)
        if count and (strange := [name for name in unused if not _draws(faults[entry.spec.name], entry, nodes, name)]):
            raise FaultSyntaxError(f"{entry.place}: read the amount {strange[0]}; expected one that the fault "
                                   f"{entry.spec.name} draws for itself; `splitbrain run ... --faults "
                                   f"{entry.spec.name}` shows them in its plan.json")  # fmt: skip
    return tuple(result)


def _with_amounts(action: Action, amounts: Mapping[str, Bounds], used: set[str], random: Random) -> Action:
    """Figures stand in the action itself, or in its "amount". A figure that this action has not may be another
    turn's."""
    result: dict[str, Any] = dict(action)
    for name, (low, high) in amounts.items():
        inner = result.get("amount", {})
        old = inner.get(name, result.get(name))
        if isinstance(old, bool) or not isinstance(old, (int, float)):
            continue
        whole = isinstance(old, int) and low == int(low) and high == int(high)
        drawn = random.randint(int(low), int(high)) if whole else round(random.uniform(low, high), 6)
        used.add(name)
        if name in inner:
            result["amount"] = {**inner, name: drawn}
        else:
            result[name] = drawn
    return result


def _draws(fault: Fault, entry: Entry, nodes: tuple[str, ...], figure: str) -> bool:
    """Whether the fault draws such a figure in one turn or another, though not in those of this schedule."""
    actions = (fault.choose(entry.spec, turn, nodes, Random(f"{turn}")) for turn in range(TRIES))
    return any(figure in action or figure in action.get("amount", {}) for action in actions)


def _windows(mix: Mix, time_limit_s: float, seed: int) -> list[Window]:
    """All applications, placed in order of the times at which they would begin."""
    wished: list[Window] = []
    set_off: list[Window] = []
    stretches = []
    for index, entry in enumerate(mix.entries):
        random = Random(f"{seed}:{index}:times")
        stretches.append(list(_stretches(entry, mix.phases, time_limit_s)))
        if entry.spec.trigger is not None:
            for *_, trigger in occasions(entry.spec.trigger, time_limit_s, index, random):
                set_off.append(Window(0.0, min(random.uniform(*entry.duration_s), time_limit_s / 2), index, trigger))
            continue
        starts = islice(_starts(entry, stretches[index], time_limit_s, random), APPLICATIONS_MAX)
        wished += [Window(start_s, start_s + random.uniform(*entry.duration_s), index) for start_s in starts]
    if len(wished) >= APPLICATIONS_MAX:
        raise FaultSyntaxError(f"--faults: read rates that come to {APPLICATIONS_MAX} faults or more in "
                               f"{time_limit_s:g} s; expected fewer; lower them")  # fmt: skip
    placed: list[Window] = []
    for window in sorted(wished, key=lambda window: window.start_s):
        placed += _placed(window, placed, mix, stretches[window.index])
    for index, entry in enumerate(mix.entries):
        if entry.spec.trigger is None and not any(window.index == index for window in placed):
            placed.append(_anywhere(index, placed, mix, stretches[index], Random(f"{seed}:{index}:anywhere")))
    return [*set_off, *placed]


def _stretches(entry: Entry, phases: Sequence[Phase], time_limit_s: float) -> Iterator[tuple[float, float, float]]:
    """(begin, end, factor) of the stretches in which an entry may be in force; neighbours of one factor as one."""
    head_s, tail_s = min(HEAD_S, time_limit_s / 50), min(TAIL_S, time_limit_s / 15)
    spans = [(phase, phase.begin.seconds(time_limit_s), phase.end.seconds(time_limit_s)) for phase in phases]
    edges = sorted({head_s, time_limit_s - tail_s, *(edge for _, *span in spans for edge in span)})
    former: tuple[float, float, float] | None = None
    for begin_s, end_s in pairwise(edge for edge in edges if head_s <= edge <= time_limit_s - tail_s):
        over = [phase for phase, low, high in spans if low <= begin_s and end_s <= high]
        factor = prod(phase.factor for phase in over)
        if not factor or (entry.phases and not any(phase.name in entry.phases for phase in over)):
            continue
        if former is not None and former[1:] == (begin_s, factor):
            former = former[0], end_s, factor
            continue
        if former is not None:
            yield former
        former = begin_s, end_s, factor
    if former is not None:
        yield former


def _starts(
    entry: Entry, stretches: Sequence[tuple[float, float, float]], time_limit_s: float, random: Random
) -> Iterator[float]:
    for at_s in entry.at_s:
        start_s = max(at_s, min(HEAD_S, time_limit_s / 50))
        if not any(begin <= start_s < end for begin, end, _ in stretches):
            raise FaultSyntaxError(f"{entry.place}: read at = {at_s:g} s; expected a time within the {time_limit_s:g} "
                                   "s of the run, before its last moments and in a phase of this fault")  # fmt: skip
        yield start_s
    if entry.every_s is not None:
        ticks = (number * entry.every_s for number in range(1, int(time_limit_s / entry.every_s) + 1))
        yield from (tick for tick in ticks if any(begin <= tick < end for begin, end, _ in stretches))
    if entry.rate_per_min is not None:
        for begin_s, end_s, factor in stretches:
            time_s = begin_s
            while (time_s := time_s + random.expovariate(entry.rate_per_min * factor / 60)) < end_s:
                yield time_s


def _placed(
    window: Window, placed: Sequence[Window], mix: Mix, stretches: Sequence[tuple[float, float, float]]
) -> list[Window]:
    """The window where there is room for it, later if need be; none if there is not."""
    start_s, lasting_s = window.start_s, window.stop_s - window.start_s
    for _ in range(len(placed) + 1):
        end_s = _end_of_stretch(start_s, stretches)
        stop_s = min(start_s + lasting_s, end_s)
        if stop_s - start_s < min(WINDOW_MIN_S, lasting_s):
            return []
        blocking = [other for other in placed if _clash(start_s, stop_s, window, other, mix)]
        if not blocking:
            return [Window(start_s, stop_s, window.index)]
        start_s = max(other.stop_s for other in blocking) + QUIET_S
    return []


def _end_of_stretch(start_s: float, stretches: Sequence[tuple[float, float, float]]) -> float:
    """When what begins then must end: where its stretch does, with the stretches that touch it."""
    end_s = next((end for begin, end, _ in stretches if begin <= start_s < end), start_s)
    for begin, end, _ in stretches:
        end_s = end if begin == end_s else end_s
    return end_s


def _clash(start_s: float, stop_s: float, window: Window, other: Window, mix: Mix) -> bool:
    """Whether two windows are too near to each other, and one of them is to be alone."""
    if mix.entries[window.index].overlaps and mix.entries[other.index].overlaps:
        return False
    return start_s < other.stop_s + QUIET_S and other.start_s < stop_s + QUIET_S


def _anywhere(
    index: int, placed: Sequence[Window], mix: Mix, stretches: Sequence[tuple[float, float, float]], random: Random
) -> Window:
    """A window for an entry that chance left without one: who names a fault wants to see it."""
    entry = mix.entries[index]
    for _ in range(TRIES if stretches else 0):
        begin_s, end_s, _ = random.choice(stretches)
        start_s = random.uniform(begin_s, end_s)
        stop_s = min(end_s, start_s + random.uniform(*entry.duration_s))
        window = Window(start_s, stop_s, index)
        long_enough = stop_s - start_s >= min(WINDOW_MIN_S, entry.duration_s[0])
        if long_enough and not any(_clash(start_s, stop_s, window, other, mix) for other in placed):
            return window
    raise FaultSyntaxError(f"{entry.place}: read {entry.spec}, for which no time is left; expected room for each "
                           "fault; raise --time-limit, lower the rates, or let faults overlap")  # fmt: skip

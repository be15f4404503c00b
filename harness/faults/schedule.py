"""When each fault strikes and what exactly it does: a pure function of the seed, written into the plan before the run.

The main phase is cut into periods of at most 15 s. In each period every fault named has its turns (two, where the
time allows), one after another: a quiet stretch, then a window in which the fault is in force, and quiet again at the
end. With one to three faults nothing overlaps, so that each effect has its own quiet stretch to be compared with; with
more, windows would become too short for a failover, and the faults share the time in lanes side by side. Two items
of the same fault (``partition=halves,partition=bridge``) stay in one lane: its heal ends both.

A fault that something sets off has no place in the lanes: it is armed from the start of the main phase, and what is
drawn is how long it lasts. One that is set off by "any" occurrence is applied once or twice in every period's worth of
time, each time after another number of occurrences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, floor
from random import Random
from typing import Final

from harness.fault import Fault, FaultSpec, Trigger
from harness.plan import ScheduledFault

PERIOD_S: Final = 15.0
ROUNDS: Final = 2
LANE_SIZE: Final = 3
SLOT_MIN_S: Final = 3.3  # below it, a time limit shorter than a period is given fewer rounds
HEAD_S: Final = 0.27
TAIL_S: Final = 1.0  # the last heal should end within the main phase, and starting nodes takes its time
QUIET_S: Final = 1.3  # enough for connections to come back, and for a new leader
QUIET_SHARE_MIN: Final = 0.36  # of a slot too short for that
WINDOW_S: Final = 2.8  # enough for a failover; longer only where the quiet stretch is as long
TRIGGERED_S: Final = (0.3, 3.0)  # from hardly noticed to longer than a failover; half of a very short run at most
ANY_MAX: Final = 8  # of what happens in a period, the first few times: later ones differ less


def schedule(
    specs: Sequence[FaultSpec], faults: Mapping[str, Fault], nodes: tuple[str, ...], time_limit_s: float, seed: int
) -> tuple[ScheduledFault, ...]:
    """The faults of one run in order of their start, in nanoseconds from the start of the main phase; first of all
    those that something sets off, which are armed from then on.

    Raises FaultSyntaxError where a spec does not fit the number of nodes.
    """
    entries: list[tuple[float, float, int, Trigger | None]] = []
    for index, spec in enumerate(specs):
        if spec.trigger is not None:
            entries += occasions(spec.trigger, time_limit_s, index, Random(f"{seed}:{index}:triggers"))
    timed: list[tuple[float, float, int]] = []
    lanes = _lanes(specs)
    for number, lane in enumerate(lanes):
        timed += _windows(lane, time_limit_s, number / len(lanes))
    entries += [(*entry, None) for entry in sorted(timed)]
    turns = [0] * len(specs)
    result = []
    for start_s, stop_s, index, trigger in entries:
        spec, random = specs[index], Random(f"{seed}:{index}:{turns[index]}")
        action = faults[spec.name].choose(spec, turns[index], nodes, random)
        turns[index] += 1
        cause = None if trigger is None else trigger.as_json()
        result.append(ScheduledFault(spec.name, round(start_s * 1e9), round(stop_s * 1e9), action, cause))
    return tuple(result)


def occasions(
    trigger: Trigger, time_limit_s: float, index: int, random: Random
) -> list[tuple[float, float, int, Trigger | None]]:
    """(0, how long it lasts in seconds, position of the spec, what sets it off). The n-th time comes once in a run, so
    only "any" gives more than one."""
    counts = [trigger.count] if trigger.count else _counts(max(1, ceil(time_limit_s / PERIOD_S)), random)
    low_s, high_s = (min(bound_s, time_limit_s / 2) for bound_s in TRIGGERED_S)
    return [(0.0, random.uniform(low_s, high_s), index, replace(trigger, count=count)) for count in counts]


def _counts(periods: int, random: Random) -> list[int]:
    """One or two different numbers for every period, small ones likelier, and larger ones in later periods."""
    counts: list[int] = []
    for period in range(periods):
        for _ in range(random.choice((1, 2))):
            highest = ANY_MAX * (period + 1)
            count = floor((highest + 1) ** random.random())
            while count in counts:
                count = count % highest + 1
            counts.append(count)
    return counts


def _lanes(specs: Sequence[FaultSpec]) -> list[list[int]]:
    """Positions in ``specs`` of those that the clock sets off, in as few lanes as keep them short; specs of one fault
    together."""
    groups: dict[str, list[int]] = {}
    for index, spec in enumerate(specs):
        if spec.trigger is None:
            groups.setdefault(spec.name, []).append(index)
    count = min(len(groups), ceil(sum(map(len, groups.values())) / LANE_SIZE))
    lanes: list[list[int]] = [[] for _ in range(count)]
    for group in sorted(groups.values(), key=len, reverse=True):
        min(lanes, key=len).extend(group)
    return [sorted(lane) for lane in lanes]


def _windows(lane: Sequence[int], time_limit_s: float, shift: float) -> list[tuple[float, float, int]]:
    """(start, stop, position of the spec), in seconds. ``shift``, a share of the quiet stretch, sets lanes apart."""
    periods = max(1, ceil(time_limit_s / PERIOD_S))
    period_s = time_limit_s / periods
    head_s, tail_s = min(HEAD_S, period_s / 50), min(TAIL_S, period_s / 15)
    usable_s = period_s - head_s - tail_s
    rounds = ROUNDS
    if time_limit_s < PERIOD_S:
        rounds = min(ROUNDS, max(1, floor(usable_s / (SLOT_MIN_S * len(lane)))))
    slot_s = usable_s / (rounds * len(lane))
    quiet_s, window_s = _divide(slot_s)
    starts = [
        period * period_s + head_s + (turn * len(lane) + place) * slot_s + quiet_s
        for period in range(periods)
        for turn in range(rounds)
        for place in range(len(lane))
    ]
    return [
        (start - shift * quiet_s / 2, start - shift * quiet_s / 2 + window_s, lane[number % len(lane)])
        for number, start in enumerate(starts)
    ]


def _divide(slot_s: float) -> tuple[float, float]:
    """A slot's quiet stretch and the window after it, in seconds."""
    window_s = min(slot_s - min(QUIET_S, QUIET_SHARE_MIN * slot_s), max(WINDOW_S, slot_s / 2))
    return slot_s - window_s, window_s

"""Profiles: ``--faults calm``, ``typical``, ``brutal`` and ``swarm`` are mixes of whatever a cluster can do.

A profile takes every fault that the provider's clusters can make, but for those that hurt what a system has promised to
keep: data damaged or lost from below, a message delivered twice. Of these it takes what the system says it withstands
(``System.withstands``); :func:`left_out` says what is missing and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from harness.fault import Fault, FaultSpec, FaultSyntaxError
from harness.faults.mix import Entry, Mix
from harness.faults.ownership import owns_nodes
from harness.faults.schedule import HEAD_S, QUIET_S, TAIL_S

BEYOND: Final = frozenset({"bit-flip", "wipe", "truncate", "chunk-copy", "snapshot-restore", "duplicate", "membership",
                           "drift"})  # fmt: skip
"""Faults that no system has to withstand unless it says so."""

CALM: Final = ("restart", "pause", "kill", "stop", "partition", "delay", "slow-node", "loss", "bandwidth", "cpu")
"""Of these the calm profile takes a few, each on a single node."""

CALM_MAX: Final = 3
CALM_SLOT_S: Final = 6.0
TYPICAL_SLOT_S: Final = 4.4
STORM_S: Final = 10.0
STORM_SIZE: Final = 8
"""How many faults a brutal storm has at most: more of them leave no node that any could strike."""

STORM_QUIET_S: Final = 2.5

Draw = Callable[[Mapping[str, Fault], float, Random], Mix]


def calm(faults: Mapping[str, Fault], time_limit_s: float, random: Random) -> Mix:
    """Few and mild: up to three faults, on one node each, one at a time."""
    known = [name for name in CALM if name in faults]
    chosen = random.sample(known, min(CALM_MAX, len(known)))
    return _in_turn([FaultSpec(name, "one") for name in chosen], time_limit_s, CALM_SLOT_S, (1.0, 2.0), random)


def typical(faults: Mapping[str, Fault], time_limit_s: float, random: Random) -> Mix:
    """One at a time, each in its default mix, in an order of the seed's; as many as there is time for."""
    chosen = [FaultSpec(name) for name in random.sample(list(faults), len(faults))]
    return _in_turn(chosen, time_limit_s, TYPICAL_SLOT_S, (1.5, 2.8), random)


def brutal(faults: Mapping[str, Fault], time_limit_s: float, random: Random) -> Mix:
    """Storm after storm of eight faults that overlap, all that there are in turn, with short quiet stretches."""
    head_s, tail_s = min(HEAD_S, time_limit_s / 50), min(TAIL_S, time_limit_s / 15)
    usable_s = time_limit_s - head_s - tail_s
    storms = max(1, int(usable_s / STORM_S))
    length_s = usable_s / storms
    quiet_s = min(STORM_QUIET_S, length_s / 3)
    order, at_s = random.sample(list(faults), len(faults)), dict[str, list[float]]()
    size = min(STORM_SIZE, len(faults))
    for number in range(storms * size):
        begin_s = head_s + number // size * length_s + quiet_s
        start_s = begin_s + random.uniform(0, (length_s - quiet_s) / 2)
        at_s.setdefault(order[number % len(order)], []).append(start_s)
    longest_s = (length_s - quiet_s) / 2
    return Mix(tuple(
        Entry(_in_storm(faults[name], random), (min(1.0, longest_s), longest_s), tuple(sorted(times)), overlaps=True)
        for name, times in at_s.items()
    ))  # fmt: skip


def swarm(faults: Mapping[str, Fault], time_limit_s: float, random: Random) -> Mix:
    """A random subset of the faults, one at a time or all together: what is always there hides what it suppresses
    (Groce et al., "Swarm Testing", ISSTA 2012)."""
    subset = [name for name in faults if random.random() < 0.5] or random.sample(list(faults), min(1, len(faults)))
    return random.choice((typical, brutal))({name: faults[name] for name in subset}, time_limit_s, random)


PROFILES: Final[Mapping[str, tuple[Draw, str]]] = {
    "calm": (calm, "a few mild faults, on single nodes, one at a time"),
    "typical": (typical, "what the cluster can do, one at a time, as much as there is time for"),
    "brutal": (brutal, "everything the cluster can do, overlapping, with short quiet stretches"),
    "swarm": (swarm, "a random subset of it per seed, one at a time or overlapping"),
}
"""Profile -> how its mix is drawn from names, time limit and seed; one line of help."""


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to draw from: the faults, what the provider's clusters can do, what of ``BEYOND`` the system
    withstands, and its nodes."""

    faults: Mapping[str, Fault]
    capabilities: Collection[str]
    withstands: Collection[str] = ()
    nodes: Sequence[str] = ("n1", "n2", "n3", "n4", "n5")


MEMBERSHIP: Final = "membership"
TRANSFER: Final = "transfer"
DAMAGE: Final = frozenset({"bit-flip", "truncate", "chunk-copy", "snapshot-restore", "wipe"})


def left_out(means: Means) -> dict[str, str]:
    """Fault -> why no profile takes it here."""
    reasons = {}
    for name, fault in means.faults.items():
        if lacking := sorted(fault.needs - frozenset(means.capabilities)):
            reasons[name] = f"needs {', '.join(lacking)}"
        elif name in BEYOND and name not in means.withstands:
            reasons[name] = "the system does not claim to withstand it"
        elif name == TRANSFER:
            reasons[name] = "it is an order, and no accident: it is there where it is named"
        elif name == MEMBERSHIP and DAMAGE & frozenset(means.withstands):
            reasons[name] = "beside damaged data, which a minority bears, fewer members may have no majority left"
    return reasons


def _fits(fault: Fault, spec: FaultSpec, nodes: Sequence[str]) -> bool:
    try:
        fault.choose(spec, 0, tuple(nodes), Random(0))
    except FaultSyntaxError:
        return False
    return True


def profile_mix(profile: str, means: Means, time_limit_s: float, seed: int) -> Mix:
    """The mix of a profile for one run."""
    missing = left_out(means)
    faults = {name: fault for name, fault in means.faults.items() if name not in missing}
    mix = PROFILES[profile][0](faults, time_limit_s, Random(f"{seed}:{profile}"))
    return replace(mix, entries=tuple(_on_these(entry, means) for entry in mix.entries))


def _on_these(entry: Entry, means: Means) -> Entry:
    """An entry whose shape asks for more nodes than there are strikes by its fault's own mix."""
    fits = _fits(means.faults[entry.spec.name], entry.spec, means.nodes)
    return entry if fits else replace(entry, spec=FaultSpec(entry.spec.name))


def _in_storm(fault: Fault, random: Random) -> FaultSpec:
    """Where many own nodes at a time, most take a follower that is free: the leader is taken soon."""
    if not owns_nodes(fault) or fault.name in BEYOND or "followers" not in fault.shapes:
        return FaultSpec(fault.name)
    return random.choice((FaultSpec(fault.name), *[FaultSpec(fault.name, "followers", 1)] * 3))


def _in_turn(
    specs: Sequence[FaultSpec], time_limit_s: float, slot_s: float, duration_s: tuple[float, float], random: Random
) -> Mix:
    """One after another, round and round, a quiet stretch before each; those for which no time is left are left out."""
    head_s, tail_s = min(HEAD_S, time_limit_s / 50), min(TAIL_S, time_limit_s / 15)
    usable_s = time_limit_s - head_s - tail_s
    count = max(1, int(usable_s / slot_s))
    slot_s = usable_s / count
    longest_s = slot_s - min(QUIET_S + 0.05, slot_s / 2)
    at_s: dict[int, list[float]] = {}
    for number in range(count if specs else 0):
        at_s.setdefault(number % len(specs), []).append(head_s + (number + 1) * slot_s - longest_s)
    duration_s = min(duration_s[0], longest_s), min(duration_s[1], longest_s)
    return Mix(tuple(Entry(specs[place], duration_s, tuple(times)) for place, times in at_s.items()))

"""A pairwise-covering sample: few option sets, in which any two values of two options stand together at least once.

What goes wrong mostly takes one option or two that meet, seldom more (Kuhn, Wallace and Gallo, "Software Fault
Interactions and Implications for Software Testing", IEEE TSE 2004); so a handful of sets stands for all of them. They
are chosen greedily, each the best of some random candidates, as in AETG (Cohen et al., IEEE TSE 1997).

A set that promises nothing cannot be tested, and hides whatever pairs stand in it alone; one that promises little shows
little of them. So pairs are first looked for in the sets that are preferred; only what is in none of these is covered
by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, islice, product
from random import Random
from typing import Final

from harness.system import Option

CANDIDATES: Final = 20
"""Of which the best is taken; half of them are filled up greedily, half at random."""

TRIES: Final = 80
"""Further ones, at random, where none of those counts."""

OptionSet = dict[str, str]
Domains = Mapping[str, Sequence[str]]
Pair = tuple[tuple[str, str], tuple[str, str]]
"""(option, value) twice, in the order of the options."""


def domains(options: Mapping[str, Option]) -> dict[str, tuple[str, ...]]:
    """The values that each option is tried with: all, or, of an integer, the default and half of it."""
    return {name: option.values or _halved(option.default) for name, option in options.items()}


def _halved(default: str) -> tuple[str, ...]:
    half = int(default) // 2
    return (default, str(half)) if half > 0 else (default,)


def pairwise(domains: Domains, *preferred: Callable[[OptionSet], bool]) -> list[OptionSet]:
    """Option sets that together hold every pair of values of two options, those first that are ``preferred`` first;
    where there are fewer than two options, every value. The same each time."""
    if len(domains) < 2:
        return [dict(zip(domains, values, strict=True)) for values in product(*domains.values())]
    random, missing = Random(0), dict.fromkeys(_pairs(domains))
    orders = (*preferred, lambda options: True)
    return [options for counts in orders for options in _cover(domains, missing, counts, random)]


def _pairs(domains: Domains) -> list[Pair]:
    return [((one, a), (other, b)) for one, other in combinations(domains, 2)
            for a in domains[one] for b in domains[other]]  # fmt: skip


def _pairs_in(options: OptionSet) -> list[Pair]:
    return list(combinations(options.items(), 2))


def _cover(domains: Domains, missing: dict[Pair, None], counts: Callable[[OptionSet], bool],
           random: Random) -> list[OptionSet]:  # fmt: skip
    """Sets that count, until every pair was tried; takes out of ``missing`` what they cover."""
    chosen = []
    for pair in list(missing):
        if pair not in missing:
            continue
        candidates = [_candidate(domains, pair, missing, number % 2 == 0, random) for number in range(CANDIDATES)]
        counting = [candidate for candidate in candidates if counts(candidate)]
        if not counting:
            further = (_candidate(domains, pair, missing, False, random) for _ in range(TRIES))
            counting = list(islice(filter(counts, further), 1))
        if counting:
            best = max(counting, key=lambda candidate: sum(each in missing for each in _pairs_in(candidate)))
            for each in _pairs_in(best):
                missing.pop(each, None)
            chosen.append(best)
    return chosen


def _candidate(domains: Domains, pair: Pair, missing: Mapping[Pair, None], greedy: bool, random: Random) -> OptionSet:
    """A set with this pair; the other options in random order, each with the value that adds most, or with any."""
    options = dict(pair)
    for name in random.sample(list(domains), len(domains)):
        if name not in options:
            gains = {value: _gain(options, name, value, missing, domains) if greedy else 0 for value in domains[name]}
            options[name] = random.choice([value for value in gains if gains[value] == max(gains.values())])
    return {name: options[name] for name in domains}


def _gain(options: OptionSet, name: str, value: str, missing: Mapping[Pair, None], domains: Domains) -> int:
    """How many missing pairs the value makes with those that are there."""
    before = True
    gain = 0
    for other in domains:
        if other == name:
            before = False
        elif other in options:
            known, new = (other, options[other]), (name, value)
            gain += ((known, new) if before else (new, known)) in missing
    return gain

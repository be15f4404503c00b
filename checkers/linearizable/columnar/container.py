"""Containers whose values are distinct, all keys at once: each value's put and take as intervals of slots.

The same as ``distinct.pairing``, which says why; but the keys lie one after the other, each in slots of its own: first
those between its lines, then the two in which whatever was never taken is taken by nobody. So no two keys' slots touch,
and what is true of the slots of all is true of each key's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import PUT, TAKE, Calls
from checkers.linearizable.columnar.clusters import clusters
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID, Blame, Objects
from harness.columns import NIL
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

NOBODY: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Values by their puts' invocations; the calls that put and took them (NOBODY: never taken), and these calls'
    slots, the last ones inclusive."""

    keys: Ints
    puts: Ints
    takes: Ints
    put_firsts: Ints
    put_lasts: Ints
    take_firsts: Ints
    take_lasts: Ints

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def begins(self) -> Ints:
        """The first critical slot; there is none if it comes after the last."""
        return self.put_lasts + 1

    @property
    def ends(self) -> Ints:
        """The last critical slot."""
        return self.take_firsts - 1


@dataclass(frozen=True, slots=True, eq=False)
class Empties:
    """Calls that found nothing, with their first and last slots; and the slot in which they stand."""

    keys: Ints
    calls: Ints
    firsts: Ints
    lasts: Ints
    slots: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """``verdicts``: of each key VALID as far as is known, or LEFT, or REFUTED. ``blamed``: of refuted keys, the calls
    that refute them. ``pairs`` and ``empties`` are of the keys that were not left or refuted by single values.
    ``cluster``: of each call the number of its value. ``bounds``: of each key its first slot, and after the last key's
    the number of all."""

    calls: Calls
    cluster: Ints
    verdicts: Bytes
    blamed: dict[int, list[int]]
    pairs: Pairs
    empties: Empties
    bounds: Ints

    def refute(self, key: int, blamed: list[int]) -> None:
        """From now on the key is refuted, by these calls."""
        self.verdicts[key] = REFUTED
        self.blamed[key] = blamed

    def objects(self, placed: Ints, algorithm: str) -> Objects:
        """The verdicts, with the calls of the valid keys as they are ``placed``, key by key."""
        placed = placed[self.verdicts[self.calls.keys[placed]] == VALID]
        sizes = np.bincount(self.calls.keys[placed], minlength=len(self.verdicts))
        return Objects(
            keys=self.calls.key_codes,
            verdicts=self.verdicts,
            orders=self.calls.invokes[placed],
            starts=np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
            blame=self.blame,
            left=self.calls.lines[(self.verdicts == LEFT)[self.calls.line_keys]],
            algorithm=algorithm,
        )

    def blame(self, key: int) -> Blame:
        """Why a key is refuted."""
        chosen = [i for i in self.blamed[key] if self.calls.completes[i] < self.calls.never]
        values = np.unique(self.cluster[[i for i in self.blamed[key] if self.calls.kinds[i] != NIL]].astype(np.int64))
        involved = np.isin(self.cluster, values) | np.isin(np.arange(len(self.cluster)), chosen)
        refuted = sorted(int(self.calls.invokes[i]) for i in set(chosen))
        return Blame(tuple(refuted), tuple(self.calls.invokes[involved].tolist()))


def pair(calls: Calls, odd: Flags) -> Pairing:
    """The values of all keys. Left are those where a value was put twice, and those with ``odd`` or foreign calls."""
    cluster, count = clusters(calls.keys, calls.kinds, calls.numbers)
    verdicts = np.where(calls.foreign, LEFT, VALID).astype(np.uint8)
    empty = (calls.acts == TAKE) & (calls.kinds == NIL)
    verdicts[calls.keys[odd]] = LEFT
    puts, takes = np.full(count, NOBODY, np.int64), np.full(count, NOBODY, np.int64)
    blamed = np.full((len(verdicts), 2), NOBODY, np.int64)
    kept = np.zeros(len(calls.keys), np.bool_)
    _match(calls.invokes, calls.completes, calls.never, calls.acts, calls.keys, empty, cluster, puts, takes, verdicts,
           blamed, kept)  # fmt: skip
    at = np.full(calls.never + 1, NOBODY, np.int64)
    bounds = _laid_out(calls.invokes, calls.completes, calls.never, calls.keys, kept, at, len(verdicts))
    empties = np.flatnonzero(empty & kept)
    pairing = Pairing(
        calls=calls,
        cluster=cluster,
        verdicts=verdicts,
        blamed={key: [i for i in blamed[key].tolist() if i != NOBODY]
                for key in np.flatnonzero(verdicts == REFUTED).tolist()},
        pairs=_pairs(calls, puts, takes, kept, cluster, at, bounds),
        empties=Empties(calls.keys[empties], empties, at[calls.invokes[empties]],
                        at[calls.completes[empties]] - 1, np.zeros(len(empties), np.int64)),
        bounds=bounds,
    )  # fmt: skip
    if len(empties):
        _settle(pairing)
    return pairing


@compiled
def _match(
    invokes: Ints, completes: Ints, never: int, acts: Bytes, keys: Ints, empty: Flags, cluster: Ints,
    puts: Ints, takes: Ints, verdicts: Bytes, blamed: Ints, kept: Flags,
) -> None:  # fmt: skip
    """Who put and who took each value. A put that may have taken effect is none unless somebody took the value."""
    for i in range(len(keys)):
        if acts[i] == TAKE and not empty[i]:
            c = cluster[i]
            if takes[c] == NOBODY:
                takes[c] = i
            elif verdicts[keys[i]] == VALID:
                verdicts[keys[i]], blamed[keys[i], 0], blamed[keys[i], 1] = REFUTED, takes[c], i
    for i in range(len(keys)):
        c = cluster[i]
        if acts[i] == PUT and (completes[i] < never or takes[c] != NOBODY):
            if puts[c] != NOBODY:
                verdicts[keys[i]] = LEFT
            puts[c] = i
    for i in range(len(keys)):
        c, key = cluster[i], keys[i]
        from_nowhere = puts[c] == NOBODY or invokes[puts[c]] > completes[i]
        if acts[i] == TAKE and not empty[i] and verdicts[key] == VALID and from_nowhere:
            verdicts[key], blamed[key, 0], blamed[key, 1] = REFUTED, i, NOBODY
    for i in range(len(keys)):
        kept[i] = verdicts[keys[i]] == VALID and (acts[i] == TAKE or puts[cluster[i]] == i)


@compiled
def _laid_out(
    invokes: Ints, completes: Ints, never: int, keys: Ints, kept: Flags, at: Ints, key_count: int
) -> Ints:  # fmt: skip
    """Sets of each line that matters its place among its key's, whose first slots are returned."""
    bounds = np.zeros(key_count + 1, np.int64)
    for i in range(len(keys)):
        if kept[i]:
            bounds[keys[i] + 1] += 1
            at[invokes[i]] = keys[i]
            if completes[i] < never:
                bounds[keys[i] + 1] += 1
                at[completes[i]] = keys[i]
    for key in range(key_count):
        bounds[key + 1] += bounds[key] + 2
    free = bounds[:-1].copy()
    for line in range(len(at)):
        key = at[line]
        if key != NOBODY:
            at[line] = free[key]
            free[key] += 1
    return bounds


def _pairs(calls: Calls, puts: Ints, takes: Ints, kept: Flags, cluster: Ints, at: Ints, bounds: Ints) -> Pairs:
    put = np.flatnonzero(kept & (calls.acts == PUT))
    take = takes[cluster[put]]
    keys = calls.keys[put]
    never = bounds[keys + 1] - 1  # the last slot of the key: after all that happened, and after its end
    put_ends = at[calls.completes[put]]
    return Pairs(
        keys=keys,
        puts=put,
        takes=take,
        put_firsts=at[calls.invokes[put]],
        put_lasts=np.where(put_ends == NOBODY, never, put_ends - 1),
        take_firsts=np.where(take == NOBODY, never - 1, at[calls.invokes[take]]),
        take_lasts=np.where(take == NOBODY, never, at[calls.completes[take]] - 1),
    )


def uncovered(begins: Ints, ends: Ints, slots: int) -> Ints:
    """The slots, ascending, that none of these intervals covers; those that end before they begin cover nothing."""
    real = begins <= ends
    change = np.bincount(begins[real], minlength=slots + 1) - np.bincount(ends[real] + 1, minlength=slots + 1)
    return np.flatnonzero(np.cumsum(change[:slots]) == 0)


def _settle(pairing: Pairing) -> None:
    """A slot in which to find nothing, for each call that did; or its key is refuted."""
    pairs, empties = pairing.pairs, pairing.empties
    free = uncovered(pairs.begins, pairs.ends, int(pairing.bounds[-1]))
    empties.slots[:] = free[np.searchsorted(free, empties.firsts)]  # the last slot of all is always free
    for i in np.flatnonzero(empties.slots > empties.lasts).tolist():
        key = int(empties.keys[i])
        if pairing.verdicts[key] == VALID:
            covering = chain(pairs, pairs.keys == key, int(empties.firsts[i]), int(empties.lasts[i]))
            pairing.refute(key, [int(empties.calls[i]), *calls_of_pairs(pairs, covering)])


def chain(pairs: Pairs, among: Flags, first: int, last: int) -> list[int]:
    """As few as possible of these values, whose critical slots cover all from ``first`` to ``last``."""
    begins, ends = pairs.begins, pairs.ends
    chosen = np.flatnonzero(among & (begins <= ends) & (begins <= last) & (ends >= first))
    chosen = chosen[np.argsort(begins[chosen], kind="stable")]
    reaching = np.maximum.accumulate(ends[chosen])
    found: list[int] = []
    while first <= last:
        near = int(np.searchsorted(begins[chosen], first, side="right"))
        assert near > 0, "the slots are covered"
        assert reaching[near - 1] >= first, "the slots are covered"
        found.append(int(chosen[np.searchsorted(reaching, reaching[near - 1])]))
        first = int(reaching[near - 1]) + 1
    return found


def calls_of_pairs(pairs: Pairs, values: list[int]) -> list[int]:
    """The calls that put and took these values."""
    return [int(i) for value in values for i in (pairs.puts[value], pairs.takes[value]) if i != NOBODY]

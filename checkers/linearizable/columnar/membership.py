"""Sets, element by element, of elements that are added once and removed once at most, all of them in a few passes.

The same as ``distinct.presence``, which says why: the element stays from its adding A on, or it goes with its removing
R; either way A is best as late, and R as early, as what found it *there* allows, and what found it *away* must have had
a slot outside. Slot x is the moment after line x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import ADD, CONTAINS, NO, YES, Calls
from checkers.linearizable.columnar.clusters import clusters
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID, Blame, Objects
from harness.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

ALGORITHM: Final = "presence"
NOBODY: Final = -1
ADDING, REMOVING, THERE, AWAY = range(4)  # what a call does, or says
BEFORE, ADDED, MEANWHILE, REMOVED, AFTER, PHASES = range(6)  # in one slot, in this order


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """Of each element: its key; the calls that added and removed it; of those that found it there the one with the
    first completion and the one with the last invocation; one that cannot have found it away if it is removed after it
    was added, and one that cannot if it is not. ``begins``, ``ends``: the slots of A and R; ``never`` for no R, both
    for no A."""

    keys: Ints
    adds: Ints
    removes: Ints
    there_first: Ints
    there_last: Ints
    away_within: Ints
    away_after: Ints
    begins: Ints
    ends: Ints


def decide(calls: Calls, answers: Bytes) -> Objects:
    """The verdict on every element; left are those that were added, or removed, more than once. ``answers``: of each
    line what it says."""
    cluster, count = clusters(calls.keys, calls.kinds, calls.numbers)
    roles = _roles(calls, answers)
    elements = Elements(*(np.full(count, number, np.int64) for number in (0, *[NOBODY] * 6, calls.never, calls.never)))
    verdicts = np.full(count, VALID, np.uint8)
    _gather(calls.invokes, calls.completes, calls.never, roles, calls.keys, cluster, verdicts, elements.keys,
            elements.adds, elements.removes, elements.there_first, elements.there_last)  # fmt: skip
    verdicts[calls.foreign[elements.keys]] = LEFT
    told = np.zeros(len(roles), np.bool_)
    told[calls.happened] = answers[calls.completes[calls.happened]] == YES
    _decide(calls.invokes, calls.completes, calls.never, roles, told, cluster, verdicts, elements.adds,
            elements.removes, elements.there_first, elements.there_last, elements.away_within, elements.away_after,
            elements.begins, elements.ends)  # fmt: skip
    return _objects(calls, cluster, roles, verdicts, elements)


def _roles(calls: Calls, answers: Bytes) -> Bytes:
    says = np.where(calls.happened, answers[np.minimum(calls.completes, calls.never - 1)], 0)
    changing = np.where(says == NO, np.where(calls.acts == ADD, THERE, AWAY),
                        np.where(calls.acts == ADD, ADDING, REMOVING))  # fmt: skip
    found = np.where(says == YES, THERE, AWAY)
    return np.where(calls.acts == CONTAINS, found, changing).astype(np.uint8)


@compiled
def _gather(
    invokes: Ints, completes: Ints, never: int, roles: Bytes, keys: Ints, cluster: Ints, verdicts: Bytes,
    element_keys: Ints, adds: Ints, removes: Ints, there_first: Ints, there_last: Ints,
) -> None:  # fmt: skip
    for i in range(len(keys)):
        c = cluster[i]
        element_keys[c] = keys[i]
        if roles[i] == ADDING:
            if adds[c] != NOBODY:
                verdicts[c] = LEFT
            adds[c] = i
        elif roles[i] == REMOVING:
            if removes[c] != NOBODY:
                verdicts[c] = LEFT
            removes[c] = i
        elif roles[i] == THERE:
            if there_first[c] == NOBODY or completes[i] < completes[there_first[c]]:
                there_first[c] = i
            there_last[c] = i


@compiled
def _decide(
    invokes: Ints, completes: Ints, never: int, roles: Bytes, told: NDArray[np.bool_], cluster: Ints, verdicts: Bytes,
    adds: Ints, removes: Ints, there_first: Ints, there_last: Ints, away_within: Ints, away_after: Ints, begins: Ints,
    ends: Ints,
) -> None:  # fmt: skip
    """The two ways of each element, then what was found away, then the verdict."""
    count = len(adds)
    latest = np.full(count, never, np.int64)  # A's best slot if R does not come after it
    late, early = np.full(count, never, np.int64), np.full(count, never, np.int64)  # A's and R's best if it does
    may_stay, may_go = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for c in range(count):
        add, remove = adds[c], removes[c]
        must_go = remove != NOBODY and told[remove]
        if add == NOBODY or (completes[add] == never and there_first[c] == NOBODY and not must_go):
            adds[c] = NOBODY
            may_stay[c] = there_first[c] == NOBODY and not must_go
            continue
        latest[c] = completes[add] - 1
        if there_first[c] != NOBODY:
            latest[c] = min(latest[c], completes[there_first[c]] - 1)
        if latest[c] < invokes[add]:
            continue
        ignored = remove == NOBODY or completes[remove] == never
        may_stay[c] = ignored or (not must_go and invokes[remove] <= latest[c])
        if remove != NOBODY:
            early[c] = invokes[remove]
            if there_last[c] != NOBODY:
                early[c] = max(early[c], invokes[there_last[c]])
            may_go[c] = early[c] <= completes[remove] - 1 and invokes[add] <= completes[remove] - 1
            if latest[c] > early[c]:
                early[c] = max(early[c], invokes[add])
            late[c] = min(latest[c], early[c])
    for i in range(len(roles)):
        c = cluster[i]
        if roles[i] == AWAY and adds[c] != NOBODY:
            if invokes[i] > latest[c]:
                away_after[c] = i
            if invokes[i] > late[c] and completes[i] - 1 < early[c]:
                away_within[c] = i
    for c in range(count):
        if verdicts[c] != VALID:
            continue
        if may_stay[c] and away_after[c] == NOBODY:
            begins[c] = latest[c]
        elif may_go[c] and away_within[c] == NOBODY:
            begins[c], ends[c] = late[c], early[c]
        else:
            verdicts[c] = REFUTED


def _objects(calls: Calls, cluster: Ints, roles: Bytes, verdicts: Bytes, elements: Elements) -> Objects:
    """The elements as objects, in the order in which ``by_key`` has them: of each key by what happened first, then by
    what may have. A key that is left, and one on which nothing was done, is one object."""
    of_keys = np.ones(len(calls.key_codes), np.bool_)
    of_keys[elements.keys] = False
    of_keys |= calls.foreign
    real = np.flatnonzero(~calls.foreign[elements.keys])
    whole = np.flatnonzero(of_keys)
    first = np.full((2, len(verdicts)), calls.never, np.int64)
    for which, chosen in enumerate((calls.happened, ~calls.happened)):
        first[which, cluster[chosen][::-1]] = calls.invokes[chosen][::-1]
    keys = np.concatenate((elements.keys[real], whole))
    seen = np.where(first[0] < calls.never, first[0], calls.never + first[1])[real]
    order = np.lexsort((np.concatenate((seen, np.zeros(len(whole), np.int64))), keys))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    number_of = np.full(len(verdicts), NOBODY, np.int64)  # of each element its object's
    number_of[real] = numbers[: len(real)]
    placed = _placed(calls, cluster, roles, verdicts, elements, number_of)
    found = np.concatenate((verdicts[real], np.where(calls.foreign[whole], LEFT, VALID).astype(np.uint8)))[order]
    left = (verdicts[cluster] == LEFT) & ~calls.foreign[calls.keys]
    sizes = np.bincount(number_of[cluster[placed]], minlength=len(order))
    return Objects(
        keys=calls.key_codes[keys[order]],
        verdicts=found,
        orders=calls.invokes[placed],
        starts=np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
        blame=lambda number: _blame(calls, elements, int(real[order[number]])),
        left=np.sort(np.concatenate((calls.invokes[left], calls.lines[calls.foreign[calls.line_keys]]))),
        algorithm=ALGORITHM,
    )


def _placed(
    calls: Calls, cluster: Ints, roles: Bytes, verdicts: Bytes, elements: Elements, number_of: Ints
) -> Ints:  # fmt: skip
    """The calls of the valid elements, object by object, each by its slot."""
    adding, removing = elements.adds[cluster], elements.removes[cluster]
    numbers = np.arange(len(cluster))
    begin, end = elements.begins[cluster], elements.ends[cluster]
    kept = (verdicts[cluster] == VALID) & (calls.happened | (numbers == adding))
    kept |= (verdicts[cluster] == VALID) & (numbers == removing) & (end < calls.never)
    slot, phase = calls.invokes.copy(), np.full(len(cluster), BEFORE, np.int64)
    there = roles == THERE
    slot[there], phase[there] = np.maximum(slot, begin)[there], MEANWHILE
    after = (roles == AWAY) & (slot > begin)
    slot[after], phase[after] = np.maximum(slot, end)[after], AFTER
    added = (roles == ADDING) & (begin < calls.never)
    slot[added], phase[added] = begin[added], ADDED
    removed = (roles == REMOVING) & (end < calls.never)
    slot[removed], phase[removed] = end[removed], REMOVED
    chosen = np.flatnonzero(kept)
    moments = (number_of[cluster] * (calls.never + 1) + slot) * PHASES + phase
    return chosen[np.argsort(moments[chosen], kind="stable")]


def _blame(calls: Calls, elements: Elements, element: int) -> Blame:
    """All that either way depends on."""
    changing = [int(each[element]) for each in (elements.adds, elements.removes)]
    finding = [int(each[element]) for each in (elements.there_first, elements.there_last, elements.away_within,
                                               elements.away_after)]  # fmt: skip
    involved = {i for i in (*changing, *finding) if i != NOBODY}
    refuted = sorted(int(calls.invokes[i]) for i in involved if calls.completes[i] < calls.never)
    return Blame(tuple(refuted), tuple(sorted(int(calls.invokes[i]) for i in involved)))

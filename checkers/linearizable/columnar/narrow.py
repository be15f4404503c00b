"""Of many operations that refute a register a few that do, as the compiled search can tell within moments.

What a witness is says ``checkers.linearizable.witness``: outside of it, what only observes is removed, and all else may
take effect at any time after its invocation, or never. So of a value that was written ten thousand times and is read
too late, all ten thousand writes belong to the witness: each of them, left out, could have come late. What can be told
soon is whether anything else is needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.linearizable.columnar.calls import CAS, WRITE, Calls
from checkers.linearizable.columnar.objects import REFUTED
from checkers.linearizable.columnar.search import Search
from checkers.linearizable.columnar.transitions import transitions
from checkers.linearizable.limit import Limit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_RECENT: Final = 8
_PIECES_MAX: Final = 8  # of operations that left the value in question: most likely all are needed
_CONFIGURATIONS: Final = 200_000  # of one question
_ONE: Final = np.zeros(1, np.int64)


class _Narrowing:
    """Questions about one key's calls, up to a completion that no order explains."""

    def __init__(self, calls: Calls, initial: tuple[int, int], limit: Limit) -> None:
        self._calls, self._initial, self._limit = calls, initial, limit
        same = (calls.old_kinds == calls.kinds) & (calls.old_numbers == calls.numbers)
        self.changing = (calls.acts == WRITE) | ((calls.acts == CAS) & ~same)

    def expired(self) -> bool:
        return self._limit.expired()

    def makers(self, call: int, chosen: Ints) -> Ints:
        """The chosen calls that left the value that this one expects, or left."""
        calls, swap = self._calls, self._calls.acts[call] == CAS
        kind, number = (calls.old_kinds, calls.old_numbers) if swap else (calls.kinds, calls.numbers)
        left = self.changing & (calls.kinds == kind[call]) & (calls.numbers == number[call])
        found: Ints = chosen[left[chosen]]
        return found

    def refuted(self, chosen: Ints) -> Ints | None:
        """The part of the chosen calls, in order of completion, that no order explains; None if none is known."""
        if self.expired():
            return None
        calls, required = self._calls, np.zeros(len(self._calls.acts), np.bool_)
        required[chosen] = True
        kept = np.flatnonzero(required | self.changing)
        asked = replace(
            calls,
            keys=calls.keys[kept],
            invokes=calls.invokes[kept],
            completes=np.where(required, calls.completes, calls.never)[kept],
            acts=calls.acts[kept],
            kinds=calls.kinds[kept],
            numbers=calls.numbers[kept],
            old_kinds=calls.old_kinds[kept],
            old_numbers=calls.old_numbers[kept],
        )
        search = Search(transitions(asked, _ONE, self._initial), self._limit)
        verdict, operations = search.decide(0, _CONFIGURATIONS + len(chosen))
        if verdict != REFUTED:
            return None
        return np.asarray(chosen[np.isin(calls.invokes[chosen], operations)])

    def without(self, chosen: Ints, pieces: Flags, most: int) -> Ints:
        """The chosen calls without as many as can be spared of ``pieces``, tried in at most so many at once at last."""
        size, least = max(1, int(pieces.sum()) // 2), 1 if pieces.sum() <= most else int(pieces.sum()) // most
        spared = set(chosen[pieces].tolist())
        while size >= least and not self.expired():
            waiting = [each for each in chosen.tolist() if each in spared]
            for at in range(0, len(waiting), size):
                found = self.refuted(chosen[~np.isin(chosen, waiting[at : at + size])])
                chosen = chosen if found is None else found
            size //= 2
        return chosen


def narrowed(calls: Calls, key: int, refuted: Ints, initial: tuple[int, int], limit: Limit) -> tuple[Ints, Ints]:
    """Of the invocations that refute a key (in order of completion) some that do, within the limit; and those of all
    calls that could help to explain them."""
    own = calls.keys == key
    own &= calls.invokes < calls.completes[own & (calls.invokes == refuted[-1])][0]
    at = np.flatnonzero(own)
    here = replace(
        calls,
        key_codes=calls.key_codes[[key]],
        foreign=calls.foreign[[key]],
        keys=np.zeros(len(at), np.int64),
        invokes=calls.invokes[at],
        completes=calls.completes[at],
        acts=calls.acts[at],
        kinds=calls.kinds[at],
        numbers=calls.numbers[at],
        old_kinds=calls.old_kinds[at],
        old_numbers=calls.old_numbers[at],
    )
    narrowing = _Narrowing(here, initial, limit)
    chosen = _small(narrowing, np.searchsorted(here.invokes, refuted))
    needed = narrowing.changing.copy()
    needed[chosen] = True
    return here.invokes[chosen], here.invokes[needed]


def _small(narrowing: _Narrowing, chosen: Ints) -> Ints:
    """First the last operations, and what left the value that the very last one expects; then without most of them."""
    makers, recent = narrowing.makers(int(chosen[-1]), chosen), _RECENT
    while recent < len(chosen) and not narrowing.expired():
        guess = np.isin(chosen, makers)
        guess[-recent:] = True
        found = narrowing.refuted(chosen[guess])
        if found is not None:
            chosen = found
            break
        recent *= 4
    chosen = narrowing.without(chosen, ~np.isin(chosen, makers), len(chosen))
    return narrowing.without(chosen, np.isin(chosen, makers), _PIECES_MAX)

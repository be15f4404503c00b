"""Whether a read missed a write in its transaction's past: reachability backwards along a commit order, by bit sets.

Every edge leads to an earlier position, so one pass from late to early carries to each transaction who has it in its
past. Only readers of a version that was not the newest are asked about, some thousands at a time, and of the order only
the window between what they read and themselves: linear where reads are not very stale.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from checkers.transactional.commit_order import Executed
from checkers.transactional.transaction import Atom

_CHUNK: Final = 2_048
Edges = list[list[int]]
"""For each position those on which it depends directly; all of them are smaller."""


def dependencies(found: Executed, order: Edges, *, versions: bool, missed: Callable[[int], bool]) -> Edges:
    """``order`` with reads; with ``versions`` also the version before each; and, for the positions of which ``missed``
    says so, that they precede the next version of what they read."""
    edges = [list(each) for each in order]
    for chain in found.chains.values() if versions else ():
        for first, second in pairwise(chain):
            edges[second].append(first)
    for position, reads in enumerate(found.reads):
        for seen in reads:
            source = found.source(seen)
            if source >= 0:
                edges[position].append(source)
            following = found.chains.get(seen.key, ())[seen.versions : seen.versions + 1]
            if following and following[0] > position and missed(position):
                edges[following[0]].append(position)
    return edges


def missed_in_past(found: Executed, edges: Edges, asked: Callable[[int], bool]) -> tuple[int, int] | None:
    """A reader and a writer in its past of a later version than it read; None if there is none. Only the readers of
    which ``asked`` says so."""
    stale: list[tuple[int, dict[Atom, int]]] = []
    for position, reads in enumerate(found.reads):
        oldest: dict[Atom, int] = {}
        for seen in reads if asked(position) else ():
            chain = found.chains.get(seen.key, [])
            if seen.versions < bisect_left(chain, position):
                oldest[seen.key] = min(oldest.get(seen.key, position), found.source(seen))
        if oldest:
            stale.append((position, oldest))
    for first in range(0, len(stale), _CHUNK):
        refuted = _missed(found, edges, stale[first : first + _CHUNK])
        if refuted is not None:
            return refuted
    return None


def _missed(found: Executed, edges: Edges, stale: Sequence[tuple[int, dict[Atom, int]]]) -> tuple[int, int] | None:
    """The same of these readers, in the order of their positions."""
    bits = {position: 1 << number for number, (position, _) in enumerate(stale)}
    waiting: dict[Atom, int] = {}  # key -> the readers that missed writes of it
    for position, oldest in stale:
        for key in oldest:
            waiting[key] = waiting.get(key, 0) | bits[position]
    first = 1 + min(source for _, oldest in stale for source in oldest.values())
    marks: dict[int, int] = {}
    for position in range(stale[-1][0], first - 1, -1):
        mark = marks.pop(position, 0)
        for key in found.transactions[position].appends if mark else ():
            known = mark & waiting.get(key, 0)
            while known:
                number = known.bit_length() - 1
                known ^= 1 << number
                reader, oldest = stale[number]
                if oldest[key] < position:
                    return reader, position
                waiting[key] ^= 1 << number  # nothing earlier is later than what it read
        mark |= bits.get(position, 0)
        for earlier in edges[position] if mark else ():
            if earlier >= first:
                marks[earlier] = marks.get(earlier, 0) | mark
    return None

"""Which levels a large history of lists satisfies: its graph as arrays, and of that only the components as the plain
checker has them, which decides and explains as always."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.guard import OutOfTimeError
from checkers.transactional.columnar import edges, replay
from checkers.transactional.columnar.edges import Lists, Times
from checkers.transactional.columnar.inference import Listed, infer
from checkers.transactional.columnar.reading import read_lists
from checkers.transactional.cycle import Part
from checkers.transactional.decide import Scene
from checkers.transactional.graph import KIND_BITS, KIND_MASK, NEXT, PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Order
from checkers.transactional.pattern import ORDER_KINDS
from checkers.transactional.version_order import Inference
from harness.columns import APPEND
from harness.history import INFO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.columns import Columns

    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

_ALL_KINDS: Final = frozenset((WW, WR, RW, PROCESS, REALTIME, NEXT))


def _bits(kinds: Iterable[int]) -> int:
    return sum(1 << kind for kind in kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A history's graph (``firsts``, ``codes``), and what remains of it without what no cycle reaches."""

    listed: Listed
    inference: Inference
    firsts: Ints
    codes: Shorts
    order: Shorts
    scenes: list[Scene]
    deadline: float | None

    def serial(self, form: Order) -> tuple[array[int], str | None]:
        """The invocations of a serial order that no edge contradicts, and why it does not explain the history, None if
        it does. There must be one."""
        order = self.order
        if len(order) < len(self.firsts) - 1:
            order, rest = edges.peeled(self.firsts, self.codes, _bits({WW, WR, RW, NEXT, *ORDER_KINDS[form]}))
            assert not len(rest), "a level of serializability holds, and the graph has a cycle"
        committed = self.listed.committed
        order = order[order < len(committed)]
        order = order[committed[order] != 0]
        return array("q", self.listed.reading.invokes[order].tobytes()), self.objection(order, form)

    def objection(self, order: Shorts, form: Order) -> str | None:
        reading, listed = self.listed.reading, self.listed
        micros = reading.micros
        groups = {
            Order.NONE: np.full(len(listed.committed), -1, np.int32),
            Order.SESSION: reading.sessions,
            Order.REALTIME: np.zeros(len(listed.committed), np.int32),
        }[form]
        script = replay.Script(
            micros.firsts, micros.acts, micros.keys, micros.numbers, listed.lengths, listed.lists.firsts,
            listed.numbers, reading.outcomes, reading.invokes, reading.completes, groups,
        )  # fmt: skip
        why, number = replay.refuted(script, order, reading.keys, reading.session_count)
        return None if why == replay.HOLDS else f"transaction number {number} {replay.WORDS[why]}"

    def settled_scenes(self) -> list[Scene]:
        """The components of versions and real time alone, without the transactions of unknown outcome."""
        listed = self.listed
        certain = listed.reading.outcomes != INFO
        lists = listed.lists
        kept, kept_tails = certain[lists.writers], certain[lists.tails]
        lists = lists._replace(
            firsts=_fewer(lists.firsts, kept), writers=lists.writers[kept],
            tail_firsts=_fewer(lists.tail_firsts, kept_tails), tails=lists.tails[kept_tails],
        )  # fmt: skip
        committed = np.flatnonzero((listed.committed != 0) & certain).astype(np.int32)
        unread = np.where(listed.did.acts == APPEND, listed.placed.places, np.int32(-1)).astype(np.int32)
        firsts, codes = _graph(listed, lists, committed, unread)
        _, rest = edges.peeled(firsts, codes, _bits(_ALL_KINDS))
        return _scenes(self.inference, firsts, codes, rest, self.deadline)


def _fewer(firsts: Ints, kept: NDArray[np.bool_]) -> Ints:
    before: Ints = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    return before[firsts]


def examined(columns: Columns, deadline: float | None, most: int | None = None) -> Examined | None:
    """The graph (of the first so many transactions) and its components, no level decided yet; None where the columns
    have no word for the history."""
    reading = read_lists(columns, most)
    _check_time(deadline)
    listed = None if reading is None else infer(reading)
    if listed is None:
        return None
    _check_time(deadline)
    firsts, codes = _graph(listed, listed.lists, listed.numbers_committed, listed.placed.places)
    order, rest = edges.peeled(firsts, codes, _bits(_ALL_KINDS))
    _check_time(deadline)
    inference = listed.inference()
    return Examined(
        listed, inference, firsts, codes, order, _scenes(inference, firsts, codes, rest, deadline), deadline
    )


def _check_time(deadline: float | None) -> None:
    if deadline is not None and monotonic() > deadline:
        raise OutOfTimeError("the graph of the transactions was being built")


def _graph(listed: Listed, lists: Lists, committed: Shorts, places: Shorts) -> tuple[Ints, Shorts]:
    reading = listed.reading
    times = Times(reading.invokes, reading.completes, reading.sessions)
    return edges.build(lists, listed.did.owners, listed.did.acts, places, committed, times, reading.session_count,
                       len(reading.columns))  # fmt: skip


def _scenes(inference: Inference, firsts: Ints, codes: Shorts, rest: Shorts, deadline: float | None) -> list[Scene]:
    """The components, those first that lead to others: as :func:`checkers.transactional.cycle.parts` has them."""
    if not len(rest):
        return []
    found, members = edges.components(rest, firsts, codes)
    return [
        Scene(inference, _part(inference, firsts, codes, members[found[i] : found[i + 1]].tolist(), deadline))
        for i in range(len(found) - 2, -1, -1)
    ]


def _part(inference: Inference, firsts: Ints, codes: Shorts, nodes: list[int], deadline: float | None) -> Part:
    inside = set(nodes)
    out = {
        node: list(dict.fromkeys(
            (code >> KIND_BITS, code & KIND_MASK)
            for code in codes[firsts[node] : firsts[node + 1]].tolist() if code >> KIND_BITS in inside
        ))
        for node in nodes
    }  # fmt: skip
    return Part(nodes, out, inference.transactions, deadline)

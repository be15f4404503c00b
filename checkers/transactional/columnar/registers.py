"""The levels of registers that are decided in polynomial time, of a large history in which every read has one source.

It answers where the asked level holds. What is refuted, or odd, is left to the plain checker, which tells the story.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from checkers.guard import OutOfTimeError
from checkers.transactional.columnar import edges, saturation
from checkers.transactional.columnar.edges import Times
from checkers.transactional.columnar.placing import owners_of
from checkers.transactional.columnar.reading import Reading, read_registers
from checkers.transactional.columnar.saturation import DONE, REFUTED, TOO_LONG, TOO_WIDE, Forced, Reads
from checkers.transactional.columnar.sources import INITIAL, sources_of
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.graph import KIND_BITS, WW
from checkers.transactional.lattice import MODELS, Family, Model, Order, implied, strongest_holding, weakest_failing
from harness.history import OK
from harness.result import Validity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.columns import Columns

    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]
    Graph = tuple[Shorts, Shorts, int]
    Sorted = tuple[Ints, Shorts, Shorts, Shorts]

POLYNOMIAL: Final = frozenset((Family.WRITES, Family.DEPENDENCIES, Family.MONOTONIC, Family.ATOMIC, Family.CAUSAL))
_ROWS, _WIDTH = 1 << 12, 1 << 10
_CLOCK_BYTES_MAX: Final = 500_000_000
_ALL: Final = (1 << 6) - 1
_REALTIME: Final = {Order.NONE: -1, Order.SESSION: 0, Order.REALTIME: 1}


class Left(Exception):
    """The methods here cannot tell."""


@dataclass(slots=True, eq=False)
class Registers:
    """A history of which every read's source is known, and what is decided of it."""

    reading: Reading
    reads: Reads
    committed: Shorts
    times: Times
    following: Shorts
    deadline: float | None
    _graphs: dict[Order, Graph] = field(default_factory=dict)
    _sorted: dict[Order, Sorted] = field(default_factory=dict)
    _answers: dict[tuple[Family, Order], bool] = field(default_factory=dict)

    def of(self, model: Model) -> bool:
        """Whether a level of the families in POLYNOMIAL holds."""
        key = (model.family, model.order)
        if key not in self._answers:
            if self.deadline is not None and monotonic() > self.deadline:
                raise OutOfTimeError("the order that reads force on the writes was being built")
            self._answers[key] = self._holds(*key)
        return self._answers[key]

    def _holds(self, family: Family, order: Order) -> bool:
        if family is Family.WRITES:
            return True
        if len(self._of_order(order)[3]):
            return False
        if family is Family.DEPENDENCIES:
            return True
        found = self._saturated(family, order)
        return found is not None and not len(found[1])

    def _saturated(self, family: Family, order: Order) -> tuple[Shorts, Shorts] | None:
        """The graph with what the reads force on the order of the writes, peeled; None if they refute the level."""
        forced = self._forced(family, order)
        if forced is None:
            return None
        sources, codes, nodes = self._graph(order)
        ahead = forced.sources << KIND_BITS | WW
        firsts, all_codes = edges.by_source(
            np.concatenate([sources, forced.seen]), np.concatenate([codes, ahead.astype(np.int32)]), nodes
        )
        return edges.peeled(firsts, all_codes, _ALL)

    def proof(self, model: Model) -> CommitOrder:
        """The commit order that shows that the level holds, which it must."""
        if model.family is Family.WRITES:  # as they were invoked: nothing that was read says otherwise
            return CommitOrder(self.reading.invokes[self.committed].tolist())
        found = (self._of_order(model.order)[2:] if model.family is Family.DEPENDENCIES
                 else self._saturated(model.family, model.order))  # fmt: skip
        assert found is not None, "the level holds"
        assert not len(found[1]), "the level holds"
        order = found[0][found[0] < len(self.reads.committed)]
        return CommitOrder(self.reading.invokes[order[self.reads.committed[order] != 0]].tolist())

    def _graph(self, order: Order) -> Graph:
        if order not in self._graphs:
            self._graphs[order] = edges.dependencies(
                self.reads.owners, self.reads.sources, self.committed, self.times, self.reading.session_count,
                len(self.reading.columns), _REALTIME[order],
            )  # fmt: skip
        return self._graphs[order]

    def _of_order(self, order: Order) -> Sorted:
        if order not in self._sorted:
            firsts, codes = edges.by_source(*self._graph(order))
            self._sorted[order] = (firsts, codes, *edges.peeled(firsts, codes, _ALL))
        return self._sorted[order]

    def _forced(self, family: Family, order: Order) -> Forced | None:
        """What the reads force; None if that is refuted by itself. Raises :class:`Left`."""
        space = 8 * len(self.reads.owners) + 64
        forced = Forced(np.empty(space, np.int32), np.empty(space, np.int32), np.zeros(1, np.int64))
        how = self._causal(forced, order) if family is Family.CAUSAL else self._atomic(forced, family, order)
        if how == TOO_LONG:
            raise Left
        count = int(forced.filled[0])
        return None if how == REFUTED else Forced(forced.seen[:count], forced.sources[:count], forced.filled)

    def _atomic(self, forced: Forced, family: Family, order: Order) -> int:
        how = saturation.read_from(self.reads, forced, family is Family.MONOTONIC)
        if how == DONE and family is Family.ATOMIC and order is Order.SESSION:
            how = saturation.came_before_in_session(self.reads, forced, self.reading.session_count)
        if how == DONE and family is Family.ATOMIC and order is Order.REALTIME:
            ends = edges.by_completion(self.committed, self.times, len(self.reading.columns))
            how = saturation.came_before_in_time(self.reads, forced, ends)
        return how

    def _causal(self, forced: Forced, order: Order) -> int:
        sources, codes, nodes = self._graph(order)
        firsts = self._of_order(order)[0]
        back = (sources << KIND_BITS).astype(np.int32)
        into, predecessors = edges.by_source((codes >> KIND_BITS).astype(np.int32), back, nodes)
        waiting = np.diff(firsts).astype(np.int32)
        transactions, keys, micros = len(self.reads.committed), self.reading.keys, len(self.reads.owners)
        following = self.following.copy()
        following[(following >= 0) & (waiting[following] == 0)] = -1
        sorted_ = edges.by_invocation(into, predecessors, transactions)
        rows, width = _ROWS, _WIDTH
        while 4 * width * rows <= _CLOCK_BYTES_MAX:
            forced.filled[0] = 0
            clocks = saturation.empty_clocks(waiting, transactions, keys, micros, rows, width)
            how = saturation.could_see(self.reads, forced, sorted_, into, predecessors, following, clocks)
            if how != TOO_WIDE:
                return how
            if clocks.counts[saturation.FREE]:
                width *= 4
            else:
                rows *= 4
        raise Left

    def levels(self) -> dict[str, Any]:
        """The strongest levels that hold, the weakest that fail; and those of which these tell nothing."""
        answers: dict[str, Validity] = {}
        for name in reversed(MODELS):  # what a strong one says spares the others
            if name not in answers and MODELS[name].family in POLYNOMIAL and self.of(MODELS[name]):
                answers |= dict.fromkeys(implied(name), True)
        for name, model in MODELS.items():
            fails = any(MODELS[weaker].family in POLYNOMIAL and weaker not in answers for weaker in implied(name))
            answers.setdefault(name, False if fails or model.family in POLYNOMIAL else "unknown")
        names = {answer: [name for name in MODELS if answers[name] == answer] for answer in (True, False, "unknown")}
        undecided = {"undecided": names["unknown"]} if names["unknown"] else {}
        return {
            "strongest": list(strongest_holding(names[True])),
            "weakest_failing": list(weakest_failing(names[False])),
            **undecided,
        }


def registers(columns: Columns, deadline: float | None, most: int | None = None) -> Registers | None:
    """What is known of the history (of the first so many transactions); None where the columns have no word for it."""
    reading = read_registers(columns, most)
    if reading is None:
        return None
    micros = reading.micros
    owners = owners_of(micros.firsts)
    sources = sources_of(reading.key_firsts, reading.by_key, owners, micros.acts, micros.numbers, reading.outcomes)
    if len(sources) < len(owners):
        return None
    committed = (reading.outcomes == OK).astype(np.uint8)
    committed[sources[sources > INITIAL]] = 1
    numbers = np.flatnonzero(committed).astype(np.int32)
    times = Times(reading.invokes, reading.completes, reading.sessions)
    following, _, regular = edges.followers(numbers, times, reading.session_count)
    if not regular.all():
        return None
    reads = Reads(micros.firsts, micros.acts, micros.keys, owners, sources, reading.key_firsts, reading.by_key,
                  committed, reading.invokes, reading.completes, reading.sessions)  # fmt: skip
    return Registers(reading, reads, numbers, times, following, deadline)


def decided(
    columns: Columns, model: Model, deadline: float | None, most: int | None = None, *, certify: bool = False
) -> dict[str, Any] | None:
    """The details of a verdict (on the first so many transactions), if the level holds, with ``certify`` its proof,
    too; None if it does not, or if these methods cannot tell. Raises :class:`checkers.guard.OutOfTimeError`."""
    if model.family not in POLYNOMIAL:
        return None
    try:
        found = registers(columns, deadline, most)
        if found is None or not found.of(model):
            return None
        counts: dict[str, Any] = {"transactions": len(found.reading.invokes), "committed": len(found.committed)}
        if certify:
            counts |= {"certified": "register", "proof": found.proof(model).as_json()}
        return counts | found.levels()
    except Left:
        return None

"""What a commit order must satisfy to prove an isolation level: each level's definition, checked on the transactions.

The certificate fixes what the definitions leave to choose, and then all but the last of these take linear time:

* read uncommitted, read committed (Adya 1999: G0; G1): no cycle of versions, reads and the order of the form, which is
  to say that the commit order extends them all.
* monotonic atomic view (Biswas, Enea 2019, read committed there): what an earlier read's writer wrote is not newer than
  what a later read saw. Read atomic: nor, at any time, what any read's writer, or what came before in the form, wrote.
* cursor stability (Adya 1999: G-cursor): who reads a key and then writes it, writes the very next version.
* prefix, snapshot isolation (Cerone, Bernardi, Gotsman 2015): reads are of one moment, the snapshot; under snapshot
  isolation nobody else wrote the same key between snapshot and commit.
* repeatable read, serializable (Adya 1999: G2-item, G2): every read is of the moment of the commit.
* causal, parallel snapshot isolation and consistent view, update serializable (Cerone et al. 2015; Adya 1999: G-single;
  G-update): no read misses a write in its transaction's past, which is, by level, all that reads and the order of the
  form lead to; or dependencies; or those and the antidependencies of transactions that write
  (:mod:`checkers.transactional.past`).

A visible write is never newer than what was read: the smallest visibility that a level allows is the one to check, as
more of it could only forbid more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import Final

from checkers.transactional.commit_order import (
    CommitOrder,
    Executed,
    Initial,
    Objection,
    Seen,
    executed,
    read_lists,
    read_registers,
    read_uncommitted,
)
from checkers.transactional.explain import key_text
from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.past import Edges, dependencies, missed_in_past
from checkers.transactional.transaction import Atom, Transaction

SNAPSHOTS: Final = frozenset((Family.PREFIX, Family.SNAPSHOT))
"""The families whose certificates say what each transaction's snapshot shows."""


def refute(
    transactions: Sequence[Transaction], proof: CommitOrder, model: Model, initial: Initial | None = None
) -> str | None:
    """Why the commit order does not prove the level, None if it does. ``transactions`` are all of the history;
    ``initial``: what registers held at first; None: these are lists."""
    try:
        if proof.snapshots is not None and model.family not in SNAPSHOTS:
            raise Objection(f"it has snapshots, and {model.name} is not about snapshots")
        found = executed(transactions, proof)
        _check_order(found, model.order)
        if model.family is Family.WRITES:
            read_uncommitted(found, transactions, initial)
            return None
        if initial is None:
            read_lists(found)
        else:
            read_registers(found, initial, proof.sources)
        _check_reads(found, model)
    except Objection as objection:
        return str(objection)
    return None


def _check_order(found: Executed, form: Order) -> None:
    """What had completed before another began is in the other's snapshot: in its session, or at all."""
    for members in _groups(found, form).values():
        latest, ends = -1, _Ends(found, members)
        for position in members:
            for earlier in ends.before(found.transactions[position].invoke):
                latest = max(latest, earlier)
            if latest >= found.snapshots[position]:
                where = "of its session " if form is Order.SESSION else ""
                raise Objection(f"{found.name(position)} began after {found.name(latest)} {where}had completed, and "
                                "does not come after it")  # fmt: skip


def _groups(found: Executed, form: Order) -> dict[Hashable, list[int]]:
    """The positions that the form relates, by invocation."""
    groups: dict[Hashable, list[int]] = {}
    if form is not Order.NONE:
        for position in sorted(range(len(found.transactions)), key=lambda each: found.transactions[each].invoke):
            session = found.transactions[position].session if form is Order.SESSION else None
            groups.setdefault(session, []).append(position)
    return groups


class _Ends:
    """The members of a group by their completions, each told once."""

    def __init__(self, found: Executed, members: Sequence[int]) -> None:
        completes = ((found.transactions[position].complete, position) for position in members)
        self.ends: Final = sorted((end, position) for end, position in completes if end is not None)
        self.told = 0

    def before(self, line: int) -> Iterator[int]:
        """Those that completed before that line and were not told before."""
        while self.told < len(self.ends) and self.ends[self.told][0] < line:
            self.told += 1
            yield self.ends[self.told - 1][1]


def _check_reads(found: Executed, model: Model) -> None:
    match model.family:
        case Family.MONOTONIC:
            _check_views(found, later_only=True)
        case Family.ATOMIC:
            _check_views(found, later_only=False)
            _check_came_before(found, model.order)
        case Family.CURSOR:
            _check_cursors(found)
        case Family.PREFIX | Family.ANY:
            _check_moments(found, found.snapshots)
        case Family.SNAPSHOT:
            _check_moments(found, found.snapshots)
            _check_conflicts(found)
        case Family.CAUSAL | Family.ONE_RW:
            _check_past(found, model)
        case Family.UPDATE:
            _check_updates(found)
        case _:
            pass  # read committed: every read was of a version that had been committed


def _check_moments(found: Executed, moments: Sequence[int]) -> None:
    """Each read is of the last version among as many transactions as its reader's moment says."""
    for position, reads in enumerate(found.reads):
        for seen in reads:
            if seen.versions != bisect_left(found.chains.get(seen.key, []), moments[position]):
                raise Objection(_another(found, position, seen, "than its moment shows"))


def _another(found: Executed, position: int, seen: Seen, which: str) -> str:
    return f"{found.name(position)} read another version of {key_text(seen.key)} {which}"


def _check_conflicts(found: Executed) -> None:
    for position, transaction in enumerate(found.transactions):
        for key in transaction.appends:
            chain = found.chains[key]
            place = bisect_left(chain, position)
            if place and chain[place - 1] >= found.snapshots[position]:
                raise Objection(f"{found.name(position)} and {found.name(chain[place - 1])} both wrote "
                                f"{key_text(key)}, and neither is in the other's snapshot")  # fmt: skip


def _check_cursors(found: Executed) -> None:
    for position, reads in enumerate(found.reads):
        for seen in reads:
            overwritten = not seen.own and seen.key in found.transactions[position].appends
            if overwritten and seen.versions != bisect_left(found.chains[seen.key], position):
                raise Objection(_another(found, position, seen, "than it wrote over"))


def _check_views(found: Executed, *, later_only: bool) -> None:
    """No read misses what its transaction's other reads (or those before it) depend on."""
    for position, reads in enumerate(found.reads):
        if len(reads) < 2:
            continue
        keys = dict.fromkeys(seen.key for seen in reads)
        newest: dict[Atom, int] = {}
        if not later_only:
            _add_newest(found, newest, keys, reads)
        for seen in reads:
            if newest.get(seen.key, -1) > found.source(seen):
                raise Objection(f"{found.name(position)} read from {found.name(newest[seen.key])}, and "
                                f"{key_text(seen.key)} without what that wrote")  # fmt: skip
            if later_only:
                _add_newest(found, newest, keys, [seen])


def _add_newest(found: Executed, newest: dict[Atom, int], keys: Collection[Atom], reads: Iterable[Seen]) -> None:
    """Of each of the keys the newest version that a transaction wrote from which these reads are."""
    for writer in {found.source(seen) for seen in reads}:
        wrote = found.transactions[writer].appends if writer >= 0 else {}
        for key in keys if len(keys) < len(wrote) else wrote:
            if key in wrote:
                newest[key] = max(newest.get(key, -1), writer)


def _check_came_before(found: Executed, form: Order) -> None:
    """No read misses what came before its transaction in the order of the form."""
    for members in _groups(found, form).values():
        ends = _Ends(found, members)
        latest: dict[Atom, int] = {}
        for position in members:
            for earlier in ends.before(found.transactions[position].invoke):
                for key in found.transactions[earlier].appends:
                    latest[key] = max(latest.get(key, -1), earlier)
            for seen in found.reads[position]:
                if latest.get(seen.key, -1) > found.source(seen):
                    raise Objection(f"{found.name(position)} read {key_text(seen.key)} without what "
                                    f"{found.name(latest[seen.key])} wrote, which came before it")  # fmt: skip


def _check_past(found: Executed, model: Model) -> None:
    edges = dependencies(found, _came_before(found, model.order), versions=model.family is Family.ONE_RW,
                         missed=lambda position: False)  # fmt: skip
    _refuse_missed(found, missed_in_past(found, edges, lambda position: True))


def _check_updates(found: Executed) -> None:
    def writes(position: int) -> bool:
        return bool(found.transactions[position].appends)

    for position, reads in enumerate(found.reads):
        for seen in reads if writes(position) else ():
            if seen.versions != bisect_left(found.chains.get(seen.key, []), position):
                raise Objection(_another(found, position, seen, "than its moment shows, and it writes"))
    edges = dependencies(found, [[] for _ in found.transactions], versions=True, missed=writes)
    _refuse_missed(found, missed_in_past(found, edges, lambda position: not writes(position)))


def _refuse_missed(found: Executed, missed: tuple[int, int] | None) -> None:
    if missed is not None:
        reader, writer = map(found.name, missed)
        raise Objection(f"{reader} missed what {writer} wrote, on which it depends")


def _came_before(found: Executed, form: Order) -> Edges:
    """The order of the form as edges: to those that no other of them comes after, as many as ran at one time."""
    edges: Edges = [[] for _ in found.transactions]
    for members in _groups(found, form).values():
        ends = _Ends(found, members)
        recent: list[int] = []
        for position in members:
            for earlier in ends.before(found.transactions[position].invoke):
                began = found.transactions[earlier].invoke
                recent = [each for each in recent if (found.transactions[each].complete or 0) > began]
                recent.append(earlier)
            edges[position].extend(recent)
    return edges

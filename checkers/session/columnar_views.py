"""PRAM of registers of integers in numpy: which sessions have a view of all writes, and what reads contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from checkers.session.columnar import NOTHING, Table, rank_of

if TYPE_CHECKING:
    from checkers.session.columnar import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Reads by row that are ``broken``, each with the read ``because`` of which the session had seen what it does not
    show (NOTHING: it had written it). Where that is not ``exact``, only the sessions without any are certain to be
    right, and of the others it is not known whether they are wrong."""

    broken: Numbers
    because: Numbers
    exact: bool


def views_of(table: Table) -> Views | None:
    """PRAM; None where a value has several writers, or none, or where no order that is tried agrees with versions."""
    if not table.clear.all():
        return None
    by_line = rank_of(table.w_key, table.w_line)
    if table.one_writer.all() and np.array_equal(table.ranks[0], by_line):
        return _of_one_writer(table, by_line)
    found: Views | None = None
    for order in _orders(table):
        if len(table.ranks) > 1 or np.array_equal(rank_of(table.w_key, order), table.ranks[0]):
            found = _in_order(table, order, found)
    return found


def _orders(table: Table) -> Iterator[Numbers]:
    """Orders of all writes that keep each session's: by invocation, and by when each was there for certain: when it
    completed, or a read that showed it did. In both, what a read shows comes before what its session writes only
    afterwards, so that a session that has come to the one has never come past the other."""
    columns = table.columns
    yield table.w_line
    seen = np.where(table.w_ok, columns.partners[table.w_line], len(columns))
    known = table.source >= 0
    np.minimum.at(seen, table.source[known], columns.partners[table.r_line[known]])
    yield seen


def _in_order(table: Table, at: Numbers, before: Views | None) -> Views:
    """The sessions that can move along this order of all writes, each at its own pace: each read shows the last write
    of its key up to where its session has come. Of the others (only those that ``before`` found wanting are looked at)
    the reads where that fails."""
    order = np.lexsort((table.w_line, at))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) + 1
    doubtful = np.zeros(len(table.sessions), np.bool_)
    doubtful[slice(None) if before is None else table.r_session[before.broken]] = True
    reads = doubtful[table.r_session].nonzero()[0]
    own = (table.w_ok & doubtful[table.w_session]).nonzero()[0]
    session = np.concatenate((table.w_session[own], table.r_session[reads]))
    source = np.concatenate((own, table.source[reads]))
    lines = np.concatenate((table.w_line[own], table.r_line[reads]))
    rows = np.concatenate((np.full(len(own), NOTHING), reads))
    by = np.lexsort((lines, session))
    come, who = _come(np.where(source >= 0, place[np.maximum(source, 0)], 0)[by], session[by])
    chosen = (rows[by] >= 0).nonzero()[0]
    read, come = rows[by][chosen], come[chosen]
    # The next write of the key, after the one that the read shows, in this order.
    size = len(place) + 2
    placed = np.sort(table.w_key * size + place)
    shown = np.where(table.source[read] >= 0, place[np.maximum(table.source[read], 0)], 0)
    upto = np.searchsorted(placed, table.r_key[read] * size + come, side="right")
    broken = np.searchsorted(placed, table.r_key[read] * size + shown, side="right") < upto
    return Views(read[broken], rows[by][who[chosen[broken]]], exact=False)


def _come(amounts: Numbers, group: Numbers) -> tuple[Numbers, Numbers]:
    """The largest amount so far in each group, and where that stands. Groups are sorted."""
    number = np.cumsum(np.concatenate(((True,), group[1:] != group[:-1])))
    step = int(amounts.max(initial=0)) + 1
    lifted = np.maximum.accumulate(amounts + number * step)
    rises = np.concatenate(((True,), lifted[1:] > lifted[:-1]))
    return lifted - number * step, np.maximum.accumulate(np.where(rises, np.arange(len(amounts)), 0))


def _of_one_writer(table: Table, by_line: Numbers) -> Views:
    """What a read has seen of a writer is the latest write of it that its session had read by then; of its own, all it
    had written. It shows the last one of its key among these."""
    position = rank_of(table.w_session, table.w_line) + 1  # in the writer's chain
    writer = np.full(len(table.clear), -1, np.int64)
    writer[table.w_key] = table.w_session
    reads = (writer[table.r_key] >= 0).nonzero()[0]
    source = np.concatenate((np.arange(len(position)), table.source[reads]))
    certain = np.concatenate((table.w_ok, np.ones(len(reads), np.bool_)))
    whose = np.concatenate((table.w_session, table.r_session[reads]))
    chain = np.concatenate((table.w_session, writer[table.r_key[reads]]))
    order = np.argsort(np.concatenate((table.w_line, table.r_line[reads])), kind="stable")
    group = whose * len(table.sessions) + chain
    order = order[np.argsort(group[order], kind="stable")]
    amounts = np.where((source >= 0) & certain, position[np.maximum(source, 0)], 0)[order]
    come, by = _come(amounts, group[order])
    rows = np.concatenate((np.full(len(position), NOTHING), reads))[order]
    at = (rows >= 0).nonzero()[0]
    read, seen = rows[at], come[at]
    # How many writes of the key the session has seen: those that stand in the writer's chain by then.
    size = len(position) + 2
    placed = np.sort(table.w_key * size + position)
    begin = np.searchsorted(placed, table.r_key[read] * size)
    count = np.searchsorted(placed, table.r_key[read] * size + seen, side="right") - begin
    shown = np.where(table.source[read] >= 0, by_line[np.maximum(table.source[read], 0)] + 1, 0)
    broken = count > shown
    return Views(read[broken], rows[by[at[broken]]], exact=True)

"""The guarantees of registers of integers in numpy, for histories of a million operations.

It decides which keys have nothing to look at, and says how often, by which sessions and how badly the guarantees are
broken where versions have ranks; the keys that it has no word for, and those of which a story is to be told, are for
:mod:`checkers.session.decide`. Sessions are processes here, each of which does one thing after the other.

Where several sessions wrote a register, it tries two orders of its versions: by invocation and by completion. If all
that a guarantee demands agrees with one of them, the guarantee is not broken; it holds only if all demands follow from
the sessions' own order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.session.violation import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
)
from harness.columns import HAS_SESSION, NIL, OTHER, Columns
from harness.history import DUMP, FAIL, INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Truths = NDArray[np.bool_]

_WRITES: Final = ("write", "put")
_READS: Final = ("read", "get")
_SPAN_MAX: Final = 2**62
NOTHING: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Registers' writes that happened, by key and value, and ok reads by invocation.

    ``source``: of each read its write's row, or NOTHING. ``ranks``: of each write its place among the versions of its
    key, by each of the orders tried. Of each key, ``one_writer``; ``explicit``: whether the order is known; ``clear``:
    whether every read of it shows a value that one write, or none, may have made. ``sessions``: the processes.
    """

    columns: Columns
    w_line: Numbers
    w_key: Numbers
    w_session: Numbers
    w_ok: Truths
    r_line: Numbers
    r_key: Numbers
    r_session: Numbers
    source: Numbers
    ranks: Sequence[Numbers]
    one_writer: Truths
    explicit: Truths
    clear: Truths
    sessions: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one guarantee looks like from afar. Of each operation that breaks it on a key whose order of versions is
    explicit: ``keys``, ``sessions``, ``lines`` (its invocation) and, if it is a read, ``behind``, by how many versions,
    and ``since``, the line from which on it should have shown what it misses. ``closer``: keys to look at closely;
    ``doubtful``: a key whose order would have to be known, or None."""

    keys: Numbers
    sessions: Numbers
    lines: Numbers
    behind: Numbers
    since: Numbers
    closer: Numbers
    doubtful: int | None


def table_of(columns: Columns, *, nil_is_value: bool, versions: bool) -> Table | None:
    """The registers of a history; None if it has anything else."""
    client = (columns.types == INVOKE) & (columns.processes >= 0)
    lines = client.nonzero()[0]
    is_write, is_read = (_named(columns, names)[columns.fs[lines]] for names in (_WRITES, _READS))
    known = is_write | is_read | _named(columns, (DUMP,))[columns.fs[lines]]
    if not known.all() or (columns.rests is not None and bool((columns.rests[lines] & HAS_SESSION).any())):
        return None
    ends = columns.partners[lines]
    outcome = np.where(ends >= 0, columns.types[ends], 255)
    reads = lines[is_read & (outcome == OK)]
    writes = lines[is_write & (outcome != FAIL)]
    shown = columns.partners[reads]
    if not nil_is_value:
        reads, shown = reads[columns.kinds[shown] != NIL], shown[columns.kinds[shown] != NIL]
    if (columns.kinds[shown] == OTHER).any() or (columns.kinds[writes] >= OTHER).any():
        return None
    if (columns.kinds[writes] == NIL).any() or not len(writes):
        return None
    return _joined(columns, writes, reads, shown, versions=versions)


def _named(columns: Columns, names: Sequence[str]) -> Truths:
    return np.array([name in names for name in columns.f_names], np.bool_)


def _keys(columns: Columns, lines: Numbers) -> Numbers:
    """Codes from 0; 0 is no key."""
    return np.zeros(len(lines), np.int64) if columns.keys is None else columns.keys[lines].astype(np.int64) + 1


def _joined(columns: Columns, writes: Numbers, reads: Numbers, shown: Numbers, *, versions: bool) -> Table | None:
    values, seen = columns.numbers[writes], columns.numbers[shown]
    low, high = (int(f(np.concatenate((values, seen)))) for f in (np.min, np.max))
    keys = len(columns.key_names) + 1
    if (high - low + 1) * keys >= _SPAN_MAX:
        return None
    w_key, r_key = _keys(columns, writes), _keys(columns, reads)
    named = w_key * (high - low + 1) + (values - low)
    order = np.argsort(named, kind="stable")
    named, writes, w_key = named[order], writes[order], w_key[order]
    wanted = r_key * (high - low + 1) + (seen - low)
    source = np.minimum(np.searchsorted(named, wanted), len(named) - 1)
    is_nil = columns.kinds[shown] == NIL
    wrong = ~is_nil & ((named[source] != wanted) | (writes[source] > shown))
    source = np.where(is_nil | wrong, NOTHING, source)
    clear = np.ones(keys, np.bool_)
    clear[r_key[wrong]] = False
    clear[w_key[1:][named[1:] == named[:-1]]] = False
    ends = columns.partners[writes]
    ok = (ends >= 0) & (columns.types[ends] == OK)
    happened = ok.copy()
    happened[source[source >= 0]] = True
    if not happened.any():
        return None
    source = np.where(source >= 0, (np.cumsum(happened) - 1)[np.maximum(source, 0)], NOTHING)
    writes, w_key, ok, ends = writes[happened], w_key[happened], ok[happened], ends[happened]
    processes, sessions = np.unique(columns.processes[np.concatenate((writes, reads))], return_inverse=True)
    w_session, r_session = sessions[: len(writes)].astype(np.int64), sessions[len(writes) :].astype(np.int64)
    orders = (np.arange(len(writes)),) if versions else (writes, np.where(ok, ends, len(columns)))
    someone = np.full(keys, -1, np.int64)
    someone[w_key] = w_session
    one_writer = np.ones(keys, np.bool_)
    one_writer[w_key[someone[w_key] != w_session]] = False
    explicit = one_writer | versions
    return Table(columns, writes, w_key, w_session, ok, reads, r_key, r_session, source,
                 [rank_of(w_key, order) for order in orders], one_writer, explicit, clear, processes)  # fmt: skip


def rank_of(key: Numbers, at: Numbers) -> Numbers:
    """Of each row the place of ``at`` among those of its key."""
    order = np.lexsort((at, key))
    starts = np.searchsorted(key[order], key[order])
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - starts
    return rank


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """All operations by session and key, each group in order. ``group`` numbers the groups; ``first`` begins one.
    ``write``: the row of what was written or read, or NOTHING; ``is_certain``: whether it is an acknowledged write."""

    group: Numbers
    first: Truths
    is_write: Truths
    is_certain: Truths
    write: Numbers
    key: Numbers
    session: Numbers
    line: Numbers


def groups_of(table: Table) -> Groups:
    """The operations of a table by session and key."""
    writes = len(table.w_line)
    line = np.concatenate((table.w_line, table.r_line))
    key = np.concatenate((table.w_key, table.r_key))
    session = np.concatenate((table.w_session, table.r_session))
    write = np.concatenate((np.arange(writes), table.source))
    certain = np.concatenate((table.w_ok, np.zeros(len(table.r_line), np.bool_)))
    order = np.argsort(line, kind="stable")
    whose = session * len(table.clear) + key
    order = order[np.argsort(whose[order], kind="stable")]
    whose = whose[order]
    first = np.concatenate(((True,), whose[1:] != whose[:-1]))
    return Groups(np.cumsum(first) - 1, first, order < writes, certain[order], write[order], key[order], session[order],
                  line[order])  # fmt: skip


def _held(groups: Groups, amounts: Numbers) -> Numbers:
    """Of each operation the largest amount of those before it in its group; 0 if there is none. Amounts are >= 0."""
    step = int(amounts.max(initial=0)) + 1
    lifted = np.maximum.accumulate(amounts + groups.group * step)
    before = np.concatenate(((0,), lifted[:-1])) - groups.group * step
    return np.where(groups.first, 0, np.maximum(before, 0))


def _last(groups: Groups, chosen: Truths) -> Numbers:
    """Of each operation the position of the last chosen one before it in its group; NOTHING if there is none."""
    return _held(groups, np.where(chosen, np.arange(len(chosen)) + 1, 0)) - 1


def look(table: Table, groups: Groups, name: str) -> Look:
    """One of the four guarantees."""
    suspect = ~table.clear
    broken, held, ranks = _broken(table, groups, name, table.ranks[0])
    worse = _on(table, groups, broken & ~table.explicit[groups.key])
    for rank in table.ranks[1:]:
        worse &= _on(table, groups, _broken(table, groups, name, rank)[0])
    suspect |= worse
    told = broken & table.explicit[groups.key] & ~suspect[groups.key]
    stale = told & ~groups.is_write
    chosen = groups.is_certain if name == READ_YOUR_WRITES else ~groups.is_write
    best = chosen & (ranks > _held(groups, np.where(chosen, ranks, 0)))  # the first that had the highest so far
    since = table.columns.partners[groups.line[_last(groups, best)[stale]]]
    return Look(groups.key[told], groups.session[told], groups.line[told], (held - ranks)[stale], since,
                suspect.nonzero()[0], _doubtful(table, groups, name, suspect))  # fmt: skip


def _on(table: Table, groups: Groups, broken: Truths) -> Truths:
    """The keys of these operations."""
    found = np.zeros(len(table.clear), np.bool_)
    found[groups.key[broken]] = True
    return found


def _broken(table: Table, groups: Groups, name: str, rank: Numbers) -> tuple[Truths, Numbers, Numbers]:
    """What breaks the guarantee if that is the order of versions; what must be there; and what is, from 1."""
    ranks = np.where(groups.write >= 0, rank[np.maximum(groups.write, 0)] + 1, 0)
    chosen = groups.is_certain if name in (READ_YOUR_WRITES, MONOTONIC_WRITES) else ~groups.is_write
    held = _held(groups, np.where(chosen, ranks, 0))
    asked = ~groups.is_write if name in (READ_YOUR_WRITES, MONOTONIC_READS) else groups.is_write
    broken = asked & (held > ranks)
    if name in (MONOTONIC_WRITES, WRITES_FOLLOW_READS) and len(table.ranks) > 1:
        broken &= ~table.explicit[groups.key]  # one writer's own order is the order of versions
    if name == MONOTONIC_WRITES and len(table.ranks) > 1:
        broken[:] = False  # and of several writers nothing says that their orders are not
    return broken, held, ranks


def _doubtful(table: Table, groups: Groups, name: str, suspect: Truths) -> int | None:
    """A key of several writers of which the order of versions would have to be known."""
    seen = np.where(groups.write >= 0, table.w_session[np.maximum(groups.write, 0)], NOTHING)
    if name == READ_YOUR_WRITES:
        doubt = ~groups.is_write & (_last(groups, groups.is_certain) >= 0) & (seen != groups.session)
    elif name == MONOTONIC_READS:
        before = _last(groups, ~groups.is_write)
        was = np.where(before >= 0, seen[before], NOTHING)
        doubt = ~groups.is_write & (was >= 0) & (was != seen)
    elif name == MONOTONIC_WRITES:
        doubt = groups.is_write & (_last(groups, groups.is_write) >= 0)
    else:
        foreign = ~groups.is_write & (seen >= 0) & (seen != groups.session)
        doubt = groups.is_write & (_last(groups, foreign) >= 0)
    found = (doubt & ~table.explicit[groups.key] & ~suspect[groups.key]).nonzero()[0]
    return int(groups.key[found[0]]) if len(found) else None


def invocations(table: Table, keys: Collection[int]) -> list[int]:
    """The invocations of all operations on these keys."""
    chosen = np.zeros(len(table.clear), np.bool_)
    chosen[list(keys)] = True
    columns = table.columns
    client = ((columns.types == INVOKE) & (columns.processes >= 0)).nonzero()[0]
    lines: list[int] = client[chosen[_keys(columns, client)]].tolist()
    return lines

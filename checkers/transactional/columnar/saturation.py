"""What the reads of registers force on the order of the writes, compiled: as ``register.saturation`` has it, of which
this is the same argument, for histories in which every read has one known source.

If a reader could see ``seen``'s write of a register and saw ``source``'s instead, ``seen`` came before ``source``: an
edge. Where it saw what was there at the beginning, the level is refuted, and the edge leads to nowhere (NOWHERE). Here
every read is asked, and edges may be there twice; no more is forced by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.transactional.columnar.sources import INITIAL
from checkers.transactional.graph import KIND_BITS
from harness.columns import WRITE
from harness.compiled import allocation_free, compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

DONE, REFUTED, TOO_LONG, TOO_WIDE = range(4)
_STEPS_MAX: Final = 64


class Reads(NamedTuple):
    """What committed transactions did. Per micro-operation its act, key, transaction, and source (a transaction,
    INITIAL, or less than that); those of transaction t from ``firsts[t]`` on, those of key k from ``key_firsts[k]``
    on in ``order``. ``committed``, and the lines and sessions: of each transaction."""

    firsts: Ints
    acts: Bytes
    keys: Shorts
    owners: Shorts
    sources: Shorts
    key_firsts: Ints
    order: Shorts
    committed: Bytes
    invokes: Ints
    completes: Ints
    sessions: Shorts


class Forced(NamedTuple):
    """Edges; ``filled`` has one number: how many there are."""

    seen: Shorts
    sources: Shorts
    filled: Ints


@inlined
def force(forced: Forced, seen: int, source: int) -> int:
    """DONE, REFUTED, or TOO_LONG if there is no space."""
    if source == INITIAL:
        return REFUTED
    count = forced.filled[0]
    if count == len(forced.seen):
        return TOO_LONG
    forced.seen[count], forced.sources[count] = seen, source
    forced.filled[0] = count + 1
    return DONE


@allocation_free
def wrote(reads: Reads, transaction: int, key: int) -> bool:
    for micro in range(reads.firsts[transaction], reads.firsts[transaction + 1]):
        if reads.acts[micro] == WRITE and reads.keys[micro] == key:
            return True
    return False


@compiled
def read_from(reads: Reads, forced: Forced, later_only: bool) -> int:
    """Reads beside those of another transaction that wrote the same register; or only those after such a read."""
    for transaction in range(len(reads.committed)):
        begin, end = reads.firsts[transaction], reads.firsts[transaction + 1]
        for micro in range(begin, end):
            source = reads.sources[micro]
            if source < INITIAL:
                continue
            for other in range(begin, micro if later_only else end):
                seen = reads.sources[other]
                if seen > INITIAL and seen != source:
                    if end - begin > _STEPS_MAX or reads.firsts[seen + 1] - reads.firsts[seen] > _STEPS_MAX:
                        return TOO_LONG
                    if wrote(reads, seen, reads.keys[micro]):
                        how = force(forced, seen, source)
                        if how != DONE:
                            return how
    return DONE


@compiled
def came_before_in_session(reads: Reads, forced: Forced, sessions: int) -> int:
    """Reads after the last transaction of the same session that wrote the same register. Each transaction of a session
    must have completed before the next one began."""
    writers, keys = np.zeros(sessions, np.int32), np.full(sessions, -1, np.int32)
    for key in range(len(reads.key_firsts) - 1):
        for place in range(reads.key_firsts[key], reads.key_firsts[key + 1]):
            micro = reads.order[place]
            transaction = reads.owners[micro]
            session = reads.sessions[transaction]
            if reads.acts[micro] == WRITE:
                if reads.committed[transaction]:
                    writers[session], keys[session] = transaction, key
            elif reads.sources[micro] >= INITIAL and keys[session] == key:
                seen = writers[session]
                if seen != transaction and seen != reads.sources[micro]:
                    how = force(forced, seen, reads.sources[micro])
                    if how != DONE:
                        return how
    return DONE


@compiled
def writers_by_completion(reads: Reads, ends: Shorts) -> tuple[Ints, Shorts]:
    """Of each key the transactions that wrote it, of ``ends`` and in that order."""
    keys = len(reads.key_firsts) - 1
    firsts, latest = np.zeros(keys + 2, np.int64), np.full(keys, -1, np.int32)
    for transaction in ends:
        for micro in range(reads.firsts[transaction], reads.firsts[transaction + 1]):
            if reads.acts[micro] == WRITE and latest[reads.keys[micro]] != transaction:
                latest[reads.keys[micro]] = transaction
                firsts[reads.keys[micro] + 2] += 1
    for key in range(keys):
        firsts[key + 2] += firsts[key + 1]
    latest[:] = -1
    writers = np.empty(firsts[-1], np.int32)
    for transaction in ends:
        for micro in range(reads.firsts[transaction], reads.firsts[transaction + 1]):
            key = reads.keys[micro]
            if reads.acts[micro] == WRITE and latest[key] != transaction:
                latest[key] = transaction
                writers[firsts[key + 1]] = transaction
                firsts[key + 1] += 1
    return firsts[:-1], writers


@compiled
def came_before_in_time(reads: Reads, forced: Forced, ends: Shorts) -> int:
    """Reads after transactions that wrote the same register and had completed: but for what others of these imply.
    ``ends``: all that completed, by that. Of the readers of one source the last one could see the most."""
    firsts, writers = writers_by_completion(reads, ends)
    asked = np.full(len(reads.committed) + 1, -1, np.int32)  # of each source the key; INITIAL is the last one
    for key in range(len(reads.key_firsts) - 1):
        for place in range(reads.key_firsts[key + 1] - 1, reads.key_firsts[key] - 1, -1):
            micro = reads.order[place]
            source = reads.sources[micro]
            if source < INITIAL or asked[source] == key:
                continue
            asked[source] = key
            how = latest_before(reads, forced, reads.owners[micro], source, firsts[key], firsts[key + 1], writers)
            if how != DONE:
                return how
    return DONE


@allocation_free
def latest_before(reads: Reads, forced: Forced, reader: int, source: int, begin: int, end: int, writers: Shorts) -> int:
    """Those of ``writers`` from ``begin`` to ``end`` that completed before the reader began, and before no other one
    of these, nor the source, began."""
    before = reads.invokes[reader]
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if reads.completes[writers[middle]] < before:
            low = middle + 1
        else:
            high = middle
    began = -1
    for place in range(low - 1, begin - 1, -1):
        writer = writers[place]
        if reads.completes[writer] < began:
            return DONE
        began = max(began, reads.invokes[writer])
        if writer != source and writer != reader:
            how = force(forced, writer, source)
            if how != DONE:
                return how
    return DONE


class Clocks(NamedTuple):
    """Vector clocks. ``past[rows[v], c]`` transactions of chain c come before node v, as long as v has a row: until all
    that follow it are done, which ``waiting`` counts; ``free`` are the other rows.

    Of each transaction its chain and its place there, from 1 on; only of those that something follows. ``tails`` and
    ``sizes``: of each chain its last transaction so far, and how many it has. ``counts``: how many chains there are,
    how many free rows, and how many entries.

    Who wrote a key, so far: a list of entries that begins at ``heads[key]`` (1 + entry; 0 is its end). An entry is of
    one chain; ``latest`` is its last write there (a micro-operation), and ``previous[write]`` the one before (plus 1).
    """

    past: Shorts
    rows: Shorts
    waiting: Shorts
    free: Shorts
    chains: Shorts
    places: Shorts
    tails: Shorts
    sizes: Shorts
    counts: Ints
    heads: Shorts
    entry_chains: Shorts
    latest: Shorts
    following: Shorts
    previous: Shorts


CHAINS, FREE, ENTRIES, COUNTS_SIZE = range(4)


def empty_clocks(waiting: Shorts, transactions: int, keys: int, micros: int, rows: int, width: int) -> Clocks:
    """For so many clocks at a time, and at most ``width`` chains."""
    counts = np.zeros(COUNTS_SIZE, np.int64)
    counts[FREE] = rows
    return Clocks(
        past=np.zeros((rows, width), np.int32),
        rows=np.full(len(waiting), -1, np.int32),
        waiting=waiting.copy(),
        free=np.arange(rows, dtype=np.int32),
        chains=np.full(transactions, -1, np.int32),
        places=np.zeros(transactions, np.int32),
        tails=np.full(width, -1, np.int32),
        sizes=np.zeros(width, np.int32),
        counts=counts,
        heads=np.zeros(keys, np.int32),
        entry_chains=np.zeros(micros, np.int32),
        latest=np.zeros(micros, np.int32),
        following=np.zeros(micros, np.int32),
        previous=np.zeros(micros, np.int32),
    )


@allocation_free
def begin(clocks: Clocks, node: int, first: int, last: int, predecessors: Shorts, transactions: int) -> bool:
    """Give the node a clock: the latest of those before it. False if there is no space."""
    if clocks.counts[FREE] == 0:
        return False
    clocks.counts[FREE] -= 1
    row = clocks.free[clocks.counts[FREE]]
    clocks.rows[node] = row
    count = clocks.counts[CHAINS]
    for chain in range(count):
        clocks.past[row, chain] = 0
    for place in range(first, last):
        source = predecessors[place] >> KIND_BITS
        other = clocks.rows[source]
        for chain in range(count):
            clocks.past[row, chain] = max(clocks.past[row, chain], clocks.past[other, chain])
        if source < transactions:
            chain = clocks.chains[source]
            clocks.past[row, chain] = max(clocks.past[row, chain], clocks.places[source])
    return True


@allocation_free
def finish(clocks: Clocks, node: int, first: int, last: int, predecessors: Shorts) -> None:
    """Take the clocks back that are not needed any more."""
    for place in range(first, last):
        source = predecessors[place] >> KIND_BITS
        clocks.waiting[source] -= 1
        if clocks.waiting[source] == 0:
            clocks.free[clocks.counts[FREE]] = clocks.rows[source]
            clocks.counts[FREE] += 1
    if clocks.waiting[node] == 0:
        clocks.free[clocks.counts[FREE]] = clocks.rows[node]
        clocks.counts[FREE] += 1


@allocation_free
def join_chain(clocks: Clocks, node: int, following: Shorts) -> bool:
    """Put a transaction at the end of a chain all of which comes before it: that of its session; or one whose session
    has ended; or a new one."""
    count, row, chain = clocks.counts[CHAINS], clocks.rows[node], 0
    while chain < count and following[clocks.tails[chain]] != node:
        chain += 1
    if chain == count:
        chain = 0
        while chain < count and (following[clocks.tails[chain]] >= 0 or clocks.past[row, chain] != clocks.sizes[chain]):
            chain += 1
    if chain == len(clocks.sizes):
        return False
    if chain == clocks.counts[CHAINS]:  # which nobody has seen anything of
        clocks.counts[CHAINS] += 1
        for other in range(len(clocks.past)):
            clocks.past[other, chain] = 0
    clocks.tails[chain] = node
    clocks.sizes[chain] += 1
    clocks.chains[node], clocks.places[node] = chain, clocks.sizes[chain]
    return True


@allocation_free
def see(reads: Reads, forced: Forced, clocks: Clocks, reader: int, key: int, source: int) -> int:
    """Of each chain the last writer of the key that comes before the reader, unless it is the source or came before
    that."""
    entry = clocks.heads[key] - 1
    steps = 0
    while entry >= 0:
        chain, micro = clocks.entry_chains[entry], clocks.latest[entry]
        reached = clocks.past[clocks.rows[reader], chain]
        while micro >= 0 and clocks.places[reads.owners[micro]] > reached:
            micro = clocks.previous[micro] - 1
            steps += 1
        if steps > _STEPS_MAX:
            return TOO_LONG
        entry = clocks.following[entry] - 1
        if micro < 0:
            continue
        seen = reads.owners[micro]
        if seen == source or (source != INITIAL and clocks.past[clocks.rows[source], chain] >= clocks.places[seen]):
            continue
        how = force(forced, seen, source)
        if how != DONE:
            return how
    return DONE


@allocation_free
def note_writes(reads: Reads, clocks: Clocks, transaction: int) -> None:
    """From now on its writes may be seen."""
    chain = clocks.chains[transaction]
    for micro in range(reads.firsts[transaction], reads.firsts[transaction + 1]):
        if reads.acts[micro] != WRITE:
            continue
        key = reads.keys[micro]
        entry = clocks.heads[key] - 1
        while entry >= 0 and clocks.entry_chains[entry] != chain:
            entry = clocks.following[entry] - 1
        if entry < 0:
            entry = clocks.counts[ENTRIES]
            clocks.counts[ENTRIES] += 1
            clocks.entry_chains[entry], clocks.following[entry] = chain, clocks.heads[key]
            clocks.heads[key] = entry + 1
        else:
            clocks.previous[micro] = clocks.latest[entry] + 1
        clocks.latest[entry] = micro


@allocation_free
def could_see(
    reads: Reads, forced: Forced, order: Shorts, firsts: Ints, predecessors: Shorts, following: Shorts, clocks: Clocks
) -> int:
    """Reads after the last writer of the same register of each chain. ``order`` is a topological one of the graph of
    reads and the order of the form, whose edges into node v are ``predecessors[firsts[v] : firsts[v + 1]]``;
    ``following``: of each transaction the next one of its session that something follows, or -1. TOO_WIDE if there is
    too little space in ``clocks``."""
    transactions = len(reads.committed)
    for place in range(len(order)):
        node = order[place]
        if node < transactions and not reads.committed[node]:
            continue
        if not begin(clocks, node, firsts[node], firsts[node + 1], predecessors, transactions):
            return TOO_WIDE
        if node < transactions:
            for micro in range(reads.firsts[node], reads.firsts[node + 1]):
                if reads.sources[micro] >= INITIAL:
                    how = see(reads, forced, clocks, node, reads.keys[micro], reads.sources[micro])
                    if how != DONE:
                        return how
            if clocks.waiting[node]:
                if not join_chain(clocks, node, following):
                    return TOO_WIDE
                note_writes(reads, clocks, node)
        finish(clocks, node, firsts[node], firsts[node + 1], predecessors)
    return DONE

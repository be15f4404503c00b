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
    INITIAL, or less than that); those of transaction t from ``firsts[t]`` on, those of key k from ``key_firsts[k]`` on in
    ``order``. ``committed``, and the lines and sessions: of each transaction."""

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
    """Edges; ``count`` has one number: how many there are."""

    seen: Shorts
    sources: Shorts
    count: Ints


@inlined
def force(forced: Forced, seen: int, source: int) -> int:
    """DONE, REFUTED, or TOO_LONG if there is no space."""
    if source == INITIAL:
        return REFUTED
    count = forced.count[0]
    if count == len(forced.seen):
        return TOO_LONG
    forced.seen[count], forced.sources[count] = seen, source
    forced.count[0] = count + 1
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
    """A vector clock per node of the graph: ``past[v, c]`` of the transactions of chain c come before v. Of each
    transaction its chain, and its place there, from 1 on. ``tails``: of each chain the last transaction so far;
    ``sizes`` how many it has; ``count`` (one number) how many chains there are."""

    past: Shorts
    chains: Shorts
    places: Shorts
    tails: Shorts
    sizes: Shorts
    count: Ints


def empty_clocks(nodes: int, transactions: int, width: int) -> Clocks:
    """Of no transactions yet, for at most ``width`` chains."""
    return Clocks(np.zeros((nodes, width), np.int32), np.full(transactions, -1, np.int32),
                  np.zeros(transactions, np.int32), np.full(width, -1, np.int32), np.zeros(width, np.int32),
                  np.zeros(1, np.int64))  # fmt: skip


@allocation_free
def join_chain(clocks: Clocks, node: int, following: Shorts) -> bool:
    """Put a transaction at the end of a chain all of which comes before it: that of its session; or one whose session
    has ended; or a new one."""
    chain = 0
    while chain < clocks.count[0]:
        next_ = following[clocks.tails[chain]]
        if next_ == node or (next_ < 0 and clocks.past[node, chain] == clocks.sizes[chain]):
            break
        chain += 1
    if chain == len(clocks.sizes):
        return False
    clocks.count[0] = max(clocks.count[0], chain + 1)
    clocks.tails[chain] = node
    clocks.sizes[chain] += 1
    clocks.chains[node], clocks.places[node] = chain, clocks.sizes[chain]
    return True


@allocation_free
def pass_on(clocks: Clocks, node: int, target: int, transactions: int) -> None:
    """What comes before a node comes before the target; and the node itself."""
    for chain in range(clocks.count[0]):
        clocks.past[target, chain] = max(clocks.past[target, chain], clocks.past[node, chain])
    if node < transactions:
        chain = clocks.chains[node]
        clocks.past[target, chain] = max(clocks.past[target, chain], clocks.places[node])


@allocation_free
def see(
    reads: Reads, forced: Forced, clocks: Clocks, reader: int, key: int, source: int, latest: Shorts, previous: Shorts
) -> int:
    """Of each chain the last writer of the key that comes before the reader, unless it is the source or came before
    that. ``latest[key, chain]`` is a write (1 + micro-operation) so far, ``previous`` the one before it."""
    for chain in range(clocks.count[0]):
        micro = latest[key, chain] - 1
        steps = 0
        while micro >= 0 and clocks.places[reads.owners[micro]] > clocks.past[reader, chain]:
            micro = previous[micro] - 1
            steps += 1
            if steps > _STEPS_MAX:
                return TOO_LONG
        if micro < 0:
            continue
        seen = reads.owners[micro]
        if seen == source or (source != INITIAL and clocks.past[source, chain] >= clocks.places[seen]):
            continue
        how = force(forced, seen, source)
        if how != DONE:
            return how
    return DONE


@compiled
def could_see(
    reads: Reads, forced: Forced, order: Shorts, firsts: Ints, codes: Shorts, following: Shorts, clocks: Clocks,
    latest: Shorts,
) -> int:  # fmt: skip
    """Reads after the last writer of the same register of each chain. ``order`` is a topological one of the graph
    (``firsts``, ``codes``) of reads and the order of the form; ``following``: of each transaction the next one of its
    session, or -1; ``latest`` is zero for each key and chain."""
    transactions = len(reads.committed)
    previous = np.zeros(len(reads.owners), np.int32)
    for node in order:
        if node < transactions:
            if not reads.committed[node]:
                continue
            if not join_chain(clocks, node, following):
                return TOO_WIDE
            for micro in range(reads.firsts[node], reads.firsts[node + 1]):
                if reads.sources[micro] >= INITIAL:
                    how = see(reads, forced, clocks, node, reads.keys[micro], reads.sources[micro], latest, previous)
                    if how != DONE:
                        return how
            for micro in range(reads.firsts[node], reads.firsts[node + 1]):
                if reads.acts[micro] == WRITE:
                    key, chain = reads.keys[micro], clocks.chains[node]
                    previous[micro] = latest[key, chain]
                    latest[key, chain] = micro + 1
        for place in range(firsts[node], firsts[node + 1]):
            pass_on(clocks, node, codes[place] >> KIND_BITS, transactions)
    return DONE

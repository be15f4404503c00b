"""The graph of :mod:`checkers.transactional.graph` as arrays, compiled: the same nodes, joints and edges, in its order.

So whatever is found in it, is found in the plain graph: the same order of transactions, the same components, the same
cycles first. An edge is a source and, as there, ``target << 3 | kind``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from checkers.transactional.graph import KIND_BITS, KIND_MASK, NEXT, PROCESS, REALTIME, RW, WR, WW
from harness.columns import APPEND
from harness.compiled import allocation_free, compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

EDGES, NODES, STATE_SIZE = range(3)
_NONE: Final = -1


class Lists(NamedTuple):
    """The versions of all keys. Of key k ``writers[firsts[k]:firsts[k + 1]]`` are the writers of its elements;
    ``tails``, from ``tail_firsts[k]`` on, those whose appends nobody read; ``order``, from ``key_firsts[k]`` on, its
    micro-operations; ``ranked`` the keys that were read, in the order of their first reads."""

    ranked: Shorts
    firsts: Ints
    writers: Shorts
    tail_firsts: Ints
    tails: Shorts
    key_firsts: Ints
    order: Shorts


class Edges(NamedTuple):
    sources: Shorts
    codes: Shorts
    state: Ints


@inlined
def add(edges: Edges, source: int, target: int, kind: int) -> None:
    count = edges.state[EDGES]
    edges.sources[count], edges.codes[count] = source, target << KIND_BITS | kind
    edges.state[EDGES] = count + 1


@inlined
def joints(edges: Edges, count: int) -> int:
    """The first of so many new joints."""
    first: int = edges.state[NODES]
    edges.state[NODES] = first + count
    return first


@allocation_free
def add_versions(edges: Edges, lists: Lists, key: int) -> None:
    """From each version to the next, and from the last one that anybody read to all that nobody did."""
    last = _NONE
    for place in range(lists.firsts[key], lists.firsts[key + 1]):
        writer = lists.writers[place]
        if writer != last:
            if last != _NONE:
                add(edges, last, writer, WW)
            last = writer
    if last != _NONE:
        for place in range(lists.tail_firsts[key], lists.tail_firsts[key + 1]):
            if lists.tails[place] != last:
                add(edges, last, lists.tails[place], WW)


@allocation_free
def add_reads(edges: Edges, lists: Lists, key: int, owners: Shorts, acts: Bytes, places: Shorts, at_end: Shorts) -> int:
    """From each version to its readers, from these to the next one; how many readers of the last version are now in
    ``at_end``, if there is a tail."""
    first = lists.firsts[key]
    end = lists.firsts[key + 1] - first
    has_tail = lists.tail_firsts[key + 1] > lists.tail_firsts[key]
    count = 0
    for place in range(lists.key_firsts[key], lists.key_firsts[key + 1]):
        micro = lists.order[place]
        seen = places[micro]
        if acts[micro] == APPEND or seen < 0:
            continue
        reader = owners[micro]
        if seen and lists.writers[first + seen - 1] != reader:
            add(edges, lists.writers[first + seen - 1], reader, WR)
        if seen < end:
            if lists.writers[first + seen] != reader:
                add(edges, reader, lists.writers[first + seen], RW)
        elif has_tail and (count == 0 or at_end[count - 1] != reader):
            at_end[count] = reader
            count += 1
    return count


@allocation_free
def add_tail(edges: Edges, lists: Lists, key: int, at_end: Shorts, count: int) -> None:
    """From each reader of the last version that anybody read to every writer of a later one but itself."""
    begin, end = lists.tail_firsts[key], lists.tail_firsts[key + 1]
    size = end - begin
    after, before = joints(edges, size), _NONE
    for place in range(size):
        add(edges, after + place, lists.tails[begin + place], NEXT)
        if place + 1 < size:
            add(edges, after + place, after + place + 1, NEXT)
    following = 0  # readers and writers both ascend
    for number in range(count):
        reader = at_end[number]
        while following < size and lists.tails[begin + following] < reader:
            following += 1
        own = following < size and lists.tails[begin + following] == reader
        onward = following + 1 if own else 0
        if onward < size:
            add(edges, reader, after + onward, RW)
        if own and following > 0:
            if before == _NONE:
                before = joints(edges, size)
                for place in range(size):
                    add(edges, before + place, lists.tails[begin + place], NEXT)
                    if place:
                        add(edges, before + place, before + place - 1, NEXT)
            add(edges, reader, before + following - 1, RW)


@allocation_free
def add_lists(edges: Edges, lists: Lists, owners: Shorts, acts: Bytes, places: Shorts, at_end: Shorts) -> None:
    """Everything that the versions of all keys tell. ``at_end`` is space for the readers of one key."""
    for key in lists.ranked:
        add_versions(edges, lists, key)
        count = add_reads(edges, lists, key, owners, acts, places, at_end)
        if count:
            add_tail(edges, lists, key, at_end, count)


class Times(NamedTuple):
    """Of each transaction its lines, ``completes`` only of what is ok, else -1; and its session (0, 1, ...)."""

    invokes: Ints
    completes: Ints
    sessions: Shorts


@compiled
def followers(committed: Shorts, times: Times, sessions: int) -> tuple[Shorts, Shorts, Bytes]:
    """Of each transaction the next one of its session, -1 at the end; of each session the first one; and whether it is
    regular: each of its transactions completed before the next one began."""
    following = np.full(len(times.invokes), -1, np.int32)
    first, last = np.full(sessions, -1, np.int32), np.full(sessions, -1, np.int32)
    regular = np.ones(sessions, np.uint8)
    for number in committed:
        session = times.sessions[number]
        previous = last[session]
        if previous < 0:
            first[session] = number
        else:
            following[previous] = number
            if not 0 <= times.completes[previous] < times.invokes[number]:
                regular[session] = 0
        last[session] = number
    return following, first, regular


@allocation_free
def add_completion_order(edges: Edges, members: Shorts, ends: Shorts, times: Times, kind: int) -> None:
    """Completed before the other's invocation: a chain of joints, one per invocation that follows a completion.
    ``ends``: those that completed, by their completions."""
    done, joint = 0, _NONE
    for number in members:
        if done < len(ends) and times.completes[ends[done]] < times.invokes[number]:
            previous, joint = joint, joints(edges, 1)
            if previous != _NONE:
                add(edges, previous, joint, kind)
            while done < len(ends) and times.completes[ends[done]] < times.invokes[number]:
                add(edges, ends[done], joint, kind)
                done += 1
        if joint != _NONE:
            add(edges, joint, number, kind)


@compiled
def add_sessions(edges: Edges, committed: Shorts, times: Times, sessions: int) -> None:
    """The order inside sessions."""
    following, first, regular = followers(committed, times, sessions)
    for number in committed:
        if regular[times.sessions[number]] and following[number] >= 0:
            add(edges, number, following[number], PROCESS)
    if regular.all():
        return
    for start in committed:
        session = times.sessions[start]
        if first[session] == start and not regular[session]:
            add_irregular(edges, following, start, times)


@compiled
def add_irregular(edges: Edges, following: Shorts, start: int, times: Times) -> None:
    """A session with a transaction of which nobody knows when it ended."""
    count, number = 0, start
    while number >= 0:
        count += 1
        number = following[number]
    members, ends = np.empty(count, np.int32), np.empty(count, np.int32)
    done, number = 0, start
    for place in range(count):
        members[place] = number
        if times.completes[number] >= 0:  # of one process, in this order
            ends[done] = number
            done += 1
        number = following[number]
    add_completion_order(edges, members, ends[:done], times, PROCESS)


@compiled
def by_completion(committed: Shorts, times: Times, lines: int) -> Shorts:
    """Those that completed, by their completions."""
    at_line = np.full(lines, -1, np.int32)
    for number in committed:
        if times.completes[number] >= 0:
            at_line[times.completes[number]] = number
    ends = np.empty(len(committed), np.int32)
    count = 0
    for number in at_line:
        if number >= 0:
            ends[count] = number
            count += 1
    return ends[:count]


@compiled
def build(
    lists: Lists, owners: Shorts, acts: Bytes, places: Shorts, committed: Shorts, times: Times, sessions: int,
    lines: int,
) -> tuple[Ints, Shorts]:  # fmt: skip
    """All edges, by their sources: those out of node v are ``codes[firsts[v] : firsts[v + 1]]``."""
    transactions = len(times.invokes)
    space = len(lists.writers) + 5 * len(lists.tails) + 4 * len(owners) + 7 * len(committed) + 16
    edges = Edges(np.empty(space, np.int32), np.empty(space, np.int32), np.zeros(STATE_SIZE, np.int64))
    edges.state[NODES] = transactions
    add_lists(edges, lists, owners, acts, places, np.empty(len(owners) + 1, np.int32))
    add_sessions(edges, committed, times, sessions)
    add_completion_order(edges, committed, by_completion(committed, times, lines), times, REALTIME)
    return by_source(edges.sources[: edges.state[EDGES]], edges.codes, edges.state[NODES])


@compiled
def dependencies(
    owners: Shorts, sources: Shorts, committed: Shorts, times: Times, sessions: int, lines: int, realtime: int
) -> tuple[Shorts, Shorts, int]:
    """Of registers: the reads, whose ``sources`` are known, and the order of sessions (with ``realtime`` 0), or of real
    time, too (1), or none (-1), as edges, and how many nodes there are."""
    space = len(owners) + 7 * len(committed) + 16
    edges = Edges(np.empty(space, np.int32), np.empty(space, np.int32), np.zeros(STATE_SIZE, np.int64))
    edges.state[NODES] = len(times.invokes)
    for micro in range(len(owners)):
        if sources[micro] >= 0:
            add(edges, sources[micro], owners[micro], WR)
    if realtime >= 0:
        add_sessions(edges, committed, times, sessions)
    if realtime > 0:
        add_completion_order(edges, committed, by_completion(committed, times, lines), times, REALTIME)
    count = edges.state[EDGES]
    return edges.sources[:count].copy(), edges.codes[:count].copy(), edges.state[NODES]


@compiled
def by_source(sources: Shorts, codes: Shorts, nodes: int) -> tuple[Ints, Shorts]:
    firsts = np.zeros(nodes + 2, np.int64)
    for source in sources:
        firsts[source + 2] += 1
    for node in range(nodes):
        firsts[node + 2] += firsts[node + 1]
    sorted_ = np.empty(len(sources), np.int32)
    for place in range(len(sources)):
        source = sources[place]
        sorted_[firsts[source + 1]] = codes[place]
        firsts[source + 1] += 1
    return firsts[:-1], sorted_


@compiled
def peeled(firsts: Ints, codes: Shorts, kinds: int) -> tuple[Shorts, Shorts]:
    """(a topological order of what no cycle reaches, the other nodes): Kahn 1962. Only edges of those kinds, one bit
    for each, count."""
    nodes = len(firsts) - 1
    waiting = np.zeros(nodes, np.int32)
    for code in codes:
        waiting[code >> KIND_BITS] += kinds >> (code & KIND_MASK) & 1
    order = np.empty(nodes, np.int32)
    count = 0
    for node in range(nodes):
        if waiting[node] == 0:
            order[count] = node
            count += 1
    done = 0
    while done < count:
        node = order[done]
        done += 1
        for place in range(firsts[node], firsts[node + 1]):
            code = codes[place]
            if kinds >> (code & KIND_MASK) & 1:
                target = code >> KIND_BITS
                waiting[target] -= 1
                if waiting[target] == 0:
                    order[count] = target
                    count += 1
    return order[:count].copy(), np.nonzero(waiting)[0].astype(np.int32)


@compiled
def by_invocation(into: Ints, predecessors: Shorts, transactions: int) -> Shorts:
    """A topological order of what comes before the transactions, and these: each as soon as its turn comes, right after
    what comes before it. The graph must have no cycle."""
    nodes = len(into) - 1
    order, work = np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    cursor = np.full(nodes, -1, np.int64)
    count = 0
    for root in range(transactions):
        if cursor[root] >= 0:
            continue
        work[0], cursor[root] = root, into[root]
        depth = 1
        while depth:
            node = work[depth - 1]
            if cursor[node] == into[node + 1]:
                order[count] = node
                count += 1
                depth -= 1
                continue
            source = predecessors[cursor[node]] >> KIND_BITS
            cursor[node] += 1
            if cursor[source] < 0:
                work[depth], cursor[source] = source, into[source]
                depth += 1
    return order[:count].copy()


@compiled
def components(rest: Shorts, firsts: Ints, codes: Shorts) -> tuple[Ints, Shorts]:
    """As :func:`checkers.transactional.component.components`, of all edges: component i is
    ``members[found[i] : found[i + 1]]``."""
    nodes = len(firsts) - 1
    index, low, cursor = np.full(nodes, -1, np.int32), np.zeros(nodes, np.int32), np.zeros(nodes, np.int64)
    on_stack = np.zeros(nodes, np.uint8)
    stack, work, members = np.empty(len(rest), np.int32), np.empty(len(rest), np.int32), np.empty(len(rest), np.int32)
    found = np.zeros(len(rest) // 2 + 2, np.int64)
    known = height = parts = 0
    for root in rest:
        if index[root] >= 0:
            continue
        index[root] = low[root] = known
        known += 1
        cursor[root], stack[height], work[0] = firsts[root], root, root
        on_stack[root] = 1
        height += 1
        depth = 1
        while depth:
            node = work[depth - 1]
            if cursor[node] < firsts[node + 1]:
                target = codes[cursor[node]] >> KIND_BITS
                cursor[node] += 1
                if index[target] < 0:
                    index[target] = low[target] = known
                    known += 1
                    cursor[target], stack[height], work[depth] = firsts[target], target, target
                    on_stack[target] = 1
                    height += 1
                    depth += 1
                elif on_stack[target] and index[target] < low[node]:
                    low[node] = index[target]
                continue
            depth -= 1
            if depth and low[node] < low[work[depth - 1]]:
                low[work[depth - 1]] = low[node]
            if low[node] == index[node]:
                place = height - 1
                while stack[place] != node:
                    place -= 1
                for each in stack[place:height]:
                    on_stack[each] = 0
                if place < height - 1:
                    size = height - place
                    members[found[parts] : found[parts] + size] = stack[place:height]
                    found[parts + 1] = found[parts] + size
                    parts += 1
                height = place
    return found[: parts + 1], members

"""Who saw and who missed whose writes, as a graph; and its shortest cycles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError
from checkers.long_fork.reading import Scene, Strange, Write
from checkers.transactional.component import components

_VISITS_MAX: Final = 2_000_000
_WRITERS_MAX: Final = 64  # of a key that is looked at; there should be one
_SHORTEST: Final = 2  # edges: a writer, its reader


class Edge(NamedTuple):
    """From node to node, and why: what was seen or missed; None where a transaction's own write follows what it saw.

    Node 2n is the write of transaction n, node 2n + 1 the moment at which it read."""

    source: int
    target: int
    write: Write | None


@dataclass(slots=True)
class Graph:
    """``successors``: node -> {node: the reason}."""

    successors: list[dict[int, Write | None]]
    strange: list[Strange] = field(default_factory=list)
    tested: int = 0
    """How many transactions read two keys or more, of others."""
    unclear: Write | None = None
    """A write that is not alone on its key."""


def build(scene: Scene) -> Graph:
    graph = Graph([{} for _ in range(2 * len(scene.transactions))])
    for number, each in enumerate(scene.transactions):
        moment = 2 * number + 1
        graph.tested += len(each.seen) + len(each.missed) >= 2
        for key, value in each.seen.items():
            writer = _writer(scene, graph, number, Write(key, value))
            if writer is not None:
                graph.successors[2 * writer].setdefault(moment, Write(key, value))
        for key in each.missed:
            for writer in scene.writers_of_key.get(key, [])[:_WRITERS_MAX]:
                if writer != number:
                    write = Write(key, scene.transactions[writer].wrote[key])
                    graph.successors[moment].setdefault(2 * writer, write)
        if each.wrote:
            graph.successors[moment].setdefault(2 * number, None)
    for key, writers in scene.writers_of_key.items():
        if len(writers) > 1 and graph.unclear is None:
            graph.unclear = Write(key, scene.transactions[writers[1]].wrote[key])
    return graph


def _writer(scene: Scene, graph: Graph, reader: int, read: Write) -> int | None:
    """Whose write was read, if that is known; whatever is strange about it is noted."""
    call = scene.transactions[reader].call
    assert call.complete is not None, "an ok operation has completed"
    writers = scene.writers.get(read, [])
    able = [each for each in writers if each != reader and scene.transactions[each].call.invoke < call.complete]
    if able:
        return able[0] if len(able) == 1 else None
    if writers:
        graph.strange.append(Strange("future-read", call, read, scene.transactions[writers[0]].call))
    elif failed := scene.failed.get(read):
        graph.strange.append(Strange("G1a", call, read, failed[0]))
    else:
        graph.strange.append(Strange("garbage-read", call, read))
    return None


def cycles(graph: Graph, deadline: float | None) -> Iterator[list[Edge]]:
    """A short cycle of each strongly connected component; the shortest, where the component is not huge."""
    nodes = [node for node, edges in enumerate(graph.successors) if edges]
    lists = [list(edges) for edges in graph.successors]
    for component in components(nodes, lists.__getitem__):
        yield _shortest(graph, component, deadline)


def _shortest(graph: Graph, component: Sequence[int], deadline: float | None) -> list[Edge]:
    inside = set(component)
    best: list[Edge] = []
    visits = 0
    for root in sorted(component):
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"a circle of up to {len(component) // 2} transactions was being searched")
        if not root % 2 or (best and visits > _VISITS_MAX):
            continue  # every cycle has a reader
        found, seen = _from(graph, root, inside, len(best))
        visits += seen
        best = found or best
        if len(best) == _SHORTEST:
            break
    assert best, "a component has a cycle through one of its readers"
    return best


def _from(graph: Graph, root: int, inside: set[int], bound: int) -> tuple[list[Edge], int]:
    """The shortest cycle through the root that is shorter than ``bound`` (0: any), and how many nodes were seen."""
    parents = {root: root}
    depths = {root: 0}
    queue = deque((root,))
    while queue:
        node = queue.popleft()
        if bound and depths[node] + 1 >= bound:
            break
        for target in graph.successors[node]:
            if target == root:
                return _path(graph, parents, root, node), len(parents)
            if target in inside and target not in parents:
                parents[target], depths[target] = node, depths[node] + 1
                queue.append(target)
    return [], len(parents)


def _path(graph: Graph, parents: dict[int, int], root: int, last: int) -> list[Edge]:
    nodes = [root, last]
    while nodes[-1] != root:
        nodes.append(parents[nodes[-1]])
    nodes.reverse()
    return [Edge(a, b, graph.successors[a][b]) for a, b in pairwise(nodes)]

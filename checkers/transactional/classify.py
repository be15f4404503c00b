"""Which kinds of cycles a part has, each kind with a shortest one: G0, G1c, G-single, G-nonadjacent, G2-item.

A kind is what its shortest proof needs: exactly these edges, an -process or -realtime one only where the plain one was
not found. The verdicts do not depend on it, so the search is bounded: past the bound a kind may be missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from checkers.transactional.component import components
from checkers.transactional.cycle import Cycle, Edge, Part, contracted
from checkers.transactional.decide import Violation
from checkers.transactional.graph import NEXT, PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Order
from checkers.transactional.pattern import name

VISITS_MAX: Final = 400_000
BASES: Final = ("G0", "G1c", "G-single", "G-nonadjacent", "G2-item")
_SUFFIXES: Final[Mapping[Order, tuple[tuple[str, int | None], ...]]] = {
    Order.NONE: (("", None),),
    Order.SESSION: (("", None), ("-process", PROCESS)),
    Order.REALTIME: (("", None), ("-process", PROCESS), ("-realtime", REALTIME)),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How cycles of a kind go on from their first edges: ``dependencies`` are walked freely, rw only where ``more``
    asks for another one or ``free`` allows any; ``order`` must be walked at least once."""

    first: tuple[int, ...]
    dependencies: tuple[int, ...]
    more: bool = False
    free: bool = False


_KINDS: Final[Mapping[str, _Kind]] = {
    "G0": _Kind((WW,), (WW,)),
    "G1c": _Kind((WR,), (WW, WR)),
    "G-single": _Kind((RW,), (WW, WR)),
    "G-nonadjacent": _Kind((RW,), (WW, WR), more=True),
    "G2-item": _Kind((RW, RW), (WW, WR), free=True),
}


def classify(part: Part, order: Order, known: Mapping[str, Violation]) -> Iterator[Violation]:
    """A shortest cycle of every kind that is not known yet."""
    present = {kind for edges in part.edges.values() for _, kind in edges}
    for base in BASES:
        kind = _KINDS[base]
        for suffix, order_kind in _SUFFIXES[order]:
            if base + suffix in known:
                break
            if not present.issuperset(kind.first) or (order_kind is not None and order_kind not in present):
                continue
            cycle = _shortest(part, kind, order_kind)
            if cycle is not None:
                assert name(cycle.kinds) == base + suffix, f"{name(cycle.kinds)} found instead of {base}{suffix}"
                yield Violation(base + suffix, cycle)
                break


Path = list[tuple[int, int]]  # (node, kind of the edge into it), from the first node of the cycle on


def _shortest(part: Part, kind: _Kind, order_kind: int | None) -> Cycle | None:
    best: tuple[Edge, ...] | None = None
    visits, exhaustive = 0, True
    part = _tied(part, kind, order_kind)
    for start in _starts(part, kind):
        if visits > VISITS_MAX:
            exhaustive = False
            break
        part.check_time()
        found, visited = _from(part, kind, order_kind, start, len(best) if best else None)
        visits += visited
        best = found or best
        if best and len(best) <= 2:
            break
    return None if best is None else Cycle(best, exhaustive)


def _tied(part: Part, kind: _Kind, order_kind: int | None) -> Part:
    """What of the part lies on cycles of edges that the kind may have at all."""
    allowed = {*kind.dependencies, order_kind} | ({RW, NEXT} if RW in kind.first else set())
    edges = {node: [edge for edge in out if edge[1] in allowed] for node, out in part.edges.items()}
    tied: dict[int, list[tuple[int, int]]] = {}
    for nodes in components(part.nodes, lambda node: [target for target, _ in edges[node]]):
        inside = set(nodes)
        tied |= {node: [edge for edge in edges[node] if edge[0] in inside] for node in nodes}
    return Part(list(tied), tied, part.transactions, part.deadline)


def _starts(part: Part, kind: _Kind) -> Iterator[Path]:
    """Every way to begin with the kind's first edges."""
    for node in part.numbers:
        paths: list[Path] = [[(node, -1)]]
        for first in kind.first:
            paths = [[*path, *step] for path in paths for step in _steps(part, path[-1][0], first)]
        yield from paths


def _steps(part: Part, node: int, kind: int) -> Iterator[Path]:
    """The ways along one edge of that kind to a transaction, through joints."""
    for target, each in part.edges[node]:
        if each == kind:
            waiting: list[Path] = [[(target, kind)]]
            while waiting:
                path = waiting.pop()
                if part.is_transaction(path[-1][0]):
                    if path[-1][0] != node:
                        yield path
                else:
                    waiting += [[*path, (further, NEXT)] for further, next_ in part.edges[path[-1][0]] if next_ == NEXT]


def _from(
    part: Part, kind: _Kind, order_kind: int | None, start: Path, bound: int | None
) -> tuple[tuple[Edge, ...] | None, int]:
    """A shortest way back from the end of ``start`` to its beginning, and how many edges were looked at."""
    root = start[0][0]
    begin = (start[-1][0], True, not kind.more, order_kind is None)
    length = len([node for node, _ in start if part.is_transaction(node)]) - 1
    if begin[0] == root:
        return (contracted(part.is_transaction, start) if order_kind is None else None), 1
    parents: dict[tuple[int, bool, bool, bool], tuple[tuple[int, bool, bool, bool], int]] = {}
    depths = {begin: length}
    queue = deque((begin,))
    visits = 0
    while queue:
        state = queue.popleft()
        node, after_rw, more, ordered = state
        if bound is not None and depths[state] + 1 >= bound:
            continue
        visits += len(part.edges[node])
        for target, each in part.edges[node]:
            if each == RW:
                if not kind.free and (not kind.more or after_rw):
                    continue
                following = (target, True, True, ordered)
            elif each == NEXT:
                following = (target, after_rw, more, ordered)
            elif each in kind.dependencies or each == order_kind:
                following = (target, False, more, ordered or each == order_kind)
            else:
                continue
            if target == root:
                if following[2] and following[3] and (kind.free or not kind.more or not following[1]):
                    edges = contracted(part.is_transaction, [*start, *_walked(parents, begin, state), (root, each)])
                    if len({edge.source for edge in edges}) == len(edges):
                        return edges, visits
                continue
            if following not in depths:
                step = part.is_transaction(target)
                parents[following] = (state, each)
                depths[following] = depths[state] + step
                (queue.append if step else queue.appendleft)(following)
    return None, visits


def _walked(
    parents: Mapping[tuple[int, bool, bool, bool], tuple[tuple[int, bool, bool, bool], int]],
    begin: tuple[int, bool, bool, bool], state: tuple[int, bool, bool, bool],
) -> Path:  # fmt: skip
    path: Path = []
    while state != begin:
        previous, kind = parents[state]
        path.append((state[0], kind))
        state = previous
    return path[::-1]

"""Strongly connected components (Tarjan 1972) without recursion, over the edges of chosen kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Successors = Callable[[int], Sequence[int]]


def components(nodes: Iterable[int], successors: Successors) -> list[list[int]]:
    """The components with more than one node, in the reverse of a topological order. ``successors(v)``: nodes."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(successors(root)))]
        while work:
            node, rest = work[-1]
            for target in rest:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(successors(target))))
                    break
                if target in on_stack and index[target] < low[node]:
                    low[node] = index[target]
            else:
                work.pop()
                if work and low[node] < low[work[-1][0]]:
                    low[work[-1][0]] = low[node]
                if low[node] == index[node]:
                    place = len(stack) - 1
                    while stack[place] != node:
                        place -= 1
                    if place < len(stack) - 1:
                        found.append(stack[place:])
                    on_stack.difference_update(stack[place:])
                    del stack[place:]
    return found


def topological(nodes: Sequence[int], successors: Successors) -> tuple[list[int], list[int]]:
    """(an order of the nodes that no cycle reaches, the others): Kahn 1962. Successors must be among the nodes."""
    waiting = dict.fromkeys(nodes, 0)
    for node in nodes:
        for target in successors(node):
            waiting[target] += 1
    order = [node for node in nodes if not waiting[node]]
    for node in order:  # grows while it is walked
        for target in successors(node):
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order, [node for node in nodes if waiting[node]] if len(order) < len(waiting) else []

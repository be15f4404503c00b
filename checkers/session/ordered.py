"""The order of writes as far as it is known: a graph of what comes before what, and why."""

from __future__ import annotations

from collections.abc import Iterator

from checkers.session.violation import Step

_STARTS_MAX = 16


class Graph:
    """Steps between writes. Parallel ones are kept once: the first reason is as good as any other."""

    def __init__(self) -> None:
        self.successors: dict[int, dict[int, Step]] = {}

    def add(self, step: Step) -> None:
        self.successors.setdefault(step.second.number, {})
        self.successors.setdefault(step.first.number, {}).setdefault(step.second.number, step)

    def cycles(self) -> Iterator[tuple[Step, ...]]:
        """A short cycle in each strongly connected part that has one."""
        for part in self._parts():
            starts = sorted(part)[:_STARTS_MAX]
            found = [self._cycle(start, part) for start in starts]
            yield min(found, key=len)

    def _parts(self) -> Iterator[set[int]]:
        """The strongly connected parts of more than one node (Tarjan, without recursion)."""
        index: dict[int, int] = {}
        low: dict[int, int] = {}
        open_: list[int] = []
        is_open: set[int] = set()
        for root in self._residue():
            if root in index:
                continue
            index[root] = low[root] = len(index)
            open_.append(root)
            is_open.add(root)
            frames = [(root, iter(self.successors[root]))]
            while frames:
                node, rest = frames[-1]
                target = next(rest, None)
                if target is not None:
                    if target not in index:
                        index[target] = low[target] = len(index)
                        open_.append(target)
                        is_open.add(target)
                        frames.append((target, iter(self.successors[target])))
                    elif target in is_open:
                        low[node] = min(low[node], index[target])
                    continue
                frames.pop()
                if frames:
                    low[frames[-1][0]] = min(low[frames[-1][0]], low[node])
                if low[node] == index[node]:
                    part = {open_.pop()}
                    while node not in part:
                        part.add(open_.pop())
                    is_open -= part
                    if len(part) > 1:
                        yield part

    def _residue(self) -> list[int]:
        """The nodes that are left when those without predecessors are taken away, again and again."""
        pending = dict.fromkeys(self.successors, 0)
        for targets in self.successors.values():
            for target in targets:
                pending[target] += 1
        ready = [node for node, count in pending.items() if not count]
        for node in ready:
            for target in self.successors[node]:
                pending[target] -= 1
                if not pending[target]:
                    ready.append(target)
        return [node for node, count in pending.items() if count]

    def _cycle(self, start: int, part: set[int]) -> tuple[Step, ...]:
        """A shortest one through the node (breadth first)."""
        came: dict[int, Step] = {}
        waiting = [start]
        for node in waiting:
            for target, step in self.successors[node].items():
                if target == start:
                    path = [step]
                    while path[-1].first.number != start:
                        path.append(came[path[-1].first.number])
                    return tuple(path[::-1])
                if target in part and target not in came:
                    came[target] = step
                    waiting.append(target)
        raise AssertionError("each node of a strongly connected part is on a cycle")

"""The search: depth first over what may come next of all sessions, remembering configurations, with proven short cuts.

A configuration is (how many operations of each chain are placed, the state of each object, how many operations of
unknown outcome of each class are used). What is left out, and why that is allowed:

* An operation that only observes, and may come now, is placed at once: moved to the front it changes nothing.
* So is one that changes an object, where everything else that is still to be done with this object is forced to come
  after it: moved to the front it passes by operations of other objects only, which do not notice.
* An optional operation on a register is tried only if the next operation on that register observes what it left
  (``owed``): otherwise the order stands without it. One on any other object is tried only if it changes something.
* A configuration that differs from an earlier one only in having used more optional operations is dropped.
* A register's value is not overwritten while somebody still expects it whom nobody else can serve.
* Whatever saturation says must come first (``before``) is waited for.

These hold together: of the orders with the fewest optional operations one survives all of them, for each exchange keeps
their number. Nothing here recurses, so no history can exhaust the stack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import le
from typing import Final, Literal

from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Step
from checkers.sequential.arrangement import NONE, Arrangement, Needs
from checkers.sequential.automaton import Automaton
from checkers.sequential.scope import Item

Outcome = Literal["valid", "invalid", "time", "memory"]

_CLOCK_EVERY: Final = 64
_ELEMENTS_MAX: Final = 60_000_000  # of all configurations remembered


@dataclass(frozen=True, slots=True)
class Searched:
    """``order`` explains everything where valid. ``placed``: the most operations that were put in order together."""

    outcome: Outcome
    order: tuple[Item, ...]
    placed: int
    configurations: int


def search(arrangement: Arrangement, before: Sequence[Sequence[int]] | None, limit: Limit) -> Searched:
    """Look for an order of the arrangement's operations; ``before`` are the vector clocks of what is known of it.

    Raises :class:`checkers.linearizable.problem.TooLarge`.
    """
    return _Search(arrangement, before, limit).go()


class _Search:
    """The one configuration that is looked at, with the way to it: everything can be undone."""

    def __init__(self, arrangement: Arrangement, before: Sequence[Sequence[int]] | None, limit: Limit) -> None:
        scope, items = arrangement.scope, arrangement.items
        self._a, self._limit, self._chains = arrangement, limit, arrangement.chains
        self._objects = [item.object for item in items]
        self._steps = [item.operation.step for item in items]
        self._observes = [scope.observes(item) for item in items]
        self._due = [item.operation.complete or item.operation.invoke for item in items]
        self._needs = arrangement.needs if before is None else _needs(arrangement, before)
        self._later = [0] * len(items) if before is None else _later(arrangement, before)
        self._class_object = [each.items[0].object for each in arrangement.classes]
        self._class_step = [each.items[0].operation.step for each in arrangement.classes]
        self._classless = [number not in set(self._class_object) for number in range(len(scope.objects))]
        self._automata = _automata(arrangement)
        self._position = [0] * len(self._chains)
        self._state = [0] * len(scope.objects)
        self._held = list(arrangement.held)
        self._owed = bytearray(len(scope.objects))
        self._used = [0] * len(arrangement.classes)
        self._left = [0] * len(scope.objects)
        self._expecting = [0] * arrangement.slots
        self._leaving = [0] * arrangement.slots
        self._order: list[int] = []  # a node, or the complement of a class's number
        self._undo: list[tuple[int, int, int]] = []  # state, value held, owed, as they were
        self._met: dict[tuple[object, ...], list[tuple[int, ...]]] = {}
        self._most = self._visited = 0
        self._count_all()

    def _count_all(self) -> None:
        a = self._a
        for node, object_ in enumerate(self._objects):
            self._left[object_] += 1
            if a.expects[node] != NONE:
                self._expecting[a.expects[node]] += 1
            if a.leaves[node] != NONE:
                self._leaving[a.leaves[node]] += 1
        for each in a.classes:
            if each.leaves != NONE:
                self._leaving[each.leaves] += len(each.items)

    def go(self) -> Searched:
        frames: list[tuple[int, list[int]]] = []  # how much was placed, and the moves from there yet to be tried
        visits_max = min(self._limit.configurations, _ELEMENTS_MAX // (len(self._chains) + len(self._state) + 1))
        while True:
            moves = self._moves_here()
            if moves is None:
                return self._searched("valid")
            if self._visited > visits_max:
                return self._searched("memory")
            if self._visited % _CLOCK_EVERY == 1 and self._limit.expired():
                return self._searched("time")
            frames.append((len(self._order), moves))
            while frames and not frames[-1][1]:
                frames.pop()
            if not frames:
                return self._searched("invalid")
            self._back_to(frames[-1][0])
            self._place(frames[-1][1].pop())

    def _searched(self, outcome: Outcome) -> Searched:
        order: list[Item] = []
        if outcome == "valid":
            available = [_Available(each.items, each.needs) for each in self._a.classes]
            position = [0] * len(self._chains)
            for move in self._order:
                order.append(self._a.items[move] if move >= 0 else available[~move].take(position))
                if move >= 0:
                    position[self._a.place[move][0]] += 1
        return Searched(outcome, tuple(order), self._most, self._visited)

    def _moves_here(self) -> list[int] | None:
        """What may come next, the most promising last; None if everything is placed."""
        alive = self._settle()
        placed = sum(self._position)
        self._most = max(self._most, placed)
        if placed == len(self._a):
            return None
        self._visited += 1
        if not alive or self._covered():
            return []
        return self._moves()

    def _settle(self) -> bool:
        """Place what can be placed at once; whether there may be a way from here."""
        again = True
        while again:
            again = False
            for number, chain in enumerate(self._chains):
                while self._position[number] < len(chain):
                    node = chain[self._position[number]]
                    if not self._ready(self._needs[node]):
                        break
                    object_ = self._objects[node]
                    legal = self._after(node) >= 0
                    if not self._observes[node] or not legal:
                        if self._left[object_] - 1 != self._later[node] or not self._classless[object_]:
                            break
                        if not legal or self._kills(node):
                            return False
                    self._place(node)
                    again = True
        return True

    def _ready(self, needs: Needs) -> bool:
        position = self._position
        return all(position[chain] >= count for chain, count in needs)

    def _after(self, node: int) -> int:
        object_ = self._objects[node]
        return self._automata[object_].after(self._state[object_], self._steps[node])

    def _kills(self, node: int) -> bool:
        return self._overwrites_needed(self._objects[node], self._a.expects[node], self._a.leaves[node])

    def _overwrites_needed(self, object_: int, expects: int, leaves: int) -> bool:
        """Whether somebody who expects the value that is there would wait for it for ever."""
        held = self._held[object_]
        if leaves in (NONE, held):
            return False
        return self._expecting[held] > (expects == held) and not self._leaving[held]

    def _covered(self) -> bool:
        """Whether a configuration at least as good was met before; if not, this one is remembered."""
        here = (tuple(self._position), tuple(self._state), bytes(self._owed))
        used = tuple(self._used)
        met = self._met.setdefault(here, [])
        if any(_within(other, used) for other in met):
            return True
        met[:] = [other for other in met if not _within(used, other)]
        met.append(used)
        return False

    def _moves(self) -> list[int]:
        a = self._a
        found: list[tuple[bool, int, int]] = []
        heads = [chain[at] for chain, at in zip(self._chains, self._position, strict=True) if at < len(chain)]
        wanted = {a.expects[node] for node in heads} - {NONE}
        for node in heads:
            if self._observes[node] or not self._ready(self._needs[node]):
                continue
            if self._owed[self._objects[node]] and a.expects[node] == NONE:
                continue
            if self._after(node) >= 0 and not self._kills(node):
                found.append((a.leaves[node] not in wanted, self._due[node], node))
        moves = [node for _, _, node in sorted(found, reverse=True)]
        return [~number for number in range(len(a.classes)) if self._useful(number)] + moves

    def _useful(self, number: int) -> bool:
        each, object_ = self._a.classes[number], self._class_object[number]
        state = self._automata[object_].after(self._state[object_], self._class_step[number])
        if state < 0 or state == self._state[object_]:
            return False
        if each.leaves != NONE:
            seen = self._expecting[each.leaves] or any(other.expects == each.leaves for other in self._a.classes)
            if not seen or (self._owed[object_] and each.expects == NONE):
                return False
            if self._overwrites_needed(object_, NONE, each.leaves):
                return False
        return self._used[number] < sum(map(self._ready, each.needs))

    def _place(self, move: int) -> None:
        if move >= 0:
            self._place_node(move)
        else:
            self._place_optional(~move)
        self._order.append(move)

    def _place_node(self, node: int) -> None:
        a, object_ = self._a, self._objects[node]
        self._undo.append((self._state[object_], self._held[object_], self._owed[object_]))
        if not self._observes[node]:
            self._state[object_] = self._after(node)
        self._owed[object_] = 0
        self._position[a.place[node][0]] += 1
        self._left[object_] -= 1
        if a.expects[node] != NONE:
            self._expecting[a.expects[node]] -= 1
        if a.leaves[node] != NONE:
            self._leaving[a.leaves[node]] -= 1
            self._held[object_] = a.leaves[node]

    def _place_optional(self, number: int) -> None:
        each, object_ = self._a.classes[number], self._class_object[number]
        self._undo.append((self._state[object_], self._held[object_], self._owed[object_]))
        self._state[object_] = self._automata[object_].after(self._state[object_], self._class_step[number])
        self._used[number] += 1
        if each.leaves != NONE:
            self._leaving[each.leaves] -= 1
            self._held[object_] = each.leaves
            self._owed[object_] = 1

    def _back_to(self, length: int) -> None:
        a = self._a
        while len(self._order) > length:
            move = self._order.pop()
            object_ = self._objects[move] if move >= 0 else self._class_object[~move]
            self._state[object_], self._held[object_], self._owed[object_] = self._undo.pop()
            if move < 0:
                self._used[~move] -= 1
                if a.classes[~move].leaves != NONE:
                    self._leaving[a.classes[~move].leaves] += 1
                continue
            self._position[a.place[move][0]] -= 1
            self._left[object_] += 1
            if a.expects[move] != NONE:
                self._expecting[a.expects[move]] += 1
            if a.leaves[move] != NONE:
                self._leaving[a.leaves[move]] += 1


class _Available:
    """Hands out the operations of a class, each once all that comes before it is placed."""

    def __init__(self, items: Sequence[Item], needs: Sequence[Needs]) -> None:
        self._left = list(zip(items, needs, strict=True))

    def take(self, position: Sequence[int]) -> Item:
        for at, (item, needs) in enumerate(self._left):
            if all(position[chain] >= count for chain, count in needs):
                del self._left[at]
                return item
        raise AssertionError("no more are used than there are")


def _within(used: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(map(le, used, other))


def _automata(a: Arrangement) -> list[Automaton]:
    required: list[list[Step]] = [[] for _ in a.scope.objects]
    optional: list[list[Step]] = [[] for _ in a.scope.objects]
    for item in a.items:
        required[item.object].append(item.operation.step)
    for each in a.classes:
        optional[each.items[0].object].append(each.items[0].operation.step)
    return [Automaton(*each) for each in zip(a.scope.objects, required, optional, strict=True)]


def _needs(a: Arrangement, before: Sequence[Sequence[int]]) -> list[Needs]:
    """Of each node what it needs beyond what the one before it in its chain needed."""
    needs: list[Needs] = [()] * len(a)
    for number, chain in enumerate(a.chains):
        earlier: Sequence[int] = [0] * len(a.chains)
        for node in chain:
            clock = before[node]
            needs[node] = tuple(
                (other, count) for other, count in enumerate(clock) if other != number and count > earlier[other]
            )
            earlier = clock
    return needs


def _later(a: Arrangement, before: Sequence[Sequence[int]]) -> list[int]:
    """Of each node how many of its object's others are known to come after it."""
    by_object: dict[int, dict[int, list[int]]] = {}
    for number, chain in enumerate(a.chains):
        for node in chain:
            by_object.setdefault(a.items[node].object, {}).setdefault(number, []).append(node)
    later = [0] * len(a)
    for node, item in enumerate(a.items):
        own, position = a.place[node]
        for number, nodes in by_object[item.object].items():
            if number == own:
                later[node] += len(nodes) - bisect_right(nodes, position, key=lambda other: a.place[other][1])
            else:
                later[node] += len(nodes) - bisect_right(nodes, position, key=lambda other: before[other][own])
    return later

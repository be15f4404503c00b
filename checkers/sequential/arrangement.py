"""A scope as arrays for the search: operations in chains, the values that registers are given and expected to have.

A *chain* is what one process did in one session: one operation after the other. What a session of several processes
orders besides, stands in ``needs``: how many operations of another chain come first.

Of a register, an operation of unknown outcome that left a value nobody saw can be left out of any order, and one that
alone left a value that somebody saw certainly took effect: it becomes a chain of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.linearizable.model import Selective
from checkers.linearizable.problem import ANY, transition
from checkers.sequential.scope import Item, Scope

NONE: Final = -1
Needs = tuple[tuple[int, int], ...]  # (chain, how many of its operations come first)


@dataclass(frozen=True, slots=True)
class OptionalClass:
    """Operations of one object that perhaps took effect, with the same step; ``needs`` of each."""

    items: tuple[Item, ...]
    needs: tuple[Needs, ...]
    expects: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``items`` are the nodes that the other lists speak of: ``chains`` are lists of nodes, ``place`` the chain and the
    position of each. ``expects`` and ``leaves`` are *slots*, one per register and value; NONE for an operation of
    another model, or that expects no value, or leaves none. ``held`` is the slot of each object's initial value.
    ``from_nowhere`` is an operation whose result nothing can have left, where there is one."""

    scope: Scope
    items: tuple[Item, ...]
    chains: tuple[tuple[int, ...], ...]
    place: list[tuple[int, int]]
    needs: list[Needs]
    expects: list[int]
    leaves: list[int]
    slots: int
    held: list[int]
    classes: tuple[OptionalClass, ...]
    from_nowhere: Item | None

    def __len__(self) -> int:
        return len(self.items)


def arrange(scope: Scope) -> Arrangement:
    """The arrays of a scope."""
    slots = _Slots(scope)
    promoted, optional, from_nowhere = _sorted_out(scope, slots)
    items = (*scope.required, *promoted)
    chains = _chains(scope, len(items))
    session_chains = _by_session(items, chains[: len(chains) - len(promoted)])
    place = [(0, 0)] * len(items)
    for number, chain in enumerate(chains):
        for position, node in enumerate(chain):
            place[node] = (number, position)
    ends = [slots.of(item) for item in items]
    return Arrangement(
        scope=scope,
        items=items,
        chains=chains,
        place=place,
        needs=[_needs(item, session_chains, place[node][0]) for node, item in enumerate(items)],
        expects=[each[0] for each in ends],
        leaves=[each[1] for each in ends],
        slots=len(slots.numbers),
        held=slots.held,
        classes=tuple(_classes(optional, session_chains, slots)),
        from_nowhere=from_nowhere,
    )


class _Slots:
    """Numbers for the values of registers."""

    def __init__(self, scope: Scope) -> None:
        self._registers = [each.model.kind == "register" for each in scope.objects]
        self.numbers: dict[tuple[int, int], int] = {}
        self.held = [
            self.number(i, each.initial) if register else NONE
            for i, (each, register) in enumerate(zip(scope.objects, self._registers, strict=True))
        ]

    def number(self, object_: int, value: int) -> int:
        return NONE if value == ANY else self.numbers.setdefault((object_, value), len(self.numbers))

    def of(self, item: Item) -> tuple[int, int]:
        """The slots that the operation expects and leaves; one that only observes leaves none."""
        if not self._registers[item.object]:
            return NONE, NONE
        expects, leaves = transition(item.operation.step)
        return self.number(item.object, expects), NONE if expects == leaves else self.number(item.object, leaves)


def _sorted_out(scope: Scope, slots: _Slots) -> tuple[list[Item], list[Item], Item | None]:
    """The optional operations that certainly took effect, those that perhaps did and matter, and what was seen though
    nothing can have left it."""
    optional = _wanted(scope, slots)
    makers: defaultdict[int, list[Item]] = defaultdict(list)
    for item in (*scope.required, *optional):
        if (left := slots.of(item)[1]) != NONE:
            makers[left].append(item)
    certain = {item.operation.invoke: item for item in scope.required}
    promoted: dict[int, Item] = {}
    waiting = [(item, item) for item in scope.required]  # and by whom it is known to have happened
    while waiting:
        item, witness = waiting.pop()
        expects = slots.of(item)[0]
        if expects in (NONE, slots.held[item.object]):
            continue
        if not makers[expects]:
            return list(promoted.values()), [], witness
        maker = makers[expects][0]
        if len(makers[expects]) == 1 and maker.operation.invoke not in certain:
            certain[maker.operation.invoke] = promoted[maker.operation.invoke] = maker
            waiting.append((maker, witness))
    return list(promoted.values()), [item for item in optional if item.operation.invoke not in promoted], None


def _wanted(scope: Scope, slots: _Slots) -> list[Item]:
    """The optional operations that may matter: of registers, those whose value somebody may see."""
    by_object: defaultdict[int, list[Item]] = defaultdict(list)
    for item in scope.optional:
        by_object[item.object].append(item)
    seen = {slots.of(item)[0] for item in scope.required}
    wanted: list[Item] = []
    for object_, items in by_object.items():
        key = scope.objects[object_]
        if key.model.kind == "register":
            wanted += _seen(items, seen, slots)
            continue
        if isinstance(key.model, Selective):
            steps = [item.operation.step for item in scope.required if item.object == object_]
            relevant = key.model.relevant(steps, [item.operation.step for item in items], key.initial)
            wanted += [item for item, is_relevant in zip(items, relevant, strict=True) if is_relevant]
        else:
            wanted += items
    return wanted


def _seen(items: Iterable[Item], seen: set[int], slots: _Slots) -> list[Item]:
    """Those that leave what is seen, by one that took effect or by another of these."""
    left = [(item, *slots.of(item)) for item in items]
    found: list[Item] = []
    while True:
        more = [(item, expects) for item, expects, leaves in left if leaves in seen and leaves != NONE]
        if not more:
            return found
        found += [item for item, _ in more]
        left = [each for each in left if each[2] not in seen]
        seen = seen | {expects for _, expects in more}


def _chains(scope: Scope, count: int) -> tuple[tuple[int, ...], ...]:
    by_process: defaultdict[tuple[int, object], list[int]] = defaultdict(list)
    for node, item in enumerate(scope.required):
        by_process[item.session, item.operation.call.process].append(node)
    alone = ((node,) for node in range(len(scope.required), count))
    return (*(tuple(chain) for chain in by_process.values()), *alone)


SessionChains = dict[int, list[tuple[int, list[int]]]]  # session -> its chains: number, completions


def _by_session(items: Sequence[Item], chains: Sequence[Sequence[int]]) -> SessionChains:
    found: SessionChains = {}
    for number, chain in enumerate(chains):
        # What has no completion precedes nothing; in a witness question there is none of these among the required.
        completes = [items[node].operation.complete or 0 for node in chain]
        found.setdefault(items[chain[0]].session, []).append((number, completes))
    return found


def _needs(item: Item, sessions: SessionChains, own: int) -> Needs:
    counts = (
        (number, bisect_left(completes, item.operation.invoke))
        for number, completes in sessions.get(item.session, ())
        if number != own
    )
    return tuple((number, count) for number, count in counts if count)


def _classes(optional: Iterable[Item], sessions: SessionChains, slots: _Slots) -> Iterable[OptionalClass]:
    grouped: defaultdict[object, list[Item]] = defaultdict(list)
    for item in optional:
        grouped[item.object, item.operation.step].append(item)
    for items in grouped.values():
        expects, leaves = slots.of(items[0])
        yield OptionalClass(tuple(items), tuple(_needs(item, sessions, NONE) for item in items), expects, leaves)

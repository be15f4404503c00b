"""The guarantees by their formulas, over every order and every visibility: for tiny histories, to check the checker.

It shares with the checker only what an operation is and what its session's order says. An explanation says which writes
of unknown outcome happened, in which order (``ar``) the writes of each key stand, and which writes each read sees
(``vis``); it must give every read its result, and satisfy the formula (``checkers.weak_model``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, permutations, product

from checkers.session.operation import Atom, Kind, Operation
from checkers.session.scene import Scene
from checkers.session.violation import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    PRAM,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
)
from harness.result import Validity

Orders = Mapping[Atom, tuple[Operation, ...]]
Visible = Mapping[int, frozenset[int]]


def decided(scene: Scene, name: str) -> Validity:
    """True if every order of versions that is possible has an explanation, False if none has, else unknown."""
    answers = [_of(scene, name, writes) for writes in _happened(scene)]
    if True in answers:
        return True
    return "unknown" if "unknown" in answers else False


def _happened(scene: Scene) -> Iterator[list[Operation]]:
    """Every choice of what of unknown outcome happened; a transaction as a whole."""
    writes = [w for each in scene.objects.values() for several in each.writes.values() for w in several]
    unknown = sorted({write.invoke for write in writes if write.complete is None})
    for chosen in chain.from_iterable(combinations(unknown, size) for size in range(len(unknown) + 1)):
        yield [write for write in writes if write.complete is not None or write.invoke in chosen]


def _reads(scene: Scene) -> list[Operation]:
    return [read for each in scene.objects.values() for read in each.reads]


def _of(scene: Scene, name: str, writes: Sequence[Operation]) -> Validity:
    if name == PRAM:
        return _pram(scene, writes)
    explained = [_explained(scene, name, order) for order in _orders(scene, name, writes)]
    if not any(explained):
        return False
    registers = any(each.kind == "register" and each.writes for each in scene.objects.values()) and not scene.versions
    return True if all(explained) or not registers else "unknown"


def _orders(scene: Scene, name: str, writes: Sequence[Operation]) -> Iterator[Orders]:
    """Of each key every order of its versions that is possible."""
    keys = list(dict.fromkeys(write.key for write in writes))
    per_key = [
        [order for order in permutations([write for write in writes if write.key == key])
         if _possible(scene, name, scene.objects[key].kind, order)]
        for key in keys
    ]  # fmt: skip
    for choice in product(*per_key):
        yield dict(zip(keys, choice, strict=True))


def _possible(scene: Scene, name: str, kind: Kind, order: Sequence[Operation]) -> bool:
    pairs = [(first, second) for at, second in enumerate(order) for first in order[:at]]
    if kind != "register":
        return True
    if scene.versions:
        return all(first.value <= second.value for first, second in pairs)  # type: ignore[operator]
    several = len({write.session for write in order}) > 1
    return (name == MONOTONIC_WRITES and several) or not any(second.precedes(first) for first, second in pairs)


def _explained(scene: Scene, name: str, order: Orders) -> bool:
    """Whether of each key some visibility gives every read its result and satisfies the formula."""
    return all(_key_explained(scene, name, order.get(key, ()), each.reads) for key, each in scene.objects.items())


def _key_explained(scene: Scene, name: str, writes: Sequence[Operation], reads: Sequence[Operation]) -> bool:
    options = [
        [frozenset(write.number for write in seen) for seen in _subsets(writes) if _result(scene, writes, seen, read)]
        for read in reads
    ]
    return any(
        _satisfies(name, writes, reads, dict(zip((read.number for read in reads), choice, strict=True)))
        for choice in product(*options)
    )


def _subsets(writes: Sequence[Operation]) -> Iterator[tuple[Operation, ...]]:
    for size in range(len(writes), -1, -1):
        yield from combinations(writes, size)


def _result(scene: Scene, writes: Sequence[Operation], seen: Sequence[Operation], read: Operation) -> bool:
    """RVal; and nothing is seen that began only afterwards."""
    if any(write.began_after(read) for write in seen):
        return False
    numbers = {write.number for write in seen}
    return _shows(scene, [write for write in writes if write.number in numbers], read)


def _shows(scene: Scene, applied: Sequence[Operation], read: Operation) -> bool:
    """Whether the read shows what these writes of its key, in this order, leave."""
    kind = scene.objects[read.key].kind
    values = tuple(write.value for write in applied)
    if kind == "list":
        return values == read.shown
    if kind == "set":
        return set(values) == set(read.shown)
    return (values[-1] if values else scene.initial) == read.value


def _satisfies(name: str, writes: Sequence[Operation], reads: Sequence[Operation], vis: Visible) -> bool:
    """The formula, of one key; ``writes`` stand in the order of versions."""
    if name == READ_YOUR_WRITES:
        return all(write.number in vis[read.number] for read in reads for write in writes if write.precedes(read))
    if name == MONOTONIC_READS:
        return all(vis[first.number] <= vis[second.number]
                   for first in reads for second in reads if first.precedes(second))  # fmt: skip
    if name == MONOTONIC_WRITES:
        pairs = [(first, second) for first in writes for second in writes if first.precedes(second)]
    else:
        assert name == WRITES_FOLLOW_READS, name
        pairs = [(first, second) for read in reads for second in writes if read.precedes(second)
                 for first in writes if first.number in vis[read.number]]  # fmt: skip
    return all(
        writes.index(first) < writes.index(second)
        and all(first.number in vis[read.number] for read in reads if second.number in vis[read.number])
        for first, second in pairs
    )


def _pram(scene: Scene, writes: Sequence[Operation]) -> bool:
    if scene.versions and any(
        first.precedes(second) and first.key == second.key and first.value > second.value  # type: ignore[operator]
        for first in writes for second in writes
    ):  # fmt: skip
        return False
    reads = _reads(scene)
    return all(
        _serial(scene, [], [*writes, *(read for read in reads if read.session == session)])
        for session in {read.session for read in reads}
    )


def _serial(scene: Scene, placed: list[Operation], rest: Sequence[Operation]) -> bool:
    """Whether the rest can follow, each read showing what the writes before it leave."""
    if not any(not operation.is_write for operation in rest):
        return _extends(rest)
    for operation in rest:
        if any(other.precedes(operation) for other in rest):
            continue
        if not operation.is_write and not _fits(scene, placed, operation):
            continue
        if _serial(scene, [*placed, operation], [other for other in rest if other is not operation]):
            return True
    return False


def _extends(rest: Sequence[Operation]) -> bool:
    """A session's order has no cycle: writes alone can always follow."""
    return all(not (first.precedes(second) and second.precedes(first)) for first in rest for second in rest)


def _fits(scene: Scene, placed: Sequence[Operation], read: Operation) -> bool:
    applied = [write for write in placed if write.is_write and write.key == read.key]
    if not _shows(scene, applied, read):
        return False
    if scene.objects[read.key].kind != "register":
        return not any(write.began_after(read) for write in applied)
    if scene.versions and any(write.value > applied[-1].value for write in applied):  # type: ignore[operator]
        return False
    return not applied or not applied[-1].began_after(read)

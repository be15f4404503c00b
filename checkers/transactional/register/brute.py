"""Isolation levels of registers by their definitions, over all orders: for histories of a few transactions.

The sources are those of :mod:`checkers.transactional.brute`, which says how each defines a level; nothing is shared
with the checker but what a transaction is. A read says only a value: who wrote it is one more thing to choose, beside
which transactions of unknown outcome committed, the order of all, what each sees, and the versions of each register.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, permutations, product
from math import factorial, prod
from typing import Final

from checkers.transactional.brute import TooLarge
from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.register.reading import Reading
from checkers.transactional.transaction import Atom, Read, Transaction

TRIALS_MAX: Final = 50_000
Pairs = set[tuple[int, int]]
Chains = dict[Atom, tuple[int, ...]]
Sources = dict[tuple[int, int], int | None]  # (reader, place of the read) -> who wrote it, None for the initial value
_BY_VISIBILITY: Final = frozenset((Family.ATOMIC, Family.CAUSAL, Family.PREFIX, Family.SNAPSHOT))


@dataclass(frozen=True, slots=True)
class _World:
    """One choice of what committed."""

    reading: Reading
    known: dict[int, Transaction]
    order: Pairs

    def reads(self, reader: int) -> Iterator[Read]:
        """Those of what others wrote."""
        return (read for read in self.known[reader].reads if not read.own)

    def final(self, writer: int | None, key: Atom) -> Atom:
        """What the register holds after it."""
        return self.reading.initial(key) if writer is None else self.known[writer].appends[key][-1]


Known = dict[tuple[Family, bool, tuple[int, ...], frozenset[tuple[int, int]]], bool]
"""What was decided: by definition, what committed, and the order that sessions or real time give."""


def holds(reading: Reading, model: Model, known: Known | None = None) -> bool:
    """Whether some choice satisfies the model. ``known`` is filled, and spares other models of this reading the same
    work. Raises :class:`checkers.transactional.brute.TooLarge`."""
    listed = reading.transactions
    if any(not _possible(reading, each, read) for each in listed for read in each.reads):
        return False
    found = {} if known is None else known
    unknown = [each for each in listed if each.outcome == "info"]
    for chosen in chain.from_iterable(combinations(unknown, size) for size in range(len(unknown) + 1)):
        committed = {each.number: each for each in listed if each.outcome == "ok" or each in chosen}
        order = _order(committed, model.order)
        visible = _by_visibility(model)
        key = (model.family, visible, tuple(committed), frozenset(order))
        if key not in found:
            found[key] = _holds(_World(reading, committed, order), model)
        if found[key]:
            return True
    return False


def _by_visibility(model: Model) -> bool:
    """Whether the level is defined by what each transaction sees, and not by cycles of dependencies."""
    return model.family in _BY_VISIBILITY or _serial(model) or model.name.endswith("parallel-snapshot-isolation")


def _serial(model: Model) -> bool:
    return model.name.endswith("serializable") and model.family is Family.ANY


def _possible(reading: Reading, reader: Transaction, read: Read) -> bool:
    """A read is of the own last write, if there is one, or else of something that somebody else wrote at some time."""
    (value,) = read.elements
    if read.own:
        return reader.appends[read.key][read.own - 1] == value
    others = (each for each in reading.transactions if each is not reader)
    return value == reading.initial(read.key) or any(value in each.appends.get(read.key, ()) for each in others)


def _order(known: dict[int, Transaction], order: Order) -> Pairs:
    return {
        (first.number, second.number)
        for first, second in permutations(known.values(), 2)
        if order is not Order.NONE and first.complete is not None and first.complete < second.invoke
        and (order is Order.REALTIME or first.session == second.session)
    }  # fmt: skip


def _holds(world: _World, model: Model) -> bool:
    if _by_visibility(model):
        return any(_visible(world, arrangement, model, _serial(model)) for arrangement in _arrangements(world))
    if model.family is Family.WRITES:
        return any(not _cyclic(_ww(chains) | world.order) for chains in _version_orders(world))
    if model.family is Family.MONOTONIC:
        return any(_monotonic(world, arrangement, sources)
                   for sources in _sources(world) for arrangement in _arrangements(world))  # fmt: skip
    return any(_adya(world, chains, sources, model)
               for sources in _sources(world) for chains in _version_orders(world))  # fmt: skip


def _arrangements(world: _World) -> Iterator[tuple[int, ...]]:
    for arrangement in permutations(world.known):
        place = {number: index for index, number in enumerate(arrangement)}
        if all(place[first] < place[second] for first, second in world.order):
            yield arrangement


def _sources(world: _World) -> Iterator[Sources]:
    """Every choice of who wrote what was read: the last write of a committed transaction, or nobody."""
    reads = [(number, read) for number in world.known for read in world.reads(number)]
    choices = [
        [
            writer
            for writer in (None, *world.known)
            if writer != reader and (writer is None or read.key in world.known[writer].appends)
            and world.final(writer, read.key) == read.elements[0]
        ]
        for reader, read in reads
    ]  # fmt: skip
    for choice in product(*choices):
        yield {(reader, read.place): writer for (reader, read), writer in zip(reads, choice, strict=True)}


# ---------------------------------------------------------------------------- Cerone, Bernardi, Gotsman


def _visible(world: _World, arrangement: tuple[int, ...], model: Model, serial: bool) -> bool:
    """Whether some VIS makes the arrangement an execution of the model."""
    transitive = not serial and model.family in (Family.CAUSAL, Family.ONE_RW)
    conflict_free = model.family in (Family.ONE_RW, Family.SNAPSHOT)
    prefix = model.family in (Family.PREFIX, Family.SNAPSHOT)

    def candidates(place: int) -> Iterator[set[int]]:
        before = arrangement[:place]
        if serial:
            yield set(before)
        elif prefix:
            yield from (set(before[:size]) for size in range(place + 1))
        else:
            yield from (set(chosen) for size in range(place + 1) for chosen in combinations(before, size))

    def allowed(place: int, visible: set[int], sets: dict[int, set[int]]) -> bool:
        number = arrangement[place]
        if any(second == number and first not in visible for first, second in world.order):
            return False
        if transitive and any(not sets[other] <= visible for other in visible):
            return False
        written = world.known[number].appends.keys()
        if conflict_free and any(world.known[other].appends.keys() & written and other not in visible
                                 for other in arrangement[:place]):  # fmt: skip
            return False
        return all(_last_visible(world, arrangement, visible, read) for read in world.reads(number))

    def extend(place: int, sets: dict[int, set[int]]) -> bool:
        if place == len(arrangement):
            return True
        return any(allowed(place, visible, sets) and extend(place + 1, {**sets, arrangement[place]: visible})
                   for visible in candidates(place))  # fmt: skip

    return extend(0, {})


def _last_visible(world: _World, arrangement: tuple[int, ...], visible: set[int], read: Read) -> bool:
    """EXT: the value is what the last visible writer left."""
    writers = [each for each in arrangement if each in visible and read.key in world.known[each].appends]
    return world.final(writers[-1] if writers else None, read.key) == read.elements[0]


# ---------------------------------------------------------------------------- Biswas, Enea


def _monotonic(world: _World, arrangement: tuple[int, ...], sources: Sources) -> bool:
    place: dict[int | None, int] = {number: index for index, number in enumerate(arrangement)}
    place[None] = -1
    for reader in arrangement:
        reads = [(read, sources[reader, read.place]) for read in world.reads(reader)]
        if any(place[source] > place[reader] for _, source in reads):
            return False
        for later, (read, source) in enumerate(reads):
            for _, earlier in reads[:later]:
                if earlier not in (None, source) and read.key in world.known[earlier or 0].appends and (
                    place[earlier] > place[source]
                ):  # fmt: skip
                    return False
    return True


# ---------------------------------------------------------------------------- Adya


def _version_orders(world: _World) -> Iterator[Chains]:
    writers: dict[Atom, list[int]] = {}
    for number, transaction in world.known.items():
        for key in transaction.appends:
            writers.setdefault(key, []).append(number)
    if prod(factorial(len(each)) for each in writers.values()) > TRIALS_MAX:
        raise TooLarge
    for choice in product(*(permutations(each) for each in writers.values())):
        yield dict(zip(writers, choice, strict=True))


def _ww(chains: Chains) -> Pairs:
    return {pair for each in chains.values() for pair in pairwise(each)}


def _adya(world: _World, chains: Chains, sources: Sources, model: Model) -> bool:
    dependencies = _ww(chains) | world.order
    rw: Pairs = set()
    for reader in world.known:
        for read in world.reads(reader):
            source = sources[reader, read.place]
            versions = chains.get(read.key, ())
            following = 0 if source is None else versions.index(source) + 1
            if source is not None:
                dependencies.add((source, reader))
            if following < len(versions) and versions[following] != reader:
                rw.add((reader, versions[following]))
            if model.family is Family.CURSOR and reader in versions and following < versions.index(reader):
                return False
    if _cyclic(dependencies) or model.family in (Family.DEPENDENCIES, Family.CURSOR):
        return not _cyclic(dependencies)
    if model.family is Family.ONE_RW:
        reach = _closure(dependencies)
        return not any((target, source) in reach for source, target in rw)
    if model.family is Family.UPDATE:
        updates = {number for number, each in world.known.items() if each.appends}
        return all(not _cyclic(_among(dependencies | rw, updates | {number})) for number in world.known)
    return not _cyclic(dependencies | rw)


def _among(pairs: Pairs, members: set[int]) -> Pairs:
    return {(source, target) for source, target in pairs if source in members and target in members}


def _closure(pairs: Pairs) -> Pairs:
    reach = set(pairs)
    for middle in {node for pair in pairs for node in pair}:
        into = [source for source, target in reach if target == middle]
        out = [target for source, target in reach if source == middle]
        reach |= {(source, target) for source in into for target in out}
    return reach


def _cyclic(pairs: Pairs) -> bool:
    return any(source == target for source, target in _closure(pairs))

"""Isolation levels of registers, sets, counters and ranges by their definitions, over all orders: for histories of a
few transactions.

The sources are those of :mod:`checkers.transactional.brute`. A set holds what its visible writers added, a counter the
sum of their increments, and a predicate read sees every register of its range that has a value. Where a level is
defined by dependencies, a read of a set or a counter depends on each update that it saw and antidepends on each that it
did not; which it saw is one more thing to choose. Nothing is shared with the checker but what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, permutations, product
from typing import Any, Final

from checkers.transactional.brute import TooLarge
from checkers.transactional.composite.key_range import contains
from checkers.transactional.composite.reading import Composite, Micro, Parsed
from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.transaction import Atom, value_of

SOURCES_MAX: Final = 20_000
Pairs = set[tuple[int, int]]
Chains = dict[Atom, tuple[int, ...]]
_BY_VISIBILITY: Final = frozenset((Family.ATOMIC, Family.CAUSAL, Family.PREFIX, Family.SNAPSHOT))
Cell = tuple[str, Any]
"""("register", key), or ("update", key, transaction)."""
Source = tuple[int, int, Cell, int | None, bool]
"""(reader, place, cell, who wrote what it saw there or None, whether it is part of an item read)."""
Known = dict[Any, bool]


@dataclass(frozen=True, slots=True)
class _World:
    """One choice of what committed."""

    composite: Composite
    known: dict[int, Parsed]
    order: Pairs
    literal: bool

    def registers(self, number: int) -> dict[Atom, Atom]:
        """What it left in the registers that it wrote."""
        return {micro.key: micro.value for micro in self.known[number].micros if micro.f == "w"}

    def updated(self, number: int) -> set[Atom]:
        """The sets and counters that it changed."""
        return {micro.key for micro in self.known[number].micros if micro.f in ("add", "inc")}


def holds(composite: Composite, model: Model, known: Known | None = None, *, literal: bool = True) -> bool:
    """Whether some choice satisfies the model. ``literal``: whether repeatable read forbids a cycle with an
    antidependency of an item even if it has one of a predicate, too. Raises
    :class:`checkers.transactional.brute.TooLarge`."""
    listed = composite.transactions
    if any(not _possible(composite, each, micro) for each in listed for micro in each.micros):
        return False
    found = {} if known is None else known
    unknown = [each for each in listed if each.outcome == "info"]
    for chosen in chain.from_iterable(combinations(unknown, size) for size in range(len(unknown) + 1)):
        committed = {each.number: each for each in listed if each.outcome == "ok" or each in chosen}
        order = _order(committed, model.order)
        key = (model.family, _by_visibility(model), tuple(committed), frozenset(order), literal)
        if key not in found:
            found[key] = _holds(_World(composite, committed, order, literal), model)
        if found[key]:
            return True
    return False


def _by_visibility(model: Model) -> bool:
    return model.family in _BY_VISIBILITY or _serial(model) or model.name.endswith("parallel-snapshot-isolation")


def _serial(model: Model) -> bool:
    return model.name.endswith("serializable") and model.family is Family.ANY


def _order(known: dict[int, Parsed], order: Order) -> Pairs:
    return {
        (first.number, second.number)
        for first, second in permutations(known.values(), 2)
        if order is not Order.NONE and first.complete is not None and first.complete < second.invoke
        and (order is Order.REALTIME or first.session == second.session)
    }  # fmt: skip


# ---------------------------------------------------------------------------- what any level asks of a read


def _possible(composite: Composite, reader: Parsed, micro: Micro) -> bool:
    """A read sees what its transaction did before, and nothing that it does later or that nobody ever did."""
    if micro.f not in ("r", "rp"):
        return True
    others = [each for each in composite.transactions if each is not reader]
    own = [each for each in reader.micros if each.place < micro.place]
    if micro.f == "rp":
        values = dict(micro.value)
        bounds = value_of(micro.key[0]), value_of(micro.key[1])
        if len(values) < len(micro.value) or not all(contains(bounds, value_of(key)) for key in values):
            return False
        return all(_possible_value(composite, own, others, key, values.get(key, composite.null))
                   for key in composite.keys if contains(bounds, value_of(key)))  # fmt: skip
    type_ = composite.types.get(micro.key, "register")
    if type_ == "register":
        return _possible_value(composite, own, others, micro.key, micro.value)
    mine = [each.value for each in own if each.key == micro.key and each.f in ("add", "inc")]
    if type_ == "set":
        elsewhere = {
            each.value for other in others for each in other.micros if (each.f, each.key) == ("add", micro.key)
        }
        seen = set(micro.value)
        return len(seen) == len(micro.value) and set(mine) <= seen and seen <= elsewhere | set(mine)
    prefixes = []
    for other in others:
        deltas = [each.value for each in other.micros if (each.f, each.key) == ("inc", micro.key)]
        prefixes.append([sum(deltas[:size]) for size in range(len(deltas) + 1)])
    target = micro.value - composite.initial(micro.key) - sum(mine)
    return any(sum(choice) == target for choice in product(*prefixes))


def _possible_value(
    composite: Composite, own: Sequence[Micro], others: Sequence[Parsed], key: Atom, value: Atom
) -> bool:  # fmt: skip
    mine = [each.value for each in own if each.f == "w" and each.key == key]
    if mine:
        return bool(mine[-1] == value)
    return value == composite.initial(key) or any(
        (each.f, each.key, each.value) == ("w", key, value) for other in others for each in other.micros
    )


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
        written = world.registers(number).keys()
        if conflict_free and any(world.registers(other).keys() & written and other not in visible
                                 for other in arrangement[:place]):  # fmt: skip
            return False
        return _explained(world, number, [each for each in arrangement if each in visible])

    def extend(place: int, sets: dict[int, set[int]]) -> bool:
        if place == len(arrangement):
            return True
        return any(allowed(place, visible, sets) and extend(place + 1, {**sets, arrangement[place]: visible})
                   for visible in candidates(place))  # fmt: skip

    return extend(0, {})


def _explained(world: _World, reader: int, visible: Sequence[int]) -> bool:
    """EXT and INT: every read returns what the visible ones left, in their order, and its own transaction then did."""
    composite = world.composite
    held: dict[Atom, Any] = {}

    def get(key: Atom) -> Any:
        if key in held:
            return held[key]
        return frozenset() if composite.types.get(key) == "set" else composite.initial(key)

    def do(micro: Micro) -> None:
        if micro.f == "w":
            held[micro.key] = micro.value
        elif micro.f == "add":
            held[micro.key] = get(micro.key) | {micro.value}
        elif micro.f == "inc":
            held[micro.key] = get(micro.key) + micro.value

    for number in visible:
        for micro in world.known[number].micros:
            do(micro)
    for micro in world.known[reader].micros:
        do(micro)
        if micro.f == "r":
            value = frozenset(micro.value) if composite.types.get(micro.key) == "set" else micro.value
            if get(micro.key) != value:
                return False
        elif micro.f == "rp":
            bounds = value_of(micro.key[0]), value_of(micro.key[1])
            inside = [key for key in composite.keys if contains(bounds, value_of(key))]
            if {key: get(key) for key in inside if get(key) != composite.null} != {
                key: value for key, value in micro.value if value != composite.null
            }:
                return False
    return True


# ---------------------------------------------------------------------------- who wrote what was read


def _sources(world: _World) -> Iterator[list[Source]]:
    """Every choice: of a register the last write of a committed transaction, or nobody; of a set or counter which
    transactions, each as a whole."""
    choices: list[list[list[Source]]] = []
    for number, each in world.known.items():
        for micro in each.micros:
            if micro.f in ("r", "rp"):
                choices.extend(_sources_of(world, number, micro))
    count = 1
    for several in choices:
        count *= len(several)
    if count > SOURCES_MAX:
        raise TooLarge
    for choice in product(*choices):
        yield [source for several in choice for source in several]


def _sources_of(world: _World, reader: int, micro: Micro) -> Iterator[list[list[Source]]]:
    composite = world.composite
    own = [each for each in world.known[reader].micros if each.place < micro.place]
    written = {each.key for each in own if each.f == "w"}
    if micro.f == "rp":
        bounds = value_of(micro.key[0]), value_of(micro.key[1])
        values = dict(micro.value)
        for key in composite.keys:
            if contains(bounds, value_of(key)) and key not in written:
                value = values.get(key, composite.null)
                yield _writers(world, reader, micro, key, value, value != composite.null)
    elif composite.types.get(micro.key, "register") == "register":
        if micro.key not in written:
            yield _writers(world, reader, micro, micro.key, micro.value, True)
    else:
        yield list(_updaters(world, reader, micro, own))


def _writers(
    world: _World, reader: int, micro: Micro, key: Atom, value: Atom, item: bool
) -> list[list[Source]]:  # fmt: skip
    found: list[list[Source]] = []
    for writer in (None, *world.known):
        left = world.composite.initial(key) if writer is None else world.registers(writer).get(key)
        if writer != reader and (writer is None or key in world.registers(writer)) and left == value:
            found.append([(reader, micro.place, ("register", key), writer, item)])
    return found


def _updaters(world: _World, reader: int, micro: Micro, own: Sequence[Micro]) -> Iterator[list[Source]]:
    others = [number for number in world.known if number != reader and micro.key in world.updated(number)]
    mine = [each for each in own if each.key == micro.key]
    for size in range(len(others) + 1):
        for chosen in combinations(others, size):
            done = [*mine, *(each for number in chosen for each in world.known[number].micros if each.key == micro.key)]
            added: set[Atom] = {each.value for each in done if each.f == "add"}
            total = sum(each.value for each in done if each.f == "inc")
            if world.composite.types[micro.key] == "set":
                fits = added == set(micro.value)
            else:
                fits = world.composite.initial(micro.key) + total == micro.value
            if fits:
                cells: dict[int, Cell] = {number: ("update", (micro.key, number)) for number in others}
                yield [(reader, micro.place, cell, number if number in chosen else None, True)
                       for number, cell in cells.items()]  # fmt: skip


# ---------------------------------------------------------------------------- Biswas, Enea


def _wrote(world: _World, number: int, cell: Cell) -> bool:
    kind, what = cell
    return what in world.registers(number) if kind == "register" else what[1] == number


def _monotonic(world: _World, arrangement: tuple[int, ...], sources: Sequence[Source]) -> bool:
    place: dict[int | None, int] = {number: index for index, number in enumerate(arrangement)}
    place[None] = -1
    for reader, when, cell, source, _ in sources:
        if place[source] > place[reader]:
            return False
        for other, before, _, earlier, _ in sources:
            follows = other == reader and before < when and earlier is not None and earlier != source
            if earlier is not None and follows and _wrote(world, earlier, cell) and place[earlier] > place[source]:
                return False
    return True


# ---------------------------------------------------------------------------- Adya


def _version_orders(world: _World) -> Iterator[Chains]:
    writers: dict[Atom, list[int]] = {}
    for number in world.known:
        for key in world.registers(number):
            writers.setdefault(key, []).append(number)
    for choice in product(*(permutations(each) for each in writers.values())):
        yield dict(zip(writers, choice, strict=True))


def _ww(chains: Chains) -> Pairs:
    return {pair for each in chains.values() for pair in pairwise(each)}


def _following(chains: Chains, cell: Cell, source: int | None) -> int | None:
    """Who wrote the next version."""
    kind, what = cell
    if kind == "update":
        updater: int = what[1]
        return updater if source is None else None
    versions = chains.get(what, ())
    place = 0 if source is None else versions.index(source) + 1
    return versions[place] if place < len(versions) else None


def _adya(world: _World, chains: Chains, sources: Sequence[Source], model: Model) -> bool:
    dependencies = _ww(chains) | world.order
    items: Pairs = set()
    predicates: Pairs = set()
    for reader, _, cell, source, item in sources:
        if source is not None:
            dependencies.add((source, reader))
        following = _following(chains, cell, source)
        if following is not None and following != reader:
            (items if item else predicates).add((reader, following))
            if model.family is Family.CURSOR and item and _overwrote(chains, cell, reader, following):
                return False
    if _cyclic(dependencies) or model.family in (Family.DEPENDENCIES, Family.CURSOR):
        return not _cyclic(dependencies)
    rw = items | predicates
    if model.family is Family.ONE_RW:
        reach = _closure(dependencies)
        return not any((target, source) in reach for source, target in rw)
    if model.family is Family.UPDATE:
        writes = {n for n, each in world.known.items() if any(micro.f not in ("r", "rp") for micro in each.micros)}
        return all(not _cyclic(_among(dependencies | rw, writes | {number})) for number in world.known)
    if world.literal:
        reach = _closure(dependencies | rw)
        return not any((target, source) in reach for source, target in items)
    return not _cyclic(dependencies | items)


def _overwrote(chains: Chains, cell: Cell, reader: int, following: int) -> bool:
    """Whether the reader wrote a later version than the one that it missed."""
    kind, what = cell
    if kind == "update" or reader not in chains.get(what, ()):
        return False
    return chains[what].index(following) < chains[what].index(reader)


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

"""Isolation levels by their definitions, over all orders: for histories of a few transactions, to check the checker.

It shares nothing with the graphs but the words: a level is decided by trying every choice of what is unknown (which
transactions of unknown outcome committed; every order of all transactions, or of the versions of each list) against
the definition as its source states it.

* Cerone, Bernardi, Gotsman 2015: an execution is a total order AR and, for each transaction, a set VIS of those before
  it; a read sees the version of the last visible writer. Read atomic: nothing more. Causal: VIS is transitive. Parallel
  snapshot isolation: of two writers of one list the earlier is visible to the later, too. Prefix: VIS is a prefix of
  AR. Snapshot isolation: both. Serializable: VIS is all of AR before. Sessions or real time are part of VIS.
* Adya 1999: an order of versions for each list, and no cycle of certain kinds in the direct serialization graph.
* Biswas, Enea 2019, read committed (monotonic atomic view here): a total order in which, if a transaction reads from t1
  after it read from t2, and t2 writes what it reads from t1, t2 comes before t1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, permutations, product
from typing import Final

from checkers.transactional.lattice import Family, Model, Order
from checkers.transactional.transaction import Atom, Read, Transaction

TRIALS_MAX: Final = 200_000
Pairs = set[tuple[int, int]]
Chains = dict[Atom, list[int]]
_BY_VISIBILITY: Final = frozenset((Family.ATOMIC, Family.CAUSAL, Family.PREFIX, Family.SNAPSHOT))


class TooLarge(Exception):
    """More choices than the bound allows."""


def holds(transactions: Sequence[Transaction], model: Model) -> bool:
    """Whether some choice satisfies the model. Raises :class:`TooLarge`."""
    if any(not _possible(transactions, each, read) for each in transactions for read in each.reads):
        return False
    certain = [each for each in transactions if each.outcome == "ok"]
    unknown = [each for each in transactions if each.outcome == "info"]
    for size in range(len(unknown) + 1):
        for chosen in combinations(unknown, size):
            if _holds(sorted([*certain, *chosen], key=lambda each: each.number), model):
                return True
    return False


def _possible(transactions: Sequence[Transaction], reader: Transaction, read: Read) -> bool:
    """Adya's conditions on every history: a read is of something written, and of the own last write if there is one."""
    written = {element for each in transactions for element in each.appends.get(read.key, [])}
    own = reader.appends.get(read.key, [])
    if len(set(read.elements)) != len(read.elements) or not written.issuperset(read.elements):
        return False
    if set(own[read.own :]) & set(read.elements):
        return False
    return read.own == 0 or list(read.elements[-read.own :]) == own[: read.own]


def _holds(committed: list[Transaction], model: Model) -> bool:
    order = _order(committed, model.order)
    serial = model.name.endswith("serializable") and model.family is Family.ANY
    if model.family in _BY_VISIBILITY or serial or model.name.endswith("parallel-snapshot-isolation"):
        return any(_visible(committed, arrangement, order, model, serial)
                   for arrangement in _arrangements(committed, order))  # fmt: skip
    if model.family is Family.MONOTONIC:
        return any(_monotonic(committed, arrangement) for arrangement in _arrangements(committed, order))
    return any(_adya(committed, chains, order, model) for chains in _version_orders(committed, model))


def _order(committed: Sequence[Transaction], order: Order) -> Pairs:
    return {
        (first.number, second.number)
        for first in committed
        for second in committed
        if order is not Order.NONE and first.complete is not None and first.complete < second.invoke
        and (order is Order.REALTIME or first.session == second.session)
    }  # fmt: skip


def _arrangements(committed: Sequence[Transaction], order: Pairs) -> Iterator[list[Transaction]]:
    for arrangement in permutations(committed):
        place = {each.number: index for index, each in enumerate(arrangement)}
        if all(place[first] < place[second] for first, second in order):
            yield list(arrangement)


def _by_number(committed: Sequence[Transaction]) -> dict[int, Transaction]:
    return {each.number: each for each in committed}


def _value(committed: dict[int, Transaction], key: Atom, writers: Sequence[int]) -> tuple[Atom, ...]:
    return tuple(element for number in writers for element in committed[number].appends[key])


def _chains(arrangement: Sequence[Transaction]) -> Chains:
    chains: Chains = {}
    for each in arrangement:
        for key in each.appends:
            chains.setdefault(key, []).append(each.number)
    return chains


def _external(read: Read) -> tuple[Atom, ...]:
    return read.elements[: len(read.elements) - read.own]


# ---------------------------------------------------------------------------- Cerone, Bernardi, Gotsman


def _visible(
    committed: Sequence[Transaction], arrangement: list[Transaction], order: Pairs, model: Model, serial: bool
) -> bool:
    """Whether some VIS makes the arrangement an execution of the model."""
    known, chains = _by_number(committed), _chains(arrangement)
    transitive = not serial and model.family in (Family.CAUSAL, Family.ONE_RW)
    conflict_free = model.family in (Family.ONE_RW, Family.SNAPSHOT)
    prefix = model.family in (Family.PREFIX, Family.SNAPSHOT)

    def candidates(place: int) -> Iterator[set[int]]:
        before = [each.number for each in arrangement[:place]]
        if serial:
            yield set(before)
        elif prefix:
            yield from (set(before[:size]) for size in range(place, -1, -1))
        else:
            for size in range(place, -1, -1):
                yield from (set(chosen) for chosen in combinations(before, size))

    def allowed(place: int, visible: set[int], sets: dict[int, set[int]]) -> bool:
        each = arrangement[place]
        if any(second == each.number and first not in visible for first, second in order):
            return False
        if transitive and any(not sets[other] <= visible for other in visible):
            return False
        if conflict_free and any(set(other.appends) & set(each.appends) and other.number not in visible
                                 for other in arrangement[:place]):  # fmt: skip
            return False
        return all(_sees(known, chains, each, read, visible) for read in each.reads)

    def extend(place: int, sets: dict[int, set[int]]) -> bool:
        if place == len(arrangement):
            return True
        return any(
            allowed(place, visible, sets) and extend(place + 1, {**sets, arrangement[place].number: visible})
            for visible in candidates(place)
        )

    return extend(0, {})


def _sees(known: dict[int, Transaction], chains: Chains, reader: Transaction, read: Read, visible: set[int]) -> bool:
    """EXT, and, after an own append, that the version read is the reader's own."""
    chain = chains.get(read.key, [])
    last = max((place for place, number in enumerate(chain) if number in visible), default=-1)
    if read.own and chain.index(reader.number) != last + 1:
        return False
    return _value(known, read.key, chain[: last + 1]) == _external(read)


# ---------------------------------------------------------------------------- Biswas, Enea


def _monotonic(committed: Sequence[Transaction], arrangement: list[Transaction]) -> bool:
    known, chains = _by_number(committed), _chains(arrangement)
    place = {each.number: index for index, each in enumerate(arrangement)}
    for reader in committed:
        sources: list[tuple[Read, int | None]] = []
        for read in reader.reads:
            source = _source(known, chains, reader, read)
            if source is _NONE:
                return False
            sources.append((read, source))
        if any(source is not None and place[source] > place[reader.number] for _, source in sources):
            return False
        for later, (read, source) in enumerate(sources):
            for _, earlier in sources[:later]:
                if earlier not in (None, source) and read.key in known[earlier].appends and (
                    source is None or place[earlier] > place[source]
                ):  # fmt: skip
                    return False
    return True


_NONE: Final = -1


def _source(known: dict[int, Transaction], chains: Chains, reader: Transaction, read: Read) -> int | None:
    """Who wrote the version that was read, None if nobody; _NONE if it is no committed version."""
    chain = chains.get(read.key, [])
    for length in range(len(chain) + 1):
        own_next = length < len(chain) and chain[length] == reader.number
        if _value(known, read.key, chain[:length]) == _external(read) and (own_next or not read.own):
            return chain[length - 1] if length else None
    return _NONE


# ---------------------------------------------------------------------------- Adya


def _version_orders(committed: Sequence[Transaction], model: Model) -> Iterator[Chains]:
    """Every choice of version orders that the reads allow."""
    known = _by_number(committed)
    keys = sorted({key for each in committed for key in each.appends}, key=repr)
    fits = _stripped_fits if model.family is Family.WRITES else _fits
    per_key: list[list[list[int]]] = []
    trials = 1
    for key in keys:
        writers = [each.number for each in committed if key in each.appends]
        orders = [list(order) for order in permutations(writers) if fits(known, key, list(order))]
        per_key.append(orders)
        trials *= len(orders)
    if trials > TRIALS_MAX:
        raise TooLarge
    unwritten = all(_external(read) == () or read.key in keys or model.family is Family.WRITES
                    for each in committed for read in each.reads)  # fmt: skip
    for choice in product(*per_key) if unwritten else ():
        yield dict(zip(keys, choice, strict=True))


def _fits(known: dict[int, Transaction], key: Atom, order: list[int]) -> bool:
    """Every read of the list is of a committed, final version."""
    return all(
        _source(known, {key: order}, each, read) is not _NONE
        for each in known.values()
        for read in each.reads
        if read.key == key
    )


def _stripped_fits(known: dict[int, Transaction], key: Atom, order: list[int]) -> bool:
    """Read uncommitted: without what did not commit, every read shows the beginning of the list."""
    final = _value(known, key, order)
    for each in known.values():
        for read in each.reads:
            stripped = tuple(element for element in read.elements if element in final)
            if read.key == key and final[: len(stripped)] != stripped:
                return False
    return True


def _adya(committed: Sequence[Transaction], chains: Chains, order: Pairs, model: Model) -> bool:
    known = _by_number(committed)
    ww = {pair for chain in chains.values() for pair in pairwise(chain)}
    if model.family is Family.WRITES:
        return not _cyclic(ww | order)
    wr, rw = _read_dependencies(known, chains)
    dependencies = ww | wr | order
    if _cyclic(dependencies) or model.family is Family.DEPENDENCIES:
        return not _cyclic(dependencies)
    if model.family is Family.ONE_RW:
        reach = _closure(dependencies)
        return not any((target, source) in reach for source, target in rw)
    if model.family is Family.CURSOR:
        return not any(_cursor(known, chain, key) for key, chain in chains.items())
    if model.family is Family.UPDATE:
        updates = {each.number for each in committed if each.appends}
        return all(not _cyclic(_among(dependencies | rw, updates | {each.number})) for each in committed)
    return not _cyclic(dependencies | rw)


def _read_dependencies(known: dict[int, Transaction], chains: Chains) -> tuple[Pairs, Pairs]:
    wr, rw = set(), set()
    for reader in known.values():
        for read in reader.reads:
            chain = chains.get(read.key, [])
            source = _source(known, chains, reader, read)
            if source is not None and source != reader.number:
                wr.add((source, reader.number))
            following = 0 if source is None else chain.index(source) + 1
            if following < len(chain) and chain[following] != reader.number:
                rw.add((reader.number, chain[following]))
    return wr, rw


def _cursor(known: dict[int, Transaction], chain: list[int], key: Atom) -> bool:
    """G-cursor: on one list, an antidependency of a read that its transaction follows by a write, and ww back."""
    for place, number in enumerate(chain):
        for read in known[number].reads:
            if read.key == key and not read.own:
                source = _source(known, {key: chain}, known[number], read)
                following = 0 if source is None else chain.index(source) + 1
                if following < place:
                    return True
    return False


def _among(pairs: Pairs, members: set[int]) -> Pairs:
    return {(source, target) for source, target in pairs if source in members and target in members}


def _closure(pairs: Pairs) -> Pairs:
    reach = set(pairs)
    nodes = {node for pair in pairs for node in pair}
    for middle in nodes:
        into = [source for source, target in reach if target == middle]
        out = [target for source, target in reach if source == middle]
        reach |= {(source, target) for source in into for target in out}
    return reach


def _cyclic(pairs: Pairs) -> bool:
    return any(source == target for source, target in _closure(pairs))

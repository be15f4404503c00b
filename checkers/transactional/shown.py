"""What the reads of a history show, looked up in its transactions: who wrote what was read, what a read missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checkers.transactional.commit_order import Initial, Objection
from checkers.transactional.counterexample import History, Pair
from checkers.transactional.transaction import Atom, Read, Transaction


@dataclass(slots=True)
class Touching:
    """Of each key the transactions with a micro-operation on it, and of each element those that wrote it."""

    transactions: Sequence[Transaction]
    _of_key: dict[Atom, list[Transaction]] | None = None
    _writers: dict[Atom, dict[Atom, list[Transaction]]] = field(default_factory=dict)

    def of(self, key: Atom) -> Iterable[Transaction]:
        lazily: Callable[[Atom], Iterable[Transaction]] | None = getattr(self.transactions, "touching", None)
        if lazily is not None:
            return lazily(key)
        if self._of_key is None:
            self._of_key = {}
            for each in self.transactions:
                for touched in dict.fromkeys([*each.appends, *(read.key for read in each.reads)]):
                    self._of_key.setdefault(touched, []).append(each)
        return self._of_key.get(key, ())

    def writers(self, key: Atom) -> Mapping[Atom, list[Transaction]]:
        """element -> who wrote it."""
        if key not in self._writers:
            found: dict[Atom, list[Transaction]] = {}
            for each in self.of(key):
                for element in dict.fromkeys(each.appends.get(key, ())):
                    found.setdefault(element, []).append(each)
            self._writers[key] = found
        return self._writers[key]


@dataclass(slots=True)
class Lists:
    """A read of a list shows its elements in the order in which they were appended."""

    touching: Touching
    _writers: dict[Atom, dict[Atom, Transaction]] = field(default_factory=dict)

    def writers(self, key: Atom) -> Mapping[Atom, Transaction]:
        """element -> who appended it. Raises :class:`Objection` where that is not one."""
        if key not in self._writers:
            of_key = self.touching.writers(key)
            appended = sum(len(each.appends.get(key, ())) for each in self.touching.of(key))
            if appended > len(of_key):
                raise Objection("an element was appended twice: no read tells whose append it saw")
            self._writers[key] = {element: several[0] for element, several in of_key.items()}
        return self._writers[key]

    def kept(self, read: Read) -> list[Atom]:
        """Without what nobody appended, what was aborted, and repetitions."""
        writers = self.writers(read.key)
        return [each for each in dict.fromkeys(read.elements) if each in writers and writers[each].outcome != "fail"]

    def others(self, read: Read) -> list[Atom]:
        """The same without the reader's own, which stand last."""
        kept = self.kept(read)
        return kept[: len(kept) - read.own] if read.own else kept

    def committed(self, transaction: Transaction) -> bool:
        return any(
            not {*elements}.isdisjoint(read.elements)
            for key, elements in transaction.appends.items()
            for reader in self.touching.of(key) if reader is not transaction
            for read in reader.reads if read.key == key
        )  # fmt: skip

    def sources(self, reader: Transaction) -> Iterator[tuple[Read, Transaction]]:
        for read in reader.reads:
            others = self.others(read)
            if others:
                yield read, self.writers(read.key)[others[-1]]

    def missed(self, reader: Transaction, other: Transaction, known: frozenset[Pair]) -> Iterator[Read]:
        for read in reader.reads:
            if (
                read.key in other.appends
                and self.writers(read.key)
                and not {*other.appends[read.key]} <= {*read.elements}
            ):
                yield read

    def follows(self, first: Transaction, second: Transaction) -> bool:
        for key in first.appends.keys() & second.appends.keys():
            for reader in self.touching.of(key):
                for read in reader.reads:
                    if read.key == key:
                        places = {element: place for place, element in enumerate(self.kept(read))}
                        ours = [places[each] for each in first.appends[key] if each in places]
                        theirs = [places.get(each, len(places)) for each in second.appends[key]]
                        if ours and min(ours) < max(theirs):
                            return True
        return False

    def wrong(self, type_: str, reader: Transaction, read: Read, details: Mapping[str, Any], here: History) -> bool:
        writers, elements = self.writers(read.key), read.elements
        outcomes = [writers[each].outcome if each in writers else None for each in elements]
        failed = [outcome == "fail" for outcome in outcomes]
        own = reader.appends.get(read.key, [])
        match type_:
            case "garbage-read":
                return not all(outcomes)
            case "duplicate-elements":
                return len(set(elements)) < len(elements)
            case "internal":
                return read.own > 0 and elements[max(0, len(elements) - read.own) :] != tuple(own[: read.own])
            case "future-read":
                return not {*own[read.own :]}.isdisjoint(elements)
            case "G1a":
                return any(failed)
            case "dirty-update":
                return any(failed) and any(
                    outcome and not fails
                    for outcome, fails in zip(outcomes[failed.index(True) :], failed[failed.index(True) :], strict=True)
                )
            case "G1b":
                return self._intermediate(reader, read)
            case "incompatible-order":
                return self._incompatible(read, details, here)
        return False

    def _intermediate(self, reader: Transaction, read: Read) -> bool:
        others = self.others(read)
        if not others:
            return False
        writer = self.writers(read.key)[others[-1]]
        return writer is not reader and writer.appends[read.key][-1] != others[-1]

    def _incompatible(self, read: Read, details: Mapping[str, Any], here: History) -> bool:
        """No beginning of one list, as another read of it; or a writer's appends in another order than its own."""
        ours, other = self.kept(read), here.transaction(details.get("other"))
        for another in other.reads:
            if another.key == read.key and another.place == details.get("other_place"):
                theirs = self.kept(another)
                shorter = min(len(ours), len(theirs))
                return ours[:shorter] != theirs[:shorter]
        appended = other.appends.get(read.key, [])
        shown = [each for each in ours if each in {*appended}]
        return shown != appended[: len(shown)]


@dataclass(slots=True)
class Registers:
    """A read of a register shows a value; who wrote it is known where only one can have."""

    touching: Touching
    initial: Initial

    def possible(self, reader: Transaction, read: Read) -> list[Transaction | None]:
        """Who may have left the value there for others: None is the initial value. Where nobody did, who wrote it and
        then wrote over it: that is forbidden, too, wherever it matters who wrote what was read."""
        value = read.elements[0]
        wrote = [each for each in self.touching.writers(read.key).get(value, ())
                 if each is not reader and each.outcome != "fail"]  # fmt: skip
        found: list[Transaction | None] = [each for each in wrote if each.appends[read.key][-1] == value]
        if self.initial(read.key) == value:
            found.insert(0, None)
        return found or [*wrote[:1]]

    def source(self, reader: Transaction, read: Read) -> Transaction | None:
        possible = self.possible(reader, read)
        if len(possible) != 1:
            raise Objection(f"the read of T{reader.invoke} at place {read.place} does not tell whose write it saw")
        return possible[0]

    def committed(self, transaction: Transaction) -> bool:
        return any(
            not read.own and read.key == key and self.possible(reader, read) == [transaction]
            for key in transaction.appends
            for reader in self.touching.of(key) if reader is not transaction
            for read in reader.reads
        )  # fmt: skip

    def sources(self, reader: Transaction) -> Iterator[tuple[Read, Transaction]]:
        for read in reader.reads:
            possible = [] if read.own else self.possible(reader, read)
            if len(possible) == 1 and possible[0] is not None:
                yield read, possible[0]

    def missed(self, reader: Transaction, other: Transaction, known: frozenset[Pair]) -> Iterator[Read]:
        for read in reader.reads:
            if not read.own and read.key in other.appends and other is not reader:
                possible = self.possible(reader, read)
                if len(possible) == 1 and (possible[0] is None or (possible[0].invoke, other.invoke) in known):
                    yield read

    def follows(self, first: Transaction, second: Transaction) -> bool:
        return False  # no read of one value shows that

    def wrong(self, type_: str, reader: Transaction, read: Read, details: Mapping[str, Any], here: History) -> bool:
        value = read.elements[0]
        if type_ == "internal":
            return read.own > 0 and reader.appends[read.key][read.own - 1] != value
        if read.own or self.initial(read.key) == value:
            return False
        writers = self.touching.writers(read.key).get(value, [])
        others = [each for each in writers if each is not reader]
        possible = [each for each in others if each.outcome != "fail"]
        match type_:
            case "garbage-read":
                return not writers
            case "future-read":
                return bool(writers) and not others
            case "G1a":
                return bool(others) and not possible
            case "G1b":
                return bool(possible) and all(each.appends[read.key][-1] != value for each in possible)
            case "dirty-update":
                return self._dirty(reader, read)
        return False

    def _dirty(self, reader: Transaction, read: Read) -> bool:
        """Of a write by a transaction that had read an aborted one of the same register."""
        source = self.source(reader, read)
        return source is not None and any(
            each.key == read.key and self.wrong("G1a", source, each, {}, _NOWHERE) for each in source.reads
        )


_NOWHERE: Any = None

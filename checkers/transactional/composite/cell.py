"""What commutes as registers of their own, what a read of several of them returned, and both in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from checkers.transactional.explain import key_text, transaction_name
from checkers.transactional.transaction import Atom, Read, Transaction, value_of
from checkers.value import TEXT_MAX, plain, show

Kind = Literal["set", "counter", "range", "removal"]
ABSENT, PRESENT = 0, 1
"""What a cell holds before and after its one write."""
SHOWN_MAX: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """All that one transaction did to a set or counter: the key of a register that it alone wrote, once.

    ``values``: the elements it added, or the one sum of its increments; of a "removal", which is the last null that
    somebody wrote to a register, nothing. Equal only to itself.
    """

    kind: Kind
    key: Atom
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What a whole read returned, of which each cell is a part: elements, a total, or (of a range) keys with values.
    ``key``: of a range the text of its bounds."""

    kind: Kind
    key: Atom
    value: Any

    def __str__(self) -> str:
        if self.kind == "range":
            pairs = ", ".join(f"{key_text(key)}: {atom_text(value)}" for key, value in self.value[:SHOWN_MAX])
            return f"{self.key} as {{{pairs}{', …' * (len(self.value) > SHOWN_MAX)}}}"
        return f"{key_text(self.key)}={set_text(self.value) if self.kind == 'set' else show(self.value)}"


def range_told(bounds: tuple[Atom, Atom], pairs: tuple[tuple[Atom, Atom], ...]) -> Told:
    """What a predicate read returned."""
    return Told("range", f"the keys {atom_text(bounds[0])} to {atom_text(bounds[1])}", pairs)


def atom_text(atom: Atom) -> str:
    """A value as a person reads it."""
    return show(value_of(atom))


def set_text(elements: tuple[Atom, ...]) -> str:
    """A set, of a long one the first few."""
    texts = [atom_text(each) for each in elements[:SHOWN_MAX]] + ["…"] * (len(elements) > SHOWN_MAX)
    return "{" + ", ".join(texts) + "}"


def told_of(read: Read) -> Told | None:
    """The whole of which the read is a part; None if it is a plain read of a register."""
    told = read.elements[1] if len(read.elements) > 1 else None
    assert told is None or isinstance(told, Told), "a part knows its whole"
    return told


def misses_key(read: Read) -> bool:
    """Whether it is the part of a predicate read that says that a key had no value."""
    return len(read.elements) > 1 and not isinstance(read.key, Update) and value_of(read.elements[0]) is None


def update_text(update: Update) -> str:
    """What was done, after "T1's"."""
    if update.kind == "counter":
        return f"increment by {show(update.values[0])}"
    if update.kind == "removal":
        return f"removal of {key_text(update.key)}"
    texts = [atom_text(each) for each in update.values[:SHOWN_MAX]] + ["…"] * (len(update.values) > SHOWN_MAX)
    return f"add of {_and(texts)}"


def _and(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def saw(reader: Transaction, read: Read, writer: Transaction) -> str:
    """Why the read depends on the writer: a sentence without its full stop."""
    told, first, second = told_of(read), transaction_name(reader), transaction_name(writer)
    assert told is not None, "a part of a read of several"
    if isinstance(read.key, Update):
        if read.key.kind == "removal":
            return f"{first} read {told}, without {key_text(read.key.key)}, which {second} had removed"
        return f"{first} read {told}, with {second}'s {update_text(read.key)}"
    key, value = key_text(read.key), read.elements[0]
    if misses_key(read):
        return f"{first} read {told}, without {key}, which {second} had removed"
    return f"{first} read {told}, in which {second} wrote {key}={atom_text(value)}"


def missed(reader: Transaction, read: Read, writer: Transaction) -> str:
    """Why the writer comes after the reader: a sentence without its full stop."""
    told, first, second = told_of(read), transaction_name(reader), transaction_name(writer)
    assert told is not None, "a part of a read of several"
    if isinstance(read.key, Update):
        return f"{first} read {told}, without {second}'s {update_text(read.key)}"
    key, value = key_text(read.key), atom_text(writer.appends[read.key][-1])
    if value_of(writer.appends[read.key][-1]) is None:
        return f"{first} read {told}, without {second}'s removal of {key}"
    if misses_key(read):
        return f"{first} read {told}, without {key}, to which {second} wrote {value}"
    return f"{first} read {told}, without {second}'s write of {value} to {key}"


def plain_key(key: Atom) -> Any:
    """The key as JSON: of a cell that of its set or counter."""
    return plain(value_of(key.key if isinstance(key, Update) else key))


def plain_values(key: Atom, values: list[Atom]) -> list[Any]:
    """The values as JSON: of a cell what the update did."""
    shown = key.values[:TEXT_MAX] if isinstance(key, Update) else values
    return [plain(value_of(each)) for each in shown]

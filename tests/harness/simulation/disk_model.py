"""A disk that remembers everything, and says what a power loss may leave of it; slow and plain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

Change = tuple[int, bytes | None]
NameChange = tuple[str | None, str | None, "ModelFile"]


class ModelFile:
    """All that was ever done to a file, how many of these changes were surely synced, and how many may have been by
    syncs that nobody saw end."""

    def __init__(self) -> None:
        self.changes: list[Change] = []  # bytes at an offset; without bytes: a new length
        self.synced = 0
        self.begun: list[int] = []

    def outcomes(self, *, torn: bool, reordered: bool, keep: str) -> set[bytes]:
        """Every content that a power loss may leave."""
        found = set()
        for synced in {self.synced, *(count for count in self.begun if count > self.synced)}:
            base, pending = self.changes[:synced], self.changes[synced:] if keep == "some" else []
            kept = subsets(pending) if reordered else prefixes(pending)
            found |= {replayed([*base, *end]) for some in kept for end in tearings(some, torn, reordered)}
        return found

    @property
    def content(self) -> bytes:
        return replayed(self.changes)


def replayed(changes: Iterable[Change]) -> bytes:
    content = b""
    for offset, data in changes:
        if data is None:
            content = content[:offset].ljust(offset, b"\0")
        else:
            content = content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]
    return content


def prefixes(changes: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (changes[:count] for count in range(len(changes) + 1))


def subsets(changes: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (kept for count in range(len(changes) + 1) for kept in combinations(changes, count))


def tearings(changes: Sequence[Change], torn: bool, reordered: bool) -> Iterator[Sequence[Change]]:
    yield changes
    if torn and changes and (data := changes[-1][1]) is not None:
        for cut in range(len(data)):
            yield [*changes[:-1], (changes[-1][0], data[:cut])]
            if reordered:
                yield [*changes[:-1], (changes[-1][0], data[:cut] + bytes(len(data) - cut))]


class Model:
    """The names, and every change of them."""

    def __init__(self) -> None:
        self.names: dict[str, ModelFile] = {}
        self.changes: list[NameChange] = []
        self.synced = 0

    def change(self, change: NameChange) -> None:
        self.changes.append(change)
        self.names = renamed({}, self.changes)

    def file(self, name: str) -> ModelFile:
        if name not in self.names:
            self.change((None, name, ModelFile()))
        return self.names[name]

    def append(self, name: str, data: bytes) -> None:
        file = self.file(name)
        if data:
            file.changes.append((len(file.content), data))

    def truncate(self, name: str, length: int) -> None:
        self.file(name).changes.append((length, None))

    def write(self, name: str, data: bytes) -> None:
        self.truncate(name, 0)
        self.append(name, data)

    def sync_file(self, name: str) -> None:
        self.names[name].synced = len(self.names[name].changes)

    def sync_names(self) -> None:
        self.synced = len(self.changes)

    def outcomes(self, *, reordered: bool, keep: str) -> list[dict[str, ModelFile]]:
        """The names that a power loss may leave."""
        base, pending = self.changes[: self.synced], self.changes[self.synced :]
        if keep == "none":
            return [renamed({}, base)]
        places = range(len(pending))
        kept = (some for some in subsets(places) if is_closed(some, pending)) if reordered else prefixes(places)
        return [renamed({}, [*base, *(pending[place] for place in some)]) for some in kept]


def renamed(names: dict[str, ModelFile], changes: Iterable[NameChange]) -> dict[str, ModelFile]:
    for old, new, file in changes:
        if old is not None:
            assert names.pop(old) is file, "a change follows the one that made its name"
        if new is not None:
            names[new] = file
    return names


def is_closed(kept: Sequence[int], changes: Sequence[NameChange]) -> bool:
    """Whether no change is kept, by its place, without an earlier one of the same name."""
    lost: set[str] = set()
    for place, change in enumerate(changes):
        touched = {name for name in change[:2] if name is not None}
        if place not in kept:
            lost |= touched
        elif touched & lost:
            return False
    return True

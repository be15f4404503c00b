"""The replicated log, as an immutable value.

A step must leave the state it began with untouched, and a log of a hundred thousand entries cannot be copied at every
step: the entries are kept in chunks of a fixed length, and a changed log shares all chunks but the last with the one
it came from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

CHUNK: Final = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """``command`` for the state machine, received by the leader of ``term``; None is the leader's no-op (8)."""

    term: int
    index: int
    command: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state machine after the entry at ``index``, which is of ``term``; ``state`` is JSON text. ``voters`` and
    ``old_voters`` are the configuration there (section 7: "the latest configuration in the log as of last included
    index"). At index 0 there is none."""

    index: int = 0
    term: int = 0
    state: str = ""
    voters: tuple[str, ...] = ()
    old_voters: tuple[str, ...] = ()


NO_SNAPSHOT: Final = Snapshot()


@dataclass(frozen=True, slots=True)
class Log:
    """Entries ``included_index + 1`` to ``last_index``; their terms never fall.

    ``included_index`` and ``included_term`` describe the last entry that is no longer kept, because a snapshot includes
    it (Figure 13: lastIncludedIndex, lastIncludedTerm). Until there is a snapshot both are 0: the first entry has
    index 1, and what is before it matches everything. Every chunk but the last has length ``CHUNK``.
    """

    chunks: tuple[tuple[Entry, ...], ...] = ()
    included_index: int = 0
    included_term: int = 0

    @property
    def last_index(self) -> int:
        if not self.chunks:
            return self.included_index
        return self.included_index + CHUNK * (len(self.chunks) - 1) + len(self.chunks[-1])

    @property
    def last_term(self) -> int:
        return self.chunks[-1][-1].term if self.chunks else self.included_term

    def __iter__(self) -> Iterator[Entry]:
        for chunk in self.chunks:
            yield from chunk

    def entry(self, index: int) -> Entry:
        """The entry at ``index``; IndexError if the log does not hold it."""
        if not self.included_index < index <= self.last_index:
            raise IndexError(f"entry {index} of a log that holds {self.included_index + 1} to {self.last_index}")
        chunk, position = divmod(index - self.included_index - 1, CHUNK)
        return self.chunks[chunk][position]

    def term_at(self, index: int) -> int | None:
        """The term of the entry at ``index``, or None past either end."""
        if index == self.included_index:
            return self.included_term
        return self.entry(index).term if self.included_index < index <= self.last_index else None

    def entries(self, first: int, last: int) -> tuple[Entry, ...]:
        """Entries ``first`` to ``last``, both included, as far as the log goes. ``first`` must not be before it."""
        start, stop = first - self.included_index - 1, min(last, self.last_index) - self.included_index
        assert start >= 0, f"entry {first} is included in a snapshot"
        return tuple(self.chunks[at // CHUNK][at % CHUNK] for at in range(start, stop))

    def last_not_after(self, index: int, term: int) -> int:
        """The greatest index that is at most ``index`` and whose term is at most ``term``.

        No entry above it can match a log whose entry at ``index`` has that ``term``: this is how a follower and a
        leader step over a whole term at a time when they look for the place where their logs part (end of 5.3).
        """
        end = min(index, self.last_index)
        kept = range(self.included_index + 1, end + 1)
        return self.included_index + bisect_right(kept, term, key=lambda at: self.entry(at).term)

    def append(self, entries: Sequence[Entry], *, in_order: bool = True) -> Log:
        """This log with ``entries`` after its end; asserts that they follow on, their terms too if ``in_order``."""
        _follow_on(self.last_index, self.last_term, entries, in_order)
        if not entries:
            return self
        full = self.chunks[:-1] if self.chunks and len(self.chunks[-1]) < CHUNK else self.chunks
        tail = (*self.chunks[len(full)], *entries) if len(full) < len(self.chunks) else tuple(entries)
        cut = tuple(tail[start : start + CHUNK] for start in range(0, len(tail), CHUNK))
        return replace(self, chunks=full + cut)

    def compact(self, index: int) -> Log:
        """This log without the entries up to ``index``, which a snapshot includes."""
        term = self.term_at(index)
        assert term is not None, f"entry {index} is not in the log"
        return Log(included_index=index, included_term=term).append(
            self.entries(index + 1, self.last_index), in_order=False
        )

    def truncate_from(self, index: int) -> Log:
        """This log without the entry at ``index`` and everything after it."""
        assert index > self.included_index, f"entry {index} is included in a snapshot"
        full, rest = divmod(index - self.included_index - 1, CHUNK)
        partial = (self.chunks[full][:rest],) if rest and full < len(self.chunks) else ()
        return replace(self, chunks=self.chunks[:full] + partial)


def _follow_on(last_index: int, last_term: int, entries: Sequence[Entry], in_order: bool) -> None:
    for entry in entries:
        assert entry.index == last_index + 1, f"entry {entry.index} after {last_index}"
        assert entry.term >= last_term or not in_order, (
            f"entry {entry.index} of term {entry.term} after term {last_term}"
        )
        last_index, last_term = entry.index, entry.term

"""Contents that are put and appended to: whoever reads them sees the last put and all appended since, in order.

A reader has a source, the last put before it, or the beginning. Every append between the two has a place in what was
read, where it stands; the places follow each other without gaps from where the source's content ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from checkers.linearizable.symbolic.formula import FALSE, TRUE
from checkers.linearizable.symbolic.question import Answered, Question


@dataclass(frozen=True, slots=True)
class Appending:
    """``puts``, ``appends`` and ``reads`` are events with the content they put, append or read: strings or tuples, None
    for nothing yet. The content begins as ``initial``."""

    question: Question
    puts: Mapping[int, Any]
    appends: Mapping[int, Any]
    reads: Mapping[int, Any]
    initial: Any

    def constrain(self) -> None:
        for reader, content in self.reads.items():
            self.question.formula.check_time()
            _Reader(self, reader, content).constrain()

    def ending(self, found: Answered) -> Iterator[int]:
        """Literals that hold in the answer and together imply the content at its end: which put is the last, and which
        appends follow it in which order."""
        yield from self.question.chosen(found)
        puts = [event for event in found.order if event in self.puts]
        last = puts[-1] if puts else None
        begin = 0 if last is None else found.order.index(last)
        appends = [event for event in found.order if event in self.appends]
        after = [event for event in appends if found.order.index(event) >= begin]
        if last is not None:
            yield from (self.question.before(put, last) for put in puts[:-1])
            yield from (self.question.before(event, last) for event in appends if event not in after)
            yield from (self.question.before(last, event) for event in after)
        yield from (self.question.before(a, b) for a, b in pairwise(after))


@dataclass(slots=True)
class _Reader:
    """One reader's places: ``places[append]`` are the positions where it may stand, each with its literal."""

    all: Appending
    reader: int
    content: Any
    places: defaultdict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def constrain(self) -> None:
        question, formula = self.all.question, self.all.question.formula
        sources = [each for each in (None, *self.all.puts) if self._possible(each)]
        taken = question.taken[self.reader]
        chosen = [taken] if len(sources) == 1 else [formula.variable() for _ in sources]
        if len(sources) != 1:
            formula.add(-taken, *chosen)
        if self.content:
            self._lay(min((self._length(source) for source in sources), default=0))
        for source, guard in zip(sources, chosen, strict=True):
            self._from(source, guard)

    def _given(self, source: int | None) -> Any:
        return self.all.initial if source is None else self.all.puts[source]

    def _length(self, source: int | None) -> int:
        return len(self._given(source) or ())

    def _possible(self, source: int | None) -> bool:
        """Whether what the source left is the beginning of what was read, and no other put is surely between."""
        question, given = self.all.question, self._given(source)
        if given is not None and (self.content is None or self.content[: len(given)] != given):
            return False
        if source is not None and question.before(source, self.reader) == FALSE:
            return False
        return not any(
            question.taken[put] == TRUE
            and question.before(put, self.reader) == TRUE
            and (source is None or question.before(source, put) == TRUE)
            for put in self.all.puts
            if put != source
        )

    def _lay(self, begin: int) -> None:
        """Places in what was read for all appends that may be before the reader. An append has one at most; of those
        that begin at the same position one is there at most; each follows another or the source, up to the end."""
        question, formula = self.all.question, self.all.question.formula
        starts: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        ends: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for append, part in self.all.appends.items():
            if not part or question.before(append, self.reader) == FALSE:
                continue
            for at in _occurrences(self.content, part, begin):
                place = formula.variable()
                self.places[append].append((at, place))
                starts[at].append((append, place))
                ends[at + len(part)].append((append, place))
                formula.add(-place, question.taken[append])
                formula.add(-place, question.before(append, self.reader))
            formula.at_most_one([place for _, place in self.places[append]])
        for at, first in starts.items():
            formula.at_most_one([place for _, place in first])
            for append, place in ends.get(at, ()):
                for follower, next_ in first:
                    if follower != append:
                        formula.add(-place, -next_, question.before(append, follower))
        for end, last in ends.items():
            for append, place in last if end < len(self.content) else ():
                formula.add(-place, *(next_ for follower, next_ in starts.get(end, ()) if follower != append))
        self._starts, self._ends = starts, ends

    _starts: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    _ends: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def _from(self, source: int | None, guard: int) -> None:
        """Where the guard holds, the source is the last put, and the places continue its content."""
        question, formula = self.all.question, self.all.question.formula
        if source is not None:
            formula.add(-guard, question.taken[source])
            formula.add(-guard, question.before(source, self.reader))
        for put in self.all.puts:
            if put != source:
                earlier = FALSE if source is None else question.before(put, source)
                formula.add(-guard, -question.taken[put], earlier, question.before(self.reader, put))
        begin = self._length(source)
        if self.content is not None and len(self.content) > begin:
            formula.add(-guard, *(place for _, place in self._starts.get(begin, ())))
        for at, first in self._starts.items():
            for append, place in first:
                if at < begin:
                    formula.add(-guard, -place)
                elif at > begin:
                    befores = (each for other, each in self._ends.get(at, ()) if other != append)
                    formula.add(-guard, -place, *befores)
        inside = [self._append(source, guard, append) for append in self.all.appends]
        if self.content is not None and not self.content and self._given(source) is None:
            formula.add(-guard, *inside)  # something empty was appended to nothing

    def _append(self, source: int | None, guard: int, append: int) -> int:
        """An append between the source and the reader has a place, and no other has; the literal that it is between."""
        question, formula = self.all.question, self.all.question.formula
        since = TRUE if source is None else question.before(source, append)
        until = question.before(append, self.reader)
        begin = self._length(source)
        places = [place for at, place in self.places.get(append, ()) if at >= begin]
        for place in places:
            formula.add(-guard, -place, since)
        if self.all.appends[append] or self.content is None:
            formula.add(-guard, -question.taken[append], -since, -until, *places)
        return formula.both(question.taken[append], formula.both(since, until))


def _occurrences(content: Any, part: Any, begin: int) -> Iterator[int]:
    """The positions from ``begin`` on where the part stands in the content."""
    for at in range(begin, len(content) - len(part) + 1):
        if content[at : at + len(part)] == part:
            yield at

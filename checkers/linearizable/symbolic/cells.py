"""Cells: values that are overwritten. Registers are cells, and so are the elements of a set, there or not.

Whoever observes a value in a cell has a source: an event that left it and is before the observer, with nothing between
the two that leaves another value; or the beginning. (Others that leave the same value do no harm between.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from checkers.linearizable.symbolic.formula import FALSE, TRUE
from checkers.linearizable.symbolic.question import Answered, Question


class Touch(NamedTuple):
    """What an event does to a cell; () where it expects, or leaves, nothing in particular, (value,) where it does."""

    expects: tuple[Any, ...]
    leaves: tuple[Any, ...]


Touches = Mapping[Hashable, Touch]


@dataclass(frozen=True, slots=True)
class Cells:
    """``touches``: of each event what it does to which cells. A cell of which ``initial`` says nothing holds
    ``default``."""

    question: Question
    touches: Sequence[Touches]
    initial: Mapping[Hashable, Any]
    default: Any = None
    _last: dict[Hashable, dict[Any, int]] = field(default_factory=dict)

    def constrain(self) -> None:
        writers = self._writers()
        for observer, touches in enumerate(self.touches):
            self.question.formula.check_time()
            for cell, touch in touches.items():
                if touch.expects:
                    others = [writer for writer in writers[cell] if writer[0] != observer]
                    self._observe(observer, touch.expects[0], self.initial.get(cell, self.default), others)

    def ending(self, found: Answered) -> Iterator[int]:
        """Literals that hold in the answer, and that hold in no other that takes these events and more unless all cells
        end with the same values."""
        state = dict(self.initial)
        for event in found.order:
            state.update((cell, touch.leaves[0]) for cell, touch in self.touches[event].items() if touch.leaves)
        for cell, writers in self._writers().items():
            if cell not in self._last:
                self._last[cell] = self._end(writers, self.initial.get(cell, self.default))
            yield self._last[cell][state.get(cell, self.default)]
        yield from self.question.chosen(found, others=False)

    def _end(self, writers: Sequence[tuple[int, Any]], initial: Any) -> dict[Any, int]:
        """A literal for each value that a cell may hold at the end: one holds, and it holds only where that is so."""
        question, formula = self.question, self.question.formula
        last = {value: formula.variable() for value in dict.fromkeys((initial, *(left for _, left in writers)))}
        formula.add(*last.values())
        for value, here in last.items():
            sources: list[int | None] = [event for event, left in writers if left == value]
            sources += [None] if initial == value else []
            chosen = [formula.variable() for _ in sources]
            formula.add(-here, *chosen)
            for source, guard in zip(sources, chosen, strict=True):
                if source is not None:
                    formula.add(-guard, question.taken[source])
                for event, left in writers:
                    if left != value:
                        earlier = FALSE if source is None else question.before(event, source)
                        formula.add(-guard, -question.taken[event], earlier)
        return last

    def _writers(self) -> defaultdict[Hashable, list[tuple[int, Any]]]:
        """Of each cell the events that leave something there, and what."""
        writers: defaultdict[Hashable, list[tuple[int, Any]]] = defaultdict(list)
        for event, touches in enumerate(self.touches):
            for cell, touch in touches.items():
                if touch.leaves and touch.leaves != touch.expects:
                    writers[cell].append((event, touch.leaves[0]))
        return writers

    def _observe(self, observer: int, value: Any, initial: Any, writers: Sequence[tuple[int, Any]]) -> None:
        question, formula = self.question, self.question.formula
        changing = [event for event, left in writers if left != value]
        sources: list[int | None] = [event for event, left in writers if left == value]
        sources += [None] if initial == value else []
        sources = [source for source in sources if self._possible(observer, source, changing)]
        chosen = [question.taken[observer]] if len(sources) == 1 else [formula.variable() for _ in sources]
        if len(sources) != 1:
            formula.add(-question.taken[observer], *chosen)
        for source, guard in zip(sources, chosen, strict=True):
            if source is not None:
                formula.add(-guard, question.taken[source])
                formula.add(-guard, question.before(source, observer))
            for event in changing:
                earlier = FALSE if source is None else question.before(event, source)
                if earlier != TRUE and (later := question.before(observer, event)) != TRUE:
                    formula.add(-guard, -question.taken[event], earlier, later)

    def _possible(self, observer: int, source: int | None, changing: Sequence[int]) -> bool:
        """Whether nothing is forced that contradicts the source."""
        question, order = self.question, self.question.order
        if source is None:
            between = order.ahead[observer]
        elif order.after[observer] >> source & 1:
            return False
        else:
            between = order.ahead[observer] & order.after[source]
        return not any(between >> event & 1 and question.taken[event] == TRUE for event in changing)

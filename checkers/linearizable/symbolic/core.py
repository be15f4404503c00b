"""Unsat cores: from z3's own proof, operations that no order explains, however the others are helped.

Of every operation that was refuted an assumption says that it counts: it takes effect, in its interval, with its
result. One that does not count may take effect at any later time all the same, or never, and if it only observes it is
not there: that is what a witness means (``checkers.linearizable.witness``), so that a core of these assumptions is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from math import inf

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Selective
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import TooLarge, completion
from checkers.linearizable.symbolic.question import Event, Question
from checkers.linearizable.symbolic.semantics import constrain, contents, starting
from checkers.linearizable.symbolic.solver import Answer


class Refutation:
    """What z3 says of parts of ``refuted``, with the help of all other operations of the object."""

    def __init__(self, key: KeyHistory, refuted: Sequence[Operation], limit: Limit) -> None:
        """Raises what ``constrain`` and ``Formula`` raise, and ImportError without z3."""
        state, *others = starting(key.model, key.initial)
        if others:
            raise Unsupported("read a beginning that may be one of several; a core is given for one only")
        self._operations = list(refuted)
        events = [*contents(key.model, state)]
        begin = len(events)
        events += [Event(each.step, each.invoke, completion(each), each) for each in refuted]
        events += [Event(each.step, each.invoke, inf, each) for each in _helpers(key, refuted)]
        self._question = Question(events, limit, counting=range(begin, begin + len(refuted)))
        self._counts = {each.invoke: self._question.taken[begin + n] for n, each in enumerate(refuted)}
        constrain(key.model, state, self._question)

    def ask(self, chosen: Sequence[Operation], limit: Limit) -> Answer:
        """Whether some order explains the chosen operations: "unsat" if none does."""
        return self._question.ask(limit, [self._counts[each.invoke] for each in chosen]).answer

    def core(self) -> list[Operation]:
        """After "unsat": operations that are enough for it, in order of completion."""
        core = self._question.core
        return sorted((each for each in self._operations if self._counts[each.invoke] in core), key=completion)


@dataclass(frozen=True, slots=True)
class Core:
    """``valid`` is what z3 says of all that was refuted (None: nothing). Where that is False, ``operations`` (in order
    of completion) are a part of it that is a witness, ``minimal`` if z3 does not find one of them to be unneeded."""

    valid: bool | None
    operations: tuple[Operation, ...] = ()
    minimal: bool = False


def core(key: KeyHistory, refuted: Sequence[Operation], limit: Limit) -> Core:
    """The unsat core of operations that no order explains."""
    chosen, minimal = list(refuted), False
    try:
        answer: Answer = "unsat"
        while answer == "unsat":  # anew of less than half of them, which is a much smaller question
            refutation, size = Refutation(key, chosen, limit), len(chosen)
            answer = refutation.ask(chosen, limit)
            if answer == "unsat":
                chosen = refutation.core()
                if 2 * len(chosen) >= size:
                    chosen, minimal = _smaller(refutation, chosen, limit)
                    break
        if answer == "sat":
            return Core(True)
    except (ImportError, Unsupported, OutOfTimeError, TooLarge):
        pass
    return Core(False, tuple(chosen), minimal) if len(chosen) < len(refuted) or minimal else Core(None)


def _smaller(refutation: Refutation, chosen: list[Operation], limit: Limit) -> tuple[list[Operation], bool]:
    """Try to do without each one of them."""
    try:
        for each in tuple(chosen):
            if limit.expired():
                return chosen, False
            others = [other for other in chosen if other is not each]
            if len(others) < len(chosen) and refutation.ask(others, limit.share(4)) == "unsat":
                chosen = refutation.core()
    except (OutOfTimeError, TooLarge):
        return chosen, False
    return chosen, True


def _helpers(key: KeyHistory, refuted: Sequence[Operation]) -> Iterator[Operation]:
    """All operations that change anything, could do so before the last of those refuted must have taken effect, and
    could be of use to any."""
    last = max((completion(each) for each in refuted), default=-1)
    changing = [
        each
        for each in sorted((*key.required, *key.optional), key=lambda operation: operation.invoke)
        if each.invoke < last and not key.model.observes(each.step)
    ]
    if not isinstance(key.model, Selective):
        return iter(changing)
    relevant = key.model.relevant([each.step for each in refuted], [each.step for each in changing], key.initial)
    return compress(changing, relevant)

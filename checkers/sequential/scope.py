"""What is to be put in one order: the operations of one or several objects, each at its place in its session.

A session is what the field ``session`` says or, where it says nothing, a process. Inside a session what had completed
before another operation began comes first (``Item.precedes``): a total order in a session of one process, a partial one
where a session spans several. Between sessions nothing is ordered; real time means nothing there (Lamport 1979).

An operation of unknown outcome may take effect at any time after what its session had completed before, or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from checkers.linearizable.model import Model
from checkers.linearizable.operation import KeyHistory, Operation, by_key
from checkers.value import Codes
from harness.history import History

EVERY_OBJECT = "all objects"


@dataclass(frozen=True, slots=True)
class Item:
    """An operation of the object of that number, in the session of that number."""

    operation: Operation
    object: int
    session: int

    def precedes(self, other: Item) -> bool:
        """Whether its session's order puts it before the other one."""
        complete = self.operation.complete
        return self.session == other.session and complete is not None and complete < other.operation.invoke


@dataclass(frozen=True, slots=True)
class Scope:
    """Objects whose operations are put in one order. ``key`` names the object, if there is only one; ``required`` took
    effect, ``optional`` perhaps did; both in order of invocation."""

    key: Any
    objects: tuple[KeyHistory, ...]
    required: tuple[Item, ...]
    optional: tuple[Item, ...]

    def model(self, item: Item) -> Model:
        return self.objects[item.object].model

    def observes(self, item: Item) -> bool:
        return self.model(item).observes(item.operation.step)

    def asking(self, chosen: Iterable[Item]) -> Scope:
        """The question whether ``chosen`` are a witness: of all others those that only observe are removed, and the
        rest may take effect at any time after what their sessions had completed before, or never."""
        chosen = tuple(sorted(chosen, key=invocation))
        taken = {item.operation.invoke for item in chosen}
        others = (item for item in (*self.required, *self.optional) if item.operation.invoke not in taken)
        freed = (replace(i, operation=replace(i.operation, complete=None)) for i in others if not self.observes(i))
        return replace(self, required=chosen, optional=tuple(sorted(freed, key=invocation)))

    def alone(self, number: int) -> Scope:
        """The scope of one of its objects: what cannot be put in order there cannot be put in order here."""
        return replace(
            self,
            key=self.objects[number].key,
            required=tuple(item for item in self.required if item.object == number),
            optional=tuple(item for item in self.optional if item.object == number),
        )


def invocation(item: Item) -> int:
    return item.operation.invoke


def scopes(
    history: History,
    model: Model,
    codes: Codes,
    nil_reads: Literal["value", "unknown"],
    initial: Any,
    *,
    per_key: bool,
) -> list[Scope]:
    """One scope of all objects, or one per key, in order of the keys' first appearance.

    Raises :class:`harness.history.HistoryError` and :class:`checkers.guard.Unsupported`.
    """
    objects = by_key(history, model, codes, nil_reads, initial)
    sessions = _Sessions(history, codes)
    if not objects:
        return []
    if not per_key:
        key = objects[0].key if len({codes.code(each.key) for each in objects}) == 1 else EVERY_OBJECT
        return [_scope(key, objects, sessions)]
    by_code: dict[int, list[KeyHistory]] = {}
    for each in objects:  # what a model takes for several objects is one, where the key says so
        by_code.setdefault(codes.code(each.key), []).append(each)
    return [_scope(each[0].key, each, sessions) for each in by_code.values()]


class _Sessions:
    """Numbers the sessions of a history."""

    def __init__(self, history: History, codes: Codes) -> None:
        self._history, self._codes = history, codes
        self._numbers: dict[tuple[str, int], int] = {}

    def of(self, operation: Operation) -> int:
        positions = (operation.invoke, operation.call.complete)
        named = self._history.sessions or ()
        name = next((named[at] for at in positions if named and at is not None and named[at] is not None), None)
        identity = ("process", self._history.processes[operation.invoke])
        if name is not None:
            identity = ("session", self._codes.code(name))
        return self._numbers.setdefault(identity, len(self._numbers))


def _scope(key: Any, objects: Sequence[KeyHistory], sessions: _Sessions) -> Scope:
    required = [Item(o, number, sessions.of(o)) for number, each in enumerate(objects) for o in each.required]
    optional = [Item(o, number, sessions.of(o)) for number, each in enumerate(objects) for o in each.optional]
    by_invocation = (tuple(sorted(items, key=invocation)) for items in (required, optional))
    return Scope(key, tuple(objects), *by_invocation)

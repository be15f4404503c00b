"""What breaks a guarantee, told in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from checkers.session.operation import Operation, value_of
from checkers.session.scene import Object, Scene
from checkers.session.violation import (
    ABORTED_READ,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    INCOMPATIBLE_ORDER,
    MONOTONIC_READS,
    PRAM,
    READ_YOUR_WRITES,
    Step,
    Violation,
)
from checkers.value import show

_STEPS_TOLD_MAX: Final = 8


def explain(scene: Scene, violation: Violation) -> str:
    """The story of a violation, two to four operations long where that is possible."""
    teller = _Teller(scene)
    if violation.type in (GARBAGE_READ, ABORTED_READ, FUTURE_READ, DUPLICATE_ELEMENTS):
        return teller.stranger(violation)
    if violation.later is None:
        return teller.cycle(violation)
    if violation.type in (READ_YOUR_WRITES, MONOTONIC_READS):
        return teller.less(violation)
    return teller.seen(violation) if violation.type == PRAM else teller.out_of_order(violation)


class _Teller:
    """Tells of one scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def who(self, operation: Operation) -> str:
        return str(self._scene.sessions[operation.session])

    def did(self, operation: Operation) -> str:
        """``wrote x=7 (operation 12, acknowledged)``."""
        certain = "" if not operation.is_write else ", acknowledged" if operation.complete is not None else ", unknown"
        return f"{_what(self._scene.objects[operation.key], operation)} (operation {operation.invoke}{certain})"

    def had(self, operation: Operation) -> str:
        """``written x=7 (operation 12, acknowledged)``."""
        did = self.did(operation)
        return f"written{did.removeprefix('wrote')}" if did.startswith("wrote") else did

    def less(self, violation: Violation) -> str:
        """A read that shows less than its session had written or read."""
        earlier, read = violation.earlier, violation.later
        assert earlier is not None, "something was there before"
        assert read is not None, "somebody read"
        each = self._scene.objects[violation.key]
        story = f"{self.who(read)} {self.did(earlier)}, then {self.did(read)}"
        what = "its own write is missing" if earlier.is_write else "what it had seen is gone"
        return f"{story}{self._how_less(each, earlier, read)}: {what}."

    def _how_less(self, each: Object, earlier: Operation, read: Operation) -> str:
        if each.kind != "register":
            gone = [earlier.value] if earlier.is_write else [a for a in earlier.shown if a not in set(read.shown)]
            return f", without {', '.join(show(value_of(atom)) for atom in gone[:3])}"
        newest = earlier if earlier.is_write else next(iter(earlier.sources), None)
        if not read.sources:
            return ", as it was at the beginning"
        older = read.sources[0]
        if newest is not None and older.precedes(newest):
            whose = "it" if older.session == read.session else self.who(older)
            return f", an older value: {whose} had {self.had(older)} before {show(value_of(newest.value))}"
        return ", an older version"

    def out_of_order(self, violation: Violation) -> str:
        """A write that is there without, or before, what its session had written or read before it."""
        earlier, write, reader = violation.earlier, violation.later, violation.reader
        assert earlier is not None, "something was there before"
        assert write is not None, "somebody wrote"
        story = f"{self.who(write)} {self.did(earlier)}, then {self.did(write)}"
        if reader is None or self._scene.objects[violation.key].kind == "register":
            first = earlier.value if earlier.is_write else earlier.sources[0].value
            return f"{story}: the later write made an older version than {show(value_of(first))}."
        shown = set(reader.shown)
        wanted = [earlier.value] if earlier.is_write else list(earlier.shown)
        missing = [atom for atom in wanted if atom not in shown]
        at = {atom: place for place, atom in enumerate(reader.shown)}
        late = [atom for atom in wanted if at.get(atom, -1) > at.get(write.value, len(at))]
        how = "without" if missing else "before"
        which = ", ".join(show(value_of(atom)) for atom in (missing or late)[:3])
        return f"{story}; but {self.who(reader)} {self.did(reader)}, {how} {which}."

    def seen(self, violation: Violation) -> str:
        """PRAM: a read that does not show what its session had seen."""
        write, read = violation.earlier, violation.later
        assert write is not None, "something was there before"
        assert read is not None, "somebody read"
        if violation.seen is not None:
            return (f"{self.who(write)} {self.did(write)}, then {self.did(violation.seen)}; but {self.who(read)} "
                    f"{self.did(read)}, the other way round.")  # fmt: skip
        steps = [self._seen_step(read, step) for step in violation.steps]
        told = f"{'; '.join(steps[:_STEPS_TOLD_MAX])}{'; ...' if len(steps) > _STEPS_TOLD_MAX else ''}"
        last = violation.steps[-1].first if violation.steps else write
        before = "" if last is write else f"; {self.who(write)} had {self.had(write)} before that"
        if read.precedes(write):
            return f"{told}{before}. So it had seen this when it {self.did(read)}, and wrote it only afterwards."
        missing = "its own write" if last.session == read.session else "a write that it had seen"
        return f"{told}{before}. Then {self.who(read)} {self.did(read)}: {missing} is missing."

    def _seen_step(self, read: Operation, step: Step) -> str:
        if step.reason == "read" and step.first is step.second:
            reader = step.reads[0]
            return f"{self.who(reader)} {self.did(reader)}"
        if step.reason == "own":
            return f"{self.who(step.first)} {self.did(step.first)}"
        if step.reason == "session":
            return f"{self.who(step.first)} had {self.had(step.first)} before {self._value(step.second)}"
        return self._forced(step)

    def _forced(self, step: Step) -> str:
        reader = step.reads[-1]
        first, second = (self._value(each) for each in (step.first, step.second))
        if step.reason == "shown":
            return f"{first} comes before {second}, as {self.who(reader)} {self.did(reader)}"
        return f"{first} comes before {second}, for {self.who(reader)} had seen both when it {self.did(reader)}"

    def _value(self, write: Operation) -> str:
        return f"{_named(write)}={show(value_of(write.value))}"

    def cycle(self, violation: Violation) -> str:
        """Versions each of which would have to be older than the next one."""
        steps = [self._step(step) for step in violation.steps]
        more = f"; and {len(steps) - _STEPS_TOLD_MAX} more" if len(steps) > _STEPS_TOLD_MAX else ""
        whose = "any session" if violation.type == INCOMPATIBLE_ORDER else "the guarantee"
        told = "; ".join(steps[:_STEPS_TOLD_MAX])
        return f"{told}{more}: no order of the writes lets {whose} have that."

    def _step(self, step: Step) -> str:
        first, second = self._value(step.first), self._value(step.second)
        if step.reason == "session":
            return f"{self.who(step.first)} {self.did(step.first)}, then {self.did(step.second)}"
        if step.reason == "shown":
            return f"{self.who(step.reads[0])} {self.did(step.reads[0])}, {first} before {second}"
        reader = step.reads[-1]
        if len(step.reads) == 2:
            return f"{self.who(reader)} {self.did(step.reads[0])}, then {self.did(reader)}, so {second} must be newer"
        if step.second in reader.sources and step.first.precedes(reader):
            return f"{self.who(reader)} {self.did(step.first)}, then {self.did(reader)}, so {second} must be newer"
        if step.first in reader.sources:
            return (
                f"{self.who(reader)} {self.did(reader)}, then {self.did(step.second)}, which must be newer than {first}"
            )
        return self._forced(step)

    def stranger(self, violation: Violation) -> str:
        """A read of what cannot have been there."""
        read, write = violation.reader, violation.later
        assert read is not None, "somebody read"
        story = f"{self.who(read)} {self.did(read)}"
        if violation.type == GARBAGE_READ:
            return f"{story}, which nobody wrote."
        assert write is not None, "it was written, in a way"
        value = show(value_of(write.value))
        if violation.type == ABORTED_READ:
            return f"{story}, but the write of {value} by {self.who(write)} (operation {write.invoke}) had failed."
        if violation.type == FUTURE_READ:
            return f"{story}, but {self.who(write)} began to write {value} (operation {write.invoke}) only afterwards."
        return f"{story}, with {value} more often than it was appended."


def _what(each: Object, operation: Operation) -> str:
    key = _named(operation)
    if not operation.is_write:
        shown: Any = value_of(operation.value)
        if each.kind != "register":
            shown = [value_of(atom) for atom in operation.shown]
        return f"read {key}={show(shown)}"
    if each.kind == "register":
        return f"wrote {key}={show(value_of(operation.value))}"
    return f"{'appended' if each.kind == 'list' else 'added'} {show(value_of(operation.value))} to {key}"


def _named(operation: Operation) -> str:
    key = value_of(operation.key)
    return "it" if key is None else key[:60] if isinstance(key, str) and key.isprintable() and key else show(key)


def positions(operations: Sequence[Operation]) -> tuple[int, ...]:
    """The invocations of the operations."""
    return tuple(dict.fromkeys(operation.invoke for operation in operations))

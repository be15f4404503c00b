"""When a generator ends: after so many operations, so much time, or its first success."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.generator.core import LOG, PENDING, Answer, Context, Generator
from harness.history import Op, Process


@dataclass(frozen=True, slots=True)
class _Limit:
    left: int
    generator: Generator

    def op(self, context: Context) -> Answer:
        if self.left <= 0:
            return None
        answer = self.generator.op(context)
        if answer is None:
            return None
        op, successor = answer
        spent = 0 if op is PENDING or op.process == LOG else 1
        return op, _Limit(self.left - spent, successor)

    def update(self, context: Context, event: Op) -> Generator:
        return _Limit(self.left, self.generator.update(context, event))


@dataclass(frozen=True, slots=True)
class _TimeLimit:
    duration_ns: int
    generator: Generator
    end_ns: int | None = None

    def op(self, context: Context) -> Answer:
        end = context.time + self.duration_ns if self.end_ns is None else self.end_ns
        if context.time >= end:
            return None
        answer = self.generator.op(context)
        if answer is None or (answer[0] is not PENDING and answer[0].time >= end):
            return None
        return answer[0], _TimeLimit(self.duration_ns, answer[1], end)

    def update(self, context: Context, event: Op) -> Generator:
        return _TimeLimit(self.duration_ns, self.generator.update(context, event), self.end_ns)


@dataclass(frozen=True, slots=True)
class _UntilOk:
    generator: Generator
    running: frozenset[Process] = frozenset()
    satisfied: bool = False

    def op(self, context: Context) -> Answer:
        if self.satisfied:
            return None
        answer = self.generator.op(context)
        if answer is None:
            return None
        op, successor = answer
        running = self.running if op is PENDING or op.process == LOG else self.running | {op.process}
        return op, _UntilOk(successor, running)

    def update(self, context: Context, event: Op) -> Generator:
        successor = self.generator.update(context, event)
        if event.type == "invoke" or event.process not in self.running:
            return replace(self, generator=successor)
        return _UntilOk(successor, self.running - {event.process}, self.satisfied or event.type == "ok")


def limit(count: int, generator: Generator) -> Generator:
    """At most ``count`` operations."""
    return _Limit(count, generator)


def time_limit(seconds: float, generator: Generator) -> Generator:
    """Operations that begin within ``seconds`` of the first one; those that run then are left to end."""
    return _TimeLimit(round(seconds * 1e9), generator)


def until_ok(generator: Generator) -> Generator:
    """Operations until one of these (not of some other generator's) has completed with ok."""
    return _UntilOk(generator)

"""Independent keys: groups of threads, each at work on a key of its own (Jepsen's ``independent``).

Checking a linearizable history takes exponential time in its length at worst, and many short histories of separate
objects are checked in the sum of their times. So a workload on one object is lifted to many: when a group's generator
for its key is exhausted, the group goes on with the next key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.generator.choice import choose
from harness.generator.core import EMPTY, LOG, PENDING, Answer, Context, Generator, Thread
from harness.history import Op


@dataclass(frozen=True, slots=True)
class _Group:
    """A key and what is still to be asked about it; ``key`` is None when the keys have run out."""

    key: int | None
    generator: Generator


@dataclass(frozen=True, slots=True)
class _ConcurrentKeys:
    size: int
    make: Callable[[int], Generator]
    count: int | None
    groups: tuple[_Group, ...] = ()
    next_key: int = 0
    first: int = 0

    def op(self, context: Context) -> Answer:
        groups = self._started(len(context.threads))
        answers: list[Answer] = []
        for index, group in enumerate(groups.groups):
            answers.append(group.generator.op(groups._context(context, index)))
            if answers[index] is None and group.key is not None:
                groups = groups._advanced(index)
                answers[index] = groups.groups[index].generator.op(groups._context(context, index))
        answer = choose([group.generator for group in groups.groups], answers, groups.first)
        if answer is None:
            return None
        op, index, successors = answer
        advanced = tuple(_continued(g, s) for g, s in zip(groups.groups, successors, strict=True))
        if op is PENDING:
            return PENDING, groups._with(advanced, groups.first)
        keyed = op if op.process == LOG else op.about(advanced[index].key)
        return keyed, groups._with(advanced, (index + 1) % len(advanced))

    def update(self, context: Context, event: Op) -> Generator:
        thread = context.thread_of(event.process)
        if not self.groups or thread not in context.threads:
            return self
        index = context.threads.index(thread) * len(self.groups) // len(context.threads)
        group = self.groups[index]
        if group.key != event.key:  # the group has gone on to another key meanwhile
            return self
        successor = group.generator.update(self._context(context, index), event)
        return self._with(_put(self.groups, index, _continued(group, successor)), self.first)

    def _with(self, groups: tuple[_Group, ...], first: int) -> _ConcurrentKeys:
        return _ConcurrentKeys(self.size, self.make, self.count, groups, self.next_key, first)

    def _started(self, threads: int) -> _ConcurrentKeys:
        """With one group for each ``size`` threads (the remainder joins them), each with its first key."""
        started = self
        while len(started.groups) < max(1, threads // self.size):
            blank = replace(started, groups=(*started.groups, _Group(None, EMPTY)))
            started = blank._advanced(len(started.groups))
        return started

    def _advanced(self, index: int) -> _ConcurrentKeys:
        if self.count is not None and self.next_key >= self.count:
            return replace(self, groups=_put(self.groups, index, _Group(None, EMPTY)))
        fresh = _Group(self.next_key, self.make(self.next_key))
        return replace(self, groups=_put(self.groups, index, fresh), next_key=self.next_key + 1)

    def _context(self, context: Context, index: int) -> Context:
        key = self.groups[index].key
        return context.part(_members(context.threads, len(self.groups), index), -1 if key is None else key)


@lru_cache(1024)
def _members(threads: tuple[Thread, ...], groups: int, index: int) -> frozenset[Thread]:
    """The threads of the group of that index, if all are dealt out evenly."""
    return frozenset(thread for i, thread in enumerate(threads) if i * groups // len(threads) == index)


def _continued(group: _Group, generator: Generator) -> _Group:
    return group if generator is group.generator else _Group(group.key, generator)


def _put(groups: tuple[_Group, ...], index: int, group: _Group) -> tuple[_Group, ...]:
    return (*groups[:index], group, *groups[index + 1 :])


def concurrent_keys(size: int, make: Callable[[int], Generator], count: int | None = None) -> Generator:
    """Groups of ``size`` threads (or a few more, to use all), each running ``make(key)`` on the next unused key.

    Keys are 0, 1, 2, ... below ``count`` (None: without end). Operations carry their key; a key's generator sees the
    events of its own key only.
    """
    if size < 1:
        raise ValueError(f"read groups of {size} threads; expected at least 1")
    return _ConcurrentKeys(size, make, count)

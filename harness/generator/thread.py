"""Who runs the operations: clients or the nemesis, each thread for itself, or reserved groups of threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from harness.generator.choice import any_of, soonest
from harness.generator.core import EMPTY, PENDING, Answer, Context, Generator, Thread
from harness.history import NEMESIS, Op


@dataclass(frozen=True, slots=True)
class _OnThreads:
    accept: Callable[[Thread], bool]
    generator: Generator

    def op(self, context: Context) -> Answer:
        restricted = context.restrict(self.accept)
        if not restricted.threads:  # nobody could ever run it: without this it would be pending for ever
            return None
        answer = self.generator.op(restricted)
        return None if answer is None else (answer[0], _OnThreads(self.accept, answer[1]))

    def update(self, context: Context, event: Op) -> Generator:
        if not self.accept(context.thread_of(event.process)):
            return self
        return _OnThreads(self.accept, self.generator.update(context.restrict(self.accept), event))


@dataclass(frozen=True, slots=True)
class _EachThread:
    original: Generator
    copies: Mapping[Thread, Generator] = field(default_factory=dict)
    first: int = 0

    def _context(self, context: Context, thread: Thread) -> Context:
        return context.part(frozenset((thread,)), thread)

    def op(self, context: Context) -> Answer:
        # A busy thread's copy is not asked: what it would say may depend on the operation that still runs.
        free = tuple(thread for thread in context.threads if thread in context.free)
        copies = [self.copies.get(thread, self.original) for thread in free]
        contexts = [self._context(context, thread) for thread in free]
        answer = soonest(copies, contexts, self.first % len(free)) if free else None
        if answer is None:
            return None if len(free) == len(context.threads) else (PENDING, self)
        op, index, successors = answer
        changed = {**self.copies, **dict(zip(free, successors, strict=True))}
        return op, replace(self, copies=changed, first=self.first if op is PENDING else index + 1)

    def update(self, context: Context, event: Op) -> Generator:
        thread = context.thread_of(event.process)
        if thread not in context.threads:
            return self
        copy = self.copies.get(thread, self.original).update(self._context(context, thread), event)
        return replace(self, copies={**self.copies, thread: copy})


@dataclass(frozen=True, slots=True)
class _Reserve:
    counts: tuple[int, ...]
    generators: tuple[Generator, ...]  # one more than counts: the last has the threads that remain
    first: int = 0

    def _contexts(self, context: Context) -> list[Context]:
        contexts, start = [], 0
        for index, count in enumerate((*self.counts, len(context.threads))):
            members = frozenset(context.threads[start : start + count])
            contexts.append(context.part(members, index))
            start += count
        return contexts

    def op(self, context: Context) -> Answer:
        contexts = self._contexts(context)
        generators = [g if c.threads else EMPTY for g, c in zip(self.generators, contexts, strict=True)]
        answer = soonest(generators, contexts, self.first)
        if answer is None:
            return None
        op, index, successors = answer
        return op, _Reserve(self.counts, successors, self.first if op is PENDING else (index + 1) % len(successors))

    def update(self, context: Context, event: Op) -> Generator:
        thread = context.thread_of(event.process)
        generators = tuple(
            g.update(c, event) if thread in c.threads else g
            for g, c in zip(self.generators, self._contexts(context), strict=True)
        )
        return replace(self, generators=generators)


def on_threads(accept: Callable[[Thread], bool], generator: Generator) -> Generator:
    """The generator, on those threads only; it sees only their events."""
    return _OnThreads(accept, generator)


def _is_client(thread: Thread) -> bool:
    return thread != NEMESIS


def _is_nemesis(thread: Thread) -> bool:
    return thread == NEMESIS


def clients(generator: Generator, nemesis_generator: Generator | None = None) -> Generator:
    """The generator on the clients' threads, and beside it, if given, another on the nemesis's."""
    alone = on_threads(_is_client, generator)
    return alone if nemesis_generator is None else any_of(alone, nemesis(nemesis_generator))


def nemesis(generator: Generator, client_generator: Generator | None = None) -> Generator:
    """The generator on the nemesis's thread, and beside it, if given, another on the clients'."""
    alone = on_threads(_is_nemesis, generator)
    return alone if client_generator is None else any_of(alone, clients(client_generator))


def each_thread(generator: Generator) -> Generator:
    """A copy of the generator for each thread; a copy sees only its own thread. Ends when all have ended."""
    return _EachThread(generator)


def reserve(*groups: tuple[int, Generator], default: Generator) -> Generator:
    """The first threads for the first group, the next for the next, and all that remain for ``default``."""
    return _Reserve(tuple(count for count, _ in groups), (*(generator for _, generator in groups), default))

"""Short words for the generators' tests."""

from __future__ import annotations

from collections.abc import Sequence

from harness.generator import Context, Generator, Thread, function, invoke, once
from harness.history import NEMESIS, Op


def op(f: str, value: object = None) -> Generator:
    return once(invoke(f, value))


def numbered(f: str = "add") -> Generator:
    """f 0, f 1, f 2, ..."""
    return function(lambda context, position: invoke(f, position))


def drawn(f: str = "write") -> Generator:
    return function(lambda context, position: invoke(f, context.draws(position).below(1000)))


def context(time: int = 0, concurrency: int = 3, free: Sequence[Thread] | None = None, seed: int = 0) -> Context:
    threads: tuple[Thread, ...] = (*range(concurrency), NEMESIS)
    return Context(time, threads, threads if free is None else tuple(free), {t: t for t in threads}, concurrency, seed)


def invocations(history: Sequence[Op], f: str | None = None) -> list[Op]:
    return [entry for entry in history if entry.type == "invoke" and (f is None or entry.f == f)]


def values(history: Sequence[Op], f: str | None = None) -> list[object]:
    return [entry.value for entry in invocations(history, f)]

"""Generators: pure, seeded sources of operations, and their combinators (after Jepsen's jepsen.generator).

A generator is an immutable value. ``op(context)`` asks for the next operation: it returns ``(op, successor)``; or
``(PENDING, successor)`` if it has nothing to give now but may later; or None when it is exhausted. ``update(context,
event)`` tells it of an invocation or completion and returns its successor. An operation's ``time`` is the earliest
moment (ns) at which it may be invoked, its ``process`` one that is free in the context; both may be left for
:func:`fill` to complete. Values are made when asked for, so that they can depend on what has happened.

The interpreter asks again, from the same generator, when something happens before an operation is due; so asking
changes nothing, and random draws are keyed by position (:mod:`harness.generator.draws`).
"""

from harness.generator.choice import any_of, mix
from harness.generator.core import ANY, EMPTY, LOG, PENDING, Answer, Context, Generator, Pending, Thread, fill, invoke
from harness.generator.draws import Draws, derive
from harness.generator.independent import concurrent_keys
from harness.generator.limit import limit, time_limit, until_ok
from harness.generator.phase import phases, sequence, synchronize, then
from harness.generator.source import cycle, function, log, once, repeat
from harness.generator.thread import clients, each_thread, nemesis, on_threads, reserve
from harness.generator.timing import at, delay, quiet, rate, stagger

__all__ = [
    "ANY",
    "EMPTY",
    "LOG",
    "PENDING",
    "Answer",
    "Context",
    "Draws",
    "Generator",
    "Pending",
    "Thread",
    "any_of",
    "at",
    "clients",
    "concurrent_keys",
    "cycle",
    "delay",
    "derive",
    "each_thread",
    "fill",
    "function",
    "invoke",
    "limit",
    "log",
    "mix",
    "nemesis",
    "on_threads",
    "once",
    "phases",
    "quiet",
    "rate",
    "repeat",
    "reserve",
    "sequence",
    "stagger",
    "synchronize",
    "then",
    "time_limit",
    "until_ok",
]

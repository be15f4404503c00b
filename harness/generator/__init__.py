"""Generators: pure, seeded sources of operations, and their combinators (after Jepsen's jepsen.generator).

A generator is an immutable value. ``op(context)`` asks for the next operation: it returns ``(op, successor)``; or
``(PENDING, successor)`` if it has nothing to give now but may later; or None when it is exhausted. ``update(context,
event)`` tells it of an invocation or completion and returns its successor. An operation's ``time`` is the earliest
moment (ns) at which it may be invoked, its ``process`` one that is free in the context; both may be left for
:func:`fill` to complete. Values are made when asked for, so that they can depend on what has happened.
"""

from harness.generator.core import PENDING, Context, Generator

__all__ = ["PENDING", "Context", "Generator"]

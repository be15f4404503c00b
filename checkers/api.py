"""Checking from Python: a history made by hand or read from a file, a question, a result.

>>> from checkers import CasRegister, History, invoke, linearizable, ok
>>> history = History([
...     invoke(0, "write", 1),
...     ok(0, "write", 1),
...     invoke(1, "cas", [1, 2]),
...     invoke(0, "read"),
...     ok(1, "cas", [1, 2]),
...     ok(0, "read", 1),
... ])
>>> result = linearizable(history, CasRegister())
>>> result.valid
True

The read ran while the compare-and-set did, so it may have been first. Had it begun later, it would have to see 2:

>>> stale = History([*history, invoke(0, "read"), ok(0, "read", 1)])
>>> result = linearizable(stale, CasRegister())
>>> print(result)  # doctest: +ELLIPSIS
INVALID: expected linearizable (cas-register), 4 operations, by search
  non-linearizable: process 0's read of 1 (op 6) began after process 1's cas of 1 to 2 (op 2) had completed, ...
>>> result.anomalies[0].operations
(2, 6)

An operation whose answer never came may have taken effect, or not, or may do so yet; it is enough to leave it open:

>>> lost = [invoke(0, "write", 1), info(0, "write", 1), invoke(1, "read"), ok(1, "read", None)]
>>> linearizable([*lost, invoke(1, "read"), ok(1, "read", 1)]).valid
True

Whatever ``splitbrain check --expect`` takes is a function here, with underscores for hyphens, and takes the same
options; :func:`check` takes the name itself:

>>> from checkers import check, serializable
>>> transactions = [
...     invoke(0, "txn", [["append", "x", 1], ["r", "y", None]]),
...     invoke(1, "txn", [["append", "y", 1], ["r", "x", None]]),
...     ok(0, "txn", [["append", "x", 1], ["r", "y", []]]),
...     ok(1, "txn", [["append", "y", 1], ["r", "x", []]]),
...     invoke(0, "txn", [["r", "x", None], ["r", "y", None]]),
...     ok(0, "txn", [["r", "x", [1]], ["r", "y", [1]]]),
... ]
>>> serializable(transactions).valid
False
>>> check(transactions, "snapshot-isolation").valid
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from checkers.names import LINEARIZABLE, checker
from harness.history import History, Op, Process
from harness.result import Result

if TYPE_CHECKING:
    from checkers.linearizable.model import Model

Ops = History | Iterable[Op]
Method = Literal["auto", "polynomial", "search", "z3", "brute"]


class Specification(Protocol):
    """A model of your own: ``init()`` or ``init(initial)`` gives the state before the first operation, ``step`` the
    state after an operation, or None if it cannot have had its result there (``checkers.linearizable.models.custom``
    says what else it may have)."""

    @property
    def init(self) -> Callable[..., Any]: ...

    def step(self, state: Any, operation: Any, /) -> Any: ...


def invoke(process: Process, f: str, value: Any = None, **fields: Any) -> Op:
    """A process begins an operation: ``invoke(0, "write", 1)``. ``fields`` are others of :class:`Op`, as ``key``."""
    return Op("invoke", process, f, value, **fields)


def ok(process: Process, f: str, value: Any = None, **fields: Any) -> Op:
    """It happened, with this result: ``ok(0, "read", 1)``."""
    return Op("ok", process, f, value, **fields)


def fail(process: Process, f: str, value: Any = None, **fields: Any) -> Op:
    """It certainly did not happen, and never will."""
    return Op("fail", process, f, value, **fields)


def info(process: Process, f: str, value: Any = None, **fields: Any) -> Op:
    """Nobody knows: it may take effect at any later time, or never. The process is not heard of again."""
    return Op("info", process, f, value, **fields)


def linearizable(
    history: Ops,
    model: str | Model | Specification | type[Model] | type[Specification] = "cas-register",
    *,
    initial: Any = None,
    nil_reads: Literal["value", "unknown"] = "value",
    method: Method = "auto",
    time_limit_s: float | None = None,
    certify: bool = False,
) -> Result:
    """Whether every operation may have taken effect at one moment between its call and its answer, each key by itself.

    ``model`` is what the object is: one of ours, by itself (``CasRegister()``) or by name ("queue"), or a class of your
    own (:class:`Specification`) or an instance of it. ``initial`` is what each key holds before its first operation.
    With ``nil_reads`` "unknown" an ok read of None says nothing. Past ``time_limit_s`` seconds the verdict is unknown,
    with how far it came. ``certify`` puts a linearization into the details of a valid result.

    Herlihy & Wing, Linearizability (1990). Raises :class:`harness.history.HistoryError` for lines that are no history,
    ValueError for a model or method that does not exist.

    >>> tickets = [invoke(0, "take"), ok(0, "take", 1), invoke(1, "take"), ok(1, "take", 1)]
    >>> class Tickets:
    ...     def init(self):
    ...         return 0
    ...     def step(self, last, operation):
    ...         return last + 1 if operation.result in (last + 1, None) else None
    >>> linearizable(tickets, Tickets).valid
    False
    """
    decide = checker(LINEARIZABLE)
    return decide(
        _history(history),
        model=model() if isinstance(model, type) else model,
        initial=initial,
        nil_reads=nil_reads,
        method=method,
        time_limit_s=time_limit_s,
        certify=certify,
    )


def check(history: Ops, expect: str = LINEARIZABLE, **options: Any) -> Result:
    """Whether the history is what is expected of it: any name of ``splitbrain check --expect``.

    ``options`` are that checker's own; all of them take ``time_limit_s``. Raises :class:`HistoryError` for lines that
    are no history, and :class:`checkers.names.UnknownExpectationError` for a name that no checker has.

    >>> added = [invoke(0, "add", 1), ok(0, "add", 1), invoke(1, "read"), ok(1, "read", [])]
    >>> print(check(added, "set"))  # doctest: +ELLIPSIS
    INVALID: expected set, 2 operations...
      lost: ...
    """
    return checker(expect)(_history(history), **options)


@cache
def named(expect: str) -> Callable[..., Result]:
    """The function of that expectation: ``named("snapshot-isolation")`` is what ``checkers.snapshot_isolation`` is."""
    if expect == LINEARIZABLE:
        return linearizable

    def judge(history: Ops, **options: Any) -> Result:
        return check(history, expect, **options)

    judge.__name__ = judge.__qualname__ = expect.replace("-", "_")
    judge.__doc__ = f"Whether the history is {expect}, as `splitbrain check --expect {expect}` decides it."
    return judge


def read_history(path: str | Path, format: str = "auto", *, independent: bool = False) -> History:  # noqa: A002
    """The history in a file of any format that ``splitbrain check`` reads, found from its content.

    ``independent`` says that every value is a pair [key, value]. Raises OSError, or
    :class:`harness.formats.FormatError` with file and line.
    """
    from harness.formats import read_history as read

    return read(path, format, independent=independent)


def _history(history: Ops) -> History:
    return history if isinstance(history, History) else History(history)

"""Checkers: pure functions from a history to a result; they never touch a cluster.

    from checkers import CasRegister, History, linearizable, read_history

    print(linearizable(read_history("history.jsonl"), CasRegister()))

``checkers.api`` tells more. Whatever ``splitbrain check --expect`` takes is a function here (``serializable``,
``strict_serializable``, ...), and every model is a class here. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checkers.api import Specification as Specification
    from checkers.api import check as check
    from checkers.api import fail as fail
    from checkers.api import info as info
    from checkers.api import invoke as invoke
    from checkers.api import linearizable as linearizable
    from checkers.api import ok as ok
    from checkers.api import read_history as read_history
    from checkers.linearizable.models.container import Deque as Deque
    from checkers.linearizable.models.container import PriorityQueue as PriorityQueue
    from checkers.linearizable.models.container import Queue as Queue
    from checkers.linearizable.models.container import Stack as Stack
    from checkers.linearizable.models.container import UnorderedQueue as UnorderedQueue
    from checkers.linearizable.models.counter import Counter as Counter
    from checkers.linearizable.models.key_value import KeyValue as KeyValue
    from checkers.linearizable.models.lock import FencedMutex as FencedMutex
    from checkers.linearizable.models.lock import ReentrantMutex as ReentrantMutex
    from checkers.linearizable.models.lock import Semaphore as Semaphore
    from checkers.linearizable.models.multi_register import MultiRegister as MultiRegister
    from checkers.linearizable.models.register import CasRegister as CasRegister
    from checkers.linearizable.models.register import Mutex as Mutex
    from checkers.linearizable.models.register import Register as Register
    from checkers.linearizable.models.set import Set as Set
    from harness.history import History as History
    from harness.history import HistoryError as HistoryError
    from harness.history import Op as Op
    from harness.result import Anomaly as Anomaly
    from harness.result import Reason as Reason
    from harness.result import Result as Result

_PLACES = {
    **dict.fromkeys(("Specification", "check", "fail", "info", "invoke", "linearizable", "ok", "read_history"),
                    "checkers.api"),
    **dict.fromkeys(("History", "HistoryError", "Op"), "harness.history"),
    **dict.fromkeys(("Anomaly", "Reason", "Result"), "harness.result"),
}  # fmt: skip


class _Checker(ModuleType):
    """A module that is named after what it checks: called, it checks that."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return _named(self.__name__)(*arguments, **options)


class _Package(ModuleType):
    """This package. Python binds every module of it here once that is imported: ``linearizable``, too, which must stay
    what can be called."""

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) is ModuleType and _is_expected(name):
            value.__class__ = _Checker
        super().__setattr__(name, value)


def _is_expected(name: str) -> bool:
    from checkers.names import CHECKERS

    return name.replace("_", "-") in CHECKERS


def _named(module: str) -> Callable[..., Result]:
    from checkers.api import named

    return named(module.removeprefix("checkers.").replace("_", "-"))


def __getattr__(name: str) -> Callable[..., Result]:
    if name in _PLACES:
        found: Callable[..., Result] = getattr(import_module(_PLACES[name]), name)
        return found
    if _is_expected(name):
        return _named(name)
    from checkers.linearizable import models

    if name in models.CLASSES:
        return getattr(models, name)  # type: ignore[no-any-return]
    raise AttributeError(f"module 'checkers' has no {name!r}; it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    from checkers.linearizable.models import CLASSES
    from checkers.names import CHECKERS

    return sorted({*_PLACES, *CLASSES, *(name.replace("-", "_") for name in CHECKERS)})


sys.modules[__name__].__class__ = _Package

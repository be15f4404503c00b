"""One checker per isolation level, as the catalog names them: ``serializable``, ``snapshot_isolation``, ...

Each is ``check(history, initial=..., nil_reads=..., time_limit_s=..., certify=...)`` of that level; the names are those
of the table with underscores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkers.transactional.check import check as check_level
from checkers.transactional.lattice import MODELS
from checkers.transactional.register.reading import NilReads
from harness.history import History
from harness.result import Result


def _of(level: str) -> Callable[..., Result]:
    def check(
        history: History,
        *,
        initial: Any = None,
        nil_reads: NilReads = "value",
        time_limit_s: float | None = None,
        certify: bool = False,
    ) -> Result:
        return check_level(
            history,
            expect=level,
            initial=initial,
            nil_reads=nil_reads,
            time_limit_s=time_limit_s,
            certify=certify,
        )

    return check


_CHECKERS = {level.replace("-", "_"): _of(level) for level in MODELS}


def __getattr__(name: str) -> Callable[..., Result]:
    if name in _CHECKERS:
        return _CHECKERS[name]
    raise AttributeError(f"{__name__} has no level {name!r}")

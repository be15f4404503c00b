"""Transactions on registers as they stand in a history, for the checkers of workloads: reads and writes in their order.

A transaction (``txn``, also ``read`` or ``write``) has a list of ``["r", key, value]`` and ``["w", key, value]``; a
``read`` or ``write`` of several registers may have a map from key to value instead. The completion says what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from checkers.guard import Unsupported
from checkers.value import show
from harness.history import Call

NAMES: Final = ("txn", "read", "write")
_EXPECTED: Final = 'micro-operations ["r", key, value] and ["w", key, value]'


class Micro(NamedTuple):
    """One read or write. ``value`` of a read is what it returned."""

    is_write: bool
    key: Any
    value: Any


def micro_operations(call: Call, names: Collection[str] = NAMES) -> list[Micro]:
    """What the transaction did, or, where it is not known to have happened, was to do. ``names`` are those that an
    operation may have.

    Raises :class:`checkers.guard.Unsupported` for what is no transaction on registers.
    """
    if call.f not in names:
        raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected txn")
    if isinstance(call.argument, Mapping) or isinstance(call.result, Mapping):
        return _of_map(call)
    told = call.result if call.outcome == "ok" and _is_list(call.result) else call.argument
    if not _is_list(told):
        raise Unsupported(f"operation {call.invoke}: read {show(told)}; expected a list of {_EXPECTED}")
    return [_micro(call, each) for each in told]


def _of_map(call: Call) -> list[Micro]:
    if call.f == "write" and isinstance(call.argument, Mapping):
        return [Micro(True, key, value) for key, value in call.argument.items()]
    if call.f == "read" and isinstance(call.result, Mapping):
        return [Micro(False, key, value) for key, value in call.result.items()]
    if call.f == "read" and call.outcome != "ok":
        return []
    raise Unsupported(f"operation {call.invoke}: read {show(call.argument)}; expected {_EXPECTED}")


def _micro(call: Call, micro: Any) -> Micro:
    if _is_list(micro) and len(micro) == 3 and micro[0] in ("r", "w"):
        return Micro(micro[0] == "w", micro[1], micro[2])
    if _is_list(micro) and len(micro) == 2 and micro[0] == "r" and call.outcome != "ok":
        return Micro(False, micro[1], None)
    raise Unsupported(f"operation {call.invoke}: read {show(micro)}; expected {_EXPECTED}")


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))

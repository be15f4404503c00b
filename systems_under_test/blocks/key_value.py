"""The key-value state machine that the replicated systems share: read, write, cas, add, inc, append, generate;
deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Reply = dict[str, Any]


class KeyValue:
    """Values under keys; both are any JSON. A key never written reads as null.

    A key holds a register (``write``, ``cas``) or a set (``add``); ``write`` turns a set into a register again. A
    register that holds an integer is a counter (``inc``), and one that was never written counts from 0; one that holds
    a list, or nothing, can be appended to (``append``).
    """

    def __init__(self) -> None:
        self._registers: dict[str, Any] = {}
        self._sets: dict[str, dict[str, Any]] = {}

    def apply(self, command: Mapping[str, Any]) -> Reply:
        """Execute {"f", "key", "value"}: ``{"value": result}``, or ``{"error": code}`` and nothing changed.

        ``read`` gives the value (a set as the list of its elements in order of insertion); ``cas`` takes [old, new];
        ``add`` puts one element into the set; ``inc`` adds an integer to the counter, and ``append`` one element to the
        end of the list, each time it is executed; ``generate`` takes nothing and gives the counter's next number, as
        an auto-increment column does. Errors: cas-mismatch, wrong-type (another kind of key), unsupported.
        """
        key, value = canonical(command.get("key")), command.get("value")
        match command.get("f"):
            case "read":
                return self._read(key)
            case "write":
                self._sets.pop(key, None)
                self._registers[key] = value
                return {"value": None}
            case "cas":
                return self._compare_and_set(key, value)
            case "add":
                return self._add(key, value)
            case "inc":
                return self._increment(key, value)
            case "append":
                return self._append(key, value)
            case "generate":
                counted = self._increment(key, 1)
                return counted if "error" in counted else {"value": self._registers[key]}
        return {"error": "unsupported"}

    def _read(self, key: str) -> Reply:
        if key in self._sets:
            return {"value": list(self._sets[key].values())}
        return {"value": self._registers.get(key)}

    def _compare_and_set(self, key: str, value: Any) -> Reply:
        if not isinstance(value, list | tuple) or len(value) != 2:
            return {"error": "unsupported"}
        if key in self._sets:
            return {"error": "wrong-type"}
        if canonical(self._registers.get(key)) != canonical(value[0]):
            return {"error": "cas-mismatch"}
        self._registers[key] = value[1]
        return {"value": None}

    def _add(self, key: str, element: Any) -> Reply:
        if self._registers.get(key) is not None:
            return {"error": "wrong-type"}
        self._sets.setdefault(key, {}).setdefault(canonical(element), element)
        return {"value": None}

    def _increment(self, key: str, delta: Any) -> Reply:
        if not _is_integer(delta):
            return {"error": "unsupported"}
        count = self._registers.get(key)
        if key in self._sets or not (count is None or _is_integer(count)):
            return {"error": "wrong-type"}
        self._registers[key] = (count or 0) + delta
        return {"value": None}

    def _append(self, key: str, element: Any) -> Reply:
        elements = self._registers.get(key)
        if key in self._sets or not (elements is None or isinstance(elements, list | tuple)):
            return {"error": "wrong-type"}
        self._registers[key] = [*(elements or ()), element]
        return {"value": None}

    def dump(self) -> dict[str, Any]:
        """What every key holds that holds anything, for comparing replicas: canonical text of the key -> register, or
        set as the list of its elements in order of insertion."""
        held = {key: value for key, value in self._registers.items() if value is not None}
        return held | {key: list(elements.values()) for key, elements in self._sets.items()}

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON."""
        return {
            "registers": [[json.loads(key), value] for key, value in self._registers.items()],
            "sets": [[json.loads(key), list(elements.values())] for key, elements in self._sets.items()],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace the state by a snapshot's."""
        self._registers = {canonical(key): value for key, value in snapshot["registers"]}
        self._sets = {
            canonical(key): {canonical(element): element for element in elements}
            for key, elements in snapshot["sets"]
        }  # fmt: skip


def canonical(value: Any) -> str:
    """One text per JSON value: true is not 1, "1" is not 1, 1.0 is 1, and an object's fields have no order."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value

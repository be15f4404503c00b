"""Whether an action, as a plan from a file has it, is one that a fault may have chosen for these nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harness.fault import Action
from harness.faults.partition import CLIENTS
from harness.faults.target import LEADER

DIRECTIONS: Final = ("both", "deaf", "mute")
AIMS: Final = ("nodes", "drops")


def check_action(action: Action, nodes: Sequence[str]) -> None:
    """Raises ValueError that says what was read and what was expected."""
    if not isinstance(action, dict) or sum(aim in action for aim in AIMS) != 1 or "shape" not in action:
        raise ValueError(f"read the action {str(action)[:200]}; expected a shape, and either nodes or drops")
    rules = _rules(nodes)
    for name, value in action.items():
        fits = rules.get(name)
        if fits is None or not fits(value):
            raise ValueError(f"read an action with {str(name)[:80]} = {str(value)[:200]}; expected one that a fault "
                             f"chooses for the nodes {', '.join(nodes)}")  # fmt: skip


def _rules(nodes: Sequence[str]) -> Mapping[str, Callable[[Any], bool]]:
    """What each field of an action may hold."""
    senders = [*nodes, CLIENTS]
    return {
        "shape": lambda value: isinstance(value, str) and len(value) <= 80,
        "nodes": lambda value: _names(value, [*nodes, LEADER]) and len(value) > 0,
        "spares": lambda value: _names(value, nodes),
        "count": lambda value: type(value) is int and 1 <= value <= len(nodes),
        "direction": lambda value: isinstance(value, str) and value in DIRECTIONS,
        "drops": lambda value: (
            isinstance(value, dict) and _names(list(value), nodes) and all(_names(v, senders) for v in value.values())
        ),
    }


def _names(value: Any, known: Sequence[str]) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name in known for name in value)


__all__ = ["check_action"]

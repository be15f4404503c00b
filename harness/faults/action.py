"""Whether an action, as a plan from a file has it, is one that a fault may have chosen for these nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harness.fault import Action
from harness.faults.partition import CLIENTS
from harness.faults.target import FOLLOWERS, ITS_NODE, LEADER, ROLE, is_open

DIRECTIONS: Final = ("both", "deaf", "mute")
AIMS: Final = ("nodes", "drops", "links")

FIGURES: Final = (
    "probability",
    "factor",
    "delay_ms",
    "jitter_ms",
    "offset_ms",
    "period_ms",
    "bits",
    "up_ms",
    "down_ms",
    "pause_ms",
    "limit_bytes",
    "share",
    "spare",
    "size_bytes",
    "rate_kbit_s",
)
SWITCHES: Final = ("torn", "reordered")
WORDS: Final = ("keep", "files", "kind")
FIGURE_MAX: Final = 1e9
WORD_CHARACTERS_MAX: Final = 80
LINKS_MAX: Final = 100_000


def check_action(action: Action, nodes: Sequence[str], *, triggered: bool = False) -> None:
    """Raises ValueError that says what was read and what was expected. Only an action that is ``triggered`` may aim at
    its-node."""
    if not isinstance(action, dict) or sum(aim in action for aim in AIMS) != 1 or "shape" not in action:
        raise ValueError(f"read the action {str(action)[:200]}; expected a shape, and either nodes or drops or links")
    rules = _rules(nodes, [LEADER, FOLLOWERS, ITS_NODE] if triggered else [LEADER, FOLLOWERS])
    for name, value in action.items():
        fits = rules.get(name)
        if fits is None or not fits(value):
            raise ValueError(f"read an action with {str(name)[:80]} = {str(value)[:200]}; expected one that a fault "
                             f"chooses for the nodes {', '.join(nodes)}")  # fmt: skip


def _rules(nodes: Sequence[str], symbols: Sequence[str]) -> Mapping[str, Callable[[Any], bool]]:
    """What each field of an action may hold: where it strikes, and how much of what it does."""
    senders = [*nodes, CLIENTS]
    return {
        "shape": lambda value: isinstance(value, str) and len(value) <= 80,
        "nodes": lambda value: (_names(value, [*nodes, *symbols]) and len(value) > 0) or _is_role(value),
        "spares": lambda value: _names(value, nodes),
        "order": lambda value: _names(value, nodes),
        "count": lambda value: type(value) is int and 1 <= value <= len(nodes),
        "direction": lambda value: isinstance(value, str) and value in DIRECTIONS,
        "drops": lambda value: (
            isinstance(value, dict) and _names(list(value), nodes) and all(_names(v, senders) for v in value.values())
        ),
        "links": lambda value: (
            isinstance(value, list)
            and len(value) <= LINKS_MAX
            and all(_names(link, senders) and len(link) == 2 for link in value)
        ),
        "amount": lambda value: (
            isinstance(value, dict) and all(name in FIGURES and _is_figure(figure) for name, figure in value.items())
        ),
        **dict.fromkeys(FIGURES, _is_figure),
        **dict.fromkeys(SWITCHES, lambda value: isinstance(value, bool)),
        **dict.fromkeys(WORDS, lambda value: isinstance(value, str) and len(value) <= WORD_CHARACTERS_MAX),
    }


def _names(value: Any, known: Sequence[str]) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name in known for name in value)


def _is_role(value: Any) -> bool:
    """The word for the nodes of a role; which there are, the cluster says when it strikes."""
    return (
        isinstance(value, list)
        and len(value) == 1
        and isinstance(value[0], str)
        and (value[0].startswith(ROLE) and is_open(value[0]))
    )


def _is_figure(value: Any) -> bool:
    """A number that is finite (not-a-number compares with nothing) and within reason."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= FIGURE_MAX


__all__ = ["check_action"]

"""Which nodes a fault aims at: chosen ahead and written out, but for those known only when it strikes.

A chosen target is plain JSON: ``{"shape": "leader", "nodes": ["leader"], "count": 2, "spares": ["n4", "n1", ...]}``.
``nodes`` names the nodes, or holds a word in place of a node not yet known: "leader", who is looked up when the fault
strikes, or "its-node", where what set it off happened. ``spares`` is a random order of all nodes, from which
:func:`resolve` fills up to ``count`` once the node is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Any, Final

from harness.fault import Action, FaultSpec, FaultSyntaxError
from harness.faults.topology import majority, minority

LEADER: Final = "leader"
ITS_NODE: Final = "its-node"
ISOLATE_ITS_NODE: Final = "isolate-its-node"
SYMBOLS: Final = (LEADER, ITS_NODE)

TARGETS: Final[Mapping[str, str]] = {
    "leader": "the leader at that moment; leader:N with N - 1 others",
    "its-node": "the node whose event sets the fault off; its-node:N with N - 1 others",
    "one": "one node; one:N for N of them",
    "minority": "as many nodes as can be less than half",
    "majority": "just more than half of the nodes",
    "all": "every node",
}
_COUNTS: Final[Mapping[str, Callable[[int], int]]] = {"minority": minority, "majority": majority, "all": lambda n: n}
_OTHERS: Final = ("one", "minority", "majority")


def choose_target(spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> dict[str, Any]:
    """The ``turn``-th target of ``spec``. The default mix takes the leader on every even turn.

    Raises FaultSyntaxError where the number does not fit the target or the nodes.
    """
    target = spec.shape
    if target is None:
        target = LEADER if turn % 2 == 0 else random.choice(_OTHERS)
    count = _count(spec, target, len(nodes))
    order = shuffled(nodes, random)
    if target in SYMBOLS:
        return {"shape": target, "nodes": [target], "count": count, "spares": order}
    return {"shape": target, "nodes": sorted(order[:count])}


def _count(spec: FaultSpec, target: str, nodes: int) -> int:
    if target in _COUNTS:
        no_size(spec)
        return _COUNTS[target](nodes)
    return size_within(spec, nodes)


def no_size(spec: FaultSpec) -> None:
    """Raises FaultSyntaxError if ``spec`` carries a number."""
    if spec.size is not None:
        raise FaultSyntaxError(f"--faults: read {spec}; expected no number after {spec.shape}; leave out :{spec.size}")


def size_within(spec: FaultSpec, limit: int) -> int:
    """The number of ``spec``, 1 if it has none. Raises FaultSyntaxError above ``limit``."""
    size = 1 if spec.size is None else spec.size
    if size > limit:
        raise FaultSyntaxError(f"--faults: read {spec}; expected at most {limit} here; lower it or take more nodes")
    return size


def shuffled(nodes: tuple[str, ...], random: Random) -> list[str]:
    return random.sample(nodes, len(nodes))


def is_symbolic(action: Action, symbols: Collection[str] = SYMBOLS) -> bool:
    """Whether the action still waits for a node that is known only when it strikes."""
    return any(node in symbols for node in action.get("nodes", ()))


def resolve(action: Action, node: str, symbol: str = LEADER) -> dict[str, Any]:
    """The action with ``node`` in the place of the word, and as many spares as it asks for."""
    named = [node if name == symbol else name for name in action["nodes"]]
    candidates = dict.fromkeys([*named, *action.get("spares", ())])
    resolved = {name: value for name, value in action.items() if name not in ("spares", "count")}
    return {**resolved, "nodes": list(candidates)[: action.get("count", len(named))], symbol: node}


def concrete_nodes(action: Action) -> list[str]:
    """The nodes of a resolved action. Raises ValueError for a symbolic one: a caller's mistake."""
    if is_symbolic(action):
        words = " or ".join(map(repr, SYMBOLS))
        raise ValueError(f"read an action on the word {words}: {dict(action)}; expected a node; resolve it first")
    return list(action["nodes"])

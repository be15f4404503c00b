"""Which nodes a fault aims at: chosen ahead and written out, but for those known only when it strikes.

A chosen target is plain JSON: ``{"shape": "leader", "nodes": ["leader"], "count": 2, "spares": ["n4", "n1", ...]}``.
``nodes`` names the nodes, or holds a word in place of nodes not yet known: "leader", who is looked up when the fault
strikes, "its-node", where what set it off happened, "followers", all but the leader, or "role-ROLE", the nodes of a
role. ``spares`` is a random order of all nodes, from which :func:`resolve` fills up to ``count`` once that is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Any, Final

from harness.fault import Action, FaultSpec, FaultSyntaxError
from harness.faults.topology import majority, minority

LEADER: Final = "leader"
ITS_NODE: Final = "its-node"
ISOLATE_ITS_NODE: Final = "isolate-its-node"
FOLLOWERS: Final = "followers"
ROLE: Final = "role-"
RANDOM: Final = "random"
SYMBOLS: Final = (LEADER, ITS_NODE, FOLLOWERS)
"""The words for nodes that are known only when a fault strikes; besides, "role-" and the name of a role."""

TARGETS: Final[Mapping[str, str]] = {
    "leader": "the leader at that moment; leader:N with N - 1 others",
    "its-node": "the node whose event sets the fault off; its-node:N with N - 1 others",
    "one": "one node; one:N for N of them",
    "minority": "as many nodes as can be less than half",
    "majority": "just more than half of the nodes",
    "all": "every node",
    "followers": "all nodes but the leader; followers:N for N of them",
    "random": "any number of nodes, drawn each time",
}
OPEN: Final[Mapping[str, str]] = {
    "role-ROLE": "the nodes of that role; role-ROLE:N for N of them",
    "n2+n3": "those nodes, by name; n2 for one",
}
"""What may stand wherever "leader" may, too: words that the system and the number of nodes decide."""
_OPEN: Final = re.compile(r"(?<![^-])(role-[a-z][a-z0-9_-]*?|n[0-9]{1,3}(\+n[0-9]{1,3})*)(?=-one-way$|$)", re.ASCII)
_COUNTS: Final[Mapping[str, Callable[[int], int]]] = {
    "minority": minority,
    "majority": majority,
    "all": lambda n: n,
    RANDOM: lambda n: n,
}
_OTHERS: Final = ("one", "minority", "majority")


def is_open(word: str) -> bool:
    """Whether the word is a role or names nodes."""
    return _OPEN.fullmatch(word) is not None


def is_target(word: str) -> bool:
    """Whether :func:`choose_target` takes the word for a shape."""
    return word in TARGETS or is_open(word)


def is_shape(shape: str, shapes: Collection[str]) -> bool:
    """Whether ``shape`` is one of a fault's shapes, or one of them with a role or with nodes in the leader's place."""
    return shape in shapes or (_OPEN.search(shape) is not None and _OPEN.sub(LEADER, shape, count=1) in shapes)


def roles_of(shape: str) -> tuple[str, ...]:
    """The role that a shape speaks of, if it does."""
    return tuple(match[0].removeprefix(ROLE) for match in _OPEN.finditer(shape) if match[0].startswith(ROLE))


def choose_target(spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> dict[str, Any]:
    """The ``turn``-th target of ``spec``. The default mix takes the leader on every even turn.

    Raises FaultSyntaxError where the number does not fit the target or the nodes.
    """
    target = spec.shape
    if target is None:
        target = LEADER if turn % 2 == 0 else random.choice(_OTHERS)
    if is_open(target) and not target.startswith(ROLE):
        return {"shape": target, "nodes": _named(spec, target.split("+"), nodes)}
    if target == FOLLOWERS and len(nodes) < 2:
        raise FaultSyntaxError(f"--faults: read {spec} on one node; expected at least 2 nodes; raise --nodes")
    count = _count(spec, target, len(nodes))
    order = shuffled(nodes, random)
    if target in (LEADER, ITS_NODE):
        return {"shape": target, "nodes": [target], "count": count, "spares": order}
    if target == FOLLOWERS or target.startswith(ROLE):
        return {"shape": target, "nodes": [target], "spares": order} | ({"count": count} if spec.size else {})
    return {"shape": target, "nodes": sorted(order[: random.randint(1, count) if target == RANDOM else count])}


def _named(spec: FaultSpec, names: list[str], nodes: tuple[str, ...]) -> list[str]:
    """The nodes that a shape names. Raises FaultSyntaxError for one that there is not."""
    no_size(spec)
    if strange := [name for name in names if name not in nodes]:
        raise FaultSyntaxError(f"--faults: read {spec}; expected nodes among {nodes[0]} to {nodes[-1]}, and "
                               f"{strange[0]} is none of them; name another or raise --nodes")  # fmt: skip
    return list(dict.fromkeys(names))


def _count(spec: FaultSpec, target: str, nodes: int) -> int:
    if target in _COUNTS:
        no_size(spec)
        return _COUNTS[target](nodes)
    return size_within(spec, nodes - 1 if target == FOLLOWERS else nodes)


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
    """Whether the action still waits for nodes that are known only when it strikes."""
    return any(node in symbols for node in action.get("nodes", ())) or (
        symbols is SYMBOLS and role_of(action) is not None
    )


def role_of(action: Action) -> str | None:
    """The role whose nodes an action waits for, if it does."""
    return next((node.removeprefix(ROLE) for node in action.get("nodes", ()) if node.startswith(ROLE)), None)


def is_group(action: Action) -> bool:
    """Whether the action's word stands for several nodes, all of them its spares."""
    return FOLLOWERS in action.get("nodes", ()) or role_of(action) is not None


def resolve(action: Action, node: str, symbol: str = LEADER) -> dict[str, Any]:
    """The action with ``node`` in the place of the word, and as many spares as it asks for. For "followers" the node is
    the leader, who is left out."""
    spares = action.get("spares", ())
    if symbol == FOLLOWERS:
        return {**_filled(action, [spare for spare in spares if spare != node]), LEADER: node}
    named = [node if name == symbol else name for name in action["nodes"]]
    count = action.get("count", len(named))
    return {**_filled({**action, "count": count}, [*named, *spares]), symbol: node}


def resolve_role(action: Action, roles: Mapping[str, str]) -> dict[str, Any]:
    """The action with the nodes of its role; ``roles`` has each node's. Raises ValueError where none has it."""
    role = role_of(action)
    candidates = [spare for spare in action.get("spares", roles) if roles.get(spare) == role]
    if not candidates:
        raise ValueError(f"read the role {role!r}; expected one of {', '.join(sorted(set(roles.values())))}")
    return _filled(action, candidates)


def _filled(action: Action, candidates: list[str]) -> dict[str, Any]:
    plain = {name: value for name, value in action.items() if name not in ("spares", "count")}
    return {**plain, "nodes": list(dict.fromkeys(candidates))[: action.get("count")]}


def concrete_nodes(action: Action) -> list[str]:
    """The nodes of a resolved action. Raises ValueError for a symbolic one: a caller's mistake."""
    if is_symbolic(action):
        words = " or ".join(map(repr, action["nodes"]))
        raise ValueError(f"read an action on the word {words}: {dict(action)}; expected a node; resolve it first")
    return list(action["nodes"])

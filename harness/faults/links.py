"""Which links a network fault makes worse: chosen ahead and written out, but for a leader's, known when it strikes.

A chosen action names its directed links (``"links": [["n1", "n2"], ...]``, "clients" standing for all client
endpoints), or the nodes whose links to other nodes they are, and of these which: ``{"nodes": ["leader"], "direction":
"mute"}``. The directions are named as in ``partition``: "deaf", what the nodes hear; "mute", what they say; "both".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any, Final

from harness.cluster_faults import Link
from harness.fault import Action, FaultSpec, FaultSyntaxError
from harness.faults.target import TARGETS, choose_target, concrete_nodes, is_target, no_size, size_within

ALL: Final = "all"
LINK: Final = "link"
CLIENTS: Final = "clients"
ONE_WAY: Final = "-one-way"

_NODES: Final = {name: f"links of {line}" for name, line in TARGETS.items() if name != ALL}
SHAPES: Final[Mapping[str, str]] = {
    ALL: "every link between nodes",
    **_NODES,
    LINK: "one link between two nodes, in one direction; link:N for N of them",
    CLIENTS: "every link between clients and nodes",
    **{name + ONE_WAY: f"{line}; one direction only" for name, line in _NODES.items()},
    CLIENTS + ONE_WAY: "every link from clients to nodes, or every link from nodes to clients",
}
"""Shape -> one line of help."""


def choose_links(spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> dict[str, Any]:
    """The links of ``spec``, whose shape is one of SHAPES.

    Raises FaultSyntaxError where the shape or its number does not fit the nodes.
    """
    assert spec.shape is not None, "a default mix names a shape before it comes here"
    if len(nodes) < 2 and not spec.shape.startswith(CLIENTS):
        raise FaultSyntaxError(f"--faults: read {spec} on one node; expected at least 2 nodes; raise --nodes")
    name, one_way = spec.shape.removesuffix(ONE_WAY), spec.shape.endswith(ONE_WAY)
    direction = random.choice(("deaf", "mute")) if one_way else "both"
    if name != ALL and is_target(name):
        target = choose_target(replace(spec, shape=name), turn, nodes, random)
        return {**target, "shape": spec.shape, "direction": direction}
    if name == LINK:
        links = list(permutations(nodes, 2))
        links = sorted(random.sample(links, size_within(spec, len(links))))
    else:
        no_size(spec)
        links = _touching(nodes, nodes) if name == ALL else _touching([CLIENTS], [CLIENTS, *nodes], direction)
    return {"shape": spec.shape, "links": [list(link) for link in links]}


def links_of(action: Action, nodes: Sequence[str]) -> list[Link]:
    """The links of a resolved action. Raises ValueError for a symbolic one."""
    if "links" in action:
        return [(sender, receiver) for sender, receiver in action["links"]]
    return _touching(concrete_nodes(action), nodes, action["direction"])


def _touching(inside: Sequence[str], among: Sequence[str], direction: str = "both") -> list[Link]:
    """The links among ``among`` that end ("deaf"), begin ("mute"), or do either ("both") at one of ``inside``."""
    said, heard = direction != "deaf", direction != "mute"
    return [(a, b) for a, b in permutations(among, 2) if (said and a in inside) or (heard and b in inside)]

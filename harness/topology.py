"""A topology: which nodes are in which region, and how far apart the regions are.

::

    [regions]
    eu = ["n1", "n2", "n3"]
    us = ["n4", "n5"]

    [latency_ms]          # one way, between two regions, in both directions
    "eu us" = 40

Messages between nodes of two regions take so much longer, for the whole run; within a region they do not. Clients are
in the region of the node that they ask: their links stay as they are. In ``--faults``, ``region-us`` stands for its
nodes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.file import read_bounded

LATENCY_MS_MAX: Final = 10_000.0
JITTER_SHARE: Final = 0.1
"""Of a distance: no two packets take quite the same time."""
DISTANCE: Final = "distance"
"""The kind by which clusters know it (``LinkFaults.degrade``)."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,19}", re.ASCII)
_TARGET: Final = re.compile(r"region-([A-Za-z][A-Za-z0-9]*)", re.ASCII)

Link = tuple[str, str]


class TopologyError(ValueError):
    """A topology that is none; the text says what was read and what was expected."""


@dataclass(frozen=True, slots=True)
class Topology:
    """``regions``: name -> nodes; ``latency_ms``: two names with a space between -> milliseconds, one way."""

    regions: Mapping[str, tuple[str, ...]]
    latency_ms: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        return {"regions": {name: list(nodes) for name, nodes in self.regions.items()},
                "latency_ms": dict(self.latency_ms)}  # fmt: skip

    @property
    def region_of(self) -> Mapping[str, str]:
        """Node -> region."""
        return {node: name for name, nodes in self.regions.items() for node in nodes}

    def delays(self) -> dict[Link, dict[str, float]]:
        """Directed link -> the amount of its delay; links within a region have none."""
        return dict(self._delays())

    def _delays(self) -> Iterator[tuple[Link, dict[str, float]]]:
        for pair, latency_ms in self.latency_ms.items():
            one, other = (self.regions[name] for name in pair.split(" "))
            amount = {"delay_ms": latency_ms, "jitter_ms": latency_ms * JITTER_SHARE}
            for a in one:
                for b in other:
                    yield (a, b), amount
                    yield (b, a), amount

    def named(self, faults: str) -> str:
        """A ``--faults`` text with nodes in the place of regions. Raises TopologyError for one that is none."""
        return _TARGET.sub(self._nodes, faults)

    def _nodes(self, match: re.Match[str]) -> str:
        if match[1] not in self.regions:
            raise TopologyError(f"--faults: read {match[0]!r}; expected a region of {', '.join(self.regions)}")
        return "+".join(self.regions[match[1]])


def read_topology(path: Path, nodes: Collection[str]) -> Topology:
    """From a file. Raises TopologyError and OSError."""
    try:
        data = tomllib.loads(read_bounded(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TopologyError(f"read {path}, which is no TOML ({error}); expected [regions] and [latency_ms]") from None
    return topology_of(data, nodes)


def topology_of(data: Any, nodes: Collection[str]) -> Topology:
    """From JSON or TOML. Each of ``nodes`` is in one region. Raises TopologyError."""
    if not isinstance(data, dict) or set(data) != {"regions", "latency_ms"}:
        found = sorted(data) if isinstance(data, dict) else data
        raise TopologyError(f"read a topology of {str(found)[:80]}; expected [regions] and [latency_ms]")
    regions = _regions(data["regions"], nodes)
    return Topology(regions, _latencies(data["latency_ms"], regions))


def _regions(data: Any, nodes: Collection[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(data, dict) or not all(_NAME.fullmatch(str(name)) for name in data):
        raise TopologyError(
            f"read the regions {str(data)[:80]}; expected names of letters and digits, with their nodes"
        )
    for name, members in data.items():
        if not isinstance(members, list) or not members or not all(isinstance(node, str) for node in members):
            raise TopologyError(f"read the region {name} = {str(members)[:80]}; expected a list of nodes")
    placed = [node for members in data.values() for node in members]
    if sorted(placed) != sorted(nodes):
        raise TopologyError(f"read the nodes {', '.join(map(str, placed))[:200]} in regions; expected each of "
                            f"{', '.join(nodes)} once")  # fmt: skip
    return {name: tuple(members) for name, members in data.items()}


def _latencies(data: Any, regions: Collection[str]) -> dict[str, float]:
    if not isinstance(data, dict):
        raise TopologyError(f'read latency_ms = {str(data)[:80]}; expected lines such as "eu us" = 40')
    found = {}
    for pair, latency_ms in data.items():
        names = str(pair).split(" ")
        if len(names) != 2 or names[0] == names[1] or not set(names) <= set(regions):
            raise TopologyError(f"read the latency of {str(pair)[:80]!r}; expected two of {', '.join(regions)}")
        number = isinstance(latency_ms, int | float) and not isinstance(latency_ms, bool)
        if not number or not 0 <= latency_ms <= LATENCY_MS_MAX:
            raise TopologyError(f"read {pair} = {str(latency_ms)[:40]}; expected milliseconds up to {LATENCY_MS_MAX:g}")
        found[str(pair)] = float(latency_ms)
    return found

"""Probes: every replica is asked again and again what it holds, while the load is on."""

from __future__ import annotations

from harness.generator import EMPTY, Context, Generator, clients, function, invoke, rate
from harness.history import DUMP, Op
from harness.workload import WorkloadOptions


def probes(options: WorkloadOptions, rate_hz: float) -> Generator:
    """Dumps of all nodes in turn, each of them ``rate_hz`` times a second. Nothing where the system has no dump."""
    if DUMP not in options.operations or rate_hz <= 0:
        return EMPTY

    def probe(context: Context, position: int) -> Op:
        return invoke(DUMP, node=options.nodes[position % len(options.nodes)])

    return clients(rate(rate_hz * len(options.nodes), function(probe)))

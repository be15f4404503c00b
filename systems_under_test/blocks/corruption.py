"""What a node may not start from."""

from __future__ import annotations


class Corruption(Exception):
    """Bytes that were durable do not verify: what the node promised is gone, and only a person or a replica knows it.

    The node must not take part again as if it remembered: it may neither vote nor serve. It need not stop: a system
    goes on without it as without one that is down.
    """

"""Which of the nodes are what. Roles come in the order in which the system declares them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WORKERS: Final = 2
LISTS: Final = 8
"""The set is kept in lists, each under a lock of its own: a worker that is stopped is in the middle of some of them."""


def servers(nodes: Sequence[str]) -> tuple[str, ...]:
    """The members of etcd."""
    return tuple(nodes[: -WORKERS - 1])


def workers(nodes: Sequence[str]) -> tuple[str, ...]:
    return tuple(nodes[-WORKERS - 1 : -1])


def storage(nodes: Sequence[str]) -> str:
    return nodes[-1]

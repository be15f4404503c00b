"""What the keepers' statuses say of the cluster as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.node import Message


def leader(statuses: Mapping[str, Message]) -> str | None:
    """The node of the newest term that leads; one that was cut off believes in itself for a while."""
    leading = [name for name, status in sorted(statuses.items()) if status["role"] == "leader"]
    followed = Counter(status["leader"] for status in statuses.values())
    return max(leading, key=lambda name: (statuses[name]["term"], followed[name]), default=None)


def ready(statuses: Mapping[str, Message]) -> bool:
    """Somebody leads, and every member that answers says so."""
    name = leader(statuses)
    return name is not None and {status["leader"] for status in statuses.values()} == {name}

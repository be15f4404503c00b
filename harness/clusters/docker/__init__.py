"""The ``docker`` provider: nodes are containers on this machine, each with a real sshd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.clusters.docker.provider import PROVIDER

__all__ = ["PROVIDER"]


def __getattr__(name: str) -> Any:
    """``PROVIDER``, imported when asked for: the keeper is in this package too, and needs nothing else of it."""
    if name == "PROVIDER":
        from harness.clusters.docker.provider import PROVIDER

        return PROVIDER
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

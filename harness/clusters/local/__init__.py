"""The ``local`` provider: nodes are Linux namespaces on this machine, each with a real sshd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.clusters.local.provider import PROVIDER

__all__ = ["PROVIDER"]


def __getattr__(name: str) -> Any:
    """``PROVIDER``, imported when asked for: the supervisor is in this package too, and must be there in 30 ms."""
    if name == "PROVIDER":
        from harness.clusters.local.provider import PROVIDER

        return PROVIDER
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

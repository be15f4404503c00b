"""The engine that delays, loses, repeats, reorders, spoils and squeezes the packets of this node's links.

It needs no netem, which many kernels lack: the kernel queues the packets (NFQUEUE), a process of ours says what becomes
of each, and counts. A packet that nobody attends to goes on as if nothing were there.
"""

from __future__ import annotations

from typing import Final

SOCKET: Final = "/run/splitbrain/links.sock"
"""Where the engine takes orders, from root only."""

ORDER_BYTES_MAX: Final = 200_000

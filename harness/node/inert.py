"""What a dead incarnation meets: a disk and awaits that do nothing.

A killed node's coroutines are closed after its ``Env`` has become inert, so their ``finally`` blocks find nothing
they could do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final, NoReturn


async def inert(coroutine: Coroutine[Any, Any, Any] | None = None) -> NoReturn:
    """Close the coroutine without running it, and end whoever awaits this."""
    if coroutine is not None:
        coroutine.close()
    raise asyncio.CancelledError


class InertDisk:
    """Keeps nothing, has nothing."""

    def exists(self, file: str) -> bool:
        return False

    def list(self, prefix: str = "") -> Sequence[str]:
        return ()

    def size(self, file: str) -> int:
        return 0

    def read(self, file: str, offset: int = 0, length: int | None = None) -> bytes:
        return b""

    def append(self, file: str, data: bytes) -> None: ...
    def write(self, file: str, data: bytes) -> None: ...
    def truncate(self, file: str, length: int) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def delete(self, file: str) -> None: ...
    async def sync(self, file: str) -> None:
        await inert()

    async def sync_dir(self) -> None:
        await inert()


INERT_DISK: Final = InertDisk()

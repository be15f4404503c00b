"""What one simulated machine has of memory, processor and file descriptors, when a fault limits it.

Simple models of what the kernel does:

* *memory*: a program takes memory as it takes up messages. When it has used up what was spare, it is killed within a
  few milliseconds, in mid-work. A new program is under the same limit.
* *cpu*: with a share of the processor all service times are longer by that factor, and so is the time in which a
  message is taken up.
* *fds*: connections that are there go on. A new one needs a descriptor on this side. Without one the program cannot
  connect (Refused, certainly not delivered); and what others send over a new connection stays in the kernel's queue,
  unread, and is lost: they wait. Files need none here.
"""

from __future__ import annotations

from typing import Final

MESSAGE_BYTES: Final = 16 * 1024
"""What a program takes for each message, in this model."""
KILLED_WITHIN_MS: Final = 20
TAKE_UP_MS: Final = 1.0
"""The processor time that taking up a message takes."""

Connection = tuple[str, str, int]
"""Its direction, "in" or "out", its other end, and that end's incarnation."""


class Resources:
    """``memory_bytes`` is what is left (None: no limit), ``share`` that of the processor, ``descriptors`` how many more
    may be opened (None: no limit)."""

    __slots__ = ("_connections", "_memory_spare", "_spare", "descriptors", "memory_bytes", "share")

    def __init__(self) -> None:
        self.share = 1.0
        self.memory_bytes: int | None = None
        self.descriptors: int | None = None
        self._memory_spare = self._spare = 0
        self._connections: set[Connection] = set()

    def limit_memory(self, spare_bytes: int) -> None:
        self.memory_bytes = self._memory_spare = spare_bytes

    def limit_fds(self, spare: int, connections: set[Connection]) -> None:
        """``connections`` are those that are open now."""
        self.descriptors = self._spare = spare
        self._connections = connections

    def unlimit(self) -> None:
        self.memory_bytes = self.descriptors = None
        self.share = 1.0

    def renew(self) -> None:
        """A new process: nothing open, nothing used."""
        if self.memory_bytes is not None:
            self.memory_bytes = self._memory_spare
        if self.descriptors is not None:
            self.descriptors = self._spare
        self._connections = set()

    def take_memory(self) -> bool:
        """For one message; whether it was the last there was."""
        if self.memory_bytes is None:
            return False
        before, self.memory_bytes = self.memory_bytes, self.memory_bytes - MESSAGE_BYTES
        return before >= 0 > self.memory_bytes

    @property
    def take_up_ms(self) -> float:
        """How much later a message is taken up."""
        return TAKE_UP_MS * (1 / self.share - 1)

    def connect(self, connection: Connection) -> bool:
        """Whether there is that connection, or a descriptor for it."""
        if self.descriptors is None or connection in self._connections:
            return True
        if self.descriptors <= 0:
            return False
        self.descriptors -= 1
        self._connections.add(connection)
        return True

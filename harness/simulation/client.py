"""The simulated ``ClientEnv``: a client's own endpoint on the simulated network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from harness.node import Closed, Message, Refused
from harness.node.wire import WireError
from harness.simulation.env import Call
from harness.simulation.runtime import SimRuntime
from harness.simulation.world import World


class SimClient:
    """See :class:`harness.system.ClientEnv`."""

    def __init__(
        self, world: World, runtime: SimRuntime, name: str, timeout_ms: float, regions: Mapping[str, str] | None = None
    ) -> None:
        self._world, self._runtime, self._name, self._timeout_ms = world, runtime, name, timeout_ms
        self._regions = regions or {}
        self._counters: Counter[str] = Counter()
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def nodes(self) -> tuple[str, ...]:
        return self._world.names

    @property
    def addresses(self) -> Mapping[str, str]:
        return {name: name for name in self._world.names}

    @property
    def regions(self) -> Mapping[str, str]:
        return self._regions

    @property
    def timeout_ms(self) -> float:
        return self._timeout_ms

    def now(self) -> int:
        return self._runtime.now()

    async def call(self, node: str, message: Message, timeout_ms: float) -> Message:
        """Send and await the reply. Raises Refused (also for a message too large to send), Timeout or Closed."""
        if self._closed:
            raise Closed(f"the client {self._name} was closed")
        try:
            body = self._world.copier.copy(message)
        except WireError as error:
            raise Refused(str(error)) from error
        reply = self._runtime.future()
        Call(self._world, self._name, self._runtime.lane, self._counters, reply).begin(node, body, timeout_ms)
        answer: Message = await reply
        return answer

    async def dial(self, node: str, port: int) -> tuple[str, int]:
        """There is nothing to be dialled here. Raises NotImplementedError."""
        raise NotImplementedError(f"dial of port {port} of {node}: a simulated node listens on no port; a client that "
                                  "dials is for real nodes, as of --provider local")  # fmt: skip

    async def sleep(self, ms: float) -> None:
        await self._runtime.sleep(ms)

    def random(self, stream: str) -> Random:
        return self._runtime.random(f"client/{self._name}/{stream}")

    def close(self) -> None:
        """No new calls; those under way end in their time."""
        self._closed = True

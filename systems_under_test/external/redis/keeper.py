"""The keeper of a node: it configures a Redis server and a sentinel once, starts them, and tells how they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Message
from harness.node.machine import MachineEnv, Process

from systems_under_test.external.redis.resp import RespError, ask

SERVER_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
MASTER: Final = "m"
"""The name under which the sentinels know the master, whichever node it is."""

USER: Final = "redis"
DOWN_AFTER_MS: Final = 1000
FAILOVER_TIMEOUT_MS: Final = 3000
LAG_S_MAX: Final = 1
"""How old a replica's last word may be for ``min-replicas``: it sends one a second."""

SENTINEL_PERIODS: Final = ("info-period", "1000", "publish-period", "500")
"""How often sentinels ask servers and tell each other how they are, in ms, where their own defaults are 10 s and 2 s:
as fast as ``down-after`` above. A sentinel waits four times the latter before it sets right who wrongly calls itself
the master; with the defaults that comes up to 20 s after a partition has healed."""

POLL_MS: Final = 100.0
START_POLL_MS: Final = 10.0
ASK_MS: Final = 500.0


class Keeper:
    """A node program (:class:`harness.node.Program`) on a real machine.

    Both configurations are written where there are none, with the first node as the master, and belong to Redis from
    then on: a failover rewrites them. Who finds them runs what they say.
    """

    def __init__(self, env: MachineEnv, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options
        self._names = {address: name for name, address in env.machine.addresses.items()}
        self._folder = f"{env.machine.data}/redis"
        self._server_file, self._sentinel_file = f"{self._folder}/redis.conf", f"{self._folder}/sentinel.conf"
        self._processes: list[Process] = []
        self._status: dict[str, Any] = {"leader": None, "role": "starting", "complete": False}

    async def start(self) -> None:
        """Returns when the server answers, its data loaded; the sentinel follows."""
        first = not self._env.machine.exists(self._server_file)
        if first:
            self._configure()
        await self._spawn("redis-server", self._server_file)
        while not await self._answers():
            await self._env.sleep(START_POLL_MS)
        self._env.spawn(self._start_sentinel(first), "sentinel")
        self._env.spawn(self._watch(), "watch")

    async def stop(self) -> None:
        """The server writes and syncs its log before it ends."""
        for process in self._processes:
            await process.terminate()

    async def handle(self, source: str, message: Message) -> Message:
        return {"error": "unsupported"}  # clients talk to Redis

    def status(self) -> Message:
        """``leader``: whom this node's sentinel calls the master, in epoch ``term``; ``role``: what its server calls
        itself; ``complete``: whether all the others are known and linked."""
        return self._status

    def _configure(self) -> None:
        machine = self._env.machine
        machine.folder(self._folder, user=USER)
        machine.write(self._sentinel_file, "\n".join(self._sentinel_lines()) + "\n", user=USER)
        machine.write(self._server_file, "\n".join(self._server_lines()) + "\n", user=USER)

    def _server_lines(self) -> list[str]:
        first = self._env.nodes[0]
        lines = [
            *self._common_lines(SERVER_PORT),
            "appendonly yes",
            f"appendfsync {self._options['appendfsync']}",
            'save ""',
            "repl-diskless-sync-delay 0",
            f"min-replicas-to-write {self._options['min-replicas']}",
            f"min-replicas-max-lag {LAG_S_MAX}",
            f"replica-announce-ip {self._env.machine.address}",
        ]
        if self._env.name != first:
            lines.append(f"replicaof {self._env.machine.addresses[first]} {SERVER_PORT}")
        return lines

    def _sentinel_lines(self) -> list[str]:
        first = self._env.machine.addresses[self._env.nodes[0]]
        majority = len(self._env.nodes) // 2 + 1
        return [
            *self._common_lines(SENTINEL_PORT),
            f"sentinel monitor {MASTER} {first} {SERVER_PORT} {majority}",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {MASTER} {FAILOVER_TIMEOUT_MS}",
            f"sentinel parallel-syncs {MASTER} 1",
            f"sentinel announce-ip {self._env.machine.address}",
        ]

    def _common_lines(self, port: int) -> list[str]:
        return [f"bind {self._env.machine.address}", f"port {port}", "protected-mode no", f"dir {self._folder}"]

    async def _spawn(self, program: str, file: str) -> None:
        self._processes.append(await self._env.machine.spawn(program, program, file, user=USER))

    async def _start_sentinel(self, first: bool) -> None:
        """At the first start it comes when all replicas are there: it looks for them at once, and then rarely."""
        while first and not await self._linked():
            await self._env.sleep(START_POLL_MS)
        await self._spawn("redis-sentinel", self._sentinel_file)
        while not await self._hurried():
            await self._env.sleep(START_POLL_MS)

    async def _hurried(self) -> bool:
        try:
            return bool(await self._ask(SENTINEL_PORT, "SENTINEL", "DEBUG", *SENTINEL_PERIODS) == "OK")
        except RespError:
            return False

    async def _linked(self) -> bool:
        try:
            return self._is_linked(await self._replication())
        except RespError:
            return False

    def _is_linked(self, replication: Mapping[str, str]) -> bool:
        if replication["role"] == "master":
            return int(replication["connected_slaves"]) == len(self._env.peers)
        return replication["master_link_status"] == "up"

    async def _watch(self) -> None:
        while True:
            await self._look()
            await self._env.sleep(POLL_MS)

    async def _look(self) -> None:
        try:
            replication = await self._replication()
            role = "master" if replication["role"] == "master" else "replica"
        except RespError as error:
            self._status = {**self._status, "role": "silent", "complete": False, "error": str(error)[:200]}
            return
        if role != self._status["role"]:
            self._env.event(f"became-{role}")
        self._status = {"role": role, **await self._belief(self._is_linked(replication))}

    async def _belief(self, linked: bool) -> dict[str, Any]:
        """What the sentinel says of the master."""
        try:
            said = await self._ask(SENTINEL_PORT, "SENTINEL", "MASTER", MASTER)
        except RespError:
            return {"leader": None, "complete": False}
        assert isinstance(said, list), f"read {said!r}; expected names and values in turn"
        words = dict(zip(said[::2], said[1::2], strict=True))
        others = len(self._env.peers)
        knows_all = int(words["num-other-sentinels"]) == others == int(words["num-slaves"])
        leader = self._names.get(words["ip"])
        return {"leader": leader, "term": int(words["config-epoch"]), "complete": linked and knows_all}

    async def _answers(self) -> bool:
        try:
            return bool(await self._ask(SERVER_PORT, "PING") == "PONG")
        except RespError:
            return False

    async def _replication(self) -> dict[str, str]:
        said = await self._ask(SERVER_PORT, "INFO", "replication")
        pairs = (line.split(":", 1) for line in str(said).splitlines() if ":" in line)
        return {name: value.strip() for name, value in pairs}

    async def _ask(self, port: int, *words: str) -> Any:
        return await ask(self._env.machine.address, port, *words, timeout_ms=ASK_MS)

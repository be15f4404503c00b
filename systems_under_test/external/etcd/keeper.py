"""The keeper of an etcd member: starts it on the node's own disk, and asks it every now and then who leads.

The members are the nodes of the keeper's role. A member whose data folder is there goes on with it, whatever it is told
of a new cluster, so that it is always started the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.node import Message
from harness.node.machine import MachineEnv

from systems_under_test.external.etcd.gateway import CLIENT_PORT, GatewayError, ask

USER: Final = "etcd"
PEER_PORT: Final = 2380
HEARTBEAT_MS: Final = 100
ELECTION_TIMEOUT_MS: Final = 1000
"""etcd's own defaults. No lease is shorter than one and a half election timeouts, rounded up to seconds: 2 s."""

ASK_MS: Final = 100
PATIENCE_MS: Final = 500
FRESH_MS: Final = 1500
"""An answer that is older says nothing any more: the member, or the whole node, was stopped for so long."""

ELECTED: Final = "became-leader"


class Keeper:
    """Keeps one member (:class:`harness.node.Program`)."""

    def __init__(self, env: MachineEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._names: dict[str, str] = {}  # member -> node
        self._term = 0
        self._leader: str | None = None
        self._heard_ns: int | None = None

    async def start(self) -> None:
        """The member serves once a majority of its cluster is there, which is not for one node to wait for."""
        machine = self._env.machine
        folder = f"{machine.data}/etcd"
        machine.folder(folder, user=USER)
        await machine.spawn("etcd", *self._command(folder), user=USER)
        self._env.spawn(self._watch(), "watch")

    def _command(self, folder: str) -> list[str]:
        addresses = self._env.machine.addresses
        own = addresses[self._env.name]
        members = sorted([self._env.name, *self._env.peers])
        options = {
            "name": self._env.name,
            "data-dir": folder,
            "listen-client-urls": f"http://{own}:{CLIENT_PORT},http://127.0.0.1:{CLIENT_PORT}",
            "advertise-client-urls": f"http://{own}:{CLIENT_PORT}",
            "listen-peer-urls": f"http://{own}:{PEER_PORT}",
            "initial-advertise-peer-urls": f"http://{own}:{PEER_PORT}",
            "initial-cluster": ",".join(f"{name}=http://{addresses[name]}:{PEER_PORT}" for name in members),
            "initial-cluster-state": "new",
            "heartbeat-interval": str(HEARTBEAT_MS),
            "election-timeout": str(ELECTION_TIMEOUT_MS),
            "logger": "zap",
            "log-outputs": "stderr",
        }
        return ["/usr/bin/etcd", *(word for name, value in options.items() for word in (f"--{name}", value))]

    async def handle(self, source: str, message: Message) -> Message:
        return {"error": "unsupported"}  # whoever wants something of etcd asks etcd

    def status(self) -> Message:
        leader = self._leader if self._fresh() else None
        role = "silent" if leader is None else "leader" if leader == self._env.name else "follower"
        return {"role": role, "leader": leader, "term": self._term}

    def _fresh(self) -> bool:
        return self._heard_ns is not None and self._env.clock.monotonic() - self._heard_ns < FRESH_MS * 1e6

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except GatewayError:
                self._leader = None
            await self._env.sleep(ASK_MS)

    async def _look(self) -> None:
        """Raises GatewayError."""
        found = await ask("127.0.0.1", "maintenance/status", {}, PATIENCE_MS)
        leader, term = found.get("leader", "0"), int(found.get("raftTerm", "0"))  # what is zero is left out
        if leader != "0" and leader not in self._names:
            members = (await ask("127.0.0.1", "cluster/member/list", {}, PATIENCE_MS))["members"]
            self._names = {member["ID"]: member.get("name", "") for member in members}
        if self._term and term > self._term:
            self._env.count("election")
        elected = self._names.get(leader) == self._env.name and (self._leader, self._term) != (self._env.name, term)
        self._leader, self._term = self._names.get(leader) or None, term
        self._heard_ns = self._env.clock.monotonic()
        if elected:
            self._env.event(ELECTED, term=term)

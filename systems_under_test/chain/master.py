"""A master: one of those who keep the chain's configuration, replicated by Raft.

Whoever leads the masters hears the heartbeats of the replicas and decides: who is silent is taken out, who comes back
joins behind the tail, and becomes the tail once it has caught up. Each answer to a heartbeat is a linearizable read and
so proves, for a moment at or after the question, that this master led: a later leader has been elected after that
moment, and waits for SILENT_MS before it takes anybody out. That is what makes the answer a lease (``membership``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.failure_detector import FixedTimeout
from systems_under_test.blocks.raft.replica import Replica as RaftReplica
from systems_under_test.chain.configuration import Configuration, changed, extend, from_json, join, remove
from systems_under_test.chain.membership import SILENT_MS

LOOK_MS: Final = 40


class ConfigurationMachine:
    """What the masters' log means (``blocks.raft.replica.Machine``). It begins with all replicas in the chain."""

    def __init__(self, replicas: Sequence[str]) -> None:
        self.configuration = Configuration(1, tuple(replicas))

    def apply(self, command: Mapping[str, Any]) -> Message:
        self.configuration = changed(self.configuration, command)
        return self.configuration.as_json()

    def read(self, request: Message) -> Message:
        return self.configuration.as_json()

    def snapshot(self) -> dict[str, Any]:
        return self.configuration.as_json()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        self.configuration = from_json(snapshot)


class Census:
    """Who is alive, as one leader of the masters has heard in one term. It starts as if all had just been heard."""

    def __init__(self, env: Env, term: int, replicas: Sequence[str]) -> None:
        self.term = term
        self._detectors = {node: FixedTimeout(env.clock, SILENT_MS) for node in replicas}
        self._complaints: dict[str, tuple[int, str | None]] = {}

    def heard(self, node: str, message: Message) -> None:
        self._detectors[node].heard()
        self._complaints[node] = message["epoch"], message["unreachable"]

    def silent(self) -> list[str]:
        return [node for node, detector in self._detectors.items() if detector.suspects()]

    def is_unreachable(self, node: str, configuration: Configuration) -> bool:
        """Whether its predecessor, which is alive, cannot send it updates: it does not matter who else hears it."""
        predecessor = configuration.predecessor(node)
        if predecessor is None or self._detectors[predecessor].suspects():
            return False
        return self._complaints.get(predecessor) == (configuration.epoch, node)


class Master:
    """:class:`harness.node.Program`; the masters are the nodes of its role, the replicas all others."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        masters = [node for node in env.nodes if node == env.name or node in env.peers]
        self._replicas = [node for node in env.nodes if node not in masters]
        self._machine = ConfigurationMachine(self._replicas)
        self._raft = RaftReplica(env, masters, self._machine)
        self._census = Census(env, 0, self._replicas)
        self._change: Mapping[str, Any] | None = None  # the command under way; one at a time

    async def start(self) -> None:
        await self._raft.start()
        self._env.spawn(self._watch(), "census")

    async def handle(self, source: str, message: Message) -> Message | None:
        match message.get("type"):
            case "heartbeat" if source in self._replicas:
                return await self._heartbeat(source, message)
            case "request":
                return self._direct(message)
        return self._raft.handle(source, message)

    def status(self) -> Message:
        raft, configuration = self._raft.status(), self._machine.configuration
        return {"leader": configuration.head, "term": configuration.epoch, "role": "master", "raft": raft}

    def _direct(self, message: Message) -> Message:
        """Where a client finds what it looks for, as far as this master knows."""
        if message.get("f") == "dump":
            return {"error": "unsupported"}
        configuration = self._machine.configuration
        return {"error": "not-leader", "leader": configuration.tail if message["f"] == "read" else configuration.head}

    async def _heartbeat(self, source: str, message: Message) -> Message:
        """Answer with the configuration, which is a lease for whoever is in it; or with who leads the masters, and let
        its lease run out."""
        answer = await self._raft.read({})
        if "error" in answer or self._is_leaving(source):
            return {"leader": self._raft.status()["leader"]}
        census, configuration = self._present_census(), self._machine.configuration
        if census.is_unreachable(source, configuration):
            return {"leader": self._env.name}
        census.heard(source, message)
        self._consider(configuration, source, message)
        return configuration.as_json()

    def _is_leaving(self, node: str) -> bool:
        """Whether it is decided that this node is taken out, if the other masters agree. It gets no new lease."""
        return self._change is not None and self._change["change"] == "remove" and node in self._change["nodes"]

    def _present_census(self) -> Census:
        """This term's, begun when this master was seen to lead it: until it was elected, another may have given leases
        that this one knows nothing of."""
        term = self._raft.status()["term"]
        if self._census.term != term:
            self._census = Census(self._env, term, self._replicas)
        return self._census

    def _consider(self, configuration: Configuration, node: str, message: Message) -> None:
        """A replica that is outside may join; the one that joins becomes the tail when it has what the tail has."""
        place = configuration.place(node)
        if place == "outside" and configuration.joining is None:
            self._propose(join(configuration, node))
        elif place == "joining" and message["in_step"] == configuration.epoch:
            self._propose(extend(configuration, node))

    async def _watch(self) -> None:
        """For as long as the node lives: take out the silent, unless all are, for then it is this master that is cut
        off or was held up."""
        while True:
            await self._env.sleep(LOOK_MS)
            if self._raft.status()["role"] != "leader":
                continue
            silent, configuration = self._present_census().silent(), self._machine.configuration
            members = [node for node in silent if configuration.place(node) != "outside"]
            if members and set(configuration.chain) - set(silent):
                self._propose(remove(configuration, members))

    def _propose(self, command: Mapping[str, Any]) -> None:
        if self._change is None:
            self._change = command
            self._env.spawn(self._agree(command), "change")

    async def _agree(self, command: Mapping[str, Any]) -> None:
        """If nobody knows what became of it, this master leads no more, or in a later term, which knows."""
        before = self._machine.configuration
        if command["change"] == "remove":
            self._env.count("election")  # somebody is missed, and others decide on it
        answer = await self._raft.ask(command)
        self._change = None
        if answer.get("epoch", before.epoch) > before.epoch:
            self._tell(command["change"], before, from_json(answer))

    def _tell(self, change: str, before: Configuration, after: Configuration) -> None:
        """All replicas at once; they would hear of it with their next heartbeats. An event says the place of each that
        was taken out: head-removed, middle-removed, tail-removed."""
        gone = {node: before.place(node) for node in before.chain if node not in after.chain}
        self._env.event("reconfigured", change=change, removed=gone, **after.as_json())
        for node, place in gone.items():
            self._env.event(f"{place}-removed", removed=node, epoch=after.epoch)
        for node in self._replicas:
            self._env.send(node, {"type": "configuration", **after.as_json()})

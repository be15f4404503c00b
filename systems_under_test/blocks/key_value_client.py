"""The client of the bundled key-value systems: finds the leader, retries what is safe, says honestly what it knows.

A request is sent again under the same sequence number, so a system with a client table executes it once
(``client_session``). That makes it safe to ask again when nobody knows what became of a try. But an error speaks
only of its own try: after one whose outcome is unknown it no longer means that the operation did not happen, and
nothing but a value decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.history import Op
from harness.node import Message
from harness.system import ClientEnv, Outcome

from systems_under_test.blocks.read_policy import ReadPolicy, read_policy
from systems_under_test.blocks.request_try import Tries

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not executed
    "refused": "fail",  # no connection: the request never left
    "not-leader": "fail",  # answered before anything was done
    "no-leader": "fail",
    "unavailable": "fail",
    "behind": "fail",  # this replica has not yet what the session has seen
    "cas-mismatch": "fail",
    "wrong-type": "fail",
    "unsupported": "fail",
    "session-expired": "fail",  # refused: nobody remembers this client, which must register
    "failed": "fail",  # it was tried, and nothing of it is left
    # nobody knows
    "timeout": "info",
    "closed": "info",
    "unknown": "info",  # the node gave up waiting: the request may be in a log and come true later
    "superseded": "info",
    "lost": "info",  # a failover undid what the session had seen: it is over, and whoever goes on is a new session
    "malformed": "info",  # neither a value nor an error: whoever answered that may have done anything
}
"""Every error code of the key-value systems, and what it says about the operation."""

ANSWERS: Final = frozenset({"cas-mismatch", "wrong-type", "unsupported"})
"""Errors that are answers: the system works, and says no."""

RETRIED: Final = frozenset({"refused", "not-leader", "no-leader", "unavailable", "behind"})
"""Definite errors after which the same request may be sent again: another node, or the same one later, may take it."""

UNDECIDED: Final = frozenset({"timeout", "closed", "unknown"})
"""Errors after which nobody knows whether the request was executed. It is sent again; the operation is unknown unless a
later try brings a value."""

SESSION_EXPIRED: Final = "session-expired"

DUMP: Final = "dump"
ANSWERED: Final = frozenset({"read", "generate", DUMP})
"""Operations whose result is a value of the system's; that of the others is what was asked for."""

BACKOFF_MS: Final = (0, 5, 10, 20, 40, 80)
TRY_MS_MIN: Final = 1.0  # with less time left a try is pointless


class KeyValueClient:
    """One process's client of a key-value system (:class:`harness.system.Client`).

    It stays on the node it believes to be the leader until told otherwise. Reads go where ``policy`` says, by default
    that of ``options["reads"]`` (``read_policy``). An operation has an outcome within ``env.timeout_ms``, in which a
    request is tried until the system has answered it. A ``dump`` asks the replica that the operation names, once.
    """

    def __init__(
        self,
        env: ClientEnv,
        options: Mapping[str, str],
        policy: ReadPolicy | None = None,
        *,
        tries: Tries | None = None,
    ) -> None:
        self._env, self._tries = env, tries or Tries(env)
        self._policy = policy or read_policy(env, options)
        self._random = env.random("routing")
        self._leader = env.nodes[0]
        self._sequence = 0
        self._session = env.name

    async def open(self, node: str) -> None:
        self._leader = node

    async def close(self) -> None:
        """Nothing is held."""

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``; the error codes and what they mean are :data:`ERRORS`."""
        self._sequence += 1
        request: dict[str, Any] = {"type": "request", "client": self._session, "sequence": self._sequence, "f": op.f,
                                   "key": op.key, "value": op.value}  # fmt: skip
        if op.f == DUMP:
            node = op.node or self._leader
            reply: Message = await self._tries.ask(node, request, self._env.timeout_ms)
        else:
            node, reply = await self._ask({**request, **self._policy.demand(op)}, read=op.f == "read")
        if "error" in reply or "value" not in reply:
            code = str(reply.get("error", "malformed"))
            return replace(op, type=ERRORS.get(code, "info"), error=code, node=node)
        if op.f != DUMP:
            self._policy.answered(op, reply)
        return replace(op, type="ok", value=reply["value"] if op.f in ANSWERED else op.value, node=node)

    async def _ask(self, request: Message, read: bool) -> tuple[str, Message]:
        """Try until the system has answered, or the time is over; who decided the outcome, and how."""
        deadline = self._env.now() + int(self._env.timeout_ms * 1e6)
        node, reply, tries = self._leader, {"error": "refused"}, 0
        undecided: tuple[str, Message] | None = None
        while True:
            left_ms = (deadline - self._env.now()) / 1e6
            if left_ms < TRY_MS_MIN:
                return undecided or (node, reply)
            node = self._policy.node(self._leader) if read else self._leader
            reply = await self._tries.ask(node, request, self._patience_ms(left_ms))
            if reply.get("error") in UNDECIDED:
                undecided = node, reply
            elif reply.get("error") == SESSION_EXPIRED and undecided is None:
                request = {**request, "client": await self._register(node, left_ms)}
                continue
            elif reply.get("error") not in RETRIED:
                return (node, reply) if undecided is None or "value" in reply else undecided
            self._learn(node, reply)
            if read and reply.get("error") in RETRIED:
                self._policy.refused(node)
            pause_ms = BACKOFF_MS[min(tries, len(BACKOFF_MS) - 1)]
            tries += 1
            await self._env.sleep(min(pause_ms, max((deadline - self._env.now()) / 1e6, 0)))

    async def _register(self, node: str, timeout_ms: float) -> str:
        """The name of a new session, under which nothing was ever executed (``client_session``); if there is no answer
        the old one."""
        request = {"type": "request", "client": self._session, "sequence": self._sequence, "f": "register"}
        session = (await self._tries.ask(node, request, timeout_ms)).get("value")
        self._session = session if isinstance(session, str) else self._session
        return self._session

    def _patience_ms(self, left_ms: float) -> float:
        """How long to wait for one node: half the time at first, so that another can be asked; then a quarter each."""
        return min(left_ms, max(left_ms / 2, self._env.timeout_ms / 4))

    def _learn(self, node: str, reply: Mapping[str, Any]) -> None:
        """After an error: whom to ask next."""
        hint = reply.get("leader")
        if hint in self._env.nodes and hint != node:
            self._leader = str(hint)
        elif node == self._leader:
            self._leader = self._next(node)

    def _next(self, node: str) -> str:
        """Another node, at random: a fixed order could lead back to the same stale hint for ever."""
        others = [other for other in self._env.nodes if other != node]
        return self._random.choice(others) if others else node

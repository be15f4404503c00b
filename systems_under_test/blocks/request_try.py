"""Tries of requests: a client numbers them, and a node takes each up once, though the network may deliver it twice.

A client table (``client_session``) keeps a request from being executed twice. It does not keep a node from answering
twice: one copy is refused, because just now this node does not lead, and a moment later it leads, and the other copy
is executed. The client has taken the first answer to mean that nothing was done. So only one copy may be answered:
the first, whatever it is answered, and whichever try of the request it is.

It is enough to know the latest tries, for a copy comes soon; and what comes to a node that has restarted since is
lost with the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import Closed, Message, Refused, Timeout
from harness.system import ClientEnv

TRY: Final = "try"
REMEMBERED_MAX: Final = 10_000


class Tries:
    """A client's side: each try of a request has a number of its own. A process has one of these, however many clients
    it is made of, or one for each partition that its requests name."""

    def __init__(self, env: ClientEnv) -> None:
        self._env, self._made = env, 0

    async def ask(self, node: str, request: Message, timeout_ms: float) -> dict[str, Any]:
        """One try: the node's reply, or, as an {"error"}, why there is none."""
        self._made += 1
        try:
            return dict(await self._env.call(node, {**request, TRY: self._made}, timeout_ms))
        except Refused:
            return {"error": "refused"}
        except Timeout:
            return {"error": "timeout"}
        except Closed:
            return {"error": "closed"}


class TriesTakenUp:
    """A node's side: the tries that it has seen since it started, the latest REMEMBERED_MAX of them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, object, int], None] = {}  # the oldest first

    def take_up(self, source: str, request: Mapping[str, Any]) -> bool:
        """False if this try was taken up before; a request without a number never was."""
        number = request.get(TRY)
        if not isinstance(number, int):
            return True
        name = source, request.get("partition"), number
        if name in self._seen:
            return False
        self._seen[name] = None
        if len(self._seen) > REMEMBERED_MAX:
            del self._seen[next(iter(self._seen))]
        return True

"""The client: asks a worker to add an element to the set, and the storage what is in it. It never holds a lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.history import Op
from harness.node import CallError, Message, Refused, Timeout
from harness.system import ClientEnv, Outcome

from systems_under_test.external.etcd_lock.layout import storage, workers
from systems_under_test.external.etcd_lock.storage import FENCED

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not added
    "refused": "fail",  # nothing was sent
    "no-answer": "fail",  # to a read
    "no-lock": "fail",  # the worker did not get it, and so did nothing
    "no-storage": "fail",  # it could not be asked, before anything was to be changed
    FENCED: "fail",  # the storage refused an old token
    "unsupported": "fail",
    # nobody knows
    "timeout": "info",
    "closed": "info",
    "unknown": "info",  # the storage was asked to replace the list, and did not answer
}
"""Every error code, and what it says about the operation."""

ANSWERS: Final = frozenset({FENCED, "unsupported"})


class LockClient:
    """One process's client (:class:`harness.system.Client`), at one worker: the node that it is opened on, or one that
    goes with it."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._worker = workers(env.nodes)[0]

    async def open(self, node: str) -> None:
        found = workers(self._env.nodes)
        self._worker = node if node in found else found[self._env.nodes.index(node) % len(found)]

    async def close(self) -> None:
        """Nothing is held."""

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``; the error codes and what they mean are :data:`ERRORS`."""
        node = storage(self._env.nodes) if op.f == "read" else self._worker
        try:
            reply: Message = await self._env.call(node, {"f": op.f, "value": op.value}, self._env.timeout_ms)
        except CallError as error:
            reply = {"error": self._code(op, error)}
        if "error" in reply:
            code = str(reply["error"])
            return replace(op, type=ERRORS.get(code, "info"), error=code, node=node)
        return replace(op, type="ok", value=reply["value"], node=node)

    def _code(self, op: Op, error: CallError) -> str:
        if isinstance(error, Refused):
            return "refused"
        return "no-answer" if op.f == "read" else "timeout" if isinstance(error, Timeout) else "closed"

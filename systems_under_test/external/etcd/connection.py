"""A client's connection to one member of etcd: aetcd, over the one way that the harness gives it.

aetcd speaks gRPC as asyncio does, without threads of its own; its stubs are used, for its methods leave out what is
needed here (the revision to read at, local reads of ranges). gRPC sends a request again by itself only if it knows that
no server has seen it, and connects again by itself only when it is asked something: so whoever met an error closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.system import ClientEnv

from systems_under_test.external.etcd.gateway import CLIENT_PORT
from systems_under_test.external.etcd.transaction import Commit, Span

CHANNEL: Final = {
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.use_local_subchannel_pool": 1,  # or else another client may get this one's connection
    "grpc.max_receive_message_length": -1,
}


class Unanswered(Exception):
    """etcd gave an error, or nothing, and nobody knows what became of the request. The text is the error code."""


class Connection:
    """See :class:`systems_under_test.external.etcd.transaction.Store`. Every method may raise Unanswered."""

    def __init__(self, client: Any, rpc: Any, timeout_s: float, *, is_local: bool) -> None:
        """``client`` is connected; ``is_local``: reads are the member's own, which may be behind."""
        self._client, self._rpc, self._timeout_s, self._is_local = client, rpc, timeout_s, is_local

    @classmethod
    async def open(cls, env: ClientEnv, node: str, *, is_local: bool) -> Connection:
        """Raises harness.node's Refused or Timeout, and then nothing has been asked."""
        import aetcd

        host, port = await env.dial(node, CLIENT_PORT)
        timeout_s = env.timeout_ms / 1000
        client = aetcd.Client(host, port, timeout=timeout_s, options=CHANNEL)
        await client.connect()
        return cls(client, aetcd.rpc, timeout_s, is_local=is_local)

    async def close(self) -> None:
        await self._client.close()

    async def read(self, span: Span, revision: int | None = None) -> tuple[Mapping[bytes, bytes], int]:
        """At a revision that this member has shown it need not ask the others: what stands there will never change."""
        is_local = self._is_local or revision is not None
        request = self._rpc.RangeRequest(key=span.first, range_end=span.end, revision=revision or 0,
                                         serializable=is_local)  # fmt: skip
        found = await self._ask("Range", request)
        return {each.key: each.value for each in found.kvs}, found.header.revision

    async def put(self, key: bytes, value: bytes) -> None:
        await self._ask("Put", self._rpc.PutRequest(key=key, value=value))

    async def exchange(self, key: bytes, old: bytes, new: bytes) -> bool:
        """Compare and set; whether it was done. A key without a value is equal to nothing."""
        rpc = self._rpc
        equal = rpc.Compare(key=key, target=rpc.Compare.VALUE, result=rpc.Compare.EQUAL, value=old)
        return await self._commit([equal], {key: new})

    async def commit(self, commit: Commit) -> bool:
        """Whether it was done."""
        rpc, after = self._rpc, commit.revision + 1
        return await self._commit(
            [
                rpc.Compare(key=span.first, range_end=span.end, target=rpc.Compare.MOD, result=rpc.Compare.LESS,
                            mod_revision=after)
                for span in commit.unchanged
            ],
            commit.puts,
        )  # fmt: skip

    async def _commit(self, compare: list[Any], puts: Mapping[bytes, bytes]) -> bool:
        rpc = self._rpc
        success = [rpc.RequestOp(request_put=rpc.PutRequest(key=key, value=value)) for key, value in puts.items()]
        return bool((await self._ask("Txn", rpc.TxnRequest(compare=compare, success=success))).succeeded)

    async def _ask(self, method: str, request: Any) -> Any:
        try:
            return await getattr(self._client.kvstub, method)(request, timeout=self._timeout_s)
        except self._rpc.AioRpcError as error:
            codes = {self._rpc.StatusCode.UNAVAILABLE: "unavailable", self._rpc.StatusCode.DEADLINE_EXCEEDED: "timeout"}
            raise Unanswered(codes.get(error.code(), "unknown")) from error

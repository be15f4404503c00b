"""The client of a Redis with sentinels: it asks a sentinel who the master is, stays there until an error, and says
honestly what it knows.

redis-py, one connection at a time: it sends nothing again. Whatever a server refuses before it executes it has not
happened; after anything else that went wrong on the way nobody knows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.history import Op
from harness.node import Refused, Timeout
from harness.system import ClientEnv, Outcome

from systems_under_test.external.redis.keeper import MASTER, SENTINEL_PORT, SERVER_PORT

if TYPE_CHECKING:
    from redis.asyncio import Connection

ERRORS: Final[Mapping[str, Outcome]] = {
    # certainly not executed
    "unreachable": "fail",  # no connection to this node, and so nothing sent
    "no-master": "fail",  # no sentinel that answers names a node that calls itself the master
    "cas-mismatch": "fail",
    "unsupported": "fail",
    "read-only": "fail",  # a replica: refused before it is executed, as all of these
    "no-replicas": "fail",
    "loading": "fail",
    "disk-error": "fail",  # MISCONF: an earlier write could not be stored
    "discarded": "fail",  # a transaction one of whose commands was refused
    "no-answer": "fail",  # of what only reads
    # nobody knows
    "timeout": "info",
    "closed": "info",
    "not-replicated": "info",  # WAIT: the master has it, and too few replicas say so
    "wait-failed": "info",
    "unexpected": "info",
}
"""Every error code, and what it says about the operation."""

ANSWERS: Final = frozenset({"cas-mismatch", "unsupported"})

REFUSALS: Final[Mapping[str, str]] = {
    "READONLY": "read-only",
    "NOREPLICAS": "no-replicas",
    "MISCONF": "disk-error",
    "LOADING": "loading",
    "EXECABORT": "discarded",
}
"""What a server's error begins with where it has executed nothing (``processCommand`` in its server.c) -> our code."""

CAS: Final = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1"
SET_KEY: Final = "set"
READ: Final = "r"
ATTEMPTS: Final = 4
"""Into so many parts an operation's time is divided, one for each sentinel that is asked."""


class RedisClientError(Exception):
    """Why an operation did not succeed: a code of ERRORS."""

    def __init__(self, code: str) -> None:
        assert code in ERRORS, code
        super().__init__(code)
        self.code = code


class RedisClient:
    """One process's client (:class:`harness.system.Client`). It asks its own node's sentinel first."""

    def __init__(self, env: ClientEnv, options: Mapping[str, str]) -> None:
        self._env = env
        self._replicas, self._reads_anywhere = int(options["wait"]), options["reads"] == "any"
        self._names = {address: name for name, address in env.addresses.items()}
        self._random = env.random("routing")
        self._sentinels = list(env.nodes)
        self._servers: dict[str, Connection] = {}
        self._master: str | None = None

    async def open(self, node: str) -> None:
        """Nothing is sent yet."""
        import redis.asyncio  # noqa: F401 (what is missing is said before the first operation)

        self._prefer(node)

    async def close(self) -> None:
        await self._drop()

    async def invoke(self, op: Op) -> Op:
        """The completion of ``op``, within the plan's timeout."""
        deadline = asyncio.get_running_loop().time() + self._env.timeout_ms / 1000
        node: str | None = None
        try:
            async with asyncio.timeout_at(deadline):
                node = await self._node(op)
                server = await self._server(node)
        except (RedisClientError, TimeoutError) as error:
            await self._drop()
            return replace(op, type="fail", error=getattr(error, "code", "unreachable"), node=node)
        try:
            async with asyncio.timeout_at(deadline):
                value = await self._perform(server, op)
        except RedisClientError as error:
            return await self._failed(op, node, error.code)
        except TimeoutError:
            return await self._failed(op, node, "timeout")
        return replace(op, type="ok", value=value, node=node)

    async def _failed(self, op: Op, node: str, code: str) -> Op:
        """What only reads has failed, whatever happened. Who refused may lead no more: a sentinel will be asked."""
        if code not in ANSWERS:
            await self._drop()
        if only_reads(op) and ERRORS[code] == "info":
            return replace(op, type="fail", error="no-answer", node=node)
        return replace(op, type=ERRORS[code], error=code, node=node)

    async def _node(self, op: Op) -> str:
        """Where ``op`` is to be done."""
        if op.f == "dump":
            return op.node or self._env.nodes[0]
        if self._reads_anywhere and only_reads(op):
            return self._random.choice(self._env.nodes)
        if self._master is None:
            self._master = await self._find_master()
        return self._master

    async def _find_master(self) -> str:
        """The first node that a sentinel names and that agrees. Raises RedisClientError."""
        for sentinel in tuple(self._sentinels):
            try:
                async with asyncio.timeout(self._env.timeout_ms / 1000 / ATTEMPTS):
                    named = await self._named_by(sentinel)
                    if named is not None and (await self._ask(await self._server(named), ["ROLE"]))[0] == "master":
                        self._prefer(sentinel)
                        return named
            except (RedisClientError, TimeoutError):
                await self._drop()
        raise RedisClientError("no-master")

    async def _named_by(self, sentinel: str) -> str | None:
        connection = await self._connect(sentinel, SENTINEL_PORT)
        try:
            address = await self._ask(connection, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER])
        finally:
            await connection.disconnect(nowait=True)
        return None if address is None else self._names.get(address[0])

    def _prefer(self, node: str) -> None:
        self._sentinels = [node, *(other for other in self._sentinels if other != node)]

    async def _server(self, node: str) -> Connection:
        if node not in self._servers:
            self._servers[node] = await self._connect(node, SERVER_PORT)
        return self._servers[node]

    async def _connect(self, node: str, port: int) -> Connection:
        from redis.asyncio import Connection
        from redis.exceptions import RedisError

        try:
            host, way = await self._env.dial(node, port)
            connection = Connection(host=host, port=way, protocol=2, driver_info=None, decode_responses=True,
                                    socket_timeout=None)  # fmt: skip
            await connection.connect()  # type: ignore[no-untyped-call]
        except (Refused, Timeout, RedisError) as error:
            raise RedisClientError("unreachable") from error
        return connection

    async def _drop(self) -> None:
        """Leave every server."""
        self._master = None
        for server in self._servers.values():
            await server.disconnect(nowait=True)
        self._servers.clear()

    async def _perform(self, server: Connection, op: Op) -> Any:
        """The value of ``op`` when it is done and, where that was asked for, replicated. Raises RedisClientError."""
        if op.f == "dump":
            return {"state": await self._everything(server)}
        if op.f == "txn":
            value = await self._transaction(server, op.value)
        else:
            value = result(op, await self._ask(server, command(op)))
        if self._replicas and not only_reads(op):
            await self._until_replicated(server)
        return value

    async def _transaction(self, server: Connection, steps: Sequence[Sequence[Any]]) -> list[list[Any]]:
        commands = [["LRANGE", text(key), "0", "-1"] if f == READ else ["RPUSH", text(key), json.dumps(value)]
                    for f, key, value in steps]  # fmt: skip
        *_, replies = await self._all(server, [["MULTI"], *commands, ["EXEC"]])
        if (
            not isinstance(replies, list)
            or len(replies) != len(steps)
            or any(isinstance(r, Exception) for r in replies)
        ):
            raise RedisClientError("unexpected")
        return [[f, key, list(map(json.loads, reply)) if f == READ else value]
                for (f, key, value), reply in zip(steps, replies, strict=True)]  # fmt: skip

    async def _until_replicated(self, server: Connection) -> None:
        """The write was executed: from here on nothing says that it was not."""
        try:
            reached = await self._ask(server, ["WAIT", str(self._replicas), str(int(self._env.timeout_ms / 2))])
        except RedisClientError as error:
            raise RedisClientError("wait-failed") from error
        if not isinstance(reached, int) or reached < self._replicas:
            raise RedisClientError("not-replicated")

    async def _everything(self, server: Connection) -> dict[str, Any]:
        """What this server holds: key -> register, list, or set in order."""
        keys = sorted(await self._ask(server, ["KEYS", "*"]))
        kinds = await self._all(server, [["TYPE", key] for key in keys])
        reading = {"string": ["GET"], "set": ["SMEMBERS"], "list": ["LRANGE", "0", "-1"]}
        asked = [[reading[kind][0], key, *reading[kind][1:]] for key, kind in zip(keys, kinds, strict=True)]
        replies = [sorted(reply) if kind == "set" else reply
                   for kind, reply in zip(kinds, await self._all(server, asked), strict=True)]  # fmt: skip
        return dict(zip(keys, map(plain, replies), strict=True))

    async def _ask(self, server: Connection, words: Sequence[str]) -> Any:
        return (await self._all(server, [words]))[0]

    async def _all(self, server: Connection, commands: Sequence[Sequence[str]]) -> list[Any]:
        """The replies to commands that are sent at once. Raises RedisClientError for the last error among them: of a
        transaction it is EXEC's that counts."""
        from redis.exceptions import RedisError, ResponseError

        replies: list[Any] = []
        refused: ResponseError | None = None
        try:
            await server.send_packed_command(server.pack_commands(commands))
            for _ in commands:
                try:
                    replies.append(await server.read_response(disconnect_on_error=False))
                except ResponseError as error:
                    refused = error
        except (RedisError, OSError) as error:
            raise RedisClientError(code_of(error)) from error
        if refused is not None:
            raise RedisClientError(code_of(refused)) from refused
        return replies


def only_reads(op: Op) -> bool:
    """Whether ``op`` changes nothing, whatever becomes of it."""
    return op.f in ("read", "dump") or (op.f == "txn" and all(f == READ for f, _, _ in op.value))


def text(key: Any) -> str:
    return SET_KEY if key is None else str(key)


def command(op: Op) -> list[str]:
    """The command for an operation on one key. A key is a set (None), or else a register or a counter."""
    key = text(op.key)
    match op.f:
        case "read":
            return ["SMEMBERS" if op.key is None else "GET", key]
        case "write":
            return ["SET", key, json.dumps(op.value)]
        case "cas":
            return ["EVAL", CAS, "1", key, *map(json.dumps, op.value)]
        case "add":
            return ["SADD", key, json.dumps(op.value)]
        case "inc":
            return ["INCRBY", key, str(op.value)]
        case "generate":
            return ["INCR", key]
    raise RedisClientError("unsupported")


def result(op: Op, reply: Any) -> Any:
    """The operation's value by the server's reply. Raises RedisClientError."""
    if op.f == "cas" and reply == 0:
        raise RedisClientError("cas-mismatch")
    return plain(reply) if op.f in ("read", "generate") else op.value


def plain(reply: Any) -> Any:
    """What was stored as JSON."""
    if isinstance(reply, str):
        return json.loads(reply)
    return list(map(json.loads, reply)) if isinstance(reply, list) else reply


def code_of(error: Exception) -> str:
    """The code of an error of the library."""
    from redis import exceptions

    for kind, code in (
        (exceptions.BusyLoadingError, "loading"),
        (exceptions.ReadOnlyError, "read-only"),
        (exceptions.ExecAbortError, "discarded"),
        (exceptions.TimeoutError, "timeout"),
        (exceptions.ConnectionError, "closed"),
        (OSError, "closed"),
    ):
        if isinstance(error, kind):
            return code
    return REFUSALS.get(str(error).partition(" ")[0], "unexpected")

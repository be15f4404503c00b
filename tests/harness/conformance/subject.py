"""The node program of the conformance body: does what it is asked, one type of message for each thing that a statement
wants to see, and obeys the rules of node code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.node import CallError, Env, Message


class Subject:
    """Its notes are what it received as ``note``, its trail is what it did; in memory, not on disk."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options = env, options
        self._notes: list[Any] = []
        self._trail: list[Any] = []
        self._ticks = 0

    async def start(self) -> None:
        self._env.spawn(self._tick(), "tick")

    async def _tick(self) -> None:
        while True:
            await self._env.sleep(10)
            self._ticks += 1

    def status(self) -> Message:
        return {"leader": None, "notes": len(self._notes), "ticks": self._ticks}

    async def handle(self, source: str, message: Message) -> Message | None:
        act = getattr(self, f"_do_{message['type'].replace('-', '_')}")
        reply: Message | None = await act(source, message)
        return reply

    async def _do_reset(self, source: str, message: Message) -> Message:
        """As after a first start, for the next statement."""
        self._notes, self._trail = [], []
        for file in self._env.disk.list():
            self._env.disk.delete(file)
        await self._env.disk.sync_dir()
        return {}

    # Messages

    async def _do_echo(self, source: str, message: Message) -> Message:
        return {"source": source, "echo": message}

    async def _do_note(self, source: str, message: Message) -> Message:
        self._notes.append([source, message["value"]])
        await self._env.sleep(message.get("sleep_ms", 1))
        return {"noted": message["value"]}

    async def _do_recall(self, source: str, message: Message) -> Message:
        return {"notes": self._notes, "trail": self._trail, "ticks": self._ticks}

    async def _do_once(self, source: str, message: Message) -> Message | None:
        """The first copy is answered, after a while; another is dropped."""
        if source in self._trail:
            return None
        self._trail.append(source)
        await self._env.sleep(message["sleep_ms"])
        return {}

    async def _do_silence(self, source: str, message: Message) -> None:
        return None

    async def _do_sleep(self, source: str, message: Message) -> Message:
        await self._env.sleep(message["ms"])
        return {"slept": message["ms"]}

    async def _do_send(self, source: str, message: Message) -> Message:
        for value in message["values"]:
            self._env.send(message["to"], {"type": "note", "value": value})
        return {}

    async def _do_call(self, source: str, message: Message) -> Message:
        return await self._outcome(message["to"], message["message"], message["within_ms"])

    async def _outcome(self, to: str, message: Message, timeout_ms: float) -> Message:
        began_ns = self._env.clock.monotonic()
        try:
            outcome: dict[str, Any] = {"reply": await self._env.call(to, message, timeout_ms)}
        except CallError as error:
            outcome = {"error": type(error).__name__}
        return {**outcome, "took_ms": (self._env.clock.monotonic() - began_ns) / 1e6}

    async def _do_quorum(self, source: str, message: Message) -> Message:
        replies: list[Any] = []
        asked = self._env.quorum(message["peers"], message["message"], message["within_ms"])
        async for peer, reply in asked:
            replies.append([peer, type(reply).__name__ if isinstance(reply, CallError) else "reply"])
            if len(replies) == message["needed"]:
                break
        return {"replies": replies}

    async def _do_tuple(self, source: str, message: Message) -> Message:
        return await self._outcome(message["to"], {"type": "kinds", "pair": (1, (2, 3)), "list": [()]}, 1000)

    async def _do_kinds(self, source: str, message: Message) -> Message:
        return {"pair": message["pair"], "kinds": [type(message["pair"]).__name__, type(message["pair"][1]).__name__,
                                                   type(message["list"][0]).__name__]}  # fmt: skip

    async def _do_odd(self, source: str, message: Message) -> Message:
        """What becomes of messages that are no JSON, of a node that is none, and of messages that are too large."""
        to = message["to"]
        cases: dict[str, Any] = {
            "bytes": {"type": "note", "value": b"x"},
            "set": {"type": "note", "value": {1}},
            "object": {"type": "note", "value": object()},
            "not a number": {"type": "note", "value": float("nan")},
            "list": ["note"],
        }
        return {
            "send": {name: self._refused(to, case) for name, case in cases.items()},
            "call": {name: await self._refused_call(to, case) for name, case in cases.items()},
            "nobody": [self._refused("n99", {}), await self._refused_call("n99", {})],
        }

    def _refused(self, to: str, message: Any) -> str:
        try:
            self._env.send(to, message)
        except (TypeError, ValueError) as error:
            return type(error).__name__
        return "sent"

    async def _refused_call(self, to: str, message: Any) -> str:
        try:
            await self._env.call(to, message, 500)
        except (CallError, TypeError, ValueError) as error:
            return type(error).__name__
        return "called"

    async def _do_large(self, source: str, message: Message) -> Message:
        large = {"type": "note", "value": "x" * message["bytes"]}
        self._env.send(message["to"], large)
        return await self._outcome(message["to"], large, 2000)

    async def _do_large_reply(self, source: str, message: Message) -> Message:
        return {"data": "x" * message["bytes"]}

    async def _do_odd_reply(self, source: str, message: Message) -> Message:
        return {"data": {1, 2}}

    # Life and death

    async def _do_linger(self, source: str, message: Message) -> Message:
        """Wait, and then leave traces everywhere: in a file, at another node, in the events."""
        self._trail.append("began")
        await self._env.sleep(message["ms"])
        self._leave_traces(message)
        return {}

    async def _do_haunt(self, source: str, message: Message) -> Message:
        """Leave the traces whatever ends the waiting. Its own death may: then it breaks a rule, in vain."""
        try:
            await self._env.sleep(message["ms"])
        finally:
            self._leave_traces(message)
        return {}

    def _leave_traces(self, message: Message) -> None:
        self._env.disk.append("trace", b"late")
        self._env.send(message["to"], {"type": "note", "value": "late"})
        self._env.event("late", token=message["token"])

    async def _do_fail(self, source: str, message: Message) -> Message:
        assert message.get("otherwise"), "asked to fail"
        raise RuntimeError("asked to fail otherwise")

    async def _do_fail_task(self, source: str, message: Message) -> Message:
        task = self._env.spawn(self._fail_later(), "failing")
        if not message.get("awaited"):
            return {}
        try:
            await task
        except RuntimeError as error:
            return {"caught": str(error)}
        return {}

    async def _fail_later(self) -> None:
        await self._env.sleep(20)
        raise RuntimeError("asked to fail in a task")

    # The disk

    async def _do_write(self, source: str, message: Message) -> Message:
        """Append (or write) and make durable what is asked: "sync" the file, "sync_dir" the names."""
        disk, file, data = self._env.disk, message["file"], message["data"].encode() * message.get("times", 1)
        try:
            (disk.write if message.get("whole") else disk.append)(file, data)
            if message.get("sync"):
                await disk.sync(file)
            if message.get("sync_dir"):
                await disk.sync_dir()
        except OSError as error:
            if message.get("stops"):
                raise
            return {"error": type(error).__name__, "errno": error.errno}
        return {"size": disk.size(file)}

    async def _do_sync_at_once(self, source: str, message: Message) -> Message:
        disk = self._env.disk
        for part in message["parts"]:
            disk.append(message["file"], part.encode())
        tasks = [self._env.spawn(disk.sync(message["file"]), "sync") for _ in message["parts"]]
        for task in tasks:
            await task
        return {"synced": len(tasks)}

    async def _do_read(self, source: str, message: Message) -> Message:
        disk, file = self._env.disk, message["file"]
        return {"data": disk.read(file).decode("latin-1") if disk.exists(file) else None, "files": list(disk.list())}

    async def _do_files(self, source: str, message: Message) -> Message:
        """All that a disk can do, on unsynced data."""
        disk = self._env.disk
        seen: list[Any] = []
        disk.append("a/one", b"123")
        disk.append("a/one", b"456")
        seen.append([disk.size("a/one"), disk.read("a/one", 1, 3).decode(), disk.read("a/one", 4).decode()])
        disk.truncate("a/one", 2)
        disk.write("a/two", b"second")
        disk.write("b", b"")
        seen.append([list(disk.list()), list(disk.list("a/")), disk.read("a/one").decode()])
        disk.rename("a/two", "a/one")
        disk.delete("b")
        seen.append([list(disk.list()), disk.read("a/one").decode(), disk.exists("a/two")])
        return {"seen": seen, "missing": [self._missing("none"), self._missing("b")]}

    def _missing(self, file: str) -> Sequence[str]:
        disk = self._env.disk
        return [_error(lambda: disk.read(file)), _error(lambda: disk.size(file)), _error(lambda: disk.delete(file)),
                _error(lambda: disk.truncate(file, 0)), _error(lambda: disk.rename(file, "other"))]  # fmt: skip

    # Clocks, randomness, tasks, what the harness reads

    async def _do_clocks(self, source: str, message: Message) -> Message:
        clock = self._env.clock
        earliest_ns, latest_ns = clock.interval()
        return {"wall_ns": clock.wall(), "earliest_ns": earliest_ns, "latest_ns": latest_ns,
                "monotonic_ns": clock.monotonic()}  # fmt: skip

    async def _do_time(self, source: str, message: Message) -> Message:
        """Monotonic readings around sleeps."""
        readings = [self._env.clock.monotonic()]
        for ms in message["sleeps_ms"]:
            readings += [self._env.clock.monotonic() for _ in range(10)]
            await self._env.sleep(ms)
            readings.append(self._env.clock.monotonic())
        return {"readings_ns": readings}

    async def _do_draws(self, source: str, message: Message) -> Message:
        streams = [self._env.random(name) for name in ("a", "a", "b")]
        return {"draws": [[stream.random() for _ in range(3)] for stream in streams]}

    async def _do_about(self, source: str, message: Message) -> Message:
        env = self._env
        return {"name": env.name, "role": env.role, "nodes": env.nodes, "peers": env.peers,
                "incarnation": env.incarnation, "build": env.build, "options": dict(self._options),
                "bugs": [env.bug("planted"), env.bug("other")]}  # fmt: skip

    async def _do_sign(self, source: str, message: Message) -> Message:
        return {"code": self._env.hmac(message["text"].encode()).hex()}

    async def _do_verify(self, source: str, message: Message) -> Message:
        code = bytes.fromhex(message["code"])
        text = message["text"].encode()
        return {"valid": [node for node in self._env.nodes if self._env.hmac_valid(node, text, code)]}

    async def _do_tell(self, source: str, message: Message) -> Message:
        env = self._env
        env.event("told", value=message["value"], source=source)
        env.count("told", 2)
        env.gauge("value", message["value"])
        env.log(f"told {message['value']}")
        await env.failpoint("telling")
        return {}

    async def _do_wait(self, source: str, message: Message) -> Message:
        """Two wait for one future; one of them is cancelled, and the other still gets it. Then all is awaited again."""
        future = self._env.future()
        first, second = (self._env.spawn(self._await(future, name), name) for name in ("first", "second"))
        await self._env.sleep(10)
        first.cancel()
        await self._env.sleep(10)
        future.set_result(7)
        got = await second
        return {"got": got, "again": [await second, await future], "trail": self._trail, "done": first.done()}

    async def _await(self, future: Any, name: str) -> Any:
        try:
            result = await future
        finally:
            self._trail.append(f"{name} ends")
        return result


def _error(act: Any) -> str:
    try:
        act()
    except (OSError, ValueError) as error:
        return type(error).__name__
    return "no error"

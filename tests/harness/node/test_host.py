"""A dead incarnation's Env does nothing; whatever its coroutines still try has no effect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from harness.node import Env, Timeout
from harness.node.config import ConfigError, NodeConfig, parse
from harness.node.host import HostEnv
from harness.node.journal import Record
from harness.node.link import Link
from harness.node.listener import bound


def configuration(folder: Path) -> dict[str, Any]:
    nodes = {"n1": {"address": "127.0.0.1", "port": 9, "role": "server"}, "n2": {"address": "127.0.0.1", "port": 10,
             "role": "witness"}}  # fmt: skip
    return {
        "name": "n1", "role": "server", "program": "module:Class", "nodes": nodes, "seed": 1, "key": "00ff",
        "data": str(folder / "data"), "log": str(folder / "log"), "events": str(folder / "events"),
        "listen": {"address": "127.0.0.1", "port": 9}, "control": {"address": "127.0.0.1", "port": 11},
    }  # fmt: skip


def env_of(folder: Path, stop: Callable[[str, BaseException], None] = lambda where, error: None) -> HostEnv:
    config = parse(configuration(folder))
    return HostEnv(config, 1, Record("n1", 1, config.log, config.events), stop)


def test_a_program_is_told_its_build(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = parse(configuration(tmp_path))
        record = Record("n1", 1, config.log, config.events)
        assert HostEnv(config, 1, record, lambda where, error: None, "new").build == "new"
        assert env_of(tmp_path).build == "old"

    asyncio.run(scenario())


def test_a_dead_env_does_nothing(tmp_path: Path) -> None:
    async def never() -> None:
        raise AssertionError("a dead node starts nothing")

    async def scenario() -> None:
        host = env_of(tmp_path)
        env: Env = host
        env.disk.write("file", b"kept")
        host.die()
        before = dict(host.counters)
        env.send("n2", {})
        env.event("late")
        env.count("late")
        env.gauge("late", 1)
        env.sometimes("late")
        env.log("late")
        env.disk.write("file", b"changed")
        env.disk.append("other", b"late")
        env.disk.delete("file")
        assert env.disk.read("file") == b""
        for late in (env.sleep(0), env.work(0), env.failpoint("x"), env.call("n2", {}, 10), env.disk.sync("file"),
                     env.disk.sync_dir(), env.spawn(never(), "late")):  # fmt: skip
            with pytest.raises(asyncio.CancelledError):
                await late
        env.quorum(["n2"], {}, 10)
        await asyncio.sleep(0.01)
        assert host.counters == before
        assert host.gauges == {}

    asyncio.run(scenario())
    assert (tmp_path / "data/file").read_bytes() == b"kept"
    assert not (tmp_path / "data/other").exists()
    assert (tmp_path / "log").read_text() + (tmp_path / "events").read_text() == ""


def test_peers_are_the_others_of_the_same_role(tmp_path: Path) -> None:
    async def scenario() -> None:
        env = env_of(tmp_path)
        assert env.nodes == ("n1", "n2")
        assert env.peers == ()

    asyncio.run(scenario())


def test_clocks_agree_with_the_machine(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = env_of(tmp_path).clock
        earliest, latest = clock.interval()
        assert latest - earliest == 20_000_000
        assert earliest < clock.wall() < latest
        assert clock.monotonic() <= clock.monotonic()

    asyncio.run(scenario())


def test_an_unknown_node_is_an_error_of_the_program(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="expected one of n1, n2"):
            env_of(tmp_path).send("n3", {})

    asyncio.run(scenario())


def test_a_spawned_error_stops_the_node_once(tmp_path: Path) -> None:
    stopped: list[str] = []

    async def failing() -> None:
        raise ValueError("planted")

    async def scenario() -> None:
        env = env_of(tmp_path, lambda where, error: stopped.append(f"{where}: {error}"))
        env.spawn(failing(), "first")
        await asyncio.sleep(0.01)
        env.die()
        env.fail("later", ValueError("of no interest"))

    asyncio.run(scenario())
    assert stopped == ["first: planted"]


def test_a_bound_address_refuses_until_it_listens() -> None:
    async def scenario() -> None:
        with bound("127.0.0.1", 0) as sock, pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*sock.getsockname())

    asyncio.run(scenario())


@pytest.mark.parametrize(("field", "value", "words"), [
    ("name", "n9", "expected one of the nodes n1, n2"),
    ("name", 7, "expected a text"),
    ("program", "module", "expected module:Class"),
    ("listen", {"address": "127.0.0.1", "port": 0}, "expected 1 to 65535"),
    ("listen", {"address": "127.0.0.1", "port": "9"}, "expected 1 to 65535"),
    ("key", "not hex", "non-hexadecimal"),
    ("seed", None, "expected a configuration"),
    ("nodes", {"n1": {}}, "read no 'port'"),
    ("nodes", [], "expected one of the nodes"),
])  # fmt: skip
def test_a_bad_configuration_is_refused_in_words(tmp_path: Path, field: str, value: Any, words: str) -> None:
    assert isinstance(parse(configuration(tmp_path)), NodeConfig)
    with pytest.raises(ConfigError, match=words):
        parse({**configuration(tmp_path), field: value})


class PromptLink:
    """A link over which every call is answered at once."""

    to = "n2"

    async def call(self, body: bytes, timeout_ms: float) -> dict[str, Any]:
        return {"prompt": True}


def test_a_slow_node_takes_up_replies_late_but_no_later_than_a_call_lasts(tmp_path: Path) -> None:
    async def scenario() -> tuple[float, float]:
        env = env_of(tmp_path)
        env._links["n2"] = cast(Link, PromptLink())
        env.message_faults.ask({"faults": {"slow-node": {"factor": 1, "delay_ms": 80}}})
        began = time.monotonic()
        assert await env.call("n2", {}, 1000) == {"prompt": True}
        late = time.monotonic()
        with pytest.raises(Timeout, match="no reply from n2 within 20 ms"):
            await env.call("n2", {}, 20)
        assert env.message_faults.met == {"slow-node": 2}
        assert env.counters["net.timeout"] == 1
        assert [reply async for _, reply in env.quorum(["n2"], {}, 1000)] == [{"prompt": True}]
        env.message_faults.ask({"faults": {}})
        return late - began, time.monotonic() - late

    late_s, timeout_s = asyncio.run(scenario())
    assert late_s >= 0.08
    assert timeout_s >= 0.02

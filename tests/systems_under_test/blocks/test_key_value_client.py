"""The client against real nodes that answer by a script: redirects, retries, and honest outcomes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cluster import ClusterSpec, NodeSpec
from harness.clusters.loopback import LoopbackCluster
from harness.history import Op
from harness.real_runtime import RealRuntime
from systems_under_test.blocks.key_value_client import ERRORS, RETRIED, SESSION_EXPIRED, UNDECIDED, KeyValueClient

OK: dict[str, Any] = {"value": 7}
REDIRECT: dict[str, Any] = {"error": "not-leader", "leader": "n2"}
LOST: dict[str, Any] = {"error": "not-leader", "leader": None}
PROGRAM = "tests.systems_under_test.blocks.programs:Scripted"
ROOT = Path(__file__).resolve().parents[3]

Script = Mapping[str, Sequence[Any]]


async def play(folder: Path, script: Script, ops: Sequence[Op], reads: str = "leader", timeout_ms: float = 300,
               dead: Sequence[str] = ()) -> tuple[list[Op], dict[str, list[dict[str, Any]]], list[float]]:  # fmt: skip
    """The completions of ``ops`` by one client that opens n1, what each living node saw, and milliseconds taken."""
    runtime = RealRuntime(seed=5)
    options = {name: json.dumps(replies) for name, replies in script.items()}
    nodes = tuple(NodeSpec(name, "node", PROGRAM) for name in script)
    spec = ClusterSpec(nodes, options, (), seed=1, clients=1, client_timeout_ms=timeout_ms, folder=folder)
    cluster = LoopbackCluster(spec, runtime, python_path=[ROOT])
    try:
        await cluster.start([name for name in cluster.nodes if name not in dead])
        env = cluster.client_env(0, "c0")
        client = KeyValueClient(env, {"reads": reads})
        await client.open("n1")
        done, took = [], []
        for op in ops:
            began = runtime.now()
            done.append(await client.invoke(op))
            took.append((runtime.now() - began) / 1e6)
        await client.close()
        alive = [name for name in cluster.nodes if name not in dead and "die" not in script[name]]
        seen = {name: (await env.call(name, {"type": "seen"}, 1000))["seen"] for name in alive}
    finally:
        await cluster.down()
    return done, seen, took


def op(f: str = "write", value: Any = 1) -> Op:
    return Op("invoke", 0, f, value, key="x")


def test_redirects_are_followed_and_the_leader_is_remembered(tmp_path: Path) -> None:
    script = {"n1": [REDIRECT], "n2": [OK]}
    done, seen, _ = asyncio.run(play(tmp_path, script, [op(), op("read", None), op("add", 3)]))
    assert [(d.type, d.value, d.node, d.error) for d in done] == [
        ("ok", 1, "n2", None), ("ok", 7, "n2", None), ("ok", 3, "n2", None)]  # fmt: skip
    assert [request["f"] for request in seen["n1"]] == ["write"]
    assert seen["n2"] == [
        {
            "type": "request",
            "client": "c0",
            "source": "c0",
            "sequence": n,
            "f": f,
            "key": "x",
            "value": value,
            "try": n + 1,
        }
        for n, (f, value) in enumerate((("write", 1), ("read", None), ("add", 3)), 1)
    ]


def test_definite_errors_are_retried_until_the_deadline_and_then_fail(tmp_path: Path) -> None:
    script = {"n1": [{"error": "no-leader"}], "n2": [{"error": "unavailable"}]}
    done, seen, took = asyncio.run(play(tmp_path, script, [op()]))
    assert done[0].type == "fail"
    assert done[0].error in ("no-leader", "unavailable")
    assert 250 <= took[0] <= 400
    tries = len(seen["n1"]) + len(seen["n2"])
    assert 4 <= tries <= 20, "it retries, and pauses between"
    assert {request["sequence"] for request in seen["n1"] + seen["n2"]} == {1}


def test_a_leader_that_appears_in_time_makes_it_ok(tmp_path: Path) -> None:
    script = {"n1": [LOST, LOST, LOST, OK], "n2": [LOST, LOST, LOST, OK]}
    done, _, _ = asyncio.run(play(tmp_path, script, [op()]))
    assert (done[0].type, done[0].error) == ("ok", None)


def test_a_dead_node_is_passed_over(tmp_path: Path) -> None:
    done, _, _ = asyncio.run(play(tmp_path, {"n1": [OK], "n2": [OK]}, [op(), op()], dead=["n1"]))
    assert [(d.type, d.node) for d in done] == [("ok", "n2")] * 2


def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    done, _, took = asyncio.run(play(tmp_path, {"n1": [OK], "n2": [OK]}, [op()], dead=["n1", "n2"]))
    assert (done[0].type, done[0].error) == ("fail", "refused")
    assert took[0] <= 400


def test_a_stale_hint_to_a_dead_leader_is_no_trap(tmp_path: Path) -> None:
    script = {"n1": [OK], "n2": [{"error": "not-leader", "leader": "n1"}], "n3": [OK]}
    done, _, _ = asyncio.run(play(tmp_path, script, [op()], dead=["n1"]))
    assert (done[0].type, done[0].node) == ("ok", "n3")


def test_silence_broken_connections_and_giving_up_are_asked_again_under_the_same_number(tmp_path: Path) -> None:
    first: tuple[Any, ...] = ("silence", "die", {"error": "unknown"})
    for number, reply in enumerate(first):
        done, seen, took = asyncio.run(play(tmp_path / str(number), {"n1": [reply], "n2": [OK]}, [op("inc", 5)]))
        assert [(d.type, d.error, d.node, d.value) for d in done] == [("ok", None, "n2", 5)]
        assert [request["sequence"] for request in seen["n2"]] == [1]
        assert took[0] < 280


def test_nobody_answers_and_the_outcome_is_unknown(tmp_path: Path) -> None:
    done, seen, took = asyncio.run(play(tmp_path, {"n1": ["silence"], "n2": ["silence"]}, [op()]))
    assert [(d.type, d.error, d.value) for d in done] == [("info", "timeout", 1)]
    assert len(seen["n1"]) + len(seen["n2"]) == 3
    assert 280 <= took[0] <= 400


def test_after_a_try_of_unknown_outcome_an_error_decides_nothing(tmp_path: Path) -> None:
    """Somebody may have executed it: only a value says what became of it."""
    codes: tuple[str, ...] = ("not-leader", "no-leader", "unavailable", "cas-mismatch", "wrong-type", "superseded")
    for code in codes:
        done, _, _ = asyncio.run(play(tmp_path / code, {"n1": ["die"], "n2": [{"error": code}]}, [op()]))
        assert [(d.type, d.error, d.node) for d in done] == [("info", "closed", "n1")], code
    done, _, _ = asyncio.run(play(tmp_path / "dead", {"n1": ["die"], "n2": [OK]}, [op()], dead=["n2"]))
    assert [(d.type, d.error) for d in done] == [("info", "closed")]


def test_a_dump_asks_the_replica_it_names_and_no_other(tmp_path: Path) -> None:
    script: Script = {"n1": [OK], "n2": [{"value": {"state": {"1": 2}, "applied": 3}}], "n3": ["silence"], "n4": [OK]}
    ops = [replace(op("dump", None), node=node) for node in ("n2", "n3", "n4")]
    done, seen, _ = asyncio.run(play(tmp_path, script, ops, dead=["n4"]))
    assert [(d.type, d.error, d.node, d.value) for d in done] == [
        ("ok", None, "n2", {"state": {"1": 2}, "applied": 3}),
        ("info", "timeout", "n3", None),
        ("fail", "refused", "n4", None),
    ]
    assert [len(seen[node]) for node in ("n1", "n2", "n3")] == [0, 1, 1]


def test_what_is_left_of_the_deadline_is_what_a_later_try_gets(tmp_path: Path) -> None:
    script = {"n1": [LOST, LOST, "silence"], "n2": [LOST, LOST, "silence"]}
    done, _, took = asyncio.run(play(tmp_path, script, [op()]))
    assert (done[0].type, done[0].error) == ("info", "timeout")
    assert 250 <= took[0] <= 400


def test_error_replies_mean_what_the_table_says_and_strangers_nothing(tmp_path: Path) -> None:
    codes = [*sorted(set(ERRORS) - RETRIED - UNDECIDED - {SESSION_EXPIRED}), "gremlins"]
    script = {"n1": [{"error": code} for code in codes]}
    done, seen, _ = asyncio.run(play(tmp_path, script, [op("cas", [1, 2])] * len(codes)))
    assert [(d.type, d.error, d.value) for d in done] == [(ERRORS.get(code, "info"), code, [1, 2]) for code in codes]
    assert len(seen["n1"]) == len(codes)


def test_who_is_forgotten_registers_and_asks_again(tmp_path: Path) -> None:
    script = {"n1": [{"error": SESSION_EXPIRED}, {"value": "session-7"}, OK]}
    done, seen, _ = asyncio.run(play(tmp_path, script, [op(), op()]))
    assert [d.type for d in done] == ["ok", "ok"]
    assert [request["f"] for request in seen["n1"]] == ["write", "register", "write", "write"]
    assert [request["client"] for request in seen["n1"]][2:] == ["session-7", "session-7"]


def test_a_reply_that_says_nothing_is_no_success(tmp_path: Path) -> None:
    done, _, _ = asyncio.run(play(tmp_path, {"n1": [{}]}, [op(), op("read", None)]))
    assert [(d.type, d.error) for d in done] == [("info", "malformed")] * 2


def test_what_is_retried_is_certainly_not_executed() -> None:
    assert {ERRORS[code] for code in RETRIED} == {"fail"}
    assert {ERRORS[code] for code in UNDECIDED} == {"info"}


def test_sticky_reads_stay_on_one_follower_and_writes_on_the_leader(tmp_path: Path) -> None:
    script = {"n1": [OK], "n2": [OK], "n3": [OK]}
    ops = [op("read", None) if n % 2 else op() for n in range(12)]
    done, seen, _ = asyncio.run(play(tmp_path, script, ops, reads="sticky"))
    assert {d.node for d in done if d.f == "write"} == {"n1"}
    assert len({d.node for d in done if d.f == "read"} & {"n2", "n3"}) == 1
    assert not any(request["f"] == "read" for request in seen["n1"])


def test_sticky_reads_move_when_the_follower_is_gone(tmp_path: Path) -> None:
    done, _, _ = asyncio.run(
        play(tmp_path, {"n1": [OK], "n2": [OK]}, [op("read", None)] * 2, reads="sticky", dead=["n2"])
    )
    assert [(d.type, d.node) for d in done] == [("ok", "n1")] * 2


def test_any_reads_visit_all_followers(tmp_path: Path) -> None:
    script = {"n1": [OK], "n2": [OK], "n3": [OK]}
    done, _, _ = asyncio.run(play(tmp_path, script, [op("read", None)] * 20, reads="any"))
    assert {d.node for d in done} == {"n2", "n3"}

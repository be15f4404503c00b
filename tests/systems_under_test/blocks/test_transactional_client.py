"""The transactional client against nodes that answer by a script: honest outcomes, before the commit and after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from harness.history import Op
from harness.node import Message
from harness.system import Option, Role, System
from systems_under_test.blocks.procedures import PROCEDURES
from systems_under_test.blocks.transactional_client import ERRORS, TransactionalClient
from tests.systems_under_test.simulated import CLIENT_TIMEOUT_MS, Scene, play

PROGRAM = "tests.systems_under_test.blocks.programs:Scripted"
TXN = [["r", "x", None], ["append", "y", 2]]
OK: dict[str, Any] = {"value": None}


def asked(script: Sequence[Any], op: Op, think_ms: str = "0") -> tuple[Op, list[Message], float]:
    """The completion of ``op``, what the node was asked, and milliseconds taken."""
    left: list[Any] = []
    options = {"n1": Option(json.dumps(script), None, ""), "think-ms": Option(think_ms, None, "")}
    system = System("scripted", "", frozenset({"txn"}), {"node": Role(PROGRAM)}, TransactionalClient, (),
                    lambda statuses: len(statuses) > 0, lambda statuses: None, options)  # fmt: skip

    async def scenario(scene: Scene) -> None:
        env = scene.cluster.client_env(0, "c0")
        client = TransactionalClient(env, scene.options)
        await client.open("n1")
        began_ns = env.now()
        left.append(await client.invoke(op))
        left.append((env.now() - began_ns) / 1e6)
        await client.close()
        if "die" not in script:
            left.append((await env.call("n1", {"type": "seen"}, 1000))["seen"])

    if "die" in script:
        with pytest.raises(AssertionError):  # play takes a node that dies for a failure
            play(system, scenario, nodes=1)
    else:
        play(system, scenario, nodes=1)
    return left[0], left[2] if len(left) > 2 else [], left[1]


def txn() -> Op:
    return Op("invoke", 0, "txn", TXN)


def test_one_request_per_micro_operation_and_a_value_when_all_is_committed() -> None:
    done, seen, _ = asked([OK, {"value": [1]}, OK, OK], txn())
    assert (done.type, done.value, done.node) == ("ok", [["r", "x", [1]], ["append", "y", 2]], "n1")
    requests: list[dict[str, Any]] = [
        {"type": "begin", "patience_ms": CLIENT_TIMEOUT_MS},
        {"type": "read", "key": "x"},
        {"type": "update", "key": "y", "f": "append", "value": 2},
        {"type": "commit"},
    ]
    assert seen == [
        {"client": "c0", "source": "c0", "sequence": number, **request} for number, request in enumerate(requests, 1)
    ]


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("code", [code for code, outcome in ERRORS.items() if outcome == "fail"])
def test_a_system_that_aborts_has_done_nothing(step: int, code: str) -> None:
    done, seen, _ = asked([*[OK] * step, {"error": code}], txn())
    assert (done.type, done.error, done.value) == ("fail", code, TXN)
    assert len(seen) == step + 1, "and is asked for nothing more"


@pytest.mark.parametrize(("answer", "before", "after"), [
    ("silence", "no-answer", "timeout"), ("die", "no-answer", "closed"), ({}, "malformed", "malformed"),
    ({"error": "never-heard-of"}, "never-heard-of", "never-heard-of"),
])  # fmt: skip
def test_an_answer_that_does_not_come_says_nothing_of_a_commit_and_no_transaction_survives_without(
    answer: Any, before: str, after: str
) -> None:
    for step in range(3):
        done, _, took_ms = asked([*[OK] * step, answer], txn())
        assert (done.type, done.error) == ("fail", before)
        assert took_ms < CLIENT_TIMEOUT_MS + 1
    done, _, took_ms = asked([OK, OK, OK, answer], txn())
    assert (done.type, done.error) == ("info", after)
    assert took_ms < CLIENT_TIMEOUT_MS + 1


def test_a_procedure_that_gives_up_aborts_its_transaction() -> None:
    op = Op("invoke", 0, "transfer", {"from": 1, "to": 2, "amount": 10**6})
    done, seen, _ = asked([OK], op)
    assert (done.type, done.error, done.value) == ("fail", "insufficient-funds", op.value)
    assert [request["type"] for request in seen][-1] == "abort"
    assert asked([OK, OK, "silence"], op)[0].type == "fail", "whether or not the abort is heard"


def test_an_operation_that_nobody_knows_is_refused_and_nothing_is_asked() -> None:
    done, seen, _ = asked([OK], Op("invoke", 0, "sing"))
    assert (done.type, done.error, seen) == ("fail", "unsupported", [])
    assert "txn" in PROCEDURES


def test_it_thinks_between_two_steps() -> None:
    value = [["r", "x", None]] * 10
    quick, slow = (asked([OK], Op("invoke", 0, "txn", value), think_ms)[2] for think_ms in ("0", "40"))
    assert slow > quick + 150
    too_slow = asked([OK], Op("invoke", 0, "txn", value), "400")[0]
    assert (too_slow.type, too_slow.error) == ("fail", "refused"), "no time was left to ask"

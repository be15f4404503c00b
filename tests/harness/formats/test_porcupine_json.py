"""Porcupine's operations and events in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.formats import FormatError, porcupine_json
from harness.history import Op


def read(*elements: Any) -> porcupine_json.Recording:
    return porcupine_json.read([json.dumps(elements)], "p.json")


def operation(client: int, asked: Any, call: Any, output: Any, end: Any) -> dict[str, Any]:
    return {"ClientId": client, "Input": asked, "Call": call, "Output": output, "Return": end}


def event(kind: Any, number: Any, value: Any, client: int = 0) -> dict[str, Any]:
    return {"ClientId": client, "Kind": kind, "Value": value, "Id": number}


def test_operations_stand_in_the_order_of_time_calls_before_returns() -> None:
    recording = read(
        operation(1, {"op": "Get", "key": "x"}, 20, {"value": "a"}, 30),
        operation(0, {"op": "put", "key": "x", "value": "a"}, 10, None, 20),
        operation(2, {"op": "put", "key": "x", "value": "b"}, 25, {"unknown": True}, 26),
        operation(3, "read", 27, None, None),
        operation(0, {"op": "cas", "key": "x", "value": [1, 2]}, 40, {"ok": False}, 50),
    )
    assert list(recording.history) == [
        Op("invoke", 0, "put", "a", time=10, index=0, key="x"),
        Op("invoke", 1, "get", None, time=20, index=1, key="x"),
        Op("ok", 0, "put", None, time=20, index=2, key="x"),
        Op("invoke", 2, "put", "b", time=25, index=3, key="x"),
        Op("info", 2, "put", None, time=26, index=4, key="x"),
        Op("invoke", 3, "read", None, time=27, index=5),
        Op("ok", 1, "get", "a", time=30, index=6, key="x"),
        Op("invoke", 0, "cas", [1, 2], time=40, index=7, key="x"),
        Op("fail", 0, "cas", None, time=50, index=8, key="x"),
    ]


def test_events_stand_in_their_order() -> None:
    recording = read(event("call", 0, {"f": "write", "value": 1}), event(0, 1, {"op": "read"}, 1), event(True, 0, None),
                     event("Return", 1, 1, 1))  # fmt: skip
    assert [(op.type, op.process, op.f, op.value) for op in recording.history] == [
        ("invoke", 0, "write", 1), ("invoke", 1, "read", None), ("ok", 0, "write", None), ("ok", 1, "read", 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ([operation(0, {"op": 1}, 1, 2, 3)], "a number means nothing"),
        ([operation(0, {"op": "read", "x": 1}, 1, 2, 3)], "an input with ['x']"),
        ([operation(0, 5, 1, 2, 3)], "the input 5"),
        ([operation(0, "read", 3, 2, 1)], "a return that is not before"),
        ([operation(0, "read", "now", 2, 1)], "the time 'now'"),
        ([operation(0, "read", 1, {"ok": 1}, 3)], "the output"),
        ([operation(0, "read", 1, {"other": 1}, 3)], "the output"),
        ([operation(0, "read", 1, 1, 3), operation(0, "read", 2, 1, 4)], "still running"),
        ([{"ClientId": 0, "clientid": 1}], "each field once"),
        ([{"ClientId": 0}], "a field Input"),
        ([event("return", 0, 1)], "which was not called"),
        ([event("call", 0, "read"), event("call", 0, "read", 1)], "a second call"),
        ([event("jump", 0, "read")], "the Kind 'jump'"),
        ([event("call", "0", "read")], "the Id"),
        ([event("call", 0, "read"), operation(1, "read", 1, 1, 2)], "only one of the two"),
    ],
)
def test_what_is_no_such_history(elements: list[Any], said: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(*elements)
    assert said in str(caught.value)

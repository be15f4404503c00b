"""A request is executed once, however often it arrives."""

from __future__ import annotations

import json

import pytest

from systems_under_test.blocks.idempotent_receiver import ClientTable


def test_the_latest_reply_is_remembered_per_client() -> None:
    table = ClientTable()
    assert table.answered("c1", 1) is None
    table.record("c1", 1, {"value": 7})
    assert table.answered("c1", 1) == {"value": 7}
    assert table.answered("c1", 2) is None
    assert table.answered("c2", 1) is None


def test_an_older_request_is_a_stray_copy() -> None:
    table = ClientTable()
    table.record("c1", 5, {"value": 7})
    assert table.answered("c1", 4) == {"error": "superseded"}


def test_executing_twice_is_a_bug() -> None:
    table = ClientTable()
    table.record("c1", 5, {"value": 7})
    with pytest.raises(AssertionError, match="executed twice"):
        table.record("c1", 5, {"value": 7})


def test_a_snapshot_carries_it_over() -> None:
    table, copy = ClientTable(), ClientTable()
    table.record("c1", 5, {"error": "cas-mismatch"})
    copy.record("c9", 1, {"value": 1})
    copy.restore(json.loads(json.dumps(table.snapshot())))
    assert copy.answered("c1", 5) == {"error": "cas-mismatch"}
    assert copy.answered("c9", 1) is None

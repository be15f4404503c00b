"""Histories: columns in, operations out, and what cannot be a history."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.columns import columns_of
from harness.history import FAIL, INFO, INVOKE, OK, History, HistoryError, Op, OpType

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ops = st.builds(
    Op,
    type=st.sampled_from(["invoke", "ok", "fail", "info"]),
    process=st.integers(0, 5) | st.sampled_from(["nemesis", "observer"]),
    f=st.sampled_from(["read", "write", "cas"]),
    value=json_values,
    time=st.integers(-1, 10**12),
    error=json_values,
    key=st.none() | st.integers() | st.text(max_size=2),
    session=json_values,
    node=st.none() | st.sampled_from(["n1", "n2"]),
    extra=json_values,
)


@given(st.lists(ops, max_size=12))
def test_what_goes_in_comes_out_with_its_position(given_ops: list[Op]) -> None:
    history = History(given_ops)
    assert list(history) == [replace(op, index=i) for i, op in enumerate(given_ops)]
    assert [history[i] for i in range(len(history))] == list(history)


def test_it_is_a_sequence() -> None:
    history = History([Op("invoke", 0, "read"), Op("ok", 0, "read", 1), Op("info", "nemesis", "start-kill")])
    assert len(history) == 3
    assert history[-1].f == "start-kill"
    assert [op.type for op in history[:2]] == ["invoke", "ok"]
    assert [op.index for op in history[::2]] == [0, 2]
    with pytest.raises(IndexError, match="operation 3 of 3"):
        history[3]
    with pytest.raises(IndexError):
        history[-4]


def test_columns() -> None:
    history = History(
        [Op("invoke", 7, "read"), Op("info", "nemesis", "start-kill"), Op("ok", 7, "read", 3), Op("fail", 8, "x")]
    )
    assert list(history.types) == [INVOKE, INFO, OK, FAIL]
    assert history.f_names == ("read", "start-kill", "x")
    assert list(history.fs) == [0, 1, 0, 2]
    assert history.processes[1] < 0
    assert history.process_name(history.processes[1]) == "nemesis"
    assert history.keys is history.errors is history.nodes is None, "columns that nothing uses are not kept"


def test_names_of_clients_operations() -> None:
    history = History([Op("invoke", 7, "read"), Op("info", "nemesis", "kill"), Op("info", "x", "read")])
    columns = columns_of(history)
    assert columns is not None
    assert history.client_names() == History.from_columns(columns).client_names() == {"read"}
    assert History().client_names() == frozenset()


def test_a_large_history_has_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History([Op("invoke", 7, "read"), Op("ok", 7, "read", 3)])
    assert history.columns is None, "numpy would cost more than they save"
    monkeypatch.setattr("harness.history.LINES_MIN", 2)
    assert history.columns is history.columns is not None
    assert list(history.columns.numbers) == [0, 3]
    odd = History([Op("invoke", 7, "read", key=(1,)), Op("ok", 7, "read", 3, key=(1,))])
    assert odd.columns is None, "such a key may equal one of another type"
    unpaired = History([Op("ok", 7, "read"), Op("ok", 7, "read", 3)])
    with pytest.raises(HistoryError):
        unpaired.columns  # noqa: B018


@given(st.lists(ops, max_size=12))
def test_columns_and_back(given_ops: list[Op]) -> None:
    history = History(
        replace(op, process=i) if op.type == "invoke" else replace(op, process="observer", type="info")
        for i, op in enumerate(given_ops)
    )
    columns = columns_of(history)
    assert columns is not None
    again = History.from_columns(columns)
    assert [again[i] for i in range(len(again))] == list(history), "single ones"
    assert list(again) == list(history), "all of them"
    assert again[:3] == history[:3]
    for name in ("types", "processes", "fs", "values", "times", "errors", "keys", "sessions", "nodes", "extras",
                 "partners"):  # fmt: skip
        assert repr(getattr(again, name)) == repr(getattr(history, name))
    with pytest.raises(AttributeError):
        again.colums  # type: ignore[attr-defined]  # noqa: B018


def test_optional_columns_are_dense() -> None:
    history = History([Op("invoke", 0, "read"), Op("ok", 0, "read", key="x")])
    assert history.keys == [None, "x"]


def test_partners_are_pairs_and_the_nemesis_has_none() -> None:
    history = History(
        [Op("invoke", 0, "read"), Op("invoke", 1, "write", 1), Op("info", "nemesis", "kill"),
         Op("info", "nemesis", "kill"), Op("ok", 1, "write", 1), Op("fail", 0, "read"), Op("invoke", 1, "read")]
    )  # fmt: skip
    assert list(history.partners) == [5, 4, -1, -1, 1, 0, -1]


@pytest.mark.parametrize(
    ("second", "read", "expected"),
    [
        (Op("invoke", 0, "read"), "still running", "one operation at a time"),
        (Op("ok", 0, "write"), "'write' completing operation 0", "'read', as invoked"),
        (Op("ok", 1, "read"), "runs nothing", "an invocation before it"),
    ],
)
def test_what_cannot_be_paired(second: Op, read: str, expected: str) -> None:
    history = History([Op("invoke", 0, "read"), second])
    with pytest.raises(HistoryError) as caught:
        history.partners  # noqa: B018
    assert caught.value.index == 1
    assert read in caught.value.read
    assert expected in caught.value.expected


def test_calls() -> None:
    history = History(
        [Op("invoke", 0, "write", 1, key="x"), Op("info", "nemesis", "kill"), Op("invoke", 1, "read", key="y"),
         Op("ok", 1, "read", 4, key="y"), Op("info", 0, "write", 1, error="timeout"), Op("invoke", 2, "read", key="x")]
    )  # fmt: skip
    write, read, unfinished = history.calls()
    assert (write.invoke, write.complete, write.outcome, write.error, write.key) == (0, 4, "info", "timeout", "x")
    assert (read.argument, read.result, read.outcome, read.process) == (None, 4, "ok", 1)
    assert (unfinished.complete, unfinished.outcome, unfinished.result) == (None, "info", None)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(HistoryError, match="the type 'done'; expected invoke or ok or fail or info"):
        History([Op("done", 0, "read")])  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", ["invoke", "ok", "fail"])
def test_what_a_name_does_is_not_passed_over(type_: OpType) -> None:
    """Or else the operations of a client that has a name would be no part of any verdict."""
    history = History([Op("info", "nemesis", "start-kill"), Op(type_, "client-1", "write", 1)])
    with pytest.raises(HistoryError, match="by process 'client-1'; expected clients that are numbers"):
        history.partners  # noqa: B018

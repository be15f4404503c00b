"""The methods on columns, on shapes whose verdicts can be seen: what they decide, and exactly what they leave."""

from __future__ import annotations

from random import Random
from time import process_time

import numpy as np
import pytest

from benchmarks.random_object import Elements, Values, make, play
from checkers.linearizable import check, columnar
from checkers.linearizable.columnar import clusters, container
from checkers.linearizable.columnar.stack import decide as decide_stack
from harness.history import History, Op
from harness.result import Reason
from tests.checkers.linearizable.columnar.notation import large, of, read, together, verdicts

DEEP = 10_000

SHAPES: list[tuple[str, str, str, History]] = [
    ("a read of what was written", "register", "V", of(("write", 1, 0, 1), ("read", 1, 2, 3))),
    ("a stale read", "register", "R", of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5))),
    ("a value from nowhere", "register", "R", of(("write", 1, 0, 1), ("read", 9, 2, 3))),
    ("a read of the future", "register", "R", of(("read", 1, 0, 1), ("write", 1, 2, 3))),
    ("a lost write that was read", "register", "V", of(("write", 1, 0, None), ("read", 1, 5, 6))),
    ("a lost write, then not", "register", "R", of(("write", 1, 0, None), ("read", 1, 1, 2), ("read", None, 3, 4))),
    ("a failed write", "register", "V", of(("write", 1, 0, 1, "fail"), ("read", None, 2, 3))),
    ("a failed write that was read", "register", "R", of(("write", 1, 0, 1, "fail"), ("read", 1, 2, 3))),
    ("a value written twice", "register", "L", of(("write", 1, 0, 1), ("write", 1, 2, 3))),
    ("the initial value written", "register", "L", of(("write", None, 0, 1))),
    ("a cas", "cas-register", "L", of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3))),
    ("a failed cas", "cas-register", "V", of(("write", 1, 0, 1), ("cas", [1, 2], 2, 3, "fail"), ("read", 1, 4, 5))),
    ("1 is not True", "register", "R", of(("write", True, 0, 1), ("read", 1, 2, 3))),
    ("1 is not 1.0", "register", "R", of(("write", 1.0, 0, 1), ("read", 1, 2, 3))),
    ("1 is not its text", "register", "R", of(("write", "1", 0, 1), ("read", 1, 2, 3))),
    ("values of every kind", "register", "V", of(
        ("write", "a", 0, 1), ("read", "a", 2, 3), ("write", [1], 4, 5), ("read", [1], 6, 7), ("write", 2**80, 8, 9),
        ("read", 2**80, 10, 11), ("write", True, 12, 13), ("read", True, 14, 15), ("write", -(2**63), 16, 17),
        ("read", -(2**63), 18, 19), ("write", 2**63 - 1, 20, 21), ("read", 2**63 - 1, 22, 23))),
    ("in order", "queue", "V", of(("enqueue", 1, 0, 1), ("enqueue", 2, 2, 3), ("dequeue", 1, 4, 5))),
    ("out of order", "queue", "R", of(("enqueue", 1, 0, 1), ("enqueue", 2, 2, 3), ("dequeue", 2, 4, 5))),
    ("taken twice", "queue", "R", of(("enqueue", 1, 0, 1), ("dequeue", 1, 2, 3), ("dequeue", 1, 4, 5))),
    ("taken before it was put", "queue", "R", of(("dequeue", 1, 0, 1), ("enqueue", 1, 2, 3))),
    ("empty though it is not", "queue", "R", of(("enqueue", 1, 0, 1), ("dequeue", None, 2, 3))),
    ("empty while it may be", "queue", "V", of(("enqueue", 1, 0, 5), ("dequeue", None, 2, 3), ("dequeue", 1, 6, 7))),
    ("empty between two", "queue", "V", of(("enqueue", 1, 0, 1), ("dequeue", 1, 2, 9), ("enqueue", 2, 3, 4),
                                           ("dequeue", None, 5, 8), ("dequeue", 2, 6, 7))),
    ("a lost put that was taken", "queue", "V", of(("enqueue", 1, 0, None), ("dequeue", 1, 2, 3))),
    ("a lost put that was not", "queue", "V", of(("enqueue", 1, 0, None), ("dequeue", None, 2, 3))),
    ("a lost take", "queue", "L", of(("enqueue", 1, 0, 1), ("dequeue", 1, 2, None))),
    ("a value put twice", "queue", "L", of(("enqueue", 1, 0, 1), ("enqueue", 1, 2, 3))),
    ("a peek", "queue", "L", of(("enqueue", 1, 0, 1), ("peek", 1, 2, 3))),
    ("in order", "stack", "R", of(("push", 1, 0, 1), ("push", 2, 2, 3), ("pop", 1, 4, 5), ("pop", 2, 6, 7))),
    ("the last first", "stack", "V", of(("push", 1, 0, 1), ("push", 2, 2, 3), ("pop", 2, 4, 5), ("pop", 1, 6, 7))),
    ("one at the bottom", "stack", "V", of(("push", 1, 0, 9), ("push", 2, 1, 2), ("pop", 2, 3, 4), ("pop", 1, 5, 10))),
    ("the greatest first", "pqueue", "V", of(("insert", 1, 0, 1), ("insert", 5, 2, 3), ("poll", 5, 4, 5))),
    ("not the greatest first", "pqueue", "R", of(("insert", 1, 0, 1), ("insert", 5, 2, 3), ("poll", 1, 4, 5))),
    ("greatness of another kind", "pqueue", "L", of(("insert", 1, 0, 1), ("insert", 1.0, 2, 3))),
    ("in any order", "unordered-queue", "V", of(("enqueue", 1, 0, 1), ("enqueue", 2, 2, 3), ("dequeue", 2, 4, 5))),
    ("there", "set", "V", of(("add", 1, 0, 1), ("contains", (1, True), 2, 3))),
    ("there and away", "set", "V", of(("add", 1, 0, 1), ("remove", (1, True), 2, 3), ("contains", (1, False), 4, 5))),
    ("away though it is there", "set", "R", of(("add", 1, 0, 1), ("contains", (1, False), 2, 3))),
    ("there before it was", "set", "R", of(("contains", (1, True), 0, 1), ("add", 1, 2, 3))),
    ("removed before it was there", "set", "R", of(("remove", (1, True), 0, 1), ("add", 1, 2, 3))),
    ("removed in vain", "set", "V", of(("remove", 1, 0, 1), ("add", 1, 2, 3), ("contains", (1, True), 4, 5))),
    ("elements apart", "set", "VRL", of(("add", 1, 0, 1), ("contains", (2, True), 2, 3), ("add", 3, 4, 5),
                                        ("add", 3, 6, 7))),
    ("a read of all", "set", "L", of(("add", 1, 0, 1), ("add", 1, 2, 3), ("read", [1], 4, 5))),
    ("an answer of nonsense", "set", "L", of(("add", 1, 0, 1), ("contains", (1, "yes"), 2, 3))),
    ("an element of true", "set", "L", of(("add", (True, True), 0, 1))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "model", "expected", "history"), SHAPES, ids=[f"{s[1]}: {s[0]}" for s in SHAPES])
def test_shapes(name: str, model: str, expected: str, history: History) -> None:
    assert verdicts(history, model) == expected, name
    result, plain = (check(each, model=model, certify=True) for each in (large(history), history))
    assert (result.valid, result.reason) == (plain.valid, plain.reason)
    assert [a.operations for a in result.anomalies] == [a.operations for a in plain.anomalies]
    assert [a.explanation for a in result.anomalies] == [a.explanation for a in plain.anomalies]
    assert [a.details["minimal"] for a in result.anomalies] == [True] * len(plain.anomalies)
    for count in ("keys", "keys_valid", "keys_invalid", "keys_unknown"):
        assert result.details.get(count) == plain.details.get(count)
    if result.valid is True:
        keys = [[each["key"] for each in r.details["linearizations"]] for r in (result, plain)]
        assert keys[0] == keys[1]


def test_keys_are_decided_alone_and_left_alone() -> None:
    good = of(("write", 1, 0, 1), ("read", 1, 2, 3), key="good")
    bad = of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5), key="bad")
    twice = of(("write", 1, 0, 1), ("write", 1, 2, 3), ("read", 1, 4, 5), key="twice")
    failed = of(("write", 1, 0, 1, "fail"), key="nothing")
    history = together(failed, bad, twice, good)
    assert verdicts(history, "register") == "VRLV"
    result = check(large(history), model="register")
    assert (result.valid, result.method) == (False, "polynomial+search")
    assert result.details["keys_by_method"] == {"polynomial": 3, "search": 1}
    (anomaly,) = result.anomalies
    assert anomaly.explanation.startswith('Key "bad": process')
    only = check(large(together(twice, good)), model="register", method="polynomial")
    assert (only.valid, only.reason) == ("unknown", Reason.UNSUPPORTED)


def test_what_the_model_does_not_know_is_unsupported() -> None:
    history = together(of(("write", 1, 0, 1), key="a"), of(("increase", 1, 0, 1), key="b"))
    result = check(large(history), model="register")
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "operation 2: read the operation" in (result.explanation or "")


def test_nil_reads_and_initial_values() -> None:
    history = of(("write", 1, 0, 1), ("read", None, 2, 3))
    assert verdicts(history, "register") == "R"
    assert verdicts(history, "register", nil_reads="unknown") == "V"
    asked = of(("read", [0], 0, 1))
    assert verdicts(asked, "register", initial=[0]) == "V"
    assert verdicts(asked, "register", initial=[False]) == "R"
    assert verdicts(of(("contains", (1, None), 0, 1)), "set", nil_reads="unknown") == "V"
    assert verdicts(of(("contains", (1, None), 0, 1)), "set") == "L"


def test_a_container_that_is_not_empty_at_first_is_not_for_columns() -> None:
    assert check(large(of(("dequeue", 7, 0, 1))), model="queue", initial=[7]).valid is True


def test_invalid_keys_beyond_those_that_are_told_are_counted() -> None:
    bad = [of(("read", 5, 0, 1), key=number) for number in range(40)]
    result = check(large(together(*bad)), model="register")
    assert (result.valid, result.details["keys_invalid"], len(result.anomalies)) == (False, 40, 16)


def test_values_chosen_to_collide_are_told_apart() -> None:
    numbers = np.arange(4000, dtype=np.int64) << 40
    found, count = clusters.clusters(np.zeros(4000, np.int64), np.ones(4000, np.uint8), np.repeat(numbers[:2000], 2))
    assert count == 2000
    assert (found[::2] == found[1::2]).all()
    assert len(np.unique(found)) == 2000


def test_deeply_nested_stacks_take_no_time() -> None:
    """Twice as deep is about twice the work, not four times."""
    seconds = []
    for depth in (DEEP, 2 * DEEP):
        pushes = [("push", i, 2 * i, 2 * i + 1) for i in range(depth)]
        pops = [("pop", i, 4 * depth - 2 * i, 4 * depth + 1 - 2 * i) for i in range(depth)]
        found = read(of(*pushes, *pops), "stack")
        calls = found.calls()
        decide_stack(calls, found.odd(calls))
        began = process_time()
        objects = decide_stack(calls, found.odd(calls))
        seconds.append(process_time() - began)
        assert objects.verdicts.tolist() == [columnar.VALID]
    assert seconds[1] < 3.5 * seconds[0] + 0.05, seconds


def test_a_chain_is_as_short_as_can_be() -> None:
    calls = [("push", 1, 0, 1), ("push", 2, 2, 3), ("push", 3, 4, 5), ("push", 4, 6, 7), ("pop", 1, 8, 30),
             ("pop", 2, 9, 31), ("pop", 3, 10, 32), ("pop", 4, 20, 33), ("pop", None, 11, 19)]  # fmt: skip
    result = check(large(of(*calls)), model="stack")
    assert result.valid is False
    assert set(result.anomalies[0].operations) == {6, 11}, "one push and the pop that found nothing"
    found = read(of(*calls), "stack")
    pairing = container.pair(found.calls(), found.odd(found.calls()))
    assert len(pairing.blamed[0]) == 3, "the value whose pop came last covers all of it"


@pytest.mark.parametrize("model", ["register", "queue", "stack", "pqueue", "unordered-queue", "set"])
@pytest.mark.parametrize("keys", [1, 7])
def test_long_histories_of_many_clients(model: str, keys: int) -> None:
    random = Random(f"{model} {keys}")
    parts = []
    for key in range(keys):
        elements = Elements(Values(random, distinct=True), whole=False, tells=True, grows=False)
        thing = elements if model == "set" else make(model, random, distinct=True)[0]
        lines = play(thing, 6000 // keys, 12, 0.0, random)
        parts.append(History(Op(op.type, op.process, op.f, op.value, key=key if keys > 1 else None) for op in lines))
    history = large(together(*parts))
    result = check(history, model=model, certify=True)
    assert (result.valid, result.method) == (True, "polynomial")
    placed = sum(len(each["order"]) for each in result.details["linearizations"])
    assert placed == sum(op.type == "ok" for op in history)


def _swapped(model: str, random: Random) -> History:
    """A long history in which two answers are exchanged."""
    thing, _ = make(model, random, distinct=True)
    lines = play(thing, 3000, 8, 0.0, random)
    asked = [i for i, op in enumerate(lines) if op.type == "ok" and lines[i].f in ("read", "dequeue", "pop", "poll")
             and op.value is not None]  # fmt: skip
    one, other = asked[len(asked) // 3], asked[2 * len(asked) // 3]
    swapped = {one: lines[other].value, other: lines[one].value}
    return History(Op(op.type, op.process, op.f, swapped.get(i, op.value)) for i, op in enumerate(lines))


@pytest.mark.parametrize("model", ["register", "queue", "stack", "pqueue"])
def test_witnesses_of_long_histories_are_small(model: str) -> None:
    history = _swapped(model, Random(model))
    result = check(large(history), model=model)
    assert (result.valid, result.method) == (False, "polynomial")
    (anomaly,) = result.anomalies
    assert anomaly.details["minimal"] is True
    assert len(anomaly.operations) <= 6
    assert check(history, model=model, method="polynomial").valid is False


def test_histories_without_clients_or_without_lines() -> None:
    for lines in ([], [Op("info", "nemesis", "start-kill"), Op("info", "nemesis", "start-kill")]):
        result = check(large(History(lines)), model="register", certify=True)
        assert (result.valid, result.details["linearizations"]) == (True, [])

"""Unsat cores are witnesses, and serve where the search leaves too much or cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from time import monotonic

import pytest

from benchmarks import random_object
from checkers.linearizable import brute, witness
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.symbolic import core as module
from checkers.linearizable.symbolic.core import Core, core
from checkers.linearizable.symbolic.window import unwind
from harness.history import History
from tests.checkers.linearizable.notation import of, single
from tests.checkers.linearizable.symbolic.notation import STATES, random_key


def explained(key: KeyHistory, chosen: Sequence[Operation]) -> bool | None:
    """Brute force: what only observes is removed outside the chosen ones, all else may happen any time, or never."""
    others = [replace(each, complete=None) for each in (*key.required, *key.optional)
              if each not in chosen and not key.model.observes(each.step)]  # fmt: skip
    return brute.decide(key.model, key.initial, chosen, others)


@pytest.mark.parametrize("model", STATES)
def test_cores_are_minimal_witnesses(model: str) -> None:
    found = 0
    for seed in range(60):
        key = random_key(model, Random(f"core {model} {seed}"))
        unwound = unwind(key, Limit())
        if unwound.outcome != "invalid" or (model == "unordered-queue" and len(key.initial) > 1):
            continue
        result = core(key, unwound.refuted, Limit())
        assert (result.valid, result.minimal) == (False, True)
        assert explained(key, result.operations) is False
        for each in result.operations:
            assert explained(key, [other for other in result.operations if other is not each]) is True
        found += 1
    assert found > 5


def test_a_write_outside_the_core_may_come_late() -> None:
    """Without the second write in it the first two operations explain the read: it could take effect before."""
    key, _ = single(of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5)))
    assert [each.invoke for each in core(key, key.required, Limit()).operations] == [0, 2, 4]


def test_what_has_an_order_has_no_core() -> None:
    key, _ = single(of(("write", 1, 0, 1), ("read", 1, 2, 3)))
    assert core(key, key.required, Limit()) == Core(True)
    with pytest.raises(witness.ContradictionError):
        witness.witness(key, key.required, Limit(), by_z3=True)


def test_no_time_is_no_core() -> None:
    key, _ = single(of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5)))
    assert core(key, key.required, Limit(deadline=monotonic())) == Core(None)
    found = witness.witness(key, key.required, Limit(deadline=monotonic()), by_z3=True)
    assert (found.operations, found.minimal, found.confirmed) == (key.required, False, ())


def test_where_z3_refuted_the_witness_begins_with_its_core() -> None:
    key, _ = single(of(("add", 1, 0, 1), ("add", 1, 2, 3), ("add", 1, 4, 9), ("read", 1, 6, 7)), model="counter")
    refuted = unwind(key, Limit()).refuted
    found = witness.witness(key, refuted, Limit(), by_z3=True)
    assert [each.invoke for each in found.operations] == [0, 2, 5]
    assert (found.source, found.minimal, found.confirmed) == ("core", True, ("search", "z3", "brute"))
    assert witness.witness(key, refuted, Limit()).source == "search"


def test_a_core_serves_where_the_search_leaves_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search may look at too few configurations to see anything; z3 sees it all the same."""
    key = _mixed_up_queue()
    refuted = unwind(key, Limit()).refuted
    monkeypatch.setattr(witness, "_CONFIGURATIONS", 3)
    found = witness.witness(key, refuted, Limit())
    assert len(found.operations) < witness.MEMBERS_WANTED < len(refuted)
    assert (found.source, found.minimal, "z3" in found.confirmed) == ("core", True, True)


def test_z3_is_not_asked_where_the_search_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "core", None)
    key = _mixed_up_queue()
    found = witness.witness(key, unwind(key, Limit()).refuted, Limit())
    assert (found.source, len(found.operations) <= witness.MEMBERS_WANTED) == ("search", True)


def _mixed_up_queue() -> KeyHistory:
    """Forty operations of a queue, at the end of which what was put in last comes out first."""
    thing, _ = random_object.make("queue", Random(5), distinct=False)
    lines = random_object.play(thing, 40, 3, 0.0, Random(5))
    history = of(("enqueue", 91, 1000, 1001), ("enqueue", 92, 1002, 1003), ("dequeue", 92, 1004, 1005))
    late = [replace(op, process=100 + int(op.process)) for op in history]
    key, _ = single(History([*lines, *late]), model="queue")
    return key

"""What is forced is so in every explanation; certificates and witnesses are told apart from what is none."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.sequential_fuzz import small
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.sequential import brute
from checkers.sequential.arrangement import arrange
from checkers.sequential.certificate import refute
from checkers.sequential.decide import decide, refutes
from checkers.sequential.saturation import saturate
from checkers.sequential.scope import Scope, scopes
from checkers.sequential.search import search
from checkers.sequential.symbolic import solve
from checkers.value import Codes
from harness.history import History
from tests.checkers.sequential.notation import Did, of, read, write


def scope_of(history: History, model: str = "cas-register") -> Scope:
    (found,) = scopes(history, BY_NAME[model], Codes(), "value", None, per_key=False)
    return found


def test_what_is_forced_is_so_in_every_order_that_is_found() -> None:
    edges = valid = 0
    for seed in range(150):
        lines, initial = small("cas-register", Random(seed))
        (scope,) = scopes(History(lines), BY_NAME["cas-register"], Codes(), "value", initial, per_key=False)
        arrangement = arrange(scope)
        if arrangement.from_nowhere is not None or not brute.decide(scope):
            continue
        valid += 1
        saturation = saturate(arrangement, Limit())
        assert saturation.before is not None, seed
        for order in (
            search(arrangement, None, Limit()).order,
            search(arrangement, saturation.before, Limit()).order,
            solve(arrangement, saturation, Limit()).order,
        ):
            assert refute(scope, order) is None, seed
            place = {item.operation.invoke: at for at, item in enumerate(order)}
            for edge in saturation.edges:
                ends = (arrangement.items[node].operation.invoke for node in (edge.first, edge.second))
                first, second = (place[end] for end in ends)
                assert first < second, (seed, edge)
                edges += edge.rule in ("overwritten", "overwrites")
    assert valid > 50
    assert edges > 50


def test_a_lost_write_that_somebody_alone_explains_is_taken_to_have_happened() -> None:
    arrangement = arrange(scope_of(of([write(1, outcome="info")], [read(1)], [write(2, outcome="info")])))
    assert [item.operation.invoke for item in arrangement.items] == [2, 0]
    assert arrangement.classes == ()
    twice = arrange(scope_of(of([write(1, outcome="info")], [read(1)], [write(1, outcome="info")])))
    assert len(twice.items) == 1
    assert [len(each.items) for each in twice.classes] == [2]


def test_what_follows_from_a_value_from_nowhere_is_told_of_the_one_who_saw_it() -> None:
    arrangement = arrange(scope_of(of([Did("cas", [8, 9], outcome="info")], [write(1)], [read(9)])))
    assert arrangement.from_nowhere is not None
    assert arrangement.from_nowhere.operation.invoke == 4


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([0, 4, 2, 6], None),
        ([0, 2, 4, 6], "result where it is placed"),
        ([0, 4, 2], "operation 6 happened and is not placed"),
        ([0, 4, 2, 6, 6], "placed twice"),
        ([2, 0, 4, 6], "operation 0 is placed after one that its session began later"),
    ],
)
def test_certificates(places: list[int], said: str | None) -> None:
    scope = scope_of(of([write(1), write(2)], [read(1), read(2)]))
    known = {item.operation.invoke: item for item in scope.required}
    objection = refute(scope, [known[place] for place in places])
    assert (objection is None) if said is None else (said in (objection or ""))
    stranger = scope_of(of([write(1)])).required[0]
    assert "not of these objects" in (refute(scope, [stranger]) or "")


def test_a_witness_question_keeps_sessions_and_frees_the_rest() -> None:
    scope = scope_of(of([write(1), write(2), read(2)], [read(2), read(1)]))
    asked = scope.asking(item for item in scope.required if item.operation.invoke in (6, 8))
    assert [(item.operation.invoke, item.operation.complete) for item in asked.optional] == [(0, None), (2, None)]
    assert refutes(asked, Limit()) is False
    whole = scope.asking(scope.required)
    assert refutes(whole, Limit()) is True
    assert decide(whole, "auto", Limit()).valid is False


def test_a_limit_leaves_it_undecided() -> None:
    queue = of([Did("push", i) for i in range(9)], [Did("pop", i) for i in (3, 1, 4, 0, 5, 8, 2, 6, 7)])
    lines = [
        line if line.type == "ok" or line.f == "push" else type(line)("invoke", line.process, line.f) for line in queue
    ]
    scope = scope_of(History(lines), "stack")
    arrangement = arrange(scope)
    searched = search(arrangement, None, Limit(configurations=3))
    assert searched.outcome == "memory"
    assert refutes(scope, Limit(configurations=3)) is None
    assert search(arrangement, None, Limit(deadline=0.0)).outcome == "time"

"""mix is random in proportion, any_of takes what is due first and is fair."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.generator import PENDING, any_of, at, clients, limit, mix, nemesis, sequence
from harness.generator.simulate import simulate
from tests.harness.generator.words import context, drawn, invocations, numbered, op, values


def test_mix_is_even_by_default_and_weighted_if_told() -> None:
    even = Counter(entry.f for entry in invocations(simulate(limit(3000, mix(numbered("a"), numbered("b"))))))
    assert 1350 < even["a"] < 1650
    skewed = mix(numbered("a"), numbered("b"), weights=[1, 4])
    counts = Counter(entry.f for entry in invocations(simulate(limit(3000, skewed))))
    assert 480 < counts["a"] < 720


def test_mix_goes_on_without_the_exhausted() -> None:
    history = simulate(mix(limit(3, numbered("a")), limit(30, numbered("b"))))
    assert len(values(history, "a")) == 3
    assert len(values(history, "b")) == 30


def test_mixes_that_look_alike_draw_differently() -> None:
    alike = mix(limit(40, drawn("x")), limit(40, drawn("x")))
    drawn_values = values(simulate(alike))
    assert len(set(drawn_values)) > 60


def test_removing_one_operation_does_not_reshuffle_the_others() -> None:
    whole = values(simulate(sequence(limit(20, drawn("a")), limit(20, drawn("b")))))
    without = values(simulate(sequence(limit(7, drawn("a")), limit(20, drawn("b")))))
    assert without == whole[:7] + whole[20:]


def test_weights_must_fit() -> None:
    with pytest.raises(ValueError, match="2 numbers"):
        mix(numbered(), numbered(), weights=[1])


def test_any_takes_what_is_due_first() -> None:
    late, early = at(50, op("late")), at(20, op("early"))
    assert [entry.f for entry in invocations(simulate(any_of(late, early)))] == ["early", "late"]


def test_any_is_fair_between_equals() -> None:
    history = simulate(limit(300, any_of(numbered("a"), numbered("b"), numbered("c"))))
    assert set(Counter(entry.f for entry in invocations(history)).values()) == {100}


def test_any_prefers_an_operation_to_waiting() -> None:
    both = any_of(nemesis(op("break")), clients(op("read")))
    answer = both.op(context(free=(0, 1, 2)))
    assert answer is not None
    assert answer[0] is not PENDING
    assert both.op(context(free=())) is not None, "pending, not exhausted"


def test_any_ends_when_all_have_ended() -> None:
    assert values(simulate(any_of(op("a", 1), limit(0, numbered())))) == [1]

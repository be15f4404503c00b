"""What is left of many operations that refute a register still refutes it, with the help of all others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkers.linearizable import columnar
from checkers.linearizable.columnar.objects import Blame
from checkers.linearizable.decide import decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.value import Codes
from harness.history import History
from tests.checkers.linearizable.columnar.notation import of, read

Call = tuple[object, ...]


def _sequential(*calls: tuple[str, object], first: int = 0) -> list[Call]:
    return [(f, value, 2 * at + first, 2 * at + first + 1) for at, (f, value) in enumerate(calls)]


def _blame(history: History) -> Blame:
    objects = columnar.decide(read(history, "cas-register"), Limit(), searched_min=0)
    assert objects.verdicts.tolist() == [columnar.REFUTED]
    assert objects.by_search(0)
    return objects.blame(0)


def _still_refuted(history: History, blame: Blame) -> bool:
    (key,) = by_key(history, BY_NAME["cas-register"], Codes())
    chosen = tuple(each for each in key.required if each.invoke in blame.refuted)
    others = [each for each in key.required if each.invoke not in blame.refuted and not key.model.observes(each.step)]
    freed = sorted((*key.optional, *(replace(each, complete=None) for each in others)), key=lambda each: each.invoke)
    assert {each.invoke for each in (*chosen, *freed)} >= set(blame.involved), "what only observes is left out"
    helped = KeyHistory(key.key, key.model, key.initial, chosen, tuple(freed))
    return decide(helped, "search", Limit()).valid is False


@pytest.mark.parametrize("before", [0, 3, 40, 300])
def test_a_stale_read_needs_all_that_wrote_its_value(before: int) -> None:
    calls = [("write", 1), ("read", 1), ("write", 2), ("cas", [2, 3])] * before
    history = of(*_sequential(*calls, ("write", 1), ("write", 2), ("write", 2), ("read", 1)))
    blame = _blame(history)
    assert len(blame.refuted) == before + 3
    assert blame.explained == 4 * before + 3
    assert blame.narrowed
    assert _still_refuted(history, blame)


def test_what_was_never_written_needs_nothing_else() -> None:
    calls = [("write", 1), ("write", 2), ("cas", [2, 3]), ("read", 3)] * 50
    history = of(*_sequential(*calls, ("cas", [9, 1])))
    blame = _blame(history)
    assert blame.refuted == (400,)
    assert _still_refuted(history, blame)


def test_operations_after_the_first_that_cannot_be_explained_do_not_matter() -> None:
    calls = _sequential(("write", 1), ("write", 1), ("read", 2), ("write", 2), ("read", 9))
    blame = _blame(of(*calls))
    assert blame.refuted == (4,)
    assert blame.involved == (0, 2, 4)


def test_without_time_all_are_to_blame() -> None:
    from checkers.linearizable.columnar.narrow import narrowed

    found = read(of(*_sequential(("write", 1), ("write", 1), ("write", 2), ("read", 1))), "cas-register")
    calls = found.calls()
    chosen, involved = narrowed(calls, 0, calls.invokes, found.initial, Limit().at_most(seconds=0))
    assert chosen.tolist() == involved.tolist() == [0, 2, 4, 6]

"""What of a history may have taken effect, key by key."""

from __future__ import annotations

from checkers.linearizable.operation import by_key
from checkers.value import Codes
from harness.history import History, Op
from tests.checkers.linearizable.notation import MODEL, of, single


def test_what_constrains_nothing_is_dropped() -> None:
    key, _ = single(
        of(
            ("write", 1, 0, 1), ("write", 2, 2, 3, "fail"), ("write", 3, 4, 5, "info"), ("write", 4, 6, None),
            ("read", 1, 7, 8), ("read", 1, 9, 10, "fail"), ("read", 1, 11, 12, "info"), ("read", 1, 13, None),
            ("cas", "not a pair", 14, 15, "fail"), ("unheard of", 0, 16, 17, "fail"),
        )
    )  # fmt: skip
    assert [(o.invoke, o.complete, o.step.f) for o in key.required] == [(0, 1, "write"), (7, 8, "read")]
    assert [(o.invoke, o.complete) for o in key.optional] == [(4, None), (6, None)]


def test_a_key_of_nothing_but_failures_is_a_key() -> None:
    history = History([Op("invoke", 0, "write", 1, key="a"), Op("fail", 0, "write", 1, key="a")])
    (key,) = by_key(history, MODEL, Codes())
    assert (key.key, key.required, key.optional) == ("a", (), ())


def test_the_argument_of_a_write_counts_not_its_answer() -> None:
    history = History([Op("invoke", 0, "write", 1), Op("ok", 0, "write", "done")])
    key, codes = single(history)
    assert key.required[0].step.given == (codes.code(1),)

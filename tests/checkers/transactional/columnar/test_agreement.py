"""What compiled code says of a history of transactions is what the plain checker says, word by word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from time import monotonic

import pytest

from benchmarks.transaction_histories import history_lines
from benchmarks.transactions_columnar_fuzz import campaign, with_columns
from checkers.transactional import MODELS, check, columnar
from checkers.transactional.columnar.registers import registers
from harness.history import History, HistoryError, Op
from harness.result import Reason

HISTORIES = 150


def plainly(text: str) -> History:
    return History(Op(**json.loads(line)) for line in text.splitlines())


def test_random_histories() -> None:
    tally = campaign(HISTORIES, 0, deadline=monotonic() + 300)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    assert tally.counts["lists, by columns"] > HISTORIES / 2
    assert tally.counts["lists with odd keys"] > HISTORIES / 30
    assert tally.counts["registers, by columns"] > HISTORIES / 4
    assert min(tally.counts[name] for name in ("lists: True", "lists: False", "registers: False")) > HISTORIES / 5


@pytest.mark.parametrize("level", ["strict-serializable", "serializable", "snapshot-isolation", "read-committed"])
def test_a_longer_history_of_lists_with_stale_reads(level: str) -> None:
    text = "\n".join(history_lines("list", 1_500, stale=0.004)) + "\n"
    large, plain = with_columns(text.encode()), plainly(text)
    ours, theirs = check(large, expect=level).as_json(), check(plain, expect=level).as_json()
    ours["seconds"] = theirs["seconds"]
    assert ours == theirs
    assert ours["valid"] is (level == "read-committed")


def test_a_valid_history_has_a_serial_order() -> None:
    text = "\n".join(history_lines("list", 3_000)) + "\n"
    result = check(with_columns(text.encode()))
    assert result.valid is True
    committed = result.details["committed"]
    assert result.details["certificate"] == {
        "type": "serial-order", "respects": "realtime", "transactions": committed,
    }  # fmt: skip
    assert 2_900 < committed < 3_000


def of_columns(lines: Sequence[Op]) -> History:
    fields = ({"type": each.type, "process": each.process, "f": each.f, "value": each.value} for each in lines)
    return with_columns("".join(json.dumps(each) + "\n" for each in fields).encode())


def transaction(process: int, value: object, outcome: str = "ok") -> list[Op]:
    return [Op("invoke", process, "txn", value), Op(outcome, process, "txn", value)]  # type: ignore[arg-type]


def test_what_the_columns_have_no_word_for_is_left() -> None:
    append = transaction(0, [["append", 1, 1]])
    for odd in (
        transaction(1, [["append", 1, 1.5]]),
        transaction(1, [["append", 1, [2]]]),
        transaction(1, [["append", True, 2]]),
        transaction(1, [["append", 1, 2**62]]),
        transaction(1, [["append", "\\u00e9\n", 2]]),
        transaction(1, [["w", 1, 2]]),
        transaction(1, [["append", 1, 1]]),
        transaction(1, [["append", 1]]),
        transaction(1, [["cas", 1, 2]]),
        transaction(1, 5),
        transaction(1, None),
        [Op("invoke", 1, "read", None), Op("ok", 1, "read", None)],
    ):
        history = of_columns([*append, *odd])
        assert history.columns is not None
        assert columnar.examined(history.columns, None) is None, odd
        theirs, ours = check(History([*append, *odd])), check(history)
        assert (ours.valid, ours.reason, ours.explanation) == (theirs.valid, theirs.reason, theirs.explanation), odd


def test_a_second_append_is_refused_with_its_words() -> None:
    result = check(of_columns([*transaction(0, [["append", 1, 7]]), *transaction(1, [["append", 1, 7]], "fail")]))
    assert result.reason is Reason.UNSUPPORTED
    assert "second append of 7" in str(result.explanation)


def test_no_time_is_unknown() -> None:
    text = "\n".join(history_lines("list", 500)) + "\n"
    result = check(with_columns(text.encode()), time_limit_s=0.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TIMEOUT)


def test_a_history_that_is_none_is_refused() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "txn", [])]))


def test_registers_tell_all_polynomial_levels() -> None:
    text = "\n".join(history_lines("register", 2_000)) + "\n"
    large = with_columns(text.encode())
    for level in ("read-committed", "causal"):
        result = check(large, expect=level)
        assert (result.valid, result.details["strongest"]) == (True, ["strong-causal"])
        assert set(result.details["undecided"]) < set(MODELS)


def test_registers_with_stale_reads_are_told_by_the_plain_checker() -> None:
    text = "\n".join(history_lines("register", 300, stale=0.05)) + "\n"
    large, plain = with_columns(text.encode()), plainly(text)
    assert large.columns is not None
    found = registers(large.columns, None)
    assert found is not None
    assert found.of(MODELS["strong-causal"]) is False
    ours, theirs = check(large, expect="strong-causal"), check(plain, expect="strong-causal")
    assert ours.valid is False
    assert ours.anomalies == theirs.anomalies


def test_initial_values_are_left_to_the_plain_checker() -> None:
    history = of_columns(transaction(0, [["w", 1, 1], ["r", 2, 0]]))
    assert check(history, expect="causal", initial=0).valid is True
    assert check(history, expect="causal").valid is False

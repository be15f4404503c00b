"""``write-skew``: doctors who go off call together; shifts in which somebody comes back; what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.write_skew import check
from harness.history import History, Op
from harness.result import Reason, Result
from tests.checkers.calls import call, concurrent


def txn(process: int, text: str, outcome: str = "ok", key: Any = None) -> list[Op]:
    """``a+`` saw a on call, ``a-`` off; ``A+`` puts a on call, ``A-`` takes a off."""
    micros = [["w" if word[0].isupper() else "r", word[0].lower(), word[1] == "+"] for word in text.split()]
    return call(process, "txn", micros, outcome=outcome, key=key)


def judged(*texts: str, initial: Any = None) -> Result:
    outcomes = {"?": "info", "!": "fail"}
    calls = [txn(i, text.lstrip("?!"), outcomes.get(text[0], "ok")) for i, text in enumerate(texts)]
    return check(History(concurrent(*calls)), initial=initial)


def test_two_doctors_go_off_call_at_once() -> None:
    result = judged("a+ b+ A-", "a+ b+ B-")
    assert result.valid is False
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("write-skew", (0, 3, 1, 2))
    assert anomaly.explanation == (
        'T0 (process 0) took "a" off call, having seen "b" on call; T1 (process 1) took "b" off call, having seen "a" '
        "on call: nobody is left on call."
    )
    assert anomaly.details["transactions"][0] == {"op": 0, "saw_on_call": ["a", "b"], "went_off_call": ["a"]}


def test_one_after_the_other() -> None:
    assert judged("a+ b+ A-", "a- b+").valid is True
    assert judged("a+ b+ A-", "a+ b+", "a- b+").valid is True


def test_the_pair_is_found_in_a_long_shift() -> None:
    result = judged("a+ b+ c+ A-", "a- b+ c+", "a- b+ c+ C-", "a- b+ c+ B-", "a- b- c-")
    assert [each.type for each in result.anomalies] == ["write-skew"]
    assert set(result.anomalies[0].details["transactions"][0]["went_off_call"]) == {"c"}


def test_somebody_who_came_back_explains_it() -> None:
    assert judged("a+ b+ A-", "A+", "a+ b+ B-").valid is True
    assert judged("a+ b+ A-", "?A+", "a+ b+ B-").valid is True
    assert judged("a+ b+ A-", "!A+", "a+ b+ B-").valid is False


def test_nobody_on_call_without_a_certain_pair() -> None:
    result = judged("a+ b+ A-", "?a+ b+ B-", "a- b-", initial=None)
    assert result.valid is True, "what an unknown transaction saw is not known"
    result = judged("a+ b+ A-", "a- b-")
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, "nobody-on-call", (1, 2))
    assert "nobody was on call" in anomaly.explanation


def test_reads_that_no_order_has() -> None:
    result = judged("a+ b+ c+ A-", "a+ b- c+", "a- b+ c+")
    (anomaly,) = result.anomalies
    assert (anomaly.type, anomaly.operations) == ("unserializable", (1, 4))
    assert "no order of the shift's transactions leads to that" in anomaly.explanation
    result = judged("a+ b+ A-", "a+ b+ A- a+")
    assert [each.type for each in result.anomalies] == ["unserializable"]


def test_shifts_are_judged_by_themselves() -> None:
    apart = [txn(0, "a+ b+ A-", key=1), txn(1, "a+ b+ B-", key=2)]
    assert check(History(concurrent(*apart))).valid is True
    in_key = [call(0, "txn", [["r", [1, "a"], 1], ["r", [1, "b"], 1], ["w", [1, "a"], 0]]),
              call(1, "txn", [["r", [1, "a"], 1], ["r", [1, "b"], 1], ["w", [1, "b"], 0]])]  # fmt: skip
    result = check(History(concurrent(*in_key)))
    assert result.anomalies[0].explanation.startswith("Shift 1: ")


def test_who_is_on_call_at_the_beginning() -> None:
    assert judged("a- b+", "a- b+ A+").valid is False
    assert judged("a- b+", "a- b+ A+", "a+ b+ B-", initial={"a": False}).valid is True
    assert judged("A+", "a+ b- B+", "a+ b+ A-", initial=False).valid is True


def test_nobody_went_off_call() -> None:
    for texts in (["a+ b+"], ["?a+ b+ A-"], ["a+ b+", "A+"]):
        result = judged(*texts)
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


def test_a_client_that_breaks_the_rule_itself() -> None:
    for text in ("A-", "a+ A-", "a+ b- A-", "a+ b+ A- B-"):
        result = judged(text)
        assert result.reason is Reason.UNSUPPORTED
        assert "without having seen another one on call" in (result.explanation or "")


@pytest.mark.parametrize("value", [[["r", "a", None]], [["r", "a", 2]], [["w", "a", "off"]], [["r", "a", 1.0]], 7,
                                   [["r", [1, "a"], 1], ["r", [2, "a"], 1]]])  # fmt: skip
def test_what_it_has_no_word_for(value: Any) -> None:
    assert check(History(call(0, "txn", value))).reason is Reason.UNSUPPORTED


def test_a_shift_that_is_too_large_is_unknown() -> None:
    """Seventeen doctors come in any order; two readers each found another one alone, which nobody can tell in time."""
    doctors = [chr(ord("c") + i) for i in range(17)]
    calls = [txn(0, "a+ b+ A-"), *(txn(1 + i, f"{doctor.upper()}+") for i, doctor in enumerate(doctors))]
    for process, alone in enumerate("cd", 50):
        calls.append(txn(process, " ".join(f"{doctor}{'+' if doctor == alone else '-'}" for doctor in doctors)))
    result = check(History(concurrent(*calls)), initial=dict.fromkeys(doctors, False))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "too many to try their orders" in (result.explanation or "")

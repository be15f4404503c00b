"""Mutual exclusion and fencing: who held a lock for certain, how tokens grew, and what a storage accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from checkers.lock import check, exclusion, fencing
from checkers.lock.exclusion import ANOMALY
from checkers.lock.fencing import ORDER, REUSED, STALE_WRITE
from harness.history import Call, History, HistoryError, Op
from harness.result import Reason, Result
from tests.checkers.interleaving import Ask, end_of, interleaved

KINDS = {"acq": "acquire", "rel": "release", "write": "write", "read": "read"}


def history(*lines: str) -> History:
    """Lines such as "1 acq", "1 ok 33", "1 rel", "1 fail", "1 write {json}": completions name no operation."""
    ops: list[Op] = []
    running: dict[str, str] = {}
    for line in lines:
        process, word, *rest = line.split(maxsplit=2)
        value = json.loads(rest[0]) if rest else None
        if word in ("ok", "fail", "info"):
            ops.append(Op(word, int(process), running.pop(process), value, len(ops) * 1_000_000))  # type: ignore[arg-type]
        else:
            running[process] = KINDS.get(word, word)
            ops.append(Op("invoke", int(process), running[process], value, len(ops) * 1_000_000))
    return History(ops)


def excluded(*lines: str) -> Result:
    result = exclusion.check(history(*lines))
    json.dumps(result.as_json())
    return result


def fenced(*lines: str) -> Result:
    result = fencing.check(history(*lines))
    json.dumps(result.as_json())
    return result


def types(result: Result) -> list[str]:
    return [anomaly.type for anomaly in result.anomalies]


ONE = ("1 acq", "1 ok")


def test_one_after_the_other() -> None:
    result = excluded(*ONE, "1 rel", "1 ok", "2 acq", "2 ok", "2 rel", "2 ok")
    assert (result.valid, result.expect, result.operations) == (True, "mutual-exclusion", 4)
    assert result.details == {"grants": 2, "holds": 2, "overlaps": 0, "releases_by_others": 0, "keys": 1}
    assert excluded(*ONE, "2 acq", "1 rel", "2 ok", "1 ok").valid is True, "asked for release before the other's answer"


def test_two_at_once() -> None:
    result = excluded(*ONE, "2 acq", "2 ok", "1 rel", "1 ok", "2 rel", "2 ok")
    (anomaly,) = result.anomalies
    assert (result.valid, anomaly.type, anomaly.operations) == (False, ANOMALY, (0, 1, 2, 3, 4))
    assert anomaly.explanation == (
        "process 2 was granted the lock (op 3) while process 1 held it: that one had been granted it (op 1) and did "
        "not ask to release it before op 4; both held it for at least 1.0 ms."
    )
    never = excluded(*ONE, "2 acq", "2 ok")
    assert never.anomalies[0].explanation.endswith("had been granted it (op 1) and never asked to release it.")
    assert never.anomalies[0].operations == (0, 1, 2, 3)


def test_an_acquire_that_failed_or_of_unknown_outcome_accuses_nobody() -> None:
    assert excluded(*ONE, "2 acq", "2 fail", "3 acq", "3 info", "1 rel", "1 ok", "4 acq", "4 ok").valid is True


def test_a_release_of_unknown_outcome_ends_the_hold_when_it_is_asked() -> None:
    assert excluded(*ONE, "1 rel", "1 info", "2 acq", "2 ok").valid is True
    assert excluded(*ONE, "1 rel", "2 acq", "2 ok").valid is True


def test_who_is_gone_holds_nothing() -> None:
    assert excluded(*ONE, '1 write {"token": 1}', "1 info", "2 acq", "2 ok").valid is True
    assert excluded(*ONE, "2 acq", "2 ok", "1 read", "1 info").valid is False, "it was there until then"


def test_a_release_that_failed_leaves_it_open() -> None:
    result = excluded(*ONE, "1 rel", "1 fail", "2 acq", "2 ok")
    assert (result.valid, result.reason) == ("unknown", Reason.UNKNOWN_OUTCOME)
    assert "process 2 was granted the lock (op 5) when process 1" in (result.explanation or "")
    assert excluded(*ONE, "1 rel", "1 fail", "1 rel", "1 ok", "2 acq", "2 ok").valid is True
    assert excluded(*ONE, "2 acq", "2 ok", "1 rel", "1 fail").valid is False
    anew = (*ONE, "1 rel", "1 fail", "1 acq", "1 ok")
    assert excluded(*anew, "1 rel", "1 ok", "2 acq", "2 ok").valid is True, "it had been lost, or was held once more"
    assert excluded(*anew, "2 acq", "2 ok", "1 rel", "1 ok").valid is False


def test_a_release_by_another_leaves_it_open() -> None:
    result = excluded(*ONE, "3 rel", "3 ok", "2 acq", "2 ok")
    assert (result.valid, result.reason) == ("unknown", Reason.UNKNOWN_OUTCOME)
    assert excluded(*ONE, "3 rel", "3 fail", "2 acq", "2 ok").valid is False
    assert excluded("3 rel", "3 ok", *ONE, "2 acq", "2 ok").valid is False, "it was over before the lock was held"
    assert excluded("3 rel", *ONE, "3 ok", "2 acq", "2 ok").valid == "unknown"


def test_the_holder_may_acquire_again() -> None:
    again = (*ONE, "1 acq", "1 ok")
    assert excluded(*again, "1 rel", "1 ok", "1 rel", "1 ok", "2 acq", "2 ok").valid is True
    assert excluded(*again, "2 acq", "2 ok", "1 rel", "1 ok", "1 rel", "1 ok").valid is False
    assert excluded(*again, "1 rel", "1 ok", "2 acq", "2 ok").valid == "unknown", "one release may be enough"


def test_keys_are_locks_of_their_own() -> None:
    def ops(process: int, key: str) -> list[Op]:
        return [Op("invoke", process, "lock", key=key), Op("ok", process, "lock", key=key)]

    assert exclusion.check(History([*ops(1, "x"), *ops(2, "y")])).valid is True
    (anomaly,) = exclusion.check(History([*ops(1, "x"), *ops(2, "x")])).anomalies
    assert anomaly.explanation.startswith('Key "x": process 2')


def test_too_little_is_no_evidence() -> None:
    for lines in ((), ONE, ("1 acq", "1 fail")):
        result = excluded(*lines)
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


def test_tokens_grow() -> None:
    result = fenced("1 acq", "1 ok 1", "2 acq", '2 ok {"token": 2}', "3 acq", '3 ok {"fence": 5}')
    assert (result.valid, result.details["tokens"]) == (True, 3)


@pytest.mark.parametrize("token", [33, 32])
def test_a_later_grant_has_a_greater_token(token: int) -> None:
    (anomaly,) = fenced("1 acq", "1 ok 33", "1 rel", "1 ok", "2 acq", f"2 ok {token}").anomalies
    assert (anomaly.type, anomaly.operations) == (ORDER, (0, 1, 4, 5))
    assert anomaly.explanation == (
        f"process 2 was granted the lock with token {token} (op 5), though process 1 had been granted it with token 33 "
        "before that began (op 1)."
    )


def test_grants_beside_each_other_have_any_order_and_different_tokens() -> None:
    assert fenced("1 acq", "2 acq", "1 ok 34", "2 ok 33").valid is True
    (anomaly,) = fenced("1 acq", "2 acq", "1 ok 33", "2 ok 33").anomalies
    assert (anomaly.type, anomaly.operations) == (REUSED, (0, 2, 1, 3))


def test_a_grant_told_again_has_the_same_token() -> None:
    assert fenced("1 acq", "1 ok 33", "1 acq", "1 ok 33", "2 acq", "2 ok 34").valid is True
    assert types(fenced("1 acq", "1 ok 33", "1 rel", "1 ok", "1 acq", "1 ok 33")) == [ORDER]


WRITES = ("1 acq", "1 ok 33", "2 acq", "2 ok 34", '2 write {"token": 34, "value": "b"}', "2 ok")


def test_the_storage_refuses_an_older_token() -> None:
    assert fenced(*WRITES, '1 write {"token": 33}', "1 fail", '2 write {"token": 34}', "2 ok").valid is True
    (anomaly,) = fenced(*WRITES, '1 write {"token": 33, "value": "a"}', "1 ok").anomalies
    assert (anomaly.type, anomaly.operations) == (STALE_WRITE, (4, 5, 6, 7))
    assert anomaly.explanation == (
        "process 1's write with token 33 was accepted (op 7), though process 2's with token 34 had been, before it "
        "began (op 5)."
    )


def test_what_the_storage_may_not_have_seen_fences_nobody() -> None:
    for outcome in ("fail", "info"):
        lines = ("1 acq", "1 ok 33", "2 acq", "2 ok 34", '2 write {"token": 34}', f"2 {outcome}")
        assert fenced(*lines, '1 write {"token": 33}', "1 ok").valid is True
    beside = ('2 write {"token": 34}', '1 write {"token": 33}', "2 ok", "1 ok")
    assert fenced("1 acq", "1 ok 33", "2 acq", "2 ok 34", *beside).valid is True


def test_objects_are_guarded_by_themselves() -> None:
    def write(token: int, key: str) -> list[Op]:
        return [Op("invoke", token, "write", {"token": token}, key=key), Op("ok", token, "write", key=key)]

    assert fencing.check(History([*write(34, "a"), *write(33, "b"), *write(35, "a")])).valid is True
    assert types(fencing.check(History([*write(34, "a"), *write(33, "a")]))) == [STALE_WRITE]


def test_without_two_tokens_there_is_no_fence() -> None:
    for lines in ((), ("1 acq", "1 ok 33"), ("1 acq", "1 ok", "1 rel", "1 ok", "2 acq", '2 ok "locked"')):
        result = fenced(*lines)
        assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)
    assert fenced("1 acq 5", "1 ok 5", "2 acq 5", "2 ok 5").valid == "unknown", "what was asked for is no token"


def test_a_lock_is_both_and_fencing_only_where_there_are_tokens() -> None:
    lines = (*ONE, "1 rel", "1 ok", "2 acq", "2 ok")
    assert (check(history(*lines)).valid, check(history(*lines)).expect) == (True, "lock")
    both = check(history("1 acq", "1 ok 33", "2 acq", "2 ok 33"))
    assert types(both) == [ANOMALY, ORDER]
    assert (both.expect, both.details["fencing"]["valid"]) == ("lock", False)
    paused = check(history(*WRITES, '1 write {"token": 33}', "1 fail"))
    assert types(paused) == [ANOMALY], "two holders, and the fence held"


@pytest.mark.parametrize("strange", [("3 steal", "3 ok"), ("3 acq", '3 ok {"token": "x"}')])
def test_what_it_does_not_know_is_unsupported(strange: tuple[str, ...]) -> None:
    result = check(history("1 acq", "1 ok 1", "1 rel", "1 ok", "2 acq", "2 ok 2", "2 rel", "2 ok", *strange))
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "expected" in (result.explanation or "")


def test_lines_that_do_not_pair_up_are_no_history() -> None:
    with pytest.raises(HistoryError):
        check(History([Op("ok", 0, "acquire")]))


def test_many_are_counted_and_some_told() -> None:
    lines = [line for process in range(200) for line in (f"{process} acq", f"{process} ok 7")]
    result = check(history(*lines))
    assert (result.details["overlaps"], len(result.anomalies)) == (199, 16)


@dataclass(slots=True)
class Holder:
    """What is known of one process at one line of the history: how many grants it has not given back."""

    grants: int = 0
    certain: bool = False
    perhaps: bool = False
    robbed: bool = False  # somebody else's release may have ended its hold


def line_by_line(history: History) -> bool | str:
    """Walks through the lines and looks at each who holds the (only) lock: the definition, without intervals."""
    calls = {call.invoke: call for call in history.calls()}
    ends = {call.complete: call for call in calls.values() if call.complete is not None}
    holders: dict[Any, Holder] = {}
    strangers: list[Call] = []  # releases by processes that held nothing, while they may take effect
    two = doubt = False
    for position, op in enumerate(history):
        mine = holders.setdefault(op.process, Holder())
        if position in calls:
            ask(calls[position], mine, holders, strangers)
        else:
            answer(ends[position], mine, strangers)
        sure = [process for process, each in holders.items() if each.certain and not each.robbed]
        two |= len(sure) > 1
        doubt |= bool(sure) and sum(each.perhaps for each in holders.values()) > 1
    grants = sum(call.f == "acquire" and call.outcome == "ok" for call in calls.values())
    return False if two else "unknown" if doubt or grants < 2 else True


def ask(call: Call, mine: Holder, holders: dict[Any, Holder], strangers: list[Call]) -> None:
    if call.f == "release" and not mine.perhaps and call.outcome != "fail":
        strangers.append(call)
        for process, each in holders.items():
            each.robbed |= process != call.process and each.certain
    elif call.f == "release" and mine.perhaps:
        mine.certain = False
        mine.grants = 0 if call.outcome == "fail" else mine.grants - 1
        mine.perhaps = call.outcome == "fail" or mine.grants > 0
    elif call.f == "acquire" and call.outcome == "ok" and not mine.certain:
        mine.perhaps = False
    if call.outcome == "info":
        mine.certain = mine.perhaps = False
    if not mine.perhaps and call.f == "release":
        mine.grants = 0


def answer(call: Call, mine: Holder, strangers: list[Call]) -> None:
    if call in strangers and call.outcome == "ok":
        strangers.remove(call)
    if call.f != "acquire" or call.outcome != "ok":
        return
    mine.grants += 1
    if not mine.certain:
        mine.certain = mine.perhaps = True
        mine.robbed = bool(strangers)


def test_random_histories_line_by_line() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        random = Random(seed)
        asked = [Ask(random.choice(("acquire", "release"))) for _ in range(random.randrange(3, 12))]
        whole = interleaved(random, asked, lambda ask: None, weights=(6, 2, 0.5, 0.3))
        expected, result = line_by_line(whole), exclusion.check(whole)
        assert result.valid == expected, f"seed {seed}: {list(whole)}"
        verdicts[result.valid] += 1
    assert min(verdicts.values()) > 200, verdicts


def by_pairs(calls: list[Call]) -> bool | str:
    """Every pair of grants and every pair of writes, held against the definition. Nobody acquires twice here."""
    grants = [call for call in calls if call.f == "acquire" and call.outcome == "ok"]
    writes = [call for call in calls if call.f == "write" and call.outcome == "ok"]
    for a in grants:
        for b in grants:
            if a is not b and (a.result == b.result or (end_of(a) < b.invoke and a.result > b.result)):
                return False
    for a in writes:
        for b in writes:
            if end_of(a) < b.invoke and a.argument["token"] > b.argument["token"]:
                return False
    return True if len(grants) > 1 or len(writes) > 1 else "unknown"


def test_random_tokens_against_every_pair() -> None:
    verdicts = {True: 0, False: 0, "unknown": 0}
    for seed in range(2000):
        random, granted = Random(seed), [0]
        size = random.randrange(2, 7)
        asked = [Ask("acquire") if random.random() < 0.5 else Ask("write", {"token": i + random.randrange(3)})
                 for i in range(size)]  # fmt: skip

        def answer(ask: Ask, random: Random = random, granted: list[int] = granted) -> Any:
            granted[0] += random.choice((0, 1, 1, 1, 1, 2)) if ask.f == "acquire" else 0
            return granted[0] if ask.f == "acquire" else ask.argument

        whole = interleaved(random, asked, answer, clients=size)
        whole = History(Op(op.type, op.process, op.f, op.value) for op in spread(whole))
        expected, result = by_pairs(whole.calls()), fencing.check(whole)
        assert result.valid == expected, f"seed {seed}: {list(whole)}"
        verdicts[result.valid] += 1
    assert min(verdicts.values()) > 200, verdicts


def spread(history: History) -> list[Op]:
    """Every operation by a process of its own."""
    partners = history.partners
    starts = [i if op.type == "invoke" else partners[i] for i, op in enumerate(history)]
    return [Op(op.type, start, op.f, op.value) for op, start in zip(history, starts, strict=True)]

"""The verdict on shifts, and who saw whom on call in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, Final

from checkers.guard import guarded
from checkers.value import Codes, plain, show
from checkers.write_skew.order import Undecided, is_serializable
from checkers.write_skew.shift import Shift, Transaction, read
from harness.history import INVOKE, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "write-skew"
NOBODY_ON_CALL, UNSERIALIZABLE = "nobody-on-call", "unserializable"
ANOMALIES_MAX: Final = 16
_PAIRS_MAX: Final = 200
_TOLD_MAX: Final = 6


def check(history: History, *, initial: Any = None, time_limit_s: float | None = None) -> Result:
    """Whether at least one doctor of each shift stays on call, whatever two transactions saw of each other.

    Invalid: one anomaly per shift (at most ANOMALIES_MAX), whose operations are both halves of the transactions of its
    evidence. ``initial``: who is on call at the beginning. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, initial, deadline), method="serial-order")


def _judge(history: History, initial: Any, deadline: float | None) -> Result:
    codes = Codes()
    shifts = read(history, codes, initial)
    anomalies: list[Anomaly] = []
    undecided: list[Any] = []
    broken = 0
    for shift in shifts:
        certain = [each for each in shift.transactions if each.call.outcome == "ok"]
        try:
            if is_serializable(shift, certain, deadline):
                continue
            broken += 1
            if len(anomalies) < ANOMALIES_MAX:
                anomalies.append(_anomaly(shift, certain, codes, deadline))
        except Undecided:
            undecided.append(shift.key)
    left = sum(bool(each.leaves) for shift in shifts for each in shift.transactions if each.call.outcome == "ok")
    doubt = None if anomalies else _doubt(undecided, left)
    return Result(
        valid=False if anomalies else True if doubt is None else "unknown",
        expect=EXPECT,
        method="serial-order",
        reason=None if doubt is None else doubt[0],
        explanation=None if doubt is None else doubt[1],
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "shifts": len(shifts),
            "transactions": sum(len(shift.transactions) for shift in shifts),
            "went_off_call": left,
            "broken_shifts": broken,
            "undecided_shifts": len(undecided),
        },
    )


def _doubt(undecided: Sequence[Any], left: int) -> tuple[Reason, str] | None:
    if undecided:
        which = "" if undecided[0] is None else f" of shift {show(undecided[0])}"
        return Reason.UNSUPPORTED, f"the transactions{which} are too many to try their orders; expected shorter shifts"
    if not left:
        return Reason.TOO_FEW_OK, "nobody went off call after having seen somebody else on call"
    return None


def _anomaly(shift: Shift, certain: Sequence[Transaction], codes: Codes, deadline: float | None) -> Anomaly:
    for pair in _pairs(certain):
        if not is_serializable(shift, pair, deadline):
            return _skew(shift, pair, codes)
    return _other(shift, _smallest(shift, certain, deadline), codes)


def _pairs(certain: Sequence[Transaction]) -> Iterator[tuple[Transaction, Transaction]]:
    """Pairs each of which saw the other's doctor on call and took its own off; neighbours in time first."""
    leaving = [each for each in certain if each.leaves]
    tried = 0
    for distance in range(1, len(leaving)):
        for first, second in zip(leaving, leaving[distance:], strict=False):
            if _seen(first, second) and _seen(second, first):
                yield first, second
                tried += 1
                if tried == _PAIRS_MAX:
                    return


def _smallest(shift: Shift, certain: Sequence[Transaction], deadline: float | None) -> list[Transaction]:
    """A part of them that has no serial order either, and no smaller part by one is such.

    Whole stretches are left out first, for most of a long shift has nothing to do with it."""
    kept = list(certain)
    size = len(kept)
    while size:
        place = 0
        while place < len(kept):
            fewer = kept[:place] + kept[place + size :]
            if _is_refuted(shift, fewer, deadline):
                kept = fewer
            else:
                place += size
        size //= 2
    return kept


def _is_refuted(shift: Shift, members: Sequence[Transaction], deadline: float | None) -> bool:
    try:
        return not is_serializable(shift, members, deadline)
    except Undecided:
        return False


def _skew(shift: Shift, pair: tuple[Transaction, Transaction], codes: Codes) -> Anomaly:
    one, other = pair
    left = sorted({*one.leaves, *other.leaves})
    nobody = set(left) == set(shift.initial)
    told = [
        f"{_who(a)} took {_names(a.leaves, codes)} off call, having seen {_names(_seen(a, b), codes)} on call"
        for a, b in ((one, other), (other, one))
    ]
    end = "nobody is left on call" if nobody else "each saw what was so before the other one, and no order has that"
    return _made(shift, "write-skew", pair, f"{told[0]}; {told[1]}: {end}.", codes)


def _seen(one: Transaction, other: Transaction) -> list[int]:
    """Whom the other one took off call, and this one saw on call and did not take off itself."""
    return [doctor for doctor in other.leaves if one.saw_on(doctor) and doctor not in one.leaves]


def _other(shift: Shift, members: Sequence[Transaction], codes: Codes) -> Anomaly:
    deserted = [each for each in members if _saw_nobody(shift, each)]
    texts = [_told(each, codes) for each in members[:_TOLD_MAX]]
    texts += [f"and {len(members) - _TOLD_MAX} more"] if len(members) > _TOLD_MAX else []
    if not deserted:
        why = "no serial order has this" if len(members) > 1 else "no order of the shift's transactions leads to that"
        return _made(shift, UNSERIALIZABLE, members, f"{'; '.join(texts)}: {why}.", codes)
    unknown = [each for each in shift.transactions if each.call.outcome == "info" and each.leaves]
    maybe = "".join(f"; {_who(each)}, whose outcome is unknown, was to take {_names(each.leaves, codes)} off call"
                    for each in unknown[:_TOLD_MAX])  # fmt: skip
    text = f"{'; '.join(texts)}{maybe}: nobody was on call, and whoever goes off must have seen somebody else on call."
    return _made(shift, NOBODY_ON_CALL, members, text, codes)


def _saw_nobody(shift: Shift, each: Transaction) -> bool:
    return len(each.saw) == len(shift.initial) and not any(on for _, on in each.saw)


def _told(each: Transaction, codes: Codes) -> str:
    saw = ", ".join(f"{_names([doctor], codes)} {_state(on)}" for doctor, on in each.saw) or "nothing"
    wrote = ", ".join(f"{_names([doctor], codes)} {_state(on)}" for doctor, on in each.wrote)
    itself = "" if each.agrees_with_itself else " (and then otherwise)"
    return f"{_who(each)} saw {saw}{itself}" + (f" and put {wrote}" if wrote else "")


def _state(on: bool) -> str:
    return "on call" if on else "off call"


def _who(each: Transaction) -> str:
    return f"T{each.call.invoke} (process {each.call.process})"


def _names(doctors: Sequence[int], codes: Codes) -> str:
    texts = [show(codes.value(doctor)) for doctor in doctors[:_TOLD_MAX]]
    return " and ".join(texts) + (" and others" if len(doctors) > _TOLD_MAX else "")


def _made(shift: Shift, type_: str, members: Sequence[Transaction], text: str, codes: Codes) -> Anomaly:
    where = "" if shift.key is None else f"Shift {show(shift.key)}: "
    halves = (half for each in members for half in (each.call.invoke, each.call.complete))
    operations = tuple(dict.fromkeys(half for half in halves if half is not None))
    details = {
        "key": plain(shift.key),
        "transactions": [
            {
                "op": each.call.invoke,
                "saw_on_call": [plain(codes.value(doctor)) for doctor, on in each.saw if on],
                "went_off_call": [plain(codes.value(doctor)) for doctor in each.leaves],
            }
            for each in members
        ],
    }
    return Anomaly(type_, operations, where + text, details)

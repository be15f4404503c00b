"""A history read as shifts: who saw whom on call, and who went off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.micro_operation import NAMES, micro_operations
from checkers.value import Codes, show
from harness.history import DUMP, Call, History

_NAMES: Final = (*NAMES, "go-off-call", "roster")
"""The last two are the workload's: a procedure decides whether it writes, so ``txn`` would promise too much."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """``saw``: (doctor's code, on call?) of what it read and had not written itself; ``wrote``: the last of each."""

    call: Call
    saw: tuple[tuple[int, bool], ...]
    wrote: tuple[tuple[int, bool], ...]
    agrees_with_itself: bool = True

    @property
    def leaves(self) -> list[int]:
        """The doctors that it takes off call."""
        return [doctor for doctor, on in self.wrote if not on]

    def saw_on(self, doctor: int) -> bool:
        return (doctor, True) in self.saw


@dataclass(slots=True)
class Shift:
    """``initial``: by doctor, in the order in which they appear."""

    key: Any
    initial: dict[int, bool] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)


def read(history: History, codes: Codes, initial: Any) -> list[Shift]:
    """Raises :class:`checkers.guard.Unsupported` for what are no transactions on doctors, or break the rule."""
    found: dict[int, Shift] = {}
    for call in history.calls():
        if call.f != DUMP:
            _take(found, codes, initial, call)
    return list(found.values())


def _take(found: dict[int, Shift], codes: Codes, initial: Any, call: Call) -> None:
    """One transaction, which is about one shift."""
    micros = [(*_place(call, micro.key), micro) for micro in micro_operations(call, _NAMES)]
    if not micros:
        return
    shifts = {codes.code(shift) for shift, _, _ in micros}
    if len(shifts) > 1:
        raise Unsupported(f"operation {call.invoke}: read a transaction on {len(shifts)} shifts; expected one shift")
    shift = found.setdefault(shifts.pop(), Shift(micros[0][0]))
    saw: dict[int, bool] = {}
    wrote: dict[int, bool] = {}
    agrees = True
    for _, doctor, micro in micros:
        code = codes.code(doctor)
        shift.initial.setdefault(code, _at_first(initial, doctor))
        if micro.is_write:
            wrote[code] = _on_call(call, micro.value)
        elif call.outcome == "ok":
            on = _on_call(call, micro.value)
            known = wrote.get(code, saw.get(code, on))
            agrees &= known == on
            if code not in wrote:
                saw[code] = on
    if call.outcome == "fail":
        return
    transaction = Transaction(call, tuple(saw.items()), tuple(wrote.items()), agrees)
    if call.outcome == "ok":
        _keeps_the_rule(transaction)
    shift.transactions.append(transaction)


def _place(call: Call, key: Any) -> tuple[Any, Any]:
    """The shift and the doctor of a micro-operation's key."""
    if call.key is None and isinstance(key, (list, tuple)) and len(key) == 2:
        return key[0], key[1]
    return call.key, key


def _at_first(initial: Any, doctor: Any) -> bool:
    if isinstance(initial, Mapping):
        found = initial.get(doctor, True) if isinstance(doctor, (str, int)) else True
        return found in (True, 1)
    return initial is None or initial in (True, 1)


def _on_call(call: Call, value: Any) -> bool:
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise Unsupported(f"operation {call.invoke}: read {show(value)} of a doctor; expected true or false (1 or 0)")


def _keeps_the_rule(each: Transaction) -> None:
    leaves = each.leaves
    puts_on = any(on for _, on in each.wrote)
    if leaves and not puts_on and not any(on and doctor not in leaves for doctor, on in each.saw):
        raise Unsupported(
            f"operation {each.call.invoke}: read a transaction that takes a doctor off call without having seen "
            "another one on call; expected one that keeps somebody on call by itself"
        )

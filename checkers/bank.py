"""Bank: money is moved between accounts, and every read of all of them shows the same total.

After Jepsen's ``jepsen.tests.bank``. Operations: ``transfer``, asked with {"from": a, "to": b, "amount": n}; ``read``,
whose ok answer is a map from account to balance, a whole number. No transfer changes the sum of all balances, so that
under snapshot isolation (or anything stronger) every ok read must show it, whatever transfers failed, are unknown or
run beside it; a read of half a transfer, or an update that was lost, does not. Anomalies:

* "wrong-total": the balances do not add up to ``total`` (without it: to what the first ok read showed);
* "negative-value": an account below zero, unless ``negative_balances`` are allowed;
* "missing-account", "unexpected-account": accounts are neither opened nor closed, so every read shows those of the
  first ok read;
* "nil-balance": an account without a balance (which counts as none in the total).

Keys, where present, are banks of their own. A bank that nobody read, or only once and without a known total, was not
tested: unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.map_key import map_key, short
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "bank"
WRONG_TOTAL, NEGATIVE_VALUE, NIL_BALANCE = "wrong-total", "negative-value", "nil-balance"
MISSING_ACCOUNT, UNEXPECTED_ACCOUNT = "missing-account", "unexpected-account"
TYPES: Final = (WRONG_TOTAL, NEGATIVE_VALUE, MISSING_ACCOUNT, UNEXPECTED_ACCOUNT, NIL_BALANCE)
READS_TOLD_MAX: Final = 8  # per type and bank, the first ones
_AROUND_MAX: Final = 3
_LISTED_MAX: Final = 32
_TICK: Final = 1024
_BITS_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Read:
    """An ok read: the balance of each account, None where it showed none."""

    call: Call
    balances: Mapping[str, int | None]

    @property
    def end(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete

    @property
    def total(self) -> int:
        return sum(balance for balance in self.balances.values() if balance is not None)


@dataclass(frozen=True, slots=True)
class Transfer:
    call: Call
    source: str
    target: str
    amount: int

    @property
    def certain_end(self) -> float:
        """Where it is over, if that is known."""
        return inf if self.call.outcome == "info" or self.call.complete is None else self.call.complete


@dataclass(slots=True)
class Bank:
    """One key. ``reads`` in order of completion, ``transfers`` in order of invocation."""

    key: Any
    reads: list[Read] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What every read must show. ``by_first``: the total is that of the first read."""

    total: int
    accounts: frozenset[str]
    negative_balances: bool
    first: Read
    by_first: bool


def check(
    history: History, *, total: int | None = None, negative_balances: bool = False, time_limit_s: float | None = None
) -> Result:
    """Whether every read of the bank shows the same total, and no account below zero, each key by itself.

    Invalid: one anomaly per read and type (READS_TOLD_MAX of a type and key, the first ones); its operations are both
    halves of the first read, where that is what was expected, then of the read. ``details``: how many there are of
    each type, and the ``lowest`` and ``highest`` totals that were read. O(size of the history). Raises
    :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, total, negative_balances, deadline), method="totals")


def _judge(history: History, total: int | None, negative_balances: bool, deadline: float | None) -> Result:
    if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
        raise Unsupported(f"read the total {show(total)}; expected a whole number")
    banks = banks_of(history)
    counts = dict.fromkeys(TYPES, 0)
    anomalies: list[Anomaly] = []
    untested = [] if banks else [None]
    for bank in banks:
        if not bank.reads:
            untested.append(bank.key)
            continue
        by_first = total is None
        first = bank.reads[0]
        rules = _Rules(first.total if total is None else total, frozenset(first.balances), negative_balances, first,
                       by_first)  # fmt: skip
        if by_first and len(bank.reads) == 1:
            untested.append(bank.key)
        anomalies += _look(bank, rules, counts, deadline)
    totals = [read.total for bank in banks for read in bank.reads]
    unknown = bool(untested and not anomalies)
    return Result(
        valid=False if anomalies else "unknown" if unknown else True,
        expect=EXPECT,
        method="totals",
        reason=Reason.TOO_FEW_OK if unknown else None,
        explanation=_untested(untested[0], total) if unknown else None,
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "banks": len(banks),
            "reads": len(totals),
            "transfers": sum(len(bank.transfers) for bank in banks),
            "acknowledged": sum(each.call.outcome == "ok" for bank in banks for each in bank.transfers),
            "lowest": plain(min(totals, default=None)),
            "highest": plain(max(totals, default=None)),
            **{name.replace("-", "_"): count for name, count in counts.items()},
        },
    )


def _untested(key: Any, total: int | None) -> str:
    which = "" if key is None else f" of key {show(key)}"
    if total is None:
        return f"fewer than two reads{which} were ok, and the total was not told: there is nothing to compare"
    return f"no read{which} was ok: nobody saw a total"


def banks_of(history: History) -> list[Bank]:
    """The banks of a history. Raises :class:`checkers.guard.Unsupported`."""
    codes = Codes()
    found: dict[int, Bank] = {}
    for call in history.calls():
        if call.f == DUMP:
            continue
        bank = found.setdefault(codes.code(call.key), Bank(call.key))
        if call.f == "transfer":
            bank.transfers.append(_transfer(call))
        elif call.f == "read":
            if call.outcome == "ok":
                bank.reads.append(_read(call))
        else:
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected transfer or read")
    for bank in found.values():
        bank.reads.sort(key=lambda read: read.end)
    return list(found.values())


def _transfer(call: Call) -> Transfer:
    asked = call.argument
    if not isinstance(asked, Mapping) or not {"from", "to", "amount"} <= set(asked) or not _is_whole(asked["amount"]):
        raise Unsupported(
            f'operation {call.invoke}: read the transfer {show(asked)}; expected {{"from": account, "to": account, '
            '"amount": a whole number}'
        )
    return Transfer(call, map_key(call.invoke, asked["from"]), map_key(call.invoke, asked["to"]), asked["amount"])


def _read(call: Call) -> Read:
    shown = call.result
    assert call.complete is not None, "an ok operation has completed"
    if not isinstance(shown, Mapping):
        raise Unsupported(f"operation {call.complete}: read the balances {show(shown)}; expected a map by account")
    balances: dict[str, int | None] = {}
    for account, balance in shown.items():
        name = map_key(call.complete, account)
        if balance is not None and not _is_whole(balance):
            raise Unsupported(f"operation {call.complete}: read the balance {show(balance)}; expected a whole number")
        if name in balances:
            raise Unsupported(f"operation {call.complete}: read the account {show(name)} twice; expected it once")
        balances[name] = balance
    return Read(call, balances)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _BITS_MAX


def _look(bank: Bank, rules: _Rules, counts: dict[str, int], deadline: float | None) -> Iterator[Anomaly]:
    """The anomalies of one bank, and all of them counted."""
    told = dict.fromkeys(TYPES, 0)
    for done, read in enumerate(bank.reads):
        if done % _TICK == 0 and deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {len(bank.reads)} reads were looked at within the time allowed")
        for type_ in _wrong(read, rules):
            counts[type_] += 1
            told[type_] += 1
            if told[type_] <= READS_TOLD_MAX:
                yield _TELL[type_](bank, rules, read)


def _wrong(read: Read, rules: _Rules) -> Iterator[str]:
    if read.total != rules.total:
        yield WRONG_TOTAL
    if not rules.negative_balances and any(balance is not None and balance < 0 for balance in read.balances.values()):
        yield NEGATIVE_VALUE
    if read.balances.keys() != rules.accounts:
        if rules.accounts - read.balances.keys():
            yield MISSING_ACCOUNT
        if read.balances.keys() - rules.accounts:
            yield UNEXPECTED_ACCOUNT
    if None in read.balances.values():
        yield NIL_BALANCE


def _wrong_total(bank: Bank, rules: _Rules, read: Read) -> Anomaly:
    difference = read.total - rules.total
    around = _around(bank, read, lambda each: abs(each.amount) == abs(difference))
    expected = f"the {rules.total} that the first read showed (op {rules.first.end})" if rules.by_first else rules.total
    off = f"{abs(difference)} {'less' if difference < 0 else 'more'} than {expected}"
    text = (f"{_who(bank, read)} read a total of {read.total}, {off}: {show(dict(read.balances))}. "
            f"{_half(around, difference)}{_told(around, read)}")  # fmt: skip
    details = {"total": plain(read.total), "expected": plain(rules.total), "difference": plain(difference)}
    return _anomaly(WRONG_TOTAL, bank, read, text, details, around, rules.first if rules.by_first else None)


def _half(around: Sequence[Transfer], difference: int) -> str:
    """What one half of the transfer that comes first would explain."""
    if not around or abs(around[0].amount) != abs(difference) or around[0].source == around[0].target:
        return ""
    each = around[0]
    left = (difference < 0) == (each.amount > 0)
    what = f"{each.amount} had left {short(each.source)} and not yet come to {short(each.target)}" if left else (
        f"{each.amount} had come to {short(each.target)} and not yet left {short(each.source)}")  # fmt: skip
    return f"It is as if {what}. "


def _negative_value(bank: Bank, rules: _Rules, read: Read) -> Anomaly:
    below = {name: balance for name, balance in read.balances.items() if balance is not None and balance < 0}
    around = _around(bank, read, lambda each: each.source in below)
    shown = ", ".join(f"account {short(name)} at {balance}" for name, balance in list(below.items())[:_AROUND_MAX])
    more = f" and {len(below) - _AROUND_MAX} more below zero" if len(below) > _AROUND_MAX else ""
    text = f"{_who(bank, read)} read {shown}{more}. {_told(around, read)}"
    return _anomaly(NEGATIVE_VALUE, bank, read, text, {"accounts": _listed(below)}, around, None)


def _missing_account(bank: Bank, rules: _Rules, read: Read) -> Anomaly:
    lacking = sorted(rules.accounts - read.balances.keys())
    around = _around(bank, read, lambda each: each.source in lacking or each.target in lacking)
    text = (f"{_who(bank, read)} read no account {_names(lacking)}, which the first read showed (op "
            f"{rules.first.end}); no account is ever closed. {_told(around, read)}")  # fmt: skip
    return _anomaly(MISSING_ACCOUNT, bank, read, text, {"accounts": lacking[:_LISTED_MAX]}, around, rules.first)


def _unexpected_account(bank: Bank, rules: _Rules, read: Read) -> Anomaly:
    more = sorted(read.balances.keys() - rules.accounts)
    around = _around(bank, read, lambda each: each.source in more or each.target in more)
    text = (f"{_who(bank, read)} read an account {_names(more)}, which the first read did not show (op "
            f"{rules.first.end}); no account is ever opened. {_told(around, read)}")  # fmt: skip
    return _anomaly(UNEXPECTED_ACCOUNT, bank, read, text, {"accounts": more[:_LISTED_MAX]}, around, rules.first)


def _nil_balance(bank: Bank, rules: _Rules, read: Read) -> Anomaly:
    empty = sorted(name for name, balance in read.balances.items() if balance is None)
    around = _around(bank, read, lambda each: each.source in empty or each.target in empty)
    text = f"{_who(bank, read)} read no balance of account {_names(empty)}. {_told(around, read)}"
    return _anomaly(NIL_BALANCE, bank, read, text, {"accounts": empty[:_LISTED_MAX]}, around, None)


_TELL: Final[Mapping[str, Callable[[Bank, _Rules, Read], Anomaly]]] = {
    WRONG_TOTAL: _wrong_total,
    NEGATIVE_VALUE: _negative_value,
    MISSING_ACCOUNT: _missing_account,
    UNEXPECTED_ACCOUNT: _unexpected_account,
    NIL_BALANCE: _nil_balance,
}


def _anomaly(
    type_: str, bank: Bank, read: Read, text: str, details: Mapping[str, Any], around: Sequence[Transfer],
    first: Read | None,
) -> Anomaly:  # fmt: skip
    reads = [each for each in (first, read) if each is not None]
    operations = tuple(dict.fromkeys(half for each in reads for half in (each.call.invoke, each.end)))
    return Anomaly(type_, operations, text.strip(), {
        "key": plain(bank.key),
        **details,
        "balances": _listed(read.balances),
        "transfers": [each.call.invoke for each in around],
    })  # fmt: skip


def _listed(balances: Mapping[str, int | None]) -> dict[str, Any]:
    return {name: plain(balance) for name, balance in list(balances.items())[:_LISTED_MAX]}


def _around(bank: Bank, read: Read, suspect: Callable[[Transfer], bool]) -> list[Transfer]:
    """The transfers that may have to do with it: the suspects first, then those that ran beside it, the last first."""
    begun = [each for each in bank.transfers if each.call.invoke < read.end]
    marked = [(suspect(each), each.certain_end > read.call.invoke, each.call.invoke, each) for each in begun]
    told = sorted((mark for mark in marked if mark[0] or mark[1]), key=lambda mark: mark[:3], reverse=True)
    return [each for *_, each in told[:_AROUND_MAX]]


def _told(around: Sequence[Transfer], read: Read) -> str:
    if not around:
        return "No transfer ran beside it."
    return "Around it: " + "; ".join(_transfer_text(each, read) for each in around) + "."


def _transfer_text(each: Transfer, read: Read) -> str:
    call = each.call
    beside = "beside it" if each.certain_end > read.call.invoke else "before it"
    outcome = {"ok": "", "fail": ", and failed", "info": ", with unknown outcome"}[call.outcome]
    return (f"process {call.process}'s transfer of {each.amount} from {short(each.source)} to {short(each.target)} "
            f"(op {call.invoke}) ran {beside}{outcome}")  # fmt: skip


def _who(bank: Bank, read: Read) -> str:
    where = "" if bank.key is None else f"Key {show(bank.key)}: "
    return f"{where}process {read.call.process} (op {read.end})"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _AROUND_MAX} more" if len(names) > _AROUND_MAX else ""
    return ", ".join(short(name) for name in names[:_AROUND_MAX]) + more

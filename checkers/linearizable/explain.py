"""The story of a witness, for a person: which result cannot be explained, and by what it is excluded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from checkers.linearizable.model import UNKNOWN
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import ANY, transition
from checkers.value import Codes, show
from harness.fault_window import FaultWindow
from harness.history import History

_LISTED_MAX: Final = 24
_BESIDES_MAX: Final = 6


def explain(
    history: History,
    key: KeyHistory,
    codes: Codes,
    witness: Sequence[Operation],
    faults: Sequence[FaultWindow] = (),
) -> str:
    """A few sentences. Every claim is about the whole key, not only about the witness."""
    where = "" if key.key is None else f"Key {show(key.key)}: "
    observers = sorted(witness, key=lambda operation: -operation.invoke)[:_LISTED_MAX]
    for observer in observers if _is_register(key) else ():
        story = _never_there(key, key.initial, codes, observer) or _gone(key, key.initial, codes, observer)
        if story:
            return where + story + _circumstances(history, observer, faults)
    besides = _besides(key, witness, codes)
    story = _no_order(witness, codes, ", wherever the others are put" if besides else "") + besides
    return where + story + _circumstances(history, witness[-1], faults)


def _is_register(key: KeyHistory) -> bool:
    """Whether the operations are about values, and not, in disguise, about a lock."""
    return all(operation.call.f != "acquire" for operation in key.required) and key.model.kind == "register"


def _never_there(key: KeyHistory, initial: int, codes: Codes, observer: Operation) -> str | None:
    """Nothing that could have left the value was invoked before the observer had completed."""
    value = transition(observer.step)[0]
    makers = list(_makers(key, value))
    assert observer.complete is not None, "a witness consists of operations that happened"
    if value in (ANY, initial) or any(maker.invoke < observer.complete for maker in makers):
        return None
    text = f"{_whose(observer, codes)} had completed "
    if makers:
        first = min(makers, key=lambda maker: maker.invoke)
        return f"{text}before anything had left {_value(codes, value)}: {_whose(first, codes)} began only later."
    return f"{text}though nothing ever left {_value(codes, value)}, and the initial value was {_value(codes, initial)}."


def _gone(key: KeyHistory, initial: int, codes: Codes, observer: Operation) -> str | None:
    """All that left the value had completed before another one was seen or left, and that had happened by then."""
    value = transition(observer.step)[0]
    makers = [maker for maker in _makers(key, value) if maker.invoke < (observer.complete or 0)]
    latest = max((-1 if maker.complete is None else maker.complete for maker in makers), default=-1)
    if value == ANY or any(maker.complete is None for maker in makers) or (not makers and value != initial):
        return None
    for other in sorted(key.required, key=lambda operation: -operation.invoke):
        assert other.complete is not None
        if transition(other.step)[1] == value or latest > other.invoke or other.complete > observer.invoke:
            continue
        return (
            f"{_whose(observer, codes)} began after {_whose(other, codes)} had completed, "
            f"and nothing left {_value(codes, value)} again."
        )
    return None


def _makers(key: KeyHistory, value: int) -> Iterable[Operation]:
    for operation in (*key.required, *key.optional):
        expects, leaves = transition(operation.step)
        if leaves == value != expects:
            yield operation


def _no_order(witness: Sequence[Operation], codes: Codes, wherever: str) -> str:
    lines = [_whose(operation, codes, until=True) for operation in witness[:_LISTED_MAX]]
    more = f"; and {len(witness) - _LISTED_MAX} more" if len(witness) > _LISTED_MAX else ""
    what = f"No order of these {len(witness)} operations explains all their results"
    what = what if len(witness) > 1 else "No order explains the result of one operation"
    return f"{what}{wherever}: {'; '.join(lines)}{more}."


def _besides(key: KeyHistory, witness: Sequence[Operation], codes: Codes) -> str:
    """What else changed the object, and is free to have done so at any time after it began, or never: of these, what
    put there something that the witness saw, if there is any."""
    members, end = {each.invoke for each in witness}, max(each.complete or each.invoke for each in witness)
    others = [each for each in (*key.required, *key.optional)
              if each.invoke not in members and each.invoke < end and not key.model.observes(each.step)]  # fmt: skip
    seen = {show(each.call.result) for each in witness}
    related = [each for each in others if show(each.call.argument) in seen] or others
    if not related:
        return ""
    told = sorted(related, key=lambda each: each.invoke)[:_BESIDES_MAX]
    more = f", and {len(related) - len(told)} more" * (len(related) > len(told))
    texts = [f"process {each.call.process}'s {_what(each, codes)} from op {each.invoke} on" for each in told]
    return f" Others may have taken effect at any time after they began: {', '.join(texts)}{more}."


def _circumstances(history: History, observer: Operation, faults: Sequence[FaultWindow]) -> str:
    seconds = history.seconds(observer.invoke)
    when = f" It began {seconds:.2f} s into the history" if seconds is not None else ""
    under = [str(fault) for fault in faults if fault.overlaps(observer.invoke, observer.complete or observer.invoke)]
    if under:
        return f"{when or ' It ran'}, under {' and '.join(dict.fromkeys(under))}."
    return f"{when}." if when else ""


def _whose(operation: Operation, codes: Codes, *, until: bool = False) -> str:
    which = f"ops {operation.invoke} to {operation.complete}" if until else f"op {operation.invoke}"
    return f"process {operation.call.process}'s {_what(operation, codes)} ({which})"


def _what(operation: Operation, codes: Codes) -> str:
    call, step = operation.call, operation.step
    if call.f == "read" and call.argument is None:
        return f"read of {show(call.result)}"
    if call.f == "cas":
        return f"cas of {' to '.join(_value(codes, code) for code in step.given)}"
    argument = "" if call.argument is None else f" of {show(call.argument)}"
    told = step.returned is not UNKNOWN and call.f not in ("write", "read")
    return f"{call.f}{argument}{f' that returned {show(call.result)}' if told else ''}"


def _value(codes: Codes, code: int) -> str:
    return show(codes.value(code))

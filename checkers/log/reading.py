"""A history read as messages: who sent and polled what, where, and who began to follow which partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from checkers.guard import Unsupported
from checkers.map_key import map_key
from checkers.value import Codes, show
from harness.history import DUMP, Call, History

TRANSFERS: Final = ("send", "poll", "txn")
SUBSCRIBE, ASSIGN = "subscribe", "assign"
_PASSED_OVER: Final = ("crash", "debug-topic-partitions", DUMP)
_SEEKS: Final = ("seek-to-beginning?", "seek-to-beginning", "seek_to_beginning")
_REBALANCES: Final = ("rebalance-log", "rebalance_log")
_EXPECTED: Final = '["send", partition, value] or ["poll", {partition: [[offset, value], ...]}]'
_OFFSET_BITS_MAX: Final = 64


class Message(NamedTuple):
    """``value`` is a code; ``offset`` None where it is not known."""

    partition: str
    offset: int | None
    value: int


@dataclass(frozen=True, slots=True)
class Operation:
    """``sent`` and ``polled``: the messages in order, by partition. ``partitions``: of an assign or subscribe."""

    call: Call
    sent: Mapping[str, list[Message]] = field(default_factory=dict)
    polled: Mapping[str, list[Message]] = field(default_factory=dict)
    rebalanced: frozenset[str] = frozenset()
    partitions: frozenset[str] = frozenset()
    seeks: bool = False

    @property
    def all_sent(self) -> Iterable[Message]:
        return (message for messages in self.sent.values() for message in messages)

    @property
    def all_polled(self) -> Iterable[Message]:
        return (message for messages in self.polled.values() for message in messages)


def operations(history: History, codes: Codes) -> list[Operation]:
    """All operations of clients on logs, in order of invocation. Raises :class:`checkers.guard.Unsupported` and
    :class:`harness.history.HistoryError`."""
    found = []
    for call in history.calls():
        if call.f in _PASSED_OVER:
            continue
        if call.key is not None:
            raise Unsupported(f"operation {call.invoke}: read the key {show(call.key)}; expected none, and the "
                              "partitions in the value")  # fmt: skip
        if call.f in (ASSIGN, SUBSCRIBE):
            found.append(_following(history, call))
        elif call.f in TRANSFERS:
            found.append(_transfer(history, call, codes))
        else:
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected one of "
                              f"{', '.join((*TRANSFERS, ASSIGN, SUBSCRIBE))}")  # fmt: skip
    return found


def _extra(history: History, call: Call, names: Iterable[str]) -> Any:
    """A field besides ours, of the completion or else of the invocation."""
    for position in (call.complete, call.invoke):
        extra = history.extras[position] if history.extras and position is not None else None
        if isinstance(extra, Mapping):
            for name in names:
                if name in extra:
                    return extra[name]
    return None


def _following(history: History, call: Call) -> Operation:
    if not isinstance(call.argument, (list, tuple, set, frozenset)):
        raise Unsupported(f"operation {call.invoke}: read {show(call.argument)}; expected a list of partitions")
    partitions = frozenset(map_key(call.invoke, each) for each in call.argument)
    return Operation(call, partitions=partitions, seeks=bool(_extra(history, call, _SEEKS)))


def _transfer(history: History, call: Call, codes: Codes) -> Operation:
    asked = _micros(call, call.argument)
    told = _micros(call, call.result) if isinstance(call.result, (list, tuple)) else asked
    sent: dict[str, list[Message]] = {}
    polled: dict[str, list[Message]] = {}
    for place, micro in enumerate(told if len(told) >= len(asked) else asked):
        if micro and micro[0] == "send" and len(micro) == 3:
            plain = asked[place][2] if place < len(asked) and len(asked[place]) == 3 else None
            message = _sent(call, micro, plain, codes)
            sent.setdefault(message.partition, []).append(message)
        elif micro and micro[0] == "poll" and len(micro) <= 2:
            _poll(call, micro[1] if len(micro) == 2 else None, polled, codes)
        else:
            raise Unsupported(f"operation {call.invoke}: read {show(micro)}; expected {_EXPECTED}")
    return Operation(call, sent, polled, _rebalanced(history, call))


def _micros(call: Call, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, (list, tuple)) for each in value):
        raise Unsupported(f"operation {call.invoke}: read {show(value)}; expected a list of {_EXPECTED}")
    return list(value)


def _sent(call: Call, micro: Any, asked: Any, codes: Codes) -> Message:
    """An answer says [offset, value]; without an answer there is the value alone."""
    partition, told = map_key(call.invoke, micro[1]), micro[2]
    value = None if asked is None else codes.code(asked)
    if not isinstance(told, (list, tuple)) or len(told) != 2 or call.complete is None or codes.code(told) == value:
        return Message(partition, None, codes.code(told))
    if value is not None and codes.code(told[1]) != value:
        raise Unsupported(f"operation {call.complete}: read the answer {show(told)} to a send of {show(asked)}; "
                          "expected [offset, value]")  # fmt: skip
    return Message(partition, None if told[0] is None else _offset(call, told[0]), codes.code(told[1]))


def _poll(call: Call, shown: Any, polled: dict[str, list[Message]], codes: Codes) -> None:
    if shown is None:
        return
    if not isinstance(shown, Mapping):
        raise Unsupported(f"operation {call.invoke}: read the poll {show(shown)}; expected a map by partition")
    for name, pairs in shown.items():
        partition = map_key(call.invoke, name)
        for pair in pairs if isinstance(pairs, (list, tuple)) else [pairs]:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise Unsupported(f"operation {call.invoke}: read the message {show(pair)}; expected [offset, value]")
            offset = None if pair[0] is None else _offset(call, pair[0])
            polled.setdefault(partition, []).append(Message(partition, offset, codes.code(pair[1])))


def _offset(call: Call, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value.bit_length() > _OFFSET_BITS_MAX:
        raise Unsupported(f"operation {call.invoke}: read the offset {show(value)}; expected 0, 1, ..., or null")
    return value


def _rebalanced(history: History, call: Call) -> frozenset[str]:
    events = _extra(history, call, _REBALANCES)
    if not isinstance(events, (list, tuple)):
        return frozenset()
    keys = (each.get("keys") for each in events if isinstance(each, Mapping))
    return frozenset(map_key(call.invoke, key) for each in keys if isinstance(each, (list, tuple)) for key in each)

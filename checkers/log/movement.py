"""How consumers and producers move along a log: always on to the next message, never back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from checkers.log.partition import Partition, Scene, who
from checkers.log.reading import ASSIGN, SUBSCRIBE, Message, Operation
from harness.history import Call
from harness.result import Anomaly

POLL_SKIP, NONMONOTONIC_POLL = "poll-skip", "nonmonotonic-poll"
INT_POLL_SKIP, INT_NONMONOTONIC_POLL = "int-poll-skip", "int-nonmonotonic-poll"
NONMONOTONIC_SEND, INT_NONMONOTONIC_SEND = "nonmonotonic-send", "int-nonmonotonic-send"
INT_SEND_SKIP: Final = "int-send-skip"
_LISTED_MAX: Final = 8


class Step(NamedTuple):
    """An anomaly, and whether it is only counted."""

    anomaly: Anomaly
    allowed: bool


class _Last(NamedTuple):
    operation: Operation
    message: Message


def movements(scene: Scene) -> Iterator[Step]:
    """The wrong steps of all processes."""
    by_process: dict[object, list[Operation]] = {}
    for each in scene.operations:
        by_process.setdefault(each.call.process, []).append(each)
    for operations in by_process.values():
        yield from _polls(scene, operations)
        yield from _sends(scene, operations)
    for each in scene.transfers():
        yield from _inside(scene, each)


def _polls(scene: Scene, operations: Sequence[Operation]) -> Iterator[Step]:
    """One consumer. Where a poll of an operation that did not commit left it is not known."""
    last: dict[str, _Last] = {}
    subscribed = False
    for each in operations:
        if each.call.f in (ASSIGN, SUBSCRIBE):
            if each.call.outcome != "fail":
                subscribed = each.call.f == SUBSCRIBE
                kept = frozenset() if each.seeks else each.partitions
                last = {name: position for name, position in last.items() if name in kept}
            continue
        for name in each.rebalanced:
            last.pop(name, None)
        for name, messages in each.polled.items():
            if name in last:
                yield from _step(scene, last[name], _Last(each, messages[0]), subscribed)
            if each.call.outcome == "ok" and name not in each.rebalanced:
                last[name] = _Last(each, messages[-1])
            else:
                last.pop(name, None)


def _step(scene: Scene, before: _Last, after: _Last, subscribed: bool) -> Iterator[Step]:
    partition = scene.partitions[after.message.partition]
    places = _places(partition, before.message, after.message)
    if places is None:
        return
    backwards, skipped = places[1] <= places[0], partition.between(*places)
    if backwards or skipped:
        end = "not after it" if backwards else f"without {_listed(scene, skipped)}, which it never saw"
        text = (f"{who(before.operation)} polled up to {scene.show(before.message.value)} at offset {places[0]}, and "
                f"its next poll, {who(after.operation)}, began with {scene.show(after.message.value)} at offset "
                f"{places[1]}, {end}.")  # fmt: skip
        type_ = NONMONOTONIC_POLL if backwards else POLL_SKIP
        calls = (before.operation.call, after.operation.call)
        yield Step(_made(scene, type_, calls, partition, text, places, skipped), subscribed)


def _sends(scene: Scene, operations: Sequence[Operation]) -> Iterator[Step]:
    """One producer: what it sent later stands later, if both were sent at all."""
    last: dict[str, _Last] = {}
    for each in operations:
        for name, messages in each.sent.items() if each.call.outcome != "fail" else ():
            partition = scene.partitions[name]
            known = [message for message in messages if partition.place(message.value) is not None]
            if known and name in last:
                yield from _sent_after(scene, partition, last[name], _Last(each, known[0]))
            if known:
                last[name] = _Last(each, known[-1])


def _sent_after(scene: Scene, partition: Partition, before: _Last, after: _Last) -> Iterator[Step]:
    places = _places(partition, before.message, after.message)
    if places is None or places[1] > places[0]:
        return
    text = (f"{who(before.operation)} sent {scene.show(before.message.value)} to offset {places[0]}, and after that "
            f"{who(after.operation)} sent {scene.show(after.message.value)} to offset {places[1]}, "
            "before it.")  # fmt: skip
    calls = (before.operation.call, after.operation.call)
    yield Step(_made(scene, NONMONOTONIC_SEND, calls, partition, text, places), allowed=False)


def _inside(scene: Scene, each: Operation) -> Iterator[Step]:
    """The steps inside one operation."""
    for name, messages in each.polled.items():
        if name not in each.rebalanced:
            yield from _pairs(scene, each, messages, "polled", INT_NONMONOTONIC_POLL, INT_POLL_SKIP)
    if each.call.outcome != "fail":
        for messages in each.sent.values():
            yield from _pairs(scene, each, messages, "sent", INT_NONMONOTONIC_SEND, INT_SEND_SKIP)


def _pairs(
    scene: Scene, each: Operation, messages: Sequence[Message], did: str, nonmonotonic: str, skip: str
) -> Iterator[Step]:
    partition = scene.partitions[messages[0].partition]
    for one, other in pairwise(messages):
        places = _places(partition, one, other)
        if places is None:
            continue
        backwards, skipped = places[1] <= places[0], partition.between(*places)
        if backwards or skipped:
            end = "" if backwards else f"; between them stands {_listed(scene, skipped)}"
            text = (f"{who(each)} {did} {scene.show(one.value)} and then {scene.show(other.value)}, which stand at the "
                    f"offsets {places[0]} and {places[1]}{end}.")  # fmt: skip
            type_ = nonmonotonic if backwards else skip
            yield Step(_made(scene, type_, [each.call], partition, text, places, skipped), type_ == INT_SEND_SKIP)


def _places(partition: Partition, one: Message, other: Message) -> tuple[int, int] | None:
    """Where both stand, if that is certain."""
    first, then = partition.place(one.value), partition.place(other.value)
    return None if first is None or then is None else (first, then)


def _listed(scene: Scene, values: Sequence[int]) -> str:
    more = " and more" if len(values) > _LISTED_MAX else ""
    return ", ".join(scene.show(value) for value in values[:_LISTED_MAX]) + more


def _made(
    scene: Scene, type_: str, calls: Sequence[Call], partition: Partition, text: str, places: tuple[int, int],
    skipped: Sequence[int] = (),
) -> Anomaly:  # fmt: skip
    details = {"skipped": [scene.plain(value) for value in skipped[:_LISTED_MAX]]} if skipped else {}
    return scene.anomaly(type_, calls, partition.name, text, offsets=list(places), **details)

"""What is known of each partition: its offsets, who sent and who polled what; and the place of a message in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from checkers.log.reading import ASSIGN, SUBSCRIBE, Operation, operations
from checkers.map_key import short
from checkers.value import Codes, plain, show
from harness.history import Call, History
from harness.result import Anomaly

BETWEEN_MAX: Final = 64


@dataclass(slots=True)
class Partition:
    """Values are codes. ``at``: offset -> value -> who says so (the first); ``offsets``: all that are known, sorted.

    ``senders``: operations that perhaps sent a value; ``failed``: that certainly did not; ``pollers``: that saw it.
    """

    name: str
    at: defaultdict[int, dict[int, Operation]] = field(default_factory=lambda: defaultdict(dict))
    places: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    senders: defaultdict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[int, Operation] = field(default_factory=dict)
    pollers: defaultdict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    offsets: list[int] = field(default_factory=list)

    def place(self, value: int) -> int | None:
        """The offset of a value, where that is certain: there is no other one, and no other value there."""
        offsets = self.places.get(value, [])
        clear = len(offsets) == 1 and len(self.at[offsets[0]]) == 1 and len(self.senders.get(value, ())) <= 1
        return offsets[0] if clear else None

    def between(self, low: int, high: int) -> list[int]:
        """Values that certainly stand between two offsets, without those of failed operations; at most BETWEEN_MAX."""
        places = range(bisect_right(self.offsets, low), bisect_left(self.offsets, high))
        values = (value for place in places for value in self.at[self.offsets[place]] if self.senders.get(value))
        return list(islice(values, BETWEEN_MAX))

    def note(self, offset: int | None, value: int, by: Operation) -> None:
        if offset is None:
            return
        if value not in self.at[offset]:
            self.at[offset][value] = by
            self.places[value].append(offset)


@dataclass(slots=True)
class Scene:
    """``committed`` has the invocations of what certainly took effect: ok, or unknown and seen by an ok poll."""

    codes: Codes
    operations: Sequence[Operation]
    partitions: dict[str, Partition]
    committed: set[int]

    def transfers(self) -> Iterable[Operation]:
        return (each for each in self.operations if each.call.f not in (ASSIGN, SUBSCRIBE))

    def show(self, value: int) -> str:
        return show(self.codes.value(value))

    def plain(self, value: int) -> Any:
        return plain(self.codes.value(value))

    def anomaly(self, type_: str, calls: Iterable[Call], partition: str, text: str, **details: Any) -> Anomaly:
        halves = (half for call in calls for half in (call.invoke, call.complete))
        operations_ = tuple(dict.fromkeys(half for half in halves if half is not None))
        return Anomaly(type_, operations_, f"Partition {short(partition)}: {text}", {"partition": partition, **details})


def read(history: History) -> Scene:
    """Raises :class:`checkers.guard.Unsupported` and :class:`harness.history.HistoryError`."""
    codes = Codes()
    found = operations(history, codes)
    scene = Scene(codes, found, {}, set())
    for each in scene.transfers():
        for message in each.all_polled:
            partition = scene.partitions.setdefault(message.partition, Partition(message.partition))
            partition.pollers[message.value].append(each)
            partition.note(message.offset, message.value, each)
    for each in scene.transfers():
        _take_senders(scene, each)
    for each in scene.transfers():
        _take_offsets(scene, each)
    for partition in scene.partitions.values():
        partition.offsets = sorted(partition.at)
        for offsets in partition.places.values():
            offsets.sort()
    return scene


def _take_senders(scene: Scene, each: Operation) -> None:
    for message in each.all_sent:
        partition = scene.partitions.setdefault(message.partition, Partition(message.partition))
        if each.call.outcome == "fail":
            partition.failed.setdefault(message.value, each)
        else:
            partition.senders[message.value].append(each)


def _take_offsets(scene: Scene, each: Operation) -> None:
    if each.call.outcome == "ok" or (each.call.outcome == "info" and _is_proven(scene, each)):
        scene.committed.add(each.call.invoke)
        for message in each.all_sent:
            scene.partitions[message.partition].note(message.offset, message.value, each)


def _is_proven(scene: Scene, each: Operation) -> bool:
    """Whether an ok poll of another operation saw something that it sent."""
    for message in each.all_sent:
        partition = scene.partitions[message.partition]
        pollers = partition.pollers.get(message.value, ()) if len(partition.senders[message.value]) == 1 else ()
        if any(poller.call.outcome == "ok" and poller is not each for poller in pollers):
            return True
    return False


def who(each: Operation) -> str:
    """The operation in words."""
    return f"process {each.call.process}'s {each.call.f} (op {each.call.invoke})"

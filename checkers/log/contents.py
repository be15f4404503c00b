"""What a log holds: each offset one value, each value one offset, nothing that nobody sent, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checkers.log.partition import Partition, Scene, who
from checkers.log.reading import Operation
from harness.result import Anomaly

INCONSISTENT_OFFSETS, DUPLICATE, LOST_WRITE = "inconsistent-offsets", "duplicate", "lost-write"
GARBAGE_READ, ABORTED_READ, PRECOMMITTED_READ = "garbage-read", "aborted-read", "precommitted-read"
_LISTED_MAX: Final = 8


def contents(scene: Scene) -> Iterator[Anomaly]:
    """The anomalies of all partitions."""
    for partition in scene.partitions.values():
        yield from _inconsistent(scene, partition)
        yield from _duplicates(scene, partition)
        yield from _foreign(scene, partition)
        yield from _lost(scene, partition)
    for each in scene.transfers():
        yield from _precommitted(scene, each)


def unseen(scene: Scene) -> dict[str, list[int]]:
    """By partition the values that were acknowledged and that nobody polled."""
    found = {}
    for partition in scene.partitions.values():
        values = [
            value
            for value, senders in partition.senders.items()
            if not partition.pollers.get(value) and any(each.call.outcome == "ok" for each in senders)
        ]
        if values:
            found[partition.name] = values
    return found


def _inconsistent(scene: Scene, partition: Partition) -> Iterator[Anomaly]:
    for offset in partition.offsets:
        values = partition.at[offset]
        if len(values) < 2:
            continue
        (one, first), (other, second) = list(values.items())[:2]
        more = f" ({len(values)} different values in all)" if len(values) > 2 else ""
        text = (f"at offset {offset}, {_said(scene, partition, first, one)} and "
                f"{_said(scene, partition, second, other)}{more}.")  # fmt: skip
        yield scene.anomaly(INCONSISTENT_OFFSETS, (first.call, second.call), partition.name, text, offset=offset,
                            values=[scene.plain(value) for value in list(values)[:_LISTED_MAX]])  # fmt: skip


def _said(scene: Scene, partition: Partition, each: Operation, value: int) -> str:
    saw = any(message.value == value for message in each.polled.get(partition.name, ()))
    return f"{who(each)} {'polled' if saw else 'sent'} {scene.show(value)}"


def _duplicates(scene: Scene, partition: Partition) -> Iterator[Anomaly]:
    for value, offsets in partition.places.items():
        sent = len(partition.senders.get(value, ())) or 1
        if len(offsets) <= sent:
            continue
        first, second = (partition.at[offset][value] for offset in offsets[:2])
        listed = ", ".join(map(str, offsets[:_LISTED_MAX])) + (", ..." if len(offsets) > _LISTED_MAX else "")
        times = "once" if sent == 1 else f"{sent} times"
        text = (f"{scene.show(value)} was sent {times} and stands at the offsets {listed}: "
                f"{_said(scene, partition, first, value)} at {offsets[0]}, {_said(scene, partition, second, value)} at "
                f"{offsets[1]}.")  # fmt: skip
        yield scene.anomaly(DUPLICATE, (first.call, second.call), partition.name, text, value=scene.plain(value),
                            offsets=offsets[:_LISTED_MAX])  # fmt: skip


def _foreign(scene: Scene, partition: Partition) -> Iterator[Anomaly]:
    """What was polled and not sent. An operation that did not commit may say anything but what nobody sent."""
    for value, pollers in partition.pollers.items():
        if partition.senders.get(value):
            continue
        failed = partition.failed.get(value)
        if failed is None:
            text = f"{who(pollers[0])} polled {scene.show(value)}, which nobody sent."
            yield scene.anomaly(GARBAGE_READ, [pollers[0].call], partition.name, text, value=scene.plain(value))
            continue
        reader = next((each for each in pollers if each.call.outcome == "ok"), None)
        if reader is not None:
            text = f"{who(reader)} polled {scene.show(value)}, and {who(failed)}, which was to send it, had failed."
            yield scene.anomaly(
                ABORTED_READ, (failed.call, reader.call), partition.name, text, value=scene.plain(value)
            )


def _precommitted(scene: Scene, each: Operation) -> Iterator[Anomaly]:
    for name, messages in each.polled.items():
        sent = {message.value for message in each.sent.get(name, ())}
        own = next((message for message in messages if message.value in sent), None)
        if own is not None and len(scene.partitions[name].senders.get(own.value, ())) <= 1:
            text = f"{who(each)} polled {scene.show(own.value)}, which it sent itself and had not committed yet."
            yield scene.anomaly(PRECOMMITTED_READ, [each.call], name, text, value=scene.plain(own.value))


def _lost(scene: Scene, partition: Partition) -> Iterator[Anomaly]:
    """Committed messages that nobody polled, below the last one that an ok poll certainly saw."""
    bound, reader, last = -1, None, -1
    for value, pollers in partition.pollers.items():
        saw = next((each for each in pollers if each.call.outcome == "ok"), None)
        offsets = partition.places.get(value)
        if saw is not None and offsets and offsets[0] > bound:
            bound, reader, last = offsets[0], saw, value
    if reader is None:
        return
    for value, senders in partition.senders.items():
        offsets = partition.places.get(value)
        if len(senders) > 1 or not offsets or offsets[-1] > bound or partition.pollers.get(value):
            continue
        if senders[0].call.invoke in scene.committed:
            text = (f"{who(senders[0])} sent {scene.show(value)} to offset {offsets[-1]}, and nobody ever polled it, "
                    f"though {who(reader)} polled {scene.show(last)} at offset {bound}.")  # fmt: skip
            yield scene.anomaly(LOST_WRITE, (senders[0].call, reader.call), partition.name, text,
                                value=scene.plain(value), offset=offsets[-1], polled_offset=bound)  # fmt: skip

"""The definitions of a log's anomalies, each read straight from its sentence, over all pairs: for small histories.

Shares nothing with the checker that is compared with it: no offsets are sorted, no position is kept, nothing is done
once for all.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise, permutations
from typing import Any, NamedTuple

from harness.history import Call, History


class Seen(NamedTuple):
    """A message: partition, offset (or None), value; and the call that sent or polled it."""

    partition: str
    offset: int | None
    value: Any
    call: Call


class Log:
    """A history's messages as flat lists. What is asked again is remembered, for the brute force's speed."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.calls = history.calls()
        self.sent: list[Seen] = []
        self.polled: list[Seen] = []
        for call in self.calls:
            if call.f in ("send", "poll", "txn"):
                self._read(call)
        self.known = {
            (each.partition, each.offset, each.value)
            for each in [*self.polled, *(each for each in self.sent if self.counts(each.call))]
            if each.offset is not None
        }

    def _read(self, call: Call) -> None:
        for micro in call.argument if call.complete is None else call.result:
            if micro[0] == "send":
                answered = isinstance(micro[2], list)
                offset, value = micro[2] if answered else (None, micro[2])
                self.sent.append(Seen(str(micro[1]), offset, value, call))
            else:
                for partition, pairs in (micro[1] if len(micro) > 1 else {}).items():
                    self.polled += [Seen(partition, offset, value, call) for offset, value in pairs]

    @cache  # noqa: B019 - a log does not outlive its history
    def senders(self, partition: str, value: Any) -> list[Call]:
        return [s.call for s in self.sent if (s.partition, s.value) == (partition, value) and s.call.outcome != "fail"]

    @cache  # noqa: B019
    def pollers(self, partition: str, value: Any) -> list[Call]:
        return [p.call for p in self.polled if (p.partition, p.value) == (partition, value)]

    def counts(self, call: Call) -> bool:
        """Whether what it sent certainly happened."""
        if call.outcome != "info":
            return call.outcome == "ok"
        return any(
            poller.outcome == "ok" and poller is not call
            for sent in self.sent
            if sent.call is call and len(self.senders(sent.partition, sent.value)) == 1
            for poller in self.pollers(sent.partition, sent.value)
        )

    @cache  # noqa: B019
    def offsets(self, partition: str, value: Any) -> list[int]:
        return sorted(o for p, o, v in self.known if o is not None and (p, v) == (partition, value))

    @cache  # noqa: B019
    def place(self, partition: str, value: Any) -> int | None:
        offsets = self.offsets(partition, value)
        if len(offsets) != 1 or len(self.senders(partition, value)) > 1:
            return None
        alone = not any((p, o) == (partition, offsets[0]) and v != value for p, o, v in self.known)
        return offsets[0] if alone else None

    def skipped(self, partition: str, low: int, high: int) -> bool:
        return any(p == partition and o is not None and low < o < high and self.senders(p, v) for p, o, v in self.known)


def anomalies(history: History) -> tuple[Counter[str], Counter[str]]:
    """How many there are of each type that is wrong, and of each that is only counted."""
    log = Log(history)
    wrong: Counter[str] = Counter(_contents(log))
    allowed: Counter[str] = Counter()
    for type_, is_allowed in [*_polls(log), *_sends(log), *_inside(log)]:
        (allowed if is_allowed else wrong)[type_] += 1
    wrong.update(_circle(log))
    return wrong, allowed


def is_unseen(history: History) -> bool:
    """Whether some acknowledged message was never polled."""
    log = Log(history)
    return any(each.call.outcome == "ok" and not log.pollers(each.partition, each.value) for each in log.sent)


def repeats(history: History) -> bool:
    log = Log(history)
    return any(len(log.senders(each.partition, each.value)) > 1 for each in log.sent)


def _contents(log: Log) -> list[str]:
    places = {(p, o) for p, o, _ in log.known}
    values = {(each.partition, each.value) for each in [*log.sent, *log.polled]}
    found = ["inconsistent-offsets" for p, o in places if len([1 for a, b, _ in log.known if (a, b) == (p, o)]) > 1]
    for partition, value in values:
        senders, pollers = log.senders(partition, value), log.pollers(partition, value)
        failed = any((s.partition, s.value) == (partition, value) and s.call.outcome == "fail" for s in log.sent)
        if len(log.offsets(partition, value)) > max(1, len(senders)):
            found.append("duplicate")
        if pollers and not senders and not failed:
            found.append("garbage-read")
        if not senders and failed and any(each.outcome == "ok" for each in pollers):
            found.append("aborted-read")
        offsets = log.offsets(partition, value)
        if len(senders) == 1 and not pollers and offsets and log.counts(senders[0]):
            later = (log.offsets(p.partition, p.value) for p in log.polled
                     if p.partition == partition and p.call.outcome == "ok")  # fmt: skip
            if any(each and each[0] >= offsets[-1] for each in later):
                found.append("lost-write")
    for call in log.calls:
        for partition in {each.partition for each in log.polled}:
            own = {s.value for s in log.sent if s.call is call and s.partition == partition}
            mine = [p.value for p in log.polled if p.call is call and p.partition == partition and p.value in own]
            if mine and len(log.senders(partition, mine[0])) <= 1:
                found.append("precommitted-read")
    return found


def _extra(log: Log, call: Call) -> list[str]:
    extra = log.history[call.complete].extra if call.complete is not None else None
    return [str(key) for event in (extra or {}).get("rebalance-log", ()) for key in event["keys"]]


def _between(log: Log, first: Call, then: Call) -> list[Call]:
    return [each for each in log.calls if each.process == first.process and first.invoke < each.invoke < then.invoke]


def _step(log: Log, partition: str, one: Any, other: Any) -> str | None:
    low, high = log.place(partition, one), log.place(partition, other)
    if low is None or high is None:
        return None
    return "nonmonotonic" if high <= low else "skip" if log.skipped(partition, low, high) else None


def _polls(log: Log) -> list[tuple[str, bool]]:
    found = []
    for partition in {each.partition for each in log.polled}:
        for one, other in permutations([call for call in log.calls if _polled(log, call, partition)], 2):
            if one.process != other.process or one.invoke > other.invoke or one.outcome != "ok":
                continue
            between = _between(log, one, other)
            if any(_polled(log, each, partition) or partition in _extra(log, each) for each in (*between,)):
                continue
            if partition in _extra(log, one) or partition in _extra(log, other):
                continue
            moves = [each for each in between if each.f in ("assign", "subscribe") and each.outcome != "fail"]
            if any(partition not in map(str, each.argument) for each in moves):
                continue
            step = _step(log, partition, _polled(log, one, partition)[-1], _polled(log, other, partition)[0])
            before = [each for each in log.calls if each.process == other.process and each.invoke < other.invoke
                      and each.f in ("assign", "subscribe") and each.outcome != "fail"]  # fmt: skip
            subscribed = bool(before) and before[-1].f == "subscribe"
            if step:
                found.append(("poll-skip" if step == "skip" else "nonmonotonic-poll", subscribed))
    return found


def _polled(log: Log, call: Call, partition: str) -> list[Any]:
    return [each.value for each in log.polled if each.call is call and each.partition == partition]


def _sends(log: Log) -> list[tuple[str, bool]]:
    found = []
    for partition in {each.partition for each in log.sent}:
        placed = [each for each in log.sent if each.partition == partition and each.call.outcome != "fail"
                  and log.place(partition, each.value) is not None]  # fmt: skip
        for one, other in pairwise(placed):
            assert one.call.invoke <= other.call.invoke, "in order of invocation"
        for process in {each.call.process for each in placed}:
            mine = [each for each in placed if each.call.process == process]
            for one, other in pairwise(mine):
                if one.call is not other.call and _step(log, partition, one.value, other.value) == "nonmonotonic":
                    found.append(("nonmonotonic-send", False))
    return found


def _inside(log: Log) -> list[tuple[str, bool]]:
    found = []
    for call in log.calls:
        for partition in {each.partition for each in [*log.sent, *log.polled]}:
            polled = _polled(log, call, partition) if partition not in _extra(log, call) else []
            for one, other in pairwise(polled):
                if step := _step(log, partition, one, other):
                    found.append(("int-poll-skip" if step == "skip" else "int-nonmonotonic-poll", False))
            sent = [s.value for s in log.sent if s.call is call and s.partition == partition and call.outcome != "fail"]
            for one, other in pairwise(sent):
                if step := _step(log, partition, one, other):
                    found.append(("int-send-skip" if step == "skip" else "int-nonmonotonic-send", step == "skip"))
    return found


def _circle(log: Log) -> list[str]:
    """The least order of time under which who polled whose messages goes in a circle, by transitive closure."""
    calls = [call for call in log.calls if call.f in ("send", "poll", "txn") and call.outcome != "fail"]
    read: set[tuple[int, int]] = set()
    for each in log.polled:
        senders = log.senders(each.partition, each.value)
        if each.call.outcome == "ok" and len(senders) == 1 and senders[0] is not each.call:
            read.add((senders[0].invoke, each.call.invoke))
    before = {(a.invoke, b.invoke) for a in calls for b in calls if a.outcome == "ok" and (a.complete or 0) < b.invoke}
    inside = {(a.invoke, b.invoke) for a in calls for b in calls if a.process == b.process and a.invoke < b.invoke}
    for name, edges in (("G1c", read), ("G1c-process", read | inside), ("G1c-realtime", read | inside | before)):
        reach = set(edges)
        while more := {(a, d) for a, b in reach for c, d in reach if b == c} - reach:
            reach |= more
        if any(a == b for a, b in reach):
            return [name]
    return []

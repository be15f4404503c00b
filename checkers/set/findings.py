"""What the reads of one set show: lost, unexpected, duplicate, recovered, never-read and stale elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from checkers.guard import OutOfTimeError
from checkers.set.contents import ElementCodes, KeyedSet, end_of, returned
from harness.history import Call


@dataclass(slots=True)
class Findings:
    """What one key's reads show. Elements map to the read that shows it (lost ones: the final read)."""

    lost: dict[int, Call] = field(default_factory=dict)
    unexpected: dict[int, Call] = field(default_factory=dict)
    duplicates: dict[int, Call] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)
    never_read: set[int] = field(default_factory=set)
    stale: set[int] = field(default_factory=set)
    final: Call | None = None


def look(each: KeyedSet, codes: ElementCodes, deadline: float | None) -> Findings:
    """Judge every read. Raises :class:`checkers.guard.OutOfTimeError` past the deadline (of ``monotonic``)."""
    found = Findings()
    final = _final_reads(each)
    final_ones = {read.invoke for read in final}
    present: set[int] = set()
    missed: set[int] = set()
    known: set[int] = set()
    acknowledged = sorted((end_of(e.acknowledged), code) for code, e in each.elements.items() if e.acknowledged)
    acknowledged.reverse()
    for done, read in enumerate(each.reads):
        if deadline is not None and monotonic() > deadline:
            raise OutOfTimeError(f"{done} of {len(each.reads)} reads were looked at within the time allowed")
        elements = returned(read, codes)
        seen = set(elements)
        _judge_read(each, read, elements, seen, found)
        while acknowledged and acknowledged[-1][0] < read.invoke:
            known.add(acknowledged.pop()[1])
        if read.invoke in final_ones:
            present |= seen
        missed |= known - seen
    if final:
        _conclude(each, found, final[-1], present, missed)
    return found


def _conclude(each: KeyedSet, found: Findings, final: Call, present: set[int], missed: set[int]) -> None:
    """What the final read says of each element, given all that were ``present`` in it and ``missed`` by any read."""
    found.final = final
    lost = {code for code, element in each.elements.items() if element.acknowledged} - present
    found.lost = dict.fromkeys(sorted(lost), final)
    found.stale = missed - lost
    unknown = {code for code, element in each.elements.items() if element.unknown and not element.acknowledged}
    found.recovered, found.never_read = unknown & present, unknown - present


def _final_reads(each: KeyedSet) -> list[Call]:
    """The last ok read that began after the last add had completed, and before it those that overlap it."""
    after = [read for read in each.reads if read.invoke > each.last_add]
    if not after:
        return []
    last = max(after, key=end_of)
    return [read for read in after if end_of(read) > last.invoke and read is not last] + [last]


def _judge_read(each: KeyedSet, read: Call, elements: Sequence[int], seen: set[int], found: Findings) -> None:
    for code in seen:
        element = each.elements.get(code)
        if element is None or not element.possible_in(read):
            found.unexpected.setdefault(code, read)
    found.duplicates.update((code, read) for code in twice(elements, seen) if code not in found.duplicates)


def twice(elements: Sequence[int], seen: set[int]) -> list[int]:
    """The elements that a read returned more than once; ``seen`` are all of them."""
    if len(seen) == len(elements):
        return []
    return [code for code, times in Counter(elements).items() if times > 1]

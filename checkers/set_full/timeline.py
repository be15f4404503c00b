"""When each element of a set was there and when it was not, as its reads tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.set.contents import ElementCodes, KeyedSet, end_of, returned
from checkers.set.findings import twice
from harness.history import Call

_TICK: Final = 256

Tick = Callable[[int, int], None]


@dataclass(slots=True)
class Timelines:
    """What the reads of one key say of its elements, by code. ``known`` is the add or the read that first made it
    known, ``present`` the last to end of the reads that returned it, ``absent`` the last to begin of those that began
    when it was known and missed it."""

    known: dict[int, Call] = field(default_factory=dict)
    present: dict[int, Call] = field(default_factory=dict)
    absent: dict[int, Call] = field(default_factory=dict)
    unexpected: dict[int, Call] = field(default_factory=dict)
    duplicates: dict[int, Call] = field(default_factory=dict)

    def is_lost(self, code: int) -> bool:
        if code not in self.absent:
            return False
        present = self.present.get(code)
        return present is None or end_of(present) < self.absent[code].invoke


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The elements of one key, sorted by what became of them; ``unread`` are those never read though acknowledged."""

    lost: Sequence[int]
    stable: Sequence[int]
    stale: Sequence[int]
    recovered: Sequence[int]
    never_read: Sequence[int]
    unread: Sequence[int]


def timelines_of(each: KeyedSet, codes: ElementCodes, tick: Tick) -> Timelines:
    lines = Timelines()
    _look_for_presence(each, codes, lines, tick)
    _look_for_absence(each, codes, lines, tick)
    return lines


def _look_for_presence(each: KeyedSet, codes: ElementCodes, lines: Timelines, tick: Tick) -> None:
    """Reads in order of their ends: who saw an element first, and who last. What each returned goes through operations
    on whole sets, so that an element costs a few hash lookups per read that returned it."""
    adds = {code: element.acknowledged for code, element in each.elements.items() if element.acknowledged}
    strangers: set[int] = set()
    for done, read in enumerate(sorted(each.reads, key=end_of)):
        if done % _TICK == 0:
            tick(done, len(each.reads))
        elements = returned(read, codes)
        seen = set(elements)
        for code in seen - lines.known.keys() - strangers:
            element = each.elements.get(code)
            if element is not None and element.possible_in(read):
                add = adds.get(code)
                lines.known[code] = add if add is not None and end_of(add) < end_of(read) else read
            else:
                lines.unexpected.setdefault(code, read)
                if element is None or element.first_possible is None:
                    strangers.add(code)
        lines.duplicates.update((code, read) for code in twice(elements, seen) if code not in lines.duplicates)
        lines.present.update(dict.fromkeys(seen, read))
    for code, add in adds.items():
        lines.known.setdefault(code, add)


def _look_for_absence(each: KeyedSet, codes: ElementCodes, lines: Timelines, tick: Tick) -> None:
    """Reads in order of their beginnings: of what was known when a read began, what did it miss?"""
    becoming = sorted(((end_of(call), code) for code, call in lines.known.items()), reverse=True)
    known: set[int] = set()
    for done, read in enumerate(each.reads):
        if done % _TICK == 0:
            tick(done, len(each.reads))
        while becoming and becoming[-1][0] < read.invoke:
            known.add(becoming.pop()[1])
        missed = known.difference(returned(read, codes))
        lines.absent.update(dict.fromkeys(missed, read))


def outcomes_of(each: KeyedSet, lines: Timelines) -> Outcomes:
    lost = sorted((code for code in lines.absent if lines.is_lost(code)), key=lambda code: lines.absent[code].invoke)
    gone = set(lost)
    stable = [code for code in lines.known if code in lines.present and code not in gone]
    never = [code for code, e in each.elements.items() if (e.acknowledged or e.unknown) and code not in gone
             and code not in lines.present]  # fmt: skip
    return Outcomes(
        lost=lost,
        stable=stable,
        stale=[code for code in stable if code in lines.absent],
        recovered=[code for code in stable if each.elements[code].acknowledged is None],
        never_read=never,
        unread=[code for code in never if each.elements[code].acknowledged],
    )

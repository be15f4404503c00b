"""What was found in a set, told in words: which elements, which reads, under which faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from checkers.set.contents import Element, ElementCodes, KeyedSet, end_of, end_of_add
from checkers.set.findings import Findings
from checkers.value import plain, show
from harness.fault_window import FaultWindow
from harness.history import Call, History
from harness.result import Anomaly

NO_FAULT: Final = "none"
LISTED_MAX: Final = 24
TOLD_MAX: Final = 4
_GROUPS_MAX: Final = 6
_AFTERMATH_NS: Final = 500_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """What the stories are told with."""

    history: History
    codes: ElementCodes
    faults: Sequence[FaultWindow]

    def seconds(self, position: int) -> float | None:
        seconds = self.history.seconds(position)
        return None if seconds is None else round(seconds, 3)

    def shown(self, codes: Sequence[int]) -> str:
        """The first few of these elements, and how many more there are."""
        more = f" and {len(codes) - TOLD_MAX} more" if len(codes) > TOLD_MAX else ""
        return ", ".join(show(self.codes.value(code)) for code in codes[:TOLD_MAX]) + more


def anomalies_of(scene: Scene, each: KeyedSet, found: Findings) -> Iterable[Anomaly]:
    """One anomaly per kind of thing that must not be."""
    if found.lost:
        yield _lost(scene, each, found.lost)
    if found.unexpected:
        yield unexpected(scene, each, found.unexpected)
    if found.duplicates:
        yield duplicate(scene, each, found.duplicates)


def _lost(scene: Scene, each: KeyedSet, lost: Mapping[int, Call]) -> Anomaly:
    in_order = sorted(lost, key=lambda code: end_of_add(each.elements[code]))
    read = next(iter(lost.values()))
    under: Counter[str] = Counter(name for code in lost for name in blamed(scene, each.elements[code])[1])
    return Anomaly(
        type="lost",
        operations=_positions(each, in_order, read),
        explanation=(
            f"{where(each)}{_elements(len(lost))} acknowledged and {'is' if len(lost) == 1 else 'are'} missing from "
            f"the final read (op {read.complete}): {_losses(scene, each, in_order)}."
        ),
        details={
            **listed(scene, each, in_order),
            "acknowledged_s": [scene.seconds(end_of_add(each.elements[code])) for code in in_order[:LISTED_MAX]],
            "lost_under": dict(under),
        },
    )


def _losses(scene: Scene, each: KeyedSet, in_order: Sequence[int]) -> str:
    """The lost elements by the faults in whose windows they were acknowledged, in order of time."""
    groups: dict[str, list[int]] = {}
    for code in in_order:
        groups.setdefault(blamed(scene, each.elements[code])[0], []).append(code)
    told = [_loss(scene, each, circumstance, codes) for circumstance, codes in list(groups.items())[:_GROUPS_MAX]]
    more = [f"and under {len(groups) - _GROUPS_MAX} other circumstances"] if len(groups) > _GROUPS_MAX else []
    return "; ".join(told + more)


def blamed(scene: Scene, element: Element) -> tuple[str, list[str]]:
    """Under which faults a lost element was acknowledged, in words and by name: those in force while its add ran; else
    the one healed just before (its victims may not yet know); else the first to begin after it."""
    add = element.acknowledged
    assert add is not None, "only what was acknowledged can be lost"
    if now := [fault for fault in scene.faults if fault.overlaps(add.invoke, end_of(add))]:
        return f"under {' and '.join(dict.fromkeys(map(str, now)))}", list(dict.fromkeys(fault.fault for fault in now))
    time_ns = scene.history.times[add.invoke]
    for fault in reversed(scene.faults):
        if fault.stop is not None and fault.stop < add.invoke and 0 <= fault.stop_ns >= time_ns - _AFTERMATH_NS:
            return f"just after {fault}", [fault.fault]
    next_ = next((fault for fault in scene.faults if fault.start > end_of(add)), None)
    return (f"before {next_}", [next_.fault]) if next_ is not None else ("under no fault", [NO_FAULT])


def _loss(scene: Scene, each: KeyedSet, circumstance: str, codes: Sequence[int]) -> str:
    ends = [end_of_add(each.elements[code]) for code in codes]
    shown = ", ".join(
        f"{show(scene.codes.value(code))} (op {end})" for code, end in list(zip(codes, ends, strict=True))[:TOLD_MAX]
    )
    more = f" and {len(codes) - TOLD_MAX} more" if len(codes) > TOLD_MAX else ""
    return f"{len(codes)} {circumstance}{_when(scene, ends[0], ends[-1])}: {shown}{more}"


def _when(scene: Scene, first: int, last: int) -> str:
    first_s, last_s = scene.seconds(first), scene.seconds(last)
    if first_s is None or last_s is None:
        return ""
    return f", acknowledged at {first_s:.2f} s" + (f" to {last_s:.2f} s" if last != first else "")


def unexpected(scene: Scene, each: KeyedSet, found: Mapping[int, Call]) -> Anomaly:
    """Elements that no add can have put there, each with the first read that returned it."""
    return _returned_wrongly(scene, each, "unexpected", found, "though no add of it can have happened")


def duplicate(scene: Scene, each: KeyedSet, found: Mapping[int, Call]) -> Anomaly:
    """Elements that one read returned twice, each with the first such read."""
    return _returned_wrongly(scene, each, "duplicate", found, "more than once in one read")


def _returned_wrongly(scene: Scene, each: KeyedSet, type_: str, found: Mapping[int, Call], why: str) -> Anomaly:
    codes = list(found)
    read = found[codes[0]]
    shown = scene.shown(codes)
    return Anomaly(
        type=type_,
        operations=_positions(each, codes, read),
        explanation=f"{where(each)}process {read.process}'s read (op {read.complete}) returned {why}: {shown}."
        if all(other is read for other in found.values())
        else f"{where(each)}reads (the first: op {read.complete}) returned {why}: {shown}.",
        details=listed(scene, each, codes),
    )


def listed(scene: Scene, each: KeyedSet, codes: Sequence[int]) -> dict[str, Any]:
    """The key, how many elements these are, and the first of them: for programs."""
    elements = [plain(scene.codes.value(code)) for code in codes[:LISTED_MAX]]
    return {"key": plain(each.key), "count": len(codes), "elements": elements}


def _positions(each: KeyedSet, codes: Sequence[int], read: Call) -> tuple[int, ...]:
    """Both halves of the acknowledged (or else the first) adds of the first elements, then both of the read."""
    positions: list[int] = []
    for code in codes[:LISTED_MAX]:
        element = each.elements.get(code)
        if element is not None and element.acknowledged is not None:
            positions += [element.acknowledged.invoke, end_of(element.acknowledged)]
        elif element is not None:
            positions.append(element.first_invoke)
    return (*positions, read.invoke, end_of(read))


def _elements(count: int) -> str:
    return "1 element was" if count == 1 else f"{count} elements were"


def where(each: KeyedSet) -> str:
    """The beginning of a sentence about this key."""
    return "" if each.key is None else f"Key {show(each.key)}: "

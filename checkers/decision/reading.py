"""A history read as decisions: who proposed what, and who was told what, key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from checkers.guard import OutOfTimeError, Unsupported, guarded
from checkers.value import Codes, plain, show
from harness.history import DUMP, INVOKE, Call, History
from harness.result import Anomaly, Result

PROPOSE: Final = "propose"
LEARN: Final = ("learn", "decide", "decided", "read")
ANOMALIES_MAX: Final = 16  # keys whose anomalies are told


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody was told a decision: ``value`` is its code, ``teller`` the node that told it, or else the process."""

    call: Call
    value: int
    teller: str

    @property
    def at(self) -> int:
        assert self.call.complete is not None, "an ok operation has completed"
        return self.call.complete


@dataclass(slots=True)
class Decision:
    """One key. ``told`` in order of completion; ``proposals`` are all, by invocation, those that failed too."""

    key: Any
    proposals: list[Call] = field(default_factory=list)
    learns: list[Call] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scene:
    history: History
    codes: Codes
    decisions: tuple[Decision, ...]
    deadline: float | None

    def each(self) -> Iterator[Decision]:
        """The decisions, as long as there is time. Raises :class:`checkers.guard.OutOfTimeError`."""
        for done, decision in enumerate(self.decisions):
            if self.deadline is not None and monotonic() > self.deadline:
                raise OutOfTimeError(
                    f"{done} of {len(self.decisions)} decisions were looked at within the time allowed"
                )
            yield decision

    def show(self, code: int) -> str:
        return show(self.codes.value(code))


def judged(history: History, expect: str, time_limit_s: float | None, find: Callable[[Scene], Result]) -> Result:
    """What ``find`` says of the history; a crash is unknown."""
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(expect, lambda: find(_read(history, deadline)), method="decisions")


def concluded(scene: Scene, expect: str, anomalies: Sequence[Anomaly]) -> Result:
    """Invalid if there is any anomaly, else valid."""
    return Result(
        valid=not anomalies,
        expect=expect,
        method="decisions",
        anomalies=tuple(anomalies[:ANOMALIES_MAX]),
        operations=scene.history.types.count(INVOKE),
        details={
            "decisions": len(scene.decisions),
            "proposals": sum(len(each.proposals) for each in scene.decisions),
            "told": sum(len(each.told) for each in scene.decisions),
            "anomalies": len(anomalies),
        },
    )


def anomaly(decision: Decision, type_: str, calls: Sequence[Call], text: str) -> Anomaly:
    """An anomaly of one decision, shown by the invocations of these calls."""
    where = "" if decision.key is None else f"Key {show(decision.key)}: "
    return Anomaly(type_, tuple(call.invoke for call in calls), where + text, {"key": plain(decision.key)})


def whose(call: Call) -> str:
    what = f"{call.f} {show(call.argument)}" if call.f == PROPOSE else call.f
    return f"process {call.process}'s {what} (op {call.invoke})"


def _read(history: History, deadline: float | None) -> Scene:
    codes = Codes()
    found: dict[int, Decision] = {}
    for call in history.calls():
        if call.f == DUMP:
            continue
        decision = found.setdefault(codes.code(call.key), Decision(call.key))
        if call.f == PROPOSE:
            if call.argument is None:
                raise Unsupported(f"operation {call.invoke}: read a proposal of null; expected a value: null is none")
            decision.proposals.append(call)
        elif call.f in LEARN:
            decision.learns.append(call)
        else:
            expected = f"{PROPOSE} or {LEARN[0]}"
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {expected}")
        if call.outcome == "ok" and call.result is not None:
            decision.told.append(Told(call, codes.code(call.result), _teller(history, call)))
    for decision in found.values():
        decision.told.sort(key=lambda told: told.at)
    return Scene(history, codes, tuple(found.values()), deadline)


def _teller(history: History, call: Call) -> str:
    nodes = history.nodes or ()
    positions = (call.complete, call.invoke)
    named = next((nodes[at] for at in positions if nodes and at is not None and nodes[at] is not None), None)
    return f"process {call.process}" if named is None else f"node {named[:60]}"

"""What was observed in a run, and what it says of each application of a fault: the lines of ``faults.jsonl``.

An application's effect is what its window shows against a calm stretch before it, one in which no fault was in force;
and the fault itself must be absent from the nearest calm stretches before and after. Only then did it *bit*e
(architecture.md, `Fault`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.cluster import Observation
from harness.fault import Action, Effect, Fault, Trigger
from harness.faults.effect import Pair
from harness.node import Future, Task


@dataclass(slots=True)
class Application:
    """One application of a fault, from its request to its heal; times in ns on the run's clock. ``trigger`` says what
    set it off, and where; None: the clock. ``acting`` is what a recurring fault goes on doing, until ``over``.
    ``left_out`` are nodes that another application owns, and which; ``refused`` says why nothing was left to do."""

    number: int
    fault: str
    action: Action
    started_ns: int
    before: Observation
    trigger: Mapping[str, Any] | None = None
    resolved: Action | None = None
    done: Mapping[str, Any] | None = None
    end: Observation | None = None
    stopped_ns: int | None = None
    healed: Mapping[str, Any] | None = None
    errors: list[str] = field(default_factory=list)
    acting: Task[None] | None = None
    over: Future[None] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


class Observations:
    """All observations of a run in order, each with whether no fault was in force from then on until the next."""

    def __init__(self) -> None:
        self._entries: list[tuple[Observation, bool]] = []

    @property
    def latest(self) -> Observation | None:
        return self._entries[-1][0] if self._entries else None

    def add(self, observation: Observation, calm: bool) -> None:
        self._entries.append((observation, calm))

    def spoil(self) -> None:
        """A fault begins: the stretch that began with the latest observation is not calm."""
        self._entries[-1] = (self._entries[-1][0], False)

    def calm(self) -> list[Pair]:
        """The stretches in which no fault was in force, each as long as can be, in order."""
        stretches: list[Pair] = []
        first: Observation | None = None
        last: Observation | None = None
        for observation, calm in self._entries:
            if first is not None:
                last = observation
                if not calm:
                    stretches.append((first, last))
                    first = last = None
            elif calm:
                first = observation
        if first is not None and last is not None:
            stretches.append((first, last))
        return stretches


def together(application: Application, all_of_them: Iterable[Application]) -> tuple[int, ...]:
    """The other applications of the same fault that were in force at the same time: one counter counts them all."""
    return tuple(
        other.number
        for other in all_of_them
        if other is not application
        and other.fault == application.fault
        and other.done is not None
        and (other.stopped_ns is None or other.stopped_ns > application.started_ns)
        and (application.stopped_ns is None or application.stopped_ns > other.started_ns)
    )


def described(
    application: Application, fault: Fault, calm: Sequence[Pair], others: Sequence[int] = ()
) -> dict[str, Any]:
    """An application with its effect, judged by ``fault``; see ``Nemesis.effects``. ``others`` as of
    :func:`together`."""
    effect = _judged(application, fault, calm)
    if others and application.done is not None:
        numbers = ", ".join(map(str, others))
        effect = replace(effect, explanation=f"{effect.explanation}; counted together with application {numbers}")
    return {
        "fault": application.fault,
        "application": application.number,
        "action": dict(application.action),
        "trigger": application.trigger,
        "started_ns": application.started_ns,
        "stopped_ns": application.stopped_ns,
        "applied": application.done is not None,
        "done": None if application.done is None else dict(application.done),
        "healed": None if application.healed is None else dict(application.healed),
        **({"left_out": dict(application.left_out)} if application.left_out else {}),
        **({"refused": application.refused} if application.refused else {}),
        "bit": effect.bit and effect.absent_outside,
        "effect": {
            "measured": dict(effect.measured),
            "explanation": effect.explanation,
            "absent_outside": effect.absent_outside,
        },
        "errors": list(application.errors),
    }


def never_applied(number: int, fault: str, action: Action, trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The line of an application whose trigger never came."""
    return {
        "fault": fault,
        "application": number,
        "action": dict(action),
        "trigger": dict(trigger),
        "started_ns": None,
        "stopped_ns": None,
        "applied": False,
        "done": None,
        "healed": None,
        "bit": False,
        "effect": {
            "measured": {},
            "explanation": f'its trigger, "{Trigger.from_json(dict(trigger))}", never came '
            "(a smaller count, or a longer run?)",
            "absent_outside": True,
        },
        "errors": [],
    }


def _judged(application: Application, fault: Fault, calm: Sequence[Pair]) -> Effect:
    if application.done is None or application.end is None:
        what = "was not applied" if application.done is None else "was cut short"
        because = f": {application.refused}" if application.refused else ""
        return Effect(False, {}, f"the fault {what}{because}", absent_outside=True)
    done = {**application.done, "healed": application.healed or {}}
    window = (application.before, application.end)
    earlier = [pair for pair in calm if pair[1].time_ns <= application.before.time_ns]
    later = [pair for pair in calm if pair[0].time_ns >= application.end.time_ns]
    if not earlier or not later:
        return replace(fault.effect(done, window, window), bit=False, explanation="no calm stretch to compare with")
    effect = fault.effect(done, earlier[0], window)
    around = [fault.effect(done, pair, window) for pair in (earlier[-1], later[0])]
    absent = all(entry.absent_outside for entry in around)
    explanation = effect.explanation if absent else effect.explanation + "; but not only while it was in force"
    return replace(effect, absent_outside=absent, explanation=explanation)

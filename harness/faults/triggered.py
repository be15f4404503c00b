"""Faults that something sets off: what nodes tell and clients ask is counted, and at the right moment a fault strikes.

The moment is the point. "Kill the voter right after it has granted its third vote" meets a state that lasts for less
than a millisecond; no clock would. So :meth:`TriggeredFaults.told` is a plain call out of the event itself: it counts,
announces the fault in the history, and spawns the strike; on a simulated cluster that comes before any other step of
any node. All that follows (that it was done, how long it lasts, its heal) is a task of its own, beside the timetable's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, cast

from harness.cluster import Cluster, EventSource, NodeEvent
from harness.fault import EVENT, LEADER_CHANGE, LOG, OPERATION, Trigger
from harness.faults.leader import find_leader
from harness.faults.measurement import never_applied
from harness.faults.nemesis import STEP_MS_MAX, Nemesis
from harness.faults.timetable import STOP
from harness.history import NEMESIS, Op
from harness.node import Future, Task
from harness.plan import ScheduledFault
from harness.runtime import Runtime
from harness.system import System

EVENTS: Final = "events"
"""What a cluster must be able to tell for faults that nodes set off."""

BECAME_LEADER: Final = "became-leader"
"""The event that names a new leader where the system does not say which one does."""

Cause = tuple[str, str | None]
"""On what (see ``harness.fault.Trigger``), and its name."""


def needs(trigger: Mapping[str, Any] | None) -> frozenset[str]:
    """The cluster capabilities without which the trigger (as JSON) could never come."""
    return frozenset() if trigger is None or trigger["on"] == OPERATION else frozenset({EVENTS})


class TriggeredFaults:
    """The faults of a schedule that something sets off. ``note`` puts a line of the nemesis into the history.

    Use: :meth:`prepare`, :meth:`begin` with the main phase, :meth:`end` with it, :meth:`close` whatever happens.
    """

    def __init__(
        self, schedule: Sequence[ScheduledFault], nemesis: Nemesis, runtime: Runtime, note: Callable[[Op], None]
    ) -> None:
        self._nemesis, self._runtime, self._note = nemesis, runtime, note
        self._waiting = {number: entry for number, entry in enumerate(schedule) if entry.trigger is not None}
        triggers = {number: Trigger.from_json(entry.trigger) for number, entry in self._waiting.items()}
        self._numbers: dict[Cause, dict[int, list[int]]] = {}  # cause -> how many times -> applications
        for number, trigger in triggers.items():
            times = self._numbers.setdefault((trigger.on, trigger.name), {})
            times.setdefault(trigger.count, []).append(number)
        self._counts = dict.fromkeys(self._numbers, 0)
        self._leadership = BECAME_LEADER
        self._leader: str | None = None
        self._armed = False
        self._start_ns = self._end_ns = 0
        self._over: Future[None] | None = None
        self._tasks: list[Task[None]] = []

    @property
    def by_operation(self) -> bool:
        """Whether any of them waits for a client's operation."""
        return any(on == OPERATION for on, _ in self._numbers)

    async def prepare(self, system: System, cluster: Cluster, options: Mapping[str, str]) -> None:
        """Listen to the nodes, and learn who leads. Before the main phase."""
        self._leadership = (system.leadership(options) or (BECAME_LEADER, ""))[0]
        texts = [name for on, name in self._numbers if on == LOG and name is not None]
        if any(needs(entry.trigger) for entry in self._waiting.values()):
            source = cast(EventSource, cluster)
            source.watch(self.told, texts) if texts else source.watch(self.told)
        if (LEADER_CHANGE, None) in self._numbers:
            self._leader = await find_leader(cluster, system.leader, self._runtime, wait_ms=0)

    def begin(self, start_ns: int, end_ns: int) -> None:
        """The main phase begins: count from now on. What is set off ends by ``end_ns`` at the latest."""
        self._start_ns, self._end_ns, self._armed = start_ns, end_ns, True
        self._over = self._runtime.future()

    def told(self, event: NodeEvent) -> None:
        """A node told an event or passed a failpoint, just now. Called in the middle of that node's step."""
        if event.kind == EVENT and event.name == self._leadership:
            if self._leader is not None and self._leader != event.node:
                self._count((LEADER_CHANGE, None), event.node)
            self._leader = event.node
        self._count((event.kind, event.name), event.node)

    def invoked(self, f: str, node: str) -> None:
        """A client attached to ``node`` began an operation, just now."""
        self._count((OPERATION, f), node)

    async def end(self) -> None:
        """The main phase is over: nothing is set off any more, and what is in force ends in its time."""
        self._armed = False
        for task in self._tasks:
            await task

    def cut(self) -> None:
        """What is in force ends now; nothing is set off any more."""
        self._armed = False
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def close(self) -> None:
        """Give up whatever is still under way."""
        self._armed = False
        for task in self._tasks:
            if not task.done():
                task.cancel()

    def never_applied(self) -> list[dict[str, Any]]:
        """Those whose trigger has not come, as lines of ``faults.jsonl``."""
        return [
            never_applied(number, entry.fault, entry.action, entry.trigger or {})
            for number, entry in self._waiting.items()
        ]

    def _count(self, cause: Cause, node: str) -> None:
        if not self._armed or cause not in self._counts:
            return
        self._counts[cause] = count = self._counts[cause] + 1
        since_ns = self._runtime.now() - self._start_ns
        for number in self._numbers[cause].get(count, ()):
            if since_ns >= self._waiting[number].start_ns:
                self._strike(number, node)

    def _strike(self, number: int, node: str) -> None:
        entry = self._waiting.pop(number)
        cause = {**(entry.trigger or {}), "node": node}
        self._note(self._nemesis.announce(number, entry.fault, entry.action, cause))
        strike = self._runtime.spawn(self._nemesis.strike(number), f"strike-{number}")
        self._tasks.append(self._runtime.spawn(self._follow(number, entry, strike), f"triggered-{number}"))

    async def _follow(self, number: int, entry: ScheduledFault, strike: Task[None]) -> None:
        """From the strike to the heal."""
        try:
            await self._runtime.within(STEP_MS_MAX, strike)
        except TimeoutError as error:
            self._nemesis.note_error(number, "apply", error)
        self._note(self._nemesis.begun(number))
        await self._last((entry.stop_ns - entry.start_ns) / 1e6)
        stop = Op("info", NEMESIS, STOP + entry.fault, {"application": number, **entry.action})
        self._note(stop)
        try:
            self._note(await self._nemesis.invoke(stop))
        except Exception as error:  # noqa: BLE001 (it stays in force; the heal at the end will say so)
            self._note(replace(stop, error=f"{type(error).__name__}: {error}"[:1000]))

    async def _last(self, ms: float) -> None:
        """Let a fault be in force for so long, or until the main phase ends."""
        assert self._over is not None, "faults are set off between begin and end"
        left_ms = min(ms, (self._end_ns - self._runtime.now()) / 1e6)
        if left_ms > 0:
            with suppress(TimeoutError):
                await self._runtime.within(left_ms, self._over)

"""What a fault is, and the grammar of ``--faults``.

``partition=isolate-leader,kill=leader:2,pause`` names faults, each with an optional shape or target after ``=`` (and
a number of nodes after ``:``), and before it, perhaps, what sets it off: ``after 3rd vote-granted: kill=its-node``.
Where "leader" may stand, a role or nodes by name may, too: ``kill=role-witness``, ``pause=n2+n3``.
A fault is chosen (what exactly will be done, concretely and replayably), applied and
healed; both are operations of the process "nemesis" in the same history as the clients' own:
``start-<fault>`` and ``stop-<fault>``, each twice (type "info"): when it begins and, with what it did, when it is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

from harness.cluster import Cluster, Observation
from harness.node import Future
from harness.runtime import Runtime

Action = Mapping[str, Any]


EVENT, OPERATION, FAILPOINT, LOG, LEADER_CHANGE = "event", "operation", "failpoint", "log", "leader-change"
OCCASIONS: Final = (EVENT, OPERATION, FAILPOINT, LOG, LEADER_CHANGE)

COUNT_MAX: Final = 1_000_000
OCCASION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
"""What the name of an event, a failpoint or an operation looks like."""
LOG_TEXT: Final = re.compile(r"[^\"\x00-\x1f\x7f]{1,200}")
"""What is looked for in a node's log lines: no pattern, but the very text."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What sets off a fault instead of the clock: the ``count``-th time, over all nodes, that something happens.

    ``on``: EVENT (a node told the event ``name``), FAILPOINT (a node passed the failpoint ``name``), OPERATION (a
    client's operation ``name`` was invoked), LOG (a node logged a line with the text ``name`` in it), LEADER_CHANGE
    (another node leads than before; no name).
    In words, and in ``--faults``: "after 3rd vote-granted: kill=its-node", "after failpoint before-sync: ...",
    "after 10th operation write: ...", 'after log "became leader": ...', "after leader-change: ...". Counting begins
    with the main phase.
    """

    on: str
    name: str | None = None
    count: int = 1

    def __str__(self) -> str:
        times = {0: "any ", 1: ""}.get(self.count, f"{ordinal(self.count)} ")
        words = {EVENT: self.name, LEADER_CHANGE: LEADER_CHANGE, LOG: f'{LOG} "{self.name}"'}
        what = words.get(self.on, f"{self.on} {self.name}")
        return f"after {times}{what}"

    def as_json(self) -> dict[str, Any]:
        return {"on": self.on, "name": self.name, "count": self.count}

    @staticmethod
    def from_json(data: Any) -> Trigger:
        """The inverse of :meth:`as_json`. Raises ValueError that says what was read and what was expected."""
        read = f"read the trigger {str(data)[:200]}; expected "
        if not isinstance(data, dict) or set(data) != {"on", "name", "count"}:
            raise ValueError(read + '{"on", "name", "count"}')
        on, name, count = data["on"], data["name"], data["count"]
        if on not in OCCASIONS:
            raise ValueError(f"{read}on to be one of {', '.join(OCCASIONS)}")
        form = LOG_TEXT if on == LOG else OCCASION_NAME
        named = isinstance(name, str) and form.fullmatch(name) is not None
        if named if on == LEADER_CHANGE else not named:
            wanted = {LEADER_CHANGE: "no name", LOG: "the text of the log line"}.get(on, f"the name of the {on}")
            raise ValueError(read + wanted)
        if type(count) is not int or not 1 <= count <= COUNT_MAX:
            raise ValueError(f"{read}a count from 1 to {COUNT_MAX}")
        return Trigger(on, name, count)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ..., 11th, ..., 21st."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One item of ``--faults``: the fault's name, its shape or target (None: the default mix), a number (or None), and
    what sets it off (None: the schedule's times). A trigger's ``count`` of 0 (written "any") is drawn from the seed."""

    name: str
    shape: str | None = None
    size: int | None = None
    trigger: Trigger | None = None

    def __str__(self) -> str:
        text = self.name if self.shape is None else f"{self.name}={self.shape}"
        text = text if self.size is None else f"{text}:{self.size}"
        return text if self.trigger is None else f"{self.trigger}: {text}"


class FaultSyntaxError(ValueError):
    """A ``--faults`` text that cannot be read; says what was read, what was expected, what to do."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What was measured of one application: ``bit`` if it touched the system's work; ``measured`` are the figures;
    ``absent_outside`` if none of them moved for reasons of this fault before it began or after it was healed."""

    bit: bool
    measured: Mapping[str, float]
    explanation: str
    absent_outside: bool


class Fault(Protocol):
    """A way to break a cluster. One file in ``harness/faults``, whose name is its name in the command line.

    A fault that works through the system itself has an attribute ``unless_withstood``: why a system cannot have it that
    does not say it withstands it (``System.withstands``).
    While it is in force, the nodes of a fault that starts, stops or pauses their programs are its own; what it needs
    tells whether it does (``harness.faults.ownership``), or else an attribute ``owns_nodes``. The cluster that its
    verbs are given is a layer of its own (``harness.faults.layers``): to heal a partition ends this one and no other.
    """

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def needs(self) -> frozenset[str]:
        """The cluster capabilities it cannot do without."""

    @property
    def shapes(self) -> Mapping[str, str]:
        """What may stand after ``=``: shape or target -> one line of help."""

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        """The ``turn``-th application (0, 1, ...) as plain JSON. Random choices are made here and written out; a
        leader stays the word "leader" and is looked up when applied, so that a replay meets the leader of *its* run."""

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Do it; returns what was resolved and done (JSON), e.g. {"nodes": ["n3"], "shape": "isolate-leader"}."""

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Undo it. Idempotent; also undoes what a half-failed apply did."""

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """Judge the counters over the window against a quiet stretch. ``done`` is what apply returned, with what heal
        returned under "healed"."""


class RecurringFault(Fault, Protocol):
    """A fault that does something again and again while it is in force."""

    async def during(self, cluster: Cluster, action: Action, runtime: Runtime, over: Future[None]) -> None:
        """Begins when ``apply`` is done; returns soon after ``over`` is, before the heal begins. ``rest`` of
        ``harness.faults.recurring`` waits for it."""

"""A plan: one run, as data. With its fault schedule filled in it can be replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from harness.fault import Trigger

SCHEMA: Final = "splitbrain.plan/1"


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """A fault at a time: nanoseconds from the start of the main phase, and the concrete action (see Fault.choose).

    With a ``trigger`` (as JSON, see ``harness.fault.Trigger``) it strikes not at ``start_ns`` but at the trigger's
    moment, if that comes at or after ``start_ns``, and lasts ``stop_ns - start_ns``; if it never comes, never.
    """

    fault: str
    start_ns: int
    stop_ns: int
    action: Mapping[str, Any]
    trigger: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ScheduledOperation:
    """A client's operation at a time: nanoseconds from the start of the main phase, on a client thread (0, 1, ...);
    ``node`` where it names the one to be asked."""

    time_ns: int
    thread: int
    f: str
    value: Any = None
    key: Any = None
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """System, options, workload, faults, provider, sizes, seed; and the concrete fault schedule.

    ``faults`` is the text of ``--faults``; ``schedule`` is drawn from the seed before the run and written into
    ``plan.json``, so that ``--replay`` repeats the schedule and not only the seed. ``operations``, where not None, are
    the main phase's client operations in place of the workload's generator: a shrunk plan is a few lines of data.
    ``order`` is the simulator's policy for events of one moment ("uniform" or "pct"); ``rare`` says whether simulated
    nodes take their rare branches (``Env.sometimes``). ``probe_hz``: how often every replica is asked what it holds
    while the load is on. ``topology`` (``harness.topology``, as JSON) has regions, and how far apart they are.
    """

    system: str
    workload: str
    options: Mapping[str, str] = field(default_factory=dict)
    bugs: tuple[str, ...] = ()
    faults: str = "none"
    provider: str = "local"
    nodes: int = 5
    concurrency: int = 10
    rate_hz: float = 100.0
    time_limit_s: float = 30.0
    client_timeout_s: float = 1.0
    initial: Any = None
    seed: int = 0
    schedule: tuple[ScheduledFault, ...] = ()
    operations: tuple[ScheduledOperation, ...] | None = None
    order: str = "uniform"
    rare: bool = True
    probe_hz: float = 0.0
    topology: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Plan:
        """Read a plan. Raises ValueError that says what was read and what was expected."""
        fields = dict(data)
        if fields.pop("schema", None) != SCHEMA:
            raise ValueError(f"read schema {data.get('schema')!r}; expected {SCHEMA!r}: is this a plan.json of ours?")
        known = set(Plan.__dataclass_fields__)
        if strange := sorted(set(fields) - known):
            raise ValueError(f"read the unknown field {strange[0]!r}; expected only {', '.join(sorted(known))}")
        for name in ("system", "workload"):
            if not isinstance(fields.get(name), str):
                raise ValueError(f"read {name} = {fields.get(name)!r}; expected a name")
        fields["bugs"] = tuple(fields.get("bugs", ()))
        fields["schedule"] = tuple(_scheduled_fault(entry) for entry in fields.get("schedule", ()))
        operations = fields.get("operations")
        if operations is not None:
            fields["operations"] = tuple(_scheduled_operation(entry) for entry in operations)
        return Plan(**fields)


def _scheduled_fault(data: Any) -> ScheduledFault:
    entry = ScheduledFault(**data)
    return entry if entry.trigger is None else replace(entry, trigger=Trigger.from_json(entry.trigger).as_json())


def _scheduled_operation(data: Any) -> ScheduledOperation:
    """Raises ValueError where a field has another type than its name says."""
    entry = ScheduledOperation(**data)
    numbers = type(entry.time_ns) is type(entry.thread) is int and entry.time_ns >= 0 and entry.thread >= 0
    if not numbers or not isinstance(entry.f, str) or not isinstance(entry.node, str | None):
        raise ValueError(
            f"read the operation {str(data)[:200]}; expected time_ns, thread, f, and perhaps value, key, node"
        )
    return entry

"""From the words after `splitbrain run` to a plan with its fault schedule, and to the plug-ins that it names."""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.catalog import alternatives
from harness.commands import UsageError
from harness.fault import Fault, FaultSyntaxError
from harness.faults.action import check_action
from harness.faults.disturbance import is_list, named
from harness.faults.fault_file import Words, is_file
from harness.faults.grammar import NONE
from harness.faults.profile import Means, left_out
from harness.file import read_json
from harness.plan import Plan
from harness.setup import Setup, misfits, node_specs, reachable, scheduled
from harness.system import Option, System
from harness.topology import TopologyError, read_topology, topology_of
from harness.workload import Workload

NODES_MAX: Final = 64
CONCURRENCY_MAX: Final = 1000
RATE_HZ_MAX: Final = 100_000.0
TIME_LIMIT_S_MAX: Final = 24 * 3600.0
CLIENT_TIMEOUT_S_MAX: Final = 600.0
SEED_MAX: Final = 2**63 - 1
ORDERS: Final = ("uniform", "pct")
RUNS_MAX: Final = 10_000_000

# The options of a plan, by their names in the command line; all are None unless given.
PLAN_OPTIONS: Final = ("option", "workload", "faults", "nodes", "concurrency", "rate", "time_limit", "client_timeout",
                       "seed", "bug", "topology")  # fmt: skip

LOCAL: Final = "local"
SIM: Final = "sim"
SIM_TIME_LIMIT_S: Final = 10.0
SIM_RATE_HZ: Final = 20.0
"""A simulated run is one of many: a short one finds as much as a long one, and is easier to read."""

ALL: Final = "all"


def setup_of(args: argparse.Namespace) -> Setup:
    """The plan that the arguments ask for, its schedule drawn, and what its names stand for. Raises UsageError."""
    faults = catalog.faults()
    plan = _replayed(args) if args.replay is not None else _planned(args)
    system, workload = catalog.system(plan.system), catalog.workload(plan.workload)
    provider = catalog.provider(plan.provider)
    check_real(system, provider.name)
    if problems := misfits(system, workload):
        raise UsageError(f"{'; '.join(problems)}; its workloads: {', '.join(system.workloads)}")
    if args.replay is None:
        plan = _with_bugs(plan, args.bug or [], system)
        plan = replace(plan, options=read_options(args.option or [], system, plan.options))
        plan = _with_topology(plan, args.topology, system)
        plan = replace(plan, schedule=_schedule(plan, system, faults))
    else:
        _check_replayed(plan, system, workload, faults)
        plan = replace(plan, options=system.completed(plan.options))
    modules = (Path(plan.system),) if catalog.is_file(plan.system) else ()
    return Setup(plan, system, workload, provider, faults, modules, catalog.files_of(plan.system))


def check_real(system: System, provider: str) -> None:
    """Raises UsageError for a system that is not ours where there are no machines."""
    if system.external is not None and provider == SIM:
        raise UsageError(f"read {system.name} with --provider {SIM}; expected local or docker: the system is not ours, "
                         "and runs on real nodes only")  # fmt: skip


def _planned(args: argparse.Namespace) -> Plan:
    if args.system is None:
        known = (*catalog.names("systems"), *catalog.externals())
        raise UsageError(f"read no system; expected {alternatives('', known)}, or --replay PLAN.json")
    system = catalog.system(args.system)
    given = {
        "workload": args.workload or system.workloads[0],
        "faults": args.faults,
        "provider": args.provider,
        "nodes": args.nodes,
        "concurrency": args.concurrency,
        "rate_hz": args.rate,
        "time_limit_s": args.time_limit,
        "client_timeout_s": args.client_timeout,
        "seed": secrets.randbelow(2**32) if args.seed is None else args.seed,
    }
    if args.provider == SIM:
        given = {**given, "rate_hz": args.rate or SIM_RATE_HZ, "time_limit_s": args.time_limit or SIM_TIME_LIMIT_S}
    if args.faults == ALL:
        given["faults"] = _all_faults(system, args.provider or LOCAL)
    name = str(Path(args.system).resolve()) if catalog.is_file(args.system) else system.name
    return Plan(system=name, **{name: value for name, value in given.items() if value is not None})


def _all_faults(system: System, provider: str) -> str:
    """Every fault that the provider's clusters can make and the system has to bear, as a ``--faults`` text."""
    missing = left_out(_means(system, provider))
    return ",".join(name for name in catalog.names("faults") if name not in missing) or NONE


def _means(system: System, provider: str) -> Means:
    capabilities = reachable(system, catalog.provider(provider).capabilities)
    return Means(catalog.faults(), capabilities, system.withstands)


def _with_bugs(plan: Plan, bugs: list[str], system: System) -> Plan:
    """The plan with seeded bugs, and with the options under which the system holds without them."""
    options: dict[str, str] = {}
    for name in bugs:
        if name not in system.bugs:
            raise UsageError(f"--bug: read {name[:80]!r}; expected {alternatives(name, system.bugs)}; `splitbrain list "
                             "bugs` describes them")  # fmt: skip
        options |= system.bugs[name].options
    return replace(plan, bugs=tuple(bugs), options=options)


def _with_topology(plan: Plan, file: str | None, system: System) -> Plan:
    """The plan with its regions, and nodes in the place of those that its faults name."""
    if file is None:
        return plan
    try:
        topology = read_topology(Path(file), [spec.name for spec in node_specs(system, plan.nodes)])
        return replace(plan, topology=topology.as_json(), faults=topology.named(plan.faults))
    except OSError as error:
        raise UsageError(f"--topology: read nothing from {file} ({error.strerror}); expected a file as those in "
                         "examples/topologies") from None  # fmt: skip
    except TopologyError as error:
        text = str(error)
        raise UsageError(text if text.startswith("--faults") else f"--topology {file}: {text}") from None


def _schedule(plan: Plan, system: System, faults: Mapping[str, Fault]) -> Any:
    free = is_list(plan.faults) or is_file(plan.faults)
    capabilities = () if free else catalog.provider(plan.provider).capabilities
    try:
        return scheduled(plan, system, faults, capabilities)
    except FaultSyntaxError as error:
        raise UsageError(str(error)) from None


def read_options(words: list[str], system: System, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """``-o KEY=VALUE`` words, checked and completed with what is ``given`` and the system's defaults. Raises
    UsageError."""
    options = {name: option.default for name, option in system.options.items()} | dict(given or {})
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"-o: read {word[:80]!r}; expected KEY=VALUE, such as {_example(system)}")
        if name not in system.options:
            raise UsageError(f"-o: read the option {name[:80]!r} of {system.name}; expected "
                             f"{alternatives(name, system.options)}")  # fmt: skip
        _check_value(name, value, system.options[name])
        options[name] = value
    return options


def _check_value(name: str, value: str, option: Option) -> None:
    if option.values is None:
        if not re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII):
            raise UsageError(f"-o {name}: read {value[:80]!r}; expected an integer ({option.help})")
    elif value not in option.values:
        raise UsageError(f"-o {name}: read {value[:80]!r}; expected {alternatives(value, option.values)}")


def _example(system: System) -> str:
    return next((f"{name}={option.default}" for name, option in system.options.items()), "nothing: there are none")


def _replayed(args: argparse.Namespace) -> Plan:
    """The plan in a file, with its schedule as it was run."""
    path = Path(args.replay)
    if path.is_dir():
        path /= "plan.json"
    try:
        plan = Plan.from_json(read_json(path))
        _check_types(plan)
    except OSError as error:
        raise UsageError(f"--replay: read nothing from {path} ({error.strerror}); expected a run's plan.json") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"--replay {path}: {error}") from None
    if catalog.is_file(plan.system) and args.system is None:
        raise UsageError(f"read {path}, a plan of the system in the file {plan.system}; expected that file to be named "
                         f"here too: splitbrain run {plan.system} --replay {path} (it will be executed)")  # fmt: skip
    named = args.system if args.system is None or not catalog.is_file(args.system) else str(Path(args.system).resolve())
    if named not in (None, plan.system):
        raise UsageError(
            f"read the system {args.system!r} with --replay; expected {plan.system!r}, as in {path}, or none"
        )
    for name in PLAN_OPTIONS:
        if getattr(args, name) is not None:
            raise UsageError(f"read --{name.replace('_', '-')} with --replay; expected neither: the plan says it all")
    return plan if args.provider is None else replace(plan, provider=args.provider)


def _check_types(plan: Plan) -> None:
    """A plan comes from a file, which anybody may have written. Raises ValueError."""
    bounds: dict[str, tuple[Any, float, float]] = {
        "nodes": (int, 1, NODES_MAX),
        "concurrency": (int, 1, CONCURRENCY_MAX),
        "rate_hz": ((int, float), 1e-3, RATE_HZ_MAX),
        "time_limit_s": ((int, float), 1e-3, TIME_LIMIT_S_MAX),
        "client_timeout_s": ((int, float), 1e-3, CLIENT_TIMEOUT_S_MAX),
        "seed": (int, 0, SEED_MAX),
    }
    for name, (kind, low, high) in bounds.items():
        value: Any = getattr(plan, name)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            raise ValueError(f"read {name} = {str(value)[:80]}; expected a number from {low:g} to {high:g}")
    for field in fields(plan):
        if field.name in ("system", "workload", "faults", "provider") and not isinstance(
            getattr(plan, field.name), str
        ):
            raise ValueError(f"read {field.name} = {getattr(plan, field.name)!r}; expected text")
    if plan.initial is not None:
        raise ValueError(f"read initial = {str(plan.initial)[:80]!r}; expected null: a run begins with an empty system")
    if not isinstance(plan.options, dict) or not all(isinstance(v, str) for v in plan.options.values()):
        raise ValueError(f"read options = {str(plan.options)[:80]}; expected an object of texts")
    for entry in plan.schedule:
        times_known = type(entry.start_ns) is type(entry.stop_ns) is int
        if not times_known or not 0 <= entry.start_ns <= entry.stop_ns <= plan.time_limit_s * 1e9:
            raise ValueError(f"read the scheduled fault {str(entry)[:200]}; expected start_ns <= stop_ns within the "
                             f"{plan.time_limit_s:g} s of the run")  # fmt: skip
    for operation in plan.operations or ():
        if operation.thread >= plan.concurrency or operation.time_ns > plan.time_limit_s * 1e9:
            raise ValueError(f"read the operation {str(operation)[:200]}; expected a thread below {plan.concurrency}, "
                             f"and a time within the {plan.time_limit_s:g} s of the run")  # fmt: skip
    if plan.order not in ORDERS or not isinstance(plan.rare, bool):
        raise ValueError(f"read order = {str(plan.order)[:80]!r} and rare = {str(plan.rare)[:80]}; expected one of "
                         f"{', '.join(ORDERS)}, and true or false")  # fmt: skip


def _check_replayed(plan: Plan, system: System, workload: Workload, faults: Mapping[str, Fault]) -> None:
    """Options, faults and operations of a plan from a file, by the rules of the command line."""
    read_options([f"{name}={value}" for name, value in plan.options.items()], system)
    try:
        named(plan.faults, Words(faults, system.events or None, system.operations, system.roles))
    except FaultSyntaxError as error:
        raise UsageError(str(error)) from None
    if strange := [bug for bug in plan.bugs if bug not in tuple(system.bugs)]:
        raise UsageError(f"--replay: read the bug {str(strange[0])[:80]!r}; expected {alternatives('', system.bugs)}")
    nodes = tuple(spec.name for spec in node_specs(system, plan.nodes))
    if plan.topology is not None:
        try:
            topology_of(plan.topology, nodes)
        except TopologyError as error:
            raise UsageError(f"--replay: {error}") from None
    for entry in plan.schedule:
        if not isinstance(entry.fault, str) or entry.fault not in faults:
            raise catalog.UnknownNameError("faults", str(entry.fault), faults)
        try:
            check_action(entry.action, nodes, triggered=entry.trigger is not None)
        except ValueError as error:
            raise UsageError(f"--replay: {error}") from None

    for operation in plan.operations or ():
        if operation.f not in workload.operations:
            raise UsageError(f"--replay: read an operation {operation.f[:80]!r}; expected one that the workload "
                             f"{workload.name} asks: {alternatives(operation.f, workload.operations)}")  # fmt: skip
        if operation.node is not None and operation.node not in nodes:
            raise UsageError(f"--replay: read an operation at the node {operation.node[:80]!r}; expected one of "
                             f"{', '.join(nodes)}")  # fmt: skip


def faults_in_words(plan: Plan) -> str:
    """What the plan disturbs, for the first line of a run."""
    if plan.faults.strip() == NONE:
        return "no faults (--faults partition,kill,pause would break things)"
    times = f"({len(plan.schedule)} times)"
    if is_list(plan.faults):
        return f"faults {plan.faults} {times}"
    drawn = ", ".join(dict.fromkeys(entry.fault for entry in plan.schedule))
    if is_file(plan.faults):
        return f"faults {plan.faults}: {drawn} {times}"
    missing = left_out(_means(catalog.system(plan.system), plan.provider))
    reasons = {why: [name for name in missing if missing[name] == why] for why in missing.values()}
    without = "".join(f"; without {', '.join(names)} ({why})" for why, names in reasons.items())
    return f"faults {plan.faults}: {drawn} {times}{without}"

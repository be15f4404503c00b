"""``splitbrain list``: what there is to run, to break and to check, with one line on each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness import catalog
from harness.commands import one_of
from harness.commands.output import emit
from harness.commands.question import FLAGS
from harness.faults.profile import PROFILES
from harness.faults.target import OPEN

KINDS: Final = ("systems", "workloads", "faults", "models", "checkers", "providers", "bugs")

EXAMPLES: Final = """\
examples:
  splitbrain list systems       names, options and their values
  splitbrain list faults        what may stand in --faults, as in --faults partition=isolate-leader,kill
  splitbrain list bugs          the mistakes that --bug seeds, with the faults and options that expose each
  splitbrain list checkers      what may stand in check --expect, and the options that each takes
  splitbrain list models --json one line of JSON"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "list",
        help=", ".join(KINDS),
        description="Names what can be used, with one line on each.",
        epilog=EXAMPLES,
    )
    parser.add_argument("kind", type=one_of(KINDS), metavar="KIND", help="one of " + ", ".join(KINDS))
    parser.add_argument("--json", action="store_true", help="one line of JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Print the entries of one kind; 0."""
    names = () if args.kind == "bugs" else catalog.names(args.kind)
    names += catalog.externals() if args.kind == "systems" else ()
    entries = _bugs() if args.kind == "bugs" else [DESCRIPTIONS[args.kind](name) for name in names]
    profiles = _profiles() if args.kind == "faults" else []
    if args.json:
        emit({args.kind: entries, **({"profiles": profiles} if profiles else {})})
    else:
        print("\n".join(line for entry in [*entries, *profiles] for line in _lines(entry)))
    return 0


def _system(name: str) -> dict[str, Any]:
    system = catalog.system(name)
    options = {
        option: {"default": o.default, "values": None if o.values is None else list(o.values), "help": o.help}
        for option, o in system.options.items()
    }
    needs = [] if system.external is None else ["real nodes (--provider local or docker)", *system.external.packages]
    return {"name": name, "summary": system.summary, "needs": needs, "options": options,
            "workloads": list(system.workloads), "operations": sorted(system.operations), "events": list(system.events),
            "bugs": {bug: described.summary for bug, described in system.bugs.items()}}  # fmt: skip


def _workload(name: str) -> dict[str, Any]:
    workload = catalog.workload(name)
    return {"name": name, "summary": workload.summary, "operations": sorted(workload.operations),
            "expect": workload.expect, "model": workload.model, "valid needs": str(workload.thresholds)}  # fmt: skip


def _fault(name: str) -> dict[str, Any]:
    fault = catalog.fault(name)
    return {"name": name, "summary": fault.summary, "shapes": dict(fault.shapes), "needs": sorted(fault.needs)}


def _profiles() -> list[dict[str, Any]]:
    """The words that stand for many faults, and those that stand in many shapes."""
    profiles = [{"name": name, "summary": f"(profile) {line}"} for name, (_, line) in PROFILES.items()]
    everything = "(profile) everything the provider can do and the system has to bear, by turns"
    targets = [
        {"name": word, "summary": f"(target, wherever a shape says leader) {line}"} for word, line in OPEN.items()
    ]
    return [*profiles, {"name": "all", "summary": everything},
            {"name": "FILE.toml", "summary": "(fault file) rates, durations, phases: see examples/faults"},
            *targets, *_triggers()]  # fmt: skip


def _triggers() -> list[dict[str, Any]]:
    """What may stand before a fault and a colon, in place of times."""
    lines = {
        "after EVENT": "when a node tells the event (`list systems` names each system's), as in after vote-granted: "
        "kill its node; after 3rd EVENT, after any EVENT",
        "after operation F": "when a client asks for F, as in after 20th operation write: pause=leader",
        'after log "TEXT"': "when a node logs a line with that text in it",
        "after failpoint F": "when a node passes that place in its program",
        "after leader-change": "when another node leads",
    }
    return [{"name": name, "summary": f"(trigger, before a colon) {line}"} for name, line in lines.items()]


def _model(name: str) -> dict[str, Any]:
    return {"name": name, "summary": catalog.models()[name]}


def _checker(name: str) -> dict[str, Any]:
    taken = catalog.options(name)
    return {"name": name, "summary": catalog.summary(name),
            "options": [FLAGS[option] for option in catalog.OPTIONS if option in taken]}  # fmt: skip


def _provider(name: str) -> dict[str, Any]:
    return {"name": name, "summary": catalog.provider(name).summary}


def _bugs() -> list[dict[str, Any]]:
    """The seeded bugs of all systems, by system and row."""
    return [
        {"name": name, "summary": bug.summary, "system": system, "row": bug.row, "faults": bug.faults,
         "workloads": list(bug.workloads), "shows_as": list(bug.shows_as), "options": dict(bug.options)}
        for system in catalog.names("systems")
        for name, bug in sorted(catalog.system(system).bugs.items(), key=lambda item: item[1].row)
    ]  # fmt: skip


DESCRIPTIONS: Final = {
    "systems": _system,
    "workloads": _workload,
    "faults": _fault,
    "models": _model,
    "checkers": _checker,
    "providers": _provider,
}


def _lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """One entry as text: its name and summary, then whatever else there is to say, indented."""
    yield f"{entry['name']:<16}  {entry['summary']}"
    for field, value in entry.items():
        if field in ("name", "summary") or not value:
            continue
        if isinstance(value, dict):
            yield f"    {field}:"
            width = max(map(len, value))
            yield from (f"      {name:<{width}}  {_detail(detail)}" for name, detail in value.items())
        else:
            yield f"    {field}: {', '.join(value) if isinstance(value, list) else value}"


def _detail(detail: Any) -> str:
    """An option's help with its values, or a line of text as it is."""
    if not isinstance(detail, dict):
        return str(detail)
    values = "an integer" if detail["values"] is None else "|".join(detail["values"])
    return f"{detail['help']} ({values}; default {detail['default']})"

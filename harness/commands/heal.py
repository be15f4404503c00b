"""``splitbrain heal``: this machine as it was before a run that crashed: what it left is found and removed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

from harness import catalog
from harness.cluster import NOT_REMOVED, ClusterError, Provider
from harness.commands import one_of
from harness.commands.output import emit
from harness.commands.standing import check_rights

REMAINS: Final = 2

DESCRIPTION: Final = """\
A run heals what it broke, and removes its nodes, however it ends; only kill -9, a crash of Python or of the machine
leaves anything: folders, control groups, frozen disks, containers, networks. The next run removes that by itself; this
command does it now, and says what it was. Runs that are under way, and clusters that stand, are left alone. To do it
twice changes nothing."""

EXAMPLES: Final = """\
examples:
  splitbrain heal                       for every provider
  splitbrain heal --provider local      for one
  splitbrain heal --json                one line of JSON

exit status: 0 nothing is left, 2 something could not be removed (it says what and why)"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "heal", help="remove what crashed runs left on this machine", description=DESCRIPTION, epilog=EXAMPLES
    )
    parser.add_argument("--provider", type=one_of(lambda: catalog.names("providers")), metavar="P",
                        help="only what this provider's runs left (default: every provider's)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one line of JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Remove leftovers and print what they were; 0, or 2 if something remains."""
    check_rights()
    names = catalog.names("providers") if args.provider is None else (args.provider,)
    found = {name: _healed(catalog.provider(name)) for name in names}
    if args.json:
        emit({"providers": found, "healed": not _remains(found)})
    else:
        print("\n".join(_lines(found)))
    return REMAINS if _remains(found) else 0


def _healed(provider: Provider) -> dict[str, list[str]]:
    """What was ``removed``, what ``remains`` and why, and what is ``living`` and was left alone."""
    try:
        told: Sequence[str] = provider.remove_leftovers()
        living = provider.living()
    except (ClusterError, OSError) as error:
        told, living = [f"{NOT_REMOVED} what {provider.name} may have left: {error}"], []
    return {
        "removed": [line for line in told if not line.startswith(NOT_REMOVED)],
        "remains": [line for line in told if line.startswith(NOT_REMOVED)],
        "living": list(dict.fromkeys(living)),
    }


def _remains(found: dict[str, dict[str, list[str]]]) -> bool:
    return any(lines["remains"] for lines in found.values())


def _lines(found: dict[str, dict[str, list[str]]]) -> list[str]:
    lines = [f"{name}: removed {line}" for name, told in found.items() for line in told["removed"]]
    lines += [f"{name}: {line}" for name, told in found.items() for line in told["remains"]]
    lines += [
        f"{name}: left alone: {line}, which is under way" for name, told in found.items() for line in told["living"]
    ]
    if not any(told["removed"] or told["remains"] for told in found.values()):
        lines.append(f"nothing was left behind ({', '.join(found)})")
    return lines

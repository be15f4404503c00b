"""``splitbrain doctor``: what this machine can do, and the command that would add each missing thing."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from harness.cluster import Finding

PACKAGES = {"paramiko": "clusters over SSH", "rich": "the progress display of `run`", "z3": "--method z3"}


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="what this machine can do, and what would add the rest",
        description="Looks at this machine (changes nothing): which providers can be used, kernel features, packages; "
        "for each missing thing the exact command that would add it. Exit status 0 if real nodes can be made, else 2.",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 if nodes of some kind can be made here, else 2: simulated ones can be everywhere."""
    from harness import catalog

    providers = {name: catalog.provider(name).examine() for name in catalog.names("providers")}
    general = examine_python()
    usable = {name: all(f.present for f in findings if f.required) for name, findings in providers.items()}
    if args.json:
        print(json.dumps(as_json(general, providers, usable)))
    else:
        print(f"{platform.platform()}, Python {platform.python_version()}")
        show("python", general)
        for name, findings in providers.items():
            show(f"provider {name}: {'can be used' if usable[name] else 'cannot be used yet'}", findings)
    return 0 if any(usable[name] for name, findings in providers.items() if findings) else 2


def examine_python() -> list[Finding]:
    """This interpreter and the packages that come with the installation."""
    from importlib.util import find_spec

    remedy = f"{sys.executable} -m pip install splitbrain"
    findings = [Finding(name="python >= 3.11", present=sys.version_info >= (3, 11), needed_for="everything",
                        detail=platform.python_version(), remedy="apt-get install python3")]  # fmt: skip
    for package, purpose in PACKAGES.items():
        findings.append(Finding(package, find_spec(package) is not None, purpose, remedy=remedy))
    return findings


def show(title: str, findings: Sequence[Finding]) -> None:
    print(f"\n{title}")
    for finding in findings:
        mark = "yes" if finding.present else "NO " if finding.required else "no "
        detail = f" ({finding.detail})" if finding.detail else ""
        print(f"  {mark}  {finding.name:<24} for {finding.needed_for}{detail}")
        if not finding.present:
            print(f"       to add it: {finding.remedy or 'nothing can add it on this machine'}")


def as_json(
    general: Sequence[Finding], providers: Mapping[str, Sequence[Finding]], usable: Mapping[str, bool]
) -> dict[str, Any]:
    def rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
        return [
            {"name": f.name, "present": f.present, "required": f.required, "needed_for": f.needed_for,
             "detail": f.detail, "remedy": f.remedy}
            for f in findings
        ]  # fmt: skip

    return {
        "platform": platform.platform(),
        "python": rows(general),
        "providers": {name: {"usable": usable[name], "findings": rows(f)} for name, f in providers.items()},
    }

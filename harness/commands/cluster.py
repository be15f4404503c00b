"""``splitbrain cluster``: a cluster to look around in, that stands until it is taken down."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.catalog import alternatives
from harness.cluster import NOT_REMOVED
from harness.commands import PROGRAM, UsageError, complain, one_of
from harness.commands.output import emit
from harness.commands.standing import NAME, Standing, all_standing, check_rights, end

SYSTEM: Final = "raft"
PROVIDER: Final = "local"
NODES: Final = 5
NODES_MAX: Final = 64
NO_CLUSTER: Final = 2
_ROOT: Final = Path(__file__).resolve().parents[2]

DESCRIPTION: Final = """\
Makes a cluster as `splitbrain run` does, with the system's programs running, and nothing that drives or breaks it: for
people who want to look around. It stands in the background until `cluster down`, or until its process is killed, which
removes it too."""

EXAMPLES: Final = """\
examples:
  splitbrain cluster up                            five nodes of raft, in namespaces of this machine
  splitbrain cluster up single-leader --provider docker --nodes 3 -o replication=async
  splitbrain cluster list                          which stand, and the name of each node
  splitbrain cluster ssh n1                        a shell on a node
  splitbrain cluster ssh n1 -- cat /var/log/node/node.log       one command on it, with its exit status
  splitbrain cluster down                          remove it; --all: all of them

exit status: 0 done, 2 no cluster could be made or a node's command ended so, 254 wrong usage"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser("cluster", help="a cluster to look around in: up, list, ssh, down",
                                   description=DESCRIPTION, epilog=EXAMPLES)  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    up = verbs.add_parser("up", help="make one; returns when its programs serve", description=DESCRIPTION,
                          epilog=EXAMPLES)  # fmt: skip
    up.add_argument("system", nargs="?", default=SYSTEM, metavar="SYSTEM",
                    help=f"`splitbrain list systems` names them (default: {SYSTEM})")  # fmt: skip
    up.add_argument("--provider", type=one_of(_providers), default=PROVIDER, metavar="P",
                    help=f"how nodes are made: one of {', '.join(_providers())} (default: {PROVIDER})")  # fmt: skip
    up.add_argument("--nodes", type=_count, default=NODES, metavar="N", help=f"number of nodes (default: {NODES})")
    up.add_argument("-o", dest="option", action="append", metavar="KEY=VALUE", help="an option of the system")
    up.add_argument("--name", type=_name, metavar="NAME", help="what to call it (default: as the system)")
    listed = verbs.add_parser("list", help="which clusters stand", description="Names the clusters that stand.")
    ssh = verbs.add_parser("ssh", help="a shell, or one command, on a node", epilog=EXAMPLES,
                           usage="splitbrain cluster ssh NODE [CLUSTER] [-- COMMAND ...]",
                           description="Opens a shell on a node, as root, or runs the command after --.")  # fmt: skip
    # All in one: argparse would take the -- that follows NODE for its own.
    ssh.add_argument("words", nargs=argparse.REMAINDER, metavar="NODE [CLUSTER] [-- COMMAND ...]",
                     help="n1, n2, ...; the cluster where several stand; a command instead of a shell")  # fmt: skip
    down = verbs.add_parser(
        "down", help="remove one, or all", description="Removes a cluster; returns when it is gone."
    )
    down.add_argument("cluster", nargs="?", metavar="NAME", help="needed where several stand")
    down.add_argument("--all", action="store_true", help="every one")
    for verb in (up, listed, down):
        verb.add_argument("--json", action="store_true", help="one line of JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Do what the verb says; see EXAMPLES for the exit status."""
    check_rights()
    return {"up": _up, "list": _list, "ssh": _ssh, "down": _down}[args.verb](args)


def _up(args: argparse.Namespace) -> int:
    from harness.commands.run import check_provider
    from harness.commands.run_plan import read_options

    system = catalog.system(args.system)
    provider = catalog.provider(args.provider)
    options = read_options(args.option or [], system)
    check_provider(provider, args.system)
    provider.remove_leftovers()
    name = _free_name(args.name, system.name)
    place = str(Path(args.system).resolve()) if catalog.is_file(args.system) else args.system
    complain(f"making {args.nodes} nodes of {args.system} with the provider {args.provider}")
    answer = _started({"name": name, "system": place, "provider": args.provider, "nodes": args.nodes,
                       "options": options, "seed": secrets.randbelow(2**32)})  # fmt: skip
    if "up" not in answer:
        text = f"no cluster could be made: {answer.get('error', 'its process ended without a word')}"
        complain(f"splitbrain: {text}")
        emit({"error": text}) if args.json else None
        return NO_CLUSTER
    standing = _named(name)
    if args.json:
        emit(standing.as_json())
    else:
        print("\n".join(_lines(standing)))
        print(f"a shell on a node: {PROGRAM} cluster ssh {standing.nodes[0].name} {name}")
        print(f"to remove it:      {PROGRAM} cluster down {name}")
    return 0


def _started(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Start the process that holds it, and wait for its one line; Ctrl-C removes what there is of it."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-m", "harness.commands.holder", json.dumps(request)], env=environment, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None, "a pipe"
        assert holder.stderr is not None, "a pipe"
        line = holder.stdout.readline()
        answer: Mapping[str, Any] = json.loads(line) if line else {"error": holder.stderr.read()[-2000:].strip()}
    except BaseException:
        holder.send_signal(signal.SIGTERM)
        holder.wait()
        raise
    return answer


def _list(args: argparse.Namespace) -> int:
    found = all_standing()
    if args.json:
        emit({"clusters": [standing.as_json() for standing in found]})
    elif found:
        print("\n".join(line for standing in found for line in _lines(standing)))
    else:
        print(f"no cluster stands; `{PROGRAM} cluster up` makes one")
    return 0


def _ssh(args: argparse.Namespace) -> int:
    """Become the shell, or the command, on the node."""
    name, cluster, words = _split(args.words)
    standing = _chosen(cluster)
    nodes = {node.name: node for node in standing.nodes}
    if name not in nodes:
        raise UsageError(f"read the node {name[:80]!r} of {standing.name}; expected {alternatives(name, nodes)}")
    command = [*shlex.split(nodes[name].entry), "--", *(words or ["sh"])]
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(
            f"read no {command[0]} on this machine, which is what enters a node; expected it to be installed"
        )
    sys.stdout.flush()
    os.execve(program, command, {**_environment(), "PS1": f"{name}# "})  # noqa: S606


def _split(words: Sequence[str]) -> tuple[str, str | None, list[str]]:
    """A node's name, a cluster's, if there is one, and the command behind ``--``."""
    before, after = list(words), []
    if "--" in before:
        at = before.index("--")
        before, after = before[:at], before[at + 1 :]
    if not before:
        raise UsageError(f"read no node; expected its name: {PROGRAM} cluster ssh NODE [CLUSTER] [-- COMMAND ...]")
    if len(before) > 2:
        raise UsageError(f"read {before[2][:80]!r} after the names; expected -- before a command")
    return before[0], (before[1] if len(before) == 2 else None), after


def _down(args: argparse.Namespace) -> int:
    if args.all and args.cluster:
        raise UsageError(f"read --all and the name {args.cluster[:80]!r}; expected one of them")
    chosen = all_standing() if args.all else [_chosen(args.cluster)]
    for standing in chosen:
        if not end(standing):
            complain(f"the process of {standing.name} did not end by itself, and was killed")
        for line in catalog.provider(standing.provider).remove_leftovers():
            complain(line if line.startswith(NOT_REMOVED) else f"removed: {line}")
    if args.json:
        emit({"removed": [standing.name for standing in chosen]})
    else:
        print("\n".join(f"removed {standing.name}" for standing in chosen) or "no cluster stands")
    return 0


def _environment() -> dict[str, str]:
    """Of this process's environment, what a shell on a node has use for."""
    kept = {name: os.environ[name] for name in ("TERM", "LANG") if name in os.environ}
    return {**kept, "HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def _chosen(name: str | None) -> Standing:
    """The one that is named, or the only one."""
    if name is not None:
        return _named(name)
    found = all_standing()
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no cluster stands; `{PROGRAM} cluster up` makes one")
    raise UsageError(f"read no name, and several clusters stand; expected {alternatives('', [s.name for s in found])}")


def _named(name: str) -> Standing:
    found = {standing.name: standing for standing in all_standing()}
    if name not in found:
        raise UsageError(f"read the cluster {name[:80]!r}; expected {alternatives(name, found)}; "
                         f"`{PROGRAM} cluster up` makes one")  # fmt: skip
    return found[name]


def _free_name(wanted: str | None, system: str) -> str:
    taken = {standing.name for standing in all_standing()}
    if wanted is not None:
        if wanted in taken:
            raise UsageError(f"--name: read {wanted!r}, which stands already; expected another name, or "
                             f"`{PROGRAM} cluster down {wanted}` first")  # fmt: skip
        return wanted
    plain = "".join(c if c.isalnum() and c.isascii() else "-" for c in system.lower()).strip("-")[:24] or "cluster"
    return next(name for name in (plain, *(f"{plain}-{n}" for n in range(2, 1000))) if name not in taken)


def _lines(standing: Standing) -> list[str]:
    age_s = max(0, int(time.time() - standing.since_s))
    nodes = ", ".join(f"{node.name} ({node.role})" for node in standing.nodes)
    return [f"{standing.name}: {standing.system}, provider {standing.provider}, up for {age_s} s, held by process "
            f"{standing.pid}", f"  nodes: {nodes}"]  # fmt: skip


def _providers() -> list[str]:
    return [name for name in catalog.names("providers") if name != "sim"]


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
    if not 1 <= number <= NODES_MAX:
        raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected an integer from 1 to {NODES_MAX}")
    return number


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected up to 32 small letters, digits and hyphens")
    return text

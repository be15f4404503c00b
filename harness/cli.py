"""The command line: finds the command that is asked for, imports that one only, and turns its end into a status.

Exit status: 0 valid, 1 invalid, 2 unknown, 254 usage, 255 crash of the harness. Whatever goes wrong, ``--json`` gets
its one line of JSON: {"error": ...}, with the same status.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

from harness.commands import (
    CRASH,
    EXIT_STATUSES,
    USAGE,
    BadFileError,
    Parser,
    UnknownNameError,
    UsageError,
    complain,
    silence,
)


class Command(NamedTuple):
    """Where a command is, and what it does in one line."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, Command]] = {
    "run": Command("harness.commands.run", "start a cluster, break it, record a history, judge it"),
    "check": Command("harness.commands.check", "judge a recorded history, or a run again"),
    "verify": Command("harness.commands.verify", "check the evidence of a verdict against its history"),
    "convert": Command("harness.commands.convert", "write a history in another format"),
    "view": Command("harness.commands.view", "write a history, and why it is invalid, as one HTML file to look at"),
    "shrink": Command("harness.commands.shrink", "from a failing plan to the smallest one that fails the same way"),
    "keep": Command("harness.commands.keep", "keep a plan as a regression test that pytest runs"),
    "claims": Command("harness.commands.claims", "the books' sentences about the bundled systems, as experiments"),
    "mutants": Command("harness.commands.mutants", "the harness's own exam: seeded bugs to be found, twins in peace"),
    "cluster": Command("harness.commands.cluster", "a cluster to look around in: up, list, ssh, down"),
    "heal": Command("harness.commands.heal", "remove what crashed runs left on this machine"),
    "list": Command("harness.commands.list", "systems, workloads, faults, models, checkers, providers"),
    "doctor": Command("harness.commands.doctor", "what this machine can do, and what would add the rest"),
    "selftest": Command("harness.commands.selftest", "the project's own tests (in a clone)"),
}
INTERRUPTED: Final = 2  # no verdict: the same as unknown

DESCRIPTION: Final = """\
Breaks a cluster, records what its clients saw, and proves from that history what went wrong.

commands:
{commands}

examples:
  splitbrain run raft --faults partition,kill       five nodes, faults, a verdict
  splitbrain check store/latest                     judge that run again
  splitbrain check history.edn --model cas-register judge somebody else's history
  splitbrain list faults                            what can be broken, and how

`splitbrain COMMAND --help` explains each.
{statuses}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_missing_streams()
    _make_output_safe()
    try:
        return _run(words)
    except Exception:  # noqa: BLE001 - the reason cannot even be told; Python's status for that is 1, "invalid"
        return _close_output()


def _run(words: list[str]) -> int:
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except (UsageError, UnknownNameError, BadFileError) as error:
        fields = error.fields if isinstance(error, UsageError) else {}
        return _end(words, USAGE, str(error), fields)
    except KeyboardInterrupt:
        return _end(words, INTERRUPTED, "interrupted: no verdict")
    except BrokenPipeError:
        return _close_output()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a crash of ours and must be seen as one
        return _crash(words, error)
    return status


def _dispatch(words: list[str]) -> int:
    if not words:
        print(_top_level().format_help(), file=sys.stderr)
        raise UsageError("read no command; expected one of " + ", ".join(COMMANDS))
    if words[0].startswith("-"):
        return _top_level_option(words)
    if words[0] not in COMMANDS:
        raise UnknownNameError("command", words[0], COMMANDS)
    module = import_module(COMMANDS[words[0]].module)
    parser = _top_level()
    subparsers = parser.add_subparsers(prog="splitbrain", dest="command", metavar="COMMAND")
    module.add(subparsers)
    parsed, strange = parser.parse_known_args(words)
    if strange:
        command: Parser = subparsers.choices[words[0]]
        command.refuse(strange)
    status: int = module.run(parsed)
    return status


def _top_level() -> Parser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
    return Parser(
        prog="splitbrain",
        usage="splitbrain COMMAND ... [--help]",
        description=DESCRIPTION.format(commands=listed, statuses=EXIT_STATUSES),
    )


def _top_level_option(words: list[str]) -> int:
    if words[0] in ("-h", "--help"):
        print(_top_level().format_help(), end="")
        return 0
    if words[0] == "--version":
        print("splitbrain", _version())
        return 0
    raise UsageError(f"read {words[0][:80]!r}; expected a command first, one of {', '.join(COMMANDS)}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("splitbrain")
    except PackageNotFoundError:
        return "(not installed: running from its source)"


def _open_missing_streams() -> None:
    """Standard streams that were closed before we began become /dev/null: else the next file that is opened would get
    the descriptor, and what is printed would be written into it."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            if (opened := os.open(os.devnull, os.O_RDWR)) != descriptor:
                os.dup2(opened, descriptor)
            setattr(sys, name, open(descriptor, "r+", encoding="utf-8", closefd=False))  # noqa: SIM115


def _make_output_safe() -> None:
    # A history may hold half of a surrogate pair, and a terminal may speak ASCII only: neither is a reason to crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def _end(words: list[str], status: int, text: str, fields: Mapping[str, Any] | None = None) -> int:
    """Say why there is no verdict, to people and, with --json, to programs."""
    complain(f"splitbrain: {text}")
    if "--json" in words:
        from harness.commands.output import emit

        emit({"error": text, **(fields or {})})
    return status


def _crash(words: list[str], error: Exception) -> int:
    import traceback

    complain(traceback.format_exc().rstrip())
    what = f"{type(error).__name__}: {error}"
    return _end(words, CRASH, f"crashed ({what}): a bug of splitbrain, and no verdict; the lines above say where")


def _close_output() -> int:
    """Whoever read our output has gone."""
    silence(sys.stdout)
    complain("splitbrain: standard output was closed before everything was written")
    return CRASH


if __name__ == "__main__":
    sys.exit(main())

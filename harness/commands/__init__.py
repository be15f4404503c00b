"""The commands of ``splitbrain``: one module each, with ``add(subparsers)`` and ``run(arguments) -> exit status``.

``add`` adds the command's parser, with help that teaches; ``run`` does the work and imports inside itself whatever is
heavy. A wrong request is a :class:`UsageError`; the command line turns it into exit status 254. With ``--json`` a
command prints exactly one line of JSON, as the last line of standard output, and progress on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn, TextIO

from harness.catalog import BadFileError, UnknownNameError, alternatives

PROGRAM: Final = os.environ.get("SPLITBRAIN_COMMAND", "splitbrain")
"""What a person types to call this program: the launcher says how it was called."""

USAGE: Final = 254
CRASH: Final = 255

EXIT_STATUSES: Final = "exit status: 0 valid, 1 invalid, 2 unknown, 254 wrong usage or input, 255 crash of splitbrain"


class UsageError(Exception):
    """A request that cannot be met: what was read, what was expected, what to do. ``fields`` go into the JSON."""

    def __init__(self, text: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.fields = dict(fields or {})


class _Help(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal; argparse itself would import ``shutil`` to know, even while options are added."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (ValueError, OSError, AttributeError):
        return 80


class Parser(argparse.ArgumentParser):
    """argparse, with exit status 254 for wrong usage, no abbreviated options, and help that keeps its line breaks."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Help)
        super().__init__(**{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` explains")

    def refuse(self, strange: list[str]) -> NoReturn:
        """Say what is wrong with arguments that no one took."""
        word = strange[0]
        if word.startswith("-"):
            options = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"read the option {word[:80]!r}; expected {alternatives(word.partition('=')[0], options)}")
        self.error(
            f"read {word[:80]!r}, which is one argument too many here; names stand together, options around them"
        )


def complain(text: str) -> None:
    """Lines for people on standard error, if anybody reads it: nobody there is no reason to end otherwise. What they
    quote (a plan, the last words of a node) may be anything, so no control character gets to the terminal."""
    from harness.commands.output import printable

    try:
        print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Whoever read it has gone, or it is full: let what is written to it go nowhere. Python flushes at its exit, and
    would end with a status of its own if that failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def one_of(known: Callable[[], Iterable[str]] | Iterable[str]) -> Callable[[str], str]:
    """An argparse ``type``: one of these names (or of what a function gives, when needed); else a suggestion."""

    def name(text: str) -> str:
        choices = tuple(known() if callable(known) else known)
        if text not in choices:
            raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected {alternatives(text, choices)}")
        return text

    return name


def positive_seconds(text: str) -> float:
    """An argparse ``type``: a number of seconds above 0."""
    from math import isfinite

    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not isfinite(seconds) or seconds <= 0:
        raise argparse.ArgumentTypeError(f"read {text[:80]!r}; expected a number of seconds above 0")
    return seconds


__all__ = [
    "CRASH",
    "EXIT_STATUSES",
    "PROGRAM",
    "USAGE",
    "BadFileError",
    "Parser",
    "UnknownNameError",
    "UsageError",
    "complain",
    "one_of",
    "positive_seconds",
    "silence",
]

"""Jepsen's text log: one operation per line, among whatever else was logged.

    INFO  jepsen.util - 0	:invoke	:write	3
    INFO  jepsen.util - 0	:ok	:write	3
    INFO  jepsen.util - 1	:info	:cas	:timed-out

Process, type, name, value, and perhaps an error; the value of a cas is [old new]. On a "fail" or "info" line a keyword
in the value's place is the error. Lines that are no operations are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.formats.edn import Names, without_kind
from harness.formats.edn_reader import EdnError, Keyword, Reader
from harness.formats.record import Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown
from harness.history import Op

FORMAT: Final = "jepsen-log"
OPERATION: Final = re.compile(
    r"(?:^|\bjepsen\.util(?:\s+-|:)?)\s*"
    r"(?P<process>\d{1,20}|:?nemesis)\s+:(?P<type>invoke|ok|fail|info)\s+:(?P<f>[^\s\"]+)(?P<rest>.*)",
    re.DOTALL,
)
# A line that has an operation's type right after something of jepsen.util's, and yet is none, is a damaged one.
_DAMAGED: Final = re.compile(r"\bjepsen\.util(?:\s+-|:)?\s+\S*\s*:(?:invoke|ok|fail|info)\b")


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`; a last operation without a line end is an error, too, for the
    rest of its value may be missing."""
    return record(_operations(lines, path), path, FORMAT, independent=independent)


def _operations(lines: Iterable[str], path: str) -> Iterator[tuple[int, Op]]:
    names = Names()
    for number, line in enumerate(lines, 1):
        found = OPERATION.search(line)
        try:
            if found:
                if not line.endswith("\n"):
                    raise Mismatch(
                        f"a last line without a line end, {shown(line)}: it may be cut off",
                        "a line end (add one if the line is whole)",
                    )
                yield number, _operation(found, names)
            elif _DAMAGED.search(line):
                raise Mismatch(shown(line.strip()), "process, type, name and value, as in 0 :invoke :write 3")
        except Mismatch as error:
            raise FormatError(path, number, error.read, error.expected) from None


def _operation(found: re.Match[str], names: Names) -> Op:
    process, kind = found["process"].lstrip(":"), found["type"]
    client = process.isdigit()
    fields: dict[str, Any] = {"process": int(process) if client else process, "type": kind, "f": found["f"]}
    values = _values(found["rest"], client)
    if len(values) == 1 and kind in ("fail", "info") and client and isinstance(values[0], Keyword):
        values.insert(0, None)
    if values:
        fields["value"] = names.plain(values[0]) if client else without_kind(values[0])
    if len(values) > 1:
        fields["error"] = without_kind(values[1])
    return operation(fields)


def _values(rest: str, client: bool) -> list[Any]:
    """Value and error. What the nemesis and errors say need not be EDN, and is then kept as text."""
    try:
        values = _forms(rest)
        if len(values) <= 2:
            return values
    except EdnError as error:
        problem = f"{shown(rest.strip())} ({error.read})"
    else:
        problem = shown(rest.strip())
    first, separator, second = rest.strip().partition("\t")
    if not client:
        return [rest.strip()]
    if not separator:
        raise Mismatch(problem, "one EDN value, and perhaps an error after it")
    try:
        value = _forms(first)
    except EdnError as error:
        raise Mismatch(f"{shown(first)} ({error.read})", "one EDN value") from None
    if len(value) != 1:
        raise Mismatch(shown(first), "one EDN value")
    return [value[0], second]


def _forms(text: str) -> list[Any]:
    # The reader hands out the elements of an outermost vector; inside one of ours, a value stays whole.
    return [value for _, value in Reader(f"[{text}\n]").elements()]

"""A fault file: ``--faults FILE.toml`` says what strikes, how often, for how long, and in which phases of the run.

::

    [[phase]]
    name = "storm"
    from = "50%"                 # a share of the run, or seconds: from = 12.5
    until = "90%"
    factor = 3                   # rates are three times as high; 0 is quiet

    [[fault]]
    name = "partition"
    shape = "isolate-leader:2"   # as after = in --faults; without it the fault's own mix
    rate = 4                     # a minute, on average; or at = [3, 8.5], or every = 10, in seconds
    duration = [1, 4]            # seconds in force, drawn between the two; or one number
    overlaps = true              # beside other faults that overlap; otherwise it has the cluster to itself
    phases = ["storm"]           # only then
    amount = { }                 # figures in place of those it draws: { delay_ms = [50, 100] }

    [[fault]]
    name = "kill"
    shape = "its-node"
    trigger = "after 3rd vote-granted"      # in place of times

It is read strictly: an error says what was read, what was expected, and where.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.fault import Fault, FaultSyntaxError
from harness.faults.action import FIGURE_MAX, FIGURES
from harness.faults.grammar import parse, suggestion
from harness.faults.mix import Bounds, Entry, Mix, Moment, Phase

SUFFIX: Final = ".toml"
BYTES_MAX: Final = 1 << 16
FAULTS_MAX: Final = 100
PHASES_MAX: Final = 50
RATE_MAX_PER_MIN: Final = 600.0
SECONDS_MAX: Final = 86_400.0
FACTOR_MAX: Final = 1000.0

FAULT_KEYS: Final = ("name", "shape", "rate", "at", "every", "duration", "overlaps", "phases", "amount", "trigger")
PHASE_KEYS: Final = ("name", "from", "until", "factor")
TIMES: Final = ("rate", "at", "every", "trigger")
DURATION_S: Final = (1.0, 3.0)
_LIMITS: Final = {"probability": (0.0, 1.0), "share": (0.001, 1.0), "offset_ms": (-FIGURE_MAX, FIGURE_MAX)}
"""What figures may be, where that is not anything from 0 on."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Words:
    """What the texts of a file may speak of; None: anything."""

    faults: Mapping[str, Fault]
    events: Collection[str] | None = None
    operations: Collection[str] | None = None
    roles: Collection[str] | None = None


def is_file(text: str) -> bool:
    """Whether a ``--faults`` text names a file."""
    return text.strip().endswith(SUFFIX)


def read_file(text: str, words: Words) -> Mix:
    """The mix in the file of that name. Raises FaultSyntaxError."""
    path = Path(text.strip())
    try:
        with open(path, "rb") as stream:
            data = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise FaultSyntaxError(f"--faults: read nothing from {path} ({error.strerror}); expected a fault file; "
                               "examples/faults has some") from None  # fmt: skip
    if len(data) > BYTES_MAX:
        raise FaultSyntaxError(f"--faults {path}: read more than {BYTES_MAX} bytes; expected fewer; name fewer faults")
    try:
        return read_mix(data.decode("utf-8"), str(path), words)
    except UnicodeDecodeError:
        raise FaultSyntaxError(f"--faults {path}: read bytes that are no text; expected TOML, in UTF-8") from None


def read_mix(text: str, name: str, words: Words) -> Mix:
    """The mix in the text of a file; ``name`` is for errors. Raises FaultSyntaxError."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FaultSyntaxError(f"--faults {name}: read what is no TOML ({error}); expected [[fault]] tables") from None
    file, lines = f"--faults {name}", text.splitlines()
    top = _Table(data, file, "", (), ("fault", "phase"))
    tables = {kind: _tables(top, kind, most) for kind, most in (("fault", FAULTS_MAX), ("phase", PHASES_MAX))}
    if not tables["fault"]:
        raise top.wrong("fault", "nothing", "one [[fault]] or more")
    phases = tuple(
        _phase(_Table(table, file, "[[phase]]", lines, PHASE_KEYS, number))
        for number, table in enumerate(tables["phase"], 1)
    )
    named = list(dict.fromkeys(phase.name for phase in phases))
    entries = tuple(
        _entry(_Table(table, file, "[[fault]]", lines, FAULT_KEYS, number), named, words)
        for number, table in enumerate(tables["fault"], 1)
    )
    return Mix(entries, phases)


class _Table:
    """One table, and where it stands: the ``number``-th with that ``header``. ``keys`` are those it may have."""

    def __init__(
        self,
        data: Mapping[str, Any],
        file: str,
        header: str,
        lines: Sequence[str],
        keys: Sequence[str],
        number: int = 1,
    ) -> None:
        self.data, self._file, self._header, self._lines, self._number = data, file, header, lines, number
        for key in data:
            if key not in keys:
                raise self.wrong(key, "this key", f"one of {', '.join(keys)} ({suggestion(key, keys, 'no other')})")

    def place(self, key: str | None = None) -> str:
        name = self.data.get("name")
        title = f"{self._header} {self._number}" + (f" ({name[:40]})" if isinstance(name, str) else "")
        words = [self._file, self._line(key), title if self._header else "", key or ""]
        return ", ".join(word for word in words if word)

    def wrong(self, key: str, read: str, expected: str) -> FaultSyntaxError:
        return FaultSyntaxError(f"{self.place(key)}: read {read}; expected {expected}")

    def _line(self, key: str | None) -> str:
        """Where the key stands, or else the table; "" if that cannot be told."""
        starts = [i for i, line in enumerate(self._lines) if line.split("#")[0].strip() == self._header]
        if len(starts) < self._number:
            return ""
        begin = starts[self._number - 1]
        for number, line in enumerate(self._lines[begin + 1 :], begin + 2):
            if line.lstrip().startswith("[["):
                break
            if key is not None and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return f"line {number}"
        return f"line {begin + 1}"

    def text(self, key: str, default: str | None = None) -> str | None:
        value = self.data.get(key, default)
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= 300):
            raise self.wrong(key, _shown(value), "a text")
        return value

    def number(self, key: str, high: float, low: float = 0.0) -> float | None:
        return None if key not in self.data else self._number_in(key, self.data[key], low, high)

    def _number_in(self, key: str, value: Any, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise self.wrong(key, _shown(value), f"a number from {low:g} to {high:g}")
        return value

    def bounds(self, key: str, value: Any, low: float, high: float) -> Bounds:
        """A number, or a list of the least and the largest."""
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2:
            raise self.wrong(key, _shown(value), "a number, or the least and the largest: [1, 4]")
        least, most = (self._number_in(key, figure, low, high) for figure in pair)
        if least > most:
            raise self.wrong(key, _shown(value), "the smaller number first")
        return least, most

    def several(self, key: str) -> list[Any]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or len(value) > 1000:
            raise self.wrong(key, _shown(value), "a list")
        return value


def _tables(top: _Table, kind: str, most: int) -> list[dict[str, Any]]:
    tables = top.data.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables) or len(tables) > most:
        raise top.wrong(kind, _shown(tables), f"at most {most} tables, each headed by [[{kind}]]")
    return tables


def _phase(table: _Table) -> Phase:
    name = table.text("name")
    if name is None or not _NAME.fullmatch(name):
        raise table.wrong("name", _shown(name), "a name of letters, digits, _ and -")
    begin, end = _moment(table, "from", Moment(0.0, True)), _moment(table, "until", Moment(1.0, True))
    if begin.is_share == end.is_share and begin.value >= end.value:
        raise table.wrong("until", _shown(table.data.get("until", "100%")), "a time after that of from")
    factor = table.number("factor", FACTOR_MAX)
    return Phase(name, begin, end, 1.0 if factor is None else factor)


def _moment(table: _Table, key: str, default: Moment) -> Moment:
    value = table.data.get(key)
    if value is None:
        return default
    share = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if share is not None and float(share[1]) <= 100:
        return Moment(float(share[1]) / 100, True)
    if isinstance(value, str):
        raise table.wrong(key, _shown(value), "seconds (12.5) or a share of the run (50%)")
    return Moment(table.number(key, SECONDS_MAX) or 0.0)


def _entry(table: _Table, phases: Sequence[str], words: Words) -> Entry:
    times = [key for key in TIMES if key in table.data]
    if len(times) != 1:
        raise table.wrong(
            times[1] if times else "rate", " and ".join(times) or "no times", f"one of {', '.join(TIMES)}"
        )
    spec = _spec(table, words)
    return Entry(
        spec,
        duration_s=table.bounds("duration", table.data.get("duration", list(DURATION_S)), 0.05, SECONDS_MAX),
        at_s=_times(table),
        every_s=table.number("every", SECONDS_MAX, 0.1),
        rate_per_min=table.number("rate", RATE_MAX_PER_MIN, 0.001),
        overlaps=_switch(table, "overlaps"),
        phases=_phases(table, phases),
        amounts=_amounts(table),
        place=table.place(),
    )


def _spec(table: _Table, words: Words) -> Any:
    """What strikes, read as ``--faults`` reads it."""
    name, shape, trigger = table.text("name"), table.text("shape"), table.text("trigger")
    if name is None or not _NAME.fullmatch(name):
        raise table.wrong("name", _shown(name), "the name of a fault; `splitbrain list faults` has them")
    text = name if shape is None else f"{name}={shape}"
    if trigger is not None:
        text = f"{trigger.strip().removesuffix(':')}: {text}"
    key = "trigger" if trigger is not None else "name" if name not in words.faults else "shape"
    try:
        specs = parse(text, words.faults, words.events, words.operations, words.roles)
    except FaultSyntaxError as error:
        raise FaultSyntaxError(f"{table.place(key)}: {str(error).removeprefix('--faults: ')}") from None
    if len(specs) != 1 or (specs[0].trigger is None) != (trigger is None):
        raise table.wrong(key, repr(text[:100]), "one fault, without a comma, and its trigger under trigger")
    return specs[0]


def _times(table: _Table) -> tuple[float, ...]:
    times = table.several("at")
    if "at" in table.data and not times:
        raise table.wrong("at", "an empty list", "one time in seconds or more")
    return tuple(table.bounds("at", time_s, 0.0, SECONDS_MAX)[0] for time_s in times)


def _switch(table: _Table, key: str) -> bool:
    value = table.data.get(key, False)
    if not isinstance(value, bool):
        raise table.wrong(key, _shown(value), "true or false")
    return value


def _phases(table: _Table, known: Sequence[str]) -> tuple[str, ...]:
    names = table.several("phases")
    for name in names:
        if name not in known:
            raise table.wrong("phases", _shown(name), f"the name of a [[phase]]: {', '.join(known) or 'there is none'}")
    return tuple(names)


def _amounts(table: _Table) -> dict[str, Bounds]:
    amounts = table.data.get("amount", {})
    if not isinstance(amounts, dict):
        raise table.wrong("amount", _shown(amounts), "a table of figures: { delay_ms = 50 }")
    for name in amounts:
        if name not in FIGURES:
            raise table.wrong("amount", repr(name[:80]), f"one of {', '.join(FIGURES)}")
    return {
        name: table.bounds("amount", value, *_LIMITS.get(name, (0.0, FIGURE_MAX))) for name, value in amounts.items()
    }


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:100]

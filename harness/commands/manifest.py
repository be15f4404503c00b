"""``splitbrain check --manifest``: many histories against the verdicts that are known of them, over all cores."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from harness import catalog
from harness.commands import UsageError, complain
from harness.commands.judge import Answer, answered, of_ending
from harness.commands.limited import Limits, Progress, endings
from harness.commands.output import emit, printable
from harness.commands.question import Question
from harness.file import read_bounded
from harness.formats import FORMATS
from harness.result import EXIT_STATUS, Reason

COLUMNS: Final = ("path", "format", "datatype", "expect", "verdict")
TRANSACTIONS: Final = ("list-append", "rw-register", "txn")
"""What the datatype of a row about an isolation level may be, or nothing: the operations say it themselves."""
_VERDICTS: Final = {"true": True, "false": False}
_OPTIONS: Final = {"initial": "initial", "nil-read": "nil_reads"}  # what a checker calls them
_PROGRESS_S: Final = 1.0
_LISTED_MAX: Final = 20


_FOR_OTHERS: Final = re.compile(r"\[[\w?-]+\]")  # how another tool was run, as [linearizable-keys?]: no matter here


class UnsupportedRow(Exception):
    """A row that asks for what is not decided here; the text says what."""


@dataclass(frozen=True, slots=True)
class Row:
    """One history and what is known of it, as the manifest says it; ``line`` is the manifest's."""

    line: int
    path: str
    format: str
    datatype: str
    expect: str
    verdict: bool

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "line": self.line, "format": self.format, "datatype": self.datatype,
                "expect": self.expect, "verdict": self.verdict}  # fmt: skip


@dataclass(slots=True)
class Table:
    """What the rows have come to; each row with what was found of it."""

    agreements: list[dict[str, Any]] = field(default_factory=list)
    disagreements: list[dict[str, Any]] = field(default_factory=list)
    unknowns: list[dict[str, Any]] = field(default_factory=list)
    unsupported: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: Row, answer: Answer, seconds: float) -> None:
        """A file that cannot be read, though its format is one that we read, is no verdict: a disagreement."""
        data = answer.data
        known = {"seconds": round(seconds, 4), **{name: data[name] for name in ("method", "model") if name in data}}
        found = {**row.as_json(), "found": answer.valid, **known}
        if answer.valid is None:
            self.disagreements.append({**found, "error": data["error"]})
        elif answer.valid == "unknown":
            which = self.unsupported if data["reason"] == Reason.UNSUPPORTED else self.unknowns
            which.append({**found, "reason": data["reason"], "explanation": data["explanation"]})
        elif answer.valid is row.verdict:
            self.agreements.append(found)
        else:
            told = [anomaly["explanation"] for anomaly in data["anomalies"][:1]]
            self.disagreements.append({**found, "explanation": told[0] if told else None})

    def refuse(self, row: Row, why: str) -> None:
        self.unsupported.append({**row.as_json(), "found": None, "reason": str(Reason.UNSUPPORTED), "explanation": why})

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        lists = {"agreements": self.agreements, "disagreements": self.disagreements, "unknowns": self.unknowns,
                 "unsupported": self.unsupported}  # fmt: skip
        return {name: sorted(entries, key=lambda entry: int(entry["line"])) for name, entries in lists.items()}

    def counts(self) -> str:
        return ", ".join(f"{len(entries)} {name}" for name, entries in self.lists().items())

    @property
    def status(self) -> int:
        """Any disagreement is invalid; a row that nobody decided is not decided."""
        if self.disagreements:
            return EXIT_STATUS[False]
        return EXIT_STATUS["unknown" if self.unknowns or not self.agreements else True]


def run(path: Path, common: Question, limits: Limits, *, json: bool) -> int:
    """Check every row; ``common`` is what is asked of each. Raises :class:`UsageError` for what is no manifest."""
    began, table = monotonic(), Table()
    asked = list(_questions(path, common, table))
    for table_so_far, done in _check(asked, table, limits):
        complain(f"{done} of {len(asked)} histories: {table_so_far.counts()}")
    if json:
        emit({"manifest": str(path), **table.lists(), "seconds": round(monotonic() - began, 3)})
    else:
        print("\n".join(_lines(path, table, monotonic() - began)), flush=True)
    return table.status


def _questions(path: Path, common: Question, table: Table) -> Iterator[tuple[Row, Question]]:
    for row in read_manifest(path):
        try:
            yield row, question_of(row, path.parent, common)
        except UnsupportedRow as error:
            table.refuse(row, str(error))


def _check(asked: Sequence[tuple[Row, Question]], table: Table, limits: Limits) -> Iterator[tuple[Table, int]]:
    """Fill the table; tells of it now and then."""
    import checkers.linearizable  # noqa: F401 - once for all processes, which inherit it

    tasks = [partial(_task, question) for _, question in asked]
    done, told = 0, monotonic()
    for ending in endings(tasks, limits, os.cpu_count() or 1):
        if ending is not None:
            row, question = asked[ending.number]
            table.add(row, of_ending(row.path, ending, question), ending.seconds)
            done += 1
        if monotonic() - told > _PROGRESS_S and sys.stderr.isatty():
            told = monotonic()
            yield table, done


def _task(question: Question, progress: Progress) -> Mapping[str, Any]:
    return answered(str(question.path), lambda: question, progress).as_json()


def read_manifest(path: Path) -> list[Row]:
    """The rows of a manifest. Raises :class:`UsageError`, with the line, for what is none."""
    try:
        lines = [line.removesuffix("\r") for line in read_bounded(path).split("\n")]
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path}: read nothing ({what}); expected a manifest between tabs") from None
    names = lines[0].split("\t")
    if lacking := [name for name in COLUMNS if name not in names]:
        raise UsageError(f"{path}:1: read the columns {', '.join(names)[:200]!r}, without {', '.join(lacking)}; "
                         f"expected {', '.join(COLUMNS)}, between tabs")  # fmt: skip
    return [
        _row(path, number, dict(zip(names, line.split("\t"), strict=False)))
        for number, line in enumerate(lines[1:], 2)
        if line
    ]


def _row(path: Path, number: int, cells: Mapping[str, str]) -> Row:
    needed = [name for name in COLUMNS if name != "datatype" or cells.get("expect") not in catalog.LEVELS]
    if lacking := [name for name in needed if not cells.get(name)]:
        raise UsageError(f"{path}:{number}: read a line without {', '.join(lacking)}; expected a cell per column")
    if cells["verdict"] not in _VERDICTS:
        raise UsageError(f"{path}:{number}: read the verdict {cells['verdict'][:80]!r}; expected true or false")
    datatype = cells.get("datatype") or TRANSACTIONS[0]
    return Row(number, cells["path"], cells["format"], datatype, cells["expect"], _VERDICTS[cells["verdict"]])


def question_of(row: Row, folder: Path, common: Question) -> Question:
    """What a row asks. Raises :class:`UnsupportedRow` for what is not decided here."""
    model, *options = (word for word in row.datatype.split() if not _FOR_OTHERS.fullmatch(word))
    name = row.format.split("(")[0]  # after which a manifest may say what the columns are
    if name not in FORMATS:
        raise UnsupportedRow(f"the format {row.format[:80]} is not read")
    if row.expect not in catalog.PLUG_INS["checkers"]:
        known = catalog.alternatives(row.expect, tuple(catalog.PLUG_INS["checkers"]))
        raise UnsupportedRow(f"{row.expect[:80]} is not decided; expected {known}")
    if row.expect in catalog.LEVELS and model not in TRANSACTIONS:
        raise UnsupportedRow(f"{row.expect[:80]} of the datatype {model[:80]} is not decided; expected "
                             f"{' or '.join(TRANSACTIONS)}, or nothing")  # fmt: skip
    question = replace(common, path=folder / row.path, format=name, expect=row.expect)
    taken = catalog.options(row.expect)
    if unused := [option for option in options if _OPTIONS.get(option.partition("=")[0], "") not in taken]:
        raise UnsupportedRow(f"{row.expect[:80]} has no option {unused[0][:80]}")
    if "model" not in taken:
        return _with_options(question, options)
    if model not in catalog.names("models"):  # also the reader's own classes: a list of data must not run code
        raise UnsupportedRow(f"there is no model {model[:80]}")
    return _with_options(replace(question, model=model), options)


def _with_options(question: Question, options: Sequence[str]) -> Question:
    for option in options:
        name, _, value = option.partition("=")
        if name == "initial":
            question = replace(question, initial=initial_value(value))
        elif name == "nil-read" and value in ("value", "unknown"):
            question = replace(question, nil_reads=value)
        else:
            raise UnsupportedRow(f"there is no option {option[:80]}")
    return question


def initial_value(text: str) -> Any:
    """JSON; or the empty string as ``''``; or registers with their values, ``x:0,y:0``."""
    if text == "''":
        return ""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pairs = [pair.partition(":") for pair in text.split(",")]
    try:
        if all(colon for _, colon, _ in pairs):
            return {name: json.loads(value) for name, _, value in pairs}
    except (ValueError, RecursionError):
        pass  # told below, as what is no pair
    raise UnsupportedRow(f"the initial value {text[:80]} is neither JSON nor name:value,name:value")


def _lines(path: Path, table: Table, seconds: float) -> Iterator[str]:
    yield f"{printable(str(path))}: {table.counts()}, {seconds:.1f} s"
    for name, entries in table.lists().items():
        if name == "agreements" or not entries:
            continue
        yield f"\n{name}:"
        for entry in entries[:_LISTED_MAX]:
            why = entry.get("error") or entry.get("explanation") or ""
            yield f"  {printable(entry['path'])}: {_outcome(entry)}: {printable(why)[:300]}"
        if len(entries) > _LISTED_MAX:
            yield f"  ... and {len(entries) - _LISTED_MAX} more (--json has them all)"


def _outcome(entry: Mapping[str, Any]) -> str:
    words = {True: "valid", False: "invalid", "unknown": "unknown", None: "no verdict"}
    return f"{words[entry['found']]}, known to be {words[entry['verdict']]}"

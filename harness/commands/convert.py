"""``splitbrain convert``: a history in another format, and nothing of it lost: what was written is read again."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from harness.commands import UsageError, complain, one_of
from harness.commands.output import emit, printable
from harness.formats import FORMATS, NIL_READS, FormatError, Recording, edn_writer, jsonl, read_recording
from harness.formats.source import shown

_SUFFIXES: Final = {".jsonl": "jsonl", ".edn": "edn", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}
_EDN_NIL: Final = (
    "splitbrain: here a read of null says that the value was null; splitbrain reads it so from this file (its first "
    "line says it), but other readers of EDN may take nil for no information"
)

EXAMPLES: Final = """\
examples:
  splitbrain convert history.edn history.jsonl     Jepsen's own history in ours
  splitbrain convert store/latest history.edn      a run's history, for tools that read EDN
  splitbrain convert stack.log stack.jsonl         a log of Violin's
  splitbrain convert history.jsonl h.parquet       a table, for pandas, DuckDB and the like (needs pyarrow)

exit status: 0 converted, 254 wrong usage or input, 255 crash of splitbrain"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "convert",
        help="write a history in another format",
        description="Reads a history in any format that `check` reads, and writes it as JSON lines, EDN, or a table.",
        epilog=EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="IN|RUN_FOLDER", help="a history, or a run's folder")
    parser.add_argument(
        "target", type=Path, metavar="OUT", help="the file to write: .jsonl, .edn, .parquet, .arrow, or see --to"
    )
    parser.add_argument(
        "--to", type=one_of(_WRITERS), metavar="|".join(_WRITERS), help="OUT's format, whatever its name"
    )
    parser.add_argument("--format", type=one_of(("auto", *FORMATS)), metavar="FORMAT", default="auto",
                        help=f"IN's format: {', '.join(FORMATS)} (default: auto, by its content)")  # fmt: skip
    parser.add_argument("--independent", action="store_true",
                        help="every value is a pair [key, value], as jepsen.independent writes them")  # fmt: skip
    parser.add_argument("--replace", action="store_true", help="write over OUT if it is there")
    parser.add_argument("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Convert; 0. Raises :class:`UsageError`, and then OUT is as it was."""
    to = args.to or _format_of(args.target)
    source = args.source / "history.jsonl" if args.source.is_dir() else args.source
    recording = _read(source, args.format, independent=args.independent)
    if args.target.exists() and not args.replace:
        raise UsageError(f"read the target {args.target}, which is there; expected a new file, or --replace")
    _write(recording, to, args.target)
    if to == "edn" and nil_reads(recording) == "value":
        complain(_EDN_NIL)
    data = {"history": str(args.source), "format": recording.format, "written": str(args.target), "to": to,
            "lines": len(recording.history), "nil_reads": nil_reads(recording), "model": recording.model}  # fmt: skip
    if args.json:
        emit(data)
    else:
        print(f"{printable(str(args.target))}: {len(recording.history)} lines of {to}, from {recording.format}")
    return 0


def _format_of(target: Path) -> str:
    suffix = target.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(f"read the target {target}; expected a name that ends in {', '.join(_SUFFIXES)}, or --to")
    return _SUFFIXES[suffix]


def _read(path: Path, format_: str, *, independent: bool) -> Recording:
    try:
        return read_recording(path, format_, independent=independent)
    except FormatError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{path}: read nothing ({error.strerror}); expected a history or a run's folder") from None


def nil_reads(recording: Recording) -> str:
    """What a read of nil says in this file."""
    return recording.nil_reads or NIL_READS[recording.format]


def _write(recording: Recording, to: str, target: Path) -> None:
    """Write beside the target, read it again, and only then put it there."""
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        _WRITERS[to](recording, beside)
        _compare(recording, _read(beside, to, independent=False))
        beside.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: wrote nothing ({error.strerror}); expected a place for the file") from None
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _compare(recording: Recording, again: Recording) -> None:
    for index, (op, other) in enumerate(zip_longest(recording.history, again.history)):
        if op != other or _kinds(op and op.value) != _kinds(other and other.value):
            line = recording.lines[index] if index < len(recording.lines) else None
            raise UsageError(f"{recording.path}:{line}: read {shown(op and op.value)}, which {again.format} cannot say "
                             f"(it would become {shown(other and other.value)}); expected another format")  # fmt: skip
    assert (nil_reads(again), again.model) == (nil_reads(recording), recording.model), "the file says what it means"


def _kinds(value: Any) -> Any:
    """The types within a value: 1, 1.0 and True are equal to Python, and different to a checker."""
    if isinstance(value, list | tuple):
        return [_kinds(entry) for entry in value]
    if isinstance(value, dict):
        return {name: (type(name), _kinds(entry)) for name, entry in value.items()}
    return type(value)


def _write_text(lines: Iterator[str], path: Path) -> None:
    with open(path, "x", encoding="utf-8", errors="strict", newline="\n") as stream:
        stream.writelines(lines)


def _write_table(recording: Recording, format_: str, path: Path) -> None:
    from harness.formats import arrow, arrow_writer

    try:
        arrow_writer.write(recording, format_, nil_reads(recording), path)
    except ImportError:
        raise UsageError(f"a file that is {format_} needs {arrow.MISSING}") from None
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{recording.path}: read what {format_} cannot say ({error}); expected another format"
        ) from None


def _jsonl(recording: Recording) -> Iterator[str]:
    yield jsonl.header(nil_reads=nil_reads(recording), model=recording.model) + "\n"
    for op, line in zip(recording.history, recording.lines, strict=True):
        try:
            yield jsonl.dump(op) + "\n"
        except (ValueError, TypeError) as error:
            raise UsageError(f"{recording.path}:{line}: read {shown(op.value)}, which JSON cannot say ({error}); "
                             "expected another format") from None  # fmt: skip


def _edn(recording: Recording) -> Iterator[str]:
    says = f"nil-reads={nil_reads(recording)}" + (f" model={recording.model}" if recording.model else "")
    return edn_writer.write(recording, says)


_WRITERS: Final[Mapping[str, Callable[[Recording, Path], None]]] = {
    "jsonl": lambda recording, path: _write_text(_jsonl(recording), path),
    "edn": lambda recording, path: _write_text(_edn(recording), path),
    "parquet": lambda recording, path: _write_table(recording, "parquet", path),
    "arrow": lambda recording, path: _write_table(recording, "arrow", path),
}

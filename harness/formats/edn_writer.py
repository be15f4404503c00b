"""Writing Jepsen's EDN: one map per line, names as keywords, keys as ``jepsen.independent`` tuples.

The micro-operations of a transaction are named by keywords, too, ``[:append 3 1]``, so that Elle can be asked as well;
but not in a history that has such a name as a value as well, for the two would be taken for the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.formats.record import Recording
from harness.history import History, Op

TRANSACTION: Final = "txn"
_NAME: Final = re.compile(r"[A-Za-z*!_?<>=+-][A-Za-z0-9*!_?<>=+-]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def write(recording: Recording, says: str) -> Iterator[str]:
    """The lines of a file, with their line ends; the first one a comment with what the file ``says`` of itself."""
    yield f";; splitbrain {says}\n"
    named = not _ambiguous(recording.history)
    for op in recording.history:
        yield _operation(op, named) + "\n"


def _ambiguous(history: History) -> bool:
    """Whether the name of a micro-operation is a value, too."""
    names = {each[0] for op in history if op.f == TRANSACTION for each in _listed(op.value) if _is_named(each)}
    return bool(names) and any(not names.isdisjoint(_texts(op)) for op in history)


def _texts(op: Op) -> Iterator[str]:
    """All strings that are no micro-operation's name."""
    waiting: list[Any] = [op.key, op.error, op.session, op.node, op.extra]
    if op.f == TRANSACTION:
        waiting += [part for each in _listed(op.value) for part in (each[1:] if _is_named(each) else [each])]
    if op.f != TRANSACTION or not _listed(op.value):
        waiting.append(op.value)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]


def _operation(op: Op, named: bool) -> str:
    value = _transaction(op.value) if named and op.f == TRANSACTION else edn(op.value)
    if op.key is not None:
        value = f"#jepsen.independent/tuple [{edn(op.key)} {value}]"
    process = edn(op.process) if isinstance(op.process, int) else _name(op.process)
    fields = [("index", edn(op.index)), ("type", _name(op.type)), ("process", process), ("f", _name(op.f)),
              ("value", value)]  # fmt: skip
    if op.time >= 0:
        fields.append(("time", edn(op.time)))
    for name in ("error", "session", "node", "extra"):
        entry = getattr(op, name)
        if entry is not None:
            fields.append((name, edn(entry)))
    return "{" + ", ".join(f":{name} {text}" for name, text in fields) + "}"


def _transaction(value: Any) -> str:
    return "[" + " ".join(map(_micro_operation, value)) + "]" if isinstance(value, list | tuple) else edn(value)


def _micro_operation(value: Any) -> str:
    return "[" + " ".join([_name(value[0]), *map(edn, value[1:])]) + "]" if _is_named(value) else edn(value)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _is_named(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], str)


def _name(text: str) -> str:
    return f":{text}" if _NAME.fullmatch(text) else edn(text)


def edn(value: Any) -> str:
    """A value of a history in EDN."""
    if value is None:
        return "nil"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(edn, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{edn(name)} {edn(entry)}" for name, entry in value.items()) + "}"
    return json.dumps(value, allow_nan=False)

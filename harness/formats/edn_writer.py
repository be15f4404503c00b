"""Writing Jepsen's EDN: one map per line, names as keywords, keys as ``jepsen.independent`` tuples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from harness.formats.record import Recording
from harness.history import Op

_NAME: Final = re.compile(r"[A-Za-z*!_?<>=+-][A-Za-z0-9*!_?<>=+-]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def write(recording: Recording, says: str) -> Iterator[str]:
    """The lines of a file, with their line ends; the first one a comment with what the file ``says`` of itself."""
    yield f";; splitbrain {says}\n"
    for op in recording.history:
        yield _operation(op) + "\n"


def _operation(op: Op) -> str:
    value = edn(op.value)
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

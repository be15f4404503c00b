"""Which format a history is in, by its content: names of files lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harness.formats import edn, jepsen_log, jsonl
from harness.formats.source import FormatError, shown

LINES_MAX: Final = 1000  # a log may begin with other lines than operations
_JSON: Final = re.compile(r'\s*\{\s*(?:"|$)')
_EDN: Final = re.compile(r"\s*(?:;|#|\{\s*[:}]|[\[(][\s,]*(?:$|[{\])#;]))")
_JSON_ARRAY: Final = re.compile(r'\s*\[\s*\{\s*"')


def detect(head: Sequence[str], path: str) -> str:
    """The format of a file whose first lines (up to LINES_MAX of them) are ``head``. Raises :class:`FormatError`."""
    numbered = [(number, line) for number, line in enumerate(head, 1) if not line.isspace()]
    if not numbered:
        raise FormatError(path, None, "nothing: the file is empty", "a history")
    number, first = numbered[0]
    if _JSON_ARRAY.match(first):
        raise FormatError(path, number, "a JSON array", "one JSON object per line, as `jq -c '.[]'` makes of an array")
    if _JSON.match(first):
        return jsonl.FORMAT
    if _EDN.match(first):
        return edn.FORMAT
    if any(jepsen_log.OPERATION.search(line) for _, line in numbered):
        return jepsen_log.FORMAT
    raise FormatError(
        path,
        number,
        shown(first.strip()),
        "a history: JSON objects, EDN maps, or a log with lines such as `0 :invoke :read nil` (--format names one)",
    )

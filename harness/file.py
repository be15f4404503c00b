"""Reading files that anybody may have written: regular ones only, and no more of them than is sane."""

from __future__ import annotations

import errno
import json
import stat
from pathlib import Path
from typing import Any, Final

FILE_BYTES_MAX: Final = 64_000_000


def read_bounded(path: Path) -> str:
    """The text of a file. Raises OSError, also for what is no regular file (a pipe would let us wait for ever) or is
    longer than FILE_BYTES_MAX; UnicodeDecodeError, which is a ValueError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with open(path, "rb") as stream:
        data = stream.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise OSError(errno.EFBIG, f"it is longer than {FILE_BYTES_MAX:,} bytes", str(path))
    return data.decode("utf-8")


def read_json(path: Path) -> Any:
    """The JSON value in a file. Raises OSError as :func:`read_bounded` does, and ValueError."""
    try:
        return json.loads(read_bounded(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None

"""Packs a folder of this node into one compressed file, so that it can be fetched: what a node had on its disk.

What would exceed the bound is left out, the largest files first, and named: a run's data must not fill the memory that
the file lies in. Run as ``archive FOLDER TARGET BYTES_MAX``.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from typing import Final

FILES_MAX: Final = 20_000
NAMED_MAX: Final = 50


def main(arguments: Sequence[str]) -> None:
    """Prints {"files": how many are in it, "bytes": their size before compression, "left_out": names}."""
    folder, target, bytes_max = arguments[0], arguments[1], int(arguments[2])
    print(json.dumps(pack(folder, target, bytes_max)))


def pack(folder: str, target: str, bytes_max: int) -> dict[str, object]:
    """See :func:`main`. A file that changes or goes meanwhile is packed as it was found, or left out."""
    sizes = dict(_files(folder))
    left_out = []
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if sum(sizes.values()) <= bytes_max and len(sizes) <= FILES_MAX:
            break
        left_out.append(name)
        del sizes[name]
    packed = 0
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name in sorted(sizes):
            try:
                archive.add(os.path.join(folder, name), name, recursive=False)
                packed += 1
            except OSError:
                left_out.append(name)
    return {"files": packed, "bytes": sum(sizes.values()), "left_out": left_out[:NAMED_MAX]}


def _files(folder: str) -> Iterator[tuple[str, int]]:
    """Name within the folder and size of each regular file; no link is followed."""
    for parent, _, names in os.walk(folder, onerror=None):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, folder), os.lstat(path).st_size
